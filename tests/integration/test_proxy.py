"""The way to Microsoft: proxy, own CA file, address family and timeouts, seen with `fetch`."""

import os
import time

import pytest

from ports import HeldPort
from proxy import Door, Proxy

pytestmark = pytest.mark.slow  # what does not answer is tried again

HOST = "graph.example.test"  # no DNS knows it: only the proxy finds it
LOGIN = "relay user:p%40ss:w@rd+/"


@pytest.fixture
def behind(simulators, relays, authority, started, tmp_path):
    """behind(Proxy(...), proxy=...): fetch() of one alert from a host that only a proxy reaches."""
    pair = authority.issue("proxied", HOST, "localhost")

    def make(through, environment=None, login=None, **http):
        started(through)
        simulator = simulators(tenants=1, alerts=0, pair=pair)
        simulator.add_alerts(1, 1, age_s=60)
        relay = relays(simulator, tenants=1)
        relay.add_destination("out", transport="stdout")
        relay.add_feed("out")
        root = f"https://{HOST}:{simulator.port}"
        relay.config["app"].update(login_root=root, graph_root=root)
        relay.config["http"].update(http)
        if login is not None:
            path = tmp_path / "proxy.login"
            path.write_text(login + "\n")
            path.chmod(0o600)
            relay.config["http"]["proxy_password_file"] = str(path)
        relay.write()
        clean = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}

        def fetch():
            return relay.command(
                "fetch", "customer1", "-c", str(relay.config_file), env={**clean, **(environment or {})}
            )

        return fetch

    return make


def fine(result):
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.splitlines()) == 1


def test_a_proxy_of_the_configuration(behind):
    proxy = Proxy()
    fine(behind(proxy, proxy=proxy.url)())
    assert proxy.heads and all(head.startswith(f"CONNECT {HOST}:") for head in proxy.heads)
    # A tunnel: neither token nor secret pass the proxy in the clear.
    assert not any("Bearer" in head or "oauth2" in head for head in proxy.heads)


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_proxy_of_the_environment(behind, name):
    proxy = Proxy()
    fine(behind(proxy, {name: proxy.url})())
    assert proxy.heads


@pytest.mark.parametrize("where", ["environment", "configuration"])
def test_no_proxy_of_the_environment(behind, where):
    proxy = Proxy()
    environment, http = {"NO_PROXY": "other.example,.example.test"}, {}
    if where == "environment":
        environment["HTTPS_PROXY"] = proxy.url
    else:
        http["proxy"] = proxy.url
    result = behind(proxy, environment, **http)()
    assert result.returncode == 1 and "cannot find the address of" in result.stderr
    assert not proxy.heads


def test_the_login_comes_from_a_file(behind):
    proxy = Proxy(login=LOGIN)
    fine(behind(proxy, login=LOGIN, proxy=proxy.url)())


def test_a_proxy_of_the_environment_gets_the_login_of_the_file(behind):
    proxy = Proxy(login=LOGIN)
    fine(behind(proxy, {"HTTPS_PROXY": proxy.url}, login=LOGIN)())


@pytest.mark.parametrize("login", [None, "relay:hunter2"])
def test_a_proxy_that_wants_another_login(behind, login):
    proxy = Proxy(login=LOGIN)
    result = behind(proxy, login=login, proxy=proxy.url)()
    assert result.returncode == 1 and "HTTP 407" in result.stderr
    assert "proxy_password_file" in result.stderr and "hunter2" not in result.stderr


def test_a_proxy_that_refuses_the_host(behind):
    proxy = Proxy(refuse="403 Forbidden")
    result = behind(proxy, proxy=proxy.url)()
    assert result.returncode == 1 and "HTTP 403" in result.stderr
    assert "allow this host" in result.stderr and "consent" not in result.stderr


def test_a_proxy_that_says_nothing_ends_at_the_connect_timeout(behind):
    proxy = Proxy(silent=True)
    start = time.monotonic()
    result = behind(proxy, proxy=proxy.url, connect_timeout="300ms")()
    assert result.returncode == 1 and "no connection to" in result.stderr
    assert time.monotonic() - start < 60


def test_a_proxy_that_is_not_there(behind, started):
    port = started(HeldPort()).number
    result = behind(Proxy(), proxy=f"http://127.0.0.1:{port}")()
    assert result.returncode == 1 and "cannot connect to" in result.stderr
    assert "proxy" in result.stderr


@pytest.mark.parametrize("login", ["", "no-colon", ":only-password"])
def test_a_login_file_that_is_none(behind, login):
    proxy = Proxy()
    result = behind(proxy, login=login, proxy=proxy.url)()
    assert result.returncode == 2 and "alertrelay.yaml:" in result.stderr
    assert "no-colon" not in result.stderr and "only-password" not in result.stderr


def test_this_host_is_never_asked_through_a_proxy(simulators, relays, started):
    proxy = started(Proxy())
    simulator = simulators(tenants=1, alerts=0)
    simulator.add_alerts(1, 1, age_s=60)
    relay = relays(simulator, tenants=1)
    relay.add_destination("out", transport="stdout")
    relay.add_feed("out")
    relay.config["http"]["proxy"] = proxy.url
    for ip in ("any", "4"):
        relay.config["http"]["ip"] = ip
        fine(relay.command("fetch", "customer1", "-c", str(relay.write())))
    assert not proxy.heads
    # The simulator listens on IPv4 only.
    relay.config["http"]["ip"] = "6"
    result = relay.command("fetch", "customer1", "-c", str(relay.write()))
    assert result.returncode == 1 and "localhost" in result.stderr


@pytest.mark.parametrize("ip, good", [("any", True), ("6", True), ("4", False)])
def test_a_host_with_ipv6_alone(simulators, relays, started, ip, good):
    simulator = simulators(tenants=1, alerts=0)
    simulator.add_alerts(1, 1, age_s=60)
    door = started(Door(simulator.port))
    relay = relays(simulator, tenants=1)
    relay.add_destination("out", transport="stdout")
    relay.add_feed("out")
    root = f"https://localhost:{door.port}"
    relay.config["app"].update(login_root=root, graph_root=root)
    relay.config["http"]["ip"] = ip
    result = relay.command("fetch", "customer1", "-c", str(relay.write()))
    if good:
        fine(result)
    else:
        assert result.returncode == 1 and "cannot connect" in result.stderr


def test_another_authority_is_refused(behind, authority, simulators, tmp_path):
    other = simulators(tenants=1, alerts=0)
    proxy = Proxy()
    result = behind(proxy, proxy=proxy.url, ca_file=other.ca_file)()
    assert result.returncode == 1 and "certificate" in result.stderr and "ca_file" in result.stderr


# Connect is above; a body that stalls is in unit/test_http.c.
def test_an_answer_that_does_not_begin(simulators, relays):
    simulator = simulators(tenants=1, alerts=0)
    simulator.fault("delay", 1, count=1, delay_ms=20000)
    simulator.add_alerts(1, 1, age_s=60)
    relay = relays(simulator, tenants=1)
    relay.add_destination("out", transport="stdout")
    relay.add_feed("out")
    relay.config["http"]["first_byte_timeout"] = "1s"
    result = relay.command("fetch", "customer1", "-c", str(relay.write()))
    assert "did not answer within 1 s" in result.stderr
    fine(result)
