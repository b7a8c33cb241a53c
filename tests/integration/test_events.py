"""events: evidence - a message for each piece of an alert's evidence, and none of them is lost."""

import collections
import json
import random
import threading

import pytest

from received import all_tenants, read_all, truth
from relay import wait_until
from test_commands import SAMPLES, command

SEED = 20240307
FORMATS = ["cef", "leef", "rfc5424-json"]


def missing(simulator, messages):
    """(customer, id) whose present version has not arrived with all its numbers."""
    got = collections.defaultdict(set)
    for m in messages:
        got[m.key].add((m.number, m.count))
    wanted = {key: versions[-1] for key, versions in truth(simulator).items()}
    whole = set()
    for key, parts in got.items():
        counts = {count for _, count in parts}
        if any({n for n, c in parts if c == count} == set(range(1, count + 1)) for count in counts):
            whole.add(key)
    return [key for key, version in wanted.items() if (*key, version) not in whole]


def pieces(simulator):
    """(customer, id) -> how much evidence it has."""
    return {
        (f"customer{tenant}", alert["id"]): len(alert.get("evidence") or [])
        for tenant in all_tenants(simulator)
        for alert in simulator.get_all(simulator.token(tenant))
    }


@pytest.mark.parametrize("format", FORMATS)
def test_each_piece_is_a_message(connected, format):
    simulator, collector, relay = connected(
        "tls", tenants=2, alerts=40, destination={"events": "evidence", "format": format}
    )
    relay.run_once()
    messages = read_all(collector.lines())
    assert not missing(simulator, messages)
    counts = pieces(simulator)
    per_alert = collections.Counter(m.key for m in messages)
    for m in messages:
        assert m.count == max(1, counts[m.key[:2]]) == per_alert[m.key], m
    # id, version and number tell them apart
    assert len({(*m.key, m.number) for m in messages}) == len(messages) > len(per_alert)
    if format == "rfc5424-json":
        assert {len(m.fields["alert"].get("evidence", [])) for m in messages} <= {0, 1}


@pytest.mark.parametrize("who", ["relay", "collector"])
def test_nothing_is_lost_when_one_of_them_is_killed(connected, who):
    simulator, collector, relay = connected(
        "tls",
        tenants=3,
        alerts=200,
        destination={"events": "evidence"},
        poll="1s",
        page_size=20,
        window="256K",
    )
    moments = random.Random(SEED)
    relay.start()
    for kill in range(6):
        have = len(collector.lines())
        wait_until(
            lambda: len(collector.lines()) > have or not missing(simulator, read_all(collector.lines(), cut=True)),
            "messages arrive",
        )
        threading.Event().wait(moments.random() * 0.3)  # a random moment, not a state waited for
        simulator.add_alerts(1, 20)
        if who == "relay":
            relay.kill()
            relay.start()
        else:
            collector.kill()
            collector.start()
    wait_until(
        lambda: not missing(simulator, read_all(collector.lines(), cut=True)), "everything arrived", 120
    )
    assert relay.stop() == 0, relay.log()


def test_preview_shows_them():
    file = SAMPLES / "graph-alerts_v2.json"
    alerts = json.loads(file.read_text())["value"]
    wanted = [
        (alert["id"], n + 1, max(1, len(alert.get("evidence", []))))
        for alert in alerts
        for n in range(max(1, len(alert.get("evidence", []))))
    ]
    for format in ("json", "ecs", "ocsf"):
        result = command("preview", "--format", format, "--events", "evidence", file)
        assert result.returncode == 0, result.stderr
        shown, own = [], set()
        for line in result.stdout.decode().splitlines():
            document = json.loads(line)
            if format == "json":
                relay = {k: document[k] for k in ("alertId", "eventNumber", "eventCount")}
                own.add((document["alertId"], document["eventNumber"]))
                assert len(document["alert"].get("evidence", [])) <= 1
                shown.append(tuple(relay.values()))
                continue
            relay = (document if format == "ecs" else document["unmapped"])["alertrelay"]
            shown.append((relay["alert_id"], relay["event_number"], relay["event_count"]))
            if format == "ecs":
                assert len(document["microsoft"]["defender"].get("evidence", [])) <= 1
            else:
                own.add(document["metadata"]["uid"])
        assert shown == wanted, format
        assert format == "ecs" or len(own) == len(wanted)
