# The whole program with a simulated vendor and a real rsyslog; see tests/run.
EXTRA_DIST += \
	tests/integration/certs.py \
	tests/integration/conftest.py \
	tests/integration/received.py \
	tests/integration/relay.py \
	tests/integration/rsyslog.py \
	tests/integration/simulator.py \
	tests/integration/test_answers.py \
	tests/integration/test_collector.py \
	tests/integration/test_commands.py \
	tests/integration/test_crash.py \
	tests/integration/test_http2.py \
	tests/integration/test_line.py \
	tests/integration/test_pages.py \
	tests/integration/test_received.py \
	tests/integration/test_simulator.py \
	tests/integration/test_state.py \
	tests/integration/test_tls.py
