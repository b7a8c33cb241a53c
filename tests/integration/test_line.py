"""The whole line: vendor to collector, every way to write and to send."""

import subprocess

import pytest

from received import compare, read_all, read_frames
from relay import wait_until

WAYS = [
    ("tls", "octet", "rfc5424", "cef"),
    ("tls", "octet", "rfc5424", "rfc5424-json"),
    ("tcp", "lf", "rfc5424", "cef"),
    ("tcp", "octet", "rfc5424", "rfc5424-json"),
    ("tcp", "lf", "rfc3164", "cef"),
    ("tcp", "lf", "rfc3164", "rfc5424-json"),
    ("tls", "lf", "rfc5424", "cef"),
    ("tls", "octet", "rfc5424", "leef"),
    ("tcp", "lf", "rfc3164", "leef"),
    ("tcp", "lf", "rfc5424", "json"),
    ("tls", "octet", "rfc5424", "ecs"),
    ("tcp", "lf", "rfc3164", "ocsf"),
]


@pytest.mark.parametrize("transport,framing,header,format", WAYS)
def test_every_alert_arrives_once_and_names_its_customer(
    simulators, collectors, relays, transport, framing, header, format
):
    tenants = 20
    simulator = simulators(tenants=tenants, alerts=400)
    collector = collectors(transport)
    relay = relays(simulator, tenants=tenants)
    relay.add_collector(collector, format=format, framing=framing, header=header)
    relay.add_feed("soc", look_back="48h")
    relay.run_once()
    messages = read_all(collector.lines(), header=header, plain=format == "json")
    compare(simulator, messages).check()
    for message in messages:
        number = int(message.customer.removeprefix("customer"))
        assert message.format == format
        assert message.host == message.customer and message.facility == 16
        assert message.app == "alertrelay"
        assert message.tenant == relay.tenant_id(number)
        if format == "cef":
            assert message.fields["AlertrelayCustomerName"] == f"Customer {number} \u00dc|=\\"
        elif format == "ecs":
            assert message.fields["organization"]["name"] == f"Customer {number} \u00dc|=\\"
        elif format == "ocsf":
            assert message.fields["cloud"]["org"]["name"] == f"Customer {number} \u00dc|=\\"
        else:
            assert message.fields["customerName"] == f"Customer {number} \u00dc|=\\"
        if format in ("json", "rfc5424-json"):
            assert message.fields["alert"]["id"] == message.alert

    relay.run_once()
    assert len(collector.lines()) == len(messages), "a second run must send nothing twice"


def test_file_and_stdout_get_every_alert_once(simulators, relays, tmp_path):
    simulator = simulators(tenants=3, alerts=90)
    relay = relays(simulator, tenants=3)
    archive = tmp_path / "archive.log"
    relay.add_destination("archive", transport="file", path=str(archive), max_message_bytes="64K")
    relay.add_destination(
        "out", transport="stdout", format="rfc5424-json", max_message_bytes="64K"
    )
    relay.add_feed("archive", look_back="48h")
    relay.add_feed("out", look_back="48h")
    result = relay.run_once()
    in_file = archive.read_bytes().split(b"\n")
    assert in_file.pop() == b""
    compare(simulator, read_all(in_file)).check()
    out = result.stdout.encode().split(b"\n")
    assert out.pop() == b""
    compare(simulator, read_all(out)).check()
    assert relay.run_once().stdout == ""
    assert len(archive.read_bytes().split(b"\n")) == 91


def test_octet_frames_in_a_file_are_counted_right(simulators, relays, tmp_path):
    simulator = simulators(tenants=1, alerts=50)
    relay = relays(simulator, tenants=1)
    archive = tmp_path / "archive"
    relay.add_destination(
        "archive", transport="file", path=str(archive), framing="octet", max_message_bytes="64K"
    )
    relay.add_feed("archive", look_back="48h")
    relay.run_once()
    compare(simulator, read_all(read_frames(archive.read_bytes()))).check()


def test_a_feed_with_two_destinations_sends_to_both(simulators, collectors, relays):
    simulator = simulators(tenants=2, alerts=60)
    first, second = collectors("tls"), collectors("tcp")
    relay = relays(simulator, tenants=2)
    relay.add_collector(first, "first")
    relay.add_collector(second, "second", format="rfc5424-json")
    relay.add_feed("first", "second", look_back="48h")
    relay.run_once()
    for collector in (first, second):
        compare(simulator, read_all(collector.lines())).check()


@pytest.mark.parametrize("format", ["cef", "rfc5424-json"])
def test_an_update_that_matters_is_sent_again_and_another_is_not(connected, format):
    simulator, collector, relay = connected(
        "tcp", tenants=1, alerts=5, destination={"format": format}
    )
    relay.run_once()
    ids = [a["id"] for a in simulator.versions(1)]
    changes = [
        {"status": "resolved"},
        {"severity": "high"},
        {"classification": "truePositive"},
        {"determination": "malware"},
        {"assignedTo": "analyst@soc.example"},
    ]
    for number, change in enumerate(changes, 1):
        before = {m.alert: m for m in read_all(collector.lines())}[ids[0]]
        simulator.update(1, n=1, **change)
        simulator.update(1, n=2)  # a new time, and nothing else
        relay.run_once()
        messages = read_all(collector.lines())
        assert len(messages) == 5 + number, change
        assert messages[-1].alert == ids[0] and messages[-1].version != before.version
    compare(simulator, messages).check()


@pytest.mark.parametrize("policy,count", [("first", 5), ("every", 7)])
def test_the_update_policy_decides_what_is_sent_again(connected, policy, count):
    simulator, collector, relay = connected("tcp", tenants=1, alerts=5, update_policy=policy)
    relay.run_once()
    simulator.update(1, n=1, status="resolved")
    simulator.update(1, n=2)
    relay.run_once()
    relay.run_once()
    assert len(read_all(collector.lines())) == count


def test_a_daemon_sends_new_alerts_within_its_poll(connected):
    simulator, collector, relay = connected("tls", tenants=3, alerts=30, poll="1s")
    relay.start()
    relay.complete(simulator, collector.lines).check()
    for tenant in (1, 2, 3):
        simulator.add_alerts(tenant, 4)
    simulator.update(2, n=1, status="resolved")
    relay.complete(simulator, collector.lines, seconds=30).check()
    assert relay.stop() == 0, relay.log()
    assert "unconfirmed=0" in relay.log()


def test_the_samples_of_the_vendor_arrive(simulators, collectors, relays):
    simulator = simulators(tenants=1, alerts=0)
    simulator.add_samples(1, now=True)
    for format in ("cef", "leef", "rfc5424-json", "ecs", "ocsf"):
        collector = collectors("tcp")
        relay = relays(simulator, tenants=1)
        relay.add_collector(collector, format=format)
        relay.add_feed("soc")
        relay.run_once()
        compare(simulator, read_all(collector.lines())).check()


@pytest.mark.parametrize("size", [2048, 8192])
def test_no_message_is_larger_than_allowed_and_none_is_lost(simulators, collectors, relays, size):
    simulator = simulators(tenants=2, alerts=200)
    relay = relays(simulator, tenants=2)
    collected = []
    for format in ("cef", "leef", "rfc5424-json", "ecs", "ocsf"):
        collector = collectors("tcp")
        relay.add_collector(collector, format, format=format, max_message_bytes=size)
        relay.add_feed(format, look_back="48h")
        collected.append(collector)
    relay.run_once()
    for collector in collected:
        lines = collector.lines()
        assert max(map(len, lines)) <= size
        compare(simulator, read_all(lines)).check()


def test_many_tenants_of_one_process_are_complete(simulators, collectors, relays):
    tenants = 300
    simulator = simulators(tenants=tenants, alerts=900)
    collector = collectors("tls")
    relay = relays(simulator, tenants=tenants)
    relay.add_collector(collector)
    relay.add_feed("soc", look_back="48h")
    relay.run_once()
    compare(simulator, read_all(collector.lines())).check()
