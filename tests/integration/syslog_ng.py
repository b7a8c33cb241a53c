"""A real syslog-ng as the collector: network() or syslog(), TCP, TLS or UDP on loopback.

It is unpacked, not installed: Debian's package cannot stand beside rsyslog's."""

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

from ports import HeldPort
from simulator import wait_for

TOP = Path(__file__).resolve().parent.parent.parent
UNPACKED = TOP / "build/syslog-ng"
LIBRARIES = UNPACKED / "usr/lib/syslog-ng"

# What network() makes of a message is as its flags say; syslog() reads RFC 5424.
CONFIG = """
@version: 3.38
options {{ stats-freq(0); use-dns(no); keep-hostname(yes); chain-hostnames(no); }};
source received {{
	{driver}(ip("127.0.0.1") port({port}) transport("{transport}") {tls} {size}
		flags(store-raw-message{flags}));
}};
{parsers}
destination raw {{ file("{directory}/received.log" template("${{RAWMSG}}\\n")); }};
destination parsed {{ file("{directory}/parsed.log" template("$(format-json
	--scope rfc5424,nv-pairs --exclude RAWMSG)\\n")); }};
log {{ source(received); destination(raw); {use} destination(parsed); }};
"""


def command():
    """The program and its environment."""
    installed = shutil.which("syslog-ng", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if installed:
        return [installed], {}
    subprocess.run([TOP / "tests/unpack", "syslog-ng-core", UNPACKED], check=True, timeout=300)
    (modules,) = LIBRARIES.glob("[0-9]*")
    program = [str(UNPACKED / "usr/sbin/syslog-ng"), "--module-path", str(modules)]
    return program, {"LD_LIBRARY_PATH": str(LIBRARIES)}


class SyslogNg:
    """with SyslogNg(directory, "network") as collector: collector.address, .lines(), .parsed()

    driver: network (lines) or syslog (counted frames). pair, authority: as with Rsyslog. size:
    log-msg-size(), None for its default. flags: more of the driver's. parser: what reads the
    message after that, as json-parser()."""

    def __init__(self, directory, driver, pair=None, authority=None, size=None, flags="", parser="", udp=False):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.driver, self.pair, self.authority = driver, pair, authority
        self.size, self.flags, self.parser = size, flags, parser
        self.process = None
        self.transport = "udp" if udp else "tls" if pair else "tcp"
        self.held = HeldPort(udp)
        self.port = self.held.number

    def configuration(self):
        tls = ""
        if self.pair:
            tls = (
                f'tls(key-file("{self.pair.key}") cert-file("{self.pair.cert}")'
                " peer-verify(optional-untrusted))"
            )
        return CONFIG.format(
            driver=self.driver,
            port=self.port,
            transport=self.transport,
            tls=tls,
            size=f"log-msg-size({self.size})" if self.size else "",
            flags=", " + self.flags if self.flags else "",
            parsers=f"parser body {{ {self.parser}; }};" if self.parser else "",
            use="parser(body);" if self.parser else "",
            directory=self.directory,
        )

    def start(self):
        program, environment = command()
        config = self.directory / "syslog-ng.conf"
        config.write_text(self.configuration())
        with open(self.directory / "syslog-ng.log", "ab") as log:
            self.process = subprocess.Popen(
                [
                    *program,
                    "--foreground",
                    "--no-caps",
                    "--stderr",
                    f"--cfgfile={config}",
                    f"--persist-file={self.directory}/persist",
                    f"--pidfile={self.directory}/pid",
                    f"--control={self.directory}/control",
                ],
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

        def listens():
            if self.process.poll() is not None:
                raise RuntimeError("syslog-ng ended: " + self.log())
            return self.held.listens()

        try:
            wait_for(listens)
        except BaseException:
            self.kill()
            raise
        return self

    def end(self, number):
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(20)
            self.process = None

    def stop(self):
        """In order; everything it has is written."""
        self.end(signal.SIGTERM)

    def kill(self):
        self.end(signal.SIGKILL)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()
        self.held.stop()

    @property
    def address(self):
        return f"localhost:{self.port}"

    def lines(self):
        """Complete raw messages, as octets."""
        return self.read("received.log")

    def parsed(self):
        """What it has made of each: HOST, PROGRAM, MESSAGE, ..."""
        return [json.loads(line) for line in self.read("parsed.log")]

    def read(self, name):
        file = self.directory / name
        return file.read_bytes().split(b"\n")[:-1] if file.exists() else []

    def log(self):
        return (self.directory / "syslog-ng.log").read_text(errors="replace")
