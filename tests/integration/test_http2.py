"""HTTP/2 on the way to the vendor: a real proxy in front of the simulator speaks it."""

import os
import shutil
import subprocess

import pytest

from ports import HeldPort
from received import compare, read_all
from relay import wait_until

PROGRAM = shutil.which("nghttpx", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


class Nghttpx:
    """TLS with HTTP/2 in front of a simulator that speaks HTTP/1.1 over TLS."""

    def __init__(self, directory, pair, simulator):
        self.directory, self.pair, self.simulator = directory, pair, simulator
        self.access = directory / "access.log"
        self.held = HeldPort()
        self.port = self.held.number
        self.process = None

    def start(self):
        with open(self.directory / "nghttpx.log", "ab") as log:
            self.process = subprocess.Popen(
                [
                    PROGRAM, "--conf=/dev/null", f"--frontend=127.0.0.1,{self.port}",
                    f"--backend=127.0.0.1,{self.simulator.port};;tls", "--insecure", "--no-ocsp", "--workers=1",
                    "--single-process", "--no-server-rewrite", f"--accesslog-file={self.access}",
                    "--accesslog-format=$request", "--errorlog-file=/dev/stderr",
                    str(self.pair.key), str(self.pair.cert),
                ],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        wait_until(lambda: self.process.poll() is not None or self.held.listens(), "nghttpx")
        assert self.process.poll() is None, (self.directory / "nghttpx.log").read_text()
        return self

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.held.stop()


@pytest.fixture
def proxy(simulators, started, tmp_path, good_pair):
    if not PROGRAM:
        pytest.skip("no nghttpx: package nghttp2-proxy")

    def make(*arguments, **options):
        simulator = simulators(*arguments, **options)
        return simulator, started(Nghttpx(tmp_path, good_pair, simulator)).start()

    return make


@pytest.mark.parametrize("gzip", [{}, {"gzip": True}], ids=["plain", "gzip"])
def test_a_run_over_http2_is_complete(proxy, collectors, relays, authority, gzip):
    tenants = 20
    simulator, front = proxy(tenants=tenants, alerts=400, **gzip)
    collector = collectors("tls")
    relay = relays(simulator, tenants=tenants)
    root = f"https://localhost:{front.port}"
    relay.config["app"].update(login_root=root, graph_root=root)
    relay.config["http"]["ca_file"] = str(authority.cert)
    relay.add_collector(collector)
    relay.add_feed("soc", look_back="48h", page_size=7)
    relay.run_once()
    compare(simulator, read_all(collector.lines())).check()
    requests = front.access.read_text().splitlines()
    pages = [r for r in requests if "alerts_v2" in r]
    assert len(pages) >= 60
    assert all(r.endswith(" HTTP/2") for r in pages), pages[:3]
