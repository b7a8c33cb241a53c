"""The same alerts on their way to the same collector: by the relay, by rsyslog's omfwd, by syslog-ng's
network(). Each takes portions while it runs."""

import os
import signal
import subprocess

import rsyslog
import syslog_ng
from received import compare, read_all
from relay import BUILD_DIR, PROGRAM, Relay
from repeats import Began

TENANTS = 5


class RelaySender:
    """collector: a running one. The load is the simulator's, asked for as at a customer's."""

    name = "alertrelay"

    def __init__(self, directory, collector, simulator):
        self.simulator = simulator
        self.collector = collector
        self.relay = Relay(directory, simulator, tenants=TENANTS)
        self.relay.add_collector(collector, settle="1s")
        # Nothing is shown late here, and each kill would read all of it again.
        self.relay.add_feed("soc", poll="1s", look_back="1h", overlap="1s", rescan_every="0")
        self.began = Began()

    def start(self):
        delivered = self.relay.confirmed()
        process = self.relay.start()
        # The system gives out numbers again; messages tell their process by its number.
        while self.began.had(process.pid):
            self.relay.kill()
            process = self.relay.start()
        self.began.add(process.pid, delivered)

    def kill(self):
        self.relay.kill()

    def stop(self):
        status = self.relay.stop()
        return [f"the relay ended with {status}: {self.relay.log()[-2000:]}"] if status else []

    def more(self, count):
        for tenant in range(1, TENANTS + 1):
            share = count // TENANTS + (tenant <= count % TENANTS)
            if share:
                self.simulator.add_alerts(tenant, share)

    def log(self):
        return self.relay.log()

    def lost(self, messages):
        result = compare(self.simulator, messages)
        assert not result.unexpected, result.unexpected[:3]
        return len(result.lost)


def messages_file(file, count, seed):
    """As many messages, one a line, as the relay would send them."""
    simulator = BUILD_DIR / "tests/simulator/simulator"
    with open(file, "wb") as output:
        dump = subprocess.Popen(
            [simulator, "--seed", str(seed), "--dump", str(count)], stdout=subprocess.PIPE
        )
        subprocess.run(
            [PROGRAM, "preview", "--format", "cef", "--wire", "--framing", "lf", "-"],
            stdin=dump.stdout, stdout=output, check=True,
        )  # fmt: skip
        dump.stdout.close()
        assert dump.wait() == 0
    return file


class FileSender:
    """Reads a file that grows; its queue is on disk."""

    def __init__(self, directory, collector, messages):
        self.directory, self.collector = directory, collector
        self.load = directory / "load.log"
        self.load.touch()
        self.source = open(messages, "rb")
        self.given = []
        self.process = None

    def more(self, count):
        lines = [line for _, line in zip(range(count), self.source)]
        self.given += [line.rstrip(b"\n") for line in lines]
        with open(self.load, "ab") as file:
            file.write(b"".join(lines))

    def start(self):
        file = self.directory / "sender.conf"
        file.write_text(self.configuration())
        command, environment = self.command(file)
        with open(self.directory / "sender.log", "ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, **environment},
            )  # fmt: skip

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                pass
        self.kill()
        self.source.close()
        return []

    def log(self):
        return ""

    def lost(self, messages):
        have = {message.key for message in messages}
        return sum(message.key not in have for message in read_all(self.given))


class Omfwd(FileSender):
    name = "rsyslog omfwd"

    def configuration(self):
        tls = ca = ""
        if self.collector.pair:
            ca = f'defaultNetstreamDriverCAFile="{self.collector.authority}"'
            tls = (
                'streamDriver="ossl" streamDriverMode="1" streamDriverAuthMode="x509/name"'
                ' streamDriverPermittedPeers="localhost"'
            )
        return f"""
global(workDirectory="{self.directory}" maxMessageSize="64k" {ca})
module(load="imfile")
input(type="imfile" file="{self.load}" tag="load" ruleset="send")
template(name="as-it-is" type="string" string="%msg%")
ruleset(name="send") {{
	action(type="omfwd" target="localhost" port="{self.collector.port}" protocol="tcp"
		template="as-it-is" {tls} action.resumeRetryCount="-1" action.resumeInterval="1"
		queue.type="Disk" queue.filename="queue" queue.saveOnShutdown="on"
		queue.timeoutEnqueue="600000")
}}
"""

    def command(self, file):
        return [rsyslog.PROGRAM, "-n", "-f", str(file), "-i", str(self.directory / "pid")], {}


class Network(FileSender):
    name = "syslog-ng network()"

    def configuration(self):
        tls = ""
        if self.collector.pair:
            tls = f'tls(ca-file("{self.collector.authority}") peer-verify(required-trusted))'
        return f"""
@version: 3.38
options {{ stats-freq(0); time-reopen(1); keep-hostname(yes); log-msg-size(65536); }};
source load {{ file("{self.load}" flags(no-parse) follow-freq(0.1)); }};
destination out {{
	network("localhost" port({self.collector.port}) transport("{'tls' if tls else 'tcp'}") {tls}
		template("${{MESSAGE}}\\n")
		disk-buffer(reliable(yes) disk-buf-size(4294967296) mem-buf-size(67108864)
			dir("{self.directory}")));
}};
log {{ source(load); destination(out); flags(flow-control); }};
"""

    def command(self, file):
        program, environment = syslog_ng.command()
        return [
            *program, "--foreground", "--no-caps", "--stderr", f"--cfgfile={file}",
            f"--persist-file={self.directory}/persist", f"--pidfile={self.directory}/pid",
            f"--control={self.directory}/control",
        ], environment  # fmt: skip
