"""Request budgets and fairness: what one tenant wants, or is told, is not felt by another."""

import time

from relay import wait_until


class Pages:
    """The pages that the simulator has served to each tenant. They are the clock too: a machine that
    is busy with other things slows down all tenants alike."""

    def __init__(self, simulator, tenants):
        self.simulator, self.tenants = simulator, tenants

    def count(self, tenant):
        return self.simulator.requests(tenant)["pages"]

    def most_between(self, other, pages):
        """Until the other tenant was served so many: the most of them between two of one's own."""
        last = {t: (self.count(t), self.count(other)) for t in self.tenants}
        most = dict.fromkeys(self.tenants, 0)
        end = self.count(other) + pages

        def served():
            theirs = self.count(other)
            for tenant, (own, before) in last.items():
                count = self.count(tenant)
                most[tenant] = max(most[tenant], theirs - before)
                if count != own:
                    last[tenant] = (count, theirs)
            return theirs >= end

        wait_until(served, f"{pages} pages of tenant {other}")
        return most


def throttle(simulator, **fault):
    """Waits until tenant 1 has got a 429; gives a moment before it, at most a look ago."""
    looks = [time.monotonic()]
    simulator.fault("429", 1, count=1, **fault)

    def throttled():
        looks.append(time.monotonic())
        return simulator.requests(1)["status"].get("429")

    wait_until(throttled, "it was throttled")
    return looks[-2]


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
    # The others poll once a second, which is the time of two or three slow pages.
    most = pages.most_between(1, 20)
    assert max(most.values()) <= 5, most
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
    start = throttle(simulator, retry_after="3.2")
    before, other = pages.count(1), pages.count(2)
    # One request of the other feed may have been under way.
    wait_until(lambda: pages.count(1) > before + 1, "the tenant is asked again")
    assert time.monotonic() - start > 3.2
    # The other polls once a second all the while.
    assert other + 2 <= pages.count(2) <= other + 6
    assert relay.stop() == 0


def test_retry_after_holds_for_one_api_of_the_tenant_alone(connected):
    simulator, _, relay = connected("tcp", tenants=1, alerts=0, poll="1s")
    relay.config["app"].update(simulator.roots)
    relay.add_feed("soc", source="mde-alerts", poll="1s")
    relay.start()

    def pages(api):
        return simulator.requests(1)["apis"].get(api, {}).get("requests", 0)

    wait_until(lambda: pages("graph") > 2 and pages("mde") > 2, "both are polled")
    start = throttle(simulator, retry_after="4", api="mde")
    mde, graph = pages("mde"), pages("graph")
    wait_until(lambda: pages("mde") > mde, "it is asked again")
    assert time.monotonic() - start > 4
    # The other polls once a second all the while.
    assert graph + 3 <= pages("graph") <= graph + 7
    assert relay.stop() == 0


def test_no_minute_sees_more_requests_than_the_limit(connected):
    """A backlog of 500 pages: a fifth of the limit at once, the rest evenly."""
    simulator, _, relay = connected("tcp", tenants=1, alerts=500, page_size=1)
    relay.config["limits"] = {}
    start = time.monotonic()
    relay.start()
    pages = Pages(simulator, [1])
    wait_until(lambda: pages.count(1) >= 30, "the burst is over")
    assert time.monotonic() - start < 10  # evenly it would be 15
    wait_until(lambda: pages.count(1) >= 36, "it goes on")
    count = pages.count(1)
    elapsed = time.monotonic() - start
    assert elapsed > 2.5 and count <= 30 + elapsed * 2 + 1
    assert relay.stop() == 0

