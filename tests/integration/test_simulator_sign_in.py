"""Every way to sign in at the simulator, and every way to be refused."""

import base64
import contextlib
import hashlib
import http.client
import json
import ssl
import subprocess
import threading
import time
import urllib.parse
import uuid

import pytest

from certs import openssl
from simulator import SECRET, Simulator, wait_for

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
EXCHANGE = "api://AzureADTokenExchange"


@pytest.fixture
def sim():
    with Simulator(tenants=2, alerts=4, imds=True) as simulator:
        yield simulator
        assert simulator.stop() == 0, simulator.log()


class Pair:
    """An RSA key and its certificate."""

    def __init__(self, directory, name):
        self.key, self.cert = directory / (name + ".key"), directory / (name + ".pem")
        openssl(
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.key, "-out", self.cert,
            "-subj", "/CN=" + name, "-days", "30",
        )  # fmt: skip
        self.pem = self.cert.read_text()
        der = ssl.PEM_cert_to_DER_cert(self.pem)
        self.sha1, self.sha256 = hashlib.sha1(der).digest(), hashlib.sha256(der).digest()

    def sign(self, data, pss=True, salt=32):
        padding = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:%d" % salt]
        return subprocess.run(
            ["openssl", "dgst", "-sha256", "-sign", self.key, *(padding if pss else [])],
            input=data, capture_output=True, check=True,
        ).stdout  # fmt: skip


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return Pair(tmp_path_factory.mktemp("pair"), "app")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return Pair(tmp_path_factory.mktemp("stranger"), "stranger")


def encode(data):
    data = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(token):
    middle = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))


def claims_for(sim, tenant=1, v1=False, **changes):
    now = int(time.time())
    claims = {
        "aud": sim.url + sim.token_path(tenant, v1),
        "iss": sim.client_id,
        "sub": sim.client_id,
        "jti": str(uuid.uuid4()),
        "nbf": now,
        "iat": now,
        "exp": now + 600,
    }
    claims.update(changes)
    return {k: v for k, v in claims.items() if v is not None}


def signed(pair, claims, alg="PS256", header=None, **options):
    if header is None:
        header = {"x5t#S256": encode(pair.sha256)} if alg == "PS256" else {"x5t": encode(pair.sha1)}
    text = encode({"alg": alg, "typ": "JWT", **header}) + "." + encode(claims)
    return text + "." + encode(pair.sign(text.encode(), alg == "PS256", **options))


def assert_in(sim, assertion, tenant=1, v1=False, **fields):
    fields = {"client_secret": None, "client_assertion_type": JWT_BEARER, **fields}
    return sim.login(tenant, v1, client_assertion=assertion, **fields)


def refused(answer, code):
    assert answer.status in (400, 401), answer.body
    assert answer.json["error_codes"] == [code], answer.json["error_description"]
    return True


# Secrets.


def test_two_secrets_at_once(sim):
    assert sim.login().status == 200
    sim.set_app(secrets=[{"secret": "old~&=+"}, {"secret": "new"}])
    assert refused(sim.login(), 7000215)
    assert sim.login(client_secret="old~&=+").status == sim.login(client_secret="new").status == 200
    sim.set_app(secrets=[{"secret": "old~&=+", "expired": True}, {"secret": "new"}])
    assert refused(sim.login(client_secret="old~&=+"), 7000222)
    assert sim.login(client_secret="new").status == 200
    assert [(s["expired"], s["used"]) for s in sim.app()["secrets"]] == [(True, 0), (False, 1)]
    sim.set_app(secrets=[])
    assert refused(sim.login(client_secret="new"), 7000215)
    assert refused(sim.login(client_secret=None), 7000218)
    for bad in ({"secrets": "x"}, {"secrets": [{}]}, {"certificates": ["x"]}, {"federated": [{}]}):
        with pytest.raises(RuntimeError, match="application"):
            sim.set_app(**bad)


def test_basic_authorization(sim):
    quote = urllib.parse.quote
    text = quote(sim.client_id) + ":" + quote(SECRET, safe="")
    body = "grant_type=client_credentials&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default"
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Authorization": "Basic " + base64.b64encode(text.encode()).decode(),
    }
    assert sim.request("POST", sim.token_path(), body, headers).status == 200
    headers["Authorization"] = "Basic !!"
    assert refused(sim.request("POST", sim.token_path(), body, headers), 9002313)


# The older endpoint.


def test_v1_takes_a_resource_and_gives_strings(sim):
    answer = sim.login(1, True, scope=None, resource="https://graph.windows.net")
    assert answer.status == 200
    body = answer.json
    assert body["resource"] == "https://graph.windows.net" == decode(body["access_token"])["aud"]
    assert body["token_type"] == "Bearer" and body["expires_in"] == "3599"
    assert isinstance(body["not_before"], str)
    assert abs(int(body["expires_on"]) - time.time() - 3599) < 5
    assert decode(body["access_token"])["roles"] == ["Detections.Read"]
    assert sim.get(body["access_token"], "siem").status == 200
    assert refused(sim.login(1, True), 900144)
    assert refused(sim.login(1, True, resource="https://other.example"), 500011)
    assert isinstance(sim.login().json["expires_in"], int) and "resource" not in sim.login().json
    both = "https://graph.microsoft.com/.default https://api.security.microsoft.com/.default"
    assert refused(sim.login(scope=both), 700022)


# Certificates.


@pytest.mark.parametrize("alg", ["PS256", "RS256"])
@pytest.mark.parametrize("v1", [False, True])
def test_a_signed_assertion(sim, pair, alg, v1):
    sim.set_app(certificates=[pair.pem])
    wanted = {"scope": None, "resource": "https://graph.windows.net"} if v1 else {}
    answer = assert_in(sim, signed(pair, claims_for(sim, 2, v1), alg), 2, v1, **wanted)
    assert answer.status == 200, answer.body
    assert decode(answer.json["access_token"])["appidacr"] == "2"
    assert sim.app()["certificates"][0]["used"] == 1
    assert sim.app()["certificates"][0]["x5t#S256"] == encode(pair.sha256)
    assert sim.requests(2)["sign_ins"] == {"secret": 0, "certificate": 1, "federated": 0}


def test_wrong_assertions(sim, pair, stranger):
    now = int(time.time())
    good = lambda **changes: signed(pair, claims_for(sim, **changes))
    assert refused(assert_in(sim, good()), 700027)
    sim.set_app(certificates=[stranger.pem])
    assert refused(assert_in(sim, good()), 700027)
    sim.set_app(certificates=[stranger.pem, pair.pem])
    assert assert_in(sim, good()).status == 200
    for code, assertion in (
        (700027, signed(stranger, claims_for(sim), header={"x5t#S256": encode(pair.sha256)})),
        (700027, signed(pair, claims_for(sim), header={})),
        (700027, signed(pair, claims_for(sim), header={"x5t#S256": pair.sha256.hex()})),
        (700027, signed(pair, claims_for(sim), header={"x5t": encode(pair.sha1), "x5t#S256": encode(stranger.sha256)})),
        (700027, signed(pair, claims_for(sim), header={"alg": "RS256", "x5t": encode(pair.sha1)})),
        (700027, good()[:-8] + "AAAAAAAA"),
        (700024, good(exp=now - 301)),
        (700024, good(exp=None)),
        (700024, good(nbf=now + 400, exp=now + 1000)),
        (700023, good(aud="https://login.microsoftonline.com/common/oauth2/v2.0/token")),
        (700023, good(aud=sim.url + sim.token_path(2))),
        (700021, good(sub="another")),
        (700021, good(iss="another")),
        (50027, good(jti=None)),
        (50027, "not.a"),
        (50027, "!.!.!"),
        (50027, "W10.W10.AAAA"),
        (50027, "e30.bnVsbA.AAAA"),
    ):  # fmt: skip
        assert refused(assert_in(sim, assertion), code), assertion
    assert assert_in(sim, good(nbf=now + 200, exp=now + 500)).status == 200
    twice = good()
    assert assert_in(sim, twice).status == 200
    assert refused(assert_in(sim, twice), 50012)
    assert refused(assert_in(sim, good(), client_assertion_type=None), 9002313)
    assert refused(assert_in(sim, good(), client_secret=SECRET), 9002313)
    sim.set_app(certificates=[])
    assert refused(assert_in(sim, good()), 700027)


def test_the_salt_is_as_long_as_the_digest(sim, pair):
    sim.set_app(certificates=[pair.pem])
    assert assert_in(sim, signed(pair, claims_for(sim), salt=32)).status == 200
    assert refused(assert_in(sim, signed(pair, claims_for(sim), salt=0)), 700027)


# Federated tokens.


def test_federated_tokens(sim):
    trust = {"issuer": "https://kube.example", "subject": "system:serviceaccount:a:b", "audience": EXCHANGE}
    now = int(time.time())

    def platform(**changes):
        claims = {"iss": trust["issuer"], "sub": trust["subject"], "aud": [EXCHANGE], "exp": now + 3600}
        return encode({"alg": "RS256"}) + "." + encode({**claims, **changes}) + ".c2ln"

    assert refused(assert_in(sim, platform()), 70025)
    sim.set_app(federated=[{**trust, "subject": "other"}])
    assert refused(assert_in(sim, platform()), 70021)
    sim.set_app(federated=[{**trust, "subject": "other"}, trust])
    answer = assert_in(sim, platform())
    assert answer.status == 200 and assert_in(sim, platform(aud=EXCHANGE)).status == 200
    assert sim.requests(1)["sign_ins"]["federated"] == 2 and sim.app()["federated"][1]["used"] == 2
    for changes in ({"iss": "https://Kube.example"}, {"sub": "x"}, {"aud": ["x"]}, {"aud": None}):
        assert refused(assert_in(sim, platform(**changes)), 70021)
    assert refused(assert_in(sim, platform(exp=now - 400)), 700024)
    sim.set_app(federated=[{"text": "one shared text"}])
    assert assert_in(sim, "one shared text").status == 200
    assert refused(assert_in(sim, "one shared text\n"), 50027)


# Refresh tokens.


def refresh(sim, token, tenant=1, v1=False, **fields):
    fields = {"grant_type": "refresh_token", "refresh_token": token, **fields}
    if v1:
        fields = {"scope": None, "resource": "https://graph.windows.net", **fields}
    return sim.login(tenant, v1, **fields)


def test_a_refresh_token_is_replaced(sim):
    first = sim.new_refresh_token(1)
    answer = refresh(sim, first, v1=True)
    assert answer.status == 200
    body = answer.json
    assert body["expires_in"] == "3599" and body["scope"] == "user_impersonation" and "id_token" in body
    claims = decode(body["access_token"])
    assert claims["scp"] == "user_impersonation" and "roles" not in claims and claims["idtyp"] == "user"
    assert sim.get(body["access_token"], "siem").status == 200
    second = body["refresh_token"]
    assert second != first and len(second) > 300
    answer = refresh(sim, second, scope="https://graph.microsoft.com/.default offline_access")
    assert answer.status == 200 and sim.get(answer.json["access_token"]).status == 200
    answer = refresh(sim, answer.json["refresh_token"], scope="https://api.securitycenter.microsoft.com/.default")
    assert sim.get(answer.json["access_token"], "mde-alerts").status == 200
    assert refresh(sim, first).status == 200  # for a while
    known = sim.refresh_tokens()
    assert [t["uses"] for t in known] == [2, 1, 1, 0, 0]
    assert [t["parent"] for t in known] == [0, 1, 2, 3, 1]
    assert [t["replaced"] for t in known] == [True, True, True, False, False]
    assert known[0]["token"] == first and known[1]["token"] == second
    assert sim.requests(1)["refreshes"] == 4


def test_refresh_tokens_end(sim):
    token = sim.new_refresh_token(1)
    sim.set_refresh(grace_s=0)
    second = refresh(sim, token).json["refresh_token"]
    assert refused(refresh(sim, token), 70008)
    assert refresh(sim, token).json["error"] == "invalid_grant"
    assert [(t["uses"], t["refusals"]) for t in sim.refresh_tokens()] == [(1, 2), (0, 0)]
    sim.set_refresh(life_s=0)
    assert refused(refresh(sim, second), 700082)
    sim.set_refresh(life_s=90 * 86400, rotate=False)
    assert "refresh_token" not in refresh(sim, second).json and refresh(sim, second).status == 200
    sim.set_refresh(rotate=True)
    sim.fault("login-no-refresh", 1)
    assert "refresh_token" not in refresh(sim, second).json
    sim.set_refresh(revoke=True)
    assert refused(refresh(sim, second), 50173)
    for bad in ("", "x", "0.00000001.", "0.00000099.x", second + "x"):
        assert refused(refresh(sim, bad), 70000)
    assert refused(refresh(sim, None), 900144)
    assert refused(refresh(sim, sim.new_refresh_token(), client_secret="wrong"), 7000215)


def test_an_answer_with_a_new_refresh_token_is_lost(sim):
    token = sim.new_refresh_token(1)
    sim.fault("login-drop", 1)
    with pytest.raises(Exception):
        refresh(sim, token)
    assert [t["replaced"] for t in sim.refresh_tokens()] == [True, False]
    assert refresh(sim, token).status == 200


def test_a_public_client_has_no_secret(sim):
    token = sim.new_refresh_token(1)
    assert refused(refresh(sim, token, client_secret=None), 7000218)
    sim.set_app(public=True)
    assert refused(refresh(sim, token), 700025)
    assert refresh(sim, token, client_secret=None).status == 200


# Managed identity.


def test_the_machine_has_tokens(sim):
    answer = sim.imds()
    assert answer.status == 200
    body = answer.json
    assert all(isinstance(v, str) for v in body.values())
    assert set(body) == {
        "access_token", "refresh_token", "expires_in", "expires_on", "not_before", "resource", "token_type"
    }  # fmt: skip
    assert body["refresh_token"] == "" and body["expires_in"] == "3599"
    assert sim.get(body["access_token"]).status == 200
    known = sim.control("GET", "imds")
    assert sim.imds(client_id=known["client_id"]).status == sim.imds(object_id=known["object_id"]).status == 200
    other = sim.imds(client_id="another")
    assert other.status == 400 and other.json["error_description"] == "Identity not found"
    missing = sim.imds(headers={})
    assert missing.status == 400 and missing.json["error"] == "bad_request_102"
    assert sim.imds(headers={"Metadata": "true", "X-Forwarded-For": "1.2.3.4"}).status == 400
    assert sim.imds(resource=None).status == sim.imds(**{"api-version": None}).status == 400
    assert sim.imds("/elsewhere").status == 404 and sim.imds("/control/stats").status == 404
    assert sim.request("GET", "/metadata/identity/oauth2/token").status == 405  # not on that port
    known = sim.control("GET", "imds")
    assert known["requests"] == 10 and known["tokens"] == 3


def test_the_machine_fails_as_told(sim):
    for kind, status in (("imds-404", 404), ("imds-410", 410), ("imds-429", 429), ("imds-500", 500), ("imds-400", 400)):
        sim.fault(kind, count=2, retry_after="4")
        assert [sim.imds().status for _ in range(3)] == [status, status, 200]
    sim.fault("imds-429", 1, retry_after="4")
    assert sim.imds().headers["Retry-After"] == "4"
    sim.fault("imds-slow", delay_ms=300)
    start = time.monotonic()
    assert sim.imds().status == 200 and time.monotonic() - start > 0.25
    sim.fault("500", count=1)
    assert sim.imds().status == 200 and sim.get(sim.token()).status == 500


def test_the_app_service_form(sim):
    header = {"X-IDENTITY-HEADER": sim.control("GET", "imds")["header"]}
    version = {"api-version": "2019-08-01"}
    answer = sim.imds("/msi/token", header, **version)
    assert answer.status == 200 and "expires_in" not in answer.json
    assert abs(int(answer.json["expires_on"]) - time.time() - 3599) < 5
    assert sim.imds("/msi/token", {"X-IDENTITY-HEADER": "wrong"}, **version).status == 401
    assert sim.imds("/msi/token", {"Metadata": "true"}, **version).status == 401
    assert sim.imds("/msi/token", header).status == 400


def test_the_identity_is_the_federated_credential_of_the_app(sim):
    known = sim.control("GET", "imds")
    token = sim.imds(resource=EXCHANGE).json["access_token"]
    claims = decode(token)
    assert claims["aud"] == EXCHANGE and claims["sub"] == known["object_id"]
    assert refused(assert_in(sim, token, 2), 70025)
    issuer = "https://login.microsoftonline.com/%s/v2.0" % known["tenant"]
    sim.set_app(federated=[{"issuer": issuer, "subject": known["object_id"], "audience": EXCHANGE}])
    answer = assert_in(sim, token, 2)
    assert answer.status == 200 and decode(answer.json["access_token"])["tid"] == sim.tenant_id(2)


def test_a_machine_stops_while_a_request_waits():
    with Simulator(alerts=0, imds=True) as sim:
        sim.fault("imds-slow", delay_ms=60000)

        def ask():
            with contextlib.suppress(http.client.HTTPException, OSError):
                sim.imds()

        thread = threading.Thread(target=ask)
        thread.start()
        wait_for(lambda: sim.control("GET", "imds")["requests"])
        start = time.monotonic()
        assert sim.stop() == 0 and time.monotonic() - start < 10
        thread.join(20)
        assert not thread.is_alive()
