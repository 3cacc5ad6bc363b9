"""The vocabulary of the whole project: sides, spans, records, neutral facts, anomalies and findings.

A dissector turns bytes into records; a record names its bytes by side and stream offset, and says in which frames they
came. It knows nothing of tables or terminals. Records are plain slotted dataclasses (freezing them costs three times
the price) whose fields carry the names of the columns of their table, with an underscore behind Python's own words. What all
of them name, spans and conversations, are msgspec's structs: two fifths of the price and two thirds of the memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Protocol, TypedDict, TypeVar, dataclass_transform

from msgspec import Struct

from pcapkit import schema

if TYPE_CHECKING:
    from pcapkit.schema import Table

CLIENT, SERVER = 0, 1
"""The two sides of a conversation, as indexes. The other side is `1 - side`."""

PPPOE, MPLS, TUNNEL = 100, 101, 102
"""What may stand around an IP packet, where it is not that many VLAN tags: a PPPoE session, one MPLS label, anything else."""

SESSION_COOKIE = "session-cookie"
"""The mechanism of a login that is only the cookie of one that went before: shown behind the others, for there are many."""

FOREVER = 1 << 62
"""What `receive` returns to say that no further byte of this side needs a look."""


class Severity(StrEnum):
    """How bad a finding is."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return _WORST_FIRST.index(self)


_WORST_FIRST = tuple(Severity)


class Confidence(StrEnum):
    """How sure a finding is."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"


class Outcome(StrEnum):
    """What the server made of a login."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


class SecretKind(StrEnum):
    """What sort of secret a login showed."""

    PASSWORD = "password"
    HASH = "hash"
    TOKEN = "token"
    CHALLENGE_RESPONSE = "challenge-response"


class Verdict(StrEnum):
    """What became of the encryption of a session that could be upgraded."""

    ESTABLISHED = "established"
    ACCEPTED_FAILED = "accepted-failed"
    REFUSED = "refused"
    OFFERED_UNUSED = "offered-unused"
    NOT_OFFERED = "not-offered"
    SUSPECTED_STRIPPING = "suspected-stripping"
    PROVEN_ALTERATION = "proven-alteration"
    INJECTION = "injection"
    UNDETERMINED = "undetermined"

    @property
    def words(self) -> str:
        """As people say it: "offered, not used"."""
        return {"accepted-failed": "accepted, handshake failed", "offered-unused": "offered, not used"}.get(
            self, self.replace("-", " "))


class Conversation(Struct, gc=False):
    """Who talked to whom: the columns that all records of one flow share.

    `stream` is Wireshark's tcp.stream or udp.stream, None off TCP and UDP. `client_inferred` is true where no SYN was
    seen, so that the client had to be told by ports and content; `encrypted` where the wire did not show these bytes.
    """

    file: str
    transport: str
    stream: int | None
    client: str
    client_port: int | None
    server: str
    server_port: int | None
    client_inferred: bool = False
    encrypted: bool = False
    shell: int = 0
    """What stands around its IP packets: the number of VLAN tags, or one of `PPPOE`, `MPLS` and `TUNNEL`."""


class Span(Struct, gc=False):
    """Bytes `start` to `stop` of one side of a stream, and where they lie in the capture.

    `frame` and `last_frame` count from 1 as Wireshark's frame.number does; `time_ns` is the time of `frame` in
    nanoseconds since the epoch. Made by `Sink.begin`, completed by `Sink.end`.
    """

    side: int
    start: int
    stop: int
    frame: int
    last_frame: int
    time_ns: int

    def within(self, start: int, length: int) -> Span:
        """`length` bytes of it, from stream offset `start` on; as far as is known, they are in the same frames."""
        return Span(self.side, start, start + length, self.frame, self.last_frame, self.time_ns)


R = TypeVar("R")


@dataclass_transform(field_specifiers=(field,))
def record(kind: type[R]) -> type[R]:
    """A slotted dataclass of its own, compared and shown as all of them are: to write both methods anew for each class would
    take half of the time that it takes to make it.
    """
    return dataclass(slots=True, eq=False, repr=False)(kind)


@record
class Record:
    """Something that was seen. `flow` is set by the sink that takes the record."""

    table: ClassVar[Table | None] = None

    span: Span
    flow: Conversation | None = field(default=None, init=False, repr=False, compare=False)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and all(
            getattr(self, f.name) == getattr(other, f.name) for f in fields(self) if f.compare)

    def __repr__(self) -> str:
        shown = (f"{f.name}={getattr(self, f.name)!r}" for f in fields(self) if f.repr)
        return f"{type(self).__qualname__}({', '.join(shown)})"


class Sink(Protocol):
    """Where a dissector puts what it finds, and the only way in which it learns frames and times.

    A message's place must be asked for while its bytes are there: `begin` when its first byte arrives (even if the rest
    is still to come), `end` when its last one has been seen. `encrypted` says that the wire does not show these bytes.
    """

    encrypted: bool

    def begin(self, side: int, start: int) -> Span:
        """A span that starts at stream offset `start`, with frame and time resolved; `stop` is `start` as yet."""

    def end(self, span: Span, stop: int) -> None:
        """Complete `span`: `stop` is the offset behind its last byte; resolves `last_frame`."""

    def put(self, record: Record | Upgrade, encrypted: bool = False) -> None:
        """Take a record, a neutral fact, an anomaly, or a wish to hand the stream on; `encrypted` where the wire does not
        show it.
        """

    def limit(self, name: str, span: Span) -> None:
        """Count that the cap `name` of `limits.py` was reached by the message at `span`, and show it."""

    def substream(self, protocol: str | None = None, *, encrypted: bool = False, port: int | None = None) -> Substream:
        """A new byte space inside this conversation. Where `protocol` is None, its first bytes tell what it speaks, or the
        `port` of the server behind it, which is that of the conversation unless given.
        """


class Substream(Protocol):
    """Bytes that are not on the wire as such, with two sides of their own, each counted from 0: what was decrypted,
    inflated, or taken out of messages. They are recognised and read like those of any stream.

    Records made of them name the bytes on the wire that they came from: exactly those where pieces are on the wire as they
    are, else those of whole pieces. A dissector that opens one must close it.
    """

    def receive(self, data: bytes, span: Span) -> int:
        """Take the next bytes of side `span.side`, which came from `span`, complete. Returns how many further bytes of this
        side need no look; they may be given all the same.
        """

    def skip(self, side: int, length: int) -> None:
        """Say that so many bytes, no more than needed no look, are left out here."""

    def gap(self, side: int, length: int) -> None:
        """Say that so many bytes are missing."""

    def close(self) -> None:
        """Say that there will be no more."""


@dataclass(slots=True)
class Upgrade:
    """Control: from the unread bytes on, both sides of this stream speak `protocol` (RFC 3207, 4, for "tls").

    None is for a tunnel: they speak whatever their first bytes tell, to a server that listens at `port`.
    """

    protocol: str | None
    port: int | None = None


# Neutral facts. Reporters over logins and encryption read only these, so that a new protocol lights up old findings.


@record
class Secret(Record):
    """Bytes that must be masked wherever they are shown: the span is exactly theirs.

    `text` is the decoded secret by which equal ones are known; what stands on the wire may be encoded. `inside` is where it
    stands in what was decrypted, if it was; on the wire there is nothing to be masked then.
    """

    text: str
    inside: Span | None = None


@record
class Credential(Record):
    """A login, put once its outcome is known or can no longer become known. The span is that of the message with it.

    `secret` is the decoded secret. `secret_span` names exactly its bytes on the wire where they are contiguous.
    """

    table = schema.CREDENTIALS

    protocol: str
    mechanism: str
    username: str
    secret: str
    secret_kind: SecretKind
    outcome: Outcome = Outcome.UNKNOWN
    secret_span: Span | None = None
    reply_span: Span | None = None
    context: str = ""
    """Where it was typed, in the protocol's own words: "POST /login", "field j_password", "AUTH PLAIN"."""
    hashcat_mode: int | None = None
    hashcat: str = ""
    john: str = ""
    """What `hashcat -m hashcat_mode` and john read to guess the password; empty where there is nothing to guess, or no way."""
    repeats: bool = False
    """It goes with every message, as a session's cookie does: the same one at the same server is told once a file."""


@record
class Session(Record):
    """A session of a protocol that can switch to TLS has been recognised. Put once, first.

    `late` is true where the capture starts in the middle, so that an offer may have gone before it.
    """

    protocol: str
    late: bool = False
    banner: str = ""


@record
class Capabilities(Record):
    """What the server said it can do. `complete` is false where a gap or the end of the capture cuts the list.

    `keywords` are the first words of the lines, as sent; `offers_tls` is the protocol's own judgement of them.
    `masked` is a keyword that has been overwritten in place (such as XXXXXXXA), None where there is none. `asked` is false
    where the client greeted in a way that is not answered by a list (HELO).
    """

    protocol: str
    complete: bool
    keywords: list[str]
    offers_tls: bool
    masked: str | None = None
    asked: bool = True


@record
class TLSRequested(Record):
    """The client asked to switch to TLS (STARTTLS, STLS, AUTH TLS)."""

    protocol: str


@record
class TLSAccepted(Record):
    """The server agreed to switch to TLS."""

    protocol: str
    text: str


@record
class TLSRefused(Record):
    """The server did not agree to switch to TLS; `code` is its reply's, `temporary` whether it may be tried again."""

    protocol: str
    code: str
    text: str
    temporary: bool


@record
class TLSStarted(Record):
    """A TLS handshake began: the span is that of the ClientHello."""


@record
class TLSEstablished(Record):
    """Both sides changed to encrypted records: what follows is not visible. `version` is the negotiated one."""

    version: str | None


@record
class TLSFailed(Record):
    """The TLS handshake did not come about: an alert, other bytes, or the end of the connection.

    `unfinished` is true where only that no more came says so: it may be the capture that ended.
    """

    reason: str
    unfinished: bool = False


@record
class BytesAroundSwitch(Record):
    """Bytes between the request or agreement to switch and the first TLS record (RFC 3207, 6): possible injection."""

    data: bytes


@record
class ClearData(Record):
    """A session of an upgradable protocol carried something of value in the clear (a login, a message).

    `what` says what, in a few words.
    """

    protocol: str
    what: str


@record
class StandsOut(Record):
    """A segment whose IP header does not fit between those of its neighbours of the same side; `how` says in words.

    The span's frame is that of the segment, its last frame that of the neighbour behind, with which it shows.
    """

    how: str


@record
class Anomaly(Record):
    """An oddity in the traffic: kept, named and counted, never an error. `rule` is kebab-case and stable for ever."""

    table = schema.ANOMALIES

    rule: str
    message: str
    count: int = 1
    quote: str = ""
    """Bytes of the traffic in words, to be put behind the message unless this side of the flow sent secrets."""


class Evidence(TypedDict):
    """A place that a finding rests on: a frame, and the bytes of one side of a stream."""

    file: str
    frame: int
    stream: int | None
    side: str
    offset: int
    length: int


@record
class Finding(Record):
    """A judgement, with everything needed to check it by hand. The span is that of its main evidence.

    `display_filter` is Wireshark's and selects at least one evidence frame; `capture_filter` is tcpdump's and selects
    the conversation; None where not expressible.
    """

    table = schema.FINDINGS

    rule: str
    severity: Severity
    confidence: Confidence
    title: str
    message: str
    evidence: list[Evidence]
    rfc: str
    display_filter: str | None
    capture_filter: str | None
    remedy: str


@record
class Encryption(Record):
    """The verdict on one session of a protocol that can upgrade; `evidence` says in words what it rests on."""

    table = schema.ENCRYPTION

    protocol: str
    verdict: Verdict
    evidence: list[str]
