/* carrier_file.c - a file that grows, or standard output.
 *
 * Confirmed means: written, and for a regular file synced, once per batch. A message that was torn by
 * a full disk is cut off again; what cannot be written waits and is tried again. A file is given up for
 * another only between two messages: when it was moved away (logrotate), when the owner asks, or when
 * it has reached its size or time. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/strbuf.h"
#include "deliver/carrier.h"
#include "deliver/rotate.h"

#define BATCH 65536
#define FLUSH_MAXIMUM 1048576
/* A pipe whose reader is gone does not wake the loop; so look. */
#define BLOCKED_MS 100

struct file {
	struct carrier carrier;
	int fd;
	bool standard_output, regular;
	bool torn; /* a part of a message stands at the end and could not be cut off */
	bool blocked;
	struct loop_watch room;
	struct loop_timer retry;
	uint64_t written; /* octets of the queue that are in the file */
	const char *batch; /* whole messages, being written */
	size_t batch_n, batch_at;
	uint64_t size; /* of a file that rotates, before this batch */
	bool cannot_rotate; /* and this was said */
};

static const char *path_of(const struct file *file)
{
	return file->standard_output ? "stdout" : file->carrier.options->path;
}

static void file_shut(struct file *file)
{
	loop_watch_remove(file->carrier.loop, &file->room);
	file->blocked = false;
	if (file->fd >= 0 && !file->standard_output)
		close(file->fd);
	file->fd = -1;
}

/* True when another file, or none, has the name by now. */
static bool was_moved(const struct file *file)
{
	struct stat named, open_now;

	if (file->standard_output || !file->regular)
		return false;
	return stat(path_of(file), &named) != 0 || fstat(file->fd, &open_now) != 0 ||
	       named.st_ino != open_now.st_ino || named.st_dev != open_now.st_dev;
}

static bool between_messages(const struct file *file)
{
	return file->batch_at == file->batch_n;
}

/* A relay that was killed while it wrote has left a part of a line, which must not become the
 * beginning of the next. */
static bool ends_in_line(const char *path, off_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char last = '\n';
	bool read_it = fd >= 0 && pread(fd, &last, 1, size - 1) == 1;

	if (fd >= 0)
		close(fd);
	return read_it && last != '\n';
}

static void look_at(struct file *file, const struct stat *info)
{
	file->regular = S_ISREG(info->st_mode);
	file->room.fd = file->fd;
	if (!file->standard_output)
		file->torn = file->regular && info->st_size &&
			     file->carrier.options->framing == FRAMING_LF &&
			     ends_in_line(path_of(file), info->st_size);
}

static enum rc file_open(struct file *file, struct error *err)
{
	struct stat info;

	if (file->fd >= 0 && between_messages(file) &&
		(file->carrier.reopen || was_moved(file)))
		file_shut(file);
	if (file->fd >= 0)
		return RC_OK;
	if (file->standard_output) {
		file->fd = STDOUT_FILENO;
	} else {
		int flags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

		file->fd = open(path_of(file), flags);
		if (file->fd < 0 && errno == ENOENT) {
			file->fd = open(path_of(file), flags | O_CREAT, 0640);
			if (file->fd >= 0)
				rotate_sync_directory(path_of(file));
		}
	}
	if (file->fd < 0 || fstat(file->fd, &info) != 0)
		return error_set(err, RC_IO, "cannot open %s: %s", path_of(file),
			strerror(errno));
	look_at(file, &info);
	file->carrier.reopen = false;
	if (!file->carrier.state->connected)
		file->carrier.state->connects++;
	file->carrier.state->connected = true;
	snprintf(file->carrier.state->address, sizeof(file->carrier.state->address),
		"%s", path_of(file));
	return RC_OK;
}

/* Cuts a part of a message off again, so that the file holds whole ones. */
static void cut_torn(struct file *file)
{
	uint64_t torn =
		file->written - send_queue_whole(file->carrier.queue, file->written);
	struct stat info;

	if (!torn)
		return;
	file->torn = true;
	if (file->regular && fstat(file->fd, &info) == 0 &&
		(uint64_t)info.st_size >= torn &&
		ftruncate(file->fd, info.st_size - (off_t)torn) == 0)
		file->torn = false;
}

/* Everything wholly written is synced and then confirmed. */
static enum rc settle(struct file *file, struct error *err)
{
	struct carrier *carrier = &file->carrier;
	int64_t now = loop_now_ms(carrier->loop);

	send_queue_handed(carrier->queue, file->written, 0);
	if (!send_queue_unacknowledged(carrier->queue))
		return RC_OK;
	if (file->regular && fdatasync(file->fd) != 0)
		return error_set(err, RC_IO, "cannot sync %s: %s", path_of(file),
			strerror(errno));
	send_queue_acknowledged(carrier->queue, 0, now);
	carrier_works(carrier, 0, path_of(file));
	carrier_confirm(carrier, now);
	send_queue_trim(carrier->queue, 0);
	return RC_OK;
}

/* What was written and synced is confirmed; all else is queued again and waits. */
static void file_fail(struct file *file, const struct error *err)
{
	struct carrier *carrier = &file->carrier;
	struct error sync_err;

	if (file->fd >= 0) {
		cut_torn(file);
		if (settle(file, &sync_err) != RC_OK)
			err = &sync_err;
	}
	carrier_rewind(carrier, false);
	carrier->state->breaks += carrier->state->connected;
	file->written = 0;
	file->batch_n = file->batch_at = 0;
	file_shut(file);
	carrier_trouble(carrier, 0, path_of(file), err);
	loop_timer_set(carrier->loop, &file->retry, carrier_retry_at_ms(carrier));
}

/* One write that does not block: a pipe with room takes PIPE_BUF octets at once. */
static ssize_t write_some(struct file *file, const char *p, size_t n)
{
	ssize_t done;

	if (!file->regular) {
		struct pollfd room = {.fd = file->fd, .events = POLLOUT};

		if (poll(&room, 1, 0) == 0) {
			errno = EAGAIN;
			return -1;
		}
		if (room.revents & POLLERR && !(room.revents & POLLOUT)) {
			errno = EPIPE;
			return -1;
		}
		if (n > PIPE_BUF)
			n = PIPE_BUF;
	}
	do
		done = write(file->fd, p, n);
	while (done < 0 && errno == EINTR);
	return done;
}

static void wait_for_room(struct file *file)
{
	struct carrier *carrier = &file->carrier;

	file->blocked = true;
	loop_watch_add(carrier->loop, &file->room);
	loop_timer_set(
		carrier->loop, &file->retry, loop_now_ms(carrier->loop) + BLOCKED_MS);
}

static enum rc end_torn_line(struct file *file, struct error *err)
{
	if (!file->torn || file->carrier.options->framing != FRAMING_LF ||
		!file->carrier.queue->waiting)
		return RC_OK;
	if (write_some(file, "\n", 1) != 1)
		return error_set(err, RC_IO, "cannot write to %s: %s", path_of(file),
			strerror(errno));
	file->torn = false;
	return RC_OK;
}

/* Whether the next message belongs into another file. */
static bool is_due(struct file *file)
{
	const struct destination_options *options = file->carrier.options;
	int64_t now = clock_wall(loop_clock(file->carrier.loop)) / TICKS_PER_S;
	int64_t every = options->rotate_every_ms / 1000;
	struct stat info;

	if (!file->regular || (!options->rotate_bytes && !every) ||
		fstat(file->fd, &info) != 0)
		return false;
	file->size = (uint64_t)info.st_size;
	if (!file->size)
		return false;
	if (options->rotate_bytes && file->size + send_queue_next(file->carrier.queue) >
					     options->rotate_bytes)
		return true;
	return every && info.st_mtim.tv_sec / every != now / every;
}

/* What is in the file is confirmed before it gets its other name. When it cannot get one it grows on:
 * that is better than alerts that wait. */
static enum rc begin_another(struct file *file, struct error *err)
{
	const struct destination_options *options = file->carrier.options;
	char reason[700];
	enum rc rc = settle(file, err);

	if (rc != RC_OK)
		return rc;
	if (rotate_file(path_of(file), clock_wall(loop_clock(file->carrier.loop)),
		    options->keep, err) == RC_OK) {
		file->cannot_rotate = false;
		file_shut(file);
		file->size = 0;
		return file_open(file, err);
	}
	if (!file->cannot_rotate)
		log_write(LOG_WARNING,
			"cannot begin a new file; the old one is written on",
			"destination=%s reason=%s", options->name,
			log_quote(
				reason, sizeof(reason), err->text, strlen(err->text)));
	file->cannot_rotate = true;
	return RC_OK;
}

static size_t batch_room(const struct file *file)
{
	uint64_t most = file->carrier.options->rotate_bytes;

	if (!most || file->size + BATCH <= most || file->cannot_rotate)
		return BATCH;
	return file->size < most ? (size_t)(most - file->size) : 0;
}

static enum rc write_all(struct file *file, struct error *err)
{
	struct carrier *carrier = &file->carrier;

	for (size_t written = 0; written < FLUSH_MAXIMUM;) {
		ssize_t done;

		if (between_messages(file)) {
			if (!carrier->queue->waiting)
				return RC_OK;
			if (is_due(file)) {
				enum rc rc = begin_another(file, err);

				if (rc != RC_OK)
					return rc;
			}
			file->batch_at = 0;
			file->batch_n = send_queue_take_whole(
				carrier->queue, &file->batch, batch_room(file));
		}
		done = write_some(file, file->batch + file->batch_at,
			file->batch_n - file->batch_at);
		if (done < 0 && errno == EAGAIN) {
			wait_for_room(file);
			return RC_OK;
		}
		if (done <= 0)
			return error_set(err, RC_IO, "cannot write to %s: %s",
				path_of(file),
				done < 0 ? strerror(errno) : "nothing was taken");
		file->batch_at += (size_t)done;
		file->written += (uint64_t)done;
		written += (size_t)done;
		carrier->state->wire_bytes += (uint64_t)done;
	}
	loop_defer(carrier->loop, carrier->flush_call);
	return RC_OK;
}

static void file_flush(struct carrier *carrier)
{
	struct file *file = CONTAINER_OF(carrier, struct file, carrier);
	struct error err;
	enum rc rc;

	if (loop_timer_is_set(&file->retry))
		return;
	if (file->fd < 0 && !carrier->queue->waiting) {
		carrier->reopen = false;
		return;
	}
	rc = file_open(file, &err);
	if (rc == RC_OK)
		rc = end_torn_line(file, &err);
	if (rc == RC_OK)
		rc = write_all(file, &err);
	if (rc == RC_OK)
		rc = settle(file, &err);
	if (rc != RC_OK)
		file_fail(file, &err);
}

static void go_on(struct file *file)
{
	loop_timer_stop(file->carrier.loop, &file->retry);
	loop_watch_remove(file->carrier.loop, &file->room);
	file->blocked = false;
	if (file->carrier.queue->waiting || file->batch_at < file->batch_n)
		file_flush(&file->carrier);
}

static void on_retry(struct loop_timer *timer)
{
	go_on(CONTAINER_OF(timer, struct file, retry));
}

static void on_room(struct loop_watch *watch, short revents)
{
	(void)revents;
	go_on(CONTAINER_OF(watch, struct file, room));
}

static void file_free(struct carrier *carrier)
{
	struct file *file = CONTAINER_OF(carrier, struct file, carrier);

	file_shut(file);
	loop_timer_stop(carrier->loop, &file->retry);
	free(file);
}

static void file_start(struct carrier *carrier)
{
	struct file *file = CONTAINER_OF(carrier, struct file, carrier);

	file->standard_output = carrier->options->transport == TRANSPORT_STDOUT;
}

struct carrier *carrier_file_new(void)
{
	static const struct carrier_type type = {
		file_start, file_flush, NULL, file_free};
	struct file *file = xcalloc(1, sizeof(*file));

	file->carrier.type = &type;
	file->fd = -1;
	file->retry.fire = on_retry;
	file->room.events = CURL_WAIT_POLLOUT;
	file->room.ready = on_room;
	return &file->carrier;
}
