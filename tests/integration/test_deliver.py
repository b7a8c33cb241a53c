"""The program's destinations into a real rsyslogd: plain, TLS, and through its death."""

import json
import subprocess
import threading
from pathlib import Path

import pytest

import rsyslog
from certs import Certs
from relay import PROGRAM
from rsyslog import Rsyslog

pytestmark = pytest.mark.skipif(
    not rsyslog.available(tls=True) or not PROGRAM.exists(), reason="needs rsyslogd with ossl"
)

COUNT = 20000


def alert(number, size=1200):
    return {
        "id": f"alert-{number:06d}",
        "title": f"Title {number} \u00dc|=\\",
        "description": "x" * size,
        "severity": "high",
        "status": "new",
        "createdDateTime": "2026-03-01T10:20:30.3466667Z",
        "lastUpdateDateTime": "2026-03-01T10:20:30.3466667Z",
        "evidence": [],
    }


class Replay:
    """alertrelay replay of numbered alerts into one destination."""

    def __init__(self, directory, **destination):
        config = Path(directory) / "replay.yaml"
        secret = Path(directory) / "secret"
        secret.write_text("none\n")
        secret.chmod(0o600)
        config.write_text(json.dumps({
            "app": {
                "client_id": "11111111-2222-3333-4444-555555555555",
                "client_secret_file": str(secret),
            },
            "destinations": {"soc": {"format": "cef", "settle": "200ms", **destination}},
            "feeds": [{"source": "graph-alerts", "to": ["soc"]}],
            "tenants": {"contoso": {
                "tenant_id": "00000000-0000-4000-8000-000000000001",
            }},
            "state": {"file": str(Path(directory) / "state.db")},
        }))
        self.log = open(Path(directory) / "replay.log", "wb")
        self.process = subprocess.Popen(
            [str(PROGRAM), "replay", "-c", str(config), "--to", "soc", "--tenant", "contoso"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
        )

    def write(self, count):
        """In the background: it reads as fast as its window allows."""
        self.thread = threading.Thread(target=self._write, args=[count])
        self.thread.start()

    def _write(self, count):
        for first in range(0, count, 500):
            page = {"value": [alert(n) for n in range(first, min(first + 500, count))]}
            self.process.stdin.write(json.dumps(page).encode() + b"\n")
        self.process.stdin.close()

    def alive(self):
        assert self.process.poll() is None, Path(self.log.name).read_text()

    def finish(self, seconds=60):
        status = self.process.wait(seconds)
        self.thread.join()
        self.log.close()
        assert status == 0, Path(self.log.name).read_text()
        return dict(line.rsplit(" ", 1) for line in self.process.stdout.read().decode().splitlines())


def numbers(lines):
    found = []
    for line in lines:
        assert line.startswith("<131>1 2026-03-01T10:20:30.346666Z contoso alertrelay "), line[:200]
        _, _, rest = line.partition("alert-")
        found.append(int(rest[:6]))
    return found


def options(directory, tls):
    certs = Certs(Path(directory) / "certs") if tls else None
    collector = Rsyslog(Path(directory) / "rsyslog", certs=certs, client_ca=tls)
    if not tls:
        return collector, {"transport": "tcp", "address": [collector.address]}
    client = certs.client()
    return collector, {
        "transport": "tls",
        "address": [collector.address],
        "ca_file": str(certs.ca),
        "cert_file": str(client.cert),
        "key_file": str(client.key),
        "tls_name": "siem.example.net",
    }


@pytest.mark.parametrize("framing", ["octet", "lf"])
@pytest.mark.parametrize("tls", [False, True], ids=["tcp", "tls"])
def test_every_message_once_and_in_order(tmp_path, tls, framing):
    collector, destination = options(tmp_path, tls)
    with collector:
        replay = Replay(tmp_path, framing=framing, **destination)
        replay.write(3000)
        assert replay.finish()["confirmed"] == "3000"
        assert numbers(collector.wait_for(3000)) == list(range(3000))


@pytest.mark.parametrize("how", ["kill", "stop"])
@pytest.mark.parametrize("tls", [False, True], ids=["tcp", "tls"])
def test_rsyslog_dies_in_the_middle(tmp_path, tls, how):
    """What rsyslogd had in memory when it was killed is within the settle time, and what its kernel
    had is sent again, so every message is there in the end. (rsyslogd stopped by SIGSTOP for longer
    than the settle time and killed then loses what it had read into its queue in memory; over TCP
    no sender can know that.)"""
    collector, destination = options(tmp_path, tls)
    with collector:
        replay = Replay(tmp_path, **destination)
        replay.write(COUNT)
        for death in range(4):
            collector.wait_for(death * COUNT // 5 + 100)
            if how == "stop":
                collector.stop()
            else:
                collector.kill()
            collector.start()
        result = replay.finish()
        assert result["confirmed"] == str(COUNT)
        collector.wait_until(
            lambda: set(numbers(collector.received())) >= set(range(COUNT)), "every message", 30
        )
        print(how, "tls" if tls else "tcp", result, "repeats", len(collector.received()) - COUNT)
