"""Why a collector got a message twice: what of it a break of the connection or a kill accounts for."""

import re
from dataclasses import dataclass

from received import read_all


@dataclass
class Run:
    """What one run of a collector wrote. resent: how many messages the relay says that it sent again
    when this run began, None where it cannot say."""

    messages: list
    resent: int = None


class Runs:
    """The runs of a collector that is killed: each has a file of its own, so that what one has left
    half written stays apart from what the next one writes.

    runs = Runs(collector, relay.log); runs.kill(); runs.start(); runs.read()"""

    def __init__(self, collector, log):
        self.collector, self.log = collector, log
        self.ended, self.logged = [], [0]

    def kill(self):
        self.collector.kill()
        file = self.collector.directory / f"run{len(self.ended)}.log"
        if self.collector.received.exists():
            self.collector.received.rename(file)
        else:
            file.touch()
        self.ended.append(file)

    def start(self):
        self.logged.append(len(self.log()))
        self.collector.start()

    def octets(self):
        """Of the run that goes on."""
        file = self.collector.received
        return file.stat().st_size if file.exists() else 0

    def files(self):
        return [*self.ended, self.collector.received]

    def lines(self):
        """Of all runs, complete ones."""
        return [l for f in self.files() if f.exists() for l in f.read_bytes().split(b"\n")[:-1]]

    def read(self, counted=False, **options):
        """counted: the relay's log tells how much of each run was sent again."""
        log, runs = self.log(), []
        for number, file in enumerate(self.files()):
            lines = file.read_bytes().split(b"\n")[:-1] if file.exists() else []
            run = Run(read_all(lines, **options))
            if counted:
                again = re.search(r"takes alerts again.* resent=(\d+)", log[self.logged[number] :])
                run.resent = int(again[1]) if again and number else 0
            runs.append(run)
        return runs


class Began:
    """What the state called delivered when each process of the relay began."""

    def __init__(self):
        self.number, self.first = {}, {}

    def add(self, process, delivered):
        self.number[str(process)] = number = len(self.number)
        for alert in delivered:
            self.first.setdefault(alert, number)

    def had(self, process):
        return str(process) in self.number

    def knew(self, message):
        first = self.first.get((message.alert, message.version))
        return first is not None and first <= self.number[message.process]


def account(runs, began=None):
    """How many messages came again, and those of them that should not have.

    The same process may send a message again only after a break, so in a later run, and it does it
    before all else: no more than it says, with what the next break left of it. Another process only what
    the state did not know."""
    seen, repeated, unexplained, allowed = {}, 0, [], 0
    for number, run in enumerate(runs):
        if number:
            allowed = max(0, allowed - len(runs[number - 1].messages)) + (run.resent or 0)
        for place, message in enumerate(run.messages):
            before = seen.get(message.key)
            seen[message.key] = number, message.process
            if before is None:
                continue
            repeated += 1
            if before[1] == message.process:
                fine = number > before[0] and (run.resent is None or place < allowed)
            else:
                fine = began is not None and not began.knew(message)
            if not fine:
                unexplained.append(message.key)
    return repeated, unexplained
