# Benchmarks: commands that print figures, never timed tests.
EXTRA_PROGRAMS += tests/bench/bench_parse
tests_bench_bench_parse_LDADD = libconnector.la

EXTRA_PROGRAMS += tests/bench/bench_store
tests_bench_bench_store_LDADD = libconnector.la

# Its own server needs GnuTLS.
if SIMULATOR
EXTRA_PROGRAMS += tests/bench/bench_http
tests_bench_bench_http_SOURCES = tests/bench/bench_http.c tests/unit/server.c tests/unit/server.h
tests_bench_bench_http_CFLAGS = $(AM_CFLAGS) $(GNUTLS_CFLAGS)
tests_bench_bench_http_LDADD = libconnector.la $(GNUTLS_LIBS) -lpthread
endif
