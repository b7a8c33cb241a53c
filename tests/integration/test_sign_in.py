"""Every way to sign in, against the login service of the simulator."""

import base64
import json
import os

import pytest

from certs import Pair, openssl
from relay import wait_until


@pytest.fixture
def signed(simulators, relays, tmp_path):
    """signed(certificate_file=...): a simulator and a relay whose app has these options alone."""

    def make(simulator=None, **app):
        simulator = simulator or simulators(tenants=3, alerts=60)
        relay = relays(simulator, tenants=3)
        del relay.config["app"]["client_secret_file"]
        relay.config["app"].update(app)
        relay.add_destination("out", transport="file", path=str(tmp_path / "out.log"))
        relay.add_feed("out", look_back="48h")
        return simulator, relay

    return make


def secret(path, text):
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


def rsa(directory, name):
    """A certificate as it is uploaded to an app registration."""
    pair = Pair(directory / f"{name}.pem", directory / f"{name}.key")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", pair.key, "-out", pair.cert,
            "-days", "300", "-subj", f"/CN={name}")
    return pair


def arrived(tmp_path):
    file = tmp_path / "out.log"
    return file.read_bytes().count(b"\n") if file.exists() else 0


def test_certificate(signed, simulators, tmp_path):
    simulator = simulators(tenants=3, alerts=60)
    pair = rsa(tmp_path, "app")
    simulator.set_app(certificates=[pair.cert.read_text()], secrets=[])
    signed(simulator, certificate_file=str(pair.cert), key_file=str(pair.key))[1].run_once()
    assert arrived(tmp_path) == 60


def test_certificate_that_is_not_registered(signed, simulators, tmp_path):
    simulator = simulators(tenants=3, alerts=60)
    known, other = rsa(tmp_path, "known"), rsa(tmp_path, "other")
    simulator.set_app(certificates=[known.cert.read_text()], secrets=[])
    _, relay = signed(simulator, certificate_file=str(other.cert), key_file=str(other.key))
    assert "AADSTS700027" in relay.run_once(status=1).stderr


def test_two_secrets(signed, simulators, tmp_path):
    simulator = simulators(tenants=3, alerts=60)
    simulator.set_app(secrets=[{"secret": "old", "expired": True}, {"secret": "new"}])
    _, relay = signed(simulator, client_secret_file=secret(tmp_path / "one", "old"),
                      client_secret_next_file=secret(tmp_path / "two", "new"))
    relay.run_once()
    assert arrived(tmp_path) == 60


def test_federated_token_file(signed, simulators, tmp_path):
    simulator = simulators(tenants=3, alerts=60)
    simulator.set_app(federated=[{"text": "aaa.bbb.ccc"}], secrets=[])
    _, relay = signed(simulator, federated_token_file=secret(tmp_path / "token", "aaa.bbb.ccc\n"))
    relay.run_once()
    assert arrived(tmp_path) == 60


def test_managed_identity(signed, simulators, tmp_path):
    simulator = simulators(tenants=3, alerts=60, imds=True)
    wait_until((simulator.directory / "imds-port").exists, "the endpoint's port")
    token = simulator.imds(resource="api://AzureADTokenExchange").json["access_token"]
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    trust = {"issuer": claims["iss"], "subject": claims["sub"], "audience": claims["aud"]}
    simulator.set_app(federated=[trust], secrets=[])
    _, relay = signed(simulator, managed_identity=True, imds_root=simulator.imds_root)
    relay.run_once()
    assert arrived(tmp_path) == 60


def test_refresh_token_is_rotated_and_kept(signed, simulators, tmp_path):
    simulator = simulators(tenants=3, alerts=60)
    file = tmp_path / "refresh"
    first = simulator.new_refresh_token()
    _, relay = signed(simulator, client_secret_file=secret(tmp_path / "secret", simulator.secret),
                      refresh_token_file=secret(file, first))
    relay.run_once()
    assert arrived(tmp_path) == 60
    assert file.read_text().strip() not in ("", first)
    assert os.stat(file).st_mode & 0o777 == 0o600
    used = {token["token"]: token["uses"] for token in simulator.refresh_tokens()}
    assert used[first] >= 1 and used[file.read_text().strip()] == 0
    simulator.add_alerts(1, 1)
    relay.run_once()
    assert arrived(tmp_path) == 61


def test_revoked_refresh_token_asks_for_a_person(signed, simulators, tmp_path):
    simulator = simulators(tenants=3, alerts=60)
    _, relay = signed(simulator, client_secret_file=secret(tmp_path / "secret", simulator.secret),
                      refresh_token_file=secret(tmp_path / "refresh",
                                                simulator.new_refresh_token()))
    simulator.set_refresh(revoke=True)
    assert "sign in again" in relay.run_once(status=1).stderr


def test_a_kill_at_any_moment_leaves_a_refresh_token_that_works(signed, simulators, tmp_path):
    """The old one is in place until the new one is on disk, and login takes both for a while."""
    simulator = simulators(tenants=3, alerts=30)
    simulator.set_tenant(token_life=2)
    file = tmp_path / "refresh"
    _, relay = signed(simulator, client_secret_file=secret(tmp_path / "secret", simulator.secret),
                      refresh_token_file=secret(file, simulator.new_refresh_token()))
    relay.config["feeds"][0]["poll"] = "1s"
    for kill in range(6):
        before = len(simulator.refresh_tokens())
        relay.start()
        # Killed in the middle of the next sign-ins, each time at another moment.
        wait_until(lambda: len(simulator.refresh_tokens()) >= before + 1 + kill % 4,
                   "new refresh tokens", pause=0.001)
        relay.kill()
        held = {token["token"]: token for token in simulator.refresh_tokens()}
        assert file.read_text().strip() in held, "a token that login never gave, or half of one"
        assert os.stat(file).st_mode & 0o777 == 0o600
    simulator.add_alerts(1, 1)
    relay.run_once()
    assert arrived(tmp_path) >= 31
    assert not list(tmp_path.glob("refresh.new"))
