# The feed against a scripted vendor, in a time that the test moves.
if UNIT_TESTS
check_PROGRAMS += tests/replay/test_feed
TESTS += tests/replay/test_feed
tests_replay_test_feed_SOURCES = tests/replay/test_feed.c tests/replay/vendor.c tests/replay/vendor.h
tests_replay_test_feed_LDADD = $(UNIT_LIBS)
endif
