# libFuzzer targets, built with --enable-fuzzers.
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_page
tests_fuzz_fuzz_page_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_page_LDADD = libconnector.la

noinst_PROGRAMS += tests/fuzz/fuzz_format
tests_fuzz_fuzz_format_SOURCES = tests/fuzz/fuzz_format.c \
	tests/fuzz/check_message.c \
	tests/fuzz/check_message.h \
	tests/fuzz/random_alert.c \
	tests/fuzz/random_alert.h \
	tests/unit/cef_reader.c \
	tests/unit/cef_reader.h
tests_fuzz_fuzz_format_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_format_LDADD = libformats.la $(YAJL_LIBS)

noinst_PROGRAMS += tests/fuzz/fuzz_config
tests_fuzz_fuzz_config_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_config_LDADD = libconnector.la
endif
