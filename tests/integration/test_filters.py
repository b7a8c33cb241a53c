"""Filters of a feed: what passes arrives, and the API is asked for nothing else where it can filter."""

import json
import re

import re

import pytest


@pytest.fixture
def fed(simulators, relays, tmp_path):
    """fed("mde-alerts", min_severity="high"): a simulator, one pass over all of it, its messages."""

    def make(source, **feed):
        simulator = simulators(tenants=1, alerts=300)
        relay = relays(simulator, tenants=1)
        relay.config["app"].update(simulator.roots)
        out = tmp_path / "out.log"
        relay.add_destination("out", transport="file", path=str(out), format="rfc5424-json",
                              header="none", framing="lf", max_message_bytes="1M")
        relay.add_feed("out", source=source, look_back="48h", **feed)
        result = relay.run_once()
        assert "refuses the feed's filter" not in result.stderr
        lines = out.read_text().split("\n")[:-1]
        return simulator, result, [json.loads(line) for line in lines]

    return make


def last(thing):
    return thing["versions"][-1]


@pytest.mark.parametrize("source", ["graph-alerts", "mde-alerts"])
def test_severity_and_status_are_filtered_by_the_api(fed, source):
    simulator, result, got = fed(source, min_severity="medium", statuses=["NEW", "resolved"])
    all_there = simulator.versions(1)
    wanted = {a["id"] for a in all_there
              if last(a)["severity"] in ("medium", "high", "unknown")
              and last(a)["status"] in ("new", "resolved")}
    assert 20 < len(wanted) < 280
    assert sorted(m["alertId"] for m in got) == sorted(wanted)
    # Whether anything changed in the meantime is asked without a filter, for one alert.
    assert len({a["id"] for a in all_there if last(a)["served"]} - wanted) <= 1
    assert " filtered=0 " in result.stderr


def test_incidents_alone_are_filtered_by_the_api(fed):
    simulator, result, got = fed("graph-incidents", expand=False, min_severity="high")
    wanted = {f"incident:{i['id']}" for i in simulator.incidents(1)
              if last(i)["severity"] in ("high", "unknown")}
    assert 5 < len(wanted) < len(simulator.incidents(1))
    assert {m["alertId"] for m in got} == wanted
    assert " filtered=0 " in result.stderr


@pytest.mark.parametrize("source", ["graph-incidents", "m365d-incidents"])
def test_an_alert_passes_though_its_incident_does_not(fed, source):
    simulator, _, got = fed(source, min_severity="high")
    wanted = {a["id"] for a in simulator.versions(1) if last(a)["severity"] in ("high", "unknown")}
    incidents = {f"incident:{i['id']}" for i in simulator.incidents(1)
                 if last(i)["severity"] in ("high", "unknown")}
    assert {m["alertId"] for m in got} == wanted | incidents


def test_what_the_api_cannot_filter_is_filtered_and_counted_here(fed):
    simulator, result, got = fed("graph-alerts", service_sources=["MICROSOFTDEFENDERFOROFFICE365"])
    assert 5 < len(got) < 300
    assert {m["alert"]["serviceSource"] for m in got} == {"microsoftDefenderForOffice365"}
    # A range that a busy host could not read before it moved is read again.
    readings, rest = divmod(int(re.search(r" received=(\d+) ", result.stderr)[1]), 300)
    assert readings and not rest
    assert f" filtered={readings * (300 - len(got))} " in result.stderr
    assert all(last(a)["served"] for a in simulator.versions(1))


def test_an_api_that_does_not_filter_is_asked_without(simulators, relays, tmp_path):
    simulator = simulators(tenants=1, alerts=100)
    relay = relays(simulator, tenants=1)
    relay.add_destination("out", transport="stdout")
    relay.add_feed("out", look_back="48h", min_severity="high")
    simulator.fault("400", 1, count=1)
    result = relay.run_once()
    wanted = [a for a in simulator.versions(1) if last(a)["severity"] in ("high", "unknown")]
    assert "refuses the feed's filter" in result.stderr
    assert len(result.stdout.splitlines()) == len(wanted)
    assert f" filtered={100 - len(wanted)} " in result.stderr
