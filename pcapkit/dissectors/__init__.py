"""The dissectors: bytes in, records out. One file (or package) per protocol, listed in `BUILTIN`.

A dissector is sans-IO: it is given the bytes of both sides in order, keeps what it has not used, and puts records into
its sink. It knows no packet, clock or table. The contract, which `pcapkit.testing` proves for any dissector:

- `receive(side, data, offset)` gets bytes that follow on those before (or on a gap, or on what was skipped); `offset` is
  the stream offset of `data[0]`. It returns how many *further* bytes of this side, behind `data`, need no look: 0 to be
  given more, `FOREVER` for the rest of the stream. Skipped bytes are never seen; when a skip is over exactly where the
  bytes at hand end, `receive` is called with no bytes, so that a message can end there and then.
- Any cut of the same bytes gives the same records. Bytes are never delivered twice. Cost is linear in the bytes, also
  when they come one at a time.
- `gap(side, offset, length)` says that bytes are missing; the next bytes of this side start behind them. What was unread
  is unfinished: a message is put as far as it is known, and the dissector looks for the next one.
- `close()` comes once, at the end, or as soon as `FOREVER` was returned for both sides: what is unfinished is put as far
  as it is known.
- `unread(side)` are the bytes received and not used, for whoever takes over after an `Upgrade`.
- Only `DissectError` may leave a dissector; then it is given no more bytes of this stream but is still closed. Whatever
  can be survived is an `Anomaly` instead.
- `first_bytes`, a class fact that it may have, spares asking it: where the first bytes of the sides fit none of these pairs (a
  side that is silent fits all), `recognises` says NO. None of them at all is never asked, one without the fact always.
- A datagram protocol gets one datagram a call; the returned number and the rule about cuts do not apply to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, ClassVar, Protocol

from pcapkit.keys import Keys
from pcapkit.limits import Limits
from pcapkit.records import Sink
from pcapkit.schema import Table
from pcapkit.shelved import Shelved


class Recognition(IntEnum):
    """What a dissector makes of the first bytes of a stream."""

    NO = 0
    """These bytes are not of this protocol."""
    USUAL = 1
    """They may be, if the port is a usual one: more bytes would not tell either."""
    MAYBE = 2
    """They may be; the port decides, or more bytes."""
    YES = 3
    """They are."""


@dataclass(slots=True)
class Wishes:
    """What is asked of dissectors besides their records: hashes of bodies, bodies or mail messages whole, the place of every
    message of a TLS handshake (`steps`), keys, and the caps that bind them.
    """

    hash: bool = False
    keys: Keys | None = None
    limits: Limits = field(default_factory=Limits)
    messages: bool = False
    bodies: bool = False
    steps: bool = False


FirstBytes = tuple[tuple[bytes, bytes], ...]
"""Pairs: which bytes the client and which the server can begin with."""

ANY = bytes(range(256))
DIGITS, SPACES = b"0123456789", b" \t\n\r\v\f"
LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Dissector(Protocol):
    """The contract of a dissector; see the head of this module."""

    name: ClassVar[str]
    transports: ClassVar[tuple[str, ...]]
    ports: ClassVar[frozenset[int]]
    """Usual server ports: a hint, used only where `recognises` says MAYBE."""
    tables: ClassVar[tuple[Table, ...]]

    def __init__(self, sink: Sink, wishes: Wishes) -> None: ...

    @staticmethod
    def recognises(client: bytes, server: bytes) -> Recognition:
        """Judge the first bytes of both sides; one of them may be empty still."""

    def receive(self, side: int, data: bytes, offset: int) -> int:
        """Take bytes; returns how many further ones of this side need no look."""

    def gap(self, side: int, offset: int, length: int) -> None:
        """Be told that `length` bytes from `offset` on are missing."""

    def close(self) -> None:
        """Be told that the stream has ended."""

    def unread(self, side: int) -> bytes:
        """The bytes of `side` received and not used."""


@dataclass(slots=True)
class Datagrams:
    """The datagrams of a column lane's ports in a window, in capture order: numpy arrays with an element for each.

    Each lies at `offset` in `buffer`; `length` bytes of it were captured, of `wire_length`. `frame` is that of its last
    fragment, `first_frame` of its first.
    """

    buffer: Any
    offset: Any
    length: Any
    wire_length: Any
    frame: Any
    first_frame: Any
    time_ns: Any
    flow: Any


@dataclass(slots=True)
class Rows:
    """What a column lane has finished, in order of frames: the numbers of flows, frames and times as numpy arrays, and the
    columns of the dissector's first table behind the common ones; anomalies as (flow, frame, time, rule, message).
    """

    flow: Any
    frame: Any
    last_frame: Any
    time_ns: Any
    own: list[list[Any]]
    anomalies: list[tuple[int, int, int, str, str]]


class Lane(Protocol):
    """The column-wise lane of a datagram protocol, the dissector's attribute `columns`: all messages of its ports at once.

    It lives in a module of its own that may use numpy, and gives the rows that the dissector would give.
    """

    ports: ClassVar[frozenset[int]]

    def __init__(self, limits: Limits) -> None: ...

    def feed(self, datagrams: Datagrams) -> Rows:
        """Take the datagrams of a window; returns the rows that are finished."""

    def flush(self) -> Rows:
        """The end of the file: what is unfinished is put as it is."""


def _member(place: str, name: str, transports: str, *ports: int, first_bytes: FirstBytes | None = None,
            columns: str | None = None) -> Shelved:
    """A dissector with what is asked of each before the bytes tell which one is needed: with its `first_bytes`, where it has
    that fact, it is not loaded to say NO. Its column lane is for its ports.
    """
    usual, fact = frozenset(ports), {} if first_bytes is None else {"first_bytes": first_bytes}
    return Shelved(place, name=name, transports=tuple(transports.split()), ports=usual,
                   columns=Shelved(columns, ports=usual) if columns else None, **fact)


BUILTIN = (
    _member("pcapkit.dissectors.http.http2:HTTP2", "http2", "tcp", first_bytes=((b"P\0", ANY), (ANY, b"\0"))),
    _member("pcapkit.dissectors.http.session:HTTP", "http", "tcp", 80, 3128, 8000, 8080, 8888),
    _member("pcapkit.dissectors.http.websocket:WebSocket", "websocket", "tcp", first_bytes=()),
    _member("pcapkit.dissectors.smtp:SMTP", "smtp", "tcp", 25, 465, 587, 2525, first_bytes=((LETTERS, ANY), (ANY, DIGITS))),
    _member("pcapkit.dissectors.smtp:LMTP", "lmtp", "tcp", 24, first_bytes=((SPACES + LETTERS, ANY), (ANY, DIGITS))),
    _member("pcapkit.dissectors.pop3:POP3", "pop3", "tcp", 110, first_bytes=((SPACES + LETTERS, b"+-"),)),
    _member("pcapkit.dissectors.imap:IMAP", "imap", "tcp", 143),
    _member("pcapkit.dissectors.managesieve:ManageSieve", "managesieve", "tcp", 4190,
            first_bytes=((SPACES + LETTERS, LETTERS + b'"'),)),
    _member("pcapkit.dissectors.ftp:FTP", "ftp", "tcp", 21, first_bytes=((LETTERS, DIGITS),)),
    _member("pcapkit.dissectors.nntp:NNTP", "nntp", "tcp", 119, 433, first_bytes=((SPACES + LETTERS, DIGITS),)),
    _member("pcapkit.dissectors.irc:IRC", "irc", "tcp", 194, 6667, first_bytes=((SPACES + LETTERS, b":@PNEA"), (ANY, b":NA"))),
    _member("pcapkit.dissectors.xmpp:XMPP", "xmpp", "tcp", 5222, 5269, first_bytes=((SPACES + b"<", SPACES + b"<"),)),
    _member("pcapkit.dissectors.ldap:LDAP", "ldap", "tcp", 389, 3268, first_bytes=((b"0", b"0"),)),
    _member("pcapkit.dissectors.smb:SMB", "smb", "tcp", 139, 445,
            first_bytes=((b"\0\x81\x82\x83\x84\x85", b"\0\x81\x82\x83\x84\x85"),)),
    _member("pcapkit.dissectors.kerberos:Kerberos", "kerberos", "udp tcp", 88, first_bytes=((b"\0jlkm~", b"\0jlkm~"),)),
    _member("pcapkit.dissectors.snmp:SNMP", "snmp", "udp", 161, 162, first_bytes=((b"0", b"0"),)),
    _member("pcapkit.dissectors.radius:RADIUS", "radius", "udp", 1645, 1646, 1812, 1813),
    _member("pcapkit.dissectors.sip:SIP", "sip", "udp tcp", 5060, first_bytes=((LETTERS + b"\r\n\0", b"S\r\n\0"),)),
    _member("pcapkit.dissectors.postgresql:PostgreSQL", "postgresql", "tcp", 5432, first_bytes=((b"\0", ANY),)),
    _member("pcapkit.dissectors.mysql:MySQL", "mysql", "tcp", 3306),
    _member("pcapkit.dissectors.tds:TDS", "tds", "tcp", 1433, 2638, 4100, 5000, first_bytes=((b"\2\x10\x12", b"\4"),)),
    _member("pcapkit.dissectors.redis:Redis", "redis", "tcp", 6379, first_bytes=((LETTERS + b"*", b"-+:$*%~>|,#(=!_"),)),
    _member("pcapkit.dissectors.mqtt:MQTT", "mqtt", "tcp", 1883, first_bytes=((b"\x10", b" \xf0"),)),
    _member("pcapkit.dissectors.socks:SOCKS", "socks", "tcp", 1080, first_bytes=((b"\5", b"\5"), (b"\4", b"\0"))),
    _member("pcapkit.dissectors.rfb:RFB", "rfb", "tcp", *range(5900, 5911), first_bytes=((b"R", b"R"),)),
    _member("pcapkit.dissectors.rlogin:Rlogin", "rlogin", "tcp", 513, first_bytes=((b"\0", b"\0\1"),)),
    _member("pcapkit.dissectors.rsh:RSH", "rsh", "tcp", 514, first_bytes=((DIGITS + b"\0\n", b"\0\1"),)),
    _member("pcapkit.dissectors.rsh:Rexec", "rexec", "tcp", 512, first_bytes=((DIGITS + b"\0\n", b"\0\1"),)),
    _member("pcapkit.dissectors.telnet:Telnet", "telnet", "tcp", 23),
    _member("pcapkit.dissectors.tls.connection:TLS", "tls", "tcp", 443, 465, 636, 853, 990, 993, 995, 5061, 8443),
    _member("pcapkit.dissectors.tls.dtls:DTLS", "dtls", "udp", 443, 853, 2221, 4433, 4755, 5061, 5349, 5684,
            first_bytes=((b"\x16", b"\x16"),)),
    _member("pcapkit.dissectors.tls.quic:QUIC", "quic", "udp", 443, 8443),
    _member("pcapkit.dissectors.dns:DNS", "dns", "udp tcp", 53, 5353, 5354, 5355,
            columns="pcapkit.dissectors.dns.columns:DnsColumns"),
)
"""The dissectors of this package, most specific first, as each says of itself."""
