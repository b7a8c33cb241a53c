"""Request budgets and fairness: what one tenant wants, or is told, is not felt by another."""

import threading
import time

from relay import wait_until


class Pages:
    """The pages that the simulator has served to each tenant; watches for the longest pause."""

    def __init__(self, simulator, tenants):
        self.simulator, self.tenants = simulator, tenants
        self.longest = {}

    def count(self, tenant):
        return self.simulator.requests(tenant)["pages"]

    def watch(self, seconds):
        last = {t: (self.count(t), time.monotonic()) for t in self.tenants}
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for tenant in self.tenants:
                now, count = time.monotonic(), self.count(tenant)
                if count != last[tenant][0]:
                    self.longest[tenant] = max(self.longest.get(tenant, 0), now - last[tenant][1])
                    last[tenant] = (count, now)
            threading.Event().wait(0.02)
        for tenant in self.tenants:
            self.longest[tenant] = max(
                self.longest.get(tenant, 0), time.monotonic() - last[tenant][1]
            )
        return self.longest


def test_a_huge_backlog_delays_no_other_tenant(connected):
    """One tenant with 8 feeds, each with a long backlog of slow pages, and two transfers for all."""
    simulator, _, relay = connected("tcp", tenants=4, alerts=0, poll="1s")
    simulator.add_alerts(1, 6000, age_s=7200, spread_s=3600)
    simulator.fault("delay", 1, count=-1, delay_ms=400)
    relay.config["http"].update(max_transfers=2, max_transfers_per_tenant=1)
    relay.config["destinations"]["soc"].update(tail="0")
    for number in range(8):
        name = f"soc{number}"
        relay.add_destination(name, **relay.config["destinations"]["soc"])
        relay.add_feed(name, tenant="customer1", look_back="48h", poll="1s", page_size=50)
    relay.start()
    pages = Pages(simulator, [2, 3, 4])
    wait_until(lambda: all(pages.count(t) > 2 for t in [1, 2, 3, 4]), "all are polled")
    longest = pages.watch(8)
    assert pages.count(1) > 15
    # A poll a second, and at most a second late.
    assert max(longest.values()) < 2, longest
    assert relay.stop() == 0


def test_retry_after_holds_for_all_feeds_of_the_tenant_and_for_no_other(connected):
    simulator, _, relay = connected("tcp", tenants=2, alerts=0, poll="1s")
    soc = relay.config["destinations"]["soc"]
    relay.add_destination("second", **soc)
    for name in ("soc", "second"):
        relay.add_feed(name, tenant="customer1", look_back="48h", poll="1s")
    relay.start()
    pages = Pages(simulator, [1, 2])
    wait_until(lambda: pages.count(1) >= 4 and pages.count(2) >= 2, "both are polled")
    simulator.fault("429", 1, count=1, retry_after="3.2")
    wait_until(lambda: simulator.requests(1)["status"].get("429"), "it was throttled")
    before, other = pages.count(1), pages.count(2)
    start = time.monotonic()
    # One request of the other feed may have been under way.
    wait_until(lambda: pages.count(1) > before + 1, "the tenant is asked again")
    assert 3.2 < time.monotonic() - start < 7
    assert pages.count(2) >= other + 2
    assert relay.stop() == 0


def test_retry_after_holds_for_one_api_of_the_tenant_alone(connected):
    simulator, _, relay = connected("tcp", tenants=1, alerts=0, poll="1s")
    relay.config["app"].update(simulator.roots)
    relay.add_feed("soc", source="mde-alerts", poll="1s")
    relay.start()

    def pages(api):
        return simulator.requests(1)["apis"].get(api, {}).get("requests", 0)

    wait_until(lambda: pages("graph") > 2 and pages("mde") > 2, "both are polled")
    simulator.fault("429", 1, count=1, retry_after="4", api="mde")
    wait_until(lambda: simulator.requests(1)["status"].get("429"), "it was throttled")
    mde, graph, start = pages("mde"), pages("graph"), time.monotonic()
    wait_until(lambda: pages("mde") > mde, "it is asked again")
    assert 3.5 < time.monotonic() - start < 8
    assert pages("graph") >= graph + 3
    assert relay.stop() == 0


def test_no_minute_sees_more_requests_than_the_limit(connected):
    """A backlog of 500 pages: a fifth of the limit at once, the rest evenly."""
    simulator, _, relay = connected("tcp", tenants=1, alerts=500, page_size=1)
    relay.config["limits"] = {}
    start = time.monotonic()
    relay.start()
    pages = Pages(simulator, [1])
    wait_until(lambda: pages.count(1) >= 30, "the burst is over")
    assert time.monotonic() - start < 5
    wait_until(lambda: pages.count(1) >= 36, "it goes on")
    elapsed = time.monotonic() - start
    assert elapsed > 2.5 and pages.count(1) <= 30 + elapsed * 2 + 1
    assert relay.stop() == 0

