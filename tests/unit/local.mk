# One program per module; cmocka prints TAP.
if UNIT_TESTS
unit_tests = tests/unit/test_base
unit_tests += tests/unit/test_escape tests/unit/test_cef tests/unit/test_json
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
UNIT_LIBS = libconnector.la libformats.la $(CMOCKA_LIBS)
tests_unit_test_base_LDADD = $(UNIT_LIBS)

# formats/ stands alone, so its tests link it alone.
FORMAT_TEST_LIBS = libformats.la $(YAJL_LIBS) $(CMOCKA_LIBS)
FORMAT_CHECK = \
	tests/fuzz/check_message.c \
	tests/fuzz/check_message.h \
	tests/fuzz/random_alert.c \
	tests/fuzz/random_alert.h \
	tests/unit/cef_reader.c \
	tests/unit/cef_reader.h
tests_unit_test_escape_SOURCES = tests/unit/test_escape.c \
	tests/unit/cef_reader.c tests/unit/cef_reader.h
tests_unit_test_escape_LDADD = $(FORMAT_TEST_LIBS)
tests_unit_test_cef_SOURCES = tests/unit/test_cef.c $(FORMAT_CHECK)
tests_unit_test_cef_LDADD = $(FORMAT_TEST_LIBS)
tests_unit_test_json_SOURCES = tests/unit/test_json.c $(FORMAT_CHECK)
tests_unit_test_json_LDADD = $(FORMAT_TEST_LIBS)
endif

EXTRA_DIST += tests/golden/README.md
