"""Two network namespaces and a wire between them that delays packets, loses them, or is cut.

The wire is a thread that carries packets from one tun device to the other: it needs no netem in the
kernel, and the same seed loses the same packets. The namespaces end with the processes in them.
Needs root, or the right to make user namespaces."""

import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

from relay import wait_until

NEAR, FAR = "10.77.0.1", "10.77.0.2"
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
MARK = "ALERTRELAY_SOAK_NAMESPACE"
NOT_HERE = 77


def enter():
    """Goes on in a network namespace of its own, or ends with a sentence and status 77."""
    if os.environ.get(MARK):
        ip("link", "set", "lo", "up")
        return
    unshare = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
    try:
        reason = subprocess.run(
            [*unshare, "ip", "tuntap", "add", "probe", "mode", "tun"], capture_output=True, text=True
        ).stderr.strip()
    except FileNotFoundError as error:
        reason = f"{error.filename} is missing (packages iproute2 and util-linux)"
    if reason:
        print(
            f"not here: network namespaces with tun devices cannot be made: {reason}; run this as root"
            " on a machine that has /dev/net/tun"
        )
        sys.exit(NOT_HERE)
    os.execvpe(unshare[0], [*unshare, sys.executable, *sys.argv], {**os.environ, MARK: "1"})


def ip(*arguments, enter=()):
    subprocess.run([*enter, "ip", *arguments], check=True)


def tun(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return fd


class Wire:
    """with Wire(seed) as wire: wire.delay_s = 0.05; wire.jitter_s, wire.loss, wire.cut; wire.far(6514)"""

    def __init__(self, seed):
        self.delay_s = self.jitter_s = self.loss = 0
        self.cut = False
        self.lost = 0
        self.chance = random.Random(seed)
        self.over = False

    def __enter__(self):
        self.holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        pid = self.holder.pid
        namespace = f"/proc/{pid}/ns/net"
        own = os.readlink("/proc/self/ns/net")
        wait_until(lambda: os.readlink(namespace) != own, "the namespace is there")
        self.enter = ["nsenter", "--target", str(pid), "--net"]
        self.ends = [tun("near"), tun("far")]
        ip("link", "set", "far", "netns", str(pid))
        for name, address, peer, where in (("near", NEAR, FAR, ()), ("far", FAR, NEAR, self.enter)):
            ip("addr", "add", address, "peer", peer, "dev", name, enter=where)
            ip("link", "set", name, "txqueuelen", "5000", "up", enter=where)
            ip("link", "set", "lo", "up", enter=where)
        self.thread = threading.Thread(target=self.carry, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over = True
        self.thread.join()
        for end in self.ends:
            os.close(end)
        self.holder.kill()
        self.holder.wait()

    def link(self, up):
        """The link itself, as when a cable is pulled at the relay's host."""
        ip("link", "set", "near", "up" if up else "down")

    def far(self, port):
        return FarPort(self, port)

    def carry(self):
        waiting, number = [], 0
        while not self.over:
            now = time.monotonic()
            while waiting and waiting[0][0] <= now:
                _, _, end, packet = heapq.heappop(waiting)
                self.put(end, packet)
            pause = min(0.1, waiting[0][0] - now) if waiting else 0.1
            for end in select.select(self.ends, [], [], max(0, pause))[0]:
                other = self.ends[1 - self.ends.index(end)]
                for packet in self.packets(end):
                    if self.cut or self.chance.random() < self.loss:
                        self.lost += 1
                    elif not self.delay_s:
                        self.put(other, packet)
                    else:
                        number += 1
                        due = time.monotonic() + self.delay_s + self.chance.random() * self.jitter_s
                        heapq.heappush(waiting, (due, number, other, packet))

    @staticmethod
    def packets(end):
        for _ in range(64):
            try:
                yield os.read(end, 65536)
            except OSError:  # no more, or the link is down
                return

    def put(self, end, packet):
        try:
            os.write(end, packet)
        except OSError:
            self.lost += 1


class FarPort:
    """A port of the far end, as HeldPort is one of this one."""

    host = name = FAR

    def __init__(self, wire, number):
        self.wire, self.number = wire, number
        self.enter = wire.enter

    def listens(self):
        octets = "".join(f"{int(part):02X}" for part in reversed(FAR.split(".")))
        listening = f"{octets}:{self.number:04X} 00000000:0000 0A"
        return listening in Path(f"/proc/{self.wire.holder.pid}/net/tcp").read_text()

    def stop(self):
        pass
