"""Every format through real collectors: what arrives is, octet for octet, what was to be sent."""

import re

import pytest

from rsyslog import Rsyslog
from sending import Sending, all_alerts, body_of, known, without_process
from syslog_ng import SyslogNg

BIG = "1M"


def pytest_generate_tests(metafunc):
    if "format" in metafunc.fixturenames:
        metafunc.parametrize("format", known("--format"))


@pytest.fixture(scope="module")
def alerts(tmp_path_factory):
    return all_alerts(tmp_path_factory.mktemp("alerts"))


@pytest.fixture(scope="module")
def started_once(tmp_path_factory, authority, good_pair):
    """started_once(Rsyslog, "tls", ...): one for all tests of this file that want the same."""
    running = {}

    def start(kind, transport, *arguments, **options):
        key = (kind, transport, arguments, tuple(sorted(options.items())))
        if key not in running:
            tls = {"pair": good_pair, "authority": authority.cert} if transport == "tls" else {}
            directory = tmp_path_factory.mktemp("collector")
            running[key] = kind(directory, *arguments, **tls, **options).start()
        return running[key]

    yield start
    for collector in running.values():
        collector.kill()
        collector.held.stop()


def check(sending, alerts, *files):
    answer, count = alerts
    expected = [without_process(message) for message in sending.messages(answer)]
    assert len(expected) == count
    arrived = [without_process(message) for message in sending.send(answer, count, *files)]
    assert arrived == expected
    return arrived


@pytest.mark.parametrize("header", ["rfc5424", "rfc3164"])
@pytest.mark.parametrize("framing", ["lf", "octet"])
@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_rsyslog(started_once, alerts, tmp_path, transport, framing, header, format):
    collector = started_once(Rsyslog, transport)
    sending = Sending(
        tmp_path, collector, format=format, framing=framing, header=header, max_message_bytes=BIG
    )
    check(sending, alerts, collector.lines)


@pytest.mark.parametrize("transport", ["tcp", "tls"])
@pytest.mark.parametrize("driver,framing", [("network", "lf"), ("syslog", "octet")])
def test_syslog_ng(started_once, alerts, tmp_path, driver, framing, transport, format):
    flags = "syslog-protocol" if driver == "network" else ""
    collector = started_once(SyslogNg, transport, driver, size=1048576, flags=flags)
    sending = Sending(
        tmp_path, collector, format=format, framing=framing, max_message_bytes=BIG
    )
    arrived = check(sending, alerts, collector.lines, collector.parsed)
    for message, parsed in zip(arrived, collector.parsed()[-len(arrived) :]):
        assert parsed["MESSAGE"].encode() == body_of(message)
        assert parsed["HOST"] == "customer1" and parsed["PROGRAM"] == "alertrelay"
        assert parsed["MSGID"] == "alert"


def test_syslog_ng_reads_the_older_header(started_once, alerts, tmp_path, format):
    collector = started_once(SyslogNg, "tcp", "network", size=1048576)
    sending = Sending(tmp_path, collector, format=format, header="rfc3164", max_message_bytes=BIG)
    arrived = check(sending, alerts, collector.lines, collector.parsed)
    for message, parsed in zip(arrived, collector.parsed()[-len(arrived) :]):
        assert parsed["MESSAGE"].encode() == body_of(message)
        assert parsed["HOST"] == "customer1" and parsed["PROGRAM"] == "alertrelay"


# Sizes.


@pytest.mark.parametrize("framing", ["lf", "octet"])
def test_what_rsyslog_takes_by_default_is_not_split(started_once, alerts, tmp_path, framing, format):
    collector = started_once(Rsyslog, "tcp", size=None, escape=True)
    sending = Sending(tmp_path, collector, format=format, framing=framing)
    assert max(map(len, check(sending, alerts, collector.lines))) <= 8096


def test_a_larger_message_is_split_by_rsyslog_until_its_limit_is_raised(
    started_once, alerts, tmp_path
):
    """Why max_message_bytes is 8096, and what the manual says to do about it."""
    answer, count = alerts
    options = {"format": "rfc5424-json", "max_message_bytes": "64K"}
    usual = started_once(Rsyslog, "tcp", size=None, escape=True, head="# of its own: rests come late")
    sending = Sending(tmp_path / "usual", usual, **options)
    large = [message for message in sending.messages(answer) if len(message) > 8096]
    assert large
    arrived = sending.send(answer, count + len(large), usual.lines)
    assert len(arrived) > count
    raised = started_once(Rsyslog, "tcp", size="64k", escape=True)
    check(Sending(tmp_path / "raised", raised, **options), alerts, raised.lines)


@pytest.mark.parametrize("driver,framing", [("network", "lf"), ("syslog", "octet")])
def test_what_syslog_ng_takes_by_default_is_whole(
    started_once, alerts, tmp_path, driver, framing, format
):
    flags = "syslog-protocol" if driver == "network" else ""
    collector = started_once(SyslogNg, "tcp", driver, flags=flags)
    sending = Sending(tmp_path, collector, format=format, framing=framing, max_message_bytes="64K")
    check(sending, alerts, collector.lines)


# A relay on the way.

RELAY = """
template(name="newer" type="string" string="<%PRI%>1 %TIMESTAMP:::date-rfc3339% %HOSTNAME% %APP-NAME% %PROCID% %MSGID% %STRUCTURED-DATA% %msg%\\n")
template(name="older" type="string" string="<%PRI%>%TIMESTAMP% %HOSTNAME% %syslogtag%%msg:::sp-if-no-1st-sp%%msg%\\n")
"""
RELAY_ACTIONS = """
	action(type="omfile" file="{directory}/newer.log" template="newer")
	action(type="omfile" file="{directory}/older.log" template="older")
"""


@pytest.fixture(scope="module")
def relaying(tmp_path_factory):
    directory = tmp_path_factory.mktemp("relaying")
    # As rsyslog's own RSYSLOG_SyslogProtocol23Format and RSYSLOG_TraditionalForwardFormat.
    actions = RELAY_ACTIONS.format(directory=directory)
    with Rsyslog(directory, size="1m", escape=True, head=RELAY, actions=actions) as collector:
        yield collector


def relayed(collector):
    return [lambda: collector.lines("newer.log"), lambda: collector.lines("older.log")]


@pytest.mark.parametrize("header", ["rfc5424", "rfc3164"])
def test_a_relay_of_rsyslog_hands_on_the_whole_body(relaying, alerts, tmp_path, header, format):
    """With a tag, or the newer header, and no TAB in it: then no template of rsyslog tears it."""
    answer, count = alerts
    sending = Sending(tmp_path, relaying, format=format, header=header, max_message_bytes=BIG)
    bodies = [body_of(message) for message in sending.messages(answer)]
    sending.send(answer, count, relaying.lines, *relayed(relaying))
    for name in ("newer.log", "older.log"):
        for line, body in zip(relaying.lines(name)[-count:], bodies, strict=True):
            assert line.endswith(b" " + body)
            assert b" customer1 alertrelay" in line


def test_a_relay_of_rsyslog_tears_what_has_no_tag(relaying, alerts, tmp_path):
    """Why the preset refuses it."""
    answer, count = alerts
    sending = Sending(tmp_path, relaying, header="rfc3164", tag=False, max_message_bytes=BIG)
    sending.send(answer, count, relaying.lines, *relayed(relaying))
    assert all(b" CEF: 0|" in line for line in relaying.lines("older.log")[-count:])
    assert all(re.search(rb" CEF - - -\s+0\|", line) for line in relaying.lines("newer.log")[-count:])


# TAB, which LEEF 1.0 has between attributes.


def tabbed(directory, collector):
    options = {"format": "leef", "format_options": {"version": "1.0"}, "max_message_bytes": "64K"}
    return Sending(directory, collector, **options)


def test_leef_with_tab_arrives_where_rsyslog_is_told_to_leave_it(started_once, alerts, tmp_path):
    head = 'global(parser.escapeControlCharacterTab="off")'
    collector = started_once(Rsyslog, "tcp", size="64k", escape=True, head=head)
    arrived = check(tabbed(tmp_path, collector), alerts, collector.lines)
    assert all(b"\t" in line for line in arrived)


def test_leef_with_tab_is_torn_by_rsyslog_otherwise(started_once, alerts, tmp_path):
    """Why the preset rsyslog warns of it."""
    answer, count = alerts
    collector = started_once(Rsyslog, "tcp", size="64k", escape=True)
    arrived = tabbed(tmp_path, collector).send(answer, count, collector.lines)
    assert all(b"\t" not in line and b"#011" in line for line in arrived)


def test_leef_with_tab_through_syslog_ng(started_once, alerts, tmp_path):
    collector = started_once(SyslogNg, "tcp", "network", flags="syslog-protocol")
    check(tabbed(tmp_path, collector), alerts, collector.lines)
