"""A RELP server that does what a test wants, and is as strict with its client as librelp is."""

import re
import socket
import threading
import time

from ports import HeldPort

OFFERS = b"200 OK\nrelp_version=0\nrelp_software=test\ncommands=syslog\n"
FRAME = re.compile(rb"([1-9][0-9]{0,8}) ([A-Za-z]{1,32}) (0|[1-9][0-9]{0,8})(?=( |\n))")


def rsp(number, data=b"200 OK"):
    return b"%d rsp %d%s\n" % (number, len(data), b" " + data if data else b"")


class Broken(Exception):
    """Raised by a test's function: the session ends here; reset: with RST."""

    def __init__(self, reset=False):
        self.reset = reset


class Session:
    """One connection: messages is a list of what arrived, answered of when each was, or None."""

    def __init__(self, server, link):
        self.server, self.link = server, link
        self.buffer = b""
        self.expected = 1
        self.messages, self.answered = [], []
        self.unanswered_most = 0
        self.closed = self.over = False
        self.over_at = None

    def frame(self, wait):
        """(number, command, data) of the next frame; None at the end; () when none comes in time."""
        self.link.settimeout(wait)
        while True:
            head = FRAME.match(self.buffer)
            if head:
                size = int(head[3])
                begin = head.end() + (1 if size else 0)
                if len(self.buffer) > begin + size:
                    data, end = self.buffer[begin : begin + size], self.buffer[begin + size]
                    assert end == 0x0A, "no line feed behind the data"
                    self.buffer = self.buffer[begin + size + 1 :]
                    return int(head[1]), head[2].decode(), data
            else:
                assert len(self.buffer) < 60, f"no frame: {self.buffer[:60]}"
            try:
                more = self.link.recv(65536)
            except TimeoutError:
                return ()
            except OSError:
                return None
            if not more:
                return None
            self.buffer += more

    def send(self, octets):
        pieces = [octets[i : i + 1] for i in range(len(octets))] if self.server.drip else [octets]
        for piece in pieces:
            self.link.sendall(piece)

    def answer(self, place, data=b"200 OK"):
        """Answers the message at this place."""
        self.answered[place] = time.monotonic()
        self.send(rsp(place + 2, data))

    def run(self):
        while True:
            frame = self.frame(self.server.idle_s)
            if frame is None:
                return
            if not frame:
                self.server.idle(self)
                continue
            number, command, data = frame
            assert number == self.expected, f"number {number} instead of {self.expected}"
            self.expected += 1
            assert not self.closed, "a command after close"
            if command == "open":
                assert number == 1 and b"relp_version=" in data and b"commands=syslog" in data
                if self.server.offers is not None:
                    self.send(rsp(number, self.server.offers))
            elif command == "close":
                self.closed = True
                self.send(rsp(number, b""))
            else:
                assert command == "syslog" and number > 1, command
                self.messages.append(data)
                self.answered.append(None)
                self.unanswered_most = max(self.unanswered_most, self.answered.count(None))
                self.server.take(self, len(self.messages) - 1)


class RelpServer:
    """take(session, place): a message arrived; it may session.answer(place). idle(session): nothing
    came for a while. offers: the answer to open, None: none. drip: octets are sent one by one."""

    def __init__(self, take=None, idle=None, offers=OFFERS, drip=False, idle_s=0.05):
        self.take = take or (lambda session, place: session.answer(place))
        self.idle = idle or (lambda session: None)
        self.offers, self.drip, self.idle_s = offers, drip, idle_s
        self.sessions, self.wrong = [], []
        self.held = HeldPort()
        self.listener = None

    @property
    def address(self):
        return f"localhost:{self.held.number}"

    def start(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.held.number))
        self.listener.listen(16)
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()
        return self

    def accept(self, listener):
        while True:
            try:
                link, _ = listener.accept()
            except OSError:
                return
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            session = Session(self, link)
            self.sessions.append(session)
            threading.Thread(target=self.serve, args=(session,), daemon=True).start()

    def serve(self, session):
        try:
            session.run()
        except Broken as broken:
            if broken.reset:
                linger = b"\x01\0\0\0\0\0\0\0"
                session.link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        except OSError:
            pass
        except AssertionError as error:
            self.wrong.append(str(error))
        session.over_at = time.monotonic()
        session.over = True
        session.link.close()

    def deaf(self):
        """Takes no more connections; start() again."""
        if self.listener:
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
            self.listener = None

    def stop(self):
        self.deaf()
        for session in self.sessions:
            if not session.over:
                try:
                    session.link.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        self.held.stop()

    def lines(self):
        """Every message of every session, in order."""
        return [message for session in self.sessions for message in session.messages]

    def accepted(self):
        """Only those that were answered with 200 while the session lasted."""
        return [
            message
            for session in self.sessions
            for message, at in zip(session.messages, session.answered)
            if at is not None
        ]
