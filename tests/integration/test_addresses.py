"""Several addresses: the next one when one fails, back to the first, customers spread over all."""

import collections

import pytest

from received import read_all, truth
from relay import wait_until
from rsyslog import Rsyslog
from s_server import SServer
from syslog_ng import SyslogNg

RETURNED = "an earlier address of a destination works again"


def start_two(simulators, relays, first, second, alerts=40, **options):
    """The relay uses the second, since the first is not there yet."""
    simulator = simulators(tenants=2, alerts=alerts)
    relay = relays(simulator, tenants=2)
    relay.add_collector(
        second, ca_file=str(second.authority), address=[first.address, second.address], **options
    )
    if not second.pair:
        del relay.config["destinations"]["soc"]["ca_file"]
    relay.add_feed("soc", poll="1s", look_back="48h")
    relay.start()
    relay.complete(simulator, second.lines).check()
    return simulator, relay


@pytest.fixture
def peers(tmp_path, authority, good_pair, started):
    """One of the collectors that there are, as the second address."""

    def make(name):
        tls = {"pair": good_pair, "authority": authority.cert}
        directory = tmp_path / "peer"
        collector = {
            "imtcp": lambda: Rsyslog(directory),
            "imptcp": lambda: Rsyslog(directory, module="imptcp"),
            "imtcp-ossl": lambda: Rsyslog(directory, **tls),
            "imtcp-gtls": lambda: Rsyslog(directory, driver="gtls", **tls),
            "network": lambda: SyslogNg(directory, "network", size=131072),
            "network-tls": lambda: SyslogNg(directory, "network", size=131072, **tls),
            "syslog": lambda: SyslogNg(directory, "syslog", size=131072),
            "syslog-tls": lambda: SyslogNg(directory, "syslog", size=131072, **tls),
            "s_server-1.2": lambda: SServer(directory, good_pair, authority.cert, "-tls1_2"),
            "s_server-1.3": lambda: SServer(directory, good_pair, authority.cert, "-tls1_3"),
        }[name]()
        started(collector.held)
        return started(collector.start())

    return make


@pytest.mark.parametrize(
    "name",
    ["imtcp", "imptcp", "imtcp-ossl", "imtcp-gtls", "network", "network-tls", "syslog", "syslog-tls"]
    + ["s_server-1.2", "s_server-1.3"],
)
def test_the_relay_returns_to_the_first_address_without_loss_or_repeats(
    simulators, collectors, relays, peers, name
):
    """Whoever the second is: it reads all, and answers the end of the connection with its own."""
    second = peers(name)
    first = collectors("tls" if second.pair else "tcp", start=False)
    framing = "lf" if name.startswith("network") else "octet"
    simulator, relay = start_two(simulators, relays, first, second, framing=framing)
    first.start()
    simulator.control("POST", "trickle", {"per_minute": 1200})
    wait_until(lambda: RETURNED in relay.log(), "the first address is used again")
    simulator.control("POST", "trickle", {"per_minute": 0})
    have = len(second.lines())
    simulator.add_alerts(1, 5)
    relay.complete(simulator, lambda: first.lines() + second.lines()).check()
    assert len(second.lines()) == have and len(first.lines()) >= 5
    warnings = [l for l in relay.log().splitlines() if "destination=soc" in l and "warning" in l]
    assert len(warnings) == 1 and "no collector listens there" in warnings[0], warnings
    assert relay.stop() == 0


@pytest.mark.parametrize("transport", ["tcp", "tls", "relp"])
def test_a_first_address_that_is_frozen_is_left_until_it_reads_again(
    simulators, collectors, relays, transport
):
    """Its kernel goes on taking connections: they say nothing."""
    first, second = collectors(transport), collectors(transport)
    simulator = simulators(tenants=2, alerts=40)
    relay = relays(simulator, tenants=2)
    patience = {"dead_after": "2s"}
    if transport == "relp":
        patience["relp_timeout"] = "2s"
    relay.add_collector(first, address=[first.address, second.address], **patience)
    relay.add_feed("soc", poll="1s", look_back="48h")
    relay.start()
    relay.complete(simulator, first.lines).check()
    first.pause()
    for tenant in (1, 2):
        simulator.add_alerts(tenant, 4000)
    wait_until(lambda: len(second.lines()) > 7000, "the second gets alerts")
    relay.complete(simulator, lambda: first.lines() + second.lines())
    assert "nothing for" in relay.log() or "answered no message" in relay.log()
    # What it got of a message, when it was left, ends in a cut line where octets are not counted.
    cut, have, known = transport == "tcp", len(first.lines()), set(truth(simulator))
    simulator.control("POST", "trickle", {"per_minute": 600})
    first.resume()

    def is_new(message):
        return (message.customer, message.alert) not in known

    wait_until(lambda: any(map(is_new, read_all(first.lines()[have:], cut=cut))), "the first gets alerts")
    simulator.control("POST", "trickle", {"per_minute": 0})
    assert RETURNED in relay.log()
    result = relay.complete(simulator, lambda: first.lines() + second.lines(), cut=cut)
    assert not result.unexpected
    assert relay.stop() == 0


def test_the_first_address_may_come_and_go(simulators, collectors, relays):
    first, second = collectors("tls"), collectors("tls")
    simulator = simulators(tenants=2, alerts=40, trickle=600)
    relay = relays(simulator, tenants=2)
    relay.add_collector(first, address=[first.address, second.address])
    relay.add_feed("soc", poll="1s", look_back="48h")
    relay.start()
    for returns in range(1, 4):
        have = len(first.lines())
        wait_until(lambda: len(first.lines()) > have, "the first gets alerts")
        first.kill()
        have = len(second.lines())
        wait_until(lambda: len(second.lines()) > have, "the second gets alerts")
        first.start()
        wait_until(lambda: relay.log().count(RETURNED) == returns, "the relay returns")
    simulator.control("POST", "trickle", {"per_minute": 0})
    result = relay.complete(simulator, lambda: first.lines() + second.lines(), cut=True)
    assert not result.unexpected
    assert relay.stop() == 0


def test_customers_are_spread_over_connections_and_move_when_one_breaks(
    simulators, collectors, relays
):
    tenants = 12
    both = collectors("tcp"), collectors("tcp")
    simulator = simulators(tenants=tenants, alerts=120)
    relay = relays(simulator, tenants=tenants)
    relay.add_collector(both[0], address=[c.address for c in both], connections=2)
    relay.add_feed("soc", poll="1s", look_back="48h")
    relay.start()

    def lines():
        return both[0].lines() + both[1].lines()

    relay.complete(simulator, lines).check()
    of = [{m.customer for m in read_all(c.lines())} for c in both]
    assert all(of) and not of[0] & of[1] and len(of[0] | of[1]) == tenants
    have = len(both[0].lines())
    both[1].kill()
    for tenant in range(1, tenants + 1):
        simulator.add_alerts(tenant, 3)
    relay.complete(simulator, lines)
    moved = read_all(both[0].lines()[have:])
    assert {m.customer for m in moved} == of[0] | of[1]
    both[1].start()
    wait_until(lambda: RETURNED in relay.log(), "they move back")
    before = [len(c.lines()) for c in both]
    for tenant in range(1, tenants + 1):
        simulator.add_alerts(tenant, 3)
    relay.complete(simulator, lines)
    new = [read_all(c.lines()[n:]) for c, n in zip(both, before)]
    assert [{m.customer for m in messages} for messages in new] == of
    assert max(collections.Counter(m.key for m in new[0] + new[1]).values()) == 1
    assert relay.stop() == 0
