"""The tables that come out: their columns in order, with type and meaning. The data contract of every output.

Every event table starts with the common columns; tables of application protocols add `encrypted`. A record's own
columns are its attributes of the same name (with an underscore behind Python's keywords). Nothing here knows pandas or
numpy.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any


class Type(Enum):
    """What a column holds. Null (None) is allowed in all of them and means: not known."""

    TEXT = "text"
    INT = "int"
    FLOAT = "float"
    BOOL = "bool"
    TIME = "time"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, type and meaning."""

    name: str
    type: Type
    meaning: str


@dataclass(frozen=True, eq=False)
class Table:
    """One table: `columns` are all of them in order, `own` those behind the common ones."""

    name: str
    meaning: str
    own: tuple[Column, ...]
    common: tuple[Column, ...] = ()

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """All columns, the common ones first."""
        return self.common + self.own

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of all columns."""
        return tuple(c.name for c in self.columns)

    @cached_property
    def attributes(self) -> tuple[str, ...]:
        """The attributes of this table's records that hold its own columns."""
        return tuple(f"{c.name}_" if keyword.iskeyword(c.name) else c.name for c in self.own)

    def index(self, name: str) -> int:
        """The position of column `name`."""
        return self.names.index(name)


def as_list(column: Sequence[Any]) -> Sequence[Any]:
    """A column's values as Python's own, also where they are a numpy array."""
    values: Sequence[Any] = column.tolist() if hasattr(column, "tolist") else column
    return values


@dataclass(slots=True)
class Chunk:
    """Some rows of one table, as columns: lists, or numpy arrays of what is never null. Times are int64 nanoseconds since
    the epoch; enums are their text.
    """

    table: Table
    columns: list[Any]

    def __len__(self) -> int:
        return len(self.columns[0]) if self.columns else 0

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """The same rows, one tuple each."""
        return zip(*map(as_list, self.columns), strict=True)

    def select(self, *names: str) -> list[Sequence[Any]]:
        """The columns of these names."""
        return [self.columns[self.table.index(name)] for name in names]

    def parts(self, most: int) -> Iterator[Chunk]:
        """The same rows in chunks of at most `most`."""
        for start in range(0, len(self), most):
            yield Chunk(self.table, [column[start:start + most] for column in self.columns])

    @classmethod
    def of(cls, table: Table, rows: Sequence[Sequence[Any]]) -> Chunk:
        """A chunk of `rows`, each a sequence of all of the table's columns."""
        return cls(table, [list(c) for c in zip(*rows, strict=True)] if rows else [[] for _ in table.columns])


def _columns(text: str) -> tuple[Column, ...]:
    """Columns from lines of `name type meaning`."""
    parts = (line.split(maxsplit=2) for line in text.strip().splitlines())
    return tuple(Column(name, Type(kind), meaning) for name, kind, meaning in parts)


COMMON = _columns("""
file         text  the input file as it was named
frame        int   Wireshark's frame.number of the first frame
last_frame   int   and of the last one
time         time  of the first frame, UTC, nanoseconds
transport    text  tcp or udp
stream       int   Wireshark's tcp.stream or udp.stream
client       text  address of the side that opened the conversation
client_port  int   its port
server       text  address of the other side
server_port  int   its port
""")

APPLICATION = COMMON + _columns("""
encrypted    bool  true where the wire did not show these bytes
""")

CAPTURES = Table("captures", "one row per input file", _columns("""
file         text  the input file as it was named
sha256       text  of the file as it lies there; null unless asked for
format       text  pcap or pcapng, with byte order, resolution and compression
link_types   list  names of the link types seen
packets      int   packets read
bytes        int   bytes captured in them
first_time   time  of the earliest packet
last_time    time  of the latest packet
truncated    bool  true where the file ends in the middle of a packet
warnings     list  what was odd about the file, and every limit that was hit
others       list  of {name, packets}: what was neither TCP nor UDP
"""))

FLOWS = Table("flows", "one row per TCP connection or UDP conversation", _columns("""
client_packets             int   packets sent by the client
server_packets             int   packets sent by the server
client_bytes               int   payload of the client that was delivered, each byte once
server_bytes               int   payload of the server that was delivered, each byte once
client_gap_bytes           int   payload of the client that is not in the capture
server_gap_bytes           int   payload of the server that is not in the capture
service                    text  protocol recognised, null if none
state                      text  opening, open, closed or reset; udp for conversations
client_inferred            bool  true where no SYN was seen
client_captured_bytes      int   payload captured: the sum of delivered and the next five
server_captured_bytes      int   payload captured: the sum of delivered and the next five
client_duplicate_bytes     int   seen again with equal bytes, or not compared
server_duplicate_bytes     int   seen again with equal bytes, or not compared
client_conflicting_bytes   int   seen again with other bytes: the first were delivered
server_conflicting_bytes   int   seen again with other bytes: the first were delivered
client_out_of_window_bytes int   too far from the expected sequence number to belong
server_out_of_window_bytes int   too far from the expected sequence number to belong
client_after_close_bytes   int   after a reset, or behind the FIN
server_after_close_bytes   int   after a reset, or behind the FIN
client_dropped_bytes       int   dropped because a limit was hit
server_dropped_bytes       int   dropped because a limit was hit
client_sha256              text  of the delivered payload; null unless asked for
server_sha256              text  of the delivered payload; null unless asked for
last_time                  time  of the latest frame
answered                   bool  true where a SYN+ACK was seen
closed_by                  text  who sent a FIN: client, server or both; null where none was seen
reset_by                   text  who sent a RST: client, server or both; null where none was seen
"""), COMMON)

HTTP = Table("http", "one row per request with its response", _columns("""
method                  text  as sent; null where the request is not in the capture
target                  text  as sent
host                    text  of the target or the Host header, without port if 80
url                     text  put together from host and target
version                 text  1.1, 1.0, 0.9 or 2
status                  int   null where the response is not in the capture
reason                  text  as sent
user_agent              text  of the request
content_type            text  of the response, else of the request
request_headers         list  of [name, value], as sent, in order
response_headers        list  of [name, value], as sent, in order
request_body_bytes      int   after transfer coding
response_body_bytes     int   after transfer coding
request_decoded_bytes   int   after content coding; null unless the body was read
response_decoded_bytes  int   after content coding; null unless the body was read
request_frame           int   first frame of the request
response_frame          int   first frame of the response
request_body_sha256     text  null unless asked for
response_body_sha256    text  null unless asked for
request_decoded_sha256  text  null unless asked for
response_decoded_sha256 text  null unless asked for
request_trailers        list  of [name, value] behind a chunked body; null where there are none
response_trailers       list  of [name, value] behind a chunked body; null where there are none
interim                 list  statuses of 1xx responses before this one; null where there are none
wait_s                  float seconds from the request's last byte to the response's first
transfer_s              float seconds from the response's first byte to its last
"""), APPLICATION)

HTTP_FORMS = Table("http_forms", "one row per form field", _columns("""
name      text  decoded
value     text  decoded
encoding  text  query, urlencoded, multipart, json or xml
filename  text  of an uploaded file
raw       text  the value as it was sent, escapes and all; null where it is no text
offset    int   of the raw value, from the first byte of the client's side; null where it does not stand there as such
length    int   of the raw value in bytes; null where it was not found
"""), APPLICATION)

WEBSOCKET = Table("websocket", "one row per message or control frame of a WebSocket", _columns("""
side          text  client or server: who sent it
opcode        text  text, binary, close, ping or pong
text          text  of a text message, no more than a limit of it, or the reason of a close
code          int   of a close
bytes         int   of the payload as sent; null where some of it is not in the capture
decoded_bytes int   inflated; null where it was not deflated, or not inflated to its end
deflated      bool  true where it was sent deflated
fragments     int   frames that it came in
"""), APPLICATION)

SMTP = Table("smtp", "one row per command with its reply; the greeting and the reply after a message have no command",
             _columns("""
command        text  in upper case; empty for the greeting and the reply after DATA's end
argument       text  as sent; of a reply of LMTP to a message, the recipient
code           int   null where the reply is not in the capture
enhanced_code  text  RFC 3463, such as 2.1.0
text           list  the reply's lines without code
command_frame  int   null where there is no command, or it is not in the capture
reply_frame    int   null where the reply is not in the capture
reply_time     time  when the reply began
reply_s        float seconds from the command's last byte to the reply
pause_s        float seconds from the reply before to the command; null where the client did not wait for one
typing_s       float seconds from the command's first byte to its last
meaning        text  the enhanced code in words, else the code
"""), APPLICATION)

MAIL = Table("mail", "one row per message transferred", _columns("""
mail_from    text  envelope sender
rcpt_to      list  envelope recipients that were accepted or not answered
from         text  header field
to           text  header field
subject      text  header field, decoded
date         text  header field
message_id   text  header field
size         int   bytes of the message, dots unstuffed
queue_id     text  that the server gave it
attachments  list  of {name, type, size, sha256}, decoded; the hash is null unless asked for
cc           text  header field, decoded
reply_to     text  header field
mailer       text  the program that wrote it, by User-Agent or X-Mailer
headers      list  of [name, value], unfolded, in order
body_bytes   int   bytes behind the header; null where the header's end is not in the capture
mime         list  the parts, of {part, type, charset, encoding, disposition, name, size, sha256}
hops         list  its way by Received, oldest first, of {from, address, by, with, tls, id, for, time, delay_s}
defects      list  what is wrong or missing: no-date, repeated-from, mime-not-closed, bare-lf, ...
differences  list  where envelope and header do not agree: sender, recipients; reply-to where it leaves the author's domain
recipients   list  all of RCPT, of {address, code, enhanced_code, parameters}
parameters   list  of MAIL, such as SIZE=386 or BODY=8BITMIME
outcome      text  accepted, rejected or unknown
code         int   the reply to the message
complete     bool  false where bytes are missing, or the end of the message
transfer_s   float seconds from the first byte to the last
age_s        float seconds from the header's date to the first byte; below 0 where a clock is wrong
hop_s        float seconds from the newest Received to the first byte; below 0 where a clock is wrong
"""), APPLICATION)

DNS = Table("dns", "one row per question with its response", _columns("""
id              int    of the query
name            text   asked for
type            text   A, MX, ... or TYPE65280
class           text   IN, CH, ... or CLASS7
rcode           text   NOERROR, NXDOMAIN, ...; null where the response is not in the capture
flags           list   of the response, else of the query: qr aa tc rd ra ad cd
answers         list   of {name, type, ttl, data}
authority       list   of {name, type, ttl, data}
additional      list   of {name, type, ttl, data}
opcode          text   QUERY, UPDATE, ...
query_frame     int    null where the query is not in the capture
response_frame  int    null where the response is not in the capture
rtt_s           float  seconds from query to response
"""), APPLICATION)

TLS = Table("tls", "one row per handshake, or per session whose handshake is not in the capture", _columns("""
sni             text  server name the client asked for
alpn            text  protocol chosen, else those offered, with commas
client_version  text  highest version the client offered
version         text  negotiated; null where not in the capture
cipher          text  IANA name of the suite chosen
cipher_id       text  its number, as 0x1301
ja3             text  MD5 of the JA3 string
ja3s            text  MD5 of the JA3S string
ja4             text  JA4 client fingerprint
resumed         bool  true for an abbreviated handshake
history         text  the handshake messages in order, client's in capitals
decrypted       bool  true where keys opened it
key_exchange    text  such as ECDHE x25519, RSA, PSK
resumption      text  what resumed a session: id, ticket or psk
compression     text  method chosen: none, DEFLATE
secure_renegotiation    bool  true where the server knows RFC 5746; null in TLS 1.3
extended_master_secret  bool  true where RFC 7627 was agreed on; null in TLS 1.3
server_signature        text  how the server signed the key exchange; null where it does not say or is not visible
ticket_lifetime         int   seconds that the session ticket is good for
early_data      text  offered, accepted or rejected (0-RTT)
client_auth     text  not requested, requested, certificate sent or no certificate sent
stapled         text  what the stapled OCSP response says: good, revoked, unknown
scts            text  timestamps of certificate logs, counted by source: certificate, ocsp, tls
profile         text  Mozilla's profile that it fits: modern, intermediate, old or none
"""), APPLICATION)

CERTIFICATES = Table("certificates", "one row per certificate seen", _columns("""
position          int   in the chain, from 0
subject           text  RFC 4514
issuer            text  RFC 4514
serial            text  lower-case hex
not_before        time  begin of validity
not_after         time  end of validity
names             list  subject alternative names
key               text  such as RSA 2048
signature         text  such as sha256WithRSAEncryption
sha256            text  of the DER bytes
valid_at_capture  bool  within its dates when it was captured
valid_now         bool  within its dates now
defects           list  what is wrong with it
"""), APPLICATION)

CHAINS = Table("chains", "one row per server, name and chain of certificates in the clear; the place is that of the first",
               _columns("""
host         text  name that the client asked for, or looked up where it asked for none; null where neither is seen
sessions     int   handshakes in which it was sent
certificates int   how many were sent
subject      text  of the server's certificate, RFC 4514
issuer       text  of it
path         list  subjects from the server's certificate to the last that was found
trusted      bool  true where the path ends in a root of the trust store
name_matches bool  whether it is for the host; null where that is not known
at_capture   text  valid, or what is wrong: expired, not yet valid, wrong name, self-signed, unknown root, ...
now          text  the same today
valid_from   time  since when all dates of the path hold
valid_until  time  and until when
timestamps   int   of Certificate Transparency logs in the server's certificate; null where it cannot be read
defects      list  everything that is wrong or odd, in words
sha256       text  of the server's certificate
"""), APPLICATION)

CREDENTIALS = Table("credentials", "one row per login seen", _columns("""
protocol     text  http, smtp, ...
mechanism    text  form, basic, plain, login, ...
username     text  as sent, decoded
secret       text  password, hash or token, masked unless asked for
secret_kind  text  password, hash, token or challenge-response
outcome      text  accepted, rejected or unknown
hashcat_mode int   number of hashcat's mode (-m) that guesses the password behind it; null where there is none
hashcat      text  the line that hashcat reads for it, masked unless asked for
john         text  the line that john reads for it, masked unless asked for
"""), APPLICATION)

ENCRYPTION = Table("encryption", "one row per session of a protocol that can switch to TLS", _columns("""
protocol  text  smtp, ...
verdict   text  established, accepted-failed, refused, offered-unused, not-offered, suspected-stripping, ...
evidence  list  what the verdict rests on, in words
"""), APPLICATION)

FINDINGS = Table("findings", "one row per finding", _columns("""
rule            text  kebab-case, stable for ever
severity        text  critical, high, medium, low or info
confidence      text  certain, likely or possible
title           text  a few words
message         text  a sentence
evidence        list  of {file, frame, stream, side, offset, length}
rfc             text  where it is written
display_filter  text  Wireshark's, selects an evidence frame
capture_filter  text  tcpdump's, selects the conversation
remedy          text  what to do about it
"""), COMMON)

ANOMALIES = Table("anomalies", "one row per kind of oddity in a flow", _columns("""
rule     text  kebab-case, stable for ever
message  text  of the first one
count    int   how many there were
"""), COMMON)

LOGS = Table("logs", "one row per mail log that was given", _columns("""
log       text  the log as it was named
format    text  of its first line: syslog, and which form of times
lines     int   read
others    int   lines that say nothing of a message
damaged   int   lines that do not begin with time and host
messages  int   messages it names
events    int   rows of the table maillog before they are joined
joined    int   events that are tied to packets
year      int   of its stamps, in the log or inferred; null where it is not known, or not one only
zone      text  inferred, such as -04:00; null where the stamps name it, or it is not known
clock_s   float seconds that the log is ahead of the capture, 0 within a second; null where it is not known, or not one only
stated    list  what year, zone and clock rest on, in words
warnings  list  every limit that was hit
"""))

MAILLOG = Table("maillog", "one row per event of a mail log, and per capture in which it was found", _columns("""
log          text  the log as it was named
line         int   its number in the log
log_time     time  of the line, UTC; null where year or zone are not known
host         text  that wrote it
program      text  such as postfix/smtp
queue_id     text  of the message in that host's queue
action       text  received, submitted, delivered, rejected, connect-failed, filtered or queued
message_id   text  as the log has it
mail_from    text  envelope sender
to           text  envelope recipient of this delivery
peer         text  the other side as the log names it: name[address]:port
size         int   of the message in that host's queue
status       text  of a delivery: sent, deferred, bounced, ...; of a rejection the command
dsn          text  RFC 3463
reply        text  what the other side said; of a filter, its opinion
delay        float seconds in all, as logged
delays       list  the four of Postfix: before the queue manager, in it, connection setup, transmission
wire_delays  list  the same four as measured on the wire, null where it does not show them
join         text  joined, ambiguous, absent (not in the capture) or local (not on the wire)
joined_by    list  what the join rests on, the strongest first
differs      list  what does not match all the same
explanation  list  what the wire says about it, in words
file         text  the capture it is joined in, or ambiguous; null, as all that follows, where it is not in any
frame        int   Wireshark's frame.number of the message's first frame
last_frame   int   of the last one, or of the reply to it
time         time  of frame
transport    text  tcp
stream       int   Wireshark's tcp.stream
client       text  address of the side that opened the connection
client_port  int   its port
server       text  address of the other side
server_port  int   its port
"""))

TABLES = (CAPTURES, FLOWS, HTTP, HTTP_FORMS, WEBSOCKET, SMTP, MAIL, DNS, TLS, CERTIFICATES, CHAINS, CREDENTIALS, ENCRYPTION,
          FINDINGS, ANOMALIES, LOGS, MAILLOG)

PAIRS = Table("pairs", "one row per flow that two captures A and B both have", _columns("""
transport           text   tcp or udp
service             text   protocol recognised, null if none
a_stream            int    Wireshark's tcp.stream or udp.stream in A
b_stream            int    and in B
a_client            text   address of the client, as A has it
a_client_port       int    its port
a_server            text   address of the server, as A has it
a_server_port       int    its port
b_client            text   the same, as B has it
b_client_port       int    its port
b_server            text   the same, as B has it
b_server_port       int    its port
altered             int    places where application bytes differ
client_shift        int    added to the client's sequence numbers on the way from A to B, modulo 2^32; null where not known
server_shift        int    added to the server's
client_hops         int    by how much the time to live of the client's packets is less at B
server_hops         int    and of the server's
packets             int    with payload, SYN or FIN, that both have
lost                int    lost between the points
missed_a            int    passed A, but A's capture does not have them
missed_b            int    passed B, but B's capture does not have them
only_a              int    seen at A only; it cannot be told why
only_b              int    seen at B only; it cannot be told why
repeated_a          int    copies of a segment that only A has
repeated_b          int    copies of a segment that only B has
client_delay_min_s  float  the client's packets between the points: the fastest
client_delay_s      float  the median
client_delay_max_s  float  the slowest
server_delay_min_s  float  the server's packets between the points: the fastest
server_delay_s      float  the median
server_delay_max_s  float  the slowest
"""))

ALTERATIONS = Table("alterations", "one row per place where application bytes of two captures A and B differ", _columns("""
kind          text  replaced, inserted (only B has these bytes) or removed (only A has them)
transport     text  tcp or udp
service       text  protocol recognised, null if none
side          text  client or server: who sent them
time          time  of A's frame
a_stream      int   Wireshark's tcp.stream or udp.stream in A
a_frame       int   A's frame with the first of these bytes
a_last_frame  int   and with the last
a_offset      int   of the first byte within the side's stream in A
a_length      int   how many bytes
a_text        text  the bytes, secrets masked; null where A does not have all of them
a_line        text  the same with what stands around them
b_stream      int   Wireshark's tcp.stream or udp.stream in B
b_frame       int   B's frame with the first of these bytes
b_last_frame  int   and with the last
b_offset      int   of the first byte within the side's stream in B
b_length      int   how many bytes
b_text        text  the bytes, secrets masked; null where B does not have all of them
b_line        text  the same with what stands around them
"""))

UNPAIRED = Table("unpaired", "one row per flow that only one of two captures has", _columns("""
file         text  the capture that has it
frame        int   its first frame there
time         time  of that frame
transport    text  tcp or udp
stream       int   Wireshark's tcp.stream or udp.stream
client       text  address of the side that opened the conversation
client_port  int   its port
server       text  address of the other side
server_port  int   its port
packets      int   how many
bytes        int   payload in them
why          text  why the other one may not have it
"""))

COMPARISON = (PAIRS, ALTERATIONS, UNPAIRED)
"""What `compare` adds to the tables of single captures."""
