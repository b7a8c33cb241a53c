"""A real rsyslogd as the collector of a test: imtcp on a free port of the loopback, plain or TLS.

    with Rsyslog(directory) as collector:                      # plain
    with Rsyslog(directory, certs=certs, client_ca=True) ...   # TLS; asks for a client certificate
        collector.port, collector.received()
        collector.kill(); collector.start()                    # again on the same port

Each message is one line of the file `messages`, as it came from the wire, PRI included.
rsyslogd runs in its own directory with its own configuration; only its own pid is ever signalled.
"""

import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

PROGRAM = shutil.which("rsyslogd") or shutil.which("rsyslogd", path="/usr/sbin:/sbin")


def available(tls=False):
    """Whether this host has rsyslogd, and for TLS its OpenSSL driver."""
    if PROGRAM is None:
        return False
    return not tls or any(Path("/usr").glob("lib*/**/rsyslog/lmnsd_ossl.so"))


class Rsyslog:
    def __init__(self, directory, certs=None, name="siem.example.net", client_ca=False,
                 max_message="256k", max_sessions=100, main="", inputs="", start=True):
        """certs: a certs.Certs, then TLS. client_ca: clients must show a certificate of its CA.
        main, inputs: more configuration: at the top, and after the input."""
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.messages = self.directory / "messages"
        self.log_file = self.directory / "rsyslogd.log"
        self.process, self.port = None, 0
        self._port_file = self.directory / "port"
        self._certs, self._client_ca = certs, client_ca
        self._pair = certs.server(name) if certs else None
        self._max_message, self._max_sessions = max_message, max_sessions
        self._main, self._inputs = main, inputs
        if start:
            self.start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def _configuration(self):
        module = f'load="imtcp" MaxSessions="{self._max_sessions}"'
        tls = ""
        if self._certs:
            mode = "x509/certvalid" if self._client_ca else "anon"
            module += f' StreamDriver.Name="ossl" StreamDriver.Mode="1" StreamDriver.AuthMode="{mode}"'
            tls = (
                f'defaultNetstreamDriver="ossl" defaultNetstreamDriverCAFile="{self._certs.ca}"'
                f' defaultNetstreamDriverCertFile="{self._pair.cert}"'
                f' defaultNetstreamDriverKeyFile="{self._pair.key}"'
            )
        return "\n".join([
            f'global(workDirectory="{self.directory}" maxMessageSize="{self._max_message}"',
            '  parser.escapeControlCharactersOnReceive="off" processInternalMessages="off"',
            f"  {tls})",
            self._main,
            f"module({module})",
            'template(name="asItCame" type="string" string="%rawmsg%\\n")',
            'ruleset(name="all") {',
            f'  action(type="omfile" file="{self.messages}" template="asItCame")',
            "}",
            f'input(type="imtcp" address="127.0.0.1" port="{self.port}" ruleset="all"',
            f'  listenPortFileName="{self._port_file}")',
            self._inputs,
            "",
        ])

    def start(self, seconds=30):
        """Starts it, the second time on the port of the first, and waits until it listens."""
        assert self.process is None
        configuration = self.directory / "rsyslog.conf"
        configuration.write_text(self._configuration())
        self._port_file.unlink(missing_ok=True)
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "-n", "-f", str(configuration), "-i", str(self.directory / "pid")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )
        self.wait_until(self._listens, "rsyslogd listens", seconds)
        return self

    def _listens(self):
        assert self.process.poll() is None, self.log()
        if self.port:  # rsyslogd writes the file only for a port that it chose
            listens = f" 0100007F:{self.port:04X} 00000000:0000 0A "
            return listens in Path("/proc/net/tcp").read_text()
        text = self._port_file.read_text() if self._port_file.exists() else ""
        if not text.strip():
            return False
        self.port = int(text)
        return True

    @staticmethod
    def wait_until(condition, what, seconds=60):
        end = time.monotonic() + seconds
        while True:
            value = condition()
            if value:
                return value
            assert time.monotonic() < end, f"not within {seconds} s: {what}"
            threading.Event().wait(0.02)

    def _end(self, number, seconds=30):
        if self.process is None:
            return
        os.kill(self.process.pid, signal.SIGCONT)
        os.kill(self.process.pid, number)
        self.process.wait(seconds)
        self.process = None

    def stop(self):
        """In order: it closes its connections and writes what it has."""
        self._end(signal.SIGTERM)

    def kill(self):
        self._end(signal.SIGKILL)

    def pause(self):
        """It lives, its kernel answers, but it reads nothing."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def resume(self):
        os.kill(self.process.pid, signal.SIGCONT)

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def received(self):
        """The whole lines so far, as text with surrogates for octets that are no UTF-8."""
        if not self.messages.exists():
            return []
        text = self.messages.read_bytes().decode("utf-8", "surrogateescape")
        return text.split("\n")[:-1]

    def wait_for(self, count, seconds=60):
        """At least so many lines, or an error; gives them."""
        self.wait_until(lambda: len(self.received()) >= count, f"{count} messages", seconds)
        return self.received()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop()
