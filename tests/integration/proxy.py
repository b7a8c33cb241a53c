"""A small HTTP proxy that knows CONNECT, and brings every host name to this machine; a port of IPv6."""

import base64
import select
import socket
import socketserver
import threading

from ports import HeldPort


class Proxy:
    """silent: it takes a connection and says nothing. login: "user:password" that it wants."""

    def __init__(self, login=None, refuse=None, silent=False):
        self.login, self.refuse, self.silent = login, refuse, silent
        self.heads = []
        self.over = threading.Event()
        proxy = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                proxy.handle(self.request)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def handle(self, client):
        head = b""
        while b"\r\n\r\n" not in head:
            piece = client.recv(65536)
            if not piece:
                return
            head += piece
        text = head.decode()
        self.heads.append(text)
        if self.silent:
            self.over.wait()
            return
        answer = self.answer(text)
        client.sendall(f"HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n".encode())
        if not answer.startswith("200"):
            return
        port = int(text.split()[1].rsplit(":", 1)[1])
        with socket.create_connection(("127.0.0.1", port)) as server:
            self.carry(client, server)

    def answer(self, head):
        if not head.startswith("CONNECT "):
            return "405 Method Not Allowed"
        if self.refuse:
            return self.refuse
        if self.login:
            wanted = "Basic " + base64.b64encode(self.login.encode()).decode()
            if f"Proxy-Authorization: {wanted}\r\n" not in head:
                return "407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=x"
        return "200 Connection established"

    @staticmethod
    def carry(one, other):
        while True:
            for source in select.select([one, other], [], [])[0]:
                try:
                    data = source.recv(65536)
                    if not data:
                        return
                    (other if source is one else one).sendall(data)
                except OSError:
                    return

    def stop(self):
        self.over.set()
        self.server.shutdown()
        self.server.server_close()


class Door:
    """A port of [::1] that leads to one of 127.0.0.1; on its number nobody listens there."""

    def __init__(self, port):
        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                with socket.create_connection(("127.0.0.1", port)) as server:
                    Proxy.carry(self.request, server)

        class Server(socketserver.ThreadingTCPServer):
            address_family = socket.AF_INET6
            daemon_threads = True

        self.held = HeldPort()
        self.port = self.held.number
        self.server = Server(("::1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.held.stop()
