"""Every field of every source reaches a key or member of each format, and the manual says which."""

import re
from pathlib import Path

from relay import BUILD_DIR
from test_commands import SAMPLES, command

SOURCE = SAMPLES.parent.parent
FORMATS = ("cef", "leef", "ecs", "ocsf")
# In CEF and LEEF nowhere, and why.
LONG = "a long text for people, or free JSON, would push out what a rule needs"
NOT_IN_PAIRS = {"recommendedActions": LONG, "comments": LONG, "additionalData": LONG}


def mapping():
    rows = {}
    for line in command("formats", "--mapping").stdout.decode().splitlines():
        name, paths, *places = line.split("\t")
        assert name not in rows and len(places) == len(FORMATS), line
        rows[name] = (paths, dict(zip(FORMATS, (p.split("; ") for p in places))))
    return rows


def test_every_field_reaches_every_format():
    for name, (_, places) in mapping().items():
        for format in FORMATS:
            left_out = format in ("cef", "leef") and name in NOT_IN_PAIRS
            assert (places[format] == ["-"]) == left_out, (name, format, places[format])


def test_every_field_is_in_the_table():
    fields = re.findall(r'^FMT_FIELD\(\w+, "(\w+)"\)', (SOURCE / "formats/fields.def").read_text(), re.M)
    rows = mapping()
    assert len(fields) > 200 and not {f"evidence/{name}" for name in fields} - set(rows)
    for source in ("graph-alerts", "graph-incidents", "mde-alerts", "m365d-incidents", "siem"):
        assert any(f"{source} " in paths for paths, _ in rows.values()), source
    assert {"customer", "customerName", "version", "source"} == {n for n, (paths, _) in rows.items() if paths == "-"}


def test_what_is_known_is_found():
    """Some rows by hand: the table is found by writing, and this is that it finds."""
    rows = mapping()
    for name, format, place in (
        ("id", "cef", "MicrosoftDefenderAlertId"),
        ("title", "cef", "header: name"),
        ("severity", "cef", "header: severity"),
        ("severity", "leef", "sev"),
        ("alertWebUrl", "cef", "flexString1 (alertUrl)"),
        ("actorDisplayName", "ecs", "threat.group.name"),
        ("createdDateTime", "ocsf", "time"),
        ("evidence/processCommandLine", "cef", "cs2 (processCommandLine) [process]"),
        ("evidence/deviceDnsName", "cef", "shost [device]"),
        ("evidence/osBuild", "cef", "MicrosoftDefenderEvidenceFields"),
        ("evidence/url", "leef", "requestUrl [url]"),
    ):
        assert place in rows[name][1][format], (name, rows[name][1][format])
    assert "siem ExternalId" in rows["externalId"][0]


def test_the_manual_has_the_table():
    page = (BUILD_DIR / "packaging/man/alertrelay.8").read_text()
    assert "@MAPPING@" not in page
    for name in mapping():
        assert f"\n.It Li {name}\n" in page, name
