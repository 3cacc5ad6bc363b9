"""Makes logins of which the password does not cross the wire and yet can be guessed: CRAM-MD5 and DIGEST-MD5 at submission, NTLM
and SCRAM-SHA-256 over IMAP, and a password that holds once over POP3.

Run from the project's root: `python -m samples.sasl.make [FOLDER]`, without a folder into this one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import sys
from pathlib import Path

from samples.pcap import Packet, in_order, moment, pcap, write
from samples.talk import CLIENT, LINUX, SECOND, SERVER, Connection, End, Vantage
from samples.wire import mac

ADDRESSES = "192.0.2.10", "198.51.100.25"
START = moment("2026-01-15T09:30:00.000250+00:00")
LATENCY = 9_000_000
ASKED = b"<20260115.093000@mail.example.com>"
DIGEST = {"username": "jan", "realm": "example.com", "nonce": "T0E2TUc5dEVRR20yaGg", "cnonce": "T0E2TUhYaDZWcVRyUms",
          "nc": "00000001", "qop": "auth", "digest-uri": "smtp/mail.example.com"}
RESPONSE_KEY = bytes.fromhex("0c868a403bfd7a93a3001ef22ef02e3f")
"""Of User in Domain, whose password is "Password" ([MS-NLMP] 4.2.4.1.1)."""
NTLM_ASKED = bytes.fromhex("0123456789abcdef")
BLOB = (b"\1\1" + bytes(6) + bytes(8) + b"\xaa" * 8 + bytes(4) + b"\2\0\x0c\0" + "Domain".encode("utf-16-le")
        + b"\1\0\x0c\0" + "Server".encode("utf-16-le") + bytes(8))
SCRAM = (b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
         b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
         b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
         b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
"""The example of RFC 7677, 3."""


def coded(data: bytes) -> bytes:
    """Base64."""
    return base64.b64encode(data)


def cram(password: bytes) -> bytes:
    """The answer of CRAM-MD5 (RFC 2195, 2)."""
    return b"jan " + hmac.new(password, ASKED, "md5").hexdigest().encode()


def digest(password: str) -> bytes:
    """The answer of DIGEST-MD5 (RFC 2831, 2.1.2)."""
    of = DIGEST
    first = hashlib.md5(f"jan:{of['realm']}:{password}".encode()).digest() + f":{of['nonce']}:{of['cnonce']}".encode()
    second = hashlib.md5(f"AUTHENTICATE:{of['digest-uri']}".encode()).hexdigest()
    whole = ":".join((hashlib.md5(first).hexdigest(), of["nonce"], of["nc"], of["cnonce"], of["qop"], second))
    fields = ",".join(f"{name}={value}" if name in ("nc", "qop") else f'{name}="{value}"' for name, value in of.items())
    return f"charset=utf-8,{fields},response={hashlib.md5(whole.encode()).hexdigest()}".encode()


def ntlm() -> tuple[bytes, bytes, bytes]:
    """The three messages of NTLMv2 ([MS-NLMP] 2.2.1)."""
    proof = hmac.new(RESPONSE_KEY, NTLM_ASKED + BLOB, "md5").digest()
    fields, data = b"", b""
    for field in (b"", proof + BLOB, "Domain".encode("utf-16-le"), "User".encode("utf-16-le"), b"", b""):
        fields += len(field).to_bytes(2, "little") * 2 + (64 + len(data)).to_bytes(4, "little")
        data += field
    flags, head = b"\1\x82\x08\0", b"NTLMSSP\0%c\0\0\0"
    return (head % 1 + flags + bytes(16), head % 2 + bytes(4) + b"\x38\0\0\0" + flags + NTLM_ASKED + bytes(24),
            head % 3 + fields + flags + data)


def once(password: bytes, number: int) -> bytes:
    """A password that holds once (RFC 2289)."""
    key = b"ke1234" + password
    for _ in range(number + 1):
        whole = hashlib.md5(key).digest()
        key = bytes(a ^ b for a, b in zip(whole[:8], whole[8:], strict=True))
    return key


def submission() -> list[tuple[int, bytes]]:
    """A wrong password, and the right one in another way."""
    asked = f'realm="example.com",nonce="{DIGEST["nonce"]}",qop="auth",algorithm=md5-sess'.encode()
    return [
        (SERVER, b"220 mail.example.com ESMTP\r\n"), (CLIENT, b"EHLO laptop.example.com\r\n"),
        (SERVER, b"250-mail.example.com\r\n250 AUTH CRAM-MD5 DIGEST-MD5\r\n"), (CLIENT, b"AUTH CRAM-MD5\r\n"),
        (SERVER, b"334 " + coded(ASKED) + b"\r\n"), (CLIENT, coded(cram(b"battery staple")) + b"\r\n"),
        (SERVER, b"535 5.7.8 Authentication failed\r\n"), (CLIENT, b"AUTH DIGEST-MD5\r\n"),
        (SERVER, b"334 " + coded(asked) + b"\r\n"),
        (CLIENT, coded(digest("correct horse")) + b"\r\n"), (SERVER, b"334 " + coded(b"rspauth=" + b"0" * 32) + b"\r\n"),
        (CLIENT, b"\r\n"), (SERVER, b"235 2.7.0 Authentication successful\r\n"), (CLIENT, b"QUIT\r\n"),
        (SERVER, b"221 2.0.0 Bye\r\n")]


def imap() -> list[tuple[int, bytes]]:
    """An exchange that the client gives up, and two that it does not."""
    first, asked, last = map(coded, ntlm())
    begun, told, proof, signature = map(coded, SCRAM)
    return [
        (SERVER, b"* OK [CAPABILITY IMAP4rev1 AUTH=NTLM AUTH=SCRAM-SHA-256] ready\r\n"), (CLIENT, b"1 AUTHENTICATE NTLM\r\n"),
        (SERVER, b"+ \r\n"), (CLIENT, b"*\r\n"), (SERVER, b"1 BAD Authentication aborted\r\n"),
        (CLIENT, b"2 AUTHENTICATE NTLM\r\n"), (SERVER, b"+ \r\n"),
        (CLIENT, first + b"\r\n"), (SERVER, b"+ " + asked + b"\r\n"), (CLIENT, last + b"\r\n"),
        (SERVER, b"2 NO Authentication failed\r\n"), (CLIENT, b"3 AUTHENTICATE SCRAM-SHA-256 " + begun + b"\r\n"),
        (SERVER, b"+ " + told + b"\r\n"), (CLIENT, proof + b"\r\n"), (SERVER, b"+ " + signature + b"\r\n"), (CLIENT, b"\r\n"),
        (SERVER, b"3 OK Logged in\r\n"), (CLIENT, b"4 LOGOUT\r\n"), (SERVER, b"* BYE\r\n4 OK Logged out\r\n")]


def pop3() -> list[tuple[int, bytes]]:
    """A password that holds once."""
    return [
        (SERVER, b"+OK POP3 ready\r\n"), (CLIENT, b"AUTH OTP " + coded(b"\0jan") + b"\r\n"),
        (SERVER, b"+ " + coded(b"otp-md5 97 ke1234 ext") + b"\r\n"),
        (CLIENT, coded(b"hex:" + once(b"correct horse battery", 97).hex().encode()) + b"\r\n"), (SERVER, b"+OK Logged in\r\n"),
        (CLIENT, b"QUIT\r\n"), (SERVER, b"+OK bye\r\n")]


def packets() -> list[Packet]:
    """The connections, one after the other, as the client sees them."""
    here = Vantage(ADDRESSES, (mac(ADDRESSES[CLIENT]), mac("192.0.2.1")), (0, LATENCY), ttls=(64, 58))
    return in_order(packet for i, (port, said) in enumerate(((587, submission()), (143, imap()), (110, pop3())))
                    for packet in here.packets(_connection(40_587 + i, port, START + 20 * i * SECOND, said)))


def _connection(port: int, service: int, start: int, said: list[tuple[int, bytes]]) -> Connection:
    talk = Connection(End(port, LINUX, 1_000 * port), End(service, LINUX, 2_000 * port), start, LATENCY)
    talk.open()
    for side, data in said:
        talk.say(side, data, pause=(1_310, 840)[side])
    talk.close(CLIENT)
    return talk


def main() -> None:
    """Write the capture."""
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent, {"logins.pcap": pcap(packets())})


if __name__ == "__main__":
    main()
