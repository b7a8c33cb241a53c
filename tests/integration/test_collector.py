"""The collector dies, is not there, or does not read: nothing is lost and nobody restarts anything."""

import os
import random
import threading
import time
from pathlib import Path

import pytest

from odd import Odd
from received import truth
from relay import wait_until
from repeats import Began, Runs, account

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
    runs = Runs(collector, relay.log)
    moments = random.Random(SEED)
    pause = threading.Event()
    for kill in range(8):
        have = runs.octets()
        wait_until(lambda: runs.octets() > have, "alerts arrive again")
        # Before and after the settle time, in turn.
        pause.wait(moments.random() * 0.4 + (0.8 if kill % 2 else 0))
        runs.kill()
        pause.wait(moments.random() * 0.3)
        runs.start()
    simulator.control("POST", "trickle", {"per_minute": 0})
    result = relay.complete(simulator, runs.lines, seconds=120, cut=True)
    assert not result.unexpected
    assert relay.stop() == 0, relay.log()
    assert relay.log().count("sums of a feed") == 0
    # What came again was sent again after a break, and the relay has said how much that is. (A version
    # that came back, as new, resolved, new, is another matter.)
    had, read = truth(simulator), runs.read(counted=True, cut=True)
    for run in read:
        run.messages = [m for m in run.messages if had[m.key[:2]].count(m.version) == 1]
    repeated, unexplained = account(read)
    assert not unexplained and repeated <= sum(run.resent for run in read)


def test_nothing_is_lost_when_collector_and_relay_are_killed(simulators, collectors, relays):
    simulator = simulators(tenants=4, alerts=800)
    collector = collectors("tls")
    relay = relays(simulator, tenants=4)
    relay.add_collector(collector, settle="300ms")
    relay.add_feed("soc", poll="1s", look_back="48h", page_size=20, window="256K")
    runs, began = Runs(collector, relay.log), Began()
    moments = random.Random(SEED)
    pause = threading.Event()

    def start():
        delivered = relay.confirmed()
        began.add(relay.start().pid, delivered)

    for kill in range(12):
        start()
        pause.wait(moments.random())
        if kill % 3 == 0:
            runs.kill()
            pause.wait(moments.random() * 0.2)
            runs.start()
            pause.wait(moments.random() * 0.5)
        relay.kill()
        simulator.add_alerts(1 + kill % 4, 10)
    start()
    result = relay.complete(simulator, runs.lines, seconds=120, cut=True)
    assert not result.unexpected
    assert relay.stop() == 0, relay.log()
    assert not account(runs.read(cut=True), began)[1]


@pytest.mark.parametrize("behave", [Odd.closes, Odd.resets_soon], ids=["closed", "reset"])
def test_connections_that_end_leave_no_descriptor(simulators, relays, started, behave):
    simulator = simulators(tenants=1, alerts=2000)
    odd = started(Odd(behave)).start()
    relay = relays(simulator, tenants=1)
    # Only a connection that has proved itself is replaced at once.
    relay.add_collector(odd, framing="octet", settle="20ms", tail="64K")
    relay.add_feed("soc", poll="1s", look_back="48h", window="64K")
    files = Path(f"/proc/{relay.start().pid}/fd")

    def descriptors():
        return len(list(files.iterdir()))

    wait_until(lambda: len(odd.streams) >= 5, "some connections have ended")
    before = descriptors()
    wait_until(lambda: len(odd.streams) >= 25, "many connections have ended")
    # Transfers have some for a while; what is left behind stays.
    wait_until(lambda: descriptors() <= before + 2, "all but a few of their descriptors are closed")
    odd.behave = Odd.read
    result = relay.complete(simulator, odd.lines)
    assert not result.unexpected
    assert relay.stop() == 0, relay.log()


def unsent(port):
    """Octets that the kernel has for a listener of this port, and that it has not acknowledged."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, _, remote, state, queues, *_ = line.split()
        if remote.endswith(f":{port:04X}") and state == "01":
            return int(queues.split(":")[0], 16)
    return 0


def wait_until_it_takes_no_more(collector, seconds):
    """Frozen for so long: what its kernel has acknowledged has settled, what waits does not move."""
    since, last = time.monotonic(), -1

    def stands_still():
        nonlocal since, last
        now = unsent(collector.port)
        if now != last or not now:
            since, last = time.monotonic(), now
        return time.monotonic() - since > seconds

    wait_until(stands_still, "the collector takes no more")


# Before what its kernel has can settle, and long after that.
@pytest.mark.parametrize("settle,frozen", [("5s", 1), ("200ms", 3)])
@pytest.mark.parametrize("transport", ["tls", "tcp"])
def test_a_collector_that_is_frozen_and_killed_loses_nothing(connected, transport, settle, frozen):
    """It stops reading, the kernels take what fits, and it dies with all of that unread."""
    simulator, collector, relay = connected(
        transport, tenants=2, alerts=40, destination={"settle": settle}, poll="1s", page_size=20
    )
    relay.start()
    wait_until(lambda: len(collector.lines()) == 40, "all arrived")
    collector.pause()
    for tenant in (1, 2):
        simulator.add_alerts(tenant, 300)
    wait_until_it_takes_no_more(collector, frozen)
    have = len(collector.lines())
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


# Ten minutes: STALL_SECONDS=600.
STALL_SECONDS = float(os.environ.get("STALL_SECONDS", "8"))


@pytest.mark.slow
def test_a_collector_that_stalls_for_long_costs_no_memory_and_no_poll_of_others(
    simulators, collectors, relays
):
    simulator = simulators(tenants=2, alerts=2000)
    stalled, quick = collectors("tls"), collectors("tcp")
    relay = relays(simulator, tenants=2)
    relay.add_collector(stalled, "stalled")
    relay.add_collector(quick, "quick")
    relay.add_feed("stalled", tenant="customer1", poll="1s", look_back="48h")
    relay.add_feed("quick", poll="1s", look_back="48h")
    relay.start()
    wait_until(stalled.lines, "both get alerts")
    stalled.pause()
    simulator.add_alerts(1, 1000)
    relay.complete(simulator, quick.lines, tenants=[2]).check()
    wait_until(lambda: unsent(stalled.port), "the stalled one takes no more")
    threading.Event().wait(2)  # for what is still on its way into windows and buffers
    peak, polls, begin = relay.peak(), simulator.requests(2)["pages"], time.monotonic()
    while (lasted := time.monotonic() - begin) < STALL_SECONDS:
        simulator.add_alerts(2, 1)
        threading.Event().wait(0.5)
    # One each second: on a busy machine a third may come late.
    assert simulator.requests(2)["pages"] - polls > lasted * 2 / 3
    assert relay.peak() - peak < 1024 * 1024
    relay.complete(simulator, quick.lines, tenants=[2]).check()
    stalled.resume()
    relay.complete(simulator, stalled.lines, tenants=[1]).check()
    assert relay.stop() == 0
