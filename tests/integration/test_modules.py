"""Formatters made by others: the installed interface, the example, modules that are refused, modules
that misbehave. Everything is built as its author would do it, against what `make install` gives."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from received import Message, compare, read_5424, read_all
from relay import BUILD_DIR, PROGRAM, wait_until

TESTS = Path(__file__).resolve().parent.parent
EXAMPLE = TESTS.parent / "packaging/examples/keyvalue.c"
PROBE = Path(__file__).resolve().parent / "probe.c"
STRICT = ("-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror")


def run(*command, status=0, **options):
    result = subprocess.run([str(word) for word in command], capture_output=True, timeout=120, **options)
    if status is not None:
        assert result.returncode == status, (command, result.stdout[-2000:], result.stderr[-2000:])
    return result


class Stage:
    """What `make install` gives, in a directory of its own."""

    def __init__(self, directory):
        self.root = directory / "stage"
        run("make", "-s", "-C", BUILD_DIR, "install", f"DESTDIR={self.root}")
        found = list(self.root.rglob("alertrelay-format.pc"))
        assert len(found) == 1, found
        self.pkg_config_dir = found[0].parent
        self.cflags = self.pkg_config("--cflags").split()
        self.include = Path(self.cflags[0][2:])

    def pkg_config(self, *arguments):
        environment = {
            **os.environ,
            "PKG_CONFIG_LIBDIR": str(self.pkg_config_dir),
            "PKG_CONFIG_SYSROOT_DIR": str(self.root),
        }
        return run("pkg-config", *arguments, "alertrelay-format", env=environment).stdout.decode().strip()

    def build(self, source, module, *flags, cc="cc", cflags=None):
        module.parent.mkdir(mode=0o755, exist_ok=True)
        run(cc, "-O2", "-fPIC", "-shared", *(cflags or self.cflags), *flags, "-o", module, source)
        module.chmod(0o755)
        return module


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    return Stage(tmp_path_factory.mktemp("stage"))


@pytest.fixture(scope="module")
def example(stage, tmp_path_factory):
    """The directory with the example in it."""
    directory = tmp_path_factory.mktemp("modules")
    stage.build(EXAMPLE, directory / "keyvalue.so", *STRICT, "-fvisibility=hidden")
    return directory


@pytest.fixture(scope="module")
def probe(stage, tmp_path_factory):
    directory = tmp_path_factory.mktemp("probe")
    stage.build(PROBE, directory / "probe.so")
    return directory


@pytest.fixture
def configured(tmp_path):
    """configured(directory, format="x"): a configuration with one destination; more are options."""

    def make(directory, **options):
        secret = tmp_path / "secret"
        secret.touch(0o600)
        secret.write_text("none")
        config = {
            "formats": {"directory": str(directory)},
            "app": {
                "client_id": "00000000-0000-0000-0000-000000000000",
                "client_secret_file": str(secret),
            },
            "destinations": {"soc": {"transport": "stdout", **options}},
            "feeds": [{"to": "soc"}],
            "tenants": {"acme": {"tenant_id": "11111111-1111-1111-1111-111111111111"}},
        }
        file = tmp_path / "alertrelay.yaml"
        file.write_text(json.dumps(config, indent=1))
        return file

    return make


def sample(*arguments, **options):
    return run(PROGRAM, "preview", *arguments, TESTS / "samples/graph-alerts_v2.json", **options)


def test_a_module_without_field_maps_is_refused_one(configured, example):
    config = configured(example, format="keyvalue", fields=[{"key": "site", "value": "vienna"}])
    result = run(PROGRAM, "check", "-c", config, status=None)
    assert result.returncode
    assert b"the module of format keyvalue takes no field map; take fields out" in result.stderr


# What is installed.


# gcc is what the tests need; clang is tried where it is.
COMPILERS = ["gcc -std=c11", "g++ -std=c++17"]
COMPILERS += [text.replace("gcc", "clang").replace("g++", "clang++") for text in COMPILERS if shutil.which("clang++")]


@pytest.mark.parametrize("compiler", COMPILERS)
def test_the_header_needs_nothing_else(stage, compiler, tmp_path):
    compiler, standard = compiler.split()
    source = tmp_path / ("alone.cc" if "++" in compiler else "alone.c")
    source.write_text(
        "#include <alertrelay/format.h>\n"
        "int use(struct fmt_out *out, const struct fmt_alert *alert);\n"
        "int use(struct fmt_out *out, const struct fmt_alert *alert)\n"
        "{\n"
        "\tstruct fmt_str name = fmt_get(alert->primary[FMT_KIND_FILE], FMT_FILE_NAME);\n"
        "\treturn FMT_HAS(alert, priority_score) && fmt_put(out, name.p, name.n);\n"
        "}\n"
        "const struct fmt_module fmt_module = {FMT_ABI, sizeof(struct fmt_module), \"alone\", \"\",\n"
        "\tNULL, NULL, NULL, NULL, NULL, NULL};\n"
    )
    module = stage.build(source, tmp_path / "alone.so", standard, *STRICT, "-fvisibility=hidden", cc=compiler)
    assert run("nm", "-D", "--defined-only", module).stdout.split()[2:] == [b"fmt_module"]


def test_what_pkg_config_says(stage):
    assert sorted(file.name for file in (stage.include / "alertrelay").iterdir()) == ["fields.def", "format.h"]
    directory = Path(stage.pkg_config("--variable=moduledir"))
    if not directory.is_relative_to(stage.root):  # old pkg-config leaves variables alone
        directory = stage.root / directory.relative_to("/")
    assert directory.is_dir() and not list(directory.iterdir())
    built_in = run(PROGRAM, "formats", "--help").stdout.decode()
    assert str(Path("/") / directory.relative_to(stage.root)) in built_in
    assert stage.pkg_config("--modversion") in run(PROGRAM, "--version").stdout.decode()


def test_the_example_says_how_it_is_built(stage, tmp_path):
    assert (stage.root / "usr").is_dir()
    installed = next(stage.root.rglob("keyvalue.c"))
    assert installed.read_bytes() == EXAMPLE.read_bytes()
    comment = installed.read_text().split("*/")[0]
    line = re.search(r"\tcc (.*?\\\n.*?)\n", comment)[1].replace("\\\n *", "")
    words = line.replace("$(pkg-config --cflags alertrelay-format)", " ".join(stage.cflags)).split()
    run("cc", *words, cwd=installed.parent)
    assert (installed.parent / "keyvalue.so").exists()


def test_the_program_exports_nothing_that_a_module_could_meet():
    names = [line.split()[-1] for line in run("nm", "-D", "--defined-only", PROGRAM).stdout.decode().splitlines()]
    # What comes from libc has its version, what sanitizers bring begins with an underscore.
    assert [name for name in names if "@" not in name and not name.startswith("_")] == []


# The example.

PAIR = re.compile(r'([a-z0-9_]+)=("(?:[^"\\\x00-\x1f\x7f]|\\["\\]|\\u00[0-7][0-9a-f])*"|[!#-<>-\[\]-~]*)(?: |$)')


def read_keyvalue(text):
    """The pairs; anything that is none fails."""
    pairs, at = {}, 0
    while at < len(text):
        match = PAIR.match(text, at)
        assert match, text[at : at + 80]
        key, value = match[1], match[2]
        assert key not in pairs, key
        pairs[key] = json.loads(value) if value.startswith('"') else value
        at = match.end()
    return pairs


def readable(text):
    """As a writer of UTF-8 may show it: what is no character is any number of marks, "?" of yajl."""
    return re.sub("[\ud800-\udfff\ufffd?]+", "\ufffd", text)


CASES = sorted([*TESTS.glob("samples/graph-alerts_v2*.json"), *TESTS.glob("golden/*.json")])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_the_example_writes_every_sample(example, configured, case):
    config = configured(example, format="keyvalue", max_message_bytes="1M")
    lines = run(PROGRAM, "preview", "-c", config, case).stdout.decode().split("\n")[:-1]
    alerts = json.loads(case.read_bytes().decode(errors="replace"))["value"]
    assert len(lines) == len(alerts) and (alerts or "empty" in case.name)
    for line, alert in zip(lines, alerts):
        pairs = read_keyvalue(line)
        assert pairs["customer"] == "customer"
        assert re.fullmatch("[0-9a-f]{16}", pairs["version"])
        for key, name in (
            ("id", "id"),
            ("title", "title"),
            ("description", "description"),
            ("status", "status"),
            ("category", "category"),
            ("alert_url", "alertWebUrl"),
            ("incident", "incidentId"),
            ("tenant", "tenantId"),
        ):
            if name in alert and isinstance(alert[name], str) and alert[name]:
                assert readable(pairs[key]) == readable(alert[name]), key


def test_the_example_keeps_to_its_size(example, configured):
    case = TESTS / "samples/graph-alerts_v2.json"
    config = configured(example, format="keyvalue", max_message_bytes=640)
    assert b"must hold; write 768 or more" in run(PROGRAM, "check", "-c", config, status=2).stderr
    config = configured(example, format="keyvalue", max_message_bytes=768)
    lines = run(PROGRAM, "preview", "-c", config, "--wire", case).stdout.split(b"\n")[:-1]
    assert any(len(line) > 700 for line in lines)
    cut = 0
    for line in lines:
        assert len(line) <= 768
        pairs = read_keyvalue(read_5424(line.decode()).body)
        assert {"customer", "id", "version"} <= pairs.keys()
        cut += pairs.get("description", "").endswith("...")
    assert cut


def test_options_of_a_module(example, configured):
    config = configured(example, format="keyvalue", format_options={"evidence": "no"})
    assert b" file=" not in sample("-c", config).stdout
    config = configured(example, format="keyvalue")
    assert b" file=" in sample("-c", config).stdout
    # The options of one format mean nothing to another.
    assert b"CEF:0" in sample("-c", config, "--format", "cef").stdout
    for options, wrong in (
        ({"evidence": "perhaps"}, 'format_options: keyvalue: evidence is "perhaps"; write yes or no'),
        ({"evidense": "no"}, '"evidense" is no option of format keyvalue; did you mean evidence?'),
        ({"x": "no"}, '"x" is no option of format keyvalue; there are: evidence'),
    ):
        config = configured(example, format="keyvalue", format_options=options)
        result = run(PROGRAM, "check", "-c", config, status=2)
        assert re.match(rf"{config}:\d+: .*{re.escape(wrong)}", result.stderr.decode())


def read_alert(line):
    """A message of the example, for compare()."""
    message = read_5424(line.decode())
    pairs = read_keyvalue(message.body)
    return Message(customer=pairs["customer"], alert=pairs["id"], version=pairs["version"], body=message.body)


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_the_example_with_a_simulator_and_rsyslog(connected, example, transport):
    simulator, collector, relay = connected(transport, 3, 60, destination={"format": "keyvalue"})
    relay.config["formats"] = {"directory": str(example)}
    relay.run_once()
    relay.run_once()
    wait_until(lambda: len(collector.lines()) >= 60, "all alerts")
    collector.stop()
    messages = [read_alert(line) for line in collector.lines()]
    compare(simulator, messages).check()
    # Byte for byte what `fetch` shows.
    shown = relay.command("fetch", relay.tenant_key(1), "-c", str(relay.config_file), "--since", "48h",
                          "--format", "keyvalue", env={**os.environ}).stdout.splitlines()  # fmt: skip
    assert sorted(shown) == sorted(m.body for m in messages if m.customer == relay.tenant_key(1))


# Modules that are refused.


REFUSED = {
    "no-symbol": (["-DIS_ABSENT"], "exports no symbol fmt_module; a module defines"),
    "function": (["-DIS_FUNCTION"], "its symbol fmt_module is no struct fmt_module"),
    "short": (["-DIS_SHORT"], "its symbol fmt_module is no struct fmt_module"),
    "hidden": (["-DIS_ABSENT", "-fvisibility=hidden"], "exports no symbol fmt_module"),
    "unresolved": (["-DUNRESOLVED"], "cannot be loaded: undefined symbol: probe_nowhere"),
    "older": (["-DABI=0"], "is made for version 0 of the interface, and this is version 1; build it with"),
    "newer": (["-DABI=2"], "is made for version 2 of the interface, and this is version 1; build it with"),
    "hostile-abi": (["-DABI=0xffffffffu"], "is made for version 4294967295"),
    "size-zero": (["-DSIZE=0"], "says that its fmt_module has 0 octets, but it has 72"),
    "size-small": (["-DSIZE=55"], "has 55 octets, but it has 72, and needs 56; struct_size must be"),
    "size-large": (["-DSIZE=73"], "has 73 octets, but it has 72"),
    "size-absurd": (["-DSIZE=0xffffffffu"], "has 4294967295 octets, but it has 72"),
    "no-name": (["-DNAME=NULL"], 'has no name; the member name of fmt_module must be "no-name"'),
    "other-name": (['-DNAME="probe"'], 'calls itself "probe"; its name must be that of its file, other-name'),
    "built-in-name": (['-DNAME="cef"'], 'calls itself "cef"'),
    "hostile-name": ([r'-DNAME="../../x\n\033[31m"'], 'calls itself "../../x  [31m"'),
    "long-name": (['-DNAME="' + "x" * 5000 + '"'], 'calls itself "xxxxxxxx'),
    "no-help": (["-DHELP=NULL"], "has no help that can be shown"),
    "hostile-help": ([r'-DHELP="\033[31mred"'], "has no help that can be shown"),
    "long-help": (['-DHELP="' + "x" * 1001 + '"'], "has no help that can be shown"),
    "hostile-version": ([r'-DVERSION="1\n2"'], "has no version that can be shown"),
    "option-name": (['-DOPTION_NAME="do it"'], "its option number 1 is not right"),
    "option-help": (["-DOPTION_HELP=NULL"], "its option number 1 is not right"),
    "endless": (["-DENDLESS"], "its options do not end after 64"),
    "no-open": (["-DNO_OPEN"], "has no open()"),
    "no-format": (["-DNO_FORMAT"], "has no format()"),
    "no-close": (["-DNO_CLOSE"], "has no close()"),
}


def is_refused(config, module, wrong):
    """check, with the line; preview; formats, in the list and alone."""
    result = run(PROGRAM, "check", "-c", config, status=2)
    text = result.stderr.decode()
    line = config.read_text().split("\n").index(f'   "format": "{module.stem}"') + 1
    assert text.startswith(f"{config}:{line}: format: {module}: ") and wrong in text, text
    assert text.isprintable() or text.count("\n") == 2, text
    assert wrong in sample("-c", config, status=2).stderr.decode()
    shown = run(PROGRAM, "formats", "-c", config, status=1).stdout.decode()
    cannot = " ".join(shown.split("modules that cannot be used:\n")[1].split())
    assert f"{module}: " in cannot and " ".join(wrong.split()) in cannot, shown
    assert f"\n{module.stem} (" not in shown and "cef (built in)" in shown
    assert f"{module}: " in run(PROGRAM, "formats", module.stem, "-c", config, status=2).stderr.decode()


@pytest.mark.parametrize("name", REFUSED)
def test_a_broken_module_is_refused(stage, configured, name, tmp_path):
    flags, wrong = REFUSED[name]
    named = [] if any(flag.startswith("-DNAME") for flag in flags) else [f'-DNAME="{name}"']
    module = stage.build(PROBE, tmp_path / "modules" / f"{name}.so", *named, *flags)
    is_refused(configured(module.parent, format=name), module, wrong)


@pytest.mark.parametrize("content", [b"", b"#!/bin/sh\n", b"\x7fELF", b"\x7fELF" + b"\xff" * 500], ids=len)
def test_a_file_that_is_no_module_is_refused(configured, content, tmp_path):
    module = tmp_path / "modules/none.so"
    module.parent.mkdir(mode=0o755)
    module.write_bytes(content)
    module.chmod(0o644)
    is_refused(configured(module.parent, format="none"), module, "is no shared object for this machine")


def test_part_of_a_module_is_refused(stage, configured, tmp_path):
    module = stage.build(PROBE, tmp_path / "modules/probe.so", "-s")
    config, whole = configured(module.parent, format="probe"), module.read_bytes()
    module.write_bytes(whole[:1000])
    is_refused(config, module, "is cut short, at 1000 octets; copy or build it again")
    refused = 0
    for size in range(0, len(whole), 331):
        module.write_bytes(whole[:size])
        # Sections at the end are for debuggers.
        result = run(PROGRAM, "check", "-c", config, status=None)
        refused += result.returncode == 2
        assert result.returncode in (0, 2), size
    assert refused >= 20


@pytest.mark.parametrize("who", ["file 0o775", "file 0o757", "directory 0o775", "directory 0o757"])
def test_what_others_may_write_is_not_loaded(stage, configured, who, tmp_path):
    module = stage.build(PROBE, tmp_path / "modules/probe.so")
    config = configured(module.parent, format="probe")
    run(PROGRAM, "check", "-c", config)
    what, mode = who.split()
    (module if what == "file" else module.parent).chmod(int(mode, 0))
    wrong = "its group or others may write it, and could put any code there"
    assert wrong in run(PROGRAM, "check", "-c", config, status=2).stderr.decode()
    assert wrong in sample("-c", config, status=2).stderr.decode()
    assert wrong.split(",")[0] in " ".join(run(PROGRAM, "formats", "-c", config, status=None).stdout.decode().split()) \
        or what == "directory"  # fmt: skip


@pytest.mark.parametrize("what", ["file", "directory"])
def test_what_belongs_to_somebody_else_is_not_loaded(stage, configured, what, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("not here: only root can give files away")
    module = stage.build(PROBE, tmp_path / "modules/probe.so")
    os.chown(module if what == "file" else module.parent, 12345, -1)
    result = run(PROGRAM, "check", "-c", configured(module.parent, format="probe"), status=2)
    assert "belongs to user 12345, who could put any code there" in result.stderr.decode()


def test_only_files_of_the_directory_are_loaded(stage, configured, tmp_path):
    module = stage.build(PROBE, tmp_path / "elsewhere/probe.so")
    directory = tmp_path / "modules"
    directory.mkdir(mode=0o755)
    (directory / "probe.so").symlink_to(module)
    is_refused(configured(directory, format="probe"), directory / "probe.so", "is no regular file")
    for name in ("../elsewhere/probe", str(module)[:-3], "..", "", "probe.so", "Probe", "x" * 5000):
        result = run(PROGRAM, "preview", "-c", configured(module.parent), "--format", name, status=2, stdin=-3)
        assert "is no format; " in result.stderr.decode(), name


def test_names_of_files(stage, configured, tmp_path):
    directory = tmp_path / "modules"
    names = ("cef.so", "Probe.so", "a b.so", "x" * 41 + ".so", "a\nb.so")
    for name in names:
        stage.build(PROBE, directory / name)
    for name in ("README", "probe.so.1", ".hidden.so", "probe.la"):
        (directory / name).write_text("nothing\n")
    result = run(PROGRAM, "formats", "-c", configured(directory), status=1)
    shown = " ".join(result.stdout.decode().split("cannot be used:")[1].split())
    assert "cef.so: has the name of a format that is built in; give the module another one" in shown
    assert shown.count("is no name of a module; call it NAME.so") == len(names) - 1
    assert not re.search(r"README|probe\.so\.1|hidden|probe\.la", shown)


def test_the_directory(configured, tmp_path):
    config = configured(tmp_path / "none")
    for command in ("check", "formats"):
        result = run(PROGRAM, command, "-c", config, status=2)
        assert f"{config}:3: directory: {tmp_path}/none: No such file or directory" in result.stderr.decode()
    config = configured(tmp_path / "secret")
    assert "secret: is no directory" in run(PROGRAM, "check", "-c", config, status=2).stderr.decode()
    config.write_text(config.read_text().replace('"directory"', '"direktory"'))
    assert "did you mean directory?" in run(PROGRAM, "formats", "-c", config, status=2).stderr.decode()


# Modules of other versions, and more than one.


def test_a_module_built_with_an_older_header_works(stage, configured, tmp_path):
    include = tmp_path / "include/alertrelay"
    shutil.copytree(stage.include / "alertrelay", include)
    header = (include / "format.h").read_text()
    start, end = header.index("\t/* What came later:"), header.index("};", header.index("\t/* What came later:"))
    (include / "format.h").write_text(header[:start] + header[end:])
    module = stage.build(PROBE, tmp_path / "modules/probe.so", cflags=[f"-I{include.parent}"])
    config = configured(module.parent, format="probe")
    assert sample("-c", config).stdout.startswith(b"probe da637551227677560813_-961444813 ")
    assert run(PROGRAM, "formats", "probe", "-c", config).stdout.startswith(f"probe (module {module})\n".encode())


def test_a_module_built_with_a_newer_header_works(stage, configured, tmp_path):
    module = stage.build(PROBE, tmp_path / "modules/probe.so", "-DNEWER")
    config = configured(module.parent, format="probe")
    assert sample("-c", config).stdout.startswith(b"probe da637551227677560813_-961444813 ")
    assert b", version 1.2)\n" in run(PROGRAM, "formats", "probe", "-c", config).stdout


def test_symbols_of_modules_do_not_meet(stage, relays, simulators, tmp_path):
    for name in ("one", "two"):
        stage.build(PROBE, tmp_path / f"modules/{name}.so", f'-DNAME="{name}"', f'-DWORD="{name}"')
    relay = relays(simulators(tenants=1, alerts=5), tenants=1)
    relay.config["formats"] = {"directory": str(tmp_path / "modules")}
    for name in ("one", "two"):
        relay.add_destination(name, transport="file", path=str(tmp_path / name), format=name)
    relay.add_feed("one", "two", look_back="48h")
    relay.run_once()
    for name in ("one", "two"):
        lines = (tmp_path / name).read_text().splitlines()
        assert len(lines) == 5 and all(f" - {name} " in line for line in lines)


def test_a_broken_module_that_nobody_uses_harms_nobody(stage, configured, tmp_path):
    stage.build(PROBE, tmp_path / "modules/probe.so")
    (tmp_path / "modules/broken.so").write_text("nothing\n")
    config = configured(tmp_path / "modules", format="probe")
    run(PROGRAM, "check", "-c", config)
    assert b"probe" in sample("-c", config).stdout
    shown = run(PROGRAM, "formats", "-c", config, status=1).stdout.decode()
    assert f"probe (module {tmp_path}/modules/probe.so, version" not in shown
    assert f"probe (module {tmp_path}/modules/probe.so)\n    a probe\n    do (default: good)\n" in shown
    (tmp_path / "modules/broken.so").unlink()
    run(PROGRAM, "formats", "-c", config)


def test_a_name_that_was_probably_meant(example, configured):
    for name, meant in (("keyvalu", "did you mean keyvalue?"), ("x", "there are: cef, ")):
        result = run(PROGRAM, "check", "-c", configured(example, format=name), status=2)
        assert f'format: "{name}" is no format; {meant}' in result.stderr.decode()
    assert b", keyvalue\n" in run(PROGRAM, "formats", "x", "-c", configured(example), status=2).stderr


# Modules that misbehave.


MISDEEDS = {
    "lf": "wrote a control character (0x0a) at octet 3",
    "escape": "wrote a control character (0x1b) at octet 0",
    "del": "wrote a control character (0x7f) at octet 0",
    "nul": "wrote a control character (0x00) at octet 1",
    "utf8": "wrote what is no UTF-8 (0xff) at octet 3",
    "half": "wrote what is no UTF-8 (0xe2) at octet 0",
    "nothing": "wrote nothing",
    "swap": "wrote nothing",
    "result": "gave 7, which is none of FMT_OK, FMT_TOO_SMALL and FMT_REJECT",
    "negative": "gave -1, which is none of",
    "full": "left something out for want of room, and does not count it",
    "longer": "wrote past the end of its output",
    "maximum": "wrote past the end of its output",
    "pointer": "wrote past the end of its output",
    "grow": None,
    "tab": None,
    "data": "wrote structured data that is none",
    "reject": "format probe cannot write this alert",
    "small": "format probe cannot write this alert in max_message_bytes 8192",
}


def test_a_module_that_does_not_explain_itself_is_said_to(example, configured):
    config = configured(example, format="keyvalue")
    plain = sample("-c", config).stdout.decode().splitlines()
    text = sample("-c", config, "--explain").stdout.decode().splitlines()
    assert [line for line in text if line and not line.startswith(" ")] == plain
    why = f"format keyvalue does not tell what it writes: it is the module {example}/keyvalue.so;"
    assert len([line for line in text if line.strip().startswith(why)]) == len(plain)
    for line, message in zip(sample("-c", config, "--explain=json").stdout.splitlines(), plain):
        told = json.loads(line)
        assert told["message"] == message and told["not_explained"].startswith(why)
        assert "keys" not in told


def test_a_module_that_explains_itself(probe, configured):
    config = configured(probe, format="probe", format_options={"do": "tell"})
    for line in sample("-c", config, "--explain=json").stdout.splitlines():
        told = json.loads(line)
        assert [(i["key"], i["value"], i["fields"]) for i in told["keys"]] == [("my id", told["id"], ["id"])]
        assert [(i["key"], i["why"], i["fields"]) for i in told["left_out"]] == [("\x1b[2J", "because", ["title"])]
        missing = {item["field"] for item in told["no_key"]}
        assert "createdDateTime" in missing and "title" not in missing
    assert b"\x1b" not in sample("-c", config, "--explain").stdout


@pytest.mark.parametrize("deed", MISDEEDS)
def test_what_a_module_must_not_write_is_not_sent(probe, configured, deed):
    # `check` looks at a plain alert.
    always = run(PROGRAM, "check", "-c", configured(probe, format="probe", format_options={"do": deed}), status=None)
    config = configured(probe, format="probe", format_options={"do": deed, "only": "high"})
    run(PROGRAM, "check", "-c", config)
    result = sample("-c", config, status=None)
    if MISDEEDS[deed] is None:
        assert always.returncode == 0 and result.returncode == 0
        assert (b"\nbegun\n" if deed == "grow" else b"\none\ttwo\n") in result.stdout
        return
    assert always.returncode == 2
    text = f"the module probe ({probe}/probe.so) {MISDEEDS[deed]}"
    text = text if "format probe" not in MISDEEDS[deed] else MISDEEDS[deed].replace("8192", "")
    assert text in always.stderr.decode() and f"{config}:" in always.stderr.decode()
    assert result.returncode == 1 and text in result.stderr.decode()
    assert result.stdout.count(b"\n") == result.stdout.count(b"probe ") >= 2


@pytest.mark.parametrize("deed", ["refuse", "refuse-mute"])
def test_open_that_fails(probe, configured, deed):
    result = run(PROGRAM, "check", "-c", configured(probe, format="probe", format_options={"do": deed}), status=2)
    wrong = "probe: do is refuse;?write another" if deed == "refuse" else "does not say why"
    assert wrong in result.stderr.decode()


@pytest.mark.parametrize("framing", ["lf", "octet"])
def test_a_misbehaving_module_does_not_break_the_stream(connected, probe, framing):
    """What it cannot write goes as a stub that names it, everything else as it is."""
    simulator, collector, relay = connected(
        "tcp", 2, 60,
        destination={"format": "probe", "framing": framing, "format_options": {"do": "lf", "only": "high"}},
    )  # fmt: skip
    relay.config["formats"] = {"directory": str(probe)}
    result = relay.run_once(status=1)
    had = {(f"customer{n}", alert["id"]): alert["versions"][-1] for n in (1, 2) for alert in simulator.versions(n)}
    high = {key for key, alert in had.items() if alert["severity"] == "high"}
    assert 0 < len(high) < len(had) == 60
    wait_until(lambda: len(collector.lines()) >= 60, "all messages")
    collector.stop()
    messages = [read_5424(line.decode()) for line in collector.lines()]
    assert all(re.fullmatch(r"probe \S+ [0-9a-f]{16}", message.body) for message in messages)
    got = {(message.host, message.body.split()[1]) for message in messages}
    assert len(messages) == len(got) == 60
    stubs = {key for key in got if key[1].startswith("stub-")}
    assert got - stubs == had.keys() - high and len(stubs) == len(high)
    told = re.findall(r"an alert cannot be written in this format and goes as a stub .*", result.stderr)
    assert len(told) == len(high)
    assert all("the module probe (" in line and "control character (0x0a)" in line for line in told)
    assert f" confirmed={60 - len(high)} " in result.stderr
    assert f" stubs={len(high)} rejected={len(high)} " in result.stderr


def test_a_module_that_cannot_write_its_stub_either_is_counted(relays, simulators, probe, tmp_path):
    relay = relays(simulators(tenants=1, alerts=40), tenants=1)
    relay.config["formats"] = {"directory": str(probe)}
    options = {"format": "probe", "format_options": {"do": "stub"}}
    relay.add_destination("out", transport="file", path=str(tmp_path / "out"), **options)
    relay.add_feed("out", look_back="48h")
    result = relay.run_once(status=1)
    high = result.stderr.count("goes as a stub")
    assert high > 0 and f" rejected={high} " in result.stderr
    assert len(read_all([])) == 0 and len((tmp_path / "out").read_text().splitlines()) == 40 - high
