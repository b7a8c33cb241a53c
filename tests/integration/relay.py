"""The relay under test: its configuration, one run, a daemon, a kill."""

import contextlib
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from pathlib import Path

from received import compare, read_all

BUILD_DIR = Path(os.environ.get("BUILD_DIR", "build"))
PROGRAM = BUILD_DIR / "alertrelay"


class NotInTime(AssertionError):
    """What was waited for did not come."""


def wait_until(condition, what, seconds=60, pause=0.02):
    """Polls a condition; a test never sleeps for a fixed time."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise NotInTime(f"not within {seconds} s: {what}")
        threading.Event().wait(pause)


def cpu_seconds(pid):
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_peak(pid):
    """The most memory that a process has had, in octets."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")


def sums_agree(log):
    """What each run says at its end: all that was received has become something."""
    assert "the sums of a feed do not agree" not in log, log[-3000:]
    for line in re.findall(r"stopped (tenants=.*)", log):
        n = {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", line)}
        parts = "duplicate", "filtered", "confirmed", "rejected", "unconfirmed"
        assert n["received"] == sum(n[part] for part in parts), line


class Relay:
    """Writes a configuration and runs the program with it.

    The configuration is JSON, which YAML contains."""

    def __init__(self, directory, simulator=None, tenants=0):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.config_file = self.directory / "alertrelay.yaml"
        self.process = None
        self.log_file = self.directory / "relay.log"
        self.config = {
            "app": {"client_id": "11111111-2222-3333-4444-555555555555"},
            "destinations": {},
            "feeds": [],
            "tenants": {},
            "state": {"file": str(self.directory / "state.db")},
            "http": {},
            # Tests read many small pages in little time; test_budget has its own.
            "limits": {"request_percent": 10000},
        }
        if simulator is not None:
            self.use_simulator(simulator)
        self.add_tenants(tenants)

    def use_simulator(self, simulator):
        secret_file = self.directory / "app.secret"
        secret_file.write_text(simulator.secret + "\n")
        secret_file.chmod(0o600)
        self.config["app"].update(
            client_secret_file=str(secret_file),
            login_root=simulator.url,
            graph_root=simulator.url,
        )
        self.config["http"]["ca_file"] = str(simulator.ca_file)

    def add_tenants(self, count, first=1):
        for number in range(first, first + count):
            self.config["tenants"][self.tenant_key(number)] = {
                "tenant_id": self.tenant_id(number),
                "display_name": f"Customer {number} \u00dc|=\\",
            }

    @staticmethod
    def tenant_key(number):
        return f"customer{number}"

    @staticmethod
    def tenant_id(number):
        return f"00000000-0000-4000-8000-{number:012d}"

    def add_destination(self, name, **options):
        self.config["destinations"][name] = options
        return options

    def add_collector(self, collector, name="soc", **options):
        """A destination that is a running collector."""
        defaults = {
            "transport": collector.transport,
            "address": collector.address,
            "format": "cef",
            "max_message_bytes": 65507 if collector.transport == "udp" else "64K",
            "settle": "200ms",
        }
        if collector.pair:
            defaults["ca_file"] = str(collector.authority)
        return self.add_destination(name, **{**defaults, **options})

    def add_feed(self, *destinations, tenant=None, **options):
        """For every tenant, or for the one that is named."""
        where = self.config if tenant is None else self.config["tenants"][tenant]
        feed = {"source": "graph-alerts", "to": list(destinations), **options}
        where.setdefault("feeds", []).append(feed)

    def write(self):
        self.config_file.write_text(json.dumps(self.config, indent=1))
        return self.config_file

    def command(self, *arguments, **kwargs):
        """One finished command of the program."""
        return subprocess.run(
            [str(PROGRAM), *arguments], capture_output=True, text=True, timeout=300, **kwargs
        )

    def run_once(self, *arguments, status=0, **kwargs):
        """One pass of every feed; asserts the exit status unless that is None."""
        self.write()
        result = self.command("run", "-c", str(self.config_file), "--once", *arguments, **kwargs)
        if status is not None:
            assert result.returncode == status, result.stderr
        sums_agree(result.stderr)
        return result

    def start(self, *arguments, once=False, **kwargs):
        self.write()
        log = open(self.log_file, "ab")
        self.process = subprocess.Popen(
            [str(PROGRAM), "run", "-c", str(self.config_file), *(["--once"] if once else []), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            **kwargs,
        )
        log.close()
        return self.process

    def peak(self):
        """The most memory it has had. AddressSanitizer keeps what was freed: counted as nothing."""
        return 0 if b"__asan_init" in PROGRAM.read_bytes() else memory_peak(self.process.pid)

    def wait(self, seconds=120):
        """The exit status of one that ends by itself; what it logged is in log()."""
        status = self.process.wait(seconds)
        self.process = None
        return status

    def complete(self, simulator, lines, tenants=None, seconds=60, **options):
        """Waits until nothing is lost any more; gives the comparison."""
        last, seen, known = [], None, {}

        def all_there():
            nonlocal seen
            have = lines()
            if have != seen:
                seen = have
                last[:] = [compare(simulator, read_all(have, known=known, **options), tenants)]
            return not last[0].lost

        try:
            wait_until(all_there, "everything arrived", seconds, 0.1)
        except NotInTime:
            assert not last[0].lost, f"{last[0].lost[:5]} of {last[0].received}\n{self.log()[-3000:]}"
        return last[0]

    def confirmed(self):
        """(id, version) of each alert that its state, while it does not run, calls delivered."""
        copy = self.directory / "copy"
        copy.mkdir(exist_ok=True)
        for file in self.directory.glob("state.db*"):  # reading it in place would change its log
            shutil.copy(file, copy)
        if not (copy / "state.db").exists():
            return set()
        with contextlib.closing(sqlite3.connect(copy / "state.db")) as state:
            has_rows = state.execute("SELECT 1 FROM sqlite_master WHERE name = 'seen'").fetchone()
            rows = state.execute("SELECT alert, version FROM seen").fetchall() if has_rows else []
        shutil.rmtree(copy)
        return {(key.partition(" ")[2] or key, f"{version % 2**64:016x}") for key, version in rows}

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def stop(self, timeout=30):
        """SIGTERM and the exit status."""
        if self.process is None:
            return None
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout)
        self.process = None
        sums_agree(self.log())
        return status

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
