/* cert.h - a certificate authority and a server certificate for localhost.
 *
 * Purpose:  tests verify the server as they would Microsoft's.
 * Owner:    files in a directory: ca.pem, server.pem, server.key (mode 0600).
 * Errors:   said on stderr, then false.   Threads: none.
 * Tests:    integration/test_simulator.py */
#ifndef SIMULATOR_CERT_H
#define SIMULATOR_CERT_H

#include <stdbool.h>

bool cert_make(const char *dir);

#endif
