"""TLS to the collector: who it is, who we are, and certificates that are mended while we run."""

import pytest

from certs import Authority, Pair
from received import compare, read_all
from relay import wait_until


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """A CA that the relay does not trust."""
    return Authority(tmp_path_factory.mktemp("stranger"), "Stranger CA")


WRONG = {
    "wrong-name": lambda ours, other: ours.issue("wrong-name", "other.example"),
    "unknown-ca": lambda ours, other: other.issue("unknown-ca", "localhost"),
    "expired": lambda ours, other: ours.expired("expired", "localhost"),
    "not-yet-valid": lambda ours, other: ours.issue("early", "localhost", begin="20980101000000Z"),
    "client-certificate": lambda ours, other: ours.issue("client-only", "localhost", client=True),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_certificate_is_refused_said_once_and_all_arrives_when_it_is_mended(
    simulators, collectors, relays, authority, stranger, good_pair, tmp_path, wrong
):
    pair = Pair(tmp_path / "server.pem", tmp_path / "server.key")
    pair.copy_from(WRONG[wrong](authority, stranger))
    simulator = simulators(tenants=2, alerts=40)
    collector = collectors("tls", pair=pair)
    relay = relays(simulator, tenants=2)
    relay.add_collector(collector)
    relay.add_feed("soc", poll="1s", look_back="48h")
    relay.start()

    def warnings():
        return [l for l in relay.log().splitlines() if "destination=soc" in l and "warning" in l]

    wait_until(warnings, "the refusal is logged")
    text = warnings()[0]
    assert "certificate" in text or "TLS" in text, text
    pages = simulator.requests(1)["pages"]
    simulator.add_alerts(1, 2)
    wait_until(lambda: simulator.requests(1)["pages"] > pages, "the vendor is asked all the same")
    assert not collector.lines()
    collector.stop()
    pair.copy_from(good_pair)
    collector.start()
    relay.complete(simulator, collector.lines).check()
    assert len([l for l in warnings() if l == text]) == 1
    wait_until(lambda: "takes alerts again" in relay.log(), "the recovery is logged")
    assert relay.stop() == 0


def test_a_missing_ca_file_that_is_mended_needs_no_restart(
    simulators, collectors, relays, authority, stranger, tmp_path
):
    simulator = simulators(tenants=1, alerts=20)
    collector = collectors("tls")
    relay = relays(simulator, tenants=1)
    ca_file = tmp_path / "ca.pem"
    ca_file.write_bytes(stranger.cert.read_bytes())
    relay.add_collector(collector, ca_file=str(ca_file))
    relay.add_feed("soc", poll="1s", look_back="48h")
    relay.start()
    wait_until(lambda: "unknown CA" in relay.log(), "the refusal is logged")
    ca_file.write_bytes(authority.cert.read_bytes())
    relay.complete(simulator, collector.lines).check()
    assert relay.stop() == 0


def test_tls_name_is_what_is_verified(simulators, collectors, relays, authority):
    simulator = simulators(tenants=1, alerts=20)
    collector = collectors("tls", pair=authority.issue("other-name", "siem.example"))
    relay = relays(simulator, tenants=1)
    relay.add_collector(collector, tls_name="siem.example")
    relay.add_feed("soc", look_back="48h")
    relay.run_once()
    compare(simulator, read_all(collector.lines())).check()


def test_an_address_in_the_certificate_is_verified(simulators, collectors, relays, authority):
    simulator = simulators(tenants=1, alerts=20)
    collector = collectors("tls", pair=authority.issue("address", "siem.example", "IP:127.0.0.1"))
    relay = relays(simulator, tenants=1)
    relay.add_collector(collector, address=f"127.0.0.1:{collector.port}")
    relay.add_feed("soc", look_back="48h")
    relay.run_once()
    compare(simulator, read_all(collector.lines())).check()


def test_a_collector_that_wants_a_client_certificate_gets_it(
    simulators, collectors, relays, authority
):
    simulator = simulators(tenants=1, alerts=20)
    client = authority.issue("client", "relay.example", client=True)
    collector = collectors("tls", ca=authority.cert)
    relay = relays(simulator, tenants=1)
    destination = relay.add_collector(collector)
    relay.add_feed("soc", look_back="48h")
    result = relay.run_once("--give-up", "3s", status=1)
    assert "destination" in result.stderr and not collector.lines()
    destination.update(cert_file=str(client.cert), key_file=str(client.key))
    relay.run_once()
    compare(simulator, read_all(collector.lines())).check()


def test_plain_tcp_to_a_tls_collector_and_the_other_way_lose_nothing(
    simulators, collectors, relays
):
    simulator = simulators(tenants=1, alerts=20)
    plain = collectors("tcp")
    relay = relays(simulator, tenants=1)
    destination = relay.add_collector(plain)
    destination.update(transport="tls", connect_timeout="1s")
    relay.add_feed("soc", look_back="48h")
    relay.run_once("--give-up", "3s", status=1)
    destination.update(transport="tcp")
    relay.run_once()
    lines = [l for l in plain.lines() if l.startswith(b"<")]
    compare(simulator, read_all(lines)).check()


def test_a_revoked_certificate_is_refused_until_the_collector_has_a_new_one(
    simulators, collectors, relays, tmp_path
):
    authority = Authority(tmp_path / "authority")
    pair = Pair(tmp_path / "server.pem", tmp_path / "server.key")
    pair.copy_from(authority.issue("first", "localhost"))
    crl_file = authority.write_list(tmp_path / "list.pem")
    simulator = simulators(tenants=1, alerts=20)
    collector = collectors("tls", pair=pair)
    relay = relays(simulator, tenants=1)
    relay.add_collector(collector, ca_file=str(authority.cert), crl_file=str(crl_file))
    relay.add_feed("soc", poll="1s", look_back="48h")
    relay.start()
    relay.complete(simulator, collector.lines).check()
    authority.revoke(pair)
    authority.write_list(crl_file)
    collector.stop()
    collector.start()
    wait_until(lambda: "is revoked by crl_file" in relay.log(), "the refusal is logged")
    simulator.add_alerts(1, 5)
    collector.stop()
    pair.copy_from(authority.issue("second", "localhost"))
    collector.start()
    result = relay.complete(simulator, collector.lines)  # the first ones may not have settled
    assert not result.unexpected
    assert relay.log().count("is revoked by crl_file") == 1
    assert relay.stop() == 0


def test_a_pinned_key_needs_no_authority_and_a_new_key_its_hash(
    simulators, collectors, relays, authority, stranger, tmp_path
):
    first, second = stranger.expired("pinned", "siem"), stranger.issue("new-key", "siem")
    pair = Pair(tmp_path / "server.pem", tmp_path / "server.key")
    pair.copy_from(first)
    simulator = simulators(tenants=1, alerts=20)
    collector = collectors("tls", pair=pair)
    relay = relays(simulator, tenants=1)
    destination = relay.add_collector(collector, pinned_key=authority.pinned(first))
    del destination["ca_file"]
    relay.add_feed("soc", look_back="48h")
    relay.run_once()
    compare(simulator, read_all(collector.lines())).check()
    simulator.add_alerts(1, 5)
    collector.stop()
    pair.copy_from(second)
    collector.start()
    result = relay.run_once("--give-up", "3s", status=1)
    assert "not one of pinned_key" in result.stderr
    destination["pinned_key"] += ";" + authority.pinned(second)
    relay.run_once()
    compare(simulator, read_all(collector.lines())).check()
