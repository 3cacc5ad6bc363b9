"""TLS sessions made of drawn keys: with ECDHE and AES-GCM in TLS 1.2 they are real, and a key log opens them.

Others are real up to what is encrypted: nobody has the keys of those, so their protected records are noise of the right size.
Sources: RFC 5246, RFC 8422 (ECDHE), RFC 5288 (GCM), RFC 7627 (extended master secret), RFC 8446.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from struct import pack

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pcapkit.dissectors.tls import names
from pcapkit.dissectors.tls.names import TLS12, TLS13
from pcapkit.dissectors.tls.schedule import Randoms, key_block, master_secret, verify_data
from pcapkit.exercises.draw import Draw
from pcapkit.exercises.traffic.certificates import private_key
from pcapkit.exercises.traffic.trace import Conversation, Said
from pcapkit.records import CLIENT, SERVER

ECDHE_GCM, RSA_GCM, RSA_CBC, RSA_3DES, RSA_RC4 = 0xC02B, 0x009C, 0x002F, 0x000A, 0x0005
AES_13 = 0x1301
_CHANGE, _HANDSHAKE, _DATA = 20, 22, 23
_FINISHED_SIZE = {RSA_RC4: 36, RSA_3DES: 40, RSA_CBC: 48, RSA_GCM: 40, ECDHE_GCM: 40}
_KEY, _IV = 16, 4


@dataclass
class Terms:
    """What client and server agree on. `key` is that of the first certificate, for ECDHE; `modulus` its bytes, for RSA."""

    host: str
    chain: Sequence[bytes] = ()
    version: int = TLS12
    suite: int = ECDHE_GCM
    key: ec.EllipticCurvePrivateKey | None = None
    modulus: int = 256
    offered: Sequence[int] = (AES_13, ECDHE_GCM, 0xC02F, RSA_GCM, RSA_CBC)


@dataclass
class Session:
    """A session on a connection. `hello`, `chosen` and `certificates` are in the clear, `finished` is the server's."""

    conversation: Conversation
    terms: Terms
    draw: Draw
    hello: Said = field(default_factory=Said)
    chosen: Said = field(default_factory=Said)
    certificates: Said = field(default_factory=Said)
    finished: Said = field(default_factory=Said)
    random: bytes = b""
    master: bytes = b""
    block: bytes = b""
    sequences: list[int] = field(default_factory=lambda: [0, 0])

    def say(self, side: int, data: bytes | str) -> Said:
        """`side` sends application data in one record."""
        data = data.encode() if isinstance(data, str) else data
        return self.conversation.say(side, self._sealed(side, _DATA, data))

    @property
    def keylog(self) -> str:
        """The line of a key log that opens it."""
        return f"CLIENT_RANDOM {self.random.hex()} {self.master.hex()}\n"

    def _sealed(self, side: int, kind: int, content: bytes) -> bytes:
        version = min(self.terms.version, TLS12)
        if not self.block:
            size = _FINISHED_SIZE.get(self.terms.suite, 40) if kind == _HANDSHAKE else len(content) + 37
            return _record(kind, self.draw.bytes(size), version)
        counted = self.sequences[side].to_bytes(8, "big")
        self.sequences[side] += 1
        iv = self.block[2 * _KEY + side * _IV:][:_IV]
        told = counted + pack(">BHH", kind, TLS12, len(content))
        sealed = AESGCM(self.block[side * _KEY:][:_KEY]).encrypt(iv + counted, content, told)
        return _record(kind, counted + sealed, version)


def shake(conversation: Conversation, draw: Draw, terms: Terms) -> Session:
    """A handshake on a connection, up to where application data may follow."""
    session = Session(conversation, terms, draw, random=draw.bytes(32))
    hello = _client_hello(session)
    session.hello = conversation.say(CLIENT, _record(_HANDSHAKE, hello, names.TLS10))
    return _tls13(session) if terms.version == TLS13 else _tls12(session, hello)


def _tls12(session: Session, hello: bytes) -> Session:
    """TLS up to 1.2: certificates in the clear, then keys, then Finished of both."""
    draw, terms, conversation = session.draw, session.terms, session.conversation
    answer, randoms = _server_hello(session)
    session.chosen = conversation.say(SERVER, _record(_HANDSHAKE, answer, terms.version))
    certificates = _message(names.CERTIFICATE, _vector(3, b"".join(_vector(3, one) for one in terms.chain)))
    done = _message(names.SERVER_HELLO_DONE, b"")
    if terms.key is None:
        exchange = b""
        reply = _message(names.CLIENT_KEY_EXCHANGE, _vector(2, b"\0" + draw.bytes(terms.modulus - 1)))
        shared = b""
    else:
        own, other = private_key(draw.of("server")), private_key(draw.of("client"))
        exchange = _message(names.SERVER_KEY_EXCHANGE, _signed(terms.key, randoms, _point(own)))
        reply = _message(names.CLIENT_KEY_EXCHANGE, _vector(1, _point(other)))
        shared = other.exchange(ec.ECDH(), own.public_key())
    session.certificates = conversation.say(SERVER, b"".join(
        _record(_HANDSHAKE, message, terms.version) for message in (certificates, exchange, done) if message))
    transcript = hello + answer + certificates + exchange + done + reply
    if terms.key is not None and terms.suite == ECDHE_GCM and terms.version == TLS12:
        session.master = master_secret(TLS12, "sha256", shared, randoms, transcript)
        session.block = key_block(TLS12, "sha256", session.master, randoms, 2 * _KEY + 2 * _IV)
    before = _record(_HANDSHAKE, reply, terms.version)
    for side in (CLIENT, SERVER):
        finished = _message(names.FINISHED, verify_data("sha256", session.master, side, transcript))
        transcript += finished
        change = _record(_CHANGE, b"\1", terms.version)
        session.finished = conversation.say(side, before + change + session._sealed(side, _HANDSHAKE, finished))
        before = b""
    return session


def _tls13(session: Session) -> Session:
    """TLS 1.3: all behind the ServerHello is encrypted, certificates too."""
    draw, conversation = session.draw, session.conversation
    answer, _ = _server_hello(session)
    opaque = [_record(_DATA, draw.bytes(size), TLS12) for size in (draw.between(1_800, 2_600), 53)]
    session.chosen = conversation.say(SERVER, _record(_HANDSHAKE, answer, TLS12))
    conversation.say(SERVER, _record(_CHANGE, b"\1", TLS12) + b"".join(opaque))
    conversation.say(CLIENT, _record(_CHANGE, b"\1", TLS12) + _record(_DATA, draw.bytes(53), TLS12))
    return session


def _client_hello(session: Session) -> bytes:
    terms, draw = session.terms, session.draw
    extensions = [
        (0, _vector(2, b"\0" + _vector(2, terms.host.encode()))),
        (23, b""),
        (0xFF01, b"\0"),
        (10, _vector(2, pack(">HHH", 0x001D, 0x0017, 0x0018))),
        (11, b"\1\0"),
        (16, _vector(2, _vector(1, b"http/1.1"))),
        (13, _vector(2, pack(">HHH", 0x0403, 0x0804, 0x0401)))]
    versions = pack(">HH", TLS13, TLS12) + (pack(">HH", 0x0302, 0x0301) if terms.version < TLS12 else b"")
    extensions += [(43, _vector(1, versions)), (51, _vector(2, pack(">H", 0x001D) + _vector(2, draw.bytes(32)))),
                   (45, b"\1\1")]
    suites = _vector(2, b"".join(pack(">H", suite) for suite in terms.offered))
    return _message(names.CLIENT_HELLO, pack(">H", TLS12) + session.random + _vector(1, draw.bytes(32)) + suites + b"\1\0"
                    + _extensions(extensions))


def _server_hello(session: Session) -> tuple[bytes, Randoms]:
    terms, draw = session.terms, session.draw
    randoms = Randoms(session.random, draw.bytes(32))
    if terms.version == TLS13:
        extensions = [(43, pack(">H", TLS13)), (51, pack(">H", 0x001D) + _vector(2, draw.bytes(32)))]
    else:
        extensions = [(0xFF01, b"\0"), (23, b"")] + ([(11, b"\1\0")] if terms.key is not None else [])
    return _message(names.SERVER_HELLO, pack(">H", min(terms.version, TLS12)) + randoms.server + _vector(1, draw.bytes(32))
                    + pack(">H", terms.suite) + b"\0" + _extensions(extensions)), randoms


def _signed(key: ec.EllipticCurvePrivateKey, randoms: Randoms, point: bytes) -> bytes:
    """The parameters of ECDHE on P-256, signed (RFC 8422, 5.4)."""
    parameters = b"\3\0\x17" + _vector(1, point)
    signature = key.sign(randoms.client + randoms.server + parameters, ec.ECDSA(SHA256(), deterministic_signing=True))
    return parameters + b"\4\3" + _vector(2, signature)


def _point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _vector(width: int, data: bytes) -> bytes:
    return len(data).to_bytes(width, "big") + data


def _message(kind: int, body: bytes) -> bytes:
    return bytes((kind,)) + _vector(3, body)


def _record(kind: int, content: bytes, version: int) -> bytes:
    return pack(">BH", kind, version) + _vector(2, content)


def _extensions(extensions: Sequence[tuple[int, bytes]]) -> bytes:
    return _vector(2, b"".join(pack(">H", kind) + _vector(2, body) for kind, body in extensions))
