"""One destination, what it would be sent, and sending it: for tests of what collectors make of it."""

import json
import re
import subprocess
from pathlib import Path

from relay import PROGRAM, Relay, wait_until

TESTS = Path(__file__).resolve().parent.parent
# All of Graph's: whatever a vendor's alert may hold, and one alert for each type of evidence.
FILES = [
    TESTS / "samples/graph-alerts_v2.json",
    TESTS / "golden/nasty-values.json",
    TESTS / "golden/evidence-types.json",
]


def known(option):
    """The names that an option of preview takes, as the program lists them."""
    result = subprocess.run(
        [str(PROGRAM), "preview", option, "no-such"], capture_output=True, text=True, timeout=60
    )
    return re.search(r"there are: (.*)", result.stderr)[1].split(", ")


def all_alerts(directory):
    """The answers of FILES as they are, one after the other, and how many alerts they hold."""
    answers = Path(directory) / "alerts.json"
    answers.write_bytes(b"\n".join(file.read_bytes() for file in FILES))
    return answers, sum(len(json.loads(file.read_text())["value"]) for file in FILES)


class Sending:
    """Sending(directory, collector, preset="rsyslog"): options are the destination's."""

    def __init__(self, directory, collector, **options):
        self.relay = Relay(directory)
        self.relay.config["app"].update(client_secret_env="NO_SECRET_IS_NEEDED")
        self.relay.add_tenants(1)
        self.relay.add_feed("soc")
        self.destination = {
            "transport": collector.transport,
            "address": collector.address,
            "settle": "0",
            **({"ca_file": str(collector.authority)} if collector.pair else {}),
            **options,
        }
        self.relay.add_destination("soc", **self.destination)
        self.config = self.relay.write()

    def run(self, command, answer, *arguments):
        result = subprocess.run(
            [
                *[str(PROGRAM), command, "-c", str(self.config), "--to", "soc"],
                *["--tenant", "customer1", *arguments, str(answer)],
            ],
            capture_output=True,
            timeout=120,
            env={"NO_SECRET_IS_NEEDED": "none"},
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    def messages(self, answer):
        """The octets of each message that should arrive, by preview."""
        lines = self.run("preview", answer, "--wire", "--framing", "lf").split(b"\n")
        assert lines.pop() == b""
        return lines

    def send(self, answer, count, *files):
        """By replay; waits until each of files() gives so many more, and gives those of the first."""
        before = [len(file()) for file in files]
        self.run("replay", answer)
        for file, lines in zip(files, before):
            wait_until(lambda: len(file()) >= lines + count, f"{count} messages arrived")
        return files[0]()[before[0] :]


def without_process(message):
    """PROCID is another in each run."""
    return re.sub(rb"^(<\d+>1 \S+ \S+ \S+) \d+ ", rb"\1 - ", message)


def body_of(message):
    """What stands behind the header, that of RFC 5424, of RFC 3164 with or without a tag, or none."""
    if re.match(rb"<\d+>1 ", message):
        rest = message.split(b" ", 6)[6]
        while rest.startswith(b"["):
            rest = re.sub(rb'^\[[^ \]]+(?: [^ =]+="(?:[^"\\\]]|\\.)*")*\]', b"", rest, count=1)
        return rest.removeprefix(b"-").removeprefix(b" ")
    header = re.match(rb"<\d+>[A-Z][a-z]{2} [ \d]\d [\d:]{8} \S+ (?:alertrelay: )?", message)
    return message[header.end() :] if header else message
