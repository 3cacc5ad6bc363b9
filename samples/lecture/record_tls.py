"""Records what STARTTLS hands over to: a real TLS 1.2 handshake with slide 48's suite and key size.

Run once, as `python -m samples.lecture.record_tls`: the result, `tls.json`, and the key log that opens it,
`tls.keylog.txt`, are kept beside, for no two handshakes are alike. Needs `cryptography`.
"""

from __future__ import annotations

import contextlib
import json
import ssl
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from samples.talk import CLIENT, SERVER

HERE = Path(__file__).parent
HOST = "panix.netmeister.org"
SUITE = "ECDHE-RSA-AES256-GCM-SHA384"
NOT_BEFORE, NOT_AFTER = datetime(2019, 3, 1, tzinfo=UTC), datetime(2019, 5, 30, tzinfo=UTC)
LINES = [
    (CLIENT, b"helo ec2-54-160-173-145.compute-1.amazonaws.com\r\n"), (SERVER, b"250 panix.netmeister.org\r\n"),
    (CLIENT, b"quit\r\n"), (SERVER, b"221 2.0.0 Bye\r\n"),
]


def certificate(folder: Path) -> Path:
    """A certificate for the mail server, by an authority made up for it, with its 4096-bit key, as PEM."""
    authority_key, key = (rsa.generate_private_key(65537, bits) for bits in (2048, 4096))
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Lecture Sample Authority")])
    builder = (x509.CertificateBuilder().issuer_name(authority).public_key(key.public_key())
               .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)]))
               .serial_number(x509.random_serial_number()).not_valid_before(NOT_BEFORE).not_valid_after(NOT_AFTER)
               .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False))
    signed = builder.sign(authority_key, hashes.SHA256())
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                serialization.NoEncryption())
    path = folder / "server.pem"
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


class Recorder:
    """Two ends of TLS in memory, and every flight that went between them as [side, hexadecimal]."""

    def __init__(self, client: ssl.SSLContext, server: ssl.SSLContext) -> None:
        self.inward = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.outward = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.ends = [client.wrap_bio(self.inward[CLIENT], self.outward[CLIENT]),
                     server.wrap_bio(self.inward[SERVER], self.outward[SERVER], server_side=True)]
        self.flights: list[tuple[int, str]] = []

    def do(self, side: int, action: Callable[[ssl.SSLObject], object]) -> None:
        """Let one end act as far as it can without more input, and carry over what it sends."""
        with contextlib.suppress(ssl.SSLWantReadError):
            action(self.ends[side])
        if data := self.outward[side].read():
            self.flights.append((side, data.hex()))
            self.inward[1 - side].write(data)


def record() -> list[tuple[int, str]]:
    """The flights of one session; the key log is written beside."""
    client, server = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    client.keylog_filename = str(HERE / "tls.keylog.txt")
    server.set_ciphers(SUITE)
    server.set_ecdh_curve("prime256v1")
    with tempfile.TemporaryDirectory() as folder:
        server.load_cert_chain(certificate(Path(folder)))
    recorder = Recorder(client, server)
    for side in (CLIENT, SERVER, CLIENT, SERVER, CLIENT):
        recorder.do(side, lambda end: end.do_handshake())
    for side, line in LINES:
        recorder.do(side, lambda end, line=line: end.write(line))  # type: ignore[misc]
        recorder.do(1 - side, lambda end: end.read())
    for side in (SERVER, CLIENT):
        recorder.do(side, lambda end: end.unwrap())
    return recorder.flights


def main() -> None:
    """Write `tls.json`."""
    (HERE / "tls.keylog.txt").unlink(missing_ok=True)
    (HERE / "tls.json").write_text(json.dumps(record(), indent=0) + "\n")


if __name__ == "__main__":
    main()
