include tests/unit/local.mk
include tests/simulator/local.mk
include tests/fuzz/local.mk
include tests/bench/local.mk
EXTRA_DIST += .ci/run tests/run tests/golden tests/integration tests/package tests/samples

# Whole directories bring what Python and pytest leave in them.
dist-hook:
	find $(distdir) -name __pycache__ -prune -exec rm -rf {} +
