"""The simulator keeps its promises; every other test relies on them."""

import gzip
import http.client
import json
import os
import pathlib
import re
import ssl
import stat
import subprocess
import time

import pytest

from simulator import SECRET, Simulator, wait_for

PROGRAM = Simulator().program
SAMPLES = pathlib.Path(__file__).resolve().parent.parent / "samples"


def ticks(text):
    whole, _, fraction = text.rstrip("Z").partition(".")
    seconds = time.strptime(whole, "%Y-%m-%dT%H:%M:%S")
    return int(time.mktime(seconds)) * 10**7 + int((fraction + "0000000")[:7])


@pytest.fixture(scope="module")
def shared():
    with Simulator(tenants=3, alerts=300, samples=SAMPLES) as sim:
        yield sim
        assert sim.stop() == 0


@pytest.fixture
def sim(shared):
    shared.clear_faults()
    yield shared
    shared.clear_faults()


@pytest.fixture
def fresh():
    with Simulator(tenants=3, alerts=90, samples=SAMPLES) as sim:
        yield sim
        assert sim.stop() == 0, sim.log()


# The program.


def test_help_and_bad_options():
    run = lambda *a: subprocess.run([PROGRAM, *a], capture_output=True, text=True)
    assert run("--help").returncode == 0 and "--make-cert" in run("--help").stdout
    for bad in (["--nonsense"], ["--tenants", "x", "--plain"], ["extra", "--plain"], []):
        answer = run(*bad)
        assert answer.returncode == 2 and answer.stderr, bad
    assert run("--plain", "--bind", "0.0.0.0").returncode == 1


def test_certificate_and_key_mode(sim):
    key = os.stat(sim.directory / "cert" / "server.key")
    assert stat.S_IMODE(key.st_mode) == 0o600
    connection = http.client.HTTPSConnection(
        "localhost", sim.port, context=ssl.create_default_context()
    )
    with pytest.raises(ssl.SSLCertVerificationError):
        connection.request("GET", "/control/stats")
    assert sim.control("GET", "stats")["tenants"] == 3


def test_given_certificate(sim, tmp_path):
    own = sim.directory / "cert"
    program = [PROGRAM, "--cert", own / "server.pem", "--key", own / "server.key"]
    port = tmp_path / "port"
    process = subprocess.Popen([*program, "--port-file", port])
    wait_for(port.exists)
    process.terminate()
    assert process.wait(20) == 0


def test_stops_cleanly_while_a_request_waits():
    with Simulator(alerts=1) as sim:
        token = sim.token()
        sim.fault("delay", 1, delay_ms=60000)
        connection = sim.connect()
        connection.request(
            "GET", "/v1.0/security/alerts_v2", headers={"Authorization": "Bearer " + token}
        )
        wait_for(lambda: sim.requests(1)["last"])
        start = time.monotonic()
        assert sim.stop() == 0
        assert time.monotonic() - start < 10
        connection.close()


# Login.


def test_token(sim):
    answer = sim.login(2)
    assert answer.status == 200
    assert answer.json["token_type"] == "Bearer" and answer.json["expires_in"] == 3599
    import base64

    middle = answer.json["access_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    assert claims["tid"] == sim.tenant_id(2)
    assert claims["aud"] == "https://graph.microsoft.com"
    assert "SecurityAlert.Read.All" in claims["roles"]
    assert 3500 < claims["exp"] - time.time() <= 3600
    assert sim.login("t2.customer.example").status == 200


@pytest.mark.parametrize(
    "tenant,fields,status,error,code",
    [
        (1, {"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        (1, {"client_secret": None}, 401, "invalid_client", 7000218),
        (1, {"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
        (1, {"grant_type": None}, 400, "invalid_request", 900144),
        (1, {"scope": "https://graph.microsoft.com"}, 400, "invalid_scope", 70011),
        (1, {"scope": "https://other.example/.default"}, 400, "invalid_resource", 500011),
        (99, {}, 400, "invalid_request", 90002),
        ("nobody.example", {}, 400, "invalid_request", 90002),
        ("rubbish", {}, 400, "invalid_request", 900023),
        ("common", {}, 400, "invalid_request", 9001023),
    ],
)
def test_login_errors(sim, tenant, fields, status, error, code):
    answer = sim.login(tenant, **fields)
    assert answer.status == status
    assert answer.json["error"] == error and answer.json["error_codes"] == [code]
    assert answer.json["error_description"].startswith("AADSTS%d: " % code)
    assert {"timestamp", "trace_id", "correlation_id"} <= set(answer.json)
    assert SECRET not in answer.body.decode()


def test_secret_sent_raw_is_refused(sim):
    body = (
        "grant_type=client_credentials&client_id=x&scope=https://graph.microsoft.com/.default"
        "&client_secret=" + SECRET
    )
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = sim.request("POST", "/%s/oauth2/v2.0/token" % sim.tenant_id(1), body, form)
    assert answer.status in (400, 401)
    answer = sim.request("POST", "/%s/oauth2/v2.0/token" % sim.tenant_id(1), body)
    assert answer.json["error_codes"] == [900144]


def test_login_faults(sim):
    sim.fault("login-400", 1, code=700016)
    assert sim.login().json["error"] == "unauthorized_client"
    sim.fault("login-500", 1)
    assert sim.login().status == 500
    sim.fault("login-429", 1, retry_after="7")
    assert sim.login().headers["Retry-After"] == "7"
    sim.fault("login-html", 1)
    assert sim.login().headers["Content-Type"] == "text/html"
    sim.fault("login-no-token", 1)
    assert "access_token" not in sim.login().json
    sim.fault("login-broken-json", 1)
    with pytest.raises(ValueError):
        sim.login().json
    sim.fault("login-no-roles", 1)
    assert sim.get(sim.token()).status == 403
    sim.fault("login-wrong-tenant", 1)
    assert sim.get(sim.token()).json["value"][0]["tenantId"] == sim.tenant_id(2)
    sim.fault("login-slow", 1, delay_ms=300)
    start = time.monotonic()
    assert sim.login().status == 200 and time.monotonic() - start > 0.25


# Tokens at Graph.


def test_bad_tokens(sim):
    good = sim.token()
    for bad in ("", "x", good[:-1], good[:-4] + "AAAA", "a.b.c", "Basic x"):
        answer = sim.get(bad)
        assert answer.status == 401, bad
        assert answer.json["error"]["code"] == "InvalidAuthenticationToken"
        assert "WWW-Authenticate" in answer.headers
    answer = sim.request("GET", "/v1.0/security/alerts_v2")
    assert answer.status == 401


def test_tokens_expire_and_can_be_revoked(fresh):
    fresh.set_tenant(1, token_life=1)
    token = fresh.token()
    wait_for(lambda: fresh.get(token).status == 401, 5)
    assert "expired" in fresh.get(token).json["error"]["message"]
    other = fresh.token(2)
    assert fresh.get(other).status == 200
    fresh.set_tenant(2, revoke=True)
    assert fresh.get(other).status == 401
    fresh.set_tenant(3, consent=False)
    assert fresh.login(3).json["error_codes"] == [7000229]


# Queries.


def test_pages_hold_everything_once(sim):
    token = sim.token(2)
    for order in (None, "lastUpdateDateTime asc", "lastUpdateDateTime desc", "createdDateTime"):
        query = {"top": 7} if order is None else {"top": 7, "orderby": order}
        alerts = sim.get_all(token, **query)
        assert len(alerts) == 100
        assert len({a["id"] for a in alerts}) == 100
        key = "createdDateTime" if order == "createdDateTime" else "lastUpdateDateTime"
        times = [ticks(a[key]) for a in alerts]
        assert times == sorted(times, reverse=order is None or "desc" in order)
        assert all(a["tenantId"] == sim.tenant_id(2) for a in alerts)


def test_page_is_as_graph_says(sim):
    page = sim.get(sim.token(), top=3, count="true")
    assert page.json["@odata.count"] == 100 and len(page.json["value"]) == 3
    assert page.json["@odata.nextLink"].startswith(sim.url + "/v1.0/security/alerts_v2?")
    assert page.headers["Content-Type"].startswith("application/json")
    last = sim.requests(1)["last"]
    assert last["prefer"] == "include-unknown-enum-members" and "$top=3" in last["url"]
    assert len(sim.get(sim.token(), top=90, skip=95).json["value"]) == 5


def test_times_are_compared_to_100_ns(sim):
    token = sim.token()
    alerts = sim.get_all(token, orderby="lastUpdateDateTime asc")
    times = [ticks(a["lastUpdateDateTime"]) for a in alerts]
    for a in alerts[::9]:
        at = a["lastUpdateDateTime"]
        for op, want in (
            ("ge", sum(t >= ticks(at) for t in times)),
            ("gt", sum(t > ticks(at) for t in times)),
            ("le", sum(t <= ticks(at) for t in times)),
            ("lt", sum(t < ticks(at) for t in times)),
        ):
            found = sim.get_all(token, filter="lastUpdateDateTime %s %s" % (op, at), top=50)
            assert len(found) == want
    low, high = alerts[20]["lastUpdateDateTime"], alerts[60]["lastUpdateDateTime"]
    both = "lastUpdateDateTime ge %s and lastUpdateDateTime lt %s" % (low, high)
    want = [a["id"] for a, t in zip(alerts, times) if ticks(low) <= t < ticks(high)]
    assert [a["id"] for a in sim.get_all(token, filter=both, top=9)] == want[::-1]


def test_other_filters(sim):
    token = sim.token()
    alerts = sim.get_all(token)
    for name in ("severity", "status", "serviceSource"):
        for value in {a[name] for a in alerts}:
            found = sim.get_all(token, filter="%s eq '%s'" % (name, value), top=4)
            assert {a["id"] for a in found} == {a["id"] for a in alerts if a[name] == value}
    at = sorted(a["createdDateTime"] for a in alerts)[50]
    text = "createdDateTime ge %s and severity eq 'high'" % at
    found = sim.get_all(token, filter=text)
    want = [a for a in alerts if a["severity"] == "high"]
    want = [a for a in want if ticks(a["createdDateTime"]) >= ticks(at)]
    assert len(found) == len(want)
    found = sim.get_all(token, filter="severity ne 'low' and severity ne 'high' and status ne 'new'")
    want = [a for a in alerts if a["severity"] not in ("low", "high") and a["status"] != "new"]
    assert {a["id"] for a in found} == {a["id"] for a in want} and want


@pytest.mark.parametrize(
    "query",
    [
        {"filter": "title eq 'x'"},
        {"filter": "severity eq high"},
        {"filter": "severity eq 'huge'"},
        {"filter": "lastUpdateDateTime ge '2026-01-01T00:00:00Z'"},
        {"filter": "lastUpdateDateTime ge 2026-01-01"},
        {"filter": "lastUpdateDateTime ge 2026-02-30T00:00:00Z"},
        {"filter": "severity eq 'low' or severity eq 'high'"},
        {"filter": "severity eq 'low' and"},
        {"filter": ""},
        {"top": "0"},
        {"top": "x"},
        {"orderby": "severity"},
        {"select": "id"},
        {"skiptoken": "rubbish"},
    ],
)
def test_bad_queries(sim, query):
    answer = sim.get(sim.token(), **query)
    assert answer.status == 400 and answer.json["error"]["code"] == "BadRequest"


def test_unknown_members_need_the_prefer_header(sim):
    token = sim.token()
    late = {"microsoftDefenderForCloud", "microsoftSentinel", "microsoftThreatIntelligence"}
    late |= {"microsoftInsiderRiskManagement"}
    sources = {a["serviceSource"] for a in sim.get_all(token)}
    assert sources & late
    plain = sim.get(token, top=100, headers={"Prefer": ""}).json["value"]
    assert not {a["serviceSource"] for a in plain} & late
    assert "unknownFutureValue" in {a["serviceSource"] for a in plain}


def test_one_alert_by_id(sim):
    token = sim.token()
    one = sim.get(token, top=1).json["value"][0]
    assert sim.get(token, "/v1.0/security/alerts_v2/" + one["id"]).json == one
    assert sim.get(token, "/v1.0/security/alerts_v2/none").status == 404
    assert sim.get(token, "/v1.0/users").status == 404


def test_page_max_rate_gzip_plain():
    with Simulator(plain=True, alerts=50, page_max=10, rate=5, gzip=True) as sim:
        token = sim.token()
        page = sim.get(token, top=40, headers={"Accept-Encoding": "gzip"})
        assert page.headers["Content-Encoding"] == "gzip"
        body = json.loads(gzip.decompress(page.body))
        assert len(body["value"]) == 10
        assert body["@odata.nextLink"].startswith("http://127.0.0.1:%d/" % sim.port)
        answers = [sim.get(token, top=1) for _ in range(11)]
        limited = [a for a in answers if a.status == 429]
        assert limited and 1 <= int(limited[0].headers["Retry-After"]) <= 60


# Faults.


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 502, 503, 504])
def test_statuses(sim, status):
    token = sim.token()
    sim.fault(str(status), 1, count=2)
    for want in (status, status, 200):
        assert sim.get(token).status == want
    if status in (502, 504):
        sim.fault(str(status), 1)
        assert sim.get(token).headers["Content-Type"] == "text/html"


@pytest.mark.parametrize("text", ["7", "2.128", "Wed, 21 Oct 2026 07:28:00 GMT", None])
def test_retry_after(sim, text):
    token = sim.token()
    sim.fault("429", 1, **({"retry_after": text} if text else {}))
    assert sim.get(token).headers["Retry-After"] == text


def test_faults_are_per_tenant_and_can_wait(sim):
    one, two = sim.token(1), sim.token(2)
    sim.fault("500", 1, after=1, count=1)
    assert [sim.get(one).status for _ in range(3)] == [200, 500, 200]
    sim.fault("500", 1, count=-1)
    assert [sim.get(one).status for _ in range(3)] == [500] * 3
    assert sim.get(two).status == 200
    sim.clear_faults(1)
    assert sim.get(one).status == 200
    with pytest.raises(RuntimeError, match="unknown kind"):
        sim.fault("no such fault")


def test_cut_bodies(sim):
    token = sim.token()
    for kind in ("cut", "cut-chunked"):
        sim.fault(kind, 1)
        with pytest.raises((http.client.IncompleteRead, ssl.SSLError, ConnectionError)):
            sim.get(token)
    sim.fault("drop", 1)
    with pytest.raises((http.client.HTTPException, ssl.SSLError, ConnectionError)):
        sim.get(token)
    for kind in ("truncated", "broken-json", "not-json", "empty-body", "invalid-utf8"):
        sim.fault(kind, 1)
        answer = sim.get(token)
        assert answer.status == 200
        with pytest.raises(ValueError):
            answer.json


def test_wrong_contents(sim):
    token = sim.token()

    def page(kind, **parameters):
        sim.fault(kind, 1, **parameters)
        return sim.get(token, top=5)

    assert "value" not in page("missing-value").json
    assert page("null-value").json["value"] is None
    assert isinstance(page("top-array").json, list)
    assert page("206").status == 206
    assert len(page("huge-page").json["value"]) == 100
    assert "id" not in page("no-id").json["value"][0]
    assert "lastUpdateDateTime" not in page("no-time").json["value"][0]
    assert page("wrong-types").json["value"][0]["id"] == 42
    twice = page("duplicate-ids").json["value"]
    assert twice[0] == twice[1] and len(twice) == 6
    assert "\ud83d" in page("lone-surrogate").json["value"][0]["title"]
    assert page("redirect", host="evil.example").headers["Location"].startswith(
        "https://evil.example/"
    )
    assert page("foreign-next-link", host="evil.example:1").json["@odata.nextLink"].startswith(
        "https://evil.example:1/v1.0/"
    )
    deep = page("nested", size=100000).body
    assert b"[" * 100000 + b"]" * 100000 in deep
    assert len(page("huge-string", size=3000000).body) > 2999990


def test_links_that_do_not_end(sim):
    token = sim.token()
    sim.fault("endless-next-link", 1, count=3)
    pages = [sim.get(token, top=5)]
    for _ in range(2):
        pages.append(sim.get(token, pages[-1].json["@odata.nextLink"]))
    assert len({p.json["@odata.nextLink"] for p in pages}) == 1
    assert len({p.json["value"][0]["id"] for p in pages}) == 1
    sim.clear_faults()
    sim.fault("empty-pages", 1, count=2)
    first = sim.get(token, top=60)
    second = sim.get(token, first.json["@odata.nextLink"])
    third = sim.get(token, second.json["@odata.nextLink"])
    assert [len(p.json["value"]) for p in (first, second, third)] == [0, 0, 60]


def test_delay(sim):
    token = sim.token()
    sim.fault("delay", 1, delay_ms=300)
    start = time.monotonic()
    assert sim.get(token).status == 200 and time.monotonic() - start > 0.25


# The world.


def test_versions_and_served(fresh):
    assert len(fresh.versions()) == 90 and len(fresh.versions(1)) == 30
    assert not any(a["versions"][-1]["served"] for a in fresh.versions())
    token = fresh.token()
    alerts = {a["id"]: a for a in fresh.get_all(token)}
    assert all(a["versions"][-1]["served"] for a in fresh.versions(1))
    assert not any(a["versions"][-1]["served"] for a in fresh.versions(2))
    for known in fresh.versions(1):
        alert, now = alerts[known["id"]], known["versions"][-1]
        for name in ("lastUpdateDateTime", "status", "severity", "classification"):
            assert alert[name] == now[name]
        assert alert["assignedTo"] == now["assignedTo"]
    when = fresh.update(1, n=4, status="resolved", assignedTo=None, severity="high")
    known = fresh.versions(1)[3]
    assert [v["served"] for v in known["versions"]] == [True, False]
    first = fresh.get(token, top=1).json["value"][0]
    assert first["id"] == known["id"] and first["lastUpdateDateTime"] == when
    assert first["status"] == "resolved" and first["assignedTo"] is None
    assert first["resolvedDateTime"] == when
    assert fresh.versions(1)[3]["versions"][1]["served"]
    fresh.update(1, id=known["id"], status="new")
    assert len(fresh.versions(1)[3]["versions"]) == 3
    assert fresh.stats()["versions"] == 92


def test_new_alerts(fresh):
    token = fresh.token()
    now = ticks(fresh.get(token, top=1).json["value"][0]["lastUpdateDateTime"])
    assert fresh.add_alerts(1, 3) == [31, 32, 33]
    late = fresh.add_alerts(1, 1, age_s=600)[0]
    known = {a["n"]: a["versions"][-1] for a in fresh.versions(1)}
    assert ticks(known[33]["lastUpdateDateTime"]) >= now
    gap = ticks(known[33]["lastUpdateDateTime"]) - ticks(known[late]["lastUpdateDateTime"])
    assert abs(gap - 600 * 10**7) < 5 * 10**7
    same = fresh.add_alerts(1, 5, equal=True)
    known = {a["n"]: a["versions"][-1]["lastUpdateDateTime"] for a in fresh.versions(1)}
    assert len({known[n] for n in same}) == 1
    mixed = fresh.add_alerts(1, 20, spread_s=60, shuffled=True)
    known = {a["n"]: ticks(a["versions"][-1]["lastUpdateDateTime"]) for a in fresh.versions(1)}
    assert [known[n] for n in mixed] != sorted(known[n] for n in mixed)


def test_raw_alerts_and_samples(fresh):
    token = fresh.token()
    text = '{"severity":"low", "id":"x\\u0041", "n":18446744073709551616}'
    fresh.add_raw(text)
    assert text.encode() in fresh.get(token, top=1).body
    fresh.update(1, id="xA", severity="high")
    alert = fresh.get(token, top=1).json["value"][0]
    assert alert["severity"] == "high" and alert["n"] == 2**64
    assert "lastUpdateDateTime" in alert
    assert fresh.add_samples(2, now=True) == 9
    assert fresh.add_samples(2, file="graph-alerts_v2-page1.json", now=True) > 0
    assert fresh.add_samples(2, file="graph-alerts_v2-updated.json", now=True) == 1
    ids = {a["id"] for a in fresh.get_all(fresh.token(2))}
    samples = json.loads((SAMPLES / "graph-alerts_v2.json").read_text())["value"]
    assert {a["id"] for a in samples} <= ids
    assert any(len(a["versions"]) > 1 for a in fresh.versions(2))


def test_update_while_paging_shifts_pages(fresh):
    token = fresh.token()
    query = {"top": 10, "orderby": "lastUpdateDateTime asc"}
    before = [a["id"] for a in fresh.get_all(token, **query)]
    fresh.update_while_paging(1, page=1, status="resolved")
    page = fresh.get(token, **query)
    rest = fresh.get(token, page.json["@odata.nextLink"]).json["value"]
    # The first alert of page 2 went to the end; the others came one place nearer.
    assert [a["id"] for a in page.json["value"]] == before[:10]
    assert rest[0]["id"] == before[11]
    assert fresh.get_all(token, **query)[-1]["id"] == before[10]


def test_key_paging_misses_nothing():
    with Simulator(alerts=40, paging="key") as sim:
        token = sim.token()
        query = {"top": 10, "orderby": "lastUpdateDateTime asc"}
        before = {a["id"] for a in sim.get_all(token, **query)}
        sim.update_while_paging(1, page=1, n=1, status="resolved")
        assert {a["id"] for a in sim.get_all(token, **query)} == before
        assert len(sim.get_all(token, top=7)) == 40


def test_trickle(fresh):
    fresh.control("POST", "trickle", {"per_minute": 6000})
    wait_for(lambda: fresh.stats()["versions"] > 110)
    fresh.control("POST", "trickle", {"per_minute": 0})


def test_control_refuses(sim):
    for method, path, body in (
        ("POST", "alerts", {"tenant": "77"}),
        ("POST", "alerts", {}),
        ("POST", "alerts", {"tenant": "1", "alert": "no json"}),
        ("POST", "update", {"tenant": "1", "n": 7777}),
        ("POST", "samples", {"tenant": "1", "file": "../README.md"}),
        ("POST", "nothing", {}),
        ("GET", "nothing", None),
    ):
        with pytest.raises(RuntimeError, match="error"):
            sim.control(method, path, body)


# Many.


def test_many_tenants():
    with Simulator(tenants=10000, alerts=30000) as sim:
        assert len(sim.control("GET", "tenants")) == 10000
        assert len(sim.get_all(sim.token(10000))) == 3
        assert len(sim.versions()) == 30000


# The generator.


def walk(value):
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner)


@pytest.fixture(scope="module")
def lines():
    return subprocess.check_output(
        [PROGRAM, "--dump-lines", "10000", "--tenants", "7"]
    ).split(b"\n")[:-1]


def test_alerts_are_valid_and_rich(lines):
    alerts = [json.loads(line.decode("utf-8", "strict")) for line in lines]
    assert len(alerts) == 10000
    assert len({(a["tenantId"], a["id"]) for a in alerts}) == 10000
    sizes = sorted(len(line) for line in lines)
    assert sizes[100] > 3000 and sizes[9000] < 16000
    types = {o.get("@odata.type") for a in alerts for o in walk(a)}
    assert len({t for t in types if t and t.endswith("Evidence")}) == 49
    digits = {len(a["createdDateTime"].partition(".")[2].rstrip("Z")) for a in alerts}
    assert digits == set(range(8))
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    for a in alerts:
        assert ticks(a["createdDateTime"]) <= ticks(a["lastUpdateDateTime"]) <= ticks(now) + 10**7
    assert any(next(iter(a)) not in ("id", "@odata.type") for a in alerts)
    assert max(len(a["id"]) for a in alerts) > 40
    everything = b"\n".join(lines)
    for trap in (rb"\u0000", rb"\u0001", rb"\r\n", rb"\t", b"|", rb"\"", rb"\ud83d"):
        assert trap in everything, trap
    text = everything.decode()
    for trap in "\u200b\u2028\ufffd\u202e\u0301\u65e5\u0645\U0001f600":
        assert trap in text, trap
    assert re.search(r":\d{17,}[,}]", text)
    assert "forged syslog line" in text and "CEF:0|x|y" in text
    assert max(len(w) for w in re.findall("EncodedCommand [A-Za-z0-9+/]+", text)) > 4000


def test_the_seed_decides():
    run = lambda *a: subprocess.check_output(
        [PROGRAM, "--dump", "50", "--until", "2026-01-02T00:00:00Z", *a]
    )
    assert run("--seed", "5") == run("--seed", "5") != run("--seed", "6")
    pretty = run("--seed", "5", "--pretty")
    assert json.loads(pretty) == json.loads(run("--seed", "5"))
    assert pretty.count(b"\n") > 1000
