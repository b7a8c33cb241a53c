"""Starts, orders and stops the simulator. Only the Python standard library.

    with Simulator(tenants=2, alerts=10) as sim:      # imds=True: and a managed identity
        sim.fault("429", tenant=1, retry_after="2.128")
        ... sim.url, sim.ca_file, sim.secret, sim.tenant_id(1), sim.versions(1) ...
"""

import http.client
import json
import os
import pathlib
import shutil
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.parse

SECRET = "s3cret~+/=&.% 8Q"
CLIENT_ID = "97e0a5b7-d745-40b6-94fe-5f77d35c6e05"


def wait_for(condition, seconds=60.0):
    """Polls until the condition gives something true, and gives that."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError("not within %s s: %s" % (seconds, condition))
        threading.Event().wait(0.02)


# The lists: their path below Simulator.url, and the audience of their tokens.
SOURCES = {
    "graph-alerts": ("/v1.0/security/alerts_v2", "https://graph.microsoft.com"),
    "graph-incidents": ("/v1.0/security/incidents", "https://graph.microsoft.com"),
    "mde-alerts": ("/mde/api/alerts", "https://api.securitycenter.microsoft.com"),
    "m365d-incidents": ("/m365d/api/incidents", "https://api.security.microsoft.com"),
    "siem": ("/siem/api/alerts", "https://graph.windows.net"),
}


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)


class Simulator:
    secret = SECRET
    client_id = CLIENT_ID

    def __init__(
        self, *arguments, program=None, directory=None, plain=False, pair=None, imds=False, **options
    ):
        """options: tenants=3 becomes --tenants 3; gzip=True becomes --gzip. pair: a certificate of
        the test's own, which names localhost too."""
        build = pathlib.Path(os.environ.get("BUILD_DIR", "./build"))
        self.program = str(program or build / "tests" / "simulator" / "simulator")
        self._own = directory is None
        self.directory = pathlib.Path(directory or tempfile.mkdtemp(prefix="simulator-"))
        self.plain = plain
        self.pair = pair
        self.arguments = list(arguments)
        if imds:
            self.arguments += ["--imds-port-file", str(self.directory / "imds-port")]
        for name, value in options.items():
            self.arguments.append("--" + name.replace("_", "-"))
            if value is not True:
                self.arguments.append(str(value))
        self.process = None
        self.port = None

    def start(self):
        port_file = self.directory / "port"
        port_file.unlink(missing_ok=True)
        command = [self.program, "--port-file", str(port_file)]
        if self.plain:
            command.append("--plain")
        elif self.pair:
            command += ["--cert", str(self.pair.cert), "--key", str(self.pair.key)]
        else:
            command += ["--make-cert", str(self.directory / "cert")]
        self._log = open(self.directory / "simulator.log", "ab")
        self.process = subprocess.Popen(command + self.arguments, stderr=self._log)

        def listens():
            if self.process.poll() is not None:
                raise RuntimeError("simulator ended: " + self.log())
            return port_file.exists()

        try:
            wait_for(listens)
        except BaseException:
            self.stop()
            raise
        self.port = int(port_file.read_text())
        return self

    def stop(self):
        """Ends the process; gives its exit status."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.terminate()
        try:
            status = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self.process = None
        self._log.close()
        return status

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
        if self._own:
            shutil.rmtree(self.directory, ignore_errors=True)

    def log(self):
        return (self.directory / "simulator.log").read_text(errors="replace")

    @property
    def url(self):
        return "%s://localhost:%d" % ("http" if self.plain else "https", self.port)

    @property
    def roots(self):
        """The root of each API, by the name of its root in a configuration."""
        return {
            "login_root": self.url,
            "graph_root": self.url,
            "mde_root": self.url + "/mde",
            "m365d_root": self.url + "/m365d",
            "siem_root": self.url + "/siem",
        }

    @property
    def ca_file(self):
        if self.pair:
            return str(self.pair.cert.with_name("ca.pem"))
        return str(self.directory / "cert" / "ca.pem")

    @property
    def imds_root(self):
        """Where a managed identity gets its tokens; needs imds=True."""
        return "http://127.0.0.1:" + (self.directory / "imds-port").read_text().strip()

    @staticmethod
    def tenant_id(number):
        return "00000000-0000-4000-8000-%012d" % number

    def connect(self, timeout=30):
        if self.plain:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        context = ssl.create_default_context(cafile=self.ca_file)
        return http.client.HTTPSConnection(
            "localhost", self.port, timeout=timeout, context=context
        )

    def request(self, method, path, body=None, headers=None, timeout=30):
        connection = self.connect(timeout)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    # What a client does.

    def token_path(self, tenant=1, v1=False):
        name = self.tenant_id(tenant) if isinstance(tenant, int) else tenant
        return "/%s/oauth2/%stoken" % (name, "" if v1 else "v2.0/")

    def login(self, tenant=1, v1=False, **fields):
        """The answer of the token endpoint; a field set to None is left out."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.secret,
            "scope": "https://graph.microsoft.com/.default",
        }
        form.update(fields)
        form = {k: v for k, v in form.items() if v is not None}
        return self.request(
            "POST",
            self.token_path(tenant, v1),
            urllib.parse.urlencode(form),
            {"Content-Type": "application/x-www-form-urlencoded"},
        )

    def imds(self, path="/metadata/identity/oauth2/token", headers=None, **query):
        """The answer of the machine's endpoint; a query set to None is left out."""
        query = {"api-version": "2018-02-01", "resource": "https://graph.microsoft.com", **query}
        query = {k: v for k, v in query.items() if v is not None}
        port = int(self.imds_root.rpartition(":")[2])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            headers = {"Metadata": "true"} if headers is None else headers
            connection.request("GET", path + "?" + urllib.parse.urlencode(query), headers=headers)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def token(self, tenant=1, source="graph-alerts"):
        return self.login(tenant, scope=SOURCES[source][1] + "/.default").json["access_token"]

    def get(self, token, path="graph-alerts", headers=None, parameters=None, **query):
        """One page of a source, a path or a nextLink; query names without the dollar sign,
        parameters as they are."""
        path = SOURCES[path][0] if path in SOURCES else path
        if parameters is not None:
            path += "?" + urllib.parse.urlencode(parameters, doseq=True)
        elif path.startswith("http"):
            parts = urllib.parse.urlsplit(path)
            path = parts.path + "?" + parts.query
        elif query:
            query = {"$" + k: v for k, v in query.items()}
            path += "?" + urllib.parse.urlencode(query, quote_via=urllib.parse.quote)
        headers = dict(headers or {})
        headers.setdefault("Authorization", "Bearer " + token)
        headers.setdefault("Prefer", "include-unknown-enum-members")
        return self.request("GET", path, headers=headers)

    def get_all(self, token, path="graph-alerts", **query):
        """The elements of all pages that next links lead to."""
        page = self.get(token, path, **query)
        alerts = []
        while True:
            assert page.status == 200, page.body
            alerts += page.json["value"]
            if "@odata.nextLink" not in page.json:
                return alerts
            page = self.get(token, page.json["@odata.nextLink"])

    # What a test orders.

    def control(self, method, path, body=None):
        """JSON, or a list of JSON for JSON lines. Raises when refused."""
        data = None if body is None else json.dumps(body)
        answer = self.request(method, "/control/" + path, data, timeout=120)
        if answer.status != 200:
            raise RuntimeError("%s %s: %s" % (method, path, answer.body.decode()))
        if "ndjson" in answer.headers.get("Content-Type", ""):
            return [json.loads(line) for line in answer.body.split(b"\n") if line]
        return answer.json

    def fault(self, kind, tenant="*", count=1, **parameters):
        order = {"kind": kind, "tenant": str(tenant), "count": count, **parameters}
        return self.control("POST", "fault", order)

    def clear_faults(self, tenant="*"):
        return self.fault("none", tenant)

    def add_alerts(self, tenant=1, count=1, **parameters):
        """The numbers of the new alerts."""
        order = {"tenant": str(tenant), "count": count, **parameters}
        return self.control("POST", "alerts", order)["n"]

    def add_raw(self, alert, tenant=1, **parameters):
        return self.add_alerts(tenant, alert=alert, **parameters)[0]

    def update(self, tenant=1, **parameters):
        """By id= or n=; gives the new lastUpdateDateTime."""
        order = {"tenant": str(tenant), **parameters}
        return self.control("POST", "update", order)["lastUpdateDateTime"]

    def update_while_paging(self, tenant=1, **parameters):
        order = {"tenant": str(tenant), **parameters}
        return self.control("POST", "update-while-paging", order)

    def set_app(self, **parameters):
        """secrets=[{"secret": ..., "expired": True}], certificates=[PEM], federated=[{"issuer": ...,
        "subject": ..., "audience": ...} or {"text": ...}], public=True; what is named is replaced."""
        return self.control("POST", "app", parameters)

    def app(self):
        """What of it was used, and how often."""
        return self.control("GET", "app")

    def new_refresh_token(self, tenant=1):
        return self.control("POST", "refresh-token", {"tenant": str(tenant)})["refresh_token"]

    def set_refresh(self, **parameters):
        """grace_s=, life_s=, rotate=False, revoke=True."""
        return self.control("POST", "refresh", parameters)

    def refresh_tokens(self):
        """All that were handed out: n, parent, tenant, uses, refusals, replaced, code, token."""
        return self.control("GET", "refresh-tokens")

    def update_incident(self, id, tenant=1, **parameters):
        """Only the incident changes; gives the new lastUpdateDateTime."""
        order = {"tenant": str(tenant), "id": id, **parameters}
        return self.control("POST", "update-incident", order)["lastUpdateDateTime"]

    def merge_incidents(self, source, into, tenant=1, **parameters):
        order = {"tenant": str(tenant), "from": source, "into": into, **parameters}
        return self.control("POST", "merge-incidents", order)

    def limit(self, tenant="*", api=None, per_minute=0, per_hour=0):
        order = {"tenant": str(tenant), "per_minute": per_minute, "per_hour": per_hour}
        return self.control("POST", "limit", {**order, **({"api": api} if api else {})})

    def set_tenant(self, tenant="*", **parameters):
        return self.control("POST", "tenant", {"tenant": str(tenant), **parameters})

    def add_samples(self, tenant=1, **parameters):
        order = {"tenant": str(tenant), **parameters}
        return self.control("POST", "samples", order)["added"]

    def versions(self, tenant=None):
        """One dict per alert; the last of its "versions" is the present one."""
        query = "" if tenant is None else "?tenant=%s" % tenant
        return self.control("GET", "versions" + query)

    def incidents(self, tenant=None):
        """One dict per incident: id, redirect, numbers of its alerts, versions."""
        query = "" if tenant is None else "?tenant=%s" % tenant
        return self.control("GET", "incidents" + query)

    def requests(self, tenant):
        return self.control("GET", "requests?tenant=%s" % tenant)[0]

    def stats(self):
        return self.control("GET", "stats")
