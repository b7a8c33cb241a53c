"""Every source over HTTPS: what the vendor has arrives, once, in each of the API's own shapes."""

import json

import pytest

SOURCES = ("graph-alerts", "graph-incidents", "mde-alerts", "m365d-incidents", "siem")


@pytest.fixture
def fed(simulators, relays, tmp_path):
    """fed("siem", poll="1s"): a simulator, and pull() that runs one pass and gives (kind, id)s."""

    def make(source, **feed):
        simulator = simulators(tenants=2, alerts=240)
        relay = relays(simulator, tenants=2)
        relay.config["app"].update(simulator.roots)
        out = tmp_path / "out.log"
        relay.add_destination("out", transport="file", path=str(out), format="rfc5424-json",
                              header="none", framing="lf", max_message_bytes="1M")
        relay.add_feed("out", source=source, look_back="48h", **feed)
        seen = 0

        def pull():
            nonlocal seen
            relay.run_once()
            lines = out.read_text().split("\n")[:-1] if out.exists() else []
            new, seen = lines[seen:], len(lines)
            messages = [json.loads(line) for line in new]
            return [(m["customer"], m.get("kind", "alert"), m["alertId"]) for m in messages]

        return simulator, relay, pull

    return make


def expected(simulator, relay, source):
    have = set()
    for number in 1, 2:
        customer = relay.tenant_key(number)
        alerts = [alert["id"] for alert in simulator.versions(number)]
        if source == "siem":
            token = simulator.login(number, v1=True, resource="https://graph.windows.net")
            page = simulator.get(token.json["access_token"], "siem",
                                 parameters={"sinceTimeUtc": "2020-01-01T00:00:00"})
            alerts = [record["FullId"] for record in page.json]
        have |= {(customer, "alert", id) for id in alerts}
        if source.endswith("incidents"):
            have |= {(customer, "incident", f"incident:{incident['id']}")
                     for incident in simulator.incidents(number)}
    return have


@pytest.mark.parametrize("source", SOURCES)
def test_all_there_is_arrives_once(fed, source):
    simulator, relay, pull = fed(source)
    got = pull()
    assert len(got) == len(set(got)) >= 240
    assert set(got) == expected(simulator, relay, source)
    assert pull() == []


@pytest.mark.parametrize("source", ["graph-incidents", "m365d-incidents"])
def test_a_change_of_the_incident_alone_sends_no_alert_again(fed, source):
    simulator, relay, pull = fed(source)
    pull()
    incident = simulator.incidents(1)[0]
    severity = "low" if incident["versions"][-1]["severity"] != "low" else "high"
    simulator.update_incident(incident["id"], severity=severity)
    assert pull() == [(relay.tenant_key(1), "incident", f"incident:{incident['id']}")]


def test_incidents_without_their_alerts(fed):
    simulator, relay, pull = fed("graph-incidents", expand=False)
    assert set(pull()) == {
        one for one in expected(simulator, relay, "graph-incidents") if one[1] == "incident"}


@pytest.mark.parametrize("source", SOURCES)
def test_a_token_for_another_api_is_said(fed, source):
    """Each API takes tokens of its own audience alone."""
    simulator, relay, _ = fed(source)
    family = source.partition("-")[0]
    relay.config["app"][f"{family}_audience"] = "https://other.example.net"
    result = relay.run_once(status=1)
    assert relay.tenant_key(1) in result.stderr and relay.tenant_key(2) in result.stderr
