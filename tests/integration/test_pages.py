"""Pages and passes: however the vendor cuts and orders them, each alert arrives once."""

import time

import pytest

from received import compare, read_all
from relay import wait_until


@pytest.fixture
def line(simulators, collectors, relays):
    """line(tenants=, alerts=): simulator, collector and relay with pages of 7."""

    def make(*arguments, tenants=2, alerts=100, feed=None, **options):
        simulator = simulators(*arguments, tenants=tenants, alerts=alerts, **options)
        collector = collectors("tcp")
        relay = relays(simulator, tenants=tenants)
        relay.add_collector(collector)
        relay.add_feed("soc", **{"look_back": "48h", "page_size": 7, "poll": "1s", **(feed or {})})
        return simulator, collector, relay

    return make


@pytest.mark.parametrize("gzip", [{}, {"gzip": True}], ids=["plain", "gzip"])
@pytest.mark.parametrize("paging", ["skip", "key"])
def test_small_pages_lose_and_repeat_nothing(line, gzip, paging):
    simulator, collector, relay = line(alerts=200, paging=paging, **gzip)
    relay.run_once()
    compare(simulator, read_all(collector.lines())).check()
    assert simulator.requests(1)["pages"] >= 200 / 2 / 7


def test_gzip_is_really_used(line):
    plain, _, relay = line()
    relay.run_once()
    packed, _, relay = line(gzip=True)
    relay.run_once()
    assert packed.requests(1)["bytes"] < plain.requests(1)["bytes"] / 2


@pytest.mark.parametrize("slice,age", [("30h", 0), ("10h", 21)])
def test_an_update_while_paging_loses_nothing(line, slice, age):
    """An alert that was read is updated and goes elsewhere in the vendor's list: later pages shift."""
    simulator, collector, relay = line(
        tenants=1, feed={"look_back": "30h", "slice": slice, "overlap": "1m"}
    )
    until = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() - age * 3600))
    on_first_page = max(
        (a for a in simulator.versions(1) if a["createdDateTime"] < until),
        key=lambda a: a["versions"][-1]["lastUpdateDateTime"],
    )
    simulator.update_while_paging(1, page=2, n=on_first_page["n"], status="resolved")
    relay.run_once()
    assert len(simulator.versions(1)[on_first_page["n"] - 1]["versions"]) == 2
    relay.run_once()
    compare(simulator, read_all(collector.lines())).check()


def test_late_alerts_within_the_overlap_arrive(line):
    simulator, collector, relay = line(alerts=40)
    relay.run_once()
    simulator.add_alerts(1, 5, age_s=500)
    simulator.add_alerts(2, 20, spread_s=500, shuffled=True)
    relay.run_once()
    compare(simulator, read_all(collector.lines())).check()


def test_equal_times_lose_nothing(line):
    simulator, collector, relay = line(alerts=10)
    simulator.add_alerts(1, 50, equal=True)
    relay.run_once()
    simulator.add_alerts(1, 50, equal=True)
    relay.run_once()
    compare(simulator, read_all(collector.lines())).check()


def test_an_alert_twice_on_a_page_is_sent_once(line):
    simulator, collector, relay = line()
    simulator.fault("duplicate-ids", count=-1)
    relay.run_once()
    messages = read_all(collector.lines())
    simulator.clear_faults()
    relay.run_once()
    compare(simulator, read_all(collector.lines())).check()
    assert messages


def test_a_daemon_follows_a_busy_vendor(line):
    simulator, collector, relay = line(tenants=4, alerts=100, trickle=3000)
    relay.start()
    wait_until(lambda: len(collector.lines()) > 250, "alerts trickle in")
    simulator.control("POST", "trickle", {"per_minute": 0})
    result = relay.complete(simulator, collector.lines)
    result.check()
    assert relay.stop() == 0


def test_empty_pages_with_next_links_are_followed(line):
    simulator, collector, relay = line(tenants=1, alerts=30)
    simulator.fault("empty-pages", count=2)
    relay.run_once()
    compare(simulator, read_all(collector.lines())).check()


def test_endless_next_links_end_and_hide_nothing(line):
    simulator, collector, relay = line(tenants=2, alerts=60)
    simulator.fault("endless-next-link", tenant=1, count=-1)
    result = relay.run_once()
    assert "tenant=customer1" in result.stderr and result.stderr.count("circle") == 1
    assert simulator.requests(1)["pages"] < 150
    compare(simulator, read_all(collector.lines())).check()


def test_a_range_longer_than_a_slice_is_asked_in_slices(line):
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 9.5 * 86400))
    simulator, collector, relay = line(since=since, tenants=1, alerts=90, feed={"look_back": "10d"})
    relay.run_once()
    compare(simulator, read_all(collector.lines())).check()
    assert simulator.requests(1)["pages"] >= 10
