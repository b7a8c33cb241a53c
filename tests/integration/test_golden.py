"""Every formatter over every saved answer, byte for byte; tests/golden/README.md tells how.

Whoever changes what is written on purpose runs

    BUILD_DIR=build python3 -m pytest tests/integration/test_golden.py --refresh-golden

and reads the difference in git, because it is what users get.
"""

import difflib
import json
import re
import subprocess
from pathlib import Path

import pytest

from received import read_all
from relay import PROGRAM

TESTS = Path(__file__).resolve().parent.parent
GOLDEN = TESTS / "golden"
# What each source answers, and what the cases of our own are answers of.
SAMPLES = {
    "graph-alerts": "graph-alerts_v2*.json",
    "graph-incidents": "graph-incidents*.json",
    "mde-alerts": "mde-alerts*.json",
    "m365d-incidents": "m365d-incidents*.json",
    "siem": "siem-alerts*.json",
}
SOURCES = {case: name for name, glob in SAMPLES.items() for case in TESTS.glob("samples/" + glob)}
SOURCES |= {case: "graph-alerts" for case in GOLDEN.glob("*.json")}
CASES = sorted(SOURCES)
FORMATS = ("cef", "leef", "rfc5424-json", "json", "ecs", "ocsf")
SUFFIXES = {"json": "jsonl"}  # .json are the cases
REFRESH = "pytest tests/integration/test_golden.py --refresh-golden"


def golden_file(case, format):
    return GOLDEN / f"{case.stem}.{SUFFIXES.get(format, format)}"


def preview(*arguments):
    return subprocess.run(
        [str(PROGRAM), "preview", *map(str, arguments)], capture_output=True, timeout=60
    )


def produce(case, format, directory):
    """What a collector would get, a message a line; the process id is another in each run."""
    config = directory / "alertrelay.yaml"
    secret = directory / "secret"
    secret.touch(0o600)
    secret.write_text("none")
    config.write_text(f"""
app: {{client_id: 00000000-0000-0000-0000-000000000000, client_secret_file: {secret}}}
destinations:
  soc: {{transport: stdout, format: {format}, framing: lf, max_message_bytes: 1M}}
feeds: [{{source: graph-alerts, to: soc}}]
tenants:
  acme: {{tenant_id: 11111111-1111-1111-1111-111111111111}}
""")
    result = preview("-c", config, "--wire", "--tenant", "acme", "--source", SOURCES[case], case)
    assert result.returncode == 0, result.stderr
    return re.sub(rb"(?m)^(<\d+>1 \S+ \S+ \S+) \d+ ", rb"\1 - ", result.stdout)


def unfold(text):
    """Each key or member on a line of its own, so that a difference can be read."""
    text = text.decode(errors="backslashreplace")
    return re.sub(r" (?=[A-Za-z0-9]+=)|(?=\^)|(?<=,)(?=[\"{])", "\n    ", text).split("\n")


def difference(golden, now, name):
    lines = difflib.unified_diff(unfold(golden), unfold(now), name, "now", n=1, lineterm="")
    return "\n".join(line[:500] for line in lines)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_every_octet_is_as_before(case, format, refresh_golden, tmp_path):
    file, now = golden_file(case, format), produce(case, format, tmp_path)
    read_all(now.splitlines(), plain=format == "json")
    if refresh_golden:
        file.write_bytes(now)
    assert file.exists(), f"{file} is missing: {REFRESH}"
    golden = file.read_bytes()
    if now != golden:
        diff = difference(golden, now, file.name)
        pytest.fail(f"If that is meant: {REFRESH}\n{diff}", pytrace=False)


def test_every_file_belongs_to_a_case(refresh_golden):
    assert len({case.stem for case in CASES}) == len(CASES), "two cases have one name"
    known = {golden_file(case, format) for case in CASES for format in FORMATS}
    unknown = set(GOLDEN.iterdir()) - known - set(CASES) - {GOLDEN / "README.md"}
    if refresh_golden:
        suffixes = [SUFFIXES.get(format, format) for format in FORMATS]
        for file in [file for file in unknown if file.suffix[1:] in suffixes]:
            file.unlink()
            unknown.remove(file)
    assert not unknown, f"of no case: {sorted(file.name for file in unknown)}; {REFRESH}"


def test_every_format_is_here():
    known = re.search(rb"there are: (.*)", preview("--format", "none").stderr)[1].decode()
    assert set(known.split(", ")) == set(FORMATS)


def test_every_source_is_here():
    known = re.search(rb"there are: (.*)", preview("--source", "none").stderr)[1].decode()
    assert set(known.split(", ")) == set(SAMPLES)


def test_every_type_of_evidence_is_here():
    text = (TESTS.parent / "connector/alert/evidence.c").read_text()
    types = set(re.findall(r'\{"(\w+Evidence)", FMT_KIND', text))
    assert len(types) == 48
    alerts = json.loads((GOLDEN / "evidence-types.json").read_text())["value"]
    # All of these are of one piece, so that each formatter must show it as the primary one.
    shown = [piece["@odata.type"] for alert in alerts for piece in alert["evidence"]]
    assert sorted(shown) == sorted("#microsoft.graph.security." + name for name in types)
    assert all(len(alert["evidence"]) == 1 for alert in alerts)
