# libFuzzer targets, built with --enable-fuzzers.
