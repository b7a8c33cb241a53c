"""The relay under test: its configuration, one run, a daemon, a kill."""

import json
import os
import signal
import subprocess
import threading
from pathlib import Path

BUILD_DIR = Path(os.environ.get("BUILD_DIR", "build"))
PROGRAM = BUILD_DIR / "alertrelay"


def wait_until(condition, what, seconds=60):
    """Polls a condition; a test never sleeps for a fixed time."""
    pause = threading.Event()
    for _ in range(int(seconds / 0.02)):
        value = condition()
        if value:
            return value
        pause.wait(0.02)
    raise AssertionError(f"not within {seconds} s: {what}")


def cpu_seconds(pid):
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Relay:
    """Writes a configuration and runs the program with it.

    The configuration is JSON, which YAML contains."""

    def __init__(self, directory, simulator=None, secret=None):
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
        }
        if simulator is not None:
            self.use_simulator(simulator)

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

    def add_feed(self, *destinations, **options):
        self.config["feeds"].append({"source": "graph-alerts", "to": list(destinations), **options})

    def write(self):
        self.config_file.write_text(json.dumps(self.config, indent=1))
        return self.config_file

    def command(self, *arguments, **kwargs):
        """One finished command of the program."""
        return subprocess.run(
            [str(PROGRAM), *arguments], capture_output=True, text=True, timeout=300, **kwargs
        )

    def run_once(self, *arguments, check=True, **kwargs):
        self.write()
        result = self.command("run", "-c", str(self.config_file), "--once", *arguments, **kwargs)
        if check:
            assert result.returncode == 0, result.stderr
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

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def stop(self, timeout=30):
        """SIGTERM and the exit status."""
        if self.process is None:
            return None
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout)
        self.process = None
        return status

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
