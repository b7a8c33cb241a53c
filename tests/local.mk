include tests/unit/local.mk
include tests/simulator/local.mk
include tests/fuzz/local.mk
include tests/bench/local.mk
include tests/integration/local.mk
EXTRA_DIST += .ci/run tests/run tests/package/test_package.py
