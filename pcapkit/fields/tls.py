"""TLS: records, and in them the handshake messages that are not encrypted, with the extensions of the hellos."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from pcapkit.codecs.x509 import read_certificate
from pcapkit.dissectors.tls.framing import HEARTBEAT, find_record, is_header, is_message
from pcapkit.dissectors.tls.names import (
    alert_meaning,
    alert_name,
    group_name,
    has_short_server_hello,
    is_grease,
    scheme_name,
    version_name,
)
from pcapkit.dissectors.tls.suites import suite_name
from pcapkit.fields.field import Cutter, count, hexed

_RECORDS = {20: "Change cipher spec", 21: "Alert", 22: "Handshake", 23: "Application data", HEARTBEAT: "Heartbeat"}
_MESSAGES = {
    0: ("HelloRequest", "The server would like a new handshake.", "RFC 5246, 7.4.1.1"),
    1: ("ClientHello", "What the client offers.", "RFC 8446, 4.1.2"),
    2: ("ServerHello", "What the server chose.", "RFC 8446, 4.1.3"),
    4: ("NewSessionTicket", "With it the client can come back without a full handshake.", "RFC 5077, 3.3"),
    8: ("EncryptedExtensions", "The rest of what the server chose.", "RFC 8446, 4.3.1"),
    11: ("Certificate", "Who the server, or the client, is.", "RFC 5246, 7.4.2"),
    12: ("ServerKeyExchange", "The server's part of the key, signed.", "RFC 5246, 7.4.3"),
    13: ("CertificateRequest", "The server wants to know who the client is.", "RFC 5246, 7.4.4"),
    14: ("ServerHelloDone", "It is the client's turn.", "RFC 5246, 7.4.5"),
    15: ("CertificateVerify", "Proof that the sender has the certificate's key.", "RFC 5246, 7.4.8"),
    16: ("ClientKeyExchange", "The client's part of the key.", "RFC 5246, 7.4.7"),
    20: ("Finished", "A sum over all messages before: both saw the same.", "RFC 5246, 7.4.9"),
    22: ("CertificateStatus", "What the issuer says of the certificate (OCSP).", "RFC 6066, 8"),
    24: ("KeyUpdate", "From here on another key.", "RFC 8446, 4.6.3"),
}
_EXTENSIONS = {
    0: ("server_name", "Which host the client wants, in the clear.", "RFC 6066, 3"),
    1: ("max_fragment_length", "Shorter records, please.", "RFC 6066, 4"),
    5: ("status_request", "Send what the issuer says of the certificate (OCSP).", "RFC 6066, 8"),
    10: ("supported_groups", "Groups for the key exchange.", "RFC 8446, 4.2.7"),
    11: ("ec_point_formats", "How points of curves may be written.", "RFC 8422, 5.1.2"),
    13: ("signature_algorithms", "Signatures that are accepted.", "RFC 8446, 4.2.3"),
    15: ("heartbeat", "Whether heartbeats may be sent.", "RFC 6520, 2"),
    16: ("application_layer_protocol_negotiation", "Which protocol is to run inside, in the clear.", "RFC 7301, 3.1"),
    18: ("signed_certificate_timestamp", "Proof that the certificate is in public logs.", "RFC 6962, 3.3.1"),
    21: ("padding", "Makes the hello longer, for servers that choke on some lengths.", "RFC 7685, 3"),
    22: ("encrypt_then_mac", "Authenticate what is encrypted, not the text.", "RFC 7366, 2"),
    23: ("extended_master_secret", "Tie the secret to this handshake.", "RFC 7627, 5.1"),
    27: ("compress_certificate", "Certificates may be compressed.", "RFC 8879, 3"),
    28: ("record_size_limit", "The longest record.", "RFC 8449, 4"),
    35: ("session_ticket", "Come back with a ticket.", "RFC 5077, 3.2"),
    41: ("pre_shared_key", "Come back with a key of before.", "RFC 8446, 4.2.11"),
    42: ("early_data", "Data comes with the first flight.", "RFC 8446, 4.2.10"),
    43: ("supported_versions", "The versions that really count since TLS 1.3.", "RFC 8446, 4.2.1"),
    44: ("cookie", "Given back to the server that asked again.", "RFC 8446, 4.2.2"),
    45: ("psk_key_exchange_modes", "How a key of before may be used.", "RFC 8446, 4.2.9"),
    49: ("post_handshake_auth", "The client may be asked later who it is.", "RFC 8446, 4.2.6"),
    50: ("signature_algorithms_cert", "Signatures that are accepted in certificates.", "RFC 8446, 4.2.3"),
    51: ("key_share", "Public parts of keys, so that no round trip is lost.", "RFC 8446, 4.2.8"),
    57: ("quic_transport_parameters", "Settings of QUIC.", "RFC 9001, 8.2"),
    0x3374: ("next_protocol_negotiation", "An older form of ALPN.", "draft-agl-tls-nextprotoneg"),
    0xFE0D: ("encrypted_client_hello", "The real hello, encrypted.", "draft-ietf-tls-esni"),
    0xFF01: ("renegotiation_info", "Ties a new handshake to the one before.", "RFC 5746, 3.2"),
}
_LISTS: dict[int, Callable[[int], str]] = {10: group_name, 13: scheme_name, 50: scheme_name}
"""Extensions that are a list of numbers of two bytes."""


def records(cut: Cutter) -> None:
    """Cut records; what is none is passed over up to the next. What follows a ChangeCipherSpec is encrypted."""
    encrypted, waiting, sure = False, 0, False
    while cut.left:
        head = cut.peek(5)
        if len(head) == 5 and not is_header(head[0], int.from_bytes(head[1:3], "big"), int.from_bytes(head[3:], "big")):
            if head[0] & 0x80 and head[2] == 1 and head[3] in (0, 3):
                _ssl2_hello(cut)
            else:
                at, found = find_record(cut.data, cut.at, cut.stop, True)
                cut.take("No record begins here", at - cut.at if found else cut.left, hexed,
                         "The rest of a record whose begin is not in the capture, or something else than TLS.",
                         "RFC 8446, 5.1")
            continue
        with cut.group("TLS record", 5 + int.from_bytes(head[3:], "big") if len(head) == 5 else cut.left,
                       meaning="A piece of the stream under TLS, with its kind and length in the clear.",
                       rfc="RFC 8446, 5.1") as whole:
            kind = cut.number("Kind", 1, lambda n: f"{_RECORDS.get(n, 'unknown')} ({n})", "What the record holds; once encrypted "
                              "by TLS 1.3, all say application data.", "RFC 8446, 5.1")
            cut.number("Record version", 2, _version, "Frozen for the sake of old devices: it does not tell the version that was "
                       "agreed on.", "RFC 8446, 5.1")
            cut.number("Length", 2, count("bytes"), "Of what follows, with what encryption adds.", "RFC 8446, 5.1")
            whole.value = _RECORDS.get(kind, str(kind))
            if kind == 22 and not encrypted:
                sure = sure or cut.peek(1) in (b"\1", b"\2")
                waiting = _handshake(cut, waiting, sure)
            elif kind == 21 and not encrypted and cut.left == 2:
                _alert(cut)
            elif kind == 20:
                encrypted = True
                cut.rest("Message", hexed, "From here on this side encrypts. TLS 1.3 sends it for the sake of old devices only.",
                         "RFC 5246, 7.1")
            elif kind == HEARTBEAT and not encrypted:
                cut.number("Kind of heartbeat", 1, lambda n: {1: "request", 2: "response"}.get(n, str(n)), rfc="RFC 6520, 4")
                cut.number("Payload length", 2, count("bytes"), "Heartbleed: more than there is.", "RFC 6520, 4")
                cut.rest("Payload and padding", rfc="RFC 6520, 4")
            else:
                cut.rest("Encrypted", hexed, "Only those who have the keys can read it; length and time are visible to all.",
                         "RFC 8446, 5.2")


def _handshake(cut: Cutter, waiting: int, sure: bool) -> int:
    """The messages of a record; returns how many bytes of the last one are in later records. Unless it is `sure` that the
    handshake began in the clear, they have to look like such.
    """
    if waiting:
        size = min(waiting, cut.left)
        cut.take("Handshake message goes on", size, meaning="It began in a record before.", rfc="RFC 8446, 5.1")
        waiting -= size
    while cut.left:
        kind, size = cut.peek(1)[0], int.from_bytes(cut.peek(3, 1), "big")
        name, meaning, rfc = _MESSAGES.get(kind, ("", "", ""))
        if not name or not (sure or is_message(kind, size, cut.left)):
            cut.rest("Encrypted", hexed, "No handshake message in the clear begins so.", "RFC 8446, 5.2")
            return 0
        there = min(4 + size, cut.left)
        with cut.group(name, there, meaning=meaning, rfc=rfc) as whole:
            cut.number("Message", 1, partial(_named, name), meaning, rfc)
            cut.number("Length", 3, count("bytes"), "Of the message, which may go on in further records.", "RFC 8446, 4")
            if there < 4 + size:
                whole.value = "goes on in the next record"
                cut.rest("Begin of the message")
                return 4 + size - there
            reader = _READERS.get(kind)
            if reader is not None:
                whole.value = reader(cut) or ""
            cut.rest("Content")
    return waiting


def _version(number: int) -> str:
    return f"{version_name(number)} ({number:#06x})"


def _alert(cut: Cutter) -> None:
    cut.number("Level", 1, lambda n: {1: "warning", 2: "fatal"}.get(n, str(n)), rfc="RFC 8446, 6")
    about = cut.peek(1)[0]
    cut.number("Description", 1, alert_name, f"{alert_meaning(about) or 'Not known'}.", "RFC 8446, 6")


def _ssl2_hello(cut: Cutter) -> None:
    """A hello in the form of SSL 2.0, with which old clients offer newer versions too."""
    with cut.group("SSL 2.0 record", 2 + (int.from_bytes(cut.peek(2), "big") & 0x7FFF), "ClientHello",
                   "The form of 1995, which must not be sent any more.", "RFC 6176, 3"):
        cut.number("Length", 2, lambda n: f"{n & 0x7FFF} bytes", "15 bits.", "RFC 5246, E.2")
        cut.number("Message", 1, partial(_named, "ClientHello"), rfc="RFC 5246, E.2")
        cut.number("Version", 2, _version, "The newest that the client speaks.", "RFC 5246, E.2")
        suites, session, challenge = (cut.number(f"Length of {what}", 2, count("bytes"), rfc="RFC 5246, E.2")
                                      for what in ("the suites", "the session id", "the challenge"))
        with cut.group("Cipher suites", suites, f"{suites // 3} offered"):
            while cut.left:
                cut.number("Suite", 3, lambda n: f"{suite_name(n, n > 0xFFFF)} ({n:#08x})", "Those up to 00ffff are of SSL 3.0 "
                           "and later.", "RFC 5246, E.2")
        cut.take("Session id", session, rfc="RFC 5246, E.2")
        cut.take("Challenge", challenge, meaning="What is the random later.", rfc="RFC 5246, E.2")


def _client_hello(cut: Cutter) -> str:
    cut.number("Version", 2, _version, "The newest up to TLS 1.2; newer ones stand in supported_versions.", "RFC 8446, 4.1.2")
    cut.take("Random", 32, meaning="Makes each session another one.", rfc="RFC 8446, 4.1.2")
    _vector(cut, "Session id", 1, "To come back with, up to TLS 1.2; since then only for the sake of old devices.")
    size = cut.number("Length of the suites", 2, count("bytes"), rfc="RFC 8446, 4.1.2")
    with cut.group("Cipher suites", size, f"{size // 2} offered", "What the client can encrypt with, best first.",
                   "RFC 8446, 4.1.2"):
        while cut.left:
            cut.number("Suite", 2, _suite, rfc="RFC 8446, B.4")
    _vector(cut, "Compression methods", 1, "00 is none; anything else is dangerous (CRIME).")
    return _extensions(cut, True)


def _server_hello(cut: Cutter) -> str:
    version = cut.number("Version", 2, _version, "That of TLS 1.3 stands in supported_versions; here is 1.2 then.",
                         "RFC 8446, 4.1.3")
    cut.take("Random", 32, meaning="DOWNGRD at its end: the server was asked for less than it can.", rfc="RFC 8446, 4.1.3")
    short = has_short_server_hello(version)
    if not short:
        _vector(cut, "Session id", 1, "To come back with, or the client's own given back.")
    suite = cut.number("Cipher suite", 2, _suite, "What the server chose of the offer.", "RFC 8446, 4.1.3")
    if not short:
        cut.number("Compression method", 1, str, "0 is none; anything else is dangerous (CRIME).", "RFC 8446, 4.1.3")
    _extensions(cut, False)
    return _suite(suite)


def _suite(number: int) -> str:
    return f"{'GREASE' if is_grease(number) else suite_name(number)} ({number:#06x})"


def _vector(cut: Cutter, name: str, width: int, meaning: str) -> None:
    """A length and so many bytes, as one leaf."""
    size = int.from_bytes(cut.peek(width), "big")
    cut.take(name, width + size, lambda data: hexed(data[width:]) or "empty", meaning, "RFC 8446, 4.1.2")


def _extensions(cut: Cutter, from_client: bool) -> str:
    """The extensions; returns the host that is asked for, if any."""
    if not cut.left:
        return ""
    size = cut.number("Length of the extensions", 2, count("bytes"), rfc="RFC 8446, 4.2")
    told = ""
    with cut.group("Extensions", size, rfc="RFC 8446, 4.2"):
        while cut.left:
            kind, length = int.from_bytes(cut.peek(2), "big"), int.from_bytes(cut.peek(2, 2), "big")
            name, meaning, rfc = ("GREASE", "Means nothing: it keeps servers used to what they do not know.", "RFC 8701, 2") if (
                is_grease(kind)) else _EXTENSIONS.get(kind, (f"extension {kind}", "", "RFC 8446, 4.2"))
            with cut.group(name, 4 + length, meaning=meaning, rfc=rfc) as whole:
                cut.number("Extension", 2, partial(_named, name), meaning, rfc)
                cut.number("Length", 2, count("bytes"), rfc="RFC 8446, 4.2")
                whole.value = _extension(cut, kind, from_client)
                if kind == 0:
                    told = whole.value
    return told


def _extension(cut: Cutter, kind: int, from_client: bool) -> str:
    """The content of an extension; what is not known stays in one piece."""
    said: list[str] = []
    if kind == 0 and cut.left:
        cut.number("Length of the list", 2, count("bytes"), rfc="RFC 6066, 3")
        cut.number("Kind of name", 1, lambda n: "host name" if n == 0 else str(n), rfc="RFC 6066, 3")
        size = cut.number("Length of the name", 2, count("bytes"), rfc="RFC 6066, 3")
        said = [cut.take("Host name", size, _text, "In the clear: who sees the packet knows which site it is.",
                         "RFC 6066, 3").decode("utf-8", "backslashreplace")]
    elif kind in _LISTS:
        cut.number("Length of the list", 2, count("bytes"))
        while cut.left:
            number = cut.number("Entry", 2, partial(_entry, _LISTS[kind]))
            said.append("GREASE" if is_grease(number) else _LISTS[kind](number))
    elif kind == 16:
        cut.number("Length of the list", 2, count("bytes"), rfc="RFC 7301, 3.1")
        while cut.left:
            said.append(cut.take("Protocol", 1 + cut.peek(1)[0], lambda data: _text(data[1:]), rfc="RFC 7301, 3.1")[1:].decode(
                "latin-1"))
    elif kind == 43:
        if from_client:
            cut.number("Length of the list", 1, count("bytes"), rfc="RFC 8446, 4.2.1")
        while cut.left:
            number = cut.number("Version", 2, lambda n: "GREASE" if is_grease(n) else _version(n), rfc="RFC 8446, 4.2.1")
            said += [] if is_grease(number) else [version_name(number)]
    elif kind == 51:
        if from_client:
            cut.number("Length of the list", 2, count("bytes"), rfc="RFC 8446, 4.2.8")
        while cut.left:
            group = cut.number("Group", 2, lambda n: "GREASE" if is_grease(n) else group_name(n), rfc="RFC 8446, 4.2.8")
            said += [] if is_grease(group) else [group_name(group)]
            if cut.left:
                _vector(cut, "Key", 2, "The public part of an ephemeral key.")
    else:
        cut.rest("Content")
    return ", ".join(said[:12])


def _named(name: str, number: int) -> str:
    return f"{name} ({number})"


def _entry(name: Callable[[int], str], number: int) -> str:
    return f"{'GREASE' if is_grease(number) else name(number)} ({number:#06x})"


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


def _certificates(cut: Cutter) -> str:
    """The chain of TLS 1.2 and before; that of TLS 1.3 is encrypted."""
    cut.number("Length of the chain", 3, count("bytes"), rfc="RFC 5246, 7.4.2")
    first = ""
    while cut.left:
        size = cut.number("Length of the certificate", 3, count("bytes"), rfc="RFC 5246, 7.4.2")
        der = cut.take("Certificate", size, _subject, "X.509 in DER: subject, issuer, validity, key and signature. pcapkit "
                       "certificates shows it as text.", "RFC 5280, 4.1")
        first = first or _subject(der)
    return first


def _subject(der: bytes) -> str:
    read = read_certificate(der)
    return f"{read.subject or 'unreadable'}, issued by {read.issuer or 'unknown'}"


def _server_key_exchange(cut: Cutter) -> str:
    """The elliptic form (RFC 8422, 5.4); that with a prime stays in one piece."""
    if cut.peek(1) != b"\x03":
        return ""
    cut.number("Curve type", 1, lambda n: f"named curve ({n})", rfc="RFC 8422, 5.4")
    group = cut.number("Curve", 2, group_name, "In which group the key is made.", "RFC 8422, 5.4")
    _vector(cut, "Public key", 1, "Ephemeral: it is forgotten after the session (forward secrecy).")
    if len(cut.peek(4)) == 4 and int.from_bytes(cut.peek(2, 2), "big") == cut.left - 4:
        cut.number("Signature algorithm", 2, scheme_name, "With which the certificate's key signs this.", "RFC 5246, 7.4.1.4.1")
    _vector(cut, "Signature", 2, "Proves that the owner of the certificate has answered.")
    return group_name(group)


def _client_key_exchange(cut: Cutter) -> str:
    cut.rest("Key", hexed, "With Diffie-Hellman a public key; with RSA the secret, encrypted for the server.", "RFC 5246, 7.4.7")
    return ""


def _ticket(cut: Cutter) -> str:
    cut.number("Lifetime", 4, count("seconds"), "How long the ticket may be used.", "RFC 5077, 3.3")
    _vector(cut, "Ticket", 2, "The session, sealed with a key that only the server has.")
    return ""


_READERS: dict[int, Callable[[Cutter], str]] = {
    1: _client_hello, 2: _server_hello, 4: _ticket, 11: _certificates, 12: _server_key_exchange, 16: _client_key_exchange}
