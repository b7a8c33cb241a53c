"""preview --explain: all that is in a message is explained, and nothing that is not. Messages are read
here again, from their grammars."""

import json
import re

import pytest

from received import read_pairs
from relay import PROGRAM
from test_commands import SAMPLES, command
from test_golden import CASES, FORMATS, SOURCES
from test_presets import PRESETS

SAMPLE = SAMPLES / "graph-alerts_v2.json"
HEADERS = {
    "cef": ("format", "vendor", "product", "version", "class id", "name", "severity"),
    "leef": ("format", "vendor", "product", "version", "event id", "delimiter"),
}


@pytest.fixture
def explain(tmp_path):
    """Gives the objects of --explain=json for a destination with these options."""

    def run(case, form="=json", events=None, **destination):
        secret = tmp_path / "secret"
        secret.touch(0o600)
        secret.write_text("none")
        config = tmp_path / "alertrelay.yaml"
        destination = {"transport": "stdout", **destination}
        config.write_text(
            f"app: {{client_id: 00000000-0000-0000-0000-000000000000, client_secret_file: {secret}}}\n"
            f"destinations: {{soc: {json.dumps(destination)}}}\n"
            "feeds: [{source: graph-alerts, to: soc}]\n"
            "tenants: {acme: {tenant_id: 11111111-2222-3333-4444-555555555555}}\n"
        )
        result = command(
            "preview", "-c", config, "--tenant", "acme", "--source", SOURCES[case],
            f"--explain{form}", *(["--events", events] if events else []), case,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        if form != "=json":
            return result.stdout.decode()
        return [json.loads(line) for line in result.stdout.decode().splitlines()]

    return run


# What is in a message.


def pairs_of(message, format):
    """Header fields and pairs, as they are spelled in the message."""
    if format == "cef":
        *header, text = re.match(r"((?:\\.|[^\\|])*)\|" * 7 + "(.*)", message, re.DOTALL).groups()
        spelled = {}
        for key in read_pairs(text.removeprefix(" ")):  # leading_space
            spelled[key] = re.search(rf"(?:^| ){key}=((?:\\.|[^\\=])*)(?= [^ =]+=|$)", text)[1]
    else:
        count = 6 if message.startswith("LEEF:2.0") else 5
        *header, text = message.split("|", count)
        delimiter = header[5] if count == 6 else "\t"
        spelled = dict(attribute.split("=", 1) for attribute in text.split(delimiter))
    return {f"header: {name}": value for name, value in zip(HEADERS[format], header)} | spelled


def members_of(value, path=""):
    if isinstance(value, list) and value and isinstance(value[0], Member):
        for name, member in value:
            yield from members_of(member, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value:
        for i, element in enumerate(value):
            yield from members_of(element, f"{path}[{i}]")
    else:
        yield path, {} if isinstance(value, Empty) else value


class Member(tuple):
    """A name and its value: a name that stands twice does so here."""


class Empty:
    pass


def leaves_of(text):
    def pairs(members):
        return [Member(m) for m in members] or Empty()

    return list(members_of(json.loads(text, object_pairs_hook=pairs, parse_float=str)))


def spelled(item, value):
    """Is it what the leaf holds?"""
    if isinstance(value, str):
        try:
            return json.loads(f'"{item["value"]}"') == value or item["value"] == value
        except ValueError:
            return False
    return json.loads(item["value"]) == value


def check_message(told, format):
    """Every key of the message is explained, once, with its value; every explained key is in it."""
    body = [item for item in told["keys"] if not item.get("structured_data")]
    keys = [item["key"] for item in body]
    if format in HEADERS:
        got = pairs_of(told["message"], format)
        labels = {i["key"] + "Label": i["label"].replace("=", "\\=") for i in body if "label" in i}
        assert len(set(keys)) == len(keys)
        assert {i["key"]: i["value"] for i in body} | labels == got
    else:
        got = leaves_of(told["message"].removeprefix("@cee: "))
        # Names are spelled as in the message.
        assert [json.loads(f'"{key}"') for key in keys] == [path for path, _ in got]
        for item, (path, value) in zip(body, got):
            assert spelled(item, value), (path, item, value)
    data = [item for item in told["keys"] if item.get("structured_data")]
    params = re.findall(r' (\w+)="((?:\\.|[^\\"\]])*)"', told.get("structured_data", ""))
    assert [(i["key"], i["value"]) for i in data] == params
    assert (told["shed_fields"] > 0) == bool(told["left_out"])
    cut = [item for item in told["keys"] if "cut" in item]
    assert (told["cut_texts"] > 0) == bool(cut)
    assert all(item["cut"]["why"] and item["cut"]["from"] > 0 for item in cut)
    assert all(item["why"] for item in told["left_out"])


@pytest.mark.parametrize("maximum", ["1M", "3K"])
@pytest.mark.parametrize("format", FORMATS)
def test_every_key_is_explained(explain, format, maximum):
    for case in CASES:
        for told in explain(case, format=format, max_message_bytes=maximum):
            check_message(told, format)


@pytest.mark.parametrize("format", FORMATS)
def test_events_of_one_piece_of_evidence(explain, format):
    events = explain(SAMPLE, format=format, events="evidence")
    assert len(events) > len(json.loads(SAMPLE.read_text())["value"])
    for told in events:
        check_message(told, format)
        assert not told["primary"] or {p["why"] for p in told["primary"]} == {"the only one"}


def test_it_is_the_message_that_is_sent(explain):
    for format in FORMATS:
        plain = command("preview", "--format", format, SAMPLE).stdout.decode().splitlines()
        result = command("preview", "--format", format, "--explain=json", SAMPLE)
        assert [json.loads(line)["message"] for line in result.stdout.splitlines()] == plain
        text = command("preview", "--format", format, "--explain", SAMPLE).stdout.decode().splitlines()
        assert [line for line in text if line and not line.startswith(" ")] == plain


# Which field went where.


def by_key(told):
    return {item["key"]: item for item in told["keys"] if not item.get("structured_data")}


@pytest.mark.parametrize(
    "format, known",
    [
        (
            "cef",
            {
                "header: name": ["title"],
                "header: severity": ["severity"],
                "header: vendor": [],
                "rt": ["createdDateTime"],
                "cs5": ["customer"],
                "shost": ["evidence[0].deviceDnsName"],
                "dvc": ["evidence[0].ipInterface"],
                "suid": ["evidence[2].userSid"],
                "filePath": ["evidence[1].fileName", "evidence[1].filePath"],
                "cs3": ["mitreTechniques[0]"],
                "msg": ["description"],
            },
        ),
        ("leef", {"sev": ["severity"], "title": ["title"], "usrName": ["evidence[2].accountName"]}),
        (
            "json",
            {
                "customer": ["customer"],
                "alertId": ["id"],
                "relay": [],
                "alert.title": ["raw.title"],
                "alert.assignedTo": ["raw.assignedTo"],
                "alert.evidence[1].fileDetails.sha1": ["raw.evidence[1].fileDetails.sha1"],
            },
        ),
        ("ecs", {"event.severity": ["severity"], "process.pid": ["evidence[2].processId"], "event.kind": []}),
        ("ocsf", {"severity_id": ["severity"], "finding_info.title": ["title"], "class_uid": []}),
    ],
)
def test_the_field_of_a_key(explain, format, known):
    told = by_key(explain(SAMPLE, format=format, max_message_bytes="1M")[0])
    assert {key: told[key]["fields"] for key in known} == known


@pytest.mark.parametrize("format", FORMATS)
def test_each_key_with_a_text_of_the_vendor_has_a_field(explain, format):
    """What is said to be the format's own may not be a text that the alert has."""
    alerts = {a["id"]: a for a in json.loads(SAMPLE.read_text())["value"]}
    for told in explain(SAMPLE, format=format, max_message_bytes="1M"):
        texts = {str(v) for _, v in leaves_of(json.dumps(alerts[told["id"]])) if len(str(v)) > 12}
        assert len(texts) > 10
        for item in told["keys"]:
            if item["value"] in texts:
                assert item["fields"], item


def test_fields_without_a_key(explain):
    told = explain(SAMPLE, format="cef", max_message_bytes="1M")[0]
    missing = {item["field"]: item.get("why") for item in told["no_key"]}
    assert "recommendedActions" in missing and "evidence[0].osBuild" in missing
    assert missing["determination"] == "it says nothing"
    reached = {field for item in told["keys"] for field in item["fields"]}
    assert len(reached) > 30 and not reached & set(missing)
    # The vendor's text goes along: nothing is missing.
    for told in explain(SAMPLE, format="json", max_message_bytes="1M"):
        assert not told["no_key"]


def test_what_is_not_primary_says_what_is(explain):
    whys = set()
    for case in CASES:
        for told in explain(case, format="cef", max_message_bytes="1M"):
            whys |= {p["why"] for p in told["primary"]}
            for item in told["no_key"]:
                spoken = re.fullmatch(r"evidence\[(\d+)\] speaks for its kind", item.get("why", ""))
                assert not spoken or not item["field"].startswith(f"evidence[{spoken[1]}].")
    assert {"the only one", "its role counts for more", "its verdict counts for more"} <= whys


# What was left out, and why.


def test_what_is_shed_is_named(explain):
    large = explain(SAMPLE, format="cef", max_message_bytes="1M")[0]
    small = explain(SAMPLE, format="cef", max_message_bytes="2K")[0]
    assert not large["left_out"] and len(small["left_out"]) == small["shed_fields"] > 3
    shed = {item["key"]: item for item in small["left_out"]}
    assert set(by_key(large)) - set(by_key(small)) == set(shed)
    evidence = shed["MicrosoftDefenderEvidenceKinds"]
    assert "lists of evidence go first" in evidence["why"] and evidence["fields"]
    optional = shed["MicrosoftDefenderProviderAlertId"]
    assert "optional keys" in optional["why"] and optional["fields"] == ["providerAlertId"]
    assert by_key(small)["AlertrelayOmitted"]["value"] == str(len(shed))


def test_what_is_shed_of_json_is_named(explain):
    for told in explain(SAMPLE, format="json", max_message_bytes="2K"):
        shed = [item for item in told["left_out"] if item["key"].startswith("alert.evidence[")]
        vendor = next(a for a in json.loads(SAMPLE.read_text())["value"] if a["id"] == told["id"])
        omitted = json.loads(told["message"])["alert"].get("evidenceOmitted", 0)
        assert len(shed) == omitted == told["shed_fields"] - len(told["left_out"]) + len(shed)
        for item in shed:
            i = int(re.match(r"alert\.evidence\[(\d+)\]$", item["key"])[1])
            assert json.loads(item["value"]) == vendor["evidence"][i]
            assert "evidence" in item["why"]


def test_a_text_that_is_cut_says_from_what_to_what(explain):
    told = explain(SAMPLE, format="json", max_message_bytes="2K")[0]
    item = by_key(told)["alert.recommendedActions"]
    assert item["cut"]["to"] == len(item["value"].encode()) < item["cut"]["from"]
    assert "no room" in item["cut"]["why"] and item["value"].endswith("...")


# The field map.


def test_field_map_of_pairs(explain):
    told = explain(
        SAMPLE,
        format="cef",
        max_message_bytes="1M",
        fields=[
            {"drop": "suser"},
            {"rename": "msg", "to": "story"},
            {"key": "site", "value": "hq"},
            {"key": "host", "from": "evidence/deviceDnsName"},
            {"drop": "dpt"},
            {"key": "dpt", "from": "title"},
            {"key": "outcome", "words": {"new": "open", "resolved": "closed"}},
        ],
    )[0]
    check_message(told, "cef")
    keys = by_key(told)
    assert [(i["key"], i["value"], i["fields"]) for i in told["dropped"]] == [
        ("suser", "SYSTEM", ["evidence[2].accountName"])
    ]
    assert keys["story"]["rule"] == "{rename: msg, to: story}" and keys["story"]["fields"] == ["description"]
    assert keys["site"]["rule"] == "{key: site, value: hq}" and keys["site"]["fields"] == []
    assert keys["outcome"]["rule"] == "{key: outcome, words: 2}" and keys["outcome"]["fields"] == ["status"]
    assert keys["outcome"]["value"] in ("open", "closed")
    assert keys["host"]["fields"] == ["raw.evidence[0].deviceDnsName"]
    assert [(i["key"], i["fields"]) for i in told["left_out"]] == [("dpt", ["raw.title"])]
    assert "not of the type" in told["left_out"][0]["why"]
    assert not any(item["field"].startswith("raw.") for item in told["no_key"])


def test_field_map_of_json(explain):
    told = explain(
        SAMPLE,
        format="json",
        max_message_bytes="1M",
        fields=[
            {"drop": "alert.evidence.verdict"},
            {"rename": "alert.title", "to": "alert.name"},
            {"key": "labels.site", "value": "hq"},
        ],
    )[0]
    check_message(told, "json")
    keys = by_key(told)
    assert [i["fields"] for i in told["dropped"]] == [[f"raw.evidence[{i}].verdict"] for i in range(4)]
    assert keys["alert.name"]["rule"] == "{rename: alert.title, to: alert.name}"
    assert keys["alert.name"]["fields"] == ["raw.title"]
    assert keys["labels.site"]["rule"] == "{key: labels.site, value: hq}"


def test_it_reads_well(explain):
    text = explain(SAMPLE, form="", format="cef", max_message_bytes="2K", fields=[{"drop": "suser"}])
    assert re.search(r"^    title +-> header: name += Suspicious execution", text, re.M)
    assert re.search(r"^    evidence\[2\]\.accountName +-> suser += SYSTEM  \[{drop: suser}\]$", text, re.M)
    for part in ("written", "left out", "dropped by the field map", "reached no key", "primary evidence"):
        assert f"\n  {part}:\n" in text
    assert "device: evidence[0]  [the only one; detailed role" in text


@pytest.mark.parametrize("preset", PRESETS)
def test_presets(preset):
    result = command("preview", "--preset", preset, "--explain=json", SAMPLE)
    assert result.returncode == 0, result.stderr
    for told in map(json.loads, result.stdout.splitlines()):
        start = told["message"].split(":")[0].lower()
        check_message(told, start if start in HEADERS else "json")


def test_wrong_usage():
    for arguments, text in (
        (["--explain", "--wire"], b"--wire is the octets alone"),
        (["--explain=xml"], b"--explain: "),
    ):
        result = command("preview", "--format", "cef", *arguments, SAMPLE)
        assert result.returncode == 2 and text in result.stderr and not result.stdout, result.stderr
    assert b"--explain[=text|json]" in command("preview", "--help").stdout
    assert PROGRAM.exists()


def test_an_alert_with_very_many_fields(tmp_path):
    """What was not tried is not called the format's own."""
    alert = json.loads(SAMPLE.read_text())["value"][0]
    alert["evidence"] = [e for _ in range(100) for e in alert["evidence"]]
    case = tmp_path / "many.json"
    case.write_text(json.dumps({"value": [alert]}))
    text = command("preview", "--format", "cef", "--explain", case).stdout.decode()
    assert re.search(r"^  \d+ more fields were not looked at: of an alert 4000 are$", text, re.M)
    assert "(the format)" not in text and re.search(r"\(not known\) +-> header: vendor ", text)
