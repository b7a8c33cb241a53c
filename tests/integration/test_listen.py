"""A collector in client mode connects to the relay and is fed, with the guarantees of tcp and tls."""

import random
import shutil
import signal
import socket
import ssl
import subprocess
import threading

import pytest

from ports import HeldPort
from reader import Reader
from relay import wait_until

BOTH = pytest.mark.parametrize("transport", ["listen", "listen+tls"])


class Listening:
    """A relay that listens, and collectors for it."""

    def __init__(self, relay, held, directory, transport, authority, pair):
        self.relay, self.held, self.directory = relay, held, directory
        self.authority = authority
        self.options = relay.add_destination(
            "soc",
            transport=transport,
            address=f"localhost:{held.number}",
            allow=["127.0.0.1", "::1"],
            framing="lf",
            max_message_bytes="64K",
            settle="300ms",
        )
        if transport == "listen+tls":
            self.options.update(cert_file=str(pair.cert), key_file=str(pair.key))
        relay.add_feed("soc", poll="1s", look_back="48h", page_size=20)

    def reader(self, *pair):
        tls = [self.authority.cert, *pair] if "cert_file" in self.options else []
        return Reader(self.held.number, self.directory / "read", *tls)

    def listens(self):
        return self.held.listens()


@pytest.fixture
def listening(simulators, relays, started, authority, good_pair, tmp_path):
    """listening("listen", alerts=100): a simulator and what listens."""

    def make(transport, alerts=100, **simulated):
        simulator = simulators(tenants=2, alerts=alerts, **simulated)
        held = started(HeldPort())
        relay = relays(simulator, tenants=2)
        return simulator, Listening(relay, held, tmp_path, transport, authority, good_pair)

    return make


@BOTH
def test_a_collector_that_connects_is_fed(listening, started, transport):
    simulator, line = listening(transport)
    line.relay.start()
    wait_until(line.listens, "it listens before there is an alert")
    reader = started(line.reader()).start()
    line.relay.complete(simulator, reader.lines).check()
    # One at a time: another is refused.
    wait_until(lambda: not line.listens(), "it no longer listens")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", line.held.number))
    simulator.add_alerts(1, 10)
    line.relay.complete(simulator, reader.lines).check()
    assert line.relay.stop() == 0, line.relay.log()
    assert len(reader.connections()) == 1
    assert "warning" not in line.relay.log()


@BOTH
def test_a_collector_that_is_killed_again_and_again_loses_nothing(listening, started, transport):
    simulator, line = listening(transport, alerts=1500, trickle=1200)
    line.relay.start()
    reader = started(line.reader())
    moments = random.Random(11)
    pause = threading.Event()
    for kill in range(10):
        reader.start()
        had = len(reader.lines())
        wait_until(lambda: len(reader.lines()) > had, "alerts arrive again")
        pause.wait(moments.random() * 0.3)
        if kill % 3 == 0:  # with a full receive buffer that nobody reads, long enough to settle
            reader.send(signal.SIGSTOP)
            pause.wait(0.8)
        reader.kill()
    simulator.control("POST", "trickle", {"per_minute": 0})
    reader.start()
    result = line.relay.complete(simulator, reader.lines, seconds=120, cut=True)
    assert not result.unexpected
    assert len(reader.connections()) >= 10
    assert line.relay.stop() == 0, line.relay.log()


@pytest.mark.parametrize("program", ["openssl s_client", "socat", "socat tls"])
def test_programs_that_people_have(listening, authority, program, tmp_path):
    if program.startswith("socat") and not shutil.which("socat"):
        pytest.skip("no socat: package socat")
    simulator, line = listening("listen" if program == "socat" else "listen+tls")
    address = f"localhost:{line.held.number}"
    command = {
        "openssl s_client": ["openssl", "s_client", "-connect", address, "-CAfile", authority.cert]
        + ["-verify_return_error", "-quiet"],
        "socat": ["socat", "-u", f"TCP4:{address}", "-"],
        "socat tls": ["socat", "-u", f"OPENSSL:{address},cafile={authority.cert}", "-"],
    }[program]
    line.relay.start()
    wait_until(line.listens, "it listens")
    received = tmp_path / "received.log"
    with open(received, "wb") as out:
        client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, stderr=subprocess.DEVNULL)
    try:
        line.relay.complete(simulator, lambda: received.read_bytes().split(b"\n")[:-1]).check()
        assert line.relay.stop() == 0
        assert client.wait(20) == 0  # an end in order: close_notify and FIN
    finally:
        client.kill()
        client.wait()


def test_a_certificate_is_asked_for(listening, started, authority):
    simulator, line = listening("listen+tls")
    named, other = (
        authority.issue(name, name, client=True) for name in ("siem.example.net", "other.example.net")
    )
    del line.options["allow"]
    line.options.update(ca_file=str(authority.cert), tls_name="siem.example.net")
    line.relay.start()
    wait_until(line.listens, "it listens")
    nobody = started(line.reader()).start()
    wait_until(lambda: "peer did not return a certificate" in line.relay.log(), "it is turned away")
    nobody.kill()
    wrong = started(line.reader(other.cert, other.key)).start()
    wait_until(lambda: "ostname mismatch" in line.relay.log(), "it is turned away")
    wrong.kill()
    assert not nobody.lines()
    right = started(line.reader(named.cert, named.key)).start()
    line.relay.complete(simulator, right.lines).check()
    assert line.relay.stop() == 0
    # Each reason once, however often they came.
    assert line.relay.log().count("was turned away") == 2, line.relay.log()


def test_who_is_not_allowed_gets_nothing(listening, started):
    simulator, line = listening("listen")
    line.options["allow"] = ["127.0.0.128/25", "2001:db8::/32"]
    line.relay.start()
    wait_until(line.listens, "it listens")
    with socket.create_connection(("127.0.0.1", line.held.number)) as stream:
        stream.settimeout(20)
        assert stream.recv(1) == b""
    with socket.create_connection(
        ("127.0.0.1", line.held.number), source_address=("127.0.0.200", 0)
    ) as stream:
        stream.settimeout(20)
        assert stream.recv(1) == b"<"
    assert line.relay.log().count("its address is not in allow") == 1
    line.relay.stop()


def test_a_client_that_says_nothing_does_not_keep_others_out(listening, started):
    simulator, line = listening("listen+tls")
    line.options["connect_timeout"] = "500ms"
    line.relay.start()
    wait_until(line.listens, "it listens")
    with socket.create_connection(("127.0.0.1", line.held.number)):
        reader = started(line.reader()).start()
        line.relay.complete(simulator, reader.lines).check()
    assert "no TLS handshake within 500 ms" in line.relay.log()
    assert line.relay.stop() == 0


def test_a_port_that_is_taken_is_tried_again(listening, started):
    simulator, line = listening("listen")
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", line.held.number))
        other.listen()
        line.options["address"] = f"127.0.0.1:{line.held.number}"
        line.relay.start()
        wait_until(lambda: "Address already in use" in line.relay.log(), "it is said")
    reader = started(line.reader()).start()
    line.relay.complete(simulator, reader.lines).check()
    assert line.relay.stop() == 0
    assert line.relay.log().count("Address already in use") == 1


def test_a_renewed_certificate_needs_no_restart(listening, started, authority):
    simulator, line = listening("listen+tls")
    pair = authority.issue("renewed", "localhost")
    line.options.update(cert_file=str(pair.cert), key_file=str(pair.key))
    line.relay.start()
    wait_until(line.listens, "it listens")
    before = authority.issue("newer", "localhost")
    shutil.copy(before.key, pair.key)
    shutil.copy(before.cert, pair.cert)
    context = ssl.create_default_context(cafile=authority.cert)
    with socket.create_connection(("127.0.0.1", line.held.number)) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as stream:
            seen = stream.getpeercert(binary_form=True)
    assert ssl.DER_cert_to_PEM_cert(seen).strip() in before.cert.read_text()
    line.relay.stop()
