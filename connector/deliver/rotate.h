/* rotate.h - a file gets another name, and the oldest of those names go.
 *
 * Purpose:  PATH becomes PATH.20260105T094740Z, the moment in UTC, so that names sort by age; within
 *           one second PATH.20260105T094740Z-000001 and so on. Nothing is ever written over: there
 *           is one writer of a file.
 * Durable:  the directory is synced; a crash leaves the file under one of the two names.
 * Errors:   RC_IO, and then PATH is as it was.   Bounds: no memory but for one name.
 * Tests:    unit/test_carrier_file.c */
#ifndef DELIVER_ROTATE_H
#define DELIVER_ROTATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* wall_ticks: now. keep: how many files with such names stay, 0: all. */
NODISCARD enum rc rotate_file(
	const char *path, int64_t wall_ticks, unsigned keep, struct error *err);

/* What was made or renamed in the directory of this path outlives a crash. */
void rotate_sync_directory(const char *path);

#endif
