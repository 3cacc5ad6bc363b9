"""Every cap: its name, its default, what happens when it is hit, and how often it was.

A cap that is reached is never silent: whoever reaches it calls `hit`, and the count is shown in every output.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields
from typing import Any

KIB = 1 << 10
MIB = 1 << 20


def cap(default: int, unit: str, then: str) -> Any:
    """A field of `Limits`: its default, its unit and what happens when it is reached."""
    return field(default=default, metadata={"unit": unit, "then": then})


@dataclass(slots=True, eq=False, repr=False)  # to make methods that compare and show a hundred caps takes a millisecond
class Limits:
    """The caps of one analysis, and `hits`: how often each was reached."""

    # Reading
    window_bytes: int = cap(16 * MIB, "bytes", "a window of packets is analysed and its buffer used again")
    window_packets: int = cap(100_000, "packets", "a window of packets is analysed and its buffer used again")
    packet_bytes: int = cap(262_144, "bytes", "a longer record is taken for damage: the rest of the file is not read")
    block_bytes: int = cap(16 * MIB, "bytes", "a longer pcapng block is taken for damage: the rest is not read")
    file_secrets: int = cap(4 * MIB, "bytes", "further decryption secrets embedded in the file are not kept")
    file_unpacked: int = cap(1 << 40, "bytes", "a compressed capture is not read further than this")
    xz_memory: int = cap(128 * MIB, "bytes", "an xz file that needs more memory is not read")
    file_interfaces: int = cap(10_000, "interfaces", "packets of further interfaces are taken for those of the first")
    file_names: int = cap(100_000, "names", "further names embedded in the file are not kept")
    file_warnings: int = cap(100, "warnings", "further warnings about the file are counted, not shown")

    # Packets
    header_layers: int = cap(32, "layers", "what lies deeper inside tunnels is not decoded")
    vlan_tags: int = cap(8, "tags", "a frame with more tags, or more than its first 80 bytes hold, is decoded by itself, slower")
    fragment_bytes: int = cap(32 * MIB, "bytes", "the oldest unfinished IP datagram is dropped")
    fragment_seconds: int = cap(60, "seconds", "an unfinished IP datagram is dropped")
    annex_bytes: int = cap(4 * MIB, "bytes of a window", "further reassembled datagrams of the window are dropped")

    # Flows and streams
    live_connections: int = cap(200_000, "connections", "the connection that was idle longest is closed")
    live_exchanges: int = cap(200_000, "conversations in datagrams", "the one that was idle longest is closed")
    waiting_runs: int = cap(64, "runs", "a hole is given up and becomes a gap")
    waiting_bytes: int = cap(MIB, "bytes", "a hole is given up and becomes a gap")
    waiting_total: int = cap(128 * MIB, "bytes", "the hole waited for longest is given up and becomes a gap")
    undecided_bytes: int = cap(4 * KIB, "bytes", "a stream that no protocol recognises by then is left alone")

    substream_depth: int = cap(8, "levels", "what lies deeper, tunnel in tunnel, is left alone")
    substream_pieces: int = cap(1_000, "pieces of a side", "a record made of older bytes does not name them on the wire")

    outliers_window: int = cap(1_000, "segments of a window", "further segments that stand out are not looked at")

    # HTTP
    http_line: int = cap(64 * KIB, "bytes", "the head is damaged: the stream is searched for the next message")
    http_head: int = cap(256 * KIB, "bytes", "the head is damaged: the stream is searched for the next message")
    http_headers: int = cap(1_000, "headers", "further header lines are not shown")
    http_chunk_line: int = cap(4 * KIB, "bytes", "a longer line before a chunk: the stream is searched for the next message")
    http_body: int = cap(16 * MIB, "bytes", "the rest of the body is counted, not looked at")
    http_pending: int = cap(1_000, "requests", "the oldest request is given up as unanswered")
    form_fields: int = cap(1_000, "fields", "further form fields are not shown")
    form_logins: int = cap(20, "logins", "further logins in the same form are not shown")
    xml_body: int = cap(MIB, "bytes", "the rest of an XML body is not searched for fields")
    http_login_lines: int = cap(1_000, "logins of a connection", "older ones are forgotten, and shown again")
    repeated_logins: int = cap(100_000, "sessions", "further sessions of the file are shown as often as they come")
    decoded_body: int = cap(16 * MIB, "bytes", "decompression stops")
    decode_ratio: int = cap(200, "times", "decompression stops, once past 1 MiB")
    decode_layers: int = cap(2, "layers", "further content codings are not taken off")

    # HTTP/2
    http2_streams: int = cap(1_000, "streams", "the oldest stream of the connection is given up as it is")
    http2_block: int = cap(256 * KIB, "bytes", "the header block is not read, nor what later ones take from it")
    http2_continuations: int = cap(1_000, "frames", "the header block is not read, nor what later ones take from it")
    http2_list: int = cap(256 * KIB, "bytes", "further headers of the message are not shown")
    http2_table: int = cap(MIB, "bytes", "older headers that later messages refer to are forgotten")
    http2_search: int = cap(MIB, "bytes", "this side of the connection is left alone")

    # WebSocket
    websocket_message: int = cap(MIB, "bytes", "no secrets are looked for in the rest of the message")
    websocket_text: int = cap(64 * KIB, "characters", "the rest of the text is not shown")
    websocket_search: int = cap(64 * KIB, "bytes", "this side of the connection is left alone")

    # SMTP and mail
    smtp_line: int = cap(64 * KIB, "bytes", "the rest of the line is dropped")
    smtp_reply_lines: int = cap(1_000, "lines", "further lines of the reply are counted, not kept")
    smtp_pending: int = cap(1_000, "commands", "the oldest command is given up as unanswered")
    mail_recipients: int = cap(1_000, "recipients", "further recipients of the message are not kept")
    mail_header: int = cap(256 * KIB, "bytes", "the rest of the message's header is not looked at")
    mail_fields: int = cap(1_000, "fields", "further fields of the message's header are not kept")
    mail_hops: int = cap(100, "hops", "older hops of the message are not shown")
    mail_body: int = cap(64 * MIB, "bytes", "the rest of the message is counted, not looked at")
    mime_parts: int = cap(1_000, "parts", "further parts of the message are not looked at")
    mime_depth: int = cap(50, "levels", "what lies deeper in the message is not taken apart")

    # POP3, IMAP, FTP and their like
    dialogue_line: int = cap(64 * KIB, "bytes", "the rest of the line or message is dropped")
    dialogue_pending: int = cap(1_000, "commands", "the oldest command is given up as unanswered")
    sasl_lines: int = cap(16, "lines", "further lines of the client's side of a SASL exchange are masked, not read")
    dialogue_keywords: int = cap(1_000, "keywords", "further capabilities of the server are not kept")
    terminal_line: int = cap(4 * KIB, "bytes", "the rest of the name or password that is typed is dropped")

    # SNMP, Kerberos, RADIUS, SIP, SMB
    login_message: int = cap(64 * KIB, "bytes", "the message is not looked at")
    logins_pending: int = cap(1_000, "logins", "the oldest login is given up as unanswered")

    # DNS
    dns_name: int = cap(255, "bytes", "the name is malformed (RFC 1035, 3.1)")
    dns_pointers: int = cap(20, "pointers", "the name is malformed")
    dns_records: int = cap(4_096, "records", "the rest of the message is not looked at")
    dns_pending: int = cap(100_000, "queries", "the oldest query is given up as unanswered")

    # TLS
    tls_handshake: int = cap(256 * KIB, "bytes", "the handshake message is not looked at")
    tls_certificates: int = cap(100, "certificates", "further certificates of the chain are not looked at")
    tls_history: int = cap(4_096, "messages", "further messages of the handshake are not noted in its history")
    tls_shown: int = cap(10_000, "handshakes", "further handshakes are not shown one by one")
    tls_empty_records: int = cap(32, "records", "the stream is left alone")

    chains: int = cap(1_000, "chains", "further chains of certificates are not judged")
    chains_bytes: int = cap(64 * MIB, "bytes", "further chains of certificates are not judged")
    chain_signatures: int = cap(100, "signatures", "further signatures of the chain are not verified: an issuer may be missed")

    # Mail logs
    maillog_line: int = cap(64 * KIB, "bytes", "the rest of the line is dropped")
    maillog_messages: int = cap(100_000, "messages", "lines about further messages of the log are counted, not kept")
    maillog_events: int = cap(200_000, "events", "further events of the log are counted, not kept")
    maillog_processes: int = cap(10_000, "processes", "what the oldest one said before its message is forgotten")
    maillog_steps: int = cap(500_000, "commands", "further SMTP commands are not compared with the log")
    maillog_candidates: int = cap(100, "messages", "further messages of the capture with the same name are not compared")

    # Two captures compared
    compared_packets: int = cap(20_000_000, "packets of a capture", "further packets of it are not compared")
    compared_bytes: int = cap(64 * MIB, "bytes at a time", "more bytes than that are compared in several passes")
    compared_stretch: int = cap(256 * KIB, "bytes", "of a longer stretch that was moved, only both ends are compared")
    compared_datagrams: int = cap(100_000, "datagrams", "further datagrams without an equal at the other point are not compared")
    compared_changes: int = cap(10_000, "places", "further altered places are counted, not shown")

    # What is shown
    anomalies_file: int = cap(10_000, "rows", "further anomalies of the file are counted in one row")
    evidence_bytes: int = cap(512, "bytes", "of longer evidence only the first bytes are shown")
    report_rows: int = cap(100_000, "rows of a table", "further rows are counted in the page, not part of it")
    report_bytes: int = cap(32 * MIB, "bytes of a table", "further rows are counted in the page, not part of it")
    report_findings: int = cap(1_000, "findings", "further findings are counted in the page, not part of it")
    report_ladders: int = cap(25, "ladders of a kind", "further dialogues and handshakes are counted in the page, not drawn")
    report_rungs: int = cap(200, "messages of a ladder", "further messages are counted in the picture, not drawn")
    report_messages: int = cap(100, "messages", "further mail is a row of its table only")
    report_body: int = cap(16 * KIB, "characters", "the rest of a message's body is not shown in the page")
    report_names: int = cap(10_000, "names", "further names are not in the page's tree of the DNS")
    report_hosts: int = cap(100_000, "pairs of hosts", "further pairs are not in the page's picture of who talks to whom")

    hits: Counter[str] = field(default_factory=Counter)

    def hit(self, name: str, times: int = 1) -> None:
        """Count that the cap `name` was reached."""
        self.hits[name] += times

    @staticmethod
    def table() -> list[tuple[str, int, str, str]]:
        """(name, default, unit, what happens) of every cap."""
        return [(f.name, f.default, f.metadata["unit"], f.metadata["then"])  # type: ignore[misc]
                for f in fields(Limits) if f.metadata]
