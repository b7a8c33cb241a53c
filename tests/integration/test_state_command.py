"""alertrelay state check, export and forget: on a state at rest, in use, damaged; what comes again."""

import csv
import io
import json
import os
import pty
import re
import resource
import signal
import sqlite3
import subprocess
from pathlib import Path

import pytest

from received import compare, read_all
from relay import PROGRAM, wait_until

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def line(connected):
    """A relay that has forwarded everything once, and ended."""

    def make(alerts=60, tenants=2, arrived=True, **feed):
        simulator, collector, relay = connected(
            "tcp", tenants, alerts, **{"poll": "1s", "rescan_every": "0", **feed}
        )
        relay.run_once()
        assert not arrived or len(collector.lines()) == alerts
        return simulator, collector, relay

    return make


def state(relay, *arguments, **options):
    """`alertrelay state ...` with the relay's configuration."""
    name, *rest = arguments
    return relay.command("state", name, "-c", str(relay.config_file), *rest, **options)


def rows(relay, *arguments):
    result = state(relay, "export", *arguments)
    assert result.returncode == 0, result.stderr
    return list(csv.DictReader(io.StringIO(result.stdout, newline="")))


def files(relay):
    """Everything beside the state: names, contents, owners, times of change."""
    return {
        path.name: (path.read_bytes(), path.stat().st_uid, path.stat().st_mtime_ns)
        for path in relay.directory.glob("state.db*")
    }


# check.


def test_check_says_what_the_state_holds(line, tmp_path):
    simulator, collector, relay = line()
    before = files(relay)
    result = state(relay, "check", env={**os.environ, "TMPDIR": str(tmp_path)})
    assert result.returncode == 0 and not result.stderr, result.stderr
    lines = result.stdout.splitlines()
    assert len(lines) == 3
    for number, text in enumerate(lines[:2], 1):
        assert re.fullmatch(
            rf"customer{number} graph-alerts to soc: alerts 30, cursor \S+Z, confirmed \S+Z to \S+Z",
            text,
        ), text
    size = (relay.directory / "state.db").stat().st_size
    assert lines[2].endswith(f"good; schema 1, feeds 2, alerts 60, octets {size}, log octets 0")
    assert files(relay) == before
    assert not list(tmp_path.glob("alertrelay-*"))
    one = state(relay, "check", "--tenant", "customer2")
    assert "customer2" in one.stdout and "customer1" not in one.stdout and "feeds 1" in one.stdout
    by_id = relay.command("state", "check", "--state", str(relay.directory / "state.db"))
    assert by_id.returncode == 0 and relay.tenant_id(1) in by_id.stdout
    del relay.config["tenants"]["customer2"]
    relay.write()
    assert f"{relay.tenant_id(2)} graph-alerts" in state(relay, "check").stdout
    assert "; not in the configuration" in state(relay, "check").stdout


def test_check_and_export_do_not_disturb_a_running_relay(line):
    simulator, collector, relay = line()
    process = relay.start()
    simulator.add_alerts(1, 40)
    relay.complete(simulator, collector.lines)
    for number in range(20):
        simulator.add_alerts(1, 5)
        result = state(relay, "check")
        assert result.returncode == 0, result.stderr
        assert f"in use by a running alertrelay, process {process.pid}" in result.stdout
        assert 60 <= len(rows(relay)) <= 200
    relay.complete(simulator, collector.lines).check()
    wait_until(lambda: len(rows(relay)) == 200, "all are confirmed")
    assert relay.stop() == 0
    assert "cannot" not in relay.log() and len(rows(relay)) == 200


def test_check_of_what_a_killed_relay_left_changes_nothing(line):
    simulator, collector, relay = line()
    relay.start()
    simulator.add_alerts(1, 40)
    relay.complete(simulator, collector.lines)
    wait_until(lambda: len(rows(relay)) == 100, "all are confirmed")
    relay.kill()
    before = files(relay)
    assert before["state.db-wal"][0]
    result = state(relay, "check")
    assert result.returncode == 0 and "in use" not in result.stdout, result.stderr
    assert "alerts 100" in result.stdout and len(rows(relay)) == 100
    assert files(relay) == before


def overwrite(path, first, last, step=1):
    octets = bytearray(path.read_bytes())
    for place in range(first * 4096, min(last * 4096, len(octets)), step * 4096):
        octets[place : place + 300] = os.urandom(300)
    path.write_bytes(octets)


def garbage(path):
    path.write_bytes(b"this is no database " * 500)


DAMAGE = {
    "garbage": garbage,
    "empty": lambda path: path.write_bytes(b""),
    "cut in the middle": lambda path: os.truncate(path, path.stat().st_size // 2),
    "cut within a page": lambda path: os.truncate(path, path.stat().st_size - 1000),
    "pages in the middle": lambda path: overwrite(path, 5, 12),
    "the first page": lambda path: overwrite(path, 0, 1),
    "every second page": lambda path: overwrite(path, 1, 10000, 2),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_found_told_and_left_alone(line, kind):
    simulator, collector, relay = line(alerts=600)
    DAMAGE[kind](relay.directory / "state.db")
    before = files(relay)
    result = state(relay, "check")
    assert result.returncode == 1, result.stdout
    assert "state.db is damaged" in result.stderr and "moves it aside" in result.stderr
    exported = state(relay, "export")
    assert exported.returncode in (0, 1)  # what can be read
    forgotten = state(relay, "forget", "--tenant", "customer1", "--yes")
    assert forgotten.returncode == 1 and "is damaged" in forgotten.stderr
    after = files(relay)
    assert not [name for name in after if ".damaged-" in name]
    assert after["state.db"][0] == before["state.db"][0]
    # The relay says the same, begins anew, and loses nothing.
    simulator.add_alerts(1, 5)
    said = relay.run_once().stderr
    assert "repeats may come" in said and "state.db" in said
    result = compare(simulator, read_all(collector.lines()))
    assert not result.lost and not result.unexpected
    assert state(relay, "check").returncode == 0


@pytest.mark.parametrize("cursor", [2**62, -(2**62), 99999999999 * 10**7])
def test_a_cursor_that_cannot_be_right_is_found_and_can_be_forgotten(line, cursor):
    simulator, collector, relay = line()
    database = sqlite3.connect(relay.directory / "state.db")
    database.execute("UPDATE feed SET cursor = ? WHERE id = 1", [cursor])
    database.commit()
    database.close()
    result = state(relay, "check")
    assert result.returncode == 1 and "1 of the feeds have times that cannot be right" in result.stderr
    forget(relay, "--tenant", "customer1")
    assert state(relay, "check").returncode == 0


@pytest.mark.parametrize("kind", ["newer", "older", "other program"])
def test_a_state_of_another_is_refused_untouched_by_all(line, kind):
    simulator, collector, relay = line()
    database = sqlite3.connect(relay.directory / "state.db")
    database.execute(
        {
            "newer": "PRAGMA user_version = 2",
            "older": "PRAGMA user_version = 0",
            "other program": "PRAGMA application_id = 252006673",
        }[kind]
    )
    database.commit()
    database.close()
    what = {"newer": "newer alertrelay", "older": "before its first release"}.get(kind, kind)
    before = (relay.directory / "state.db").read_bytes()
    for result in (
        state(relay, "check"),
        state(relay, "export"),
        state(relay, "forget", "--tenant", "customer1", "--yes"),
        relay.run_once(status=None),
    ):
        assert result.returncode != 0 and what in result.stderr, result.stderr
    assert (relay.directory / "state.db").read_bytes() == before
    assert not list(relay.directory.glob("state.db.damaged-*"))


def test_wrong_use_is_told(line, tmp_path):
    simulator, collector, relay = line()
    for arguments, status, what in (
        (["check", "--tenant", "customer9"], 2, "customer"),
        (["check", "--source", "graph-alert"], 2, "did you mean graph-alerts?"),
        (["export", "--json", "--csv"], 2, "not both"),
        (["check", "--state", tmp_path / "none"], 2, "is not there"),
        (["check", "--state", tmp_path], 2, "is not a regular file"),
        (["forget"], 2, "say --tenant"),
        (["forget", "--tenant", "customer1"], 2, "say --yes"),
        (["forget", "--tenant", "customer1", "--since", "soon", "--yes"], 2, "soon"),
        (["forget", "--tenant", "customer1", "--source", "siem", "--yes"], 1, "has no feed with source siem"),
        (["forget", "--tenant", "customer1", "--alert", "none", "--yes"], 1, "was not confirmed"),
    ):
        result = state(relay, *map(str, arguments), stdin=subprocess.DEVNULL)
        assert result.returncode == status and what in result.stderr, (arguments, result.stderr)
    plain = relay.command("state", "check", "--state", str(relay.directory / "state.db"), "--tenant", "one")
    assert plain.returncode == 2 and "only a configuration" in plain.stderr
    relay.config["state"] = {"type": "memory"}
    relay.write()
    assert "keeps no state" in state(relay, "check").stderr
    assert len(rows(relay, "--state", str(relay.directory / "state.db"))) == 60


def test_a_copy_that_does_not_fit_is_told(line, tmp_path):
    simulator, collector, relay = line()
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("not here: mounting a small tmpfs needs root")
    try:
        result = state(relay, "check", env={**os.environ, "TMPDIR": str(disk)})
        assert result.returncode == 1 and "TMPDIR" in result.stderr and "no room" in result.stderr
        assert not list(disk.iterdir())
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


# export.


def test_export_is_what_the_collector_has(line):
    simulator, collector, relay = line()
    sent = {m.alert: m.version for m in read_all(collector.lines())}
    table = rows(relay)
    assert {row["alert"]: row["version"] for row in table} == sent
    for row in table:
        assert row["tenant"] in ("customer1", "customer2")
        assert row["tenantId"] == relay.tenant_id(int(row["tenant"][-1]))
        assert row["source"] == "graph-alerts" and row["destinations"] == "soc"
        assert row["changed"] < row["confirmed"] and row["cursor"].endswith("Z")
    objects = [json.loads(text) for text in state(relay, "export", "--json").stdout.splitlines()]
    assert objects == [dict(row) for row in table]
    assert len(rows(relay, "--tenant", "customer1")) == 30
    assert len(rows(relay, "--tenant", relay.tenant_id(1), "--source", "graph-alerts")) == 30


def test_export_names_a_feed_without_alerts(line):
    simulator, collector, relay = line(alerts=0)
    (first, second) = rows(relay)
    assert first["tenant"] == "customer1" and first["alert"] == "" and first["cursor"]
    (text, _) = state(relay, "export", "--json").stdout.splitlines()
    assert "alert" not in json.loads(text)


def test_export_escapes_what_is_odd(line):
    simulator, collector, relay = line(alerts=2)
    odd = 'a,"b"\n\u00fc;=\x01'
    database = sqlite3.connect(relay.directory / "state.db")
    database.execute("UPDATE seen SET alert = '000000 ' || ? WHERE alert LIKE '0_____ %' AND feed = 1", [odd])
    database.commit()
    database.close()
    assert odd in [row["alert"] for row in rows(relay)]
    objects = [json.loads(text) for text in state(relay, "export", "--json").stdout.splitlines()]
    assert odd in [row.get("alert") for row in objects]


def test_export_takes_the_same_memory_however_much_there_is(line):
    simulator, collector, relay = line(alerts=2)

    def peak():
        with open(os.devnull, "wb") as null:
            child = subprocess.Popen(
                [str(PROGRAM), "state", "export", "-c", str(relay.config_file)], stdout=null
            )
            _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        assert child.returncode == 0
        return usage.ru_maxrss

    small = peak()
    database = sqlite3.connect(relay.directory / "state.db")
    database.executemany(
        "INSERT INTO seen VALUES (1, ?, 1, 1, 1)", ((f"000000 alert-{i:09}",) for i in range(300000))
    )
    database.commit()
    database.close()
    assert peak() < small + 8 * 1024  # KiB; SQLite's cache is 2 MiB


# forget.


def forget(relay, *arguments):
    result = state(relay, "forget", *arguments, "--yes")
    assert result.returncode == 0, result.stderr
    return result.stdout


def newly(collector, before):
    """The ids of what has come since."""
    return sorted(m.alert for m in read_all(collector.lines()[before:]))


def test_a_forgotten_tenant_begins_at_its_look_back(line):
    simulator, collector, relay = line()
    mine = sorted(row["alert"] for row in rows(relay, "--tenant", "customer1"))
    said = forget(relay, "--tenant", "customer1")
    assert "customer1 graph-alerts to soc:\n  forgets the feed: 30 confirmed alerts" in said
    assert "30 of these alerts changed since then and are sent again" in said
    assert "customer2" not in said and said.endswith("done\n")
    assert [row["tenant"] for row in rows(relay)] == ["customer2"] * 30
    relay.run_once()
    assert newly(collector, 60) == mine
    assert len(rows(relay)) == 60


def test_what_changed_since_is_sent_again_and_nothing_else(line):
    simulator, collector, relay = line()
    table = sorted(rows(relay, "--tenant", "customer1"), key=lambda row: row["changed"])
    since = table[18]["changed"]
    said = forget(relay, "--tenant", "customer1", "--source", "graph-alerts", "--since", since)
    assert "forgets the 12 alerts" in said and "of 30" in said and "the other 18 are not" in said
    assert "moves the cursor back from" in said
    (cursor,) = {row["cursor"] for row in rows(relay, "--tenant", "customer1")}
    assert cursor == since
    relay.run_once()
    assert newly(collector, 60) == sorted(row["alert"] for row in table[18:])
    relay.run_once()
    assert len(collector.lines()) == 72


def test_since_before_the_feed_began_brings_what_is_older(line):
    simulator, collector, relay = line(look_back="1h", arrived=None)
    assert compare(simulator, read_all(collector.lines()), [1]).lost
    said = forget(relay, "--tenant", "customer1", "--since", "30d")
    assert "moves the cursor back" in said
    relay.run_once()
    result = compare(simulator, read_all(collector.lines()), [1])
    assert not result.lost and not result.repeated


def test_since_before_the_feed_began_brings_nothing_that_is_older_than_it(line):
    """The overlap of a feed does not reach back over where it begins."""
    simulator, collector, relay = line(look_back="1h", arrived=None, overlap="8h")
    everything = compare(simulator, read_all(collector.lines()), [1]).lost
    forget(relay, "--tenant", "customer1", "--since", "12h")
    (since,) = {row["cursor"] for row in rows(relay, "--tenant", "customer1")}
    relay.run_once()
    table = rows(relay, "--tenant", "customer1")
    assert 1 < len(table) < len(everything)
    assert all(row["changed"] >= since for row in table)


def test_one_alert_is_sent_again_alone(line):
    simulator, collector, relay = line()
    table = sorted(rows(relay, "--tenant", "customer1"), key=lambda row: row["changed"])
    alert = table[5]["alert"]
    said = forget(relay, "--tenant", "customer1", "--alert", alert)
    assert f"forgets the alert {alert}" in said and "29 that are confirmed are not" in said
    late = state(
        relay, "forget", "--tenant", "customer1", "--alert", table[6]["alert"], "--since", table[8]["changed"], "--yes"
    )
    assert late.returncode == 2 and "leave --since out" in late.stderr
    relay.run_once()
    assert newly(collector, 60) == [alert]


def test_a_feed_that_is_not_configured_is_forgotten_for_good(line):
    simulator, collector, relay = line()
    del relay.config["tenants"]["customer1"]
    relay.write()
    said = forget(relay, "--tenant", relay.tenant_id(1))
    assert "nothing, as this feed is not in the configuration" in said
    assert relay.tenant_id(1) not in state(relay, "check").stdout
    said = relay.command(
        *("state", "forget", "--state", str(relay.directory / "state.db"), "--yes"),
        *("--tenant", relay.tenant_id(2)),
    ).stdout
    assert "where this feed is configured it begins at its look_back" in said
    assert rows(relay) == []


def test_forget_is_refused_while_the_relay_runs(line):
    simulator, collector, relay = line()
    process = relay.start()
    simulator.add_alerts(1, 1)
    relay.complete(simulator, collector.lines)
    result = state(relay, "forget", "--tenant", "customer1", "--yes")
    assert result.returncode == 1 and not result.stdout
    assert f"in use by another alertrelay, process {process.pid}" in result.stderr
    assert "stop that one first" in result.stderr
    assert relay.stop() == 0
    assert len(rows(relay)) == 61


def on_a_terminal(relay, answer, *arguments):
    """The exit status and what was shown; the answer is typed when it asks."""
    pid, terminal = pty.fork()
    if pid == 0:
        # Ignored, and inherited so, where a shell runs the tests in the background.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        command = [str(PROGRAM), "state", "forget", "-c", str(relay.config_file), *arguments]
        os.execv(command[0], command)
    shown = b""
    while True:
        try:
            octets = os.read(terminal, 4096)
        except OSError:
            break
        if not octets:
            break
        shown += octets
        if answer is not None and shown.endswith(b"to do it: "):
            os.write(terminal, answer)
            answer = None
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()


def test_a_terminal_is_asked_for_the_name(line):
    simulator, collector, relay = line()
    for answer in (b"\n", b"yes\n", b"customer2\n", b"customer1 \n", b"\x04", b"\x03"):
        status, shown = on_a_terminal(relay, answer, "--tenant", "customer1")
        assert status in (1, -signal.SIGINT), shown
        assert "Type the tenant's name, customer1," in shown
        assert len(rows(relay)) == 60
    status, shown = on_a_terminal(relay, b"customer1\n", "--tenant", "customer1")
    assert status == 0 and "done" in shown
    assert len(rows(relay)) == 30


def test_without_a_terminal_it_says_what_it_would_do_and_does_nothing(line):
    simulator, collector, relay = line()
    result = state(relay, "forget", "--tenant", "customer1", stdin=subprocess.DEVNULL)
    assert result.returncode == 2 and "forgets the feed: 30 confirmed alerts" in result.stdout
    assert len(rows(relay)) == 60


def test_a_full_disk_forgets_nothing(line):
    simulator, collector, relay = line(alerts=600)

    def small():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))

    result = state(relay, "forget", "--tenant", "customer1", "--yes", preexec_fn=small)
    assert result.returncode == 1 and "state.db" in result.stderr, result.stdout
    assert "done" not in result.stdout
    assert len(rows(relay)) == 600
    forget(relay, "--tenant", "customer1")


@pytest.mark.skipif(os.getuid() != 0, reason="not here: needs root, to be another user")
def test_root_may_do_it_for_the_user_of_the_relay(line):
    simulator, collector, relay = line()
    (relay.directory / "state.db.lock").unlink()
    for path in (relay.directory, relay.directory / "state.db"):
        os.chown(path, 65534, 65534)
    state(relay, "check")
    forget(relay, "--tenant", "customer1", "--since", "1h")
    for path in relay.directory.glob("state.db*"):
        assert path.stat().st_uid == 65534, path


# The manual.


def examples():
    """The commands of the manual's section about the state."""
    manual = (ROOT / "packaging/man/alertrelay.8.in").read_text()
    section = manual.split(".Sh THE STATE\n")[1].split("\n.Sh ")[0]
    return re.findall(r"^[#$] (alertrelay .*)$", section, flags=re.M)


def test_the_examples_of_the_manual_work(line):
    simulator, collector, relay = line()
    alert = rows(relay, "--tenant", "customer1")[0]["alert"]
    commands = examples()
    assert len(commands) >= 4
    for command in commands:
        words = command.split()
        words = [{"contoso": "customer1", "ALERT-ID": alert}.get(word, word) for word in words]
        if ">" in words:
            words = words[: words.index(">")]
        words += ["-c", str(relay.config_file)]
        words += ["--yes"] * ("forget" in words)
        result = relay.command(*words[1:])
        assert result.returncode == 0, (command, result.stderr)
        relay.run_once()
        alert = rows(relay, "--tenant", "customer1")[0]["alert"]
