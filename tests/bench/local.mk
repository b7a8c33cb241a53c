# Benchmarks: commands that print figures, never timed tests.
BENCH_PAGE = tests/bench/page.c tests/bench/page.h

EXTRA_PROGRAMS += tests/bench/bench_parse
tests_bench_bench_parse_SOURCES = tests/bench/bench_parse.c $(BENCH_PAGE)
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

# What tests/bench/run measures with; an integration test runs it too.
check_PROGRAMS += tests/bench/bench_pipeline
tests_bench_bench_pipeline_SOURCES = tests/bench/bench_pipeline.c $(BENCH_PAGE)
tests_bench_bench_pipeline_LDADD = libconnector.la

check_PROGRAMS += tests/bench/bench_format
tests_bench_bench_format_SOURCES = tests/bench/bench_format.c $(BENCH_PAGE)
tests_bench_bench_format_LDADD = libconnector.la

check_PROGRAMS += tests/bench/sink
tests_bench_sink_CFLAGS = $(AM_CFLAGS) $(SSL_CFLAGS)
tests_bench_sink_LDADD = $(SSL_LIBS) $(CRYPTO_LIBS) -lpthread

check_PROGRAMS += tests/bench/bench_wire
tests_bench_bench_wire_CFLAGS = $(AM_CFLAGS) $(SSL_CFLAGS)
tests_bench_bench_wire_LDADD = $(SSL_LIBS) $(CRYPTO_LIBS)

EXTRA_DIST += tests/bench/run tests/bench/scale

bench: alertrelay$(EXEEXT) tests/simulator/simulator$(EXEEXT) tests/bench/bench_pipeline$(EXEEXT) \
		tests/bench/bench_format$(EXEEXT) tests/bench/bench_wire$(EXEEXT) \
		tests/bench/sink$(EXEEXT)
	BUILD_DIR='$(abs_builddir)' $(srcdir)/tests/bench/run

.PHONY: bench
