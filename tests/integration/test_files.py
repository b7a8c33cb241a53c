"""Files that rotate, by themselves and by logrotate: no message is lost and none is torn."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from received import compare, read_all
from relay import wait_until

LOGROTATE = shutil.which("logrotate", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


class Archive:
    """The file of a destination and all that it was before, in a directory of its own."""

    def __init__(self, directory):
        self.directory = directory
        self.directory.mkdir()
        self.path = directory / "archive.log"

    def files(self):
        return sorted(self.directory.glob("archive.log*"))

    def lines(self):
        """Whole lines; a file other than the present one must end in a line."""
        lines = []
        for file in self.files():
            try:
                parts = file.read_bytes().split(b"\n")
            except FileNotFoundError:  # it got another name while this looked
                return []
            assert file == self.path or parts[-1] == b"", file
            lines += parts[:-1]
        return lines


@pytest.fixture
def archive(tmp_path):
    return Archive(tmp_path / "archive")


def archiving(relays, simulator, archive, **options):
    relay = relays(simulator, tenants=2)
    relay.add_destination("archive", transport="file", path=str(archive.path), max_message_bytes="64K", **options)
    relay.add_feed("archive", look_back="48h", poll="1s", page_size=50)
    return relay


def test_a_file_rotates_by_size_while_the_relay_is_killed(simulators, relays, archive):
    simulator = simulators(tenants=2, alerts=1500, trickle=1200)
    relay = archiving(relays, simulator, archive, rotate_size="64K")
    pause = threading.Event()
    moments = random.Random(7)
    for kill in range(6):
        had = len(archive.files())
        relay.start()
        wait_until(lambda: len(archive.files()) > had, "another file begins")
        pause.wait(moments.random() * 0.1)
        relay.kill()
    simulator.control("POST", "trickle", {"per_minute": 0})
    relay.start()
    result = relay.complete(simulator, archive.lines, cut=True)
    assert not result.unexpected
    assert relay.stop() == 0, relay.log()
    files = archive.files()
    assert len(files) > 10
    assert all(file.stat().st_size <= 65536 for file in files)


def test_only_so_many_files_are_kept(simulators, relays, archive):
    relay = archiving(relays, simulators(tenants=2, alerts=400), archive, rotate_size="64K", keep=2)
    relay.run_once()
    assert len(archive.files()) == 3
    assert archive.files()[0] == archive.path


def test_logrotate_moves_files_and_log_away(simulators, relays, archive, tmp_path):
    if not LOGROTATE:
        pytest.skip("no logrotate: package logrotate")
    simulator = simulators(tenants=2, alerts=300, trickle=3000)
    relay = archiving(relays, simulator, archive)
    log = tmp_path / "own" / "alertrelay.log"
    log.parent.mkdir()
    relay.config["log"] = {"channel": f"file:{log}", "level": "info"}
    process = relay.start()
    wait_until(lambda: len(archive.lines()) > 300, "alerts arrive")
    config = tmp_path / "logrotate.conf"
    config.write_text(
        f"{archive.path} {log} {{\n rotate 90\n nocreate\n sharedscripts\n"
        f" postrotate\n  kill -HUP {process.pid}\n endscript\n}}\n"
    )
    config.chmod(0o600)
    for turn in range(1, 8):
        have = len(archive.lines())
        subprocess.run([LOGROTATE, "-f", "-s", tmp_path / "status", config], check=True, timeout=60)
        wait_until(lambda: archive.path.exists() and log.exists(), "both are there again")
        wait_until(lambda: len(archive.lines()) > have, "alerts go on")
        assert len(archive.files()) == turn + 1
    simulator.control("POST", "trickle", {"per_minute": 0})
    relay.complete(simulator, archive.lines).check()
    assert relay.stop() == 0
    logs = sorted(log.parent.glob("alertrelay.log*"))
    assert len(logs) == 8
    assert sum(file.read_text().count("are opened anew") for file in logs) == 7
    # Nothing went into a file that was given up.
    assert "stopped" in log.read_text()


def test_a_hangup_lets_go_of_a_file_that_nobody_writes(simulators, relays, archive):
    relay = archiving(relays, simulators(tenants=2, alerts=20), archive)
    process = relay.start()
    wait_until(lambda: len(archive.lines()) == 20, "alerts arrive")
    moved = archive.directory / "moved"
    archive.path.rename(moved)
    process.send_signal(signal.SIGHUP)
    wait_until(archive.path.exists, "it is made anew")

    def holds_the_new_one():
        held = set()
        for fd in Path(f"/proc/{process.pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                held.add(os.readlink(fd))
        return str(archive.path) in held and str(moved) not in held

    wait_until(holds_the_new_one, "only the new file is open")
    assert relay.stop() == 0
    assert len(read_all(moved.read_bytes().split(b"\n")[:-1])) == 20


def test_without_logrotate_a_moved_file_is_noticed_at_the_next_message(simulators, relays, archive):
    simulator = simulators(tenants=2, alerts=20)
    relay = archiving(relays, simulator, archive)
    relay.start()
    wait_until(lambda: len(archive.lines()) == 20, "alerts arrive")
    archive.path.rename(archive.directory / "archive.log.1")
    simulator.add_alerts(1, 5)
    wait_until(lambda: archive.path.exists() and len(archive.lines()) == 25, "the next alerts arrive")
    compare(simulator, read_all(archive.lines())).check()
    assert relay.stop() == 0
