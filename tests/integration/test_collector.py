"""The collector dies, is not there, or does not read: nothing is lost and nobody restarts anything."""

import random
import threading

import pytest

from relay import wait_until

SEED = 20240301


@pytest.mark.parametrize("transport", ["tls", "tcp", "relp", "relp+tls"])
def test_nothing_is_lost_when_the_collector_is_killed_again_and_again(
    simulators, collectors, relays, transport
):
    simulator = simulators(tenants=4, alerts=1500, trickle=1200)
    collector = collectors(transport)
    relay = relays(simulator, tenants=4)
    relay.add_collector(collector, settle="500ms")
    relay.add_feed("soc", poll="1s", look_back="48h", page_size=20, window="256K")
    relay.start()
    moments = random.Random(SEED)
    pause = threading.Event()
    for kill in range(8):
        have = len(collector.lines())
        wait_until(lambda: len(collector.lines()) > have, "alerts arrive again")
        # Before and after the settle time, in turn.
        pause.wait(moments.random() * 0.4 + (0.8 if kill % 2 else 0))
        collector.kill()
        pause.wait(moments.random() * 0.3)
        collector.start()
    simulator.control("POST", "trickle", {"per_minute": 0})
    result = relay.complete(simulator, collector.lines, seconds=120, cut=True)
    assert not result.unexpected
    assert relay.stop() == 0, relay.log()
    assert relay.log().count("sums of a feed") == 0


def test_a_collector_that_is_killed_before_it_read_loses_nothing(connected):
    """It stops reading, the kernel takes what fits, and then it dies with all of that unread."""
    simulator, collector, relay = connected(
        "tcp", tenants=2, alerts=600, destination={"settle": "5s"}, poll="1s", page_size=20
    )
    relay.start()
    wait_until(lambda: len(collector.lines()) > 10, "some alerts arrived")
    collector.pause()
    have = len(collector.lines())
    simulator.add_alerts(1, 50)
    threading.Event().wait(1.0)  # the kernel fills its buffers
    collector.kill()
    collector.start()
    result = relay.complete(simulator, collector.lines, cut=True)
    assert not result.unexpected and len(collector.lines()) > have
    assert relay.stop() == 0


@pytest.mark.parametrize("transport", ["tls", "tcp", "relp", "relp+tls"])
def test_a_collector_that_comes_late_gets_everything(simulators, collectors, relays, transport):
    simulator = simulators(tenants=3, alerts=60)
    collector = collectors(transport)
    collector.kill()
    relay = relays(simulator, tenants=3)
    relay.add_collector(collector)
    relay.add_feed("soc", poll="1s", look_back="48h")
    relay.start()
    wait_until(lambda: "no collector listens there" in relay.log(), "the refusal is logged")
    collector.start()
    relay.complete(simulator, collector.lines).check()
    assert relay.stop() == 0
    assert relay.log().count("no collector listens there") == 1, relay.log()


def test_a_collector_that_does_not_read_holds_up_only_its_own_feed(simulators, collectors, relays):
    simulator = simulators(tenants=2, alerts=3000)
    slow, quick = collectors("tcp"), collectors("tcp")
    relay = relays(simulator, tenants=2)
    relay.add_collector(slow, "slow")
    relay.add_collector(quick, "quick")
    relay.add_feed("slow", poll="1s", look_back="48h")
    relay.add_feed("quick", poll="1s", look_back="48h")
    slow.pause()
    relay.start()
    relay.complete(simulator, quick.lines).check()
    peak = relay.peak()
    simulator.add_alerts(1, 200)
    relay.complete(simulator, quick.lines).check()
    assert relay.peak() - peak < 8 * 1024 * 1024
    # The feed of 3000 alerts holds no more than its window and what a page read ahead.
    assert peak < 64 * 1024 * 1024
    slow.resume()
    relay.complete(simulator, slow.lines).check()
    assert relay.stop() == 0


def test_the_second_address_is_used_when_the_first_is_gone(simulators, collectors, relays):
    simulator = simulators(tenants=2, alerts=60)
    first, second = collectors("tcp"), collectors("tcp")
    relay = relays(simulator, tenants=2)
    relay.add_collector(first, address=[first.address, second.address])
    relay.add_feed("soc", poll="1s", look_back="48h")
    relay.start()
    relay.complete(simulator, first.lines).check()
    assert not second.lines()
    first.kill()
    simulator.add_alerts(1, 10)
    relay.complete(simulator, lambda: first.lines() + second.lines())
    assert len(second.lines()) >= 10
    assert relay.stop() == 0
