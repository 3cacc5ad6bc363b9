"""What the schemes of Authorization show, and that the lines for crackers fit the password."""

from __future__ import annotations

import hashlib
from base64 import b64encode

import pytest

from pcapkit.codecs import ntlm
from pcapkit.dissectors.http.schemes import Digest, challenge, directives, shown
from pcapkit.records import SecretKind

NT = bytes(range(60))


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def answer(password: str, qop: str = "auth", algorithm: str = "MD5", uri: str = "/dir/index.html") -> str:
    """The answer to the challenge in RFC 7616, 3.9.1."""
    first, second = md5(f"Mufasa:http-auth@example.org:{password}"), md5(f"GET:{uri}")
    between = "nonce1:00000001:0a4f113b:auth" if qop else "nonce1"
    return (f'Digest username="Mufasa", realm="http-auth@example.org", uri="{uri}", algorithm={algorithm}, nonce="nonce1", '
            f'nc=00000001, cnonce="0a4f113b", {f"qop={qop}, " if qop else ""}response="{md5(f"{first}:{between}:{second}")}"')


def guessed_by_hashcat(line: str, password: str) -> bool:
    """What mode 11400 computes of its line."""
    mark, _, _, user, realm, method, prefix, uri, suffix, nonce, client, count, qop, kind, response = line.split("*")
    assert (mark, prefix, suffix, kind) == ("$sip$", "", "", "MD5")
    middle = f"{nonce}:{count}:{client}:{qop}" if qop else nonce
    return md5(f"{md5(f'{user}:{realm}:{password}')}:{middle}:{md5(f'{method}:{uri}')}") == response


def guessed_by_john(line: str, password: str) -> bool:
    """What john's HDAA computes of its line."""
    _, mark, response, user, realm, method, uri, nonce, count, client, qop = line.split("$")
    assert mark == "response"
    return md5(f"{md5(f'{user}:{realm}:{password}')}:{nonce}:{count}:{client}:{qop}:{md5(f'{method}:{uri}')}") == response


@pytest.mark.parametrize("qop", ["auth", ""])
def test_the_lines_for_digest_fit_the_password(qop: str) -> None:
    said = shown(answer("Circle of Life", qop))
    assert said is not None and (said.mechanism, said.user, said.kind) == ("digest", "Mufasa", SecretKind.CHALLENGE_RESPONSE)
    assert isinstance(said.said, Digest)
    mode, hashcat, john = said.said.lines("GET", "MD5")
    assert mode == 11400 and guessed_by_hashcat(hashcat, "Circle of Life") and not guessed_by_hashcat(hashcat, "circle")
    assert (not john) if not qop else guessed_by_john(john, "Circle of Life")


@pytest.mark.parametrize(("value", "algorithm"), [
    (answer("x", "auth-int"), "MD5"), (answer("x"), "MD5-sess"), (answer("x"), "SHA-256"), (answer("x", uri=""), "MD5"),
    ('Digest username="u", nonce="n", uri="/", response="short"', "MD5")])
def test_what_no_cracker_takes_has_no_line(value: str, algorithm: str) -> None:
    said = shown(value)
    assert said is not None and isinstance(said.said, Digest) and said.said.lines("GET", algorithm) == (None, "", "")


def test_what_a_line_cannot_hold_is_left_out() -> None:
    said = shown(answer("x", uri="/a*b$c"))
    assert said is not None and isinstance(said.said, Digest) and said.said.lines("GET", "") == (None, "", "")


def test_directives() -> None:
    assert directives(r'a="x, y", B = "q\"r" ,c=token, d=""') == {"a": "x, y", "b": 'q"r', "c": "token", "d": ""}


def spnego(message: bytes) -> str:
    return b64encode(b"\x60\x40\x06\x06\x2b\x06\x01\x05\x05\x02\xa0\x30" + message).decode()


def authenticate() -> bytes:
    fields, data = b"", b""
    for part in (b"", NT, "DOM".encode("utf-16-le"), "jan".encode("utf-16-le"), b"", b""):
        fields += len(part).to_bytes(2, "little") * 2 + (64 + len(data)).to_bytes(4, "little")
        data += part
    return ntlm.SIGNATURE + b"\3\0\0\0" + fields + b"\1\0\0\0" + data


NEGOTIATE = ntlm.SIGNATURE + b"\1\0\0\0" + bytes(24)
TICKET = b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02" + bytes(range(256))


@pytest.mark.parametrize(("value", "expected"), [
    ("Basic amFuOmh1c2g=", ("basic", "jan", "hush", "password")),
    ("basic amFuOmh1c2g", ("basic", "jan", "hush", "password")),
    ("Basic\tamFuOmh1c2g=", ("basic", "jan", "hush", "password")),
    ("Basic !!!", None), ("Basic", None), ("Negotiate", None), ("Basic ", None), ("", None),
    ("Bearer mF_9.B5f-4.1JqM", ("bearer", "", "mF_9.B5f-4.1JqM", "token")),
    (f"NTLM {b64encode(NEGOTIATE).decode()}", None),
    (f"NTLM {b64encode(authenticate()).decode()}", ("ntlm", "DOM\\jan", NT.hex(), "challenge-response")),
    (f"Negotiate {spnego(authenticate())}", ("negotiate", "DOM\\jan", NT.hex(), "challenge-response")),
    (f"Negotiate {spnego(NEGOTIATE)}", None), ("Negotiate oRQwEqADCgEB", None),
    (f"Negotiate {spnego(TICKET)}", ("negotiate", "", spnego(TICKET), "token")),
    ("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=5d672d79",
     ("aws4-hmac-sha256", "AKIDEXAMPLE", "5d672d79", "hash")),
    ("AWS AKIDEXAMPLE:frJIUN8DYpKDtOLCwo=", ("aws", "AKIDEXAMPLE", "frJIUN8DYpKDtOLCwo=", "hash")),
    ('Signature keyId="k1",algorithm="hmac-sha256",headers="date",signature="Zm9v"', ("signature", "k1", "Zm9v", "hash")),
    ('OAuth oauth_consumer_key="ck", oauth_token="tk", oauth_signature="s%3D"', ("oauth", "tk", "s%3D", "hash")),
    ('Hawk id="dh37", ts="1353832234", nonce="j4h3g2", mac="6R4rV5iE"', ("hawk", "dh37", "6R4rV5iE", "hash")),
    ('HOBA result="kid.challenge.nonce.sig"', ("hoba", "", 'result="kid.challenge.nonce.sig"', "token")),
    ("Token abc123", ("token", "", "abc123", "token")), ("0123456789abcdef", ("token", "", "0123456789abcdef", "token")),
    (f"SCRAM-SHA-256 sid=AAAA, data={b64encode(b'c=biws,r=abc,p=dHzbZapW').decode()}",
     ("scram-sha-256", "", "dHzbZapW", "challenge-response")),
    (f"SCRAM-SHA-256 data={b64encode(b'n,,n=user,r=abc').decode()}", None)])
def test_schemes(value: str, expected: tuple[str, str, str, str] | None) -> None:
    said = shown(value)
    assert (said and (said.mechanism, said.user, said.secret, str(said.kind))) == expected


def test_challenges() -> None:
    asked = ntlm.SIGNATURE + b"\2\0\0\0" + bytes(12) + b"12345678" + bytes(8)
    assert challenge(f"NTLM {b64encode(asked).decode()}") == challenge(f"Negotiate {spnego(asked)}") == b"12345678"
    digest = challenge('Digest realm="r", nonce="n"')
    assert isinstance(digest, Digest) and digest.get("nonce") == "n"
    assert challenge("Basic realm=x") is None is challenge("NTLM") and challenge("Negotiate !") is None
