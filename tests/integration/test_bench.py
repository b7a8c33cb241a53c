"""The benchmark runs, and what it measures beside is what it says. Its figures are no test."""

import re
import socket
import subprocess
from pathlib import Path

import pytest

from received import read_frames
from relay import BUILD_DIR
from relp_server import RelpServer

TESTS = Path(__file__).resolve().parent.parent
BENCH = BUILD_DIR / "tests" / "bench"
WINDOW = 1000
MESSAGES = [b"<134>1 - - - - - - %d " % n + b"x" * (n % 1000) for n in range(2500)]


@pytest.fixture
def wire(tmp_path):
    """MESSAGES, octet-counted."""
    file = tmp_path / "wire"
    file.write_bytes(b"".join(b"%d %s" % (len(message), message) for message in MESSAGES))
    return file


def send_bare(transport, to, wire):
    result = subprocess.run(
        [BENCH / "bench_wire", transport, str(to), wire], capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stderr
    assert re.fullmatch(r"\d+\.\d{6} \d+\.\d{6}\n", result.stdout)


def test_each_part_runs_and_prints_its_rows():
    result = subprocess.run(
        [TESTS / "bench/run", "--alerts", "300", "--rounds", "1"]
        + ["--only", "parse", "formats", "file", "transports", "relay"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    for transport in "file", "tcp", "tls", "listen", "listen+tls", "udp", "relp", "relp+tls":
        row = re.escape(transport) + r": replay beside a bare loop, CPU; wall +\d+\.\d; \d+\.\d +"
        assert re.search(f"^{row}$", result.stdout, re.M), result.stdout
    assert result.stdout.count("delivery alone") == 8
    assert re.search(r"of 300 datagrams arrived: replay [1-9]\d*, bare [1-9]", result.stdout)
    assert len(re.findall(r"^page octets .* Y +1\.\d Y$", result.stdout, re.M)) == 6
    assert len(re.findall(r"^file -> .* Y +1\.\d Y$", result.stdout, re.M)) == 3
    assert len(re.findall(r"^simulator over HTTPS .* Y +\d\.\d Y$", result.stdout, re.M)) == 2


def test_the_bare_loop_of_relp_is_a_client_that_a_strict_server_takes(started, wire):
    def answer_all(session):
        """When nothing more comes, and not before the window can be full."""
        if len(session.messages) >= WINDOW:
            for place, at in enumerate(session.answered):
                if at is None:
                    session.answer(place)

    server = started(RelpServer(take=lambda session, place: None, idle=answer_all)).start()
    send_bare("relp", server.held.number, wire)
    assert server.lines() == MESSAGES
    (session,) = server.sessions
    assert not server.wrong and session.closed and session.unanswered_most == WINDOW


def test_the_bare_loop_of_udp_sends_each_message_as_a_datagram(wire):
    with socket.socket(type=socket.SOCK_DGRAM) as collector:
        collector.bind(("127.0.0.1", 0))
        collector.settimeout(60)
        wire.write_bytes(b"".join(b"%d %s" % (len(m), m) for m in MESSAGES[:50]))
        send_bare("udp", collector.getsockname()[1], wire)
        assert [collector.recv(65536) for _ in range(50)] == MESSAGES[:50]


def test_the_bare_loop_of_a_file_writes_all_of_it(wire, tmp_path):
    send_bare("file", tmp_path / "out", wire)
    assert (tmp_path / "out").read_bytes() == wire.read_bytes()
    assert read_frames(wire.read_bytes()) == MESSAGES
