# One program per module; cmocka prints TAP.
if UNIT_TESTS
unit_tests = tests/unit/test_base
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
UNIT_LIBS = libconnector.la $(CMOCKA_LIBS)
tests_unit_test_base_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_store
TESTS += tests/unit/test_store
tests_unit_test_store_LDADD = $(UNIT_LIBS)
# Tests that talk to a server of their own, whose TLS is GnuTLS like the simulator's.
if SIMULATOR
unit_tests += tests/unit/test_http
SERVER_FILES = tests/unit/server.c tests/unit/server.h
SERVER_LIBS = $(UNIT_LIBS) $(GNUTLS_LIBS) -lpthread -lz
tests_unit_test_http_SOURCES = tests/unit/test_http.c $(SERVER_FILES)
tests_unit_test_http_CFLAGS = $(AM_CFLAGS) $(GNUTLS_CFLAGS)
tests_unit_test_http_LDADD = $(SERVER_LIBS)
endif
endif
