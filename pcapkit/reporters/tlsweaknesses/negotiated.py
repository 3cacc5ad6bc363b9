"""What is weak in a handshake: what the server chose, and what is peculiar to one session."""

from __future__ import annotations

from collections.abc import Iterator

from pcapkit.dissectors.tls import TlsHandshake
from pcapkit.dissectors.tls.hellos import (
    EMPTY_RENEGOTIATION_INFO,
    EXTENDED_MASTER_SECRET,
    FALLBACK,
    RENEGOTIATION_INFO,
    SUPPORTED_VERSIONS,
    ClientHello,
)
from pcapkit.dissectors.tls.names import TLS12, TLS13, rank, version_name
from pcapkit.dissectors.tls.suites import key_exchange
from pcapkit.records import Severity
from pcapkit.reporters.tlsweaknesses.suites import is_cbc, is_static, weak_suite

Weakness = tuple[str, str, Severity | None]
"""Rule, what was seen in words, and how bad it is where that is not what the rule says."""

WEEK = 7 * 24 * 3600
_SMALL, _TINY = 2048, 1024
_SENTINELS = {b"DOWNGRD\x01": TLS12, b"DOWNGRD\x00": 0x0302}
"""The last bytes of a server's random -> the newest version that it may have been made for (RFC 8446, 4.1.3)."""
_SPLITS = {True: "; the client splits its records 1/n-1, which helps", False: "; the client does not split its records", None: ""}
_ILLEGAL_PARAMETER, _INAPPROPRIATE_FALLBACK = 47, 86


def of_choice(row: TlsHandshake) -> Iterator[Weakness]:
    """What is weak in what a server chose: the same for all sessions that chose it, whatever the server signed."""
    version, cipher = row.version, row.cipher
    if version is None or cipher is None:
        if version == "SSL 2.0":
            yield "tls-ssl2", "SSL 2.0", None
        return
    yield from _of_version(row, version, cipher)
    if version == "SSL 2.0":
        return
    for rule in weak_suite(cipher):
        yield rule, cipher, None
    number = row.server_hello.cipher if row.server_hello is not None else 0
    if not row.is_tls13 and is_static(key_exchange(number)) and not row.resumed and "EXPORT" not in cipher:
        yield "tls-no-forward-secrecy", cipher, None
    if row.compression not in (None, "none"):
        yield "tls-crime", f"{row.compression} with {cipher}", None
    offer = row.client_hello
    if offer is None:
        return
    if row.secure_renegotiation is False and knows_secure_renegotiation(offer):
        yield ("tls-insecure-renegotiation", "the client asked for it (RFC 5746) and the server did not answer",
               Severity.HIGH if row.renegotiated else None)
    if row.extended_master_secret is False and EXTENDED_MASTER_SECRET in offer.extensions and version != "SSL 3.0":
        yield "tls-no-extended-master-secret", f"{version}: the client offered it", None
    if FALLBACK in offer.suites:
        yield "tls-fallback", f"the hello says so (TLS_FALLBACK_SCSV); {version} was negotiated", None


def _of_version(row: TlsHandshake, version: str, cipher: str) -> Iterator[Weakness]:
    best = f" though the client offers {row.client_version}" if row.client_version not in (None, version) else ""
    only = "; the client offers nothing newer" if row.client_version == version else ""
    if version == "SSL 2.0":
        yield "tls-ssl2", cipher, None
    elif version == "SSL 3.0":
        poodle = "; its CBC padding can be guessed (POODLE)" if is_cbc(cipher) else ""
        yield "tls-ssl3", f"{cipher}{poodle}{best}{only}", None
    elif version in ("TLS 1.0", "TLS 1.1") or version.startswith("DTLS 1.0"):
        yield "tls-old-version", f"{version}{best}{only}", None
    if version in ("SSL 3.0", "TLS 1.0") and is_cbc(cipher):
        yield "tls-beast", f"{cipher} in {version}{_SPLITS[row.records_split]}", None


def of_key_exchange(row: TlsHandshake) -> Iterator[Weakness]:
    """The size of Diffie-Hellman's prime or of a temporary key, and the hash that is signed."""
    if row.cipher is None or row.version in (None, "SSL 2.0"):
        return
    kind, _, size = (row.key_exchange or "").partition(" ")
    if kind.startswith("DH") and size.isdecimal() and int(size) < _SMALL:
        yield "tls-small-dh", f"{size} bits", Severity.HIGH if int(size) < _TINY else None
    signed = row.signed
    if signed is None:
        return
    if kind == "RSA" and signed.bits is not None and "EXPORT" not in (row.cipher or ""):
        yield "tls-freak", f"a temporary RSA key of {signed.bits} bits with {row.cipher}", None
    scheme = row.server_signature
    if scheme is not None and scheme.endswith(("_md5", "_sha1")):
        yield "tls-weak-signature", scheme, Severity.HIGH if scheme.endswith("_md5") else None


def of_session(row: TlsHandshake) -> Iterator[Weakness]:
    """What is weak in one session, or was done to it."""
    hello = row.server_hello
    if hello is not None and hello.random[24:31] == b"DOWNGRD":
        yield from _downgraded(row)
    if row.messages:
        lifetime = row.ticket_lifetime
        if lifetime is not None and lifetime > WEEK:
            yield "tls-ticket-lifetime", f"{lifetime} seconds, {lifetime // 86_400} days", None
        if row.stapled == "revoked":
            yield "tls-revoked", f"the certificate for {row.sni or 'this server'}", None
        if row.early_data == "accepted":
            yield "tls-early-data", "with the first flight, before the server said anything", None
    if _changes_too_early(row):
        refused = row.alert is not None and not row.alert[0]
        yield ("tls-ccs-injection", "the client changed the cipher before its key exchange; "
               + ("the server refused" if refused else "the server did not refuse"), Severity.LOW if refused else None)


def _downgraded(row: TlsHandshake) -> Iterator[Weakness]:
    offer, hello = row.client_hello, row.server_hello
    assert hello is not None
    newest = _SENTINELS.get(hello.random[24:])
    offered = offer.highest_version if offer is not None else None
    chosen = hello.version
    if newest is None or offered is None or chosen is None or chosen > newest:
        return
    could = TLS13 if newest == TLS12 else TLS12
    if rank(offered) >= rank(could) and rank(chosen) < rank(could) and (could != TLS13 or _offers_final_tls13(offer)):
        noticed = "; the client noticed and gave up" if row.alert == (True, _ILLEGAL_PARAMETER) else ""
        yield ("tls-downgraded", f"the hello offers {version_name(offered)}; the server says it speaks {version_name(could)} "
               f"or newer and was asked for less, and chose {version_name(chosen)}: it got another hello{noticed}", None)


def _offers_final_tls13(offer: ClientHello | None) -> bool:
    """Whether TLS 1.3 is offered as it was published; who offers only a draft gets less rightly."""
    return offer is not None and SUPPORTED_VERSIONS in offer.extensions and TLS13 in offer.versions


def knows_secure_renegotiation(offer: ClientHello) -> bool:
    """Whether a client says so (RFC 5746, 3.4)."""
    return RENEGOTIATION_INFO in offer.extensions or EMPTY_RENEGOTIATION_INFO in offer.suites


def _changes_too_early(row: TlsHandshake) -> bool:
    """Whether the client's ChangeCipherSpec came in a full handshake before its key exchange."""
    before, changed, _ = row.history.partition("I")
    if not changed or "n" not in before or "G" in before or row.gaps or row.is_tls13 or row.resumed:
        return False
    return not (row.version or "").startswith("DTLS")  # there datagrams may only have overtaken each other


def is_fallback_refused(row: TlsHandshake) -> bool:
    """Whether the server refused a fall-back to an older version (RFC 7507, 3)."""
    return row.alert == (False, _INAPPROPRIATE_FALLBACK)
