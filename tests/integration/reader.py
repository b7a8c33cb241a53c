"""A collector in client mode: connects to the relay, reads, and writes what it has read to a file of
its own for each connection. As a program: reader.py PORT DIRECTORY [CA [CERT KEY]]"""

import signal
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path


class Reader:
    """Runs the program below; the names of its files sort in the order of its connections."""

    def __init__(self, port, directory, *tls):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.command = [sys.executable, __file__, str(port), str(self.directory), *map(str, tls)]
        self.process = None

    def start(self):
        self.process = subprocess.Popen(self.command)
        return self

    def send(self, number):
        self.process.send_signal(number)

    def kill(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def connections(self):
        return sorted(self.directory.glob("*.log"))

    def lines(self):
        """Whole lines of all connections."""
        return [line for file in self.connections() for line in file.read_bytes().split(b"\n")[:-1]]


def connect(port, ca=None, *pair):
    """Tries until somebody listens."""
    while True:
        plain = socket.socket()
        try:
            plain.connect(("127.0.0.1", port))
            if not ca:
                return plain
            context = ssl.create_default_context(cafile=ca)
            if pair:
                context.load_cert_chain(*pair)
            return context.wrap_socket(plain, server_hostname="localhost")
        except OSError:
            plain.close()
            threading.Event().wait(0.02)


def main(port, directory, *tls):
    while True:
        try:
            stream = connect(int(port), *tls)
            count = len(list(Path(directory).glob("*.log")))
            with open(Path(directory) / f"{count:04d}.log", "xb", buffering=0) as file:
                while octets := stream.recv(65536):
                    file.write(octets)
        except OSError as error:
            print("reader:", error, file=sys.stderr)
            threading.Event().wait(0.2)


if __name__ == "__main__":
    main(*sys.argv[1:])
