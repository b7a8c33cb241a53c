include tests/unit/local.mk
include tests/simulator/local.mk
include tests/fuzz/local.mk
include tests/bench/local.mk
