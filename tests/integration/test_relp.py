"""RELP: rsyslog's imrelp, and a server that refuses, hangs, answers late, talks nonsense, or goes."""

import collections
import itertools
import random
import threading
import time

import pytest

from received import compare, read_all
from relay import wait_until
from relp_server import OFFERS, Broken, RelpServer, rsp

SEED = 20240302


@pytest.fixture
def served(simulators, relays, started):
    """served(take=..., tenants=2, alerts=40, destination={...}): simulator, server, relay."""

    def make(tenants=2, alerts=40, destination=None, **options):
        simulator = simulators(tenants=tenants, alerts=alerts)
        server = started(RelpServer(**options)).start()
        relay = relays(simulator, tenants=tenants)
        defaults = {"transport": "relp", "address": server.address, "settle": "200ms"}
        defaults["max_message_bytes"] = "64K"
        relay.add_destination("soc", **{**defaults, **(destination or {})})
        relay.add_feed("soc", poll="1s", look_back="48h")
        return simulator, server, relay

    return make


def ends_in_order(relay, server):
    assert relay.stop() == 0, relay.log()
    wait_until(lambda: server.sessions[-1].over, "the session is over")
    assert server.sessions[-1].closed
    assert not server.wrong, server.wrong


@pytest.mark.parametrize("driver", [None, "ossl", "gtls"])
def test_rsyslog_takes_everything_once(simulators, collectors, relays, good_pair, authority, driver):
    """With GnuTLS imrelp wants a certificate of its client."""
    simulator = simulators(tenants=3, alerts=600)
    options = {"driver": driver} if driver else {}
    if driver == "gtls":
        options["ca"] = authority.cert
    collector = collectors("relp+tls" if driver else "relp", **options)
    relay = relays(simulator, tenants=3)
    destination = relay.add_collector(collector)
    if driver == "gtls":
        destination.update(cert_file=str(good_pair.cert), key_file=str(good_pair.key))
    relay.add_feed("soc", poll="1s", look_back="48h", page_size=50)
    relay.start()
    relay.complete(simulator, collector.lines).check()
    simulator.add_alerts(1, 1)
    relay.complete(simulator, collector.lines).check()
    assert relay.stop() == 0
    # It has nothing to complain of: close was sent, and its answer was waited for.
    collector.stop()
    assert "error" not in collector.log(), collector.log()


def test_repeats_are_only_what_was_not_confirmed(served):
    """The collector dies again and again; what was answered longer ago than settle does not come again."""
    settle, slack = 0.3, 1.0
    moments, pause = random.Random(SEED), threading.Event()
    lives = {}

    def take(session, place):
        pause.wait(0.004)
        session.answer(place)
        life = lives.setdefault(session, time.monotonic() + 0.2 + 2.5 * moments.random())
        if time.monotonic() > life and len(server.sessions) < 8:
            raise Broken(reset=True)

    simulator, server, relay = served(
        tenants=2, alerts=2000, take=take, destination={"settle": "300ms", "relp_window": 16}
    )
    relay.start()
    result = relay.complete(simulator, server.accepted)
    assert not result.unexpected and not server.wrong
    assert len(server.sessions) > 4
    confirmed = 0
    for number, session in enumerate(server.sessions[:-1]):
        later = collections.Counter(
            message for other in server.sessions[number + 1 :] for message in other.messages
        )
        for message, at in zip(session.messages, session.answered):
            if at is not None and session.over_at - at > settle + slack:
                assert message not in later
                confirmed += 1
        # No more than the window goes without an answer.
        assert session.unanswered_most <= 16
    assert confirmed > 20
    assert relay.stop() == 0


@pytest.mark.parametrize("drip", [False, True])
def test_the_window_is_kept_with_a_slow_server(served, drip):
    """It answers when nothing more comes, so all that the client dares to send has come."""

    def idle(session):
        for place, at in enumerate(session.answered):
            if at is None:
                session.answer(place)

    simulator, server, relay = served(
        tenants=1, alerts=60, take=lambda *_: None, idle=idle, drip=drip, destination={"relp_window": 7}
    )
    relay.start()
    relay.complete(simulator, server.accepted).check()
    assert server.sessions[0].unanswered_most == 7
    assert len(server.sessions) == 1
    ends_in_order(relay, server)


def test_answers_in_any_order(served):
    def idle(session):
        for place in reversed(range(len(session.answered))):
            if session.answered[place] is None:
                session.answer(place)

    simulator, server, relay = served(
        tenants=2, alerts=120, take=lambda *_: None, idle=idle, destination={"relp_window": 16}
    )
    relay.start()
    relay.complete(simulator, server.accepted).check()
    ends_in_order(relay, server)


def test_a_refused_message_is_not_lost_and_not_sent_in_a_hurry(served):
    """One message is answered with 500 until it has come alone some times. What is before it is
    delivered and does not come again and again; what is behind it waits."""
    refused, alone = [], []

    def take(session, place):
        message = session.messages[place]
        if not refused and len(session.messages) == 20:
            refused.append(message)
        if refused and message == refused[0] and len(alone) < 5:
            if place == 0:
                alone.append(time.monotonic())
            session.answer(place, b"500 no room\x07for it")
            session.answered[place] = None
        else:
            session.answer(place)

    simulator, server, relay = served(tenants=1, alerts=60, take=take)
    relay.start()
    result = relay.complete(simulator, server.accepted)
    assert not result.unexpected and not server.wrong
    log = relay.log()
    assert 'refuses a message: \\"500 no room?for it\\"; it stays unconfirmed' in log, log
    # Between two tries are 250 ms, doubled each time, of which jitter leaves a tenth at least.
    assert alone[-1] - alone[0] > 0.025 + 0.05 + 0.1 + 0.2
    copies = collections.Counter(server.lines())
    del copies[refused[0]]
    assert max(copies.values()) <= 6, copies.most_common(3)
    assert all(session.messages == refused for session in server.sessions[-5:-2])
    assert relay.stop() == 0


def test_answers_that_never_come(served):
    """Then the connection is given up, and each new one is tried with a single message."""
    answers = threading.Event()

    def take(session, place):
        if answers.is_set():
            session.answer(place)

    simulator, server, relay = served(
        tenants=1, alerts=50, take=take, destination={"relp_timeout": "1s", "relp_window": 10}
    )
    relay.start()
    wait_until(lambda: len(server.sessions) >= 3, "a third try")
    assert "answered no message for 1000 ms (relp_timeout)" in relay.log()
    assert len(server.sessions[0].messages) == 10
    wait_until(lambda: server.sessions[2].messages, "it is sent again")
    for session in server.sessions[1:]:
        assert session.messages == server.sessions[0].messages[:1]
    answers.set()
    result = relay.complete(simulator, server.accepted)
    assert not result.unexpected
    ends_in_order(relay, server)


def test_a_server_that_never_answers_open(served, started):
    """As a listener that is none of RELP: the next address is tried."""
    silent = started(RelpServer(offers=None)).start()
    simulator, server, relay = served(alerts=30)
    destination = relay.config["destinations"]["soc"]
    destination.update(address=[silent.address, server.address], connect_timeout="500ms")
    relay.start()
    relay.complete(simulator, server.lines).check()
    assert "opened no session within 500 ms: is it a listener for relp?" in relay.log()
    assert not silent.lines()
    ends_in_order(relay, server)


@pytest.mark.parametrize(
    "offers,reason",
    [
        (b"500 required command not supported", "refuses the session"),
        (b"", "refuses the session"),
        (b"200 OK\ncommands=syslog\n", "has no relp_version"),
        (b"200 OK\nrelp_version=3\ncommands=syslog\n", "0 and 1 are known"),
        (b"200 OK\nrelp_version=0\n", "does not offer the command syslog"),
    ],
)
def test_sessions_that_are_not_accepted(served, offers, reason):
    simulator, server, relay = served(alerts=20, offers=offers)
    relay.start()
    wait_until(lambda: reason in relay.log(), reason)
    assert not server.lines()
    server.offers = OFFERS
    relay.complete(simulator, server.lines).check()
    assert relay.log().count(reason) == 1
    ends_in_order(relay, server)


@pytest.mark.parametrize(
    "octets,reason",
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak RELP"),
        (b"\0" * 5000, "does not speak RELP"),
        (b"9" * 100000, "does not speak RELP"),
        (b"2 rsp 999999999 200 OK", "at most 4096 are taken"),
        (rsp(3) + rsp(3), "which waits for no answer|twice"),
        (rsp(777), "which waits for no answer"),
        (b"2 syslog 2 hi\n", "only a client may"),
        (rsp(2, b"") + b"x", "does not begin with a code"),
        (b"0 serverclose 0\n", "ends the session"),
    ],
)
def test_nonsense_ends_the_session_and_loses_nothing(served, octets, reason):
    talked = []

    def take(session, place):
        if not talked:
            talked.append(session)
            session.send(octets)
        elif session is not talked[0]:
            session.answer(place)

    simulator, server, relay = served(alerts=30, take=take)
    relay.start()
    result = relay.complete(simulator, server.accepted)
    assert not result.unexpected
    assert any(part in relay.log() for part in reason.split("|")), relay.log()
    ends_in_order(relay, server)


def test_a_server_that_ends_the_session_when_it_restarts(served):
    """As librelp does: a hint, then FIN. It is connected again at once."""
    counts = itertools.count(1)

    def take(session, place):
        session.answer(place)
        if next(counts) % 25 == 0:
            session.send(b"0 serverclose 0\n")
            raise Broken

    simulator, server, relay = served(tenants=1, alerts=100, take=take)
    relay.start()
    result = relay.complete(simulator, server.accepted)
    assert not result.unexpected
    assert "ends the session (serverclose)" in relay.log()
    assert relay.stop() == 0


def test_a_server_that_dies_at_one_message(served):
    """No answer, the connection just ends: the same message is not told, and found all the same."""
    deaths = []

    def take(session, place):
        if len(deaths) < 3 and (session.messages[place] in deaths or (not deaths and place == 30)):
            deaths.append(session.messages[place])
            raise Broken(reset=True)
        session.answer(place)

    simulator, server, relay = served(tenants=1, alerts=60, take=take)
    relay.start()
    result = relay.complete(simulator, server.accepted)
    assert not result.unexpected
    copies = collections.Counter(server.lines())
    del copies[deaths[0]]
    assert len(deaths) == 3 and max(copies.values()) <= 6
    ends_in_order(relay, server)


def test_what_the_server_confirms_is_what_the_state_says(served):
    """Nothing counts before its answer and the settle time."""
    answers = threading.Event()

    def take(session, place):
        if answers.is_set():
            session.answer(place)

    def idle(session):
        if answers.is_set():
            for place, at in enumerate(session.answered):
                if at is None:
                    session.answer(place)

    simulator, server, relay = served(tenants=1, alerts=20, take=take, idle=idle)
    relay.start()
    wait_until(lambda: len(server.lines()) == 20, "all were sent")
    assert relay.stop() == 0
    assert "unconfirmed=20" in relay.log(), relay.log()
    assert not server.sessions[0].closed  # messages were under way
    answers.set()
    relay.run_once()
    assert compare(simulator, read_all(server.accepted())).check().received == 20
    assert not server.wrong
    have = len(server.lines())
    relay.run_once()
    assert len(server.lines()) == have


def test_the_return_to_the_first_address_repeats_nothing(served, started):
    """The session with the second is closed in order before messages go to the first again."""
    simulator, first, relay = served(alerts=60)
    second = started(RelpServer()).start()
    destination = relay.config["destinations"]["soc"]
    destination["address"] = [first.address, second.address]
    first.deaf()
    relay.start()
    relay.complete(simulator, second.lines).check()
    first.start()
    wait_until(lambda: "an earlier address of a destination works again" in relay.log(), "it is back")
    simulator.add_alerts(1, 20)
    relay.complete(simulator, lambda: second.lines() + first.lines()).check()
    assert len(first.lines()) >= 20 and len(second.lines()) == 60
    assert second.sessions[-1].closed and not second.wrong
    ends_in_order(relay, first)


def test_connections_share_the_customers(served):
    simulator, server, relay = served(tenants=8, alerts=40, destination={"connections": 3})
    relay.start()
    relay.complete(simulator, server.lines).check()
    used = [session for session in server.sessions if session.messages]
    assert len(used) > 1
    customers = [{m.customer for m in read_all(session.messages)} for session in used]
    assert sum(map(len, customers)) == len(set.union(*customers)) == 8
    ends_in_order(relay, server)
