"""Records what slides 16 to 18 show: s_client at a web server, with TLS 1.3 and with TLS 1.2, and a certificate like slide 18's.

Run once, as root: `python -m samples.lecture.record_https`. The flights are kept in `https-tls.json`, the key log that opens
them in `https-tls.keylog.txt`, and what s_client printed in `s_client-tls1.3.txt` and `s_client-tls1.2.txt`. Needs nginx,
openssl 3.0 and faketime, by which both think that it is the day of the lecture.
"""

from __future__ import annotations

import json
import re
import select
import socket
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from samples.record import HOST, alone, serving
from samples.talk import CLIENT, SERVER

HERE = Path(__file__).parent
NAME = "www.example.edu"
NAMES = "example.edu", "*.example-tech.edu", "*.example.edu"
NOT_BEFORE, NOT_AFTER = datetime(2019, 4, 22, tzinfo=UTC), datetime(2021, 4, 21, 23, 59, 59, tzinfo=UTC)
SERIAL = 0x2B60AC15093D4E62D93147A65C8E01F7
ISSUER = [(NameOID.COUNTRY_NAME, "US"), (NameOID.STATE_OR_PROVINCE_NAME, "MI"), (NameOID.LOCALITY_NAME, "Ann Arbor"),
          (NameOID.ORGANIZATION_NAME, "Example Network"), (NameOID.ORGANIZATIONAL_UNIT_NAME, "Example Federation"),
          (NameOID.COMMON_NAME, "Example RSA Server CA")]
SUBJECT = [(NameOID.COUNTRY_NAME, "US"), (NameOID.POSTAL_CODE, "07030"), (NameOID.STATE_OR_PROVINCE_NAME, "NJ"),
           (NameOID.LOCALITY_NAME, "Hoboken"), (NameOID.STREET_ADDRESS, "1 Example Street"),
           (NameOID.ORGANIZATION_NAME, "Example Institute of Technology"), (NameOID.ORGANIZATIONAL_UNIT_NAME, "IT"),
           (NameOID.COMMON_NAME, "example.edu")]
WEB, PORT = 4443, 443
LIFETIME = "18h"
"""Slide 17's 64,800 seconds."""
NGINX = """
daemon off;
user root;
pid {folder}/pid;
error_log {folder}/error;
events {{ }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen {host}:{port} ssl;
    root {folder};
    ssl_certificate {folder}/chain.pem;
    ssl_certificate_key {folder}/key.pem;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_ciphers ECDHE-RSA-CHACHA20-POLY1305;
    ssl_session_timeout {lifetime};
    location / {{ return 200 "Welcome.\\n"; }}
  }}
}}
"""
CLOCK = "faketime", "-f", "@2020-03-23 14:14:35"
SESSIONS = {"1.3": [], "1.2": ["-tls1_2"]}


def certificates(folder: Path) -> None:
    """The server's, good for 731 days, and that of its authority."""
    authority_key, key = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    issuer, subject = (x509.Name([x509.NameAttribute(*part) for part in parts]) for parts in (ISSUER, SUBJECT))
    authority = (x509.CertificateBuilder().issuer_name(issuer).subject_name(issuer).public_key(authority_key.public_key())
                 .serial_number(x509.random_serial_number()).not_valid_before(datetime(2014, 10, 6, tzinfo=UTC))
                 .not_valid_after(datetime(2024, 10, 5, 23, 59, 59, tzinfo=UTC))
                 .add_extension(x509.BasicConstraints(True, 0), critical=True).sign(authority_key, hashes.SHA256()))
    signed = (x509.CertificateBuilder().issuer_name(issuer).subject_name(subject).public_key(key.public_key())
              .serial_number(SERIAL).not_valid_before(NOT_BEFORE).not_valid_after(NOT_AFTER)
              .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
              .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
              .add_extension(x509.BasicConstraints(False, None), critical=True)
              .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
              .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in NAMES]), critical=False)
              .sign(authority_key, hashes.SHA256()))
    pem = serialization.Encoding.PEM
    (folder / "chain.pem").write_bytes(signed.public_bytes(pem) + authority.public_bytes(pem))
    (folder / "key.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))


def passed_on(listener: socket.socket, flights: list[tuple[int, str]]) -> None:
    """Stand between one client and the web server, and keep what each says."""
    client, server = listener.accept()[0], socket.create_connection((HOST, WEB))
    ends = {client: (CLIENT, server), server: (SERVER, client)}
    while ends:
        for heard in select.select(list(ends), [], [])[0]:
            (side, other), data = ends[heard], b""
            with suppress(ConnectionResetError):
                data = heard.recv(65536)
            if not data:
                del ends[heard]
                with suppress(OSError):
                    other.shutdown(socket.SHUT_WR)
                break
            before = flights.pop()[1] if flights and flights[-1][0] == side else ""
            flights.append((side, before + data.hex()))
            with suppress(OSError):
                other.sendall(data)
    client.close()
    server.close()


def record(options: list[str], log: Path) -> tuple[list[tuple[int, str]], str]:
    """The flights of one session and what s_client printed of it."""
    flights: list[tuple[int, str]] = []
    with socket.create_server((HOST, PORT)) as listener:
        thread = threading.Thread(target=passed_on, args=(listener, flights))
        thread.start()
        client = subprocess.Popen([*CLOCK, "openssl", "s_client", "-connect", f"{HOST}:{PORT}", "-servername", NAME,
                                   "-keylogfile", log, "-ign_eof", "-crlf", *options], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert client.stdin is not None and client.stdout is not None
        time.sleep(1)
        client.stdin.write("GET / HTTP/1.0\n\n")
        client.stdin.flush()
        printed = client.stdout.read()
        client.wait()
        thread.join(10)
    return flights, printed


def main() -> None:
    """Write all of it."""
    log = HERE / "https-tls.keylog.txt"
    log.unlink(missing_ok=True)
    alone()
    kept = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        certificates(folder)
        (folder / "conf").write_text(NGINX.format(folder=folder, host=HOST, port=WEB, lifetime=LIFETIME))
        with serving([*CLOCK, "nginx", "-c", folder / "conf"], WEB):
            for version, options in SESSIONS.items():
                kept[version], printed = record(options, log)
                text = re.sub(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", "", printed, flags=re.DOTALL)
                (HERE / f"s_client-tls{version}.txt").write_text(text)
    (HERE / "https-tls.json").write_text(json.dumps(kept, indent=0) + "\n")


if __name__ == "__main__":
    main()
