"""The schemes of Authorization and Proxy-Authorization (RFC 9110, 11): what each shows of a login.

Basic (RFC 7617), Bearer (RFC 6750), Digest (RFC 7616), NTLM and Negotiate ([MS-NLMP]; RFC 4559), SCRAM (RFC 7804), and those
that sign a request with a key: AWS, OAuth 1, Hawk, Signature (RFC 9421's forerunner) and their like. Of any other scheme what is
behind its name is a token.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass

from pcapkit.codecs import ntlm
from pcapkit.codecs.hidden import basic
from pcapkit.records import SecretKind

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,40}")
_DIRECTIVE = re.compile(r"""([A-Za-z0-9_-]{1,40})\s{0,9}=\s{0,9}(?:"((?:[^"\\]|\\.)*+)"|([^",\s]*+))""")
_SHORTEST = 10
"""Of a token that stands without a scheme: what is shorter is a scheme without a token."""
_SIGNED = ("signature", "oauth_signature", "mac")
_SIGNERS = ("credential", "keyid", "oauth_token", "oauth_consumer_key", "id")
_KERBEROS = (b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02", b"\x2a\x86\x48\x82\xf7\x12\x01\x02\x02")
"""Kerberos 5 as an object identifier, and as some of Microsoft's write it (RFC 4178, annex)."""


@dataclass(slots=True)
class Digest:
    """The directives of a Digest answer or challenge, by their lower-case names."""

    said: Mapping[str, str]

    def get(self, name: str) -> str:
        """A directive; empty where there is none."""
        return self.said.get(name, "")

    def lines(self, method: str, algorithm: str) -> tuple[int | None, str, str]:
        """Mode and line of hashcat, and john's line (its HDAA). Both know MD5 only, and no digest of the body; hashcat's mode
        is that of SIP, whose answer is made in the same way.
        """
        qop = self.get("qop").lower()
        fields = [self.get(name) for name in ("username", "realm", "uri", "nonce", "nc", "cnonce", "response")]
        user, realm, uri, nonce, count, client, response = fields
        if (algorithm or "MD5").upper() != "MD5" or qop not in ("", "auth") or len(response) != 32 or not uri or not nonce:
            return None, "", ""
        text = "".join(fields)
        hashcat = john = ""
        if "*" not in text and text.isprintable() and len(user) + len(realm) < 116 and len(method) + len(uri) < 245:
            hashcat = "*".join(["$sip$", "", "", user, realm, method, "", uri, "", nonce, client, count, qop, "MD5", response])
        if qop and not set("$:") & set(text) and text.isprintable():
            john = "$".join(["", "response", response, user, realm, method, uri, nonce, count, client, qop])
        return (11400 if hashcat else None), hashcat, john


@dataclass(slots=True)
class Shown:
    """What a header shows of a login. `said` is what the line for hashcat is made of, once the challenge is known."""

    mechanism: str
    user: str
    secret: str
    kind: SecretKind
    said: ntlm.Answer | Digest | None = None


def directives(text: str) -> dict[str, str]:
    """The parameters of a scheme (RFC 9110, 11.2): name=token or name="quoted", by lower-case names."""
    return {name.lower(): re.sub(r"\\(.)", r"\1", quoted) if quoted else bare
            for name, quoted, bare in _DIRECTIVE.findall(text)}


def raw(token: str) -> bytes:
    """The bytes of base64, empty where it is none."""
    try:
        return base64.b64decode(token + "=" * (-len(token) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


def shown(value: str) -> Shown | None:
    """The login in the value of a header; None where it shows none, or not yet."""
    value = value.replace("\t", " ").strip()
    scheme, blank, rest = value.partition(" ")
    rest = rest.strip()
    if not value or (blank and not rest):
        return None
    if not blank or not _TOKEN.fullmatch(scheme):
        return Shown("token", "", value, SecretKind.TOKEN) if len(value) >= _SHORTEST else None
    kind = scheme.lower()
    if kind == "basic":
        pair = basic(rest)
        return Shown("basic", *pair, SecretKind.PASSWORD) if pair is not None else None
    if kind == "digest":
        said = directives(rest)
        return Shown("digest", _digest_user(said), said["response"], SecretKind.CHALLENGE_RESPONSE,
                     Digest(said)) if said.get("response") else None
    if kind in ("ntlm", "negotiate"):
        return _windows(kind, rest)
    if kind.startswith("scram-"):
        return _scram(kind, directives(rest))
    if kind == "bearer":
        return Shown("bearer", "", rest, SecretKind.TOKEN)
    return _signed(kind, rest) or Shown(kind, "", rest, SecretKind.TOKEN)


def _digest_user(said: Mapping[str, str]) -> str:
    """The user's name, unless only its hash is sent (RFC 7616, 3.4.4)."""
    return "" if said.get("userhash") == "true" else said.get("username", "")


def _windows(kind: str, token: str) -> Shown | None:
    """NTLM alone or within Negotiate: only its last message shows a login; a ticket of Kerberos is one at once."""
    data = raw(token)
    at = data.find(ntlm.SIGNATURE)
    if at >= 0:
        answer = ntlm.answer(data[at:])
        return None if answer is None else Shown(kind, answer.name, (answer.nt or answer.lm).hex(),
                                                 SecretKind.CHALLENGE_RESPONSE, answer)
    ticket = kind == "negotiate" and any(name in data for name in _KERBEROS) and len(data) > 200
    return Shown(kind, "", token, SecretKind.TOKEN) if ticket else None


def challenge(value: str) -> bytes | Digest | None:
    """The challenge in a value of WWW-Authenticate or Proxy-Authenticate: of NTLM the eight bytes; None where there is none."""
    scheme, _, rest = value.strip().partition(" ")
    if scheme.lower() == "digest":
        return Digest(directives(rest))
    if scheme.lower() in ("ntlm", "negotiate"):
        data = raw(rest.strip())
        at = data.find(ntlm.SIGNATURE)
        return ntlm.challenge(data[at:]) if at >= 0 else None
    return None


def _scram(kind: str, said: Mapping[str, str]) -> Shown | None:
    """The proof of SCRAM in its last message; the user's name stands in an earlier one (RFC 7804, 4)."""
    last = dict(part.partition("=")[::2] for part in raw(said.get("data", "")).decode("utf-8", "replace").split(","))
    return Shown(kind, "", last["p"], SecretKind.CHALLENGE_RESPONSE) if last.get("p") else None


def _signed(kind: str, rest: str) -> Shown | None:
    """A signature over the request, and the name of the key it was made with."""
    said = directives(rest)
    signature = next((said[name] for name in _SIGNED if said.get(name)), "")
    if signature:
        signer = next((said[name] for name in _SIGNERS if said.get(name)), "")
        return Shown(kind, signer.partition("/")[0] if kind.startswith("aws4-") else signer, signature, SecretKind.HASH)
    if kind in ("aws", "sharedkey", "sharedkeylite", "hmac", "hmac-sha256", "goog1", "qbox", "obs", "oss"):
        signer, colon, signature = rest.partition(":")
        if colon and signer and signature:
            return Shown(kind, signer, signature, SecretKind.HASH)
    return None
