"""Each API of the simulator shows the same tenants and alerts in its own shape, and refuses as it does."""

import http.client
import json
import time
from pathlib import Path

import pytest

from simulator import SOURCES, Simulator
from test_simulator import ticks

SAMPLES = Path(__file__).resolve().parent.parent / "samples"
OTHERS = [s for s in SOURCES if s != "graph-alerts"]


@pytest.fixture
def sim():
    with Simulator(tenants=2, alerts=60, samples=SAMPLES) as simulator:
        yield simulator
        assert simulator.stop() == 0, simulator.log()


@pytest.fixture(scope="module")
def shared():
    with Simulator(tenants=2, alerts=60) as simulator:
        yield simulator
        assert simulator.stop() == 0, simulator.log()


def page(simulator, source, tenant=1, **query):
    return simulator.get(simulator.token(tenant, source), source, **query)


def siem(simulator, tenant=1, **parameters):
    parameters = parameters or {"ago": "P2D"}
    return simulator.get(simulator.token(tenant, "siem"), "siem", parameters=parameters)


def records(simulator, source, tenant=1, **query):
    """All elements, in the way that each API pages."""
    token = simulator.token(tenant, source)
    if source == "siem":
        answer = simulator.get(token, source, parameters={"ago": "P30D"})
        assert answer.status == 200
        return answer.json
    return simulator.get_all(token, source, **query)


def alerts_of(source, elements):
    """What of the elements are alerts, by their id."""
    if "incidents" in source:
        return [a for i in elements for a in i["alerts"]]
    return elements


ALERT_ID = {"m365d-incidents": "alertId", "siem": "AlertId"}


# The same alerts everywhere.


@pytest.mark.parametrize("source", SOURCES)
def test_every_alert_is_in_every_api(shared, source):
    query = {"expand": "alerts"} if source == "graph-incidents" else {}
    elements = records(shared, source, 2, **query)
    ids = {a[ALERT_ID.get(source, "id")] for a in alerts_of(source, elements)}
    assert ids == {a["id"] for a in shared.versions(2)}
    assert len(ids) == 30
    for known in shared.versions(2):
        assert source in known["versions"][-1]["served_by"]
    assert not any(source in a["versions"][-1]["served_by"] for a in shared.versions(1))


def capital(text):
    return text[:1].upper() + text[1:]


def test_an_mde_alert_is_the_graph_alert_in_another_shape(shared):
    graph = {a["id"]: a for a in shared.get_all(shared.token())}
    token = shared.token(1, "mde-alerts")
    mde = shared.get(token, "mde-alerts", expand="evidence").json
    assert mde["@odata.context"].endswith("/api/$metadata#Alerts")
    sample = json.loads((SAMPLES / "mde-alerts.json").read_text())["value"][1]
    assert len(mde["value"]) == 30
    kinds = set()
    for alert in mde["value"]:
        same = graph[alert["id"]]
        assert set(alert) == set(sample)
        assert str(alert["incidentId"]) == same["incidentId"]
        assert alert["aadTenantId"] == shared.tenant_id(1)
        assert alert["severity"] == capital(same["severity"])
        assert alert["status"] == capital(same["status"])
        assert alert["title"] == same["title"] and alert["description"] == same["description"]
        assert alert["lastUpdateTime"] == same["lastUpdateDateTime"]
        assert alert["alertCreationTime"] == same["createdDateTime"]
        assert alert["assignedTo"] == same["assignedTo"]
        if same["classification"] in (None, "unknown"):
            assert alert["classification"] is None
        else:
            assert alert["classification"] == capital(same["classification"])
        urls = [e["url"] for e in same["evidence"] if e.get("@odata.type", "").endswith("urlEvidence")
                and "url" in e]  # fmt: skip
        assert [e["url"] for e in alert["evidence"] if e["entityType"] == "Url" and e["url"] is not None] == [
            u for u in urls if u is not None
        ]
        for item in alert["evidence"]:
            assert set(item) == set(sample["evidence"][0])
            kinds.add(item["entityType"])
    assert {"User", "Process", "File", "Ip", "Url"} <= kinds
    assert all(a["evidence"] == [] for a in shared.get(token, "mde-alerts").json["value"])
    one = mde["value"][3]
    path = "/mde/api/alerts/" + one["id"]
    assert shared.get(token, path, expand="evidence").json == one
    assert shared.get(token, path).json["evidence"] == []
    assert shared.get(token, "/mde/api/alerts/none").json["error"]["code"] == "ResourceNotFound"


def test_a_365_incident_leaves_null_keys_out(shared):
    incidents = records(shared, "m365d-incidents")
    graph = {a["id"]: a for a in shared.get_all(shared.token())}
    assert incidents and "null" not in json.dumps(incidents).replace('"null"', "")
    for incident in incidents:
        assert isinstance(incident["incidentId"], int)
        assert incident["status"] in ("Active", "InProgress", "Resolved")
        assert incident["severity"] in ("UnSpecified", "Informational", "Low", "Medium", "High")
        for alert in incident["alerts"]:
            same = graph[alert["alertId"]]
            assert alert["incidentId"] == incident["incidentId"]
            assert alert["lastUpdatedTime"] == same["lastUpdateDateTime"]
            devices = [e for e in same["evidence"] if e.get("@odata.type", "").endswith("deviceEvidence")]
            assert len(alert["devices"]) == len(devices)
            assert all(e["entityType"] for e in alert["entities"])
    services = {a["serviceSource"] for i in incidents for a in i["alerts"]}
    assert services & {"MicrosoftDefenderATP", "OfficeATP", "AzureATP"}
    assert services & {"MicrosoftDefenderForEndpoint", "MicrosoftDefenderForOffice365"}
    times = [ticks(i["lastUpdateTime"]) for i in incidents]
    assert times == sorted(times, reverse=True)


def test_a_graph_incident_has_its_alerts_only_when_asked(shared):
    token = shared.token()
    plain = shared.get(token, "graph-incidents").json["value"]
    full = shared.get(token, "graph-incidents", expand="alerts").json["value"]
    sample = json.loads((SAMPLES / "graph-incidents-noexpand.json").read_text())["value"][1]
    known = {str(i["id"]): i for i in shared.incidents(1)}
    alerts = {a["n"]: a["id"] for a in shared.versions(1)}
    assert [i["id"] for i in plain] == [i["id"] for i in full] and set(known) == {i["id"] for i in plain}
    for short, long in zip(plain, full):
        assert set(short) - {"@odata.type"} == set(sample)
        assert {**short, "alerts": long["alerts"]} == long
        assert {a["id"] for a in long["alerts"]} == {alerts[n] for n in known[long["id"]]["alerts"]}
        assert all(a["incidentId"] == long["id"] for a in long["alerts"])
        now = known[long["id"]]["versions"][-1]
        for name in ("lastUpdateDateTime", "status", "severity", "assignedTo", "classification"):
            assert long[name] == now[name]
    path = "/v1.0/security/incidents/" + full[0]["id"]
    assert shared.get(token, path).json == plain[0]
    assert shared.get(token, path, expand="alerts").json == full[0]
    assert shared.get(token, path + "/alerts").json["value"] == full[0]["alerts"]
    assert shared.get(token, path + "/nothing").status == 404
    assert shared.get(token, "/v1.0/security/incidents/1").status == 404


def test_a_status_of_incidents_needs_the_prefer_header():
    with Simulator(alerts=300) as sim:
        token = sim.token()
        status = lambda **o: {i["status"] for i in sim.get(token, "graph-incidents", **o).json["value"]}
        assert "awaitingAction" in status()
        plain = status(headers={"Prefer": ""})
        assert "awaitingAction" not in plain and "unknownFutureValue" in plain


def test_siem_records_are_parts_of_alerts(shared):
    elements = siem(shared).json
    sample = json.loads((SAMPLES / "siem-alerts.json").read_text())[0]
    known = {a["id"]: a for a in shared.versions(1)}
    assert isinstance(elements, list) and len(elements) > 30
    assert len({e["FullId"] for e in elements}) == len(elements)
    assert len({e["ReportID"] for e in elements}) == len(elements)
    parts = {}
    for e in elements:
        assert set(e) == set(sample)
        assert all(v is not None for k, v in e.items() if not k.startswith(("WasExec", "RemediationIs")))
        parts.setdefault(e["AlertId"], set()).add(e["AlertPart"])
        created = ticks(known[e["AlertId"]]["createdDateTime"])
        assert ticks(e["LastProcessedTimeUtc"]) - created == e["AlertPart"] * 10**6
    assert all(p == set(range(len(p))) for p in parts.values())
    assert {len(p) for p in parts.values()} == {1, 2, 3}
    zones = {e["AlertTime"].endswith("Z") for e in elements}
    assert zones == {True, False}
    assert len({e["FileName"] for e in elements}) > 3


def test_a_siem_record_never_changes(sim):
    before = {e["FullId"]: e for e in siem(sim).json}
    for n in (2, 5, 9):
        sim.update(1, n=n, status="resolved", severity="high")
    assert {e["FullId"]: e for e in siem(sim).json} == before


def test_an_alert_that_was_given_is_in_every_api(sim):
    sim.add_samples(1, now=True)
    samples = json.loads((SAMPLES / "graph-alerts_v2.json").read_text())["value"]
    ids = {a["id"] for a in samples}
    by_id = {a["id"]: a for a in records(sim, "mde-alerts")}
    assert ids <= set(by_id)
    assert all(by_id[a["id"]]["title"] == a["title"] for a in samples)
    found = {a["alertId"] for i in records(sim, "m365d-incidents") for a in i["alerts"]}
    assert ids <= found
    old = siem(sim, sinceTimeUtc="2015-01-01T00:00:00Z").json
    assert ids <= {e["AlertId"] for e in old}
    odd = r'{"id":"odd","title":"nul\u0000 \ud83d \"q\"","severity":7,"evidence":"none"}'
    sim.add_raw(odd)
    odd = [a for a in records(sim, "mde-alerts") if a["id"] == "odd"][0]
    assert odd["title"].startswith("nul\0 ") and odd["severity"] is None and odd["incidentId"] is None


# Filters and pages.


TIMES = {
    "graph-incidents": ("lastUpdateDateTime", "createdDateTime"),
    "mde-alerts": ("lastUpdateTime", "alertCreationTime"),
    "m365d-incidents": ("lastUpdateTime", "createdTime"),
}


@pytest.mark.parametrize("source", TIMES)
def test_times_are_compared_to_100_ns(shared, source):
    token = shared.token(1, source)
    everything = shared.get(token, source).json["value"]
    for name in TIMES[source]:
        for at in (everything[2][name], everything[5][name]):
            at = at[:-1].partition(".")
            at = "%s.%sZ" % (at[0], (at[2] + "0000000")[:7])
            for op, holds in (
                ("ge", lambda t: t >= ticks(at)),
                ("gt", lambda t: t > ticks(at)),
                ("le", lambda t: t <= ticks(at)),
                ("lt", lambda t: t < ticks(at)),
            ):
                found = shared.get(token, source, filter="%s %s %s" % (name, op, at)).json["value"]
                want = [e for e in everything if holds(ticks(e[name]))]
                assert sorted(map(str, found)) == sorted(map(str, want))


@pytest.mark.parametrize(
    "source,name",
    [
        ("graph-incidents", "severity"),
        ("graph-incidents", "status"),
        ("mde-alerts", "severity"),
        ("mde-alerts", "status"),
        ("m365d-incidents", "status"),
    ],
)
def test_members_are_filtered_on(shared, source, name):
    token = shared.token(1, source)
    everything = shared.get(token, source).json["value"]
    values = sorted({e[name] for e in everything})
    assert len(values) > 1
    groups = [[v] for v in values] + [values[:2]]
    for group in groups:
        text = " or ".join("%s eq '%s'" % (name, v) for v in group)
        text = "(%s)" % text if len(group) > 1 else text
        text += " and %s ge 2000-01-01T00:00:00Z" % TIMES[source][0]
        found = shared.get(token, source, filter=text)
        assert found.status == 200, found.body
        assert found.json["value"] == [e for e in everything if e[name] in group]


@pytest.mark.parametrize(
    "source,query",
    [
        ("graph-incidents", {"top": 51}),
        ("graph-incidents", {"top": 0}),
        ("graph-incidents", {"orderby": "createdDateTime"}),
        ("graph-incidents", {"expand": "evidence"}),
        ("graph-incidents", {"filter": "status eq 'new'"}),
        ("graph-incidents", {"filter": "serviceSource eq 'microsoftSentinel'"}),
        ("mde-alerts", {"top": 10001}),
        ("mde-alerts", {"filter": "createdDateTime ge 2020-01-01T00:00:00Z"}),
        ("mde-alerts", {"filter": "lastUpdateTime ge '2020-01-01T00:00:00Z'"}),
        ("mde-alerts", {"filter": "(severity eq 'High' or status eq 'New')"}),
        ("mde-alerts", {"filter": "(severity eq 'High' or severity eq 'Low'"}),
        ("mde-alerts", {"count": "true"}),
        ("mde-alerts", {"expand": "alerts"}),
        ("m365d-incidents", {"top": 101}),
        ("m365d-incidents", {"filter": "severity eq 'High'"}),
        ("m365d-incidents", {"expand": "alerts"}),
    ],
)
def test_bad_queries(shared, source, query):
    answer = page(shared, source, **query)
    assert answer.status == 400, answer.body
    error = answer.json["error"]
    assert ("innerError" in error) == source.startswith("graph")
    assert ("target" in error) != source.startswith("graph")
    if query == {"top": 51}:
        assert error["code"] == "" and "limit of '50' for Top" in error["message"]


def test_graph_incidents_are_paged_with_links(sim):
    token = sim.token()
    first = sim.get(token, "graph-incidents", top=4, count="true").json
    everything = sim.get_all(token, "graph-incidents", top=4)
    assert first["@odata.count"] == len(everything) == len(sim.incidents(1))
    assert len({i["id"] for i in everything}) == len(everything) > 8
    assert first["@odata.nextLink"].startswith(sim.url + "/v1.0/security/incidents?")
    assert sim.get(token, "graph-incidents", skip=3).json["value"] == everything[3:]


def test_mde_gives_links_only_without_top():
    with Simulator(alerts=60, mde_page_max=25) as sim:
        token = sim.token(1, "mde-alerts")
        links = []
        answer = sim.get(token, "mde-alerts", filter="lastUpdateTime ge 2000-01-01T00:00:00Z").json
        found = answer["value"]
        while "@odata.nextLink" in answer:
            links.append(answer["@odata.nextLink"])
            answer = sim.get(token, links[-1]).json
            found += answer["value"]
        assert len(found) == 60 == len({a["id"] for a in found})
        assert [link.rpartition("$skip=")[2] for link in links] == ["25", "50"]
        assert "$filter=" in links[1] and links[1].startswith(sim.url + "/mde/api/alerts?")
        pages = [sim.get(token, "mde-alerts", top=25, skip=n).json for n in (0, 25, 50, 75)]
        assert [len(p["value"]) for p in pages] == [25, 25, 10, 0]
        assert not any("@odata.nextLink" in p for p in pages)
        assert [a for p in pages for a in p["value"]] == found
        times = [ticks(a["lastUpdateTime"]) for a in found]
        assert times == sorted(times)


def test_365_is_paged_with_skip(shared):
    token = shared.token(1, "m365d-incidents")
    everything = shared.get(token, "m365d-incidents").json
    assert "@odata.nextLink" not in everything
    pages = [shared.get(token, "m365d-incidents", top=4, skip=n).json for n in (0, 4, 8, 12)]
    assert [i for p in pages for i in p["value"]] == everything["value"]
    assert not any("@odata.nextLink" in p for p in pages)
    one = everything["value"][1]
    assert shared.get(token, "/m365d/api/incidents/%d" % one["incidentId"]).json == one


def test_the_window_of_siem(sim):
    known = {a["id"]: ticks(a["createdDateTime"]) for a in sim.versions(1)}
    middle = sorted(known.values())[15]
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(middle // 10**7))
    since = siem(sim, sinceTimeUtc=text + ".000").json
    until = siem(sim, sinceTimeUtc="2000-01-01T00:00:00Z", untilTimeUtc=text + ".0000000Z").json
    everything = siem(sim).json
    assert {e["FullId"] for e in since} | {e["FullId"] for e in until} == {e["FullId"] for e in everything}
    assert not {e["FullId"] for e in since} & {e["FullId"] for e in until}
    assert all(ticks(e["LastProcessedTimeUtc"]) >= ticks(text) for e in since)
    sim.add_alerts(1, 2)
    assert {e["AlertId"] for e in siem(sim, ago="PT1M").json} == {a["id"] for a in sim.versions(1)[-2:]}
    newest = siem(sim, ago="P2D", limit=4).json
    assert len(newest) == 4
    assert newest[0]["AlertId"] in {a["id"] for a in sim.versions(1)[-2:]}
    two_hours = sim.get(sim.token(1, "siem"), "siem").json
    assert 2 <= len(two_hours) < len(everything)
    group = next(e["MachineGroup"] for e in everything if e["MachineGroup"])
    found = siem(sim, ago="P2D", machinegroups=["none", group]).json
    assert {e["FullId"] for e in found} == {
        e["FullId"] for e in everything if e["MachineGroup"] == group
    }
    tag = next(e["DeviceCreatedMachineTags"] for e in everything if e["DeviceCreatedMachineTags"].isalpha())
    found = siem(sim, ago="P2D", DeviceCreatedMachineTags=tag).json
    assert found and all(tag in e["DeviceCreatedMachineTags"] for e in found)
    for bad in ({"ago": "10m"}, {"ago": "P"}, {"ago": "PT1M1H"}, {"sinceTimeUtc": "now"}, {"limit": 0},
                {"ago": "PT1H", "sinceTimeUtc": text, "untilTimeUtc": "x"}):  # fmt: skip
        answer = siem(sim, **bad)
        assert answer.status == 400 and "not valid" in answer.json["Message"], bad


# Incidents live.


def test_an_incident_moves_with_its_alerts_and_alone(sim):
    token = sim.token()
    first = lambda: sim.get(token, "graph-incidents", top=1).json["value"][0]
    number = sim.versions(1)[9]["incident"]
    when = sim.update(1, n=10, status="resolved")
    assert first()["id"] == str(number) and first()["lastUpdateDateTime"] == when
    other = next(i for i in sim.incidents(1) if i["id"] != number)
    alerts = [a["versions"] for a in sim.versions(1)]
    when = sim.update_incident(other["id"], status="resolved", assignedTo="me", severity="low")
    now = first()
    assert now["id"] == str(other["id"]) and now["lastUpdateDateTime"] == when
    assert (now["status"], now["assignedTo"], now["severity"]) == ("resolved", "me", "low")
    assert [a["versions"] for a in sim.versions(1)] == alerts
    known = next(i for i in sim.incidents(1) if i["id"] == other["id"])["versions"]
    assert len(known) == 2 and known[1]["served_by"] == ["graph-incidents"] and known[1]["served"]
    # Late is what came now, of an alert that is older than what the incident shows.
    sim.update_incident(sim.versions(1)[29]["incident"])
    number = sim.add_alerts(1, 1, age_s=7200)[0]
    assert first()["id"] == str(sim.versions(1)[number - 1]["incident"])
    with pytest.raises(RuntimeError, match="no such incident"):
        sim.update_incident(1, status="active")


def test_incidents_merge(sim):
    token = sim.token()
    gone, stays = (i["id"] for i in sim.incidents(1)[2:4])
    before = {i["id"]: i["alerts"] for i in sim.incidents(1)}
    versions = [len(a["versions"]) for a in sim.versions(1)]
    sim.merge_incidents(gone, stays)
    pages = {i["id"]: i for i in sim.get(token, "graph-incidents", expand="alerts").json["value"]}
    assert pages[str(gone)]["status"] == "redirected" and pages[str(gone)]["alerts"] == []
    assert pages[str(gone)]["redirectIncidentId"] == str(stays)
    assert pages[str(stays)]["redirectIncidentId"] is None
    assert len(pages[str(stays)]["alerts"]) == len(before[gone] + before[stays])
    assert all(a["incidentId"] == str(stays) for a in pages[str(stays)]["alerts"])
    assert [len(a["versions"]) for a in sim.versions(1)] == versions
    of_365 = {i["incidentId"]: i for i in records(sim, "m365d-incidents")}
    assert of_365[gone]["status"] == "Redirected" and of_365[gone]["redirectIncidentId"] == stays
    with pytest.raises(RuntimeError):
        sim.merge_incidents(gone, stays)
    another = sim.incidents(1)[5]
    sim.merge_incidents(another["id"], stays, touch=True)
    changed = [a["n"] for a, n in zip(sim.versions(1), versions) if len(a["versions"]) > n]
    assert changed == sorted(another["alerts"])


def test_updates_while_paging_shift_incidents(sim):
    ids = lambda token, **o: [i["incidentId"] for i in sim.get(token, "m365d-incidents", **o).json["value"]]
    token = sim.token(1, "m365d-incidents")
    before = ids(token)
    sim.update_while_paging(1, page=1, status="resolved")
    assert ids(token, top=4) == before[:4]
    # The first one of page 2 went to the front; the last of page 1 comes again.
    assert ids(token, top=4, skip=4) == [before[3]] + before[5:8]
    assert ids(token) == [before[4]] + before[:4] + before[5:]
    alerts = [len(a["versions"]) for a in sim.versions(1)]
    sim.update_while_paging(1, page=1, n=1, status="resolved")
    ids(token, top=4)
    assert len(sim.versions(1)[0]["versions"]) == alerts[0] + 1


# Tokens and refusals.


@pytest.mark.parametrize("source", SOURCES)
def test_a_token_is_good_for_one_api(shared, source):
    for other, (_, audience) in SOURCES.items():
        answer = shared.get(shared.token(1, other), source)
        if audience == SOURCES[source][1]:
            assert answer.status == 200, other
            continue
        assert answer.status == 401, other
        if source == "siem":
            assert "denied" in answer.json["Message"]
        elif source.startswith("graph"):
            assert answer.json["error"]["code"] == "InvalidAuthenticationToken"
        else:
            assert answer.json["error"]["code"] == "Unauthorized"
            assert {"code", "message", "target"} == set(answer.json["error"])


def test_the_root_is_an_audience_too(shared):
    for source, name in (("mde-alerts", "mde"), ("m365d-incidents", "m365d"), ("siem", "siem")):
        answer = shared.login(1, scope=shared.url + "/" + name + "/.default")
        assert shared.get(answer.json["access_token"], source).status == 200


def test_roles_are_given_one_by_one(sim):
    sim.set_tenant(1, roles=["SecurityAlert.Read.All", "Incident.Read.All"])
    status = {s: page(sim, s).status for s in SOURCES}
    assert status == {
        "graph-alerts": 200, "graph-incidents": 403, "mde-alerts": 403, "m365d-incidents": 200, "siem": 403
    }  # fmt: skip
    message = page(sim, "graph-incidents").json["error"]["message"]
    assert "SecurityIncident.Read.All" in message
    assert "application roles: SecurityAlert.Read.All." in message
    assert "Alert.Read.All" in page(sim, "mde-alerts").json["error"]["message"]
    assert {page(sim, s, 2).status for s in SOURCES} == {200}
    old = sim.token(2)
    sim.set_tenant(2, roles=False)
    assert sim.get(old).status == 200 and page(sim, "graph-alerts", 2).status == 403
    sim.set_tenant("*", roles=True)
    assert {page(sim, s).status for s in SOURCES} == {200}


# Faults.


@pytest.mark.parametrize("source", OTHERS)
def test_faults_are_as_the_api_makes_them(sim, source):
    token = sim.token(1, source)
    get = lambda: sim.get(token, source, **({"parameters": {"ago": "P2D"}} if source == "siem" else {}))
    whole = get()
    for status in (400, 401, 403, 404, 429, 500, 502, 503, 504):
        sim.fault(str(status), 1, retry_after="3")
        answer = get()
        assert answer.status == status
        if status in (502, 504):
            assert answer.headers["Content-Type"] == "text/html"
        elif source == "siem":
            assert set(answer.json) == {"Message"}
        else:
            assert answer.json["error"]["code"]
        if status == 429:
            assert answer.headers["Retry-After"] == "3"
    for kind in ("truncated", "broken-json", "not-json", "empty-body", "invalid-utf8"):
        sim.fault(kind, 1)
        with pytest.raises(ValueError):
            get().json
    for kind in ("cut", "drop"):
        sim.fault(kind, 1)
        with pytest.raises((http.client.HTTPException, OSError)):
            get()
    items = lambda answer: answer.json if source == "siem" else answer.json["value"]
    for kind in ("no-id", "no-time", "wrong-types", "duplicate-ids", "lone-surrogate"):
        sim.fault(kind, 1)
        answer = get()
        assert answer.body != whole.body
        added = kind in ("wrong-types", "duplicate-ids")
        assert len(items(answer)) == len(items(whole)) + added
        assert items(answer)[1 + added :] == items(whole)[1:]
    sim.fault("missing-value", 1)
    assert "value" not in get().json
    sim.fault("null-value", 1)
    assert (get().json if source == "siem" else get().json["value"]) is None
    sim.fault("top-array", 1)
    assert isinstance(get().json, dict) == (source == "siem")
    sim.fault("nested", 1, size=1000)
    assert b"[" * 1000 in get().body
    sim.fault("huge-string", 1, size=100000)
    assert len(get().body) > 99900 and get().body == whole.body


def test_a_fault_may_be_for_one_api(sim):
    sim.fault("500", 1, count=-1, api="mde")
    assert {s: page(sim, s).status for s in SOURCES} == {s: 500 if s == "mde-alerts" else 200 for s in SOURCES}
    with pytest.raises(RuntimeError, match="api is"):
        sim.fault("500", 1, api="nothing")


def test_a_fault_may_be_for_pages_with_one_alert(sim):
    bad = sim.versions(1)[11]
    sim.fault("500", 1, count=-1, n=12)
    token = sim.token()
    answers = [sim.get(token, top=1, skip=n) for n in range(30)]
    assert [a.status for a in answers].count(500) == 1
    assert bad["id"] not in {a.json["value"][0]["id"] for a in answers if a.status == 200}
    assert sim.get(token, top=30).status == 500
    assert not sim.versions(1)[11]["versions"][-1]["served"]
    assert page(sim, "m365d-incidents").status == 500 and page(sim, "m365d-incidents", 2).status == 200
    sim.clear_faults(1)
    sim.fault("504", 1, count=-1, expanded=True, top_over=10)
    full = lambda top: page(sim, "graph-incidents", expand="alerts", top=top).status
    assert (full(10), full(11), page(sim, "graph-incidents", top=11).status) == (200, 504, 200)
    with pytest.raises(RuntimeError, match="need a status"):
        sim.fault("cut", 1, n=3)


# Limits.


def test_limits_are_for_a_tenant_and_an_api(sim):
    sim.limit(1, "mde", per_minute=3)
    token = sim.token(1, "mde-alerts")
    answers = [sim.get(token, "mde-alerts", top=1) for _ in range(5)]
    assert [a.status for a in answers] == [200, 200, 200, 429, 429]
    assert 50 < int(answers[4].headers["Retry-After"]) <= 60
    assert answers[4].json["error"]["code"] == "TooManyRequests"
    assert page(sim, "graph-alerts").status == 200 and page(sim, "mde-alerts", 2).status == 200
    seen = sim.requests(1)
    assert seen["over_limit"] == 2 and seen["apis"]["mde"]["over_limit"] == 2
    assert seen["apis"]["mde"]["requests"] == 5 and seen["apis"]["graph"]["over_limit"] == 0
    assert sim.requests(2)["over_limit"] == 0 and sim.stats()["over_limit"] == 2
    sim.limit(2, per_hour=1)
    assert page(sim, "siem", 2).status == 200
    limited = page(sim, "siem", 2)
    assert limited.status == 429 and int(limited.headers["Retry-After"]) > 3500
    sim.limit(2, "graph", per_minute=1, per_hour=3)
    token = sim.token(2)
    assert [sim.get(token, top=1).status for _ in range(4)] == [200, 429, 429, 429]
    assert int(sim.get(token).headers["Retry-After"]) <= 60  # those refused are not of the hour
    sim.limit("*")
    assert page(sim, "siem", 2).status == 200 and page(sim, "mde-alerts").status == 200


def test_the_longest_pause_is_known(sim):
    token = sim.token()
    sim.get(token)
    sim.fault("delay", 1, delay_ms=400)
    sim.get(token)
    seen = sim.requests(1)
    assert 400 <= seen["max_gap_ms"] < 5000 and seen["apis"]["graph"]["max_gap_ms"] == seen["max_gap_ms"]
    assert sim.stats()["max_gap_ms"] == seen["max_gap_ms"] and sim.stats()["silent_ms"] >= 400
    sim.set_tenant("*", forget_gaps=True)
    assert sim.stats()["max_gap_ms"] == 0
