"""A CA, server and client certificates for a test, made by the openssl command.

    certs = Certs(directory)
    certs.ca                          # PEM file of the CA
    certs.server("siem.example.net")  # Pair(cert, key); subjectAltName has the name and 127.0.0.1
    certs.client("relay")
    certs.server_cert, certs.server_key   # of certs.server()
"""

import subprocess
from collections import namedtuple
from pathlib import Path

Pair = namedtuple("Pair", "cert key")


def _openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Certs:
    def __init__(self, directory, name="test CA"):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self._usual = None
        self.ca, self._ca_key = self.directory / "ca.crt", self.directory / "ca.key"
        _openssl(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-days", "10", "-subj", f"/CN={name}", "-keyout", self._ca_key, "-out", self.ca),
            *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
        )

    def _make(self, kind, name, extensions, days):
        pair = Pair(self.directory / f"{kind}-{name}.crt", self.directory / f"{kind}-{name}.key")
        request = self.directory / f"{kind}-{name}.csr"
        settings = self.directory / f"{kind}-{name}.ext"
        settings.write_text("\n".join(["basicConstraints=critical,CA:FALSE", *extensions]) + "\n")
        _openssl(
            *("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-subj", f"/CN={name}", "-keyout", pair.key, "-out", request),
        )
        _openssl(
            *("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self._ca_key),
            *("-CAcreateserial", "-days", days, "-extfile", settings, "-out", pair.cert),
        )
        pair.key.chmod(0o600)
        return pair

    def server(self, name="siem.example.net", addresses=("127.0.0.1",), days=10):
        names = ",".join([f"DNS:{name}", *(f"IP:{address}" for address in addresses)])
        return self._make("server", name, [f"subjectAltName={names}", "extendedKeyUsage=serverAuth"], days)

    @property
    def server_cert(self):
        return self._usual_server().cert

    @property
    def server_key(self):
        return self._usual_server().key

    def _usual_server(self):
        if self._usual is None:
            self._usual = self.server()
        return self._usual

    def client(self, name="relay", days=10):
        return self._make("client", name, [f"subjectAltName=DNS:{name}", "extendedKeyUsage=clientAuth"], days)
