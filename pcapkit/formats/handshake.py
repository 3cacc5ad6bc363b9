"""A TLS handshake as text: what `openssl s_client` would have printed, and a ladder of its messages, those left out marked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import TYPE_CHECKING

from pcapkit.dissectors.tls.hellos import ENCRYPTED_CLIENT_HELLO, FALLBACK, HEARTBEAT_MODE
from pcapkit.dissectors.tls.names import NEW_SESSION_TICKET, alert_meaning
from pcapkit.dissectors.tls.rows import CertificateSeen, Step, TlsHandshake
from pcapkit.dissectors.tls.signed import verifies
from pcapkit.dissectors.tls.suites import openssl_name
from pcapkit.formats.jsonl import rfc3339
from pcapkit.formats.ladder import CLIENT, HIDDEN, NOTE, SERVER, Climb, Rung
from pcapkit.formats.text import escape

if TYPE_CHECKING:
    from pcapkit.handshakes import Handshake

_KEY_BITS = re.compile(r"(?:RSA|DSA|EC)\D*(\d{3,})")
_CURVES = {"x25519": "X25519, 253 bits", "x448": "X448, 448 bits", "secp256r1": "ECDH, prime256v1, 256 bits",
           "secp384r1": "ECDH, secp384r1, 384 bits", "secp521r1": "ECDH, secp521r1, 521 bits"}
_TYPES = (("rsa_pss", "RSA-PSS"), ("rsa_pkcs1", "RSA"), ("ecdsa", "ECDSA"), ("dsa", "DSA"), ("ed25519", "Ed25519"),
          ("ed448", "Ed448"))
_WAYS = {"id": "its session id", "ticket": "a session ticket", "psk": "a pre-shared key"}
_VERIFIED = {True: "good: made with the certificate's key over this session", False: "WRONG: not that of the certificate's key",
             None: "not checked: it is not visible, or there is none"}


def summary(shown: Handshake) -> Iterator[str]:
    """What `openssl s_client` prints of a session, as far as the capture shows it. No secret is part of it."""
    row = shown.row
    yield _headline(shown)
    yield "---"
    yield from _chain(shown)
    yield "---"
    yield f"Client certificate: {row.client_auth or 'not visible'}"
    yield from _signature(row)
    read, written = _bytes(row.steps, client=False), _bytes(row.steps, client=True)
    hidden = " at least" if row.is_tls13 or row.decrypted else ""
    yield f"SSL handshake has read{hidden} {read} bytes and written{hidden} {written} bytes"
    yield f"OCSP response: {f'stapled, {row.stapled}{_proof(row)}' if row.stapled else _absent(row)}"
    yield f"Certificate timestamps (SCT): {row.scts or 'not visible'}"
    yield "---"
    if row.version is None:
        yield f"nothing was negotiated: {row.failure or row.note or 'the answer is not in the capture'}"
    else:
        whether = "New" if row.resumed is False else "New or reused, not visible"
        new = f"Reused by {_WAYS[row.resumption]}" if row.resumption else whether
        cipher, theirs = row.cipher or "none", openssl_name(row.cipher or "none")
        yield f"{new}, {_spelled(row.version)}, Cipher is {theirs} ({f'{cipher}, ' * (cipher != theirs)}{row.cipher_id})"
        yield f"Key exchange: {row.key_exchange or 'not visible'}; Mozilla's profile: {row.profile or 'not for DTLS'}"
    if shown.chain and (size := _KEY_BITS.match(shown.chain[0].key or "")) is not None:
        yield f"Server public key is {size[1]} bit"
    yield from _agreed(row)
    yield from _session(shown)
    yield "---"


def _headline(shown: Handshake) -> str:
    flow = shown.flow
    return (f"{escape(flow.file)}, stream {flow.stream}: {flow.client}:{flow.client_port} → {flow.server}:{flow.server_port}"
            f"{f', {escape(shown.row.sni)}' if shown.row.sni else ''}")


def _chain(shown: Handshake) -> Iterator[str]:
    if not shown.chain:
        yield f"Server certificates: {shown.row.certificates}"
        return
    yield "Certificate chain"
    for seen in shown.chain:
        yield f"{seen.position:2} s:{escape(seen.subject or '?')}"
        yield f"   i:{escape(seen.issuer or '?')}"
        yield f"   a:{seen.key}; signed with {seen.signature}"
        yield f"   v:{_day(seen.not_before)} to {_day(seen.not_after)}{_defects(seen)}"


def _day(time_ns: int | None) -> str:
    return (rfc3339(time_ns) or "?")[:19].replace("T", " ")


def _defects(seen: CertificateSeen) -> str:
    return f"; {escape(', '.join(seen.defects))}" if seen.defects else ""


def _absent(row: TlsHandshake) -> str:
    return "no response sent" if row.leaf else "not visible"


def _proof(row: TlsHandshake) -> str:
    """What a stapled response is worth."""
    fault = row.staple_fault
    return "; who made it was not checked" if fault is None else f", but {fault}" if fault else "; signed by its issuer"


def _signature(row: TlsHandshake) -> Iterator[str]:
    scheme = row.server_signature
    if scheme is None and row.signed is not None and row.signed.signature:
        yield "Peer signing digest: MD5-SHA1 (RSA) or SHA1, which this version does not say"
    elif scheme is not None:
        digest = scheme.rpartition("_")[2]
        if digest.startswith(("sha", "md")):
            yield f"Peer signing digest: {digest.upper()}"
        yield f"Peer signature type: {next((name for mark, name in _TYPES if scheme.startswith(mark)), scheme)}"
    yield f"Peer signature: {_VERIFIED[verifies(row)]}"
    _, _, group = (row.key_exchange or "").removeprefix("PSK ").partition(" ")
    if group:
        yield f"Server Temp Key: {f'DH, {group} bits' if group.isdecimal() else _CURVES.get(group, group)}"


def _agreed(row: TlsHandshake) -> Iterator[str]:
    if row.secure_renegotiation is not None:
        yield f"Secure Renegotiation IS{'' if row.secure_renegotiation else ' NOT'} supported"
    if row.compression is not None:
        yield f"Compression: {row.compression.upper()}"
    chosen = row.alpn is not None and (not row.is_tls13 or row.decrypted)
    offered = f"ALPN offered: {escape(row.alpn)}" if row.alpn else "No ALPN negotiated"
    yield f"ALPN protocol: {escape(row.alpn or '')}" if chosen else offered
    yield f"Early data was {row.early_data}" if row.early_data else "Early data was not sent"
    offer, answer = row.client_hello, row.server_hello
    if offer is not None and ENCRYPTED_CLIENT_HELLO in offer.extensions:
        yield "Encrypted Client Hello: offered, or a placeholder that looks the same (GREASE)"
    if offer is not None and FALLBACK in offer.suites:
        yield "Fallback: this is a second attempt with an older version (TLS_FALLBACK_SCSV)"
    mode = answer.extensions.get(HEARTBEAT_MODE) if answer is not None else None
    if mode is not None:
        yield f"Heartbeat: the server {'takes requests' if mode == bytes((1,)) else 'takes no requests'}"
    if row.alert is not None:
        yield f"Alert from the {'client' if row.alert[0] else 'server'}: {alert_meaning(row.alert[1]) or row.alert[1]}"


def _session(shown: Handshake) -> Iterator[str]:
    row, answer = shown.row, shown.row.server_hello
    message = row.messages.get(NEW_SESSION_TICKET, b"")
    yield from _begun_session(row)
    if answer is not None:
        yield f"    Session-ID: {_session_id(answer.session_id, message[6:])}"
    yield "    Session-ID-ctx:"
    yield f"    {'Resumption PSK' if row.is_tls13 else 'Master-Key'}: not shown"
    if not row.is_tls13 and "PSK" not in (row.cipher or "PSK"):
        yield "    PSK identity: None"
        yield "    PSK identity hint: None"
        yield f"    SRP username: {'not shown' if 'SRP' in (row.cipher or '') else 'None'}"
    if row.ticket_lifetime is not None:
        yield from _ticket(row.ticket_lifetime, message[6:])
    yield f"    Start Time: {(rfc3339(row.span.time_ns) or '?').replace('T', ' ')}"
    if row.extended_master_secret is not None:
        yield f"    Extended master secret: {'yes' if row.extended_master_secret else 'no'}"
    for ticket in shown.tickets:
        yield "---"
        yield "Post-Handshake New Session Ticket arrived:"
        yield from _begun_session(row)
        yield f"    Session-ID: {_session_id(b'', ticket.ticket)}"
        yield "    Session-ID-ctx:"
        yield "    Resumption PSK: cannot be told: what it is made of is in no key log (RFC 8446, 4.6.1)"
        yield from _ticket(ticket.lifetime, ticket.ticket)


def _begun_session(row: TlsHandshake) -> Iterator[str]:
    yield "SSL-Session:"
    yield f"    Protocol  : {_spelled(row.version) if row.version else 'not negotiated'}"
    yield f"    Cipher    : {openssl_name(row.cipher) if row.cipher else 'none'}"


def _session_id(sent: bytes, ticket: bytes) -> str:
    """As s_client has it: what the server sent, else the ticket's hash, which OpenSSL takes in its place."""
    if sent or not ticket:
        return sent.hex().upper() or "(none)"
    return f"{sha256(ticket).hexdigest().upper()} (of the ticket; none was sent)"


def _ticket(lifetime: int, ticket: bytes) -> Iterator[str]:
    yield f"    TLS session ticket lifetime hint: {lifetime} (seconds)"
    yield f"    TLS session ticket: {len(ticket)} bytes"


def _spelled(version: str) -> str:
    """A version as OpenSSL writes it."""
    return {"SSL 2.0": "SSLv2", "SSL 3.0": "SSLv3", "TLS 1.0": "TLSv1"}.get(version, version.replace("TLS ", "TLSv"))


def _bytes(steps: list[Step], client: bool) -> int:
    """How many bytes a side sent up to its last handshake message that is visible, headers of records included."""
    mine = [step for step in steps if step.letter.isupper() == client]
    done = next((i + 1 for i, step in enumerate(mine) if step.letter in "Ff"), len(mine))
    talk = next((i for i, step in enumerate(mine) if step.letter in "Dd"), len(mine))
    mine = mine[:min(done, talk)]
    if not mine:
        return 0
    last = mine[-1]
    start = mine[0].span.start - _HEADER
    return (last.span.start + last.length if last.encrypted else last.span.stop) - max(start, 0)


_HEADER = 5

# The ladder

_NAMES = {
    "h": "HelloRequest", "c": "ClientHello", "s": "ServerHello", "v": "HelloVerifyRequest", "t": "NewSessionTicket",
    "e": "EndOfEarlyData", "j": "HelloRetryRequest", "o": "EncryptedExtensions", "x": "Certificate", "k": "ServerKeyExchange",
    "r": "CertificateRequest", "n": "ServerHelloDone", "y": "CertificateVerify", "g": "ClientKeyExchange", "f": "Finished",
    "w": "CertificateURL", "u": "CertificateStatus", "a": "SupplementalData", "p": "KeyUpdate", "i": "ChangeCipherSpec",
    "l": "alert", "b": "heartbeat", "d": "application data",
}
_FULL, _ABBREVIATED, _NEW = "Csx(u)(k)(r)n(X)G(Y)IF(t)if", "Cs(t)ifIF", "C(j)s(i)o(r)xyf(I)(X)(Y)F(t)"
"""The messages in order (RFC 5246, 7.3; RFC 8446, 2), those in brackets not always; a small letter is the server's."""
_BESIDE = {
    True: "TLS 1.2 takes a round trip more: ClientHello → ← ServerHello, Certificate, ServerKeyExchange, ServerHelloDone; "
          "ClientKeyExchange, [ChangeCipherSpec], Finished → ← [ChangeCipherSpec], Finished; certificates are in the clear",
    False: "TLS 1.3 takes a round trip less: ClientHello with key share → ← ServerHello, {EncryptedExtensions}, {Certificate}, "
           "{CertificateVerify}, {Finished}; {Finished} →; what stands in {} is encrypted",
}


def climb(shown: Handshake) -> Climb:
    """The messages in order as a ladder, what is optional and did not come as well."""
    flow, row = shown.flow, shown.row
    return Climb(flow.file, flow.stream, f"{flow.client}:{flow.client_port}", f"{flow.server}:{flow.server_port}",
                 row.span.time_ns, tuple(_rungs(row)))


def _rungs(row: TlsHandshake) -> Iterator[Rung]:
    due = _sequence(row)
    for step in row.steps:
        for letter, optional in _skipped(due, step.letter):
            yield Rung(CLIENT if letter.isupper() else SERVER, None, None,
                       (f"{_NAMES[letter.lower()]}{'' if optional else ': not seen'}",))
        yield Rung(CLIENT if step.letter.isupper() else SERVER, step.span.last_frame, step.span.time_ns, (_said(row, step),))
    if row.is_tls13 and not row.decrypted and "d" in row.history:
        yield Rung(HIDDEN, None, None, ("EncryptedExtensions, Certificate, CertificateVerify and Finished are in the server's "
                                        "encrypted records: --keylog shows them",))
    if row.failure is not None:
        meaning = f": {alert_meaning(row.alert[1])}" if row.alert is not None and alert_meaning(row.alert[1]) else ""
        yield Rung(NOTE, None, None, (f"{row.failure}{meaning}",))


_SENT = {CLIENT: "→  ", SERVER: "  ← ", NOTE: "!  ", HIDDEN: "  ? "}
_UNSENT = {**_SENT, CLIENT: "·  ", SERVER: "  · "}


def ladder(shown: Handshake) -> Iterator[str]:
    """The messages in order: when, how long after the one before, in which packet; what is optional and did not come as well."""
    row, one = shown.row, climb(shown)
    yield _headline(shown)
    yield (f"from {(rfc3339(one.start) or '?')[:23].replace('T', ' ')} UTC; seconds, after the one before, "
           "packet, client → or ← server; · was not sent")
    before = one.start
    for rung in one.rungs:
        for said in map(escape, rung.said):
            if rung.time is None:
                yield f"{'':33}{_UNSENT[rung.who]}{said}"
                continue
            later = f"+{(rung.time - before) / 1e3:.0f} µs"
            yield f"{(rung.time - one.start) / 1e9:9.3f} {later:>14} {f'#{rung.frame}':8}{_SENT[rung.who]}{said}"
            before = rung.time
    if row.version is not None and not row.resumed and not row.version.startswith("DTLS"):
        yield _BESIDE[row.is_tls13]


def _sequence(row: TlsHandshake) -> list[tuple[str, bool]]:
    """The messages that are to come, and whether each is optional; empty where that is not known, or they are hidden."""
    if row.gaps or row.version is None or row.version.startswith("SSL 2") or (row.is_tls13 and not row.decrypted):
        return []
    text = _NEW if row.is_tls13 else _ABBREVIATED if row.resumed else _FULL
    found, at = [], 0
    while at < len(text):
        optional = text[at] == "("
        found.append((text[at + optional], optional))
        at += 3 if optional else 1
    skipped = {"x", "y"} if row.is_tls13 and row.resumed else {"j", "i", "I"} if row.is_tls13 else set()
    return [(letter, optional) for letter, optional in found if letter not in skipped or letter in row.history]


def _skipped(due: list[tuple[str, bool]], letter: str) -> list[tuple[str, bool]]:
    """Take from `due` what stands up to a message; returns what should have come before it."""
    at = next((i for i, (expected, _) in enumerate(due) if expected == letter), None)
    if at is None:
        return []
    passed = due[:at]
    del due[:at + 1]
    return passed


def _said(row: TlsHandshake, step: Step) -> str:
    """A message with what matters of it."""
    name = _NAMES.get(step.letter.lower(), "another message")
    sealed = " (encrypted)" if step.encrypted else ""
    return f"{name}{sealed}{_detail(row, step.letter)}, {step.length} bytes"


def _detail(row: TlsHandshake, letter: str) -> str:
    if letter == "C" and row.client_hello is not None:
        named = f" for {row.sni}" if row.sni else ""
        return f"{named}: up to {row.client_version}, {len(row.client_hello.suites)} suites"
    if letter == "s" and row.version is not None:
        return f": {row.version}, {row.cipher}"
    if letter == "k" and row.signed is not None:
        return f": {row.key_exchange}, signed with {row.server_signature or 'MD5 and SHA-1'}"
    if letter == "t" and row.ticket_lifetime is not None:
        return f": good for {row.ticket_lifetime} s"
    return f": {row.stapled}" if letter == "u" and row.stapled else ""
