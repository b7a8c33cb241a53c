"""What the commands in tests/soak share: options, a table, an end with a status."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS / "integration"))

import rsyslog  # noqa: E402
from relay import PROGRAM  # noqa: E402
from simulator import Simulator  # noqa: E402

# A pause that belongs to what is played; states are polled.
pause = threading.Event().wait


def parser(doc):
    result = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    result.add_argument("--seed", type=int, default=20240301, help="of all that is chance")
    result.add_argument("--keep", metavar="DIRECTORY", help="leave files and logs there")
    return result


def need_programs():
    # What was started is ended, however this ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    simulator = Path(os.environ.get("BUILD_DIR", "build")) / "tests/simulator/simulator"
    for program in PROGRAM, simulator:
        if not program.exists():
            sys.exit(
                f"{program} is not there: build first (make, make check TESTS=) and name the build"
                " directory in BUILD_DIR"
            )
    if not rsyslog.PROGRAM:
        sys.exit("rsyslogd is not there: install the packages rsyslog and rsyslog-openssl")


class Table:
    """Columns are (title, width). A row that failed says why below it."""

    def __init__(self, *columns):
        self.columns = columns
        self.rows = self.failed = 0
        self.line([title for title, _ in columns])

    def line(self, values):
        cells = (
            f"{str(value):<{width}}" if not number else f"{str(value):>{width}}"
            for number, (value, (_, width)) in enumerate(zip(values, self.columns))
        )
        print("  ".join(cells).rstrip(), flush=True)

    def row(self, *values, wrong=()):
        """wrong: sentences about what is not as it must be."""
        self.rows += 1
        self.line(values)
        self.failed += bool(wrong)
        for sentence in wrong:
            print(f"  ! {sentence}", flush=True)

    def play(self, name, scenario):
        """scenario() gives the cells after the name, and what was wrong."""
        try:
            cells, wrong = scenario()
        except Exception as error:
            traceback.print_exc()
            cells, wrong = [], [f"{type(error).__name__}: {str(error)[-2000:]}"]
        self.row(name, *cells, wrong=wrong)

    def end(self):
        """The last line, and the exit status."""
        fine = self.rows - self.failed
        print(f"{'failed' if self.failed or not self.rows else 'passed'}: {fine} of {self.rows} rows")
        return int(bool(self.failed or not self.rows))


class Place:
    """A directory for one command: with Place(options) as place: place.new("relay")"""

    def __init__(self, keep=None):
        self.keep, self.count = keep, 0

    def __enter__(self):
        if self.keep:
            Path(self.keep).mkdir(parents=True, exist_ok=True)
        self.top = Path(tempfile.mkdtemp(prefix="alertrelay-soak-", dir=self.keep))
        return self

    def new(self, name):
        self.count += 1
        directory = self.top / f"{self.count}-{name}"
        directory.mkdir()
        return directory

    def __exit__(self, *_):
        if not self.keep:
            shutil.rmtree(self.top, ignore_errors=True)


def simulator_in(directory, tenants, alerts, **options):
    directory.mkdir(parents=True, exist_ok=True)
    return Simulator(directory=directory, tenants=tenants, alerts=alerts, **options)


def open_files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def memory(pid):
    """Resident octets now."""
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def megabytes(octets):
    return f"{octets / 1e6:.1f}"


class Clock:
    def __init__(self):
        self.start = time.monotonic()

    def seconds(self):
        return time.monotonic() - self.start

    def __str__(self):
        return f"{self.seconds():.0f}"
