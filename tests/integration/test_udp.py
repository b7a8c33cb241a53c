"""Datagrams: nothing is lost to a backlog, and what a collector that is away refuses goes again."""

from relay import wait_until
from syslog_ng import SyslogNg


def test_a_backlog_arrives_whole(connected):
    simulator, collector, relay = connected("udp", tenants=4, alerts=2000, poll="1s")
    relay.start()
    relay.complete(simulator, collector.lines).check()
    assert len(collector.lines()) == 2000
    assert relay.stop() == 0, relay.log()
    assert "warning" not in relay.log()


def test_messages_fit_into_one_packet_unless_said_otherwise(simulators, collectors, relays):
    simulator = simulators(tenants=1, alerts=50)
    collector = collectors("udp")
    relay = relays(simulator, tenants=1)
    relay.add_destination("soc", transport="udp", address=collector.address, format="cef")
    relay.add_feed("soc", look_back="48h")
    relay.run_once()
    lines = collector.lines()
    assert len(lines) == 50
    assert 1200 < max(map(len, lines)) <= 1452


def test_a_collector_that_was_away_gets_what_it_refused(connected):
    simulator, collector, relay = connected("udp", tenants=2, alerts=50, poll="1s")
    relay.start()
    relay.complete(simulator, collector.lines).check()
    for round in range(1, 3):
        collector.kill()
        simulator.add_alerts(1, 30)
        wait_until(lambda: relay.log().count("no collector listens there") == round, "the refusal is logged")
        collector.start()
        relay.complete(simulator, collector.lines).check()
        wait_until(lambda: relay.log().count("takes alerts again") == round, "the recovery is logged")
    assert relay.stop() == 0
    assert relay.log().count("no collector listens there") == 2


def test_syslog_ng_takes_each_datagram_as_a_message(simulators, relays, started, tmp_path):
    simulator = simulators(tenants=2, alerts=100)
    collector = SyslogNg(tmp_path / "syslog-ng", "network", flags="syslog-protocol", udp=True)
    started(collector.held)
    started(collector).start()
    relay = relays(simulator, tenants=2)
    relay.add_collector(collector)
    relay.add_feed("soc", poll="1s", look_back="48h")
    relay.start()
    relay.complete(simulator, collector.lines).check()
    assert relay.stop() == 0
    parsed = collector.parsed()
    assert {message["PROGRAM"] for message in parsed} == {"alertrelay"}
    assert {message["HOST"] for message in parsed} == {"customer1", "customer2"}
