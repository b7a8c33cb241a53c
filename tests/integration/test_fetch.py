"""alertrelay fetch: the API method as a command."""

import http.server
import json
import threading
import time

import pytest

from relay import Relay


@pytest.fixture
def asked(simulators, relays):
    """asked(tenants=2, alerts=10): a simulator, and fetch("customer1", "--raw") gives its result."""

    def make(**options):
        simulator = simulators(**{"tenants": 2, "alerts": 0, **options})
        relay = relays(simulator, tenants=3)
        relay.add_destination("out", transport="stdout")
        relay.add_feed("out")
        relay.write()

        def fetch(*arguments):
            result = relay.command("fetch", *arguments, "-c", str(relay.config_file))
            # Not even a file of the state.
            assert not (relay.directory / "state.db").exists()
            return result

        return simulator, relay, fetch

    return make


def lines_of(result):
    """Not splitlines(), which knows more line ends than JSON."""
    return result.stdout.split("\n")[:-1]


def ids(result):
    return [json.loads(line)["id"] for line in lines_of(result)]


def test_it_prints_what_the_vendor_has_over_all_pages(asked):
    simulator, _, fetch = asked()
    simulator.add_alerts(1, 250, age_s=3600, spread_s=1800)
    simulator.add_alerts(2, 3, age_s=3600)
    result = fetch("customer1", "--raw")
    assert result.returncode == 0 and result.stderr == ""
    assert sorted(ids(result)) == sorted(alert["id"] for alert in simulator.versions(1))
    assert simulator.requests(1)["pages"] >= 3
    cef = lines_of(fetch("customer1"))
    assert len(cef) == 250 and all(line.startswith("CEF:0|") for line in cef)
    assert lines_of(fetch("customer1", "--format", "cef")) == cef
    other = lines_of(fetch("customer1", "--format", "rfc5424-json", "--limit", "120"))
    assert len(other) == 120 and other[0] != cef[0]
    assert len(ids(fetch("customer1", "--raw", "--limit", "7"))) == 7


def test_raw_is_as_received_one_a_line(asked):
    simulator, _, fetch = asked()
    simulator.add_raw(
        '{\n "id": "x1",\r\n\t"title": "a\\nb", "lastUpdateDateTime": "%s", "own": [1e400, 0.10]\n}'
        % time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60))
    )
    lines = lines_of(fetch("customer1", "--raw"))
    assert len(lines) == 1
    assert '"own": [1e400, 0.10]' in lines[0] and '"a\\nb"' in lines[0]


def test_raw_is_every_octet(asked):
    simulator, _, fetch = asked()
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60))
    sent = []
    for number, odd in enumerate((
        '"a":1,"a" :2 , "é☃\U0001f600":"é☃\U0001f600"',
        r'"e":"\u0000\u001b\/\"\\\ud83d\ude00\ud800","k\u0065y":null',
        '"n":[-0,1E+2,12345678901234567890123,0.1000],"t":true,"o":{ } , "l":[ ]',
        '"u":"\u2028\u0085\u200b","customDetails":{"x" : [1,\t2]},"evidence":[{"a":[[]]}]',
    )):
        text = '{"id":"x%d", %s,"lastUpdateDateTime":"%s"}' % (number, odd, now)
        simulator.add_raw(text)
        sent.append(text)
    assert sorted(lines_of(fetch("customer1", "--raw"))) == sorted(sent)


def test_the_source_is_that_of_the_first_feed(asked):
    simulator, relay, fetch = asked()
    relay.config["app"].update(simulator.roots)
    relay.config["feeds"].insert(0, {"source": "siem", "to": ["out"]})
    relay.write()
    simulator.add_alerts(1, 1, age_s=60)
    assert '"FullId":' in fetch("customer1", "--raw").stdout
    assert '"providerAlertId":' in fetch("customer1", "--raw", "--source=graph-alerts").stdout


@pytest.mark.parametrize("source", ["graph-incidents", "m365d-incidents"])
def test_an_incident_and_its_alerts_have_lines_of_their_own(asked, source):
    simulator, relay, fetch = asked()
    relay.config["app"].update(simulator.roots)
    relay.write()
    simulator.add_alerts(1, 3, age_s=60)
    lines = [json.loads(line) for line in lines_of(fetch("customer1", "--raw", "--source", source))]
    incidents = [line for line in lines if "incidentName" in line or "displayName" in line]
    assert len(incidents) == len(simulator.incidents(1)) >= 1
    assert len(lines) == len(incidents) + 3 and not any("alerts" in line for line in lines)


def test_since_and_until(asked):
    simulator, _, fetch = asked()
    now = time.time()

    def at(seconds):
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - seconds))

    for hours in (1, 3, 30, 100):
        simulator.add_alerts(1, 1, age_s=hours * 3600)
    assert len(ids(fetch("customer1", "--raw"))) == 2
    assert len(ids(fetch("customer1", "--raw", "--since", "2h"))) == 1
    assert len(ids(fetch("customer1", "--raw", "--since", "7d"))) == 4
    assert len(ids(fetch("customer1", "--raw", "--since=7d", "--until=2h"))) == 3
    assert len(ids(fetch("customer1", "--raw", "--since", at(40 * 3600), "--until", at(7200)))) == 2
    none = fetch("customer1", "--since", "30m")
    assert none.returncode == 0 and none.stdout == ""
    assert "customer1 has no alert in this time" in none.stderr


def test_messages_name_the_customer(asked):
    simulator, _, fetch = asked()
    simulator.add_alerts(2, 1, age_s=60)
    line = fetch("customer2").stdout
    assert "customer2" in line


@pytest.mark.parametrize(
    "fault, words",
    [
        ({"kind": "login-401", "code": 7000215}, "AADSTS7000215"),
        ({"kind": "403"}, "adminconsent"),
        ({"kind": "400"}, "refuses this request"),
        ({"kind": "404"}, "check the API's address"),
        ({"kind": "foreign-next-link"}, "refused"),
        ({"kind": "endless-next-link"}, "in a circle"),
        ({"kind": "empty-pages"}, "in a circle"),
        ({"kind": "login-broken-json"}, "check the login address"),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_what_an_operator_must_mend_is_said_with_status_1(asked, fault, words):
    simulator, _, fetch = asked()
    simulator.add_alerts(1, 1, age_s=60)
    simulator.fault(tenant=1, count=-1, **fault)
    result = fetch("customer1", "--raw")
    assert result.returncode == 1
    assert "tenant customer1: " in result.stderr and words in result.stderr
    assert simulator.secret not in result.stderr
    assert fetch("customer2").returncode == 0


def test_what_passes_is_tried_again_and_nothing_is_printed_twice(asked):
    simulator, _, fetch = asked()
    simulator.add_alerts(1, 230, age_s=3600, spread_s=1800)
    simulator.fault("429", 1, count=1, retry_after="1.2", after=1)
    simulator.fault("cut", 1, count=1, after=1)
    start = time.monotonic()
    result = fetch("customer1", "--raw")
    assert result.returncode == 0 and time.monotonic() - start > 1.2
    assert "trying again" in result.stderr
    assert sorted(ids(result)) == sorted(alert["id"] for alert in simulator.versions(1))


def test_what_keeps_failing_ends_it(asked):
    simulator, _, fetch = asked()
    simulator.fault("broken-json", 1, count=-1)
    result = fetch("customer1")
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith("alertrelay fetch: tenant customer1: ")


def test_wrong_usage(asked, tmp_path):
    _, relay, fetch = asked()
    result = fetch("custommer1")
    assert result.returncode == 2 and "did you mean customer1?" in result.stderr
    assert fetch().returncode == 2
    result = relay.command("fetch", "customer1", "-c", str(tmp_path / "none.yaml"))
    assert result.returncode == 2 and "none.yaml" in result.stderr
    simulator_is_away = Relay(tmp_path / "away")
    simulator_is_away.config = json.loads(relay.config_file.read_text())
    simulator_is_away.config["app"]["login_root"] = "http://127.0.0.1:1"
    result = relay.command("fetch", "customer1", "-c", str(simulator_is_away.write()))
    assert result.returncode == 1 and "cannot connect" in result.stderr


class Circle(http.server.BaseHTTPRequestHandler):
    """Two pages that lead to each other, by links or because $skip is not understood."""

    def answer(self, document):
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer({"token_type": "Bearer", "expires_in": 3600, "access_token": "opaque"})

    def do_GET(self):
        other = "a" if self.path.endswith("&page=b") else "b"
        page = {"value": [{"id": "from-" + other}]}
        if "alerts_v2" in self.path:
            page["@odata.nextLink"] = "http://%s/alerts_v2?x=1&page=%s" % (
                self.headers["Host"], other)
        self.answer(page)

    def log_message(self, *_):
        pass


@pytest.mark.parametrize("source", ["graph-alerts", "mde-alerts"])
def test_pages_in_a_circle_come_to_an_end(asked, source):
    _, relay, fetch = asked()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Circle)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    root = "http://127.0.0.1:%d" % server.server_port
    relay.config["app"].update(login_root=root, graph_root=root, mde_root=root)
    relay.write()
    try:
        result = fetch("customer1", "--raw", "--source", source)
    finally:
        server.shutdown()
        server.server_close()
    assert result.returncode == 1 and "in a circle" in result.stderr
    assert 1 <= len(lines_of(result)) < 20
