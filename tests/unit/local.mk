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
endif
