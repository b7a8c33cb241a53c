"""Presets: what each sends, and what real parsers make of it.

Debian has parsers for some: liblognorm's for CEF and libfastjson's for JSON in rsyslog, those of
syslog-ng. What the others take is written down here as a header, and read strictly."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from received import read, read_all
from relay import PROGRAM
from rsyslog import Rsyslog
from sending import Sending, all_alerts, known, without_process
from syslog_ng import SyslogNg

PRESETS = (
    "sentinel splunk splunk-sc4s qradar arcsight elastic wazuh graylog secops logrhythm"
    " rsyslog syslog-ng"
).split()

NEWER = rb"<(\d+)>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z customer1 alertrelay \d+ alert - "
OLDER = rb"<(\d+)>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d customer1 "
# What stands before the body, the facility, what the body begins with, and the most octets.
WIRE = {
    "sentinel": (NEWER, 20, rb"CEF:0\|", 8096),
    "splunk": (NEWER, 16, rb"CEF:0\|", 8096),
    "splunk-sc4s": (NEWER, 16, rb"CEF:0\|", 8096),
    "qradar": (OLDER.replace(b"customer1", rb"[!-9;-~]+"), 16, rb"LEEF:2\.0\|", 4096),
    "arcsight": (OLDER, 16, rb"CEF:0\|", 8096),
    "elastic": (NEWER, 16, rb"CEF:0\|", 65536),
    "wazuh": (rb"()", None, rb"\{", 61440),
    "graylog": (OLDER, 16, rb"CEF:0\|", 65536),
    "secops": (NEWER, 16, rb"CEF:0\|", 65536),
    "logrhythm": (NEWER, 16, rb"CEF:0\|", 8000),
    "rsyslog": (NEWER, 16, rb"CEF:0\|", 8096),
    "syslog-ng": (NEWER, 16, rb"CEF:0\|", 65536),
}


@pytest.fixture(scope="module")
def alerts(tmp_path_factory):
    return all_alerts(tmp_path_factory.mktemp("alerts"))


def preview(*arguments, **options):
    return subprocess.run(
        [str(PROGRAM), "preview", *map(str, arguments)], capture_output=True, timeout=60, **options
    )


def test_every_preset_is_here():
    assert known("--preset") == PRESETS == list(WIRE)


@pytest.mark.parametrize("preset", PRESETS)
def test_each_sends_what_its_siem_takes(preset, alerts):
    answer, count = alerts
    header, facility, body, most = WIRE[preset]
    result = preview("--preset", preset, "--wire", "--tenant", "customer1", answer)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.split(b"\n")
    assert lines.pop() == b"" and len(lines) == count
    for line in lines:
        match = re.match(header + rb"(?=" + body + rb")", line)
        assert match, line
        assert len(line) <= most
        assert facility is None or int(match[1]) // 8 == facility


@pytest.mark.parametrize("preset", PRESETS)
def test_each_arrives_and_is_read_strictly(preset, alerts, collectors, tmp_path):
    answer, count = alerts
    collector = collectors("tcp")
    sending = Sending(tmp_path, collector, preset=preset)
    expected = [without_process(message) for message in sending.messages(answer)]
    arrived = sending.send(answer, count, collector.lines)
    assert [without_process(message) for message in arrived] == expected
    header = {NEWER: "rfc5424", OLDER: "rfc3164"}.get(
        WIRE[preset][0], "none" if preset == "wazuh" else "rfc3164"
    )
    for message in arrived:
        # The space for liblognorm is one that a strict reader need not take.
        message = re.sub(rb"(\|(?:10|\d)\|) (?=rt=)", rb"\1", message, count=1)
        assert read(message, header=header, tag=None).customer == "customer1"


# preview --preset.


def test_preview_shows_what_a_destination_with_the_preset_gets(alerts, tmp_path, collectors):
    answer, _ = alerts
    collector = collectors("tcp", start=False)
    for preset in PRESETS:
        sending = Sending(tmp_path / preset, collector, preset=preset)
        alone = preview(
            *["--preset", preset, "-c", sending.config, "--tenant", "customer1", answer],
            env={"NO_SECRET_IS_NEEDED": "none"},
        )
        assert alone.returncode == 0, alone.stderr
        assert alone.stdout == sending.run("preview", answer)


def test_formats_lists_what_each_sets():
    shown = subprocess.run([str(PROGRAM), "formats"], capture_output=True, text=True, timeout=60)
    assert shown.returncode == 0, shown.stderr
    presets = shown.stdout.split("\npresets, ")[1]
    assert re.findall(r"(?m)^(\S+) \(.*\)$", presets) == PRESETS
    words = " ".join(presets.split())
    assert "rsyslog (rsyslog, as a relay or with mmnormalize) format: cef, header: rfc5424" in words


def test_preview_takes_another_format_and_framing(alerts):
    answer, count = alerts
    result = preview("--preset", "rsyslog", "--format", "rfc5424-json", answer)
    bodies = result.stdout.splitlines()
    assert len(bodies) == count and all(body.startswith(b'{"relay":') for body in bodies)
    result = preview("--preset", "syslog-ng", "--wire", "--framing", "octet", answer)
    assert re.match(rb"\d+ <\d+>1 ", result.stdout)


def test_preview_says_what_cannot_be(tmp_path, collectors):
    sending = Sending(tmp_path, collectors("tcp", start=False))
    result = preview("--preset", "qradr")
    assert result.returncode == 2 and b"did you mean qradar?" in result.stderr
    result = preview("--preset", "qradar", "-c", sending.config, "--to", "soc")
    assert result.returncode == 2 and b"instead of --to" in result.stderr
    help = " ".join(preview("--help").stdout.decode().split())
    assert ", ".join(PRESETS) in help


# check.


def check(tmp_path, collectors, **options):
    sending = Sending(tmp_path, collectors("tcp", start=False), **options)
    return subprocess.run(
        [str(PROGRAM), "check", "-c", str(sending.config)],
        capture_output=True,
        text=True,
        timeout=60,
        env={"NO_SECRET_IS_NEEDED": "none"},
    )


def test_check_refuses_with_the_reason(tmp_path, collectors):
    result = check(tmp_path, collectors, preset="wazuh", framing="octet")
    assert result.returncode == 2
    assert re.search(r":\d+: preset wazuh: Wazuh reads lines, .* write framing: lf\n", result.stderr)


def test_check_warns_and_goes_on(tmp_path, collectors):
    result = check(tmp_path, collectors, preset="arcsight", header="rfc5424")
    assert result.returncode == 0 and ": good: " in result.stdout
    assert re.search(r":\d+: warning: preset arcsight: .*; write header: rfc3164\n", result.stderr)


# Severities.


def test_own_severities_reach_header_and_body(tmp_path, collectors, alerts):
    answer, _ = alerts
    options = {"severity": {"high": 10, "medium": 6}, "syslog_severity": {"high": "alert", "low": 7}}
    sending = Sending(tmp_path, collectors("tcp", start=False), max_message_bytes="1M", **options)
    usual = Sending(tmp_path / "usual", collectors("tcp", start=False), max_message_bytes="1M")
    seen = set()
    for own, before in zip(
        read_all(sending.messages(answer)), read_all(usual.messages(answer)), strict=True
    ):
        seen.add((before.severity, int(before.header[5]), own.severity, int(own.header[5])))
        assert own.fields == before.fields
    assert seen == {(3, 8, 1, 10), (4, 5, 4, 6), (5, 3, 7, 3), (6, 1, 6, 1), (5, 0, 5, 0)}


# Real parsers.

NORMALIZE = """
module(load="mmnormalize")
module(load="mmjsonparse")
template(name="tree" type="string" string="%$!%\\n")
"""
NORMALIZE_ACTIONS = """
	if $msg startswith "CEF:" then {{
		action(type="mmnormalize" rulebase="{directory}/cef.rb")
	}} else {{
		action(type="mmjsonparse" cookie="")
	}}
	action(type="omfile" file="{directory}/tree.log" template="tree")
"""


@pytest.fixture
def normalizer(tmp_path):
    """rsyslog with its default of escaping control characters, and a limit that lets all through."""
    directory = tmp_path / "normalizer"
    directory.mkdir()
    (directory / "cef.rb").write_text("version=2\nrule=:%cef:cef%\n")
    actions = NORMALIZE_ACTIONS.format(directory=directory)
    with Rsyslog(directory, size="1m", escape=True, head=NORMALIZE, actions=actions) as collector:
        yield collector


def trees(collector):
    return [json.loads(line) for line in collector.lines("tree.log")]


@pytest.mark.parametrize("preset", ["rsyslog", "sentinel", "splunk", "elastic", "secops"])
def test_liblognorm_reads_every_field_of_cef(preset, alerts, normalizer, tmp_path):
    """mmnormalize with a rule of one %cef:cef%; presets without the space lose a letter there."""
    answer, count = alerts
    sending = Sending(tmp_path, normalizer, preset=preset)
    sending.send(answer, count, lambda: normalizer.lines("tree.log"))
    for tree, line in zip(trees(normalizer), normalizer.lines(), strict=True):
        line = re.sub(rb"(\|(?:10|\d)\|) (?=rt=)", rb"\1", line, count=1)
        message, cef = read(line), tree["cef"]
        header = ("DeviceVendor", "DeviceProduct", "DeviceVersion", "SignatureID", "Name", "Severity")
        assert [cef[name] for name in header] == message.header
        fields = dict(message.fields)
        if preset != "rsyslog":
            first = next(iter(fields))
            fields = {first[1:]: fields.pop(first), **fields}
        assert cef["Extensions"] == fields


def test_libfastjson_reads_every_member(alerts, normalizer, tmp_path):
    answer, count = alerts
    sending = Sending(tmp_path, normalizer, preset="rsyslog", format="rfc5424-json", max_message_bytes="64K")
    sending.send(answer, count, lambda: normalizer.lines("tree.log"))
    for tree, line in zip(trees(normalizer), normalizer.lines(), strict=True):
        message = read(line)
        for name in ("relay", "customer", "customerName", "tenantId", "alertId", "version"):
            assert tree[name] == message.fields[name]
        assert tree["alert"].keys() == message.fields["alert"].keys()
        # A C string: libfastjson ends at a NUL what it hands on.
        title = message.fields["alert"].get("title")
        if isinstance(title, str):
            title = title.split("\0")[0]
        assert tree["alert"].get("title") == title


def test_libfastjson_finds_json_by_its_cookie(alerts, tmp_path):
    """mmjsonparse as it is, that is, with @cee: before the object; and syslog-ng with a marker."""
    answer, count = alerts
    options = {"format": "json", "format_options": {"cookie": "cee"}, "max_message_bytes": "64K"}
    head = NORMALIZE.replace('module(load="mmnormalize")', "")
    directory = tmp_path / "rsyslog"
    actions = f'''
        action(type="mmjsonparse")
        action(type="omfile" file="{directory}/tree.log" template="tree")'''
    with Rsyslog(directory, size="1m", escape=True, head=head, actions=actions) as collector:
        sending = Sending(tmp_path / "first", collector, preset="rsyslog", **options)
        sending.send(answer, count, lambda: collector.lines("tree.log"))
        ids = [tree["alertId"] for tree in trees(collector)]
    parser = 'json-parser(prefix("json.") marker("@cee:"))'
    with SyslogNg(tmp_path / "collector", "syslog", parser=parser, size=131072) as collector:
        sending = Sending(
            tmp_path / "second", collector, preset="syslog-ng", framing="octet", **options
        )
        sending.send(answer, count, collector.parsed)
        assert [parsed["json"]["alertId"] for parsed in collector.parsed()] == ids


def test_syslog_ng_reads_json(alerts, tmp_path):
    """json-parser() behind syslog()."""
    answer, count = alerts
    parser = 'json-parser(prefix("json."))'
    with SyslogNg(tmp_path / "collector", "syslog", parser=parser, size=131072) as collector:
        sending = Sending(
            tmp_path, collector, preset="syslog-ng", format="rfc5424-json", framing="octet"
        )
        sending.send(answer, count, collector.lines, collector.parsed)
        for parsed, line in zip(collector.parsed(), collector.lines(), strict=True):
            message = read(line)
            mine = parsed["json"]
            for name in ("relay", "customer", "customerName", "tenantId", "alertId", "version"):
                assert mine[name] == message.fields[name]
            assert parsed["_SDATA"] == message.data


def test_syslog_ng_splits_the_header_of_cef(alerts, tmp_path):
    """csv-parser() at every pipe, as Splunk Connect for Syslog does: why it has replace_pipe."""
    answer, count = alerts
    columns = '"cef.version", "cef.vendor", "cef.product", "cef.device", "cef.class", "cef.name", "cef.severity"'
    parser = f'csv-parser(columns({columns}, "cef.rest") delimiters("|") flags(greedy))'
    with SyslogNg(tmp_path / "collector", "syslog", parser=parser) as collector:
        sending = Sending(tmp_path, collector, preset="splunk-sc4s", framing="octet")
        sending.send(answer, count, collector.lines, collector.parsed)
        for parsed, line in zip(collector.parsed(), collector.lines(), strict=True):
            message = read(line)
            cef = parsed["cef"]
            assert cef["version"] == "CEF:0" and cef["vendor"] == "Microsoft"
            assert cef["severity"] == message.header[5]
            assert cef["rest"].startswith("rt=")


def test_wazuh_finds_json_and_no_program_name(alerts):
    """What its pre-decoder looks for first (src/analysisd/cleanevent.c) is not there, so its JSON
    decoder, which wants {" at the beginning, is asked."""
    answer, _ = alerts
    for line in preview("--preset", "wazuh", "--wire", answer).stdout.splitlines():
        assert line.startswith(b'{"')
        # Places of the separators in the dates that it knows.
        assert line[3:7:3] != b"  " and line[4:8:3] != b"--"


def test_the_example_of_each_page_is_good(tmp_path):
    """alertrelay-siem(7): each has a destination to copy."""
    page = Path(__file__).resolve().parent.parent.parent / "packaging/man/alertrelay-siem.7.in"
    examples = re.findall(r"(?s)\.Bd -literal[^\n]*\n(destinations:\n.*?)\.Ed", page.read_text())
    found = set()
    for example in examples:
        config = tmp_path / "alertrelay.yaml"
        config.write_text(
            "app: {client_id: 00000000-0000-0000-0000-000000000001, client_secret_env: S}\n"
            "feeds: [{to: soc}]\n"
            "tenants: {a: {tenant_id: 11111111-1111-1111-1111-111111111111}}\n" + example
        )
        result = subprocess.run(
            [str(PROGRAM), "check", "-c", str(config)],
            capture_output=True,
            text=True,
            timeout=60,
            env={"S": "none"},
        )
        assert result.returncode == 0 and not result.stderr, (example, result.stderr)
        found.add(re.search(r"preset: ([\w-]+)", example)[1])
    assert found == set(PRESETS)
