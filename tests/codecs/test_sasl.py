"""What an authentication shows of the user, mechanism by mechanism."""

from __future__ import annotations

from base64 import b64encode

import pytest

from pcapkit.codecs.sasl import Exchange
from pcapkit.records import SecretKind, Span

CHALLENGE = SecretKind.CHALLENGE_RESPONSE


def ntlm(domain: str, user: str, response: bytes) -> bytes:
    """An AUTHENTICATE_MESSAGE ([MS-NLMP] 2.2.1.3)."""
    parts = [b"", response, domain.encode("utf-16-le"), user.encode("utf-16-le"), b"", b""]
    fields, data = b"", b""
    for part in parts:
        fields += len(part).to_bytes(2, "little") * 2 + (64 + len(data)).to_bytes(4, "little")
        data += part
    return b"NTLMSSP\0\3\0\0\0" + fields + b"\1\0\0\0" + data


def exchange(mechanism: str, *lines: bytes) -> Exchange:
    said = [(b64encode(line).decode(), Span(0, 100 * i, 100 * i + 9, i, i, 0)) for i, line in enumerate(lines)]
    return Exchange(mechanism, said)


@pytest.mark.parametrize(("mechanism", "lines", "user", "secret", "kind", "at"), [
    ("PLAIN", [b"admin\0jan\0pa\0ss"], "jan", "pa\0ss", SecretKind.PASSWORD, 0),
    ("LOGIN", [b"jan", b"secret"], "jan", "secret", SecretKind.PASSWORD, 1),
    ("CRAM-MD5", [b"jan smith " + b"ab" * 16], "jan smith", "ab" * 16, CHALLENGE, 0),
    ("DIGEST-MD5", [b'charset=utf-8,username="jan",realm="a,b",nonce="x",response=' + b"cd" * 16 + b",qop=auth"],
     "jan", "cd" * 16, CHALLENGE, 0),
    ("SCRAM-SHA-256", [b"n,,n=ja=2Cn,r=abc", b"c=biws,r=abcdef,p=cHJvb2Y="], "ja,n", "cHJvb2Y=", CHALLENGE, 1),
    ("SCRAM-SHA-1-PLUS", [b"p=tls-unique,,n=jan,r=abc", b"c=x,r=abcdef,p=cHJvb2Y="], "jan", "cHJvb2Y=", CHALLENGE, 1),
    ("NTLM", [b"NTLMSSP\0\1\0\0\0", ntlm("DOM", "jan", b"\xab" * 24)], "DOM\\jan", "ab" * 24, CHALLENGE, 1),
    ("XOAUTH2", [b"user=jan@b\x01auth=Bearer tok\x01\x01"], "jan@b", "tok", SecretKind.TOKEN, 0),
    ("OAUTHBEARER", [b"n,a=jan@b,\x01host=h\x01auth=Bearer tok\x01\x01"], "jan@b", "tok", SecretKind.TOKEN, 0)])
def test_user_and_secret(mechanism: str, lines: list[bytes], user: str, secret: str, kind: SecretKind, at: int) -> None:
    shown = exchange(mechanism.lower(), *lines).login()
    assert shown == (user, secret, kind, Span(0, 100 * at, 100 * at + 9, at, at, 0))


@pytest.mark.parametrize(("mechanism", "lines"), [
    ("PLAIN", [b"jan"]), ("LOGIN", [b"jan"]), ("CRAM-MD5", [b"jan"]), ("DIGEST-MD5", [b"username=jan"]),
    ("SCRAM-SHA-1", [b"n,,n=jan,r=abc"]), ("SCRAM-SHA-1", [b"n,,r=abc", b"p=x"]), ("NTLM", [b"NTLMSSP\0\3\0\0\0"]),
    ("NTLM", [ntlm("", "jan", b"")]), ("XOAUTH2", [b"user=jan"]), ("GSSAPI", [b"ticket", b"more"]), ("", [b"\0jan\0x"])])
def test_what_shows_no_login_is_none_and_yet_masked(mechanism: str, lines: list[bytes]) -> None:
    tried = exchange(mechanism, *lines)
    assert tried.login() is None
    assert len(tried.secrets()) == len(lines) - (mechanism == "LOGIN")


def test_lines_that_are_missing_make_no_user() -> None:
    tried = exchange("LOGIN", b"secret", b"other")
    tried.torn = True
    assert tried.login() is None and len(tried.secrets()) == 2
