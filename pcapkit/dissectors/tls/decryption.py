"""What opens the records of one connection, as far as there are keys: secrets found for its hellos, and how far each side is.

Up to TLS 1.2 a master secret is named by the client's random, by the session that is resumed, or is what a premaster secret
becomes, which the server's RSA key opens (RFC 5246, 7.4.7.1). In TLS 1.3 each side has a secret for each stage (RFC 8446, 7.1).
"""

from __future__ import annotations

import hashlib
from typing import Any

from pcapkit.dissectors.tls.facts import Facts
from pcapkit.dissectors.tls.hellos import (
    COMPRESSED,
    ENCRYPT_THEN_MAC,
    EXTENDED_MASTER_SECRET,
    RETRY_RANDOM,
    SESSION_TICKET,
    TRUNCATED_HMAC,
    ClientHello,
    ServerHello,
)
from pcapkit.dissectors.tls.names import (
    CLIENT_HELLO,
    CLIENT_KEY_EXCHANGE,
    DTLS_VERSIONS,
    HELLO_REQUEST,
    MESSAGE_HASH,
    NEW_SESSION_TICKET,
    SERVER_HELLO,
    SSL3,
    as_tls,
)
from pcapkit.dissectors.tls.protection import Protection, Tls13, cipher_of, protections
from pcapkit.dissectors.tls.schedule import Randoms, master_secret
from pcapkit.keys import Keys

EARLY, HANDSHAKE, APPLICATION = range(3)
"""The stages of a side in TLS 1.3."""

_LABELS = (("CLIENT_EARLY_TRAFFIC_SECRET", ""), ("CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET"),
           ("CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"))
_TICKET = b"ticket "
"""Stands before tickets among the session ids, so that none is taken for one of those (RFC 5077, 3.3)."""
_MOST_TRANSCRIPT = 1 << 18
_MOST_LEARNED = 100_000
_MOST_GUESSES = 64
"""How many master secrets are tried at most."""


class Decryption:
    """The secrets of one connection. Sides are those of the handshake: 0 is who sent the ClientHello."""

    def __init__(self, keys: Keys) -> None:
        self.keys = keys
        self._transcript = bytearray()
        self._exchange = b""
        """The body of the ClientKeyExchange."""
        self._master = b""
        self._made: tuple[Protection, Protection] | None = None
        self._made_for: tuple[bytes, bytes] | None = None

    # What the handshake says

    def hear(self, kind: int, body: bytes) -> None:
        """Take a handshake message that is in the clear, or was opened."""
        if kind == HELLO_REQUEST:
            return
        if kind == CLIENT_HELLO:
            self._transcript[:] = self._retried()
            self._exchange = b""
        if not self._exchange and len(self._transcript) < _MOST_TRANSCRIPT:
            self._transcript += bytes([kind]) + len(body).to_bytes(3, "big") + body
        if kind == CLIENT_KEY_EXCHANGE:
            self._exchange = body
        elif kind == NEW_SESSION_TICKET and self._master:
            self._learn(_TICKET + body[6:], self._master)

    def _retried(self) -> bytes:
        """What a HelloRetryRequest leaves of the transcript: the first hello as its hash (RFC 8446, 4.4.1)."""
        heard = self._transcript
        first = 4 + int.from_bytes(heard[1:4], "big")
        answer = heard[first:]
        if answer[:1] != bytes([SERVER_HELLO]) or answer[6:38] != RETRY_RANDOM or len(answer) < 39 + answer[38]:
            return b""
        suite = 39 + answer[38]
        cipher = cipher_of(int.from_bytes(answer[suite:suite + 2], "big"))
        if cipher is None:
            return b""
        digest = hashlib.new(cipher.hash, heard[:first]).digest()
        return bytes([MESSAGE_HASH, 0, 0, len(digest)]) + digest + answer

    def transcript_hash(self, suite: int) -> bytes:
        """The hash of all messages so far, as TLS 1.3 signs it with this suite; empty where not all of them are known."""
        cipher = cipher_of(suite)
        known = self._transcript[:1] in (bytes([CLIENT_HELLO]), bytes([MESSAGE_HASH]))
        if cipher is None or not known or len(self._transcript) >= _MOST_TRANSCRIPT:
            return b""
        return hashlib.new(cipher.hash, self._transcript).digest()

    def _learn(self, session: bytes, master: bytes) -> None:
        """Remember a master secret for a session that resumes this one."""
        if session and len(self.keys.by_session) < _MOST_LEARNED:
            self.keys.by_session.setdefault(session, master)

    # Up to TLS 1.2

    def after_cipher_change(self, side: int, version: int, client: ClientHello | None,
                            server: ServerHello) -> Protection | None:
        """The protection of what a side says behind its ChangeCipherSpec; None where there are no keys for it."""
        randoms = Randoms(client.random if client is not None else b"", server.random)
        if self._made is None or self._made_for != (randoms.client, randoms.server):
            master = self._find_master(version, randoms, client, server)
            self._made_for, self._master = (randoms.client, randoms.server), master or b""
            unread = server.compression == COMPRESSED and version in DTLS_VERSIONS
            self._made = None if master is None or unread else protections(
                as_tls(version), server.cipher, master, randoms, ENCRYPT_THEN_MAC in server.extensions,
                TRUNCATED_HMAC in server.extensions, server.compression == COMPRESSED)
            if master is not None:
                self._learn(server.session_id, master)
        return self._made[side] if self._made is not None else None

    def guess(self, side: int, facts: Facts, kind: int, version: int, fragment: bytes) -> tuple[Protection, bytes] | None:
        """What of the master secrets that name no session opens this record, and what is in it. Its check sum proves it: suites
        of which that is not looked at are left alone.
        """
        client, server = facts.client_hello, facts.server_hello
        if not self.keys.masters or server is None or facts.version is None or facts.version in DTLS_VERSIONS:
            return None
        cipher = cipher_of(server.cipher)
        if cipher is None or (cipher.tag and cipher.name.startswith("CAMELLIA")):
            return None
        randoms = Randoms(client.random if client is not None else b"", server.random)
        for master in self.keys.masters[:_MOST_GUESSES]:
            made = protections(facts.version, server.cipher, master, randoms, ENCRYPT_THEN_MAC in server.extensions,
                               TRUNCATED_HMAC in server.extensions, server.compression == COMPRESSED)
            content = made[side].open(kind, version, fragment) if made is not None else None
            if made is not None and content is not None:
                self._made, self._made_for, self._master = made, (randoms.client, randoms.server), master
                self._learn(server.session_id, master)
                return made[side], content
        return None

    def _find_master(self, version: int, randoms: Randoms, client: ClientHello | None, server: ServerHello) -> bytes | None:
        named = self.keys.by_random.get(randoms.client, {})
        if "CLIENT_RANDOM" in named:
            return named["CLIENT_RANDOM"]
        cipher = cipher_of(server.cipher)
        premaster = named.get("PMS_CLIENT_RANDOM") or self._premaster(version, client)
        extends = EXTENDED_MASTER_SECRET in server.extensions
        if extends and version in DTLS_VERSIONS:
            premaster = None  # its transcript has headers that are not kept (RFC 6347, 4.2.6)
        if premaster is not None and cipher is not None:
            extended = bytes(self._transcript) if extends else None
            return master_secret(as_tls(version), cipher.hash, premaster, randoms, extended)
        ticket = client.extensions.get(SESSION_TICKET, b"") if client is not None else b""
        return self.keys.by_session.get(server.session_id) or (self.keys.by_session.get(_TICKET + ticket) if ticket else None)

    def _premaster(self, version: int, client: ClientHello | None) -> bytes | None:
        """The premaster secret in a ClientKeyExchange, with the server's key or a line of a key log (RFC 5246, 7.4.7.1)."""
        exchange = self._exchange
        sealed = exchange if version <= SSL3 else exchange[2:]
        if not sealed:
            return None
        known = self.keys.premasters.get(sealed[:8])
        if known is not None:
            return known
        for key in self.keys.rsa:
            opened = _opened(key, sealed)
            if opened is not None and client is not None and opened[:2] == client.version.to_bytes(2, "big"):
                return opened
        return None

    def note(self, side: int, stage: int, opened: Protection, facts: Facts) -> None:
        """A protection has opened a record: its secret is one that is of use."""
        client = facts.client_hello
        if client is None:
            return
        if isinstance(opened, Tls13):
            self.keys.use(client.random, _LABELS[stage][side], opened.secret)
        else:
            self.keys.use(client.random, "CLIENT_RANDOM", self._master)

    # TLS 1.3

    def of_stage(self, side: int, stage: int, client: ClientHello | None, suite: int | None) -> list[Protection]:
        """The protections that the records of a side may have at a stage: one for each suite where none is chosen yet."""
        named = self.keys.by_random.get(client.random, {}) if client is not None else {}
        secret = named.get(_LABELS[stage][side])
        if secret is None or client is None:
            return []
        suites = client.suites if suite is None else [suite]
        found = [(cipher_of(number), number) for number in suites if number >> 8 == 0x13]
        return [Tls13(cipher, secret) for cipher, _ in found if cipher is not None and cipher.tag
                and len(secret) == (48 if cipher.hash == "sha384" else 32)]

    def opener(self, side: int, facts: Facts) -> Opener:
        """What opens the records of a side, CLIENT or SERVER."""
        return Opener(self, side, facts)


class Opener:
    """Opens the records of one side, one after the other; in TLS 1.3 whatever stage they are of."""

    def __init__(self, decryption: Decryption, side: int, facts: Facts) -> None:
        self._decryption, self._side, self._facts = decryption, side, facts
        self._current: Protection | None = None
        self._stage = EARLY
        self._doubt = 0
        self._noted = False
        if not self._staged and facts.server_hello is not None and facts.version is not None:
            self._current = decryption.after_cipher_change(side, facts.version, facts.client_hello, facts.server_hello)

    @property
    def _staged(self) -> bool:
        """Whether this is TLS 1.3, or may be: before the server has answered there is nothing else to be opened."""
        return self._facts.tls13 or self._facts.server_hello is None

    def open(self, kind: int, version: int, fragment: bytes, sequence: int | None = None) -> tuple[int, bytes] | None:
        """Type and content of the next record, or of the one with this number in DTLS; None where no key fits."""
        if self._current is not None:
            content = (self._current.open(kind, version, fragment) if sequence is None
                       else self._current.undo(kind, version, fragment, sequence))
            if content is not None:
                if not self._noted:
                    self._noted = True
                    self._decryption.note(self._side, self._stage, self._current, self._facts)
                return self._current.content_type or kind, content
        elif not self._staged and (found := self._decryption.guess(self._side, self._facts, kind, version, fragment)):
            self._current, content = found
            return kind, content
        return self._later(kind, version, fragment) if self._staged and sequence is None else None

    def _later(self, kind: int, version: int, fragment: bytes) -> tuple[int, bytes] | None:
        """The same with the keys of the stages that are still to come."""
        facts = self._facts
        suite = facts.server_hello.cipher if facts.server_hello is not None and not facts.retrying else None
        for stage in range(self._stage + (self._current is not None), APPLICATION + 1):
            for protection in self._decryption.of_stage(self._side, stage, facts.client_hello, suite):
                protection.doubt = self._doubt
                content = protection.open(kind, version, fragment)
                if content is not None:
                    self._current, self._stage, self._doubt = protection, stage, 0
                    self._decryption.note(self._side, stage, protection, facts)
                    return protection.content_type, content
        return None

    def updated(self) -> None:
        """A KeyUpdate: the next records have other keys (RFC 8446, 4.6.3)."""
        if isinstance(self._current, Tls13):
            self._current = self._current.updated()

    def lost(self, length: int) -> None:
        """So many bytes are missing."""
        self._doubt += length // 6 + 1
        if self._current is not None:
            self._current.lost(length)

    @property
    def in_doubt(self) -> bool:
        """Whether a record that does not open may only be the first behind missing bytes."""
        return self._current is not None and self._current.doubt > 0


def _opened(key: Any, sealed: bytes) -> bytes | None:
    """An encrypted premaster secret; None where it is not of this key."""
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    if len(sealed) != (key.key_size + 7) // 8:
        return None
    try:
        opened = bytes(key.decrypt(sealed, PKCS1v15()))
    except ValueError:
        return None
    return opened if len(opened) == 48 else None
