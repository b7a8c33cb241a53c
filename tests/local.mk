# Messages of the formatters and what judges them: for unit tests and for the fuzzer.
FORMAT_CHECK = \
	tests/fuzz/check_document.c \
	tests/fuzz/check_message.c \
	tests/fuzz/check_message.h \
	tests/fuzz/random_alert.c \
	tests/fuzz/random_alert.h \
	tests/unit/cef_reader.c \
	tests/unit/cef_reader.h \
	tests/unit/leef_reader.c \
	tests/unit/leef_reader.h

include tests/unit/local.mk
include tests/replay/local.mk
include tests/simulator/local.mk
include tests/fuzz/local.mk
include tests/bench/local.mk
EXTRA_DIST += .ci/run tests/run tests/unpack tests/golden tests/integration tests/package tests/samples tests/soak

# Whole directories bring what Python and pytest leave in them.
dist-hook:
	find $(distdir) -name __pycache__ -prune -exec rm -rf {} +
