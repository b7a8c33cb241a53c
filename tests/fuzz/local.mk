# libFuzzer targets, built with --enable-fuzzers.
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_page
tests_fuzz_fuzz_page_SOURCES = tests/fuzz/fuzz_page.c tests/fuzz/pieces.h $(FORMAT_CHECK)
tests_fuzz_fuzz_page_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_page_LDADD = libconnector.la

noinst_PROGRAMS += tests/fuzz/fuzz_format
tests_fuzz_fuzz_format_SOURCES = tests/fuzz/fuzz_format.c $(FORMAT_CHECK)
tests_fuzz_fuzz_format_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_format_LDADD = libformats.la $(YAJL_LIBS)

noinst_PROGRAMS += tests/fuzz/fuzz_fields
tests_fuzz_fuzz_fields_SOURCES = tests/fuzz/fuzz_fields.c tests/fuzz/check_fields.c \
	tests/fuzz/check_fields.h $(FORMAT_CHECK)
tests_fuzz_fuzz_fields_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_fields_LDADD = libconnector.la

noinst_PROGRAMS += tests/fuzz/fuzz_gunzip
tests_fuzz_fuzz_gunzip_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_gunzip_LDADD = libconnector.la

noinst_PROGRAMS += tests/fuzz/fuzz_config
tests_fuzz_fuzz_config_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_config_LDADD = libconnector.la

noinst_PROGRAMS += tests/fuzz/fuzz_relp
tests_fuzz_fuzz_relp_SOURCES = tests/fuzz/fuzz_relp.c tests/fuzz/pieces.h
tests_fuzz_fuzz_relp_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_relp_LDADD = libconnector.la
endif
