"""check, preview, replay, sample, and how options are taken."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from received import compare, read, read_all, read_frames
from relay import PROGRAM, Relay

SAMPLES = Path(__file__).resolve().parent.parent / "samples"
GRAPH = sorted(SAMPLES.glob("graph-alerts_v2*.json"))
COMMANDS = ("run", "check", "fetch", "preview", "replay", "formats", "state", "sample")
STATE = ("state check", "state export", "state forget")


def command(*arguments, **options):
    return subprocess.run(
        [str(PROGRAM), *map(str, arguments)], capture_output=True, timeout=60, **options
    )


# Options.


def test_help_of_the_program_and_of_each_command():
    for arguments in (["--help"], ["help"], ["-h"]):
        result = command(*arguments)
        assert result.returncode == 0 and result.stderr == b""
        for name in COMMANDS:
            assert name.encode() in result.stdout
    for name in COMMANDS:
        result = command(name, "--help")
        assert result.returncode == 0 and result.stderr == b"", name
        assert result.stdout.startswith(b"usage: alertrelay " + name.encode())
    assert command("--version").stdout.startswith(b"alertrelay ")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["--nonsense"],
        *[[name, "--nonsense"] for name in COMMANDS],
        *[[name, "-x"] for name in COMMANDS],
        ["run", "extra"],
        ["run", "-c"],
        ["run", "--give-up", "soon"],
        ["run", "--give-up", "1s"],
        ["run", "--log-level", "loud"],
        ["run", "--once=yes"],
        ["check", "extra"],
        ["fetch"],
        ["fetch", "one", "two"],
        ["fetch", "one", "--since", "yesterday"],
        ["fetch", "one", "--since", "1h", "--until", "2h"],
        ["fetch", "one", "--limit", "0"],
        ["fetch", "one", "--raw", "--format", "cef"],
        ["preview"],
        ["preview", "--format", "nonsense"],
        ["preview", "--format", "cef", "--source", "nonsense"],
        ["preview", "--format", "cef", "--framing", "nonsense"],
        ["preview", "--format", "cef", "--framing", "lf"],
        ["preview", "--format", "cef", "--to", "soc"],
        ["preview", "--format", "cef", "--tenant", "no name"],
        ["preview", "--format", "cef", "one", "two"],
        ["replay"],
        ["replay", "--to"],
        ["formats", "one", "two"],
        ["formats", "nonsense"],
        ["formats", "-c", "/nonexistent"],
        ["state"],
        ["state", "nonsense"],
        ["state", "check", "extra"],
        ["state", "check", "--nonsense"],
        ["state", "forget"],
        ["sample", "extra"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_an_error_with_status_2(arguments):
    result = command(*arguments)
    assert result.returncode == 2 and result.stderr and not result.stdout


def test_wrong_usage_says_what_would_be_right(tmp_path):
    for arguments, right in (
        (["rnu"], "did you mean run?"),
        (["run", "-c"], "needs a value: FILE"),
        (["run", "--once=yes"], "--once takes no value"),
        (["run", "-c", tmp_path / "none"], "`alertrelay sample` prints one"),
        (["preview", "--format", "cfe"], "did you mean cef?"),
        (["preview", "--format", "cef", "--source", "x"], "there are: graph-alerts"),
        (["preview", "--format", "cef", "one", "--", "--two"], 'unexpected "--two"'),
    ):
        result = command(*arguments)
        assert result.returncode == 2 and right in result.stderr.decode(), arguments


def test_options_are_taken_in_each_spelling(tmp_path):
    path = tmp_path / "none.yaml"
    for arguments in (["-c", path], [f"-c{path}"], ["--config", path], [f"--config={path}"]):
        assert str(path) in command("check", *arguments).stderr.decode(), arguments


def test_help_is_laid_out():
    for name in (*COMMANDS, *STATE):
        for line in command(*name.split(), "--help").stdout.decode().splitlines():
            assert len(line) < 100 and line == line.rstrip(), (name, line)
            option = re.match(r"  (-\w,|   ) --[a-z-]+(\[=\S+\]| \S+)?", line)
            rest = line[option.end() :] if option else ""
            assert not rest or len(line) - len(rest.lstrip()) == 26, (name, line)


def test_the_manual_names_every_option_of_the_help():
    manual = (SAMPLES.parent.parent / "packaging/man/alertrelay.8.in").read_text()
    commands = re.split(r"^\.Nm\n\.Cm ([\w ]+)$", manual.split(".Sh DESCRIPTION")[0], flags=re.M)
    synopsis = dict(zip(commands[1::2], commands[2::2]))
    for name in {*COMMANDS, *STATE, "manual"} - {"state"}:
        help = command(*name.split(), "--help").stdout.decode()
        options = set(re.findall(r"^  (?:-c,|   ) --([a-z-]+)", help, flags=re.M)) - {"config"}
        assert options == set(re.findall(r"Fl -([a-z-]+)", synopsis[name])) - {"help", "version"}
        assert ("--config" in help) == ("Fl c " in synopsis[name])


def keys_in_manual(format):
    manual = (SAMPLES.parent.parent / "packaging/man/alertrelay.8.in").read_text()
    section = manual.split(f".Ss {format}\n")[1].split("\n.Ss ")[0]
    named = []
    for item in re.findall(r"^\.It Li (.*)$", section, flags=re.M):
        key, _, label = item.partition(" Pq Li ")
        named += [(key, label.strip('"'))] if label else [(k, "") for k in key.split(" , ")]
    assert len(named) == len(set(named)), sorted(named)
    return set(named)


def rows_of_keys():
    """Of pick.def: the row's macro and its texts, (key), (key, LEEF's key) or (key, label, LEEF's)."""
    text = (SAMPLES.parent.parent / "formats/pick.def").read_text()
    rows = re.findall(r"^(PAIR|LABELLED|BOUNDED|CEF|LEEF)\((PICK_[^)]*)\)$", text, flags=re.M)
    return [(macro, re.findall(r'"([^"]+)"', arguments)) for macro, arguments in rows]


def test_the_manual_names_every_key_of_cef_with_its_label():
    rows = [row for row in rows_of_keys() if row[0] != "LEEF"]
    keys = {(texts[0], texts[1] if macro == "LABELLED" else "") for macro, texts in rows}
    assert len(keys) > 90
    assert keys_in_manual("cef") == keys | {("AlertrelayOmitted", "")}


def test_the_manual_names_every_key_of_leef():
    keys = {(texts[-1], "") for macro, texts in rows_of_keys() if macro != "CEF"}
    assert len(keys) > 90
    assert keys_in_manual("leef") == keys | {("fieldsOmitted", "")}


def test_the_sample_explains_the_options_of_each_format():
    sample = re.sub(r"\n *# ", " ", command("sample").stdout.decode())
    for option in ("cef leading_space (default no): ", "leef delimiter (default ^): "):
        assert option in sample


@pytest.mark.parametrize("journal", [True, False])
def test_only_the_journal_gets_priorities_in_front_of_lines(relays, simulators, tmp_path, journal):
    relay = relays(simulators(tenants=1, alerts=0), tenants=1)
    relay.add_destination("out", transport="stdout")
    relay.add_feed("out")
    relay.config["state"] = {"file": "/nonexistent/state.db"}
    with open(tmp_path / "log", "w+b") as log:
        inode = tmp_path.stat() if not journal else (tmp_path / "log").stat()
        environment = {"JOURNAL_STREAM": f"{inode.st_dev}:{inode.st_ino}"}
        arguments = [str(PROGRAM), "run", "--once", "-c", str(relay.write())]
        result = subprocess.run(arguments, stderr=log, env=environment, timeout=60)
        log.seek(0)
        assert result.returncode == 1
        assert log.read().startswith(b"<2>critical: " if journal else b"critical: ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["run", "--help"],
        ["sample"],
        ["manual"],
        ["preview", "--format", "cef", SAMPLES / "graph-alerts_v2.json"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_output_that_cannot_be_written_is_an_error(arguments):
    with open("/dev/full", "wb") as full:
        result = subprocess.run(
            [str(PROGRAM), *map(str, arguments)], stdout=full, stderr=subprocess.PIPE, timeout=60
        )
    assert result.returncode == 1 and b"standard output" in result.stderr


# check and sample.


def test_a_good_configuration_passes(relays, simulators):
    simulator = simulators(tenants=1, alerts=0)
    relay = relays(simulator, tenants=3)
    relay.add_destination("out", transport="stdout")
    relay.add_feed("out")
    result = command("check", "-c", relay.write())
    assert result.returncode == 0 and b"3 tenants, 1 destination\n" in result.stdout


def test_all_errors_are_reported_with_file_and_line_and_status_2(tmp_path):
    config = tmp_path / "wrong.yaml"
    config.write_text(
        "app:\n"
        "  client_id: no-guid\n"
        "  client_secret: hunter2-in-the-file\n"
        "  nonsense: 1\n"
        "destinations:\n"
        "  soc:\n"
        "    transport: pigeon\n"
        "    address: [siem.example]\n"
        "    settle: 5 parsecs\n"
        "    settle: 1s\n"
        "feeds:\n"
        "  - {source: graph-alerts, to: [nowhere], page_size: 5000}\n"
        "tenants:\n"
        "  contoso: {tenant_id: '../../etc'}\n"
    )
    for arguments in (["check"], ["run"], ["run", "--once"]):
        result = command(*arguments, "-c", config)
        assert result.returncode == 2, arguments
        text = result.stderr.decode()
        for line in (2, 3, 4, 7, 9, 10, 12, 14):
            assert f"{config}:{line}: " in text, (line, text)
        assert "hunter2" not in text
        assert re.search(r"\d+ errors in the configuration", text)


@pytest.mark.parametrize("text", [b"", b"[]", b"a: [", b"\xff\xfe", b"x" * 100000, b"&a [*a]"])
def test_what_is_no_configuration_is_an_error(tmp_path, text):
    config = tmp_path / "wrong.yaml"
    config.write_bytes(text)
    result = command("check", "-c", config)
    assert result.returncode == 2 and str(config).encode() in result.stderr


def test_a_missing_configuration_is_an_error(tmp_path):
    result = command("check", "-c", tmp_path / "none.yaml")
    assert result.returncode == 2 and b"none.yaml" in result.stderr


def test_the_sample_is_a_configuration_once_its_secret_is_there(tmp_path):
    result = command("sample")
    assert result.returncode == 0
    secret = tmp_path / "app.secret"
    secret.write_text("x\n")
    secret.chmod(0o600)
    config = tmp_path / "alertrelay.yaml"
    config.write_bytes(result.stdout)
    (tmp_path / "tenants.d").mkdir()
    checked = command("check", "-c", config)
    assert checked.returncode == 0, checked.stderr
    assert b"1 tenant" in checked.stdout


def test_the_configuration_of_the_readme_is_one(tmp_path):
    readme = (SAMPLES.parent.parent / "README").read_text()
    text = readme.split("/etc/alertrelay/alertrelay.yaml:\n")[1].split("\nThen check it")[0]
    secret = tmp_path / "app.secret"
    secret.write_text("x\n")
    secret.chmod(0o600)
    config = tmp_path / "alertrelay.yaml"
    config.write_text(text.replace("/etc/alertrelay/app.secret", str(secret)))
    checked = command("check", "-c", config)
    assert checked.returncode == 0, checked.stderr


def test_tenants_in_files_of_their_own_are_read(relays, simulators, collectors):
    simulator = simulators(tenants=3, alerts=30)
    collector = collectors("tcp")
    relay = relays(simulator, tenants=1)
    relay.add_collector(collector)
    relay.add_feed("soc", look_back="48h")
    folder = relay.directory / "tenants.d"
    folder.mkdir()
    for number in (2, 3):
        text = {Relay.tenant_key(number): {"tenant_id": Relay.tenant_id(number)}}
        (folder / f"{number}.yaml").write_text(json.dumps(text))
    relay.run_once()
    compare(simulator, read_all(collector.lines())).check()


# preview.


FORMATS = ["cef", "leef", "rfc5424-json", "json", "ecs", "ocsf"]


def sample_ids(path):
    answer = json.loads(path.read_text())
    return [alert["id"] for alert in answer.get("value", [answer])]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("path", GRAPH, ids=lambda p: p.name)
def test_preview_shows_each_sample_as_a_valid_message(path, format):
    result = command("preview", "--format", format, "--tenant", "contoso", path)
    assert result.returncode == 0, result.stderr
    messages = read_all(result.stdout.split(b"\n")[:-1], header="none", plain=format == "json")
    assert [m.alert for m in messages] == sample_ids(path)
    assert all(m.customer == "contoso" for m in messages)
    # and what is read from standard input is the same
    with open(path) as file:
        again = command("preview", "--format", format, "--tenant", "contoso", "-", stdin=file)
    assert again.stdout == result.stdout


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("framing", ["octet", "lf"])
def test_preview_wire_shows_exactly_what_a_collector_gets(format, framing):
    path = SAMPLES / "graph-alerts_v2.json"
    result = command("preview", "--format", format, "--wire", "--framing", framing, path)
    assert result.returncode == 0, result.stderr
    if framing == "octet":
        lines = read_frames(result.stdout)
    else:
        lines = result.stdout.split(b"\n")
        assert lines.pop() == b""
    messages = read_all(lines, plain=format == "json")
    assert [m.alert for m in messages] == sample_ids(path)
    assert all(m.host == "customer" for m in messages)


def test_preview_takes_header_and_format_of_a_destination(relays, simulators):
    simulator = simulators(tenants=1, alerts=0)
    relay = relays(simulator, tenants=1)
    relay.add_destination("out", transport="stdout", header="rfc3164", utc=True, app_name="relay")
    relay.add_destination("json", transport="stdout", format="rfc5424-json", bom=True)
    relay.add_feed("out")
    config = relay.write()
    path = SAMPLES / "graph-alerts_v2.json"
    lines = command("preview", "-c", config, "--to", "out", "--wire", path).stdout.split(b"\n")[:-1]
    assert read_all(lines, header="rfc3164", tag="relay")
    lines = command("preview", "-c", config, "--to", "json", "--wire", path).stdout.split(b"\n")[:-1]
    assert read_all(lines, bom=True)
    wrong = command("preview", "-c", config, "--to", "nowhere", path)
    assert wrong.returncode == 2 and b"there are: out, json" in wrong.stderr


@pytest.mark.parametrize(
    "options,start,delimiter",
    [
        ({}, "LEEF:2.0|Microsoft|Microsoft ", "^"),
        ({"version": "1.0"}, "LEEF:1.0|Microsoft|Microsoft ", "\t"),
        ({"delimiter": "x09"}, "LEEF:2.0|", "\t"),
        ({"delimiter": "~", "product": "Defender"}, "LEEF:2.0|Microsoft|Defender|1.0|", "~"),
    ],
)
def test_preview_takes_the_options_of_leef(relays, simulators, options, start, delimiter):
    relay = relays(simulators(tenants=1, alerts=0), tenants=1)
    relay.add_destination(
        "out", transport="stdout", format="leef", format_options=options, max_message_bytes="64K"
    )
    relay.add_feed("out")
    for path in GRAPH:
        lines = command("preview", "-c", relay.write(), "--wire", path).stdout.split(b"\n")[:-1]
        messages = read_all(lines)
        assert [m.alert for m in messages] == sample_ids(path)
        assert all(m.body.startswith(start) for m in messages)
        assert all(m.body.count(delimiter + "sev=") == 1 for m in messages)


def test_preview_takes_the_options_of_the_json_formats(relays, simulators):
    relay = relays(simulators(tenants=1, alerts=0), tenants=1)
    for name, options in (
        ("json", {"cookie": "cee"}), ("ecs", {"original": "yes"}), ("ocsf", {"original": "yes"})
    ):
        relay.add_destination(
            name, transport="stdout", format=name, format_options=options, max_message_bytes="256K"
        )
    relay.add_feed("json")
    for path in GRAPH:
        raw = json.loads(path.read_text())
        raw = raw.get("value", [raw])
        for name in ("json", "ecs", "ocsf"):
            lines = command("preview", "-c", relay.write(), "--to", name, "--wire", path).stdout
            messages = read_all(lines.split(b"\n")[:-1])
            assert [m.format for m in messages] == [name] * len(raw)
            if name == "json":
                assert all(b" - @cee: {" in line for line in lines.split(b"\n")[:-1])
                continue
            sent = [m.fields["event"]["original"] if name == "ecs" else m.fields["raw_data"] for m in messages]
            assert [json.loads(text) for text in sent] == raw


def test_preview_names_a_customer_as_the_relay_would(relays, simulators, tmp_path):
    relay = relays(simulators(tenants=1, alerts=0), tenants=1)
    relay.add_destination("out", transport="stdout", format="rfc5424-json")
    relay.add_feed("out")
    path = tmp_path / "one.json"
    path.write_text('{"id":"a","title":"without a tenant id"}')
    result = command("preview", "-c", relay.write(), "--tenant", Relay.tenant_key(1), path)
    body = json.loads(result.stdout)
    assert body["customer"] == Relay.tenant_key(1)
    assert body["tenantId"] == Relay.tenant_id(1)


@pytest.mark.parametrize("format", FORMATS)
def test_the_smallest_message_that_check_takes_has_room_for_every_sample(
    relays, simulators, format
):
    relay = relays(simulators(tenants=1, alerts=0), tenants=1)
    out = relay.add_destination("out", transport="stdout", format=format, max_message_bytes=480)
    relay.add_feed("out")
    refused = command("check", "-c", relay.write())
    assert refused.returncode == 2
    least = int(re.search(rb"max_message_bytes: 480 .*; write (\d+) or more", refused.stderr)[1])
    out["max_message_bytes"] = least - 1
    assert command("check", "-c", relay.write()).returncode == 2
    out["max_message_bytes"] = least
    assert command("check", "-c", relay.write()).returncode == 0
    for path in GRAPH:
        result = command("preview", "-c", relay.write(), "--wire", path)
        assert result.returncode == 0, result.stderr
        messages = read_all(result.stdout.split(b"\n")[:-1], plain=format == "json")
        assert [m.alert for m in messages] == sample_ids(path)
        assert all(len(m.raw) <= least for m in messages)


def test_preview_of_what_cannot_be_read_is_an_error(tmp_path):
    broken = tmp_path / "broken.json"
    broken.write_text('{"value":[{"id":"a"},{"id":')
    result = command("preview", "--format", "cef", broken)
    assert result.returncode == 1 and b"broken.json" in result.stderr
    assert command("preview", "--format", "cef", tmp_path / "none").returncode == 1
    empty = tmp_path / "empty.json"
    empty.write_text('{"value":[]}')
    result = command("preview", "--format", "cef", empty)
    assert result.returncode == 0 and b"no alert" in result.stderr


# replay.


@pytest.mark.parametrize("transport", ["tls", "tcp"])
def test_replay_sends_all_and_prints_count_and_rate(
    simulators, collectors, relays, tmp_path, transport
):
    simulator = simulators(tenants=1, alerts=0)
    dump = tmp_path / "alerts.json"
    with open(dump, "wb") as file:
        subprocess.run([simulator.program, "--dump-lines", "500"], stdout=file, check=True)
    collector = collectors(transport)
    relay = relays(simulator, tenants=1)
    relay.add_collector(collector)
    relay.add_feed("soc")
    result = command("replay", "-c", relay.write(), "--to", "soc", dump)
    assert result.returncode == 0, result.stderr
    values = dict(line.rsplit(" ", 1) for line in result.stdout.decode().splitlines())
    assert values["alerts"] == values["confirmed"] == "500" and values["rejected"] == "0"
    assert float(values["alerts per second"]) > 0
    messages = read_all(collector.lines())
    ids = [json.loads(line)["id"] for line in dump.read_bytes().splitlines()]
    assert [m.alert for m in messages] == ids


def test_replay_counts_what_was_left_out_to_keep_to_the_size(simulators, relays, tmp_path):
    simulator = simulators(tenants=1, alerts=0)
    dump = tmp_path / "alerts.json"
    with open(dump, "wb") as file:
        subprocess.run([simulator.program, "--dump-lines", "200"], stdout=file, check=True)
    relay = relays(simulator, tenants=1)
    relay.add_feed("small")
    out = tmp_path / "out.log"
    small = relay.add_destination("small", transport="file", path=str(out), format="rfc5424-json")

    def replay():
        out.unlink(missing_ok=True)
        result = command("replay", "-c", relay.write(), "--to", "small", dump)
        assert result.returncode == 0, result.stderr
        values = dict(line.rsplit(" ", 1) for line in result.stdout.decode().splitlines())
        alerts = [m.fields["alert"] for m in read_all(out.read_bytes().split(b"\n")[:-1])]
        told = sum(a.get("evidenceOmitted", 0) + a.get("fieldsOmitted", 0) for a in alerts)
        assert int(values["fields left out"]) == told
        return told

    assert replay() > 0
    small["max_message_bytes"] = "64K"
    assert replay() == 0


def test_replay_to_a_collector_that_is_not_there_gives_up(simulators, collectors, relays):
    simulator = simulators(tenants=1, alerts=0)
    collector = collectors("tcp")
    collector.kill()
    relay = relays(simulator, tenants=1)
    relay.add_collector(collector)
    relay.add_feed("soc")
    path = SAMPLES / "graph-alerts_v2.json"
    result = command("replay", "-c", relay.write(), "--to", "soc", "--give-up", "1s", path)
    assert result.returncode == 1 and b"nothing was confirmed" in result.stderr
    assert command("replay", "-c", relay.write(), "--to", "nowhere", path).returncode == 2


# Secrets.


def test_a_secret_is_never_shown(simulators, collectors, relays):
    simulator = simulators(tenants=2, alerts=20)
    collector = collectors("tcp")
    relay = relays(simulator, tenants=2)
    relay.add_collector(collector)
    relay.add_feed("soc", poll="1s", look_back="48h")
    relay.config["log"] = {"level": "debug"}
    simulator.fault("login-401", tenant=2, count=1, code=7000215)
    process = relay.start("--log-level", "debug")
    relay.complete(simulator, lambda: [l for l in collector.lines() if b" customer1 " in l], [1])
    shown = Path(f"/proc/{process.pid}/cmdline").read_bytes().decode(errors="replace")
    assert relay.stop() == 0
    shown += relay.log()
    checked = command("check", "-c", relay.config_file)
    shown += (checked.stdout + checked.stderr).decode()
    shown += "".join(l.decode() for l in collector.lines())
    for file in relay.directory.glob("state.db*"):
        shown += file.read_bytes().decode("latin-1")
    assert simulator.secret not in shown
    assert "Bearer" not in shown
    # A token begins alike for all of one kind; its header alone would already be too much.
    assert simulator.token(1)[:40] not in shown


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_secret_that_others_may_read_is_refused(simulators, relays, mode):
    simulator = simulators(tenants=1, alerts=0)
    relay = relays(simulator, tenants=1)
    relay.add_destination("out", transport="stdout")
    relay.add_feed("out")
    secret = Path(relay.config["app"]["client_secret_file"])
    secret.chmod(mode)
    for arguments in (["check"], ["run", "--once"]):
        result = command(*arguments, "-c", relay.write())
        assert result.returncode == 2 and b"app.secret" in result.stderr
        assert simulator.secret.encode() not in result.stderr


def test_a_secret_from_the_environment_works_and_is_not_shown(simulators, relays, tmp_path):
    simulator = simulators(tenants=1, alerts=10)
    relay = relays(simulator, tenants=1)
    del relay.config["app"]["client_secret_file"]
    relay.config["app"]["client_secret_env"] = "RELAY_SECRET"
    relay.add_destination("out", transport="stdout")
    relay.add_feed("out", look_back="48h")
    result = relay.run_once(env={"RELAY_SECRET": simulator.secret, "PATH": "/usr/bin:/bin"})
    assert len(result.stdout.splitlines()) == 10
    assert simulator.secret not in result.stderr
    result = relay.run_once(status=2, env={"PATH": "/usr/bin:/bin"})
    assert "RELAY_SECRET" in result.stderr


def test_a_secret_from_a_systemd_credential_works(simulators, relays, tmp_path):
    simulator = simulators(tenants=1, alerts=10)
    relay = relays(simulator, tenants=1)
    del relay.config["app"]["client_secret_file"]
    relay.config["app"]["client_secret_credential"] = "app"
    (tmp_path / "credentials").mkdir(mode=0o700)
    credential = tmp_path / "credentials" / "app"
    credential.write_text(simulator.secret)
    credential.chmod(0o400)
    relay.add_destination("out", transport="stdout")
    relay.add_feed("out", look_back="48h")
    result = relay.run_once(env={"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")})
    assert len(result.stdout.splitlines()) == 10
