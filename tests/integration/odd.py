"""A collector of our own that does what no good one does: it reads slowly, not at all, resets."""

import contextlib
import fcntl
import socket
import ssl
import struct
import sys
import termios
import threading
import time

from ports import HeldPort


class Odd:
    """odd = Odd(Odd.slow).start(); odd.address; odd.behave = Odd.read; odd.lines()

    behave(odd, connection, stream) reads one connection into a bytearray; what comes later is read by
    what `behave` is then. Frames are octet-counted. pair: as with Rsyslog."""

    def __init__(self, behave=None, pair=None, authority=None, receive_buffer=None):
        self.behave = behave or Odd.read
        self.pair, self.authority, self.receive_buffer = pair, authority, receive_buffer
        self.tls = None
        if pair:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(pair.cert, pair.key)
        self.held = HeldPort()
        self.port = self.held.number
        self.streams, self.connections, self.threads = [], [], []
        self.listener = None
        self.accepts = True
        self.go_on = threading.Event()  # ends what waits

    @property
    def address(self):
        return f"localhost:{self.port}"

    @property
    def transport(self):
        return "tls" if self.pair else "tcp"

    def start(self):
        """Listens; each time on the same port."""
        self.go_on.clear()
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if self.receive_buffer:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_buffer)
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen(16)
        if self.accepts:
            self.thread(self.accept_all, self.listener)
        return self

    def thread(self, target, *arguments):
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self.threads.append(thread)
        thread.start()

    def accept_all(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            self.thread(self.serve, connection)

    def serve(self, connection):
        stream = bytearray()
        self.streams.append(stream)
        with contextlib.suppress(OSError, ValueError):
            if self.tls and self.behave is not Odd.silent:
                connection = self.tls.wrap_socket(connection, server_side=True)
                self.connections.append(connection)
            self.behave(self, connection, stream)
        with contextlib.suppress(OSError):
            connection.close()

    # What a collector may do.

    def read(self, connection, stream, limit=None, size=65536):
        """Gives False at its end."""
        while limit is None or len(stream) < limit:
            piece = connection.recv(size)
            if not piece:
                return False
            stream += piece
        return True

    def slow(self, connection, stream):
        """About 100 KB a second."""
        while not self.go_on.wait(0.04):
            if not self.read(connection, stream, len(stream) + 1, 4096):
                return
        self.read(connection, stream)

    def stall(self, connection, stream):
        """Stops after some messages, until go_on."""
        if self.read(connection, stream, 50000):
            self.go_on.wait()
            self.read(connection, stream)

    def never(self, connection, stream):
        """Takes a connection and does not read."""
        self.go_on.wait()

    def shuts(self, connection, stream, seconds=0.02):
        """Does not read either; at go_on a FIN comes first, and later the reset."""
        if self.read(connection, stream, 1, 1):
            self.go_on.wait()
            connection.shutdown(socket.SHUT_RDWR)
            threading.Event().wait(seconds)

    def shuts_long(self, connection, stream):
        """The reset comes when the next connection is long in use."""
        self.shuts(connection, stream, 3)

    def silent(self, connection, stream):
        """With TLS: no handshake."""
        self.go_on.wait()

    def resets(self, connection, stream):
        """After some messages, with more of them unread, again and again."""
        if self.read(connection, stream, 300000):
            self.reset(connection)

    def closes(self, connection, stream):
        """Reads for a moment, sends a FIN, and reads the rest."""
        if self.moment(connection, stream):
            # That of SSLSocket would end TLS for reading too.
            socket.socket.shutdown(connection, socket.SHUT_WR)
            self.read(connection, stream)

    def resets_soon(self, connection, stream):
        """Reads for a moment and resets the connection, whatever is unread."""
        if self.moment(connection, stream):
            self.reset(connection)

    def moment(self, connection, stream, seconds=0.08):
        """From the first octets on."""
        if not self.read(connection, stream, 1):
            return False
        connection.settimeout(seconds / 4)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with contextlib.suppress(TimeoutError):
                if not self.read(connection, stream, len(stream) + 1):
                    return False
        connection.settimeout(None)
        return True

    @staticmethod
    def reset(connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    # What it has got.

    def lines(self):
        """Whole messages that were read, by connection, in order."""
        return [message for stream in self.streams for message in frames(bytes(stream))]

    def kill(self):
        """As when its process ends: what is unread is gone, with a reset when there was any."""
        if self.listener:
            with contextlib.suppress(OSError):
                self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
            self.listener = None
        for connection in self.connections:
            with contextlib.suppress(OSError, ValueError):
                # Nobody reads any more, and those who wait for octets see an end.
                self.reset(connection) if unread(connection) else connection.shutdown(socket.SHUT_RDWR)
        self.go_on.set()
        for thread in self.threads:
            thread.join(20)
        self.connections.clear()
        self.threads.clear()

    def stop(self):
        self.kill()
        self.held.stop()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


def unread(connection):
    """Whether the kernel has octets of it that nobody has read."""
    count = fcntl.ioctl(connection.fileno(), termios.FIONREAD, b"\0" * 4)
    return int.from_bytes(count, sys.byteorder) > 0


def frames(octets):
    """The whole ones; the last may be torn."""
    messages, at = [], 0
    while at < len(octets):
        space = octets.find(b" ", at, at + 11)
        if space < 0:
            break
        end = space + 1 + int(octets[at:space])
        if end > len(octets):
            break
        messages.append(octets[space + 1 : end])
        at = end
    return messages
