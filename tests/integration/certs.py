"""Certificates for collectors, made with the openssl program: good ones and wrong ones."""

import base64
import hashlib
import subprocess
from pathlib import Path

CONFIG = """
[ca]
default_ca = here
[here]
database = {directory}/index
new_certs_dir = {directory}
rand_serial = yes
default_crl_days = 30
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
"""


class Authority:
    """A CA that lives in a directory.

    ca = Authority(directory); pair = ca.issue("good", "localhost"); pair.cert, pair.key"""

    def __init__(self, directory, name="Test CA"):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.cert = self.directory / "ca.pem"
        self.key = self.directory / "ca.key"
        self.config = self.directory / "ca.cnf"
        self.config.write_text(CONFIG.format(directory=self.directory))
        (self.directory / "index").write_text("")
        openssl(
            "req", "-x509", *new_key(), "-keyout", self.key, "-out", self.cert, "-days", "30",
            "-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign",
        )  # fmt: skip

    def issue(self, file, *names, begin="20200101000000Z", end="20991231000000Z", client=False):
        """A certificate for names; its own file names. An IP address is written IP:127.0.0.1."""
        pair = Pair(self.directory / f"{file}.pem", self.directory / f"{file}.key")
        request = self.directory / f"{file}.csr"
        san = ",".join(n if ":" in n else f"DNS:{n}" for n in names)
        openssl(
            "req", *new_key(), "-keyout", pair.key, "-out", request, "-subj", f"/CN={names[0]}",
            "-addext", f"subjectAltName={san}",
            "-addext", "extendedKeyUsage=" + ("clientAuth" if client else "serverAuth"),
        )  # fmt: skip
        openssl(
            "ca", "-batch", "-notext", "-config", self.config, "-cert", self.cert,
            "-keyfile", self.key, "-in", request, "-out", pair.cert,
            "-startdate", begin, "-enddate", end,
        )  # fmt: skip
        return pair

    def pinned(self, pair):
        """What pinned_key says for it."""
        key = openssl("x509", "-in", pair.cert, "-noout", "-pubkey")
        der = openssl("pkey", "-pubin", "-outform", "der", input=key)
        return "sha256//" + base64.b64encode(hashlib.sha256(der).digest()).decode()

    def revoke(self, pair):
        openssl(
            "ca", "-config", self.config, "-cert", self.cert, "-keyfile", self.key,
            "-revoke", pair.cert,
        )  # fmt: skip

    def write_list(self, file):
        """The list of what is revoked by now."""
        openssl(
            "ca", "-config", self.config, "-cert", self.cert, "-keyfile", self.key,
            "-gencrl", "-out", file,
        )  # fmt: skip
        return file

    def expired(self, file, *names):
        return self.issue(file, *names, end="20210101000000Z")


class Pair:
    def __init__(self, cert, key):
        self.cert, self.key = Path(cert), Path(key)

    def copy_from(self, other):
        """This pair's files become another certificate, as when it is renewed."""
        self.key.write_bytes(other.key.read_bytes())
        self.cert.write_bytes(other.cert.read_bytes())


def new_key():
    return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def openssl(*arguments, input=b""):
    return subprocess.run(
        ["openssl", *map(str, arguments)], check=True, capture_output=True, input=input
    ).stdout
