"""Field maps: through the configuration into what real rsyslog gets, and as preview shows them."""

import json
from pathlib import Path

import pytest

from relay import wait_until
from rsyslog import Rsyslog

SAMPLE = Path(__file__).resolve().parent.parent / "samples/graph-alerts_v2.json"
CEF = [
    {"drop": "cs6"},
    {"key": "cs6", "label": "host names", "from": "evidence/deviceDnsName"},
    {"key": "tags", "from": "systemTags"},
    {"key": "site", "value": "a=b\\c|d"},
    {"rename": "msg", "to": "story"},
    {"drop": "cat"},
]
JSON = [
    {"key": "labels.host", "from": "evidence/deviceDnsName"},
    {"key": "labels.process", "from": "evidence/processId"},
    {"rename": "alert.title", "to": "alert.name"},
    {"drop": "alert.evidence.@odata.type"},
]


def vendor_alerts():
    return {alert["id"]: alert for alert in json.loads(SAMPLE.read_text())["value"]}


def first(alert, name):
    return next((e[name] for e in alert["evidence"] if e.get(name) not in (None, "")), None)


def preview(relay, *arguments):
    result = relay.command("preview", "-c", str(relay.write()), *arguments, str(SAMPLE))
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


def test_preview_shows_it(simulators, relays):
    relay = relays(simulators(tenants=1, alerts=1), tenants=1)
    relay.add_destination("cef", transport="stdout", header="none", max_message_bytes="64K", fields=CEF)
    relay.add_destination(
        "json", transport="stdout", header="none", format="json", max_message_bytes="64K", fields=JSON
    )
    relay.add_feed("cef", "json")
    alerts = vendor_alerts()
    lines = preview(relay, "--to", "json")
    assert len(lines) == len(alerts)
    for line in lines:
        got = json.loads(line)
        alert = alerts[got["alertId"]]
        labels = {"host": first(alert, "deviceDnsName"), "process": first(alert, "processId")}
        assert got.get("labels", {}) == {k: v for k, v in labels.items() if v is not None}
        assert got["alert"]["name"] == alert["title"] and "title" not in got["alert"]
        assert all("@odata.type" not in e for e in got["alert"]["evidence"])
    # With another format the map, whose keys are of this one, does not count.
    assert all("labels" not in line for line in preview(relay, "--to", "json", "--format", "ecs"))
    lines = preview(relay, "--to", "cef")
    assert len(lines) == len(alerts)
    assert all(" site=a\\=b\\\\c|d" in line for line in lines)
    assert not any(" msg=" in line or " cat=" in line for line in lines)
    named = [line for line in lines if " cs6Label=host names" in line]
    assert len(named) == sum(first(a, "deviceDnsName") is not None for a in alerts.values()) > 0


@pytest.mark.parametrize("format, fields", [("cef", CEF), ("json", JSON)])
def test_rsyslog_gets_it(simulators, relays, tmp_path, format, fields):
    simulator = simulators(tenants=1, alerts=50)
    relay = relays(simulator, tenants=1)
    with Rsyslog(tmp_path / "rsyslog") as collector:
        relay.add_collector(collector, format=format, fields=fields, max_message_bytes="64K")
        relay.add_feed("soc", look_back="48h")
        relay.run_once()
        wait_until(lambda: len(collector.lines()) >= 50, "50 messages")
        messages = collector.lines()
    versions = {a["id"] for a in simulator.versions(1)}
    text = [m.decode() if isinstance(m, bytes) else m for m in messages]
    assert len(text) == len(versions) == 50
    for line in text:
        if format == "cef":
            assert " site=a\\=b\\\\c|d" in line and " msg=" not in line
        else:
            alert = json.loads(line[line.index("{"):])
            assert "name" in alert["alert"] and "title" not in alert["alert"]
