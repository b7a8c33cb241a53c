"""`openssl s_server` as the collector: TLS of one version, and what it reads in a file."""

import signal
import subprocess
from pathlib import Path

from ports import HeldPort
from simulator import wait_for


class SServer:
    transport = "tls"

    def __init__(self, directory, pair, authority, *options):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.received = self.directory / "received"
        self.pair, self.authority, self.options = pair, authority, options
        self.process = None
        self.held = HeldPort()
        self.port = self.held.number

    @property
    def address(self):
        return f"localhost:{self.port}"

    def start(self):
        with open(self.received, "ab") as output, open(self.directory / "log", "ab") as log:
            self.process = subprocess.Popen(
                [
                    *["openssl", "s_server", "-accept", f"127.0.0.1:{self.port}", "-quiet"],
                    *["-cert", self.pair.cert, "-key", self.pair.key, *self.options],
                ],
                stdin=subprocess.PIPE,  # its end would be the end of the connection
                stdout=output,
                stderr=log,
            )
        wait_for(self.held.listens)
        return self

    def lines(self):
        """Whole frames so far."""
        octets = self.received.read_bytes()
        messages = []
        while True:
            size, space, rest = octets.partition(b" ")
            if not space or len(rest) < int(size):
                return messages
            messages.append(rest[: int(size)])
            octets = rest[int(size) :]

    def stop(self):
        self.end(signal.SIGTERM)

    def kill(self):
        self.end(signal.SIGKILL)

    def end(self, number):
        if self.process is not None:
            self.process.send_signal(number)
            self.process.stdin.close()
            self.process.wait(20)
            self.process = None
