# Benchmarks: commands that print figures, never timed tests.
EXTRA_PROGRAMS += tests/bench/bench_parse
tests_bench_bench_parse_LDADD = libconnector.la

EXTRA_PROGRAMS += tests/bench/bench_store
tests_bench_bench_store_LDADD = libconnector.la
