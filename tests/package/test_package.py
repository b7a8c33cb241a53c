"""The Debian package in a fresh chroot: installed, used as the service's user, purged without a trace.

Needs root (or sudo), BUILD_DIR with what `make deb` has made, and a Debian mirror: the one that this
machine's own apt is set up with. The tests are steps of one story, in the order of this file.
"""

import os
import pathlib
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "integration"))

from certs import Authority  # noqa: E402
from received import compare, read_all  # noqa: E402
from rsyslog import Rsyslog  # noqa: E402
from simulator import Simulator, wait_for  # noqa: E402

BUILD = pathlib.Path(os.environ.get("BUILD_DIR", "build")).resolve()
ROOT = [] if os.geteuid() == 0 else ["sudo", "-n"]
ETC = "etc/alertrelay"
TENANTS, ALERTS = 4, 400

# What dpkg, apt and the tools that change users keep for themselves.
NOT_OURS = re.compile(
    r"var/(log|cache|lib/apt|lib/systemd/deb-systemd-helper-\w+)(/|$)"
    r"|var/lib/dpkg/(status|available|lock|triggers|diversions|statoverride)"
    r"|etc/(passwd|group|shadow|gshadow|subuid|subgid)-$"
    r"|(tmp|proc|sys|dev|run)/"
)


def run(*command, check=True, **kwargs):
    command = [str(word) for word in command]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600, **kwargs
    )
    if check and done.returncode != 0:
        raise AssertionError(
            "%s: %d\n%s%s" % (shlex.join(command), done.returncode, done.stdout[-4000:], done.stderr[-4000:])
        )
    return done


def debian_sources():
    """The lines for sources.list and the mirror, from this machine's own apt."""
    release = dict(
        line.rstrip().split("=", 1) for line in open("/etc/os-release") if "=" in line
    )["VERSION_CODENAME"].strip('"')
    targets = run(
        "apt-get", "indextargets", "--format",
        "$(ORIGIN)|$(CODENAME)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)", "Created-By: Packages",
    ).stdout.split("\n")  # fmt: skip
    lines, mirror = [], None
    for target in dict.fromkeys(targets):
        if target.startswith("Debian|"):
            _, codename, uri, suite, component = target.split("|")
            lines.append("deb %s %s %s" % (uri, suite, component))
            if codename == release and component == "main" and mirror is None:
                mirror = uri
    assert mirror, "apt on this machine knows no Debian mirror of " + release
    return release, mirror, lines


def proxies():
    """apt's own proxy, for debootstrap's downloads."""
    environment = dict(os.environ)
    for name in ("http", "https"):
        value = run("apt-config", "shell", "p", "Acquire::%s::Proxy" % name).stdout
        for word in shlex.split(value):
            environment.setdefault(name + "_proxy", word.split("=", 1)[1])
    return environment


class Chroot:
    def __init__(self, path):
        self.path = pathlib.Path(path)

    def make(self, cache):
        self.remove()
        cache.mkdir(parents=True, exist_ok=True)
        release, mirror, lines = debian_sources()
        environment = proxies()
        run(*ROOT, *(["env"] + ["%s=%s" % (n, v) for n, v in environment.items() if n.endswith("_proxy")]),
            "debootstrap", "--variant=minbase", "--cache-dir", cache, release, self.path, mirror)  # fmt: skip
        self.write("etc/apt/sources.list", "\n".join(lines) + "\n")
        proxy = run("apt-config", "dump", "Acquire::http::Proxy", "Acquire::https::Proxy").stdout
        self.write("etc/apt/apt.conf.d/99test", proxy + 'Dpkg::Options { "--force-unsafe-io"; };\n')
        self.write("usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", mode="755")

    def remove(self):
        if not self.path.exists():
            return
        mounts = [line.split()[1] for line in open("/proc/self/mounts")]
        for mount in sorted((m for m in mounts if m.startswith(str(self.path) + "/")), reverse=True):
            run(*ROOT, "umount", mount)
        run(*ROOT, "rm", "-rf", "--one-file-system", self.path)

    def command(self, *command, user=None):
        who = ["--userspec=%s:%s" % (user, user)] if user else []
        return [*ROOT, "chroot", *who, str(self.path), "/usr/bin/env", "-i", "LC_ALL=C.UTF-8",
                "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive",
                *command]  # fmt: skip

    def run(self, *command, user=None, check=True):
        return run(*self.command(*command, user=user), check=check)

    def write(self, path, text, mode="644", owner="root:root"):
        done = subprocess.run(
            [*ROOT, "tee", str(self.path / path)], input=text.encode(), stdout=subprocess.DEVNULL, timeout=60
        )
        assert done.returncode == 0
        self.run("chmod", mode, "/" + path)
        self.run("chown", owner, "/" + path)

    def mode(self, path):
        return self.run("stat", "-c", "%a %U:%G", "/" + path).stdout.strip()

    def exists(self, path):
        return run(*ROOT, "test", "-e", self.path / path, check=False).returncode == 0

    def files(self):
        """Everything there is: path to kind, mode, owner and, below etc, content."""
        listing = run(*ROOT, "find", self.path, "-xdev", "-printf", r"%P|%y %m %U:%G %l\n").stdout
        found = dict(line.split("|", 1) for line in listing.splitlines())
        found = {path: what for path, what in found.items() if not NOT_OURS.match(path)}
        sums = run(*ROOT, "find", self.path / "etc", "-type", "f", "-exec", "sha256sum", "{}", "+").stdout
        for line in sums.splitlines():
            digest, path = line.split(None, 1)
            path = str(pathlib.Path(path).relative_to(self.path))
            if path in found:
                found[path] += " " + digest
        return found


@pytest.fixture(scope="module")
def deb():
    found = sorted(BUILD.glob("alertrelay_*.deb"))
    assert len(found) == 1, "run `make deb` first: %s" % found
    return found[0]


@pytest.fixture(scope="module")
def chroot(deb):
    place = Chroot(BUILD.parent / "chroot")
    place.make(BUILD.parent / "debs")
    try:
        place.run("apt-get", "update", "-q")
        depends = run("dpkg-deb", "-f", deb, "Depends").stdout.strip()
        place.run("apt-get", "satisfy", "-q", "-y", "--no-install-recommends", depends)
        place.run("apt-get", "clean")
        place.before = place.files()
        run(*ROOT, "cp", deb, place.path / "tmp" / "alertrelay.deb")
        yield place
    finally:
        place.remove()


@pytest.fixture(scope="module")
def simulator():
    with Simulator(tenants=TENANTS, alerts=ALERTS) as running:
        yield running


@pytest.fixture(scope="module")
def collector(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp("authority"))
    pair = authority.issue("siem", "localhost")
    with Rsyslog(tmp_path_factory.mktemp("rsyslog"), pair=pair, authority=authority) as running:
        yield running


def test_lintian(deb):
    run("lintian", "--allow-root", "--fail-on", "error,warning", deb)


def test_installs_without_a_question(chroot):
    done = chroot.run("dpkg", "-i", "/tmp/alertrelay.deb")
    assert "warning" not in done.stderr.lower()
    assert "0.1.0" in chroot.run("alertrelay", "--version").stdout


def test_user(chroot):
    name, _, uid, _, _, home, shell = chroot.run("getent", "passwd", "alertrelay").stdout.strip().split(":")
    assert int(uid) < 1000
    assert home == "/var/lib/alertrelay"
    assert shell.endswith("/nologin")


def test_modes(chroot):
    assert chroot.mode(ETC) == "750 root:alertrelay"
    assert chroot.mode(ETC + "/tenants.d") == "750 root:alertrelay"
    assert chroot.mode(ETC + "/alertrelay.yaml") == "640 root:alertrelay"
    assert chroot.mode("var/lib/alertrelay") == "750 alertrelay:alertrelay"
    assert chroot.run("dpkg-query", "-W", "-f", "${Conffiles}", "alertrelay").stdout.split()[0] == (
        "/etc/alertrelay/alertrelay.yaml"
    )


def test_not_enabled(chroot):
    assert chroot.exists("lib/systemd/system/alertrelay.service")
    assert not chroot.exists("etc/systemd/system/multi-user.target.wants/alertrelay.service")


def test_unit(chroot, tmp_path):
    # There is no systemd in the chroot, so this machine's reads the unit, with the program as built.
    text = (chroot.path / "lib/systemd/system/alertrelay.service").read_text()
    unit = tmp_path / "alertrelay.service"
    unit.write_text(text.replace("/usr/bin/alertrelay", str(BUILD / "alertrelay")))
    done = run("systemd-analyze", "verify", "--man=no", unit, check=False)
    assert "alertrelay.service" not in done.stderr, done.stderr
    # 0 is tight, 100 is open; most services of a distribution stand at 90 and more.
    run("systemd-analyze", "security", "--offline=yes", "--threshold=15", unit)


def test_manual_and_sample(chroot):
    assert chroot.exists("usr/share/man/man8/alertrelay.8.gz")
    assert chroot.exists("usr/share/man/man7/alertrelay-siem.7.gz")
    sample = chroot.run("alertrelay", "sample").stdout
    assert chroot.run("cat", "/etc/alertrelay/alertrelay.yaml").stdout == sample


def test_a_format_of_ones_own(chroot, tmp_path):
    """Built with what the package brings, put where the package says, used by the service's user."""
    environment = {
        **os.environ,
        "PKG_CONFIG_SYSROOT_DIR": str(chroot.path),
        "PKG_CONFIG_LIBDIR": str(next(chroot.path.glob("usr/lib/*/pkgconfig"))),
        "PKG_CONFIG_ALLOW_SYSTEM_CFLAGS": "1",
    }
    cflags = run("pkg-config", "--cflags", "alertrelay-format", env=environment).stdout.split()
    example = chroot.path / "usr/share/doc/alertrelay/examples/keyvalue.c"
    run("cc", "-O2", "-fPIC", "-shared", *cflags, "-o", tmp_path / "keyvalue.so", example)
    directory = next(chroot.path.glob("usr/lib/*/alertrelay/formats"))
    assert chroot.mode(directory.relative_to(chroot.path).as_posix()) == "755 root:root"
    run(*ROOT, "install", "-m", "644", tmp_path / "keyvalue.so", directory)
    try:
        shown = chroot.run("alertrelay", "formats", "keyvalue", user="alertrelay").stdout
    finally:
        run(*ROOT, "rm", directory / "keyvalue.so")
    assert shown.startswith("keyvalue (module /%s/keyvalue.so" % directory.relative_to(chroot.path))


def test_unconfigured_says_so(chroot):
    done = chroot.run("alertrelay", "check", user="alertrelay", check=False)
    assert done.returncode == 2
    assert re.search(r"^/etc/alertrelay/alertrelay\.yaml:\d+: ", done.stderr, re.MULTILINE)


@pytest.fixture(scope="module")
def configured(chroot, simulator, collector):
    chroot.write(ETC + "/app.secret", simulator.secret, "600", "alertrelay:alertrelay")
    chroot.write(ETC + "/graph.pem", pathlib.Path(simulator.ca_file).read_text())
    chroot.write(ETC + "/siem.pem", collector.authority.cert.read_text())
    chroot.write(
        ETC + "/alertrelay.yaml",
        f"""
app:
  client_id: {simulator.client_id}
  client_secret_file: /etc/alertrelay/app.secret
  login_root: {simulator.url}
  graph_root: {simulator.url}
http:
  ca_file: /etc/alertrelay/graph.pem
destinations:
  siem: {{transport: tls, address: "{collector.address}", format: cef, ca_file: /etc/alertrelay/siem.pem}}
feeds:
  - {{source: graph-alerts, to: [siem], look_back: 7d}}
""",
        "640",
        "root:alertrelay",
    )
    for number in range(1, TENANTS + 1):
        chroot.write(
            "%s/tenants.d/customer%d.yaml" % (ETC, number),
            "customer%d: {tenant_id: %s}\n" % (number, simulator.tenant_id(number)),
            "640",
            "root:alertrelay",
        )
    return chroot


def test_forwards(configured, simulator, collector):
    configured.run("alertrelay", "check", user="alertrelay")
    for _ in range(2):
        configured.run("alertrelay", "run", "--once", user="alertrelay")
    wait_for(lambda: len(collector.lines()) >= ALERTS)
    collector.stop()
    compare(simulator, read_all(collector.lines())).check()


def test_tells_the_service_manager(configured):
    folder = os.open(configured.path / "tmp", os.O_RDONLY)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.settimeout(30)
        # Through the descriptor: the path itself may be too long for a socket.
        manager.bind("/proc/self/fd/%d/notify" % folder)
        os.chmod("notify", 0o777, dir_fd=folder)
        heard = set()

        def hear(*wanted):
            while not heard.issuperset(wanted):
                heard.update(manager.recv(4096).decode().splitlines())

        service = subprocess.Popen(
            configured.command(
                "NOTIFY_SOCKET=/tmp/notify", "WATCHDOG_USEC=600000", "alertrelay", "run", user="alertrelay"
            ),
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            hear("READY=1")
            hear("WATCHDOG=1")
            service.send_signal(signal.SIGTERM)
            hear("STOPPING=1")
            assert service.wait(30) == 0, service.stderr.read().decode()
        finally:
            if service.poll() is None:
                service.terminate()
            os.close(folder)


def test_upgrade_keeps_everything(configured):
    before = configured.files()
    configured.run("dpkg", "-i", "--force-confold", "/tmp/alertrelay.deb")
    after = configured.files()
    # dpkg leaves the package's own version of a changed conffile beside it, or nothing.
    after.pop(ETC + "/alertrelay.yaml.dpkg-dist", None)
    assert after == before


def test_remove_and_install_again(configured):
    configured.run("dpkg", "--remove", "alertrelay")
    assert not configured.exists("usr/bin/alertrelay")
    assert configured.mode(ETC + "/alertrelay.yaml") == "640 root:alertrelay"
    configured.run("dpkg", "-i", "--force-confold", "/tmp/alertrelay.deb")
    assert configured.mode(ETC + "/tenants.d") == "750 root:alertrelay"
    configured.run("alertrelay", "check", user="alertrelay")


def test_purge_without_a_trace(chroot):
    chroot.run("dpkg", "--purge", "alertrelay")
    after = chroot.files()
    before = chroot.before
    assert {p: after[p] for p in after.keys() - before.keys()} == {}
    assert {p: before[p] for p in before.keys() - after.keys()} == {}
    assert {p: (before[p], after[p]) for p in before if before[p] != after[p]} == {}
    assert "alertrelay" not in chroot.run("dpkg-query", "-W").stdout
    assert shutil.which("alertrelay", path=str(chroot.path / "usr/bin")) is None
