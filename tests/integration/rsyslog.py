"""A real rsyslog as the collector: TCP, TLS, RELP or UDP on loopback, each raw message one line."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from ports import HeldPort
from simulator import wait_for

PROGRAM = shutil.which("rsyslogd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")

# As librelp calls the drivers.
RELP_LIBRARIES = {"ossl": "openssl", "gtls": "gnutls"}

CONFIG = """
global(
	workDirectory="{directory}"
	{size}
	{escape}
	{tls_files}
)
module(load="{module}"{options})
{head}
input(type="{module}" address="{host}" port="{port}" ruleset="received"{input})
template(name="raw" type="string" string="%rawmsg%\\n")
ruleset(name="received" queue.type="direct") {{
	action(type="omfile" file="{received}" template="raw")
	{actions}
}}
"""


class Rsyslog:
    """with Rsyslog(directory, pair=..., ca=...) as collector: collector.address, .lines()

    pair: certificate and key, then it speaks TLS. authority: the CA that issued it, for clients.
    ca: CA of the client certificates that it wants. size: its maxMessageSize, None for its default.
    escape: whether control characters are written as #011, as it does by default. head, actions:
    more of its configuration, outside of and in the ruleset. module: imtcp, imrelp, imudp, or
    imptcp, which has no TLS; driver: the library of TLS, ossl or gtls. held: where it listens, if
    not on loopback."""

    def __init__(
        self, directory, pair=None, authority=None, ca=None, size="2m", escape=False, head="", actions="",
        module="imtcp", driver="ossl", held=None,
    ):  # fmt: skip
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.received = self.directory / "received.log"
        self.received.touch()
        self.pair, self.authority, self.ca = pair, authority, ca
        self.size, self.escape, self.head, self.actions = size, escape, head, actions
        self.module, self.driver = module, driver
        self.process = None
        self.held = held or HeldPort(udp=module == "imudp")
        self.port = self.held.number

    @property
    def transport(self):
        """What a destination has to say to reach it."""
        if self.module == "imrelp":
            return "relp+tls" if self.pair else "relp"
        if self.module == "imudp":
            return "udp"
        return "tls" if self.pair else "tcp"

    def module_options(self):
        if self.module == "imrelp":
            return f' tls.tlslib="{RELP_LIBRARIES[self.driver]}"'
        options = ' maxSessions="500"' if self.module == "imtcp" else ""
        if self.pair:
            mode = "x509/certvalid" if self.ca else "anon"
            options += f' streamDriver.name="{self.driver}" streamDriver.mode="1"'
            options += f' streamDriver.authMode="{mode}"'
        return options

    def input_options(self):
        if self.module == "imudp":
            return ""
        if self.module != "imrelp":
            return ' maxFrameSize="2000000"'
        options = f' maxDataSize="{self.size}"' if self.size else ""
        if self.pair:
            options += f' tls="on" tls.myCert="{self.pair.cert}" tls.myPrivKey="{self.pair.key}"'
        if self.ca:
            options += f' tls.authMode="certvalid" tls.caCert="{self.ca}"'
        return options

    def configuration(self):
        tls_files = ""
        if self.pair and self.module != "imrelp":
            tls_files = (
                f'defaultNetstreamDriverCAFile="{self.ca or self.pair.cert}"'
                f' defaultNetstreamDriverCertFile="{self.pair.cert}"'
                f' defaultNetstreamDriverKeyFile="{self.pair.key}"'
            )
        return CONFIG.format(
            directory=self.directory,
            received=self.received,
            host=self.held.host,
            port=self.port,
            module=self.module,
            options=self.module_options(),
            input=self.input_options(),
            tls_files=tls_files,
            size=f'maxMessageSize="{self.size}"' if self.size else "",
            escape="" if self.escape else 'parser.escapeControlCharactersOnReceive="off"',
            head=self.head,
            actions=self.actions,
        )

    def start(self):
        """Listens; each time on the same port."""
        (self.directory / "pid").unlink(missing_ok=True)
        config = self.directory / "rsyslog.conf"
        config.write_text(self.configuration())
        with open(self.directory / "rsyslog.log", "ab") as log:
            self.process = subprocess.Popen(
                [*self.held.enter, PROGRAM, "-n", "-f", str(config), "-i", str(self.directory / "pid")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

        def listens():
            if self.process.poll() is not None:
                raise RuntimeError("rsyslog ended: " + self.log())
            return self.held.listens()

        try:
            wait_for(listens)
        except BaseException:
            self.kill()
            raise
        return self

    def stop(self):
        """In order; everything it has is written."""
        self.end(signal.SIGTERM)

    def kill(self):
        """At once; what it holds in memory is lost."""
        self.end(signal.SIGKILL)

    def end(self, number):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(number)
            if number != signal.SIGKILL:
                self.process.send_signal(signal.SIGCONT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.end(signal.SIGKILL)
        self.held.stop()

    @property
    def address(self):
        return f"{self.held.name}:{self.port}"

    def lines(self, name="received.log"):
        """Complete lines, as octets; of another file that its actions write."""
        file = self.directory / name
        return file.read_bytes().split(b"\n")[:-1] if file.exists() else []

    def log(self):
        return (self.directory / "rsyslog.log").read_text(errors="replace")
