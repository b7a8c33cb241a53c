"""What the integration tests share: certificates, collectors, simulators, the relay, and their end."""

import os
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import rsyslog  # noqa: E402
from certs import Authority  # noqa: E402
from relay import PROGRAM, Relay  # noqa: E402
from simulator import Simulator  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes long; not for every change")


def pytest_addoption(parser):
    parser.addoption(
        "--refresh-golden", action="store_true", help="write what test_golden.py compares with"
    )


def pytest_collection_modifyitems(items):
    """With several workers the slow ones come first, so that none of them is waited for at the end."""
    if os.environ.get("PYTEST_XDIST_WORKER"):
        items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Each worker gets two tests, the fewest that it can work with, and the next when it has done
    one: xdist itself gives out long rows, and a row of slow tests would outlast all others."""
    from xdist.scheduler import LoadScheduling

    class OneByOne(LoadScheduling):
        def _send_tests(self, node, num):
            super()._send_tests(node, min(num, 2 - len(self.node2pending[node])))

    return OneByOne(config, log)


@pytest.fixture(scope="session")
def refresh_golden(request):
    return request.config.getoption("--refresh-golden")


@pytest.fixture(scope="session", autouse=True)
def programs():
    assert PROGRAM.exists(), f"{PROGRAM} is not built; BUILD_DIR names the build directory"
    if not rsyslog.PROGRAM:
        pytest.skip("no rsyslogd: packages rsyslog and rsyslog-openssl, -gnutls and -relp")
    if not shutil.which("openssl"):
        pytest.skip("no openssl: package openssl")


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def good_pair(authority):
    return authority.issue("good", "localhost")


@pytest.fixture
def started():
    """Whatever is put in here is stopped at the end: started(thing) gives thing."""
    things = []

    def start(thing):
        things.append(thing)
        return thing

    yield start
    for thing in reversed(things):
        (getattr(thing, "kill", None) or thing.stop)()


@pytest.fixture
def collectors(tmp_path, authority, good_pair, started):
    """collectors("tls"), "tcp", "relp", "relp+tls", "udp": a running rsyslog; start=False: not yet."""
    count = 0

    def make(transport="tcp", start=True, pair=None, ca=None, **options):
        nonlocal count
        count += 1
        pair = pair or (good_pair if transport.endswith("tls") else None)
        if transport.startswith("relp"):
            options["module"] = "imrelp"
        if transport == "udp":
            options["module"] = "imudp"
        collector = rsyslog.Rsyslog(
            tmp_path / f"collector{count}", pair, authority.cert if pair else None, ca, **options
        )
        started(collector.held)
        started(collector)
        return collector.start() if start else collector

    return make


@pytest.fixture
def simulators(tmp_path, started):
    """simulators(tenants=2, alerts=10): a running simulator."""
    count = 0

    def make(*arguments, **options):
        nonlocal count
        count += 1
        directory = tmp_path / f"simulator{count}"
        directory.mkdir()
        samples = Path(__file__).resolve().parent.parent / "samples"
        simulator = Simulator(*arguments, directory=directory, samples=samples, **options)
        return started(simulator).start()

    return make


@pytest.fixture
def relays(tmp_path, started):
    """relays(simulator, tenants=2): a relay with its configuration; it is killed at the end."""
    count = 0

    def make(*arguments, **options):
        nonlocal count
        count += 1
        return started(Relay(tmp_path / f"relay{count}", *arguments, **options))

    return make


@pytest.fixture
def connected(simulators, collectors, relays):
    """connected("tls", tenants=2, alerts=40, poll="1s"): a simulator, a collector, and a relay with
    one feed between them for all tenants; destination={...} are options of the collector's."""

    def make(transport, tenants, alerts, destination=None, **feed):
        simulator = simulators(tenants=tenants, alerts=alerts)
        collector = collectors(transport)
        relay = relays(simulator, tenants=tenants)
        relay.add_collector(collector, **(destination or {}))
        relay.add_feed("soc", **{"look_back": "48h", **feed})
        return simulator, collector, relay

    return make
