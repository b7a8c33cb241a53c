"""Whatever the vendor does, each alert version arrives once, and the sums of the counters agree.

Schedule rules are in tests/replay; here they meet real HTTPS. Relay.stop() and run_once() check the
sums."""

import re
import time

import pytest

from received import compare, read_all
from relay import wait_until


def stubs_of(messages):
    return [m for m in messages if m.alert.startswith("stub-")]


def others(messages):
    return [m for m in messages if not m.alert.startswith("stub-")]


def counters(log):
    """Of the last run."""
    return {k: int(v) for k, v in re.findall(r"(\w+)=(\d+)", re.findall(r"stopped (.*)", log)[-1])}


def quiet_gap_ms(simulator, tenants):
    return max(simulator.requests(t)["max_gap_ms"] for t in tenants)


@pytest.mark.slow
def test_a_storm_of_429_on_half_the_tenants(connected):
    simulator, collector, relay = connected("tcp", tenants=20, alerts=400, poll="1s", page_size=5)
    simulator.control("POST", "trickle", {"per_minute": 600})
    half = range(1, 21, 2)
    for tenant in half:
        after = [{"retry_after": "1"}, {"retry_after": "1.5"}, {}, {"retry_after": "soon"}]
        simulator.fault("429", tenant, count=4, **after[tenant % 4])
    relay.start()
    wait_until(lambda: all(simulator.requests(t)["pages"] > 3 for t in range(2, 21, 2)), "a start")
    simulator.set_tenant("*", forget_gaps=True)
    wait_until(lambda: all(simulator.requests(t)["status"].get("429") == 4 for t in half),
               "the storm is over", 120)
    # The others were asked each second all the time.
    assert quiet_gap_ms(simulator, range(2, 21, 2)) < 2000
    simulator.control("POST", "trickle", {"per_minute": 0})
    relay.complete(simulator, collector.lines).check()
    assert relay.stop() == 0


@pytest.mark.slow
@pytest.mark.parametrize("source", ["graph-alerts", "mde-alerts"])
def test_a_permanent_500_on_one_page(simulators, relays, collectors, source):
    """Whatever page holds this one alert fails, for ever: the others arrive, and a stub in its place."""
    simulator = simulators(tenants=2, alerts=200)
    collector = collectors("tcp")
    relay = relays(simulator, tenants=2)
    relay.config["app"].update(simulator.roots)
    relay.add_collector(collector, format="rfc5424-json")
    relay.add_feed("soc", source=source, look_back="48h", page_size=20, rescan_every="1s")
    bad = simulator.versions(1)[41]
    there = {alert["id"] for alert in simulator.versions()}
    simulator.fault("500", 1, count=-1, n=42)
    result = relay.run_once()
    messages = read_all(collector.lines())
    (stub,) = stubs_of(messages)
    assert sorted(m.alert for m in others(messages)) == sorted(there - {bad["id"]})
    second = bad["versions"][-1]["lastUpdateDateTime"][:19]
    assert stub.customer == "customer1" and second in stub.raw.decode() and source in stub.raw.decode()
    assert counters(result.stderr)["stubs"] == 1
    assert re.search(rf"goes as a stub tenant=customer1 .*from={second}Z", result.stderr)
    # Asked again in each re-scan, but said once; then it is healed.
    relay.run_once()
    assert len(stubs_of(read_all(collector.lines()))) == 1
    simulator.clear_faults()
    relay.run_once()
    messages = read_all(collector.lines())
    assert sorted(m.alert for m in others(messages)) == sorted(there)
    assert len(stubs_of(messages)) == 1


def test_an_expansion_that_fails_is_left_out(simulators, relays, collectors):
    simulator = simulators(tenants=1, alerts=90)
    collector = collectors("tcp")
    relay = relays(simulator, tenants=1)
    relay.add_collector(collector, format="rfc5424-json")
    relay.add_feed("soc", source="graph-incidents", look_back="48h", rescan_every="0")
    incident = simulator.incidents(1)[7]
    # Any page with an alert of this incident fails while its alerts are asked for too.
    simulator.fault("504", 1, count=-1, n=incident["alerts"][0], expanded=True)
    result = relay.run_once()
    messages = read_all(collector.lines())
    got = {m.alert for m in messages}
    assert len(got) == len(messages) and not stubs_of(messages)
    assert f"incident:{incident['id']}" in got
    alerts = {a["n"]: a["id"] for a in simulator.versions(1)}
    missing = set(alerts) - {n for n, id in alerts.items() if id in got}
    assert set(incident["alerts"]) <= missing
    # Only incidents of the same second share that.
    assert len(missing) <= len(incident["alerts"]) + 6
    assert "can only be read without what its alerts bring along" in result.stderr
    assert counters(result.stderr)["stubs"] == 0


def test_an_alert_that_cannot_be_mapped_goes_as_a_stub(connected):
    simulator, collector, relay = connected("tcp", tenants=1, alerts=30)
    simulator.add_raw('{"id":"huge","description":"%s"}' % ("x" * 3_000_000), now=True)
    simulator.add_alerts(1, 5)
    result = relay.run_once()
    messages = read_all(collector.lines())
    lost = compare(simulator, others(messages)).lost
    assert [id for _, id in lost] == ["huge"]
    (stub,) = stubs_of(messages)
    assert "longer than" in stub.raw.decode() and counters(result.stderr)["stubs"] == 1
    relay.run_once()
    assert len(collector.lines()) == len(messages)


def test_a_month_of_backlog(simulators, collectors, relays):
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 30 * 86400))
    simulator = simulators(since=since, tenants=3, alerts=9000)
    collector = collectors("tcp")
    relay = relays(simulator, tenants=3)
    relay.add_collector(collector, settle="0")
    relay.add_feed("soc", look_back="31d", window="256K")
    relay.run_once()
    compare(simulator, read_all(collector.lines())).check()


def test_late_arrivals(simulators, collectors, relays):
    """Their time is 5 minutes, 50 minutes and 20 hours ago when they show."""
    simulator = simulators(tenants=1, alerts=20)
    collector = collectors("tcp")
    relay = relays(simulator, tenants=1)
    relay.add_collector(collector)
    relay.add_feed("soc", look_back="48h", poll="1s", rescan_every="2s")
    relay.start()
    relay.complete(simulator, collector.lines)
    for age_s in (5 * 60, 50 * 60, 20 * 3600):
        simulator.add_alerts(1, 3, age_s=age_s)
    relay.complete(simulator, collector.lines, seconds=30).check()
    assert relay.stop() == 0


@pytest.mark.slow
def test_consent_withdrawn_and_given_back(connected):
    simulator, collector, relay = connected("tcp", tenants=3, alerts=30, poll="1s")
    relay.start()
    relay.complete(simulator, collector.lines)
    simulator.set_tenant(2, consent=False, revoke=True)
    wait_until(lambda: "7000229" in relay.log(), "the missing consent is said")
    assert "adminconsent" in relay.log()
    for tenant in (1, 2, 3):
        simulator.add_alerts(tenant, 5)
    simulator.update(2, n=2, status="resolved")
    here = lambda: [l for l in collector.lines() if b" customer2 " not in l]
    relay.complete(simulator, here, [1, 3], seconds=30).check()
    simulator.set_tenant(2, consent=True)
    relay.complete(simulator, collector.lines, seconds=120).check()
    assert "works again" in relay.log()
    assert relay.stop() == 0


def test_100000_alerts_of_one_tenant_delay_no_other_by_more_than_a_second(
    simulators, relays, tmp_path
):
    simulator = simulators(tenants=6, alerts=0)
    simulator.add_alerts(1, 100_000, age_s=3600, spread_s=70_000)
    relay = relays(simulator, tenants=6)
    out = tmp_path / "out.log"
    relay.add_destination("out", transport="file", path=str(out))
    relay.add_feed("out", poll="1s")
    relay.add_feed("out", tenant="customer1", look_back="48h", page_size=1000, poll="1s")
    relay.start()
    wait_until(lambda: simulator.requests(1)["pages"] > 2, "the backlog is being read")
    wait_until(lambda: all(simulator.requests(t)["pages"] > 1 for t in range(2, 7)), "polls")
    simulator.set_tenant("*", forget_gaps=True)
    wait_until(lambda: simulator.requests(1)["pages"] > 100, "the backlog was read", 120)
    gap_ms = quiet_gap_ms(simulator, range(2, 7))
    assert gap_ms < 2000, gap_ms  # a poll a second, and at most a second late
    wait_until(lambda: out.read_bytes().count(b"\n") >= 100_000, "all is written", 60, 0.5)
    assert relay.stop() == 0
    ids = re.findall(rb" (?:externalId|MicrosoftDefenderAlertId)=(\S+) AlertrelayVersion=", out.read_bytes())
    assert len(ids) == len(set(ids)) == 100_000
