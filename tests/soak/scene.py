"""A relay with two feeds of the same tenants: one to the collector that has trouble, one beside it."""

import re

import soak
from odd import Odd
from received import compare, read_all
from relay import Relay, wait_until

# The feed beside it is late when a poll is more than this later than asked for.
LATE_S = 5
# What may be added while nothing changes.
GROWTH = 4e6


class Scene:
    """with Scene(place, collector) as scene: scene.run(), scene.add(), scene.trouble(...), scene.result()

    collector: whatever Relay.add_collector() takes, with lines(). The other one is our own."""

    def __init__(self, place, collector, seed, tenants=4, feed=None, **destination):
        self.collector = collector
        self.tenants = range(1, tenants + 1)
        self.simulator = soak.simulator_in(place.new("simulator"), tenants, 0, seed=seed)
        self.beside = Odd()
        self.directory = place.new("relay")
        self.feed = {"poll": "1s", "look_back": "1h", "overlap": "1s", "rescan_every": "0", **(feed or {})}
        self.destination = {"settle": "1s", **destination}
        self.grown = self.late = self.added = 0

    def __enter__(self):
        self.simulator.start()
        self.beside.start()
        self.relay = relay = Relay(self.directory, self.simulator, tenants=len(self.tenants))
        relay.add_collector(self.collector, **self.destination)
        relay.add_feed("soc", **self.feed)
        relay.add_destination("beside", transport="tcp", address=self.beside.address,
                              framing="octet", settle="0", tail="64K",
                              max_message_bytes="64K")  # fmt: skip
        relay.add_feed("beside", **self.feed)
        self.clock = soak.Clock()
        self.process = relay.start()
        return self

    def __exit__(self, *_):
        self.relay.kill()
        self.beside.stop()
        self.simulator.stop()

    def add(self, count):
        self.added += count
        for tenant in self.tenants:
            share = count // len(self.tenants) + (tenant <= count % len(self.tenants))
            if share:
                self.simulator.add_alerts(tenant, share)

    def alerts(self):
        return sum(len(self.simulator.versions(t)) for t in self.tenants)

    def says(self, text, seconds=120):
        wait_until(lambda: text in self.relay.log(), f"the relay says {text!r}", seconds)

    def beside_complete(self, seconds=60):
        wait_until(lambda: not self.missing(self.beside.lines()), "all is at the one beside", seconds, 0.3)

    def missing(self, lines):
        assert self.process.poll() is None, self.relay.log()[-2000:]
        return compare(self.simulator, read_all(lines)).lost

    def hold(self, seconds, rate=5):
        """The trouble goes on for so long, and alerts go on to come: the feed beside it is polled on time
        and the memory stays as it is, once what may wait for the collector is there."""
        for tenant in self.tenants:
            self.simulator.set_tenant(tenant, forget_gaps=True)
        clock, filled, peak = soak.Clock(), None, 0
        while clock.seconds() < seconds:
            self.add(rate)
            soak.pause(min(1, seconds))
            if clock.seconds() > min(30, seconds / 3):
                now = soak.memory(self.process.pid)
                filled = filled or now
                peak = max(peak, now)
        self.beside_complete()
        self.grown = max(self.grown, peak - (filled or peak))
        gaps = [self.simulator.requests(t)["max_gap_ms"] for t in self.tenants]
        self.late = max(self.late, max(gaps) / 1000 - 1)

    def resent(self):
        return sum(int(n) for n in re.findall(r"destination=soc .* resent=(\d+)", self.relay.log()))

    def result(self, seconds=180, repeats=True, messages=None):
        """The cells of COLUMNS and what was wrong. repeats: some are allowed, as many as were resent."""
        wrong = []
        lines = messages or self.collector.lines
        try:
            wait_until(lambda: not self.missing(lines()), "everything arrived", seconds, 1)
            # Once everything is there, the last break is over too.
            wait_until(self.steady, "the relay says that it works", 60, 0.2)
        except AssertionError as error:
            wrong.append(str(error))
        have = read_all(lines())
        result = compare(self.simulator, have)
        repeated = sum(result.repeated.values())
        resent = self.resent()
        if result.lost:
            wrong.append(f"{len(result.lost)} alerts were lost")
        if result.unexpected:
            wrong.append(f"never sent: {result.unexpected[:3]}")
        if repeated > resent:
            wrong.append(f"{repeated} came again, only {resent} were sent again")
        if repeated and not repeats:
            wrong.append(f"{repeated} came again, and nothing broke")
        if self.late > LATE_S:
            wrong.append(f"the feed beside it was polled {self.late:.1f} s late")
        if self.grown > GROWTH:
            wrong.append(f"memory grew by {soak.megabytes(self.grown)} MB")
        wrong += self.end()
        return [
            self.total, len(have), len(result.lost), repeated, resent, f"{max(self.late, 0):.1f}",
            soak.megabytes(self.grown), self.clock,
        ], wrong  # fmt: skip

    def steady(self):
        log = self.relay.log()
        trouble = log.rfind("takes no alerts; it is tried again for ever destination=soc")
        return trouble <= log.rfind("takes alerts again destination=soc")

    def end(self):
        self.total = self.alerts()
        status = self.relay.stop()
        return [f"the relay ended with {status}: {self.relay.log()[-2000:]}"] if status else []


COLUMNS = (
    ("what happens", 52), ("alerts", 6), ("arrived", 7), ("lost", 4), ("again", 5), ("resent", 6),
    ("late s", 6), ("grew MB", 7), ("s", 4),
)  # fmt: skip
