"""Ports of loopback that the system chooses."""

import socket
from pathlib import Path


class HeldPort:
    """A port on which nobody listens and which nobody gets by chance: neither another process that
    lets the system choose, nor a connection's own end. A server that is given it can listen on it
    all the same, and after its end again, when it sets SO_REUSEADDR as they all do."""

    host = "127.0.0.1"
    name = "localhost"
    enter = []  # what goes before the command of a server that shall listen here

    def __init__(self, udp=False):
        self.udp = udp
        self.socket = socket.socket(type=socket.SOCK_DGRAM if udp else socket.SOCK_STREAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((self.host, 0))
        self.number = self.socket.getsockname()[1]
        if udp:
            self.socket.connect(("127.0.0.1", 9))  # nobody else's datagrams are taken

    def listens(self):
        """Seen from outside: a connection would be one that a test counts."""
        name, state = ("udp", "07") if self.udp else ("tcp", "0A")
        listening = f"0100007F:{self.number:04X} 00000000:0000 {state}"
        return listening in Path(f"/proc/net/{name}").read_text()

    def stop(self):
        self.socket.close()
