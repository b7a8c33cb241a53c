"""The relay ends at any moment: nothing is lost, and repeats are only what was not confirmed."""

import collections
import random
import threading

import pytest

from received import compare, read_all, truth
from relay import wait_until

SEED = 20240229


def copies(messages):
    return collections.Counter(m.key for m in messages)


@pytest.mark.parametrize("transport,kills", [("tls", 50), ("tcp", 20), ("relp", 20)])
def test_nothing_is_lost_when_the_relay_is_killed_again_and_again(
    simulators, collectors, relays, transport, kills
):
    tenants = 4
    simulator = simulators(tenants=tenants, alerts=600, trickle=1200)
    collector = collectors(transport)
    relay = relays(simulator, tenants=tenants)
    relay.add_collector(collector)
    # One message is 2 to 10 KB, so that a window holds some dozen.
    relay.add_feed("soc", poll="1s", look_back="48h", page_size=20, window="256K")
    moments = random.Random(SEED)
    pause = threading.Event()
    before, known = set(), {}  # what was confirmed when the relay with this PROCID began
    # On a busy machine it takes more of them until something has been delivered between.
    while len(known) < kills or len(before) <= 100:
        assert len(known) < 10 * kills, "the kills must hit a relay that delivers"
        before = relay.confirmed()
        known[str(relay.start().pid)] = before
        pause.wait(moments.random() ** 2 * 1.0)  # a random moment, not a state waited for
        relay.kill()
        assert not {alert for alert, _ in before} - {alert for alert, _ in relay.confirmed()}
    simulator.control("POST", "trickle", {"per_minute": 0})
    known[str(relay.start().pid)] = relay.confirmed()
    cut = transport == "tcp"  # octets are not counted
    result = relay.complete(simulator, collector.lines, cut=cut)
    assert relay.stop() == 0, relay.log()
    messages = read_all(collector.lines(), cut=cut)
    assert not result.unexpected
    assert len(collector.lines()) - len(messages) <= len(known)
    # Only what was not confirmed is sent again by the next one, and by each at most once. (A version
    # that came back, as new, resolved, new, is another matter.)
    had = truth(simulator)
    once = [m for m in messages if had[m.key[:2]].count(m.version) == 1]
    for message in once:
        assert (message.alert, message.version) not in known[message.process], message.key
    assert max(collections.Counter((m.process, *m.key) for m in once).values()) == 1
    # And at rest nothing more comes.
    before = len(collector.lines())
    relay.run_once()
    assert len(collector.lines()) == before


def test_a_kill_repeats_nothing_that_was_confirmed(connected):
    simulator, collector, relay = connected("tls", tenants=2, alerts=100, poll="1s")
    relay.run_once()
    confirmed = compare(simulator, read_all(collector.lines())).check().received
    for round in range(5):
        simulator.add_alerts(1, 3)
        relay.start()
        relay.complete(simulator, collector.lines)
        relay.kill()
    messages = read_all(collector.lines())
    repeated = [k for k, n in copies(messages).items() if n > 1]
    old = {m.key for m in messages[:confirmed]}
    assert not old & set(repeated)
    assert len(repeated) <= 15
    relay.run_once()
    assert not compare(simulator, read_all(collector.lines())).lost


def test_sigterm_ends_the_relay_in_order_and_soon(connected):
    simulator, collector, relay = connected(
        "tls", tenants=3, alerts=300, destination={"settle": "1s"}, poll="1s", page_size=10
    )
    relay.start()
    wait_until(lambda: len(collector.lines()) > 20, "some alerts arrived")
    assert relay.stop(timeout=15) == 0, relay.log()
    sent = len(collector.lines())
    messages = read_all(collector.lines())
    assert max(copies(messages).values()) == 1
    relay.run_once()
    compare(simulator, read_all(collector.lines())).check()
    assert len(collector.lines()) >= sent


def test_sigterm_with_a_collector_that_is_not_there_still_ends_soon(
    simulators, collectors, relays
):
    simulator = simulators(tenants=2, alerts=40)
    collector = collectors("tcp")
    collector.kill()
    relay = relays(simulator, tenants=2)
    relay.add_collector(collector)
    relay.add_feed("soc", poll="1s", look_back="48h")
    relay.start()
    wait_until(lambda: "no collector listens there" in relay.log(), "the refusal is logged")
    assert relay.stop(timeout=15) == 0
    collector.start()
    relay.run_once()
    compare(simulator, read_all(collector.lines())).check()


def test_two_signals_end_it_at_once(connected):
    simulator, collector, relay = connected(
        "tcp", tenants=1, alerts=40, destination={"settle": "30s"}, poll="1s"
    )
    process = relay.start()
    wait_until(lambda: len(collector.lines()) == 40, "all arrived")
    process.terminate()
    wait_until(lambda: "stopping" in relay.log(), "it is stopping")
    process.terminate()
    assert relay.wait(15) == 0
