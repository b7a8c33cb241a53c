"""Answers of the vendor that are cut, broken, hostile or refusals: one tenant waits, none is hurt."""

import json
import socket
import threading
import time

import pytest

from received import compare, read_all, status_version
from relay import wait_until

MB = 1024 * 1024


@pytest.fixture
def line(simulators, collectors, relays):
    """Two tenants, pages of 20, JSON so that every octet of the vendor is seen again."""

    def make(*arguments, tenants=2, alerts=100, format="rfc5424-json", feed=None, **options):
        simulator = simulators(*arguments, tenants=tenants, alerts=alerts, **options)
        collector = collectors("tcp")
        relay = relays(simulator, tenants=tenants)
        relay.add_collector(collector, format=format)
        relay.add_feed("soc", **{"look_back": "48h", "page_size": 20, "poll": "1s", **(feed or {})})
        return simulator, collector, relay

    return make


def check(simulator, collector, tenants=None):
    messages = read_all(collector.lines())
    if tenants:
        messages = [m for m in messages if m.customer in {f"customer{n}" for n in tenants}]
    return compare(simulator, messages, tenants).check()


BROKEN = [
    "cut", "cut-chunked", "truncated", "broken-json", "not-json", "empty-body", "top-array",
    "missing-value", "null-value", "206", "drop", "500", "502", "503", "504", "408", "delay",
]  # fmt: skip


@pytest.mark.parametrize("after", [0, 1], ids=["first-page", "mid-pass"])
@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_page_is_asked_again_and_nothing_is_lost_or_repeated(line, kind, after):
    simulator, collector, relay = line()
    simulator.fault(kind, tenant=1, count=1, after=after, delay_ms=300 if kind == "delay" else 0)
    relay.run_once()
    check(simulator, collector)


@pytest.mark.parametrize("kind", ["cut", "broken-json", "missing-value", "500", "not-json"])
def test_a_tenant_whose_answers_stay_broken_is_named_and_the_others_are_complete(line, kind):
    simulator, collector, relay = line()
    simulator.fault(kind, tenant=1, count=-1)
    result = relay.run_once("--give-up", "3s", status=1)
    assert "tenant=customer1" in result.stderr and "not complete" in result.stderr
    assert "tenant=customer2" not in result.stderr
    check(simulator, collector, [2])
    simulator.clear_faults()
    relay.run_once()
    check(simulator, collector)


@pytest.mark.parametrize("kind,size", [("nested", 5_000_000), ("huge-string", 100_000_000)])
def test_a_hostile_page_is_refused_and_memory_stays_bounded(line, kind, size):
    simulator, collector, relay = line()
    simulator.fault(kind, tenant=1, count=2, size=size)
    relay.start()
    wait_until(lambda: "tenant=customer1" in relay.log(), "the trouble is logged", 60)
    check_later = relay.complete(simulator, collector.lines, seconds=60)
    assert relay.peak() < 64 * MB
    check_later.check()
    assert relay.stop() == 0


@pytest.mark.parametrize("format", ["cef", "rfc5424-json"])
def test_an_alert_too_large_to_read_goes_as_a_stub_and_stops_nothing(line, format):
    simulator, collector, relay = line(format=format)
    huge = json.dumps({"id": "huge", "title": "huge", "description": "x" * (3 * MB)})
    simulator.add_raw(huge, now=True)
    simulator.add_alerts(1, 30)
    relay.run_once()
    messages = read_all(collector.lines())
    stubs = [m for m in messages if m.alert.startswith("stub-")]
    assert len(stubs) == 1 and stubs[0].customer == "customer1"
    assert b"could not be read" in stubs[0].raw
    result = compare(simulator, messages)
    assert result.lost == [("customer1", "huge")] and not result.repeated
    relay.run_once()
    assert len(collector.lines()) == len(messages)
    simulator.add_alerts(1, 5)
    relay.run_once()
    assert compare(simulator, read_all(collector.lines())).lost == [("customer1", "huge")]


def test_a_page_of_thousands_of_alerts_needs_little_memory(line):
    """The vendor gives all there is on one page, some 20 MB, whatever was asked for."""
    simulator, collector, relay = line(tenants=1, alerts=3000, feed={"window": "2M"})
    simulator.fault("huge-page", tenant=1, count=-1)
    relay.start()
    relay.complete(simulator, collector.lines).check()
    assert relay.peak() < 48 * MB
    assert relay.stop() == 0


@pytest.mark.parametrize("format", ["cef", "rfc5424-json"])
@pytest.mark.parametrize("kind", ["invalid-utf8", "lone-surrogate", "wrong-types", "no-id", "no-time"])
def test_whatever_is_in_an_alert_the_message_stays_valid(line, kind, format):
    simulator, collector, relay = line(format=format)
    simulator.fault(kind, tenant=1, count=-1)
    relay.run_once("--give-up", "3s", status=None)
    read_all(collector.lines())  # strict: valid UTF-8, legal escapes, customer and id
    check(simulator, collector, [2])
    simulator.clear_faults()
    relay.run_once()
    if kind == "no-id":  # they went under ids made from their text
        assert len([l for l in collector.lines() if b" customer1 " in l]) >= 50
    else:
        assert not compare(simulator, read_all(collector.lines())).lost
    # A changed alert is another one or another version; nothing of it is sent a third time.
    before = len(collector.lines())
    relay.run_once()
    assert len(collector.lines()) == before


RAW = [
    '{"id":"r1"}',
    '{"id":"r2","lastUpdateDateTime":"yesterday","createdDateTime":7}',
    '{"id":"r3","severity":"high\\r\\n<1>1 - forged","title":"a|b=c\\\\d\\u0000\\u0085\\u2028"}',
    '{"id":"r4","title":"\\ud800\\udc00 \\udc00 \\ud800"}',
    '{"id":"r5","evidence":[null,1,"x",[],{},{"@odata.type":7},{"roles":{}}]}',
    '{"id":"r6","status":{"a":1},"assignedTo":[1],"title":{"x":[]},"evidence":{}}',
    '{"id":"r7","mitreTechniques":[null,3,{"a":1},"T1059"],"comments":"x","tenantId":5}',
    '{"id":"' + "r" * 3000 + '"}',
    '{"id":"r8 with blanks =|\\\\\\" ]","description":"' + "=\\\\" * 20000 + '"}',
    '{"id":"r9","createdDateTime":"9999-12-31T23:59:59.9999999Z"}',
    '{"id":"r10","additionalData":{"n":1e400,"m":-0,"deep":' + "[" * 20 + "]" * 20 + "}}",
]


@pytest.mark.parametrize("format", ["cef", "rfc5424-json"])
def test_strange_alerts_arrive_as_valid_messages_once(line, format):
    simulator, collector, relay = line(tenants=1, alerts=0, format=format)
    for raw in RAW:
        simulator.add_raw(raw, now=True)
    relay.run_once()
    messages = read_all(collector.lines())
    ids = [m.alert for m in messages]
    assert len(ids) == len(set(ids)) == len(RAW)
    for raw in RAW:
        id = json.loads(raw)["id"]
        assert any(m.alert == id or (len(id) > 1000 and m.alert.startswith("r" * 900)) for m in messages), id
    relay.run_once()
    assert len(collector.lines()) == len(RAW)


class Listener:
    """Another host of the network: counts who connects, and keeps what it is told."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.heard = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            connection.settimeout(5)
            try:
                self.heard.append(connection.recv(1000))
            except OSError:
                self.heard.append(b"")
            connection.close()

    def kill(self):
        self.socket.close()


@pytest.mark.parametrize("kind", ["foreign-next-link", "redirect"])
def test_no_other_host_is_asked_and_none_sees_the_token(line, started, kind):
    simulator, collector, relay = line()
    other = started(Listener())
    simulator.fault(kind, tenant=1, count=-1, host=f"localhost:{other.port}")
    result = relay.run_once("--give-up", "3s", status=1)
    assert "tenant=customer1" in result.stderr
    check(simulator, collector, [2])
    simulator.clear_faults()
    relay.run_once()
    assert other.heard == []
    check(simulator, collector)


# Refusals.


@pytest.mark.parametrize("after", ["2", "1.128", None, "date", "-5", "soon"])
def test_429_is_obeyed_for_that_tenant_alone(line, after):
    simulator, collector, relay = line()
    if after == "date":
        after = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 2))
    options = {} if after is None else {"retry_after": after}
    simulator.fault("429", tenant=1, count=1, after=1, **options)
    begin = time.monotonic()
    relay.start(once=True)
    assert relay.wait(60) == 0, relay.log()
    waited = time.monotonic() - begin
    if after in ("2", "1.128"):
        assert waited >= float(after)
    assert waited < 30
    assert simulator.requests(1)["status"].get("429") == 1
    assert "429" not in simulator.requests(2)["status"]
    check(simulator, collector)


def test_the_other_tenants_do_not_wait_for_a_throttled_one(line):
    simulator, collector, relay = line()
    simulator.fault("429", tenant=1, count=1, retry_after="600")
    relay.start()
    relay.complete(simulator, lambda: [l for l in collector.lines() if b" customer2 " in l], [2])
    simulator.add_alerts(2, 5)
    relay.complete(simulator, lambda: [l for l in collector.lines() if b" customer2 " in l], [2])
    assert not [l for l in collector.lines() if b" customer1 " in l]
    assert relay.stop() == 0


@pytest.mark.parametrize("after", [0, 2], ids=["first-page", "mid-pass"])
def test_a_401_renews_the_token_and_goes_on_at_the_same_page(line, after):
    simulator, collector, relay = line()
    simulator.fault("401", tenant=1, count=1, after=after)
    relay.run_once()
    check(simulator, collector)
    assert simulator.requests(1)["tokens"] == 2


def test_tokens_that_end_in_mid_pass_are_renewed(line):
    simulator, collector, relay = line(alerts=200, feed={"page_size": 4})
    simulator.set_tenant("*", token_life=2)
    simulator.fault("delay", count=-1, delay_ms=100)
    relay.run_once()
    simulator.clear_faults()
    assert simulator.requests(1)["tokens"] > 1
    check(simulator, collector)
    simulator.set_tenant("*", token_life=3599, revoke=True)
    simulator.add_alerts(1, 3)
    relay.run_once()
    check(simulator, collector)


@pytest.mark.parametrize(
    "order,word",
    [
        ({"kind": "403"}, "permission"),
        ({"kind": "403-not-provisioned"}, "provisioned"),
        ({"kind": "401"}, "401"),
        ({"kind": "404"}, "404"),
        ({"kind": "400"}, "400"),
        ({"kind": "login-401", "code": 7000215}, "AADSTS7000215"),
        ({"kind": "login-400", "code": 90002}, "AADSTS90002"),
        ({"kind": "login-401", "code": 7000222}, "AADSTS7000222"),
        ({"kind": "login-400", "code": 700016}, "AADSTS700016"),
        ({"kind": "login-403", "code": 53003}, "AADSTS53003"),
    ],
    ids=lambda v: v if isinstance(v, str) else v["kind"],
)
def test_what_an_operator_must_mend_is_named_and_the_others_are_complete(line, order, word):
    simulator, collector, relay = line()
    simulator.fault(**order, tenant=1, count=-1)
    begin = time.monotonic()
    result = relay.run_once(status=1)
    assert time.monotonic() - begin < 30
    lines = [l for l in result.stderr.splitlines() if "not complete" in l]
    assert len(lines) == 1 and "tenant=customer1" in lines[0] and word in lines[0], result.stderr
    check(simulator, collector, [2])
    simulator.clear_faults()
    relay.run_once()
    check(simulator, collector)


@pytest.mark.parametrize("setting,word", [({"consent": False}, "7000229"), ({"roles": False}, "")])
def test_missing_consent_and_missing_roles_are_named(line, setting, word):
    simulator, collector, relay = line()
    simulator.set_tenant(1, **setting)
    result = relay.run_once("--give-up", "5s", status=1)
    lines = [l for l in result.stderr.splitlines() if "not complete" in l]
    assert len(lines) == 1 and "tenant=customer1" in lines[0] and word in lines[0], result.stderr
    check(simulator, collector, [2])


@pytest.mark.parametrize(
    "kind",
    ["login-429", "login-500", "login-503", "login-html", "login-slow"],
)
def test_a_login_that_fails_once_is_tried_again(line, kind):
    simulator, collector, relay = line()
    simulator.fault(kind, tenant=1, count=1, retry_after="1", delay_ms=300)
    relay.start()
    relay.complete(simulator, collector.lines, seconds=60).check()
    assert relay.stop() == 0


@pytest.mark.parametrize("kind", ["login-broken-json", "login-no-token", "login-wrong-tenant"])
def test_an_answer_of_login_that_is_no_token_is_named(line, kind):
    simulator, collector, relay = line()
    simulator.fault(kind, tenant=1, count=1)
    result = relay.run_once("--give-up", "3s", status=1)
    assert "tenant=customer1" in result.stderr and "sign in" in result.stderr
    check(simulator, collector, [2])
    relay.run_once()
    check(simulator, collector)


@pytest.mark.slow
def test_a_daemon_recovers_by_itself_when_the_operator_has_mended_it(line):
    simulator, collector, relay = line()
    simulator.set_tenant(1, consent=False)
    relay.start()
    wait_until(lambda: "7000229" in relay.log(), "the missing consent is logged")
    simulator.set_tenant(1, consent=True)
    relay.complete(simulator, collector.lines, seconds=90).check()
    assert relay.log().count("7000229") <= 2
    assert "works again" in relay.log()
    assert relay.stop() == 0


def test_a_wrong_secret_and_an_unknown_tenant_are_named_and_the_others_complete(
    simulators, collectors, relays
):
    simulator = simulators(tenants=2, alerts=40)
    collector = collectors("tcp")
    relay = relays(simulator, tenants=2)
    relay.add_tenants(1, first=7)  # the vendor does not know it
    wrong = relay.directory / "wrong.secret"
    wrong.write_text("not-the-secret\n")
    wrong.chmod(0o600)
    relay.config["tenants"]["customer2"].update(
        client_id="22222222-2222-4222-8222-222222222222", client_secret_file=str(wrong)
    )
    relay.add_collector(collector)
    relay.add_feed("soc", look_back="48h")
    result = relay.run_once(status=1)
    lines = [l for l in result.stderr.splitlines() if "not complete" in l]
    assert len(lines) == 2, result.stderr
    assert any("tenant=customer2" in l and "AADSTS7000215" in l for l in lines), lines
    assert any("tenant=customer7" in l and "AADSTS90002" in l for l in lines), lines
    assert "not-the-secret" not in result.stderr
    check(simulator, collector, [1])


def test_a_slow_answer_holds_up_no_other_tenant(line):
    simulator, collector, relay = line()
    simulator.fault("delay", tenant=1, count=-1, delay_ms=20000)
    relay.start()
    relay.complete(simulator, lambda: [l for l in collector.lines() if b" customer2 " in l], [2])
    assert not [l for l in collector.lines() if b" customer1 " in l]
    assert relay.stop(timeout=15) == 0
