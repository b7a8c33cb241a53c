"""The state file: full, damaged, locked, gone."""

import os
import resource
import subprocess

import pytest

from received import compare, read_all
from relay import wait_until


@pytest.fixture
def line(simulators, collectors, relays):
    def make(alerts=60, tenants=2, **feed):
        simulator = simulators(tenants=tenants, alerts=alerts)
        collector = collectors("tcp")
        relay = relays(simulator, tenants=tenants)
        relay.add_collector(collector)
        relay.add_feed("soc", **{"poll": "1s", "look_back": "48h", **feed})
        return simulator, collector, relay

    return make


def test_a_state_file_of_garbage_is_moved_aside_and_said(line):
    simulator, collector, relay = line()
    relay.run_once()
    state = relay.directory / "state.db"
    for name in ("state.db-wal", "state.db-shm"):
        (relay.directory / name).unlink(missing_ok=True)
    state.write_bytes(b"this is no database " * 1000)
    result = relay.run_once()
    assert "state.db" in result.stderr and "look-back" in result.stderr.replace("look_back", "look-back")
    aside = list(relay.directory.glob("state.db.damaged-*"))
    assert len(aside) >= 1 and any(f.read_bytes().startswith(b"this is no") for f in aside)
    messages = read_all(collector.lines())
    result = compare(simulator, messages)
    assert not result.lost and not result.unexpected
    assert sum(result.repeated.values()) == 60  # from the look-back again, never silently from now
    relay.run_once()
    assert len(collector.lines()) == 120


def test_a_state_file_with_a_damaged_page_loses_nothing(line):
    simulator, collector, relay = line(alerts=400)
    relay.run_once()
    state = relay.directory / "state.db"
    octets = bytearray(state.read_bytes())
    for place in range(4096, len(octets), 4096):
        octets[place : place + 200] = os.urandom(200)
    state.write_bytes(octets)
    simulator.add_alerts(1, 5)
    relay.run_once(status=None)
    relay.run_once()
    result = compare(simulator, read_all(collector.lines()))
    assert not result.lost and not result.unexpected


@pytest.mark.parametrize("kind", ["middle", "end", "cut", "gone"])
def test_a_damaged_log_of_a_killed_relay_loses_nothing(line, kind):
    simulator, collector, relay = line(alerts=400)
    relay.start()
    relay.complete(simulator, collector.lines)
    relay.kill()
    log = relay.directory / "state.db-wal"
    octets = bytearray(log.read_bytes())
    assert len(octets) > 32 + 4096
    if kind == "gone":
        log.unlink()
    elif kind == "cut":
        os.truncate(log, len(octets) // 2)
    else:
        place = len(octets) // 2 if kind == "middle" else len(octets) - 3000
        octets[place : place + 3000] = os.urandom(3000)
        log.write_bytes(octets)
    simulator.add_alerts(1, 5)
    relay.run_once()
    result = compare(simulator, read_all(collector.lines()))
    assert not result.lost and not result.unexpected
    before = len(collector.lines())
    relay.run_once()
    assert len(collector.lines()) == before


def test_a_missing_state_file_starts_from_the_look_back(line):
    simulator, collector, relay = line()
    relay.run_once()
    for file in relay.directory.glob("state.db*"):
        file.unlink()
    relay.run_once()
    assert len(collector.lines()) == 120


def test_a_second_relay_on_the_same_state_is_refused(line):
    simulator, collector, relay = line()
    relay.start()
    relay.complete(simulator, collector.lines)
    second = relay.run_once(status=None)
    assert second.returncode in (1, 2)
    assert "state.db" in second.stderr and "another" in second.stderr, second.stderr
    simulator.add_alerts(1, 3)
    relay.complete(simulator, collector.lines).check()
    assert relay.stop() == 0


def test_a_state_that_cannot_be_written_loses_nothing_and_is_said(line):
    """RLIMIT_FSIZE makes writes fail as a full disk does; then there is room again."""
    simulator, collector, relay = line(alerts=4000, tenants=2)
    relay.config["log"] = {"level": "info"}

    def small():
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))

    process = relay.start(preexec_fn=small)
    wait_until(
        lambda: process.poll() is not None or "cannot save the state" in relay.log(),
        "the failure is logged",
    )
    assert process.poll() is None, "a full disk must not end the relay"
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    relay.complete(simulator, collector.lines).check()
    wait_until(lambda: "saved again" in relay.log(), "the recovery is logged")
    assert relay.stop() == 0
    before = len(collector.lines())
    relay.run_once()
    assert len(collector.lines()) == before


def test_a_full_disk_loses_nothing(line, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("not here: mounting a small tmpfs needs root")
    try:
        simulator, collector, relay = line(alerts=1000)
        relay.config["state"]["file"] = str(disk / "state.db")
        filler = disk / "filler"
        relay.write()
        relay.start()
        wait_until(lambda: len(collector.lines()) > 50, "it works")
        with open(filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass
        simulator.add_alerts(1, 300)
        wait_until(lambda: "cannot save the state" in relay.log(), "the failure is logged")
        filler.unlink()
        relay.complete(simulator, collector.lines)
        wait_until(lambda: "saved again" in relay.log(), "the recovery is logged")
        assert relay.stop() == 0
        before = len(collector.lines())
        relay.run_once()
        assert len(collector.lines()) == before
        compare(simulator, read_all(collector.lines())).check()
    finally:
        relay.kill()
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_state_directory_that_is_not_there_is_refused_clearly(line):
    simulator, collector, relay = line()
    relay.config["state"]["file"] = str(relay.directory / "nowhere" / "state.db")
    result = relay.run_once(status=None)
    assert result.returncode in (1, 2) and "nowhere" in result.stderr
    assert not collector.lines()
