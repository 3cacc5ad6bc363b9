"""`open()` and `Capture`: a capture as tables and views, analysed when first looked at."""

from __future__ import annotations

import html
from collections.abc import Sequence
from itertools import islice
from os import PathLike
from typing import Any

from pcapkit import lines, schema
from pcapkit.analysis import Options, analyse
from pcapkit.capture.packets import Packet, Packets
from pcapkit.capture.protocols import ROWS, DnsView, HttpView, SmtpView, TlsView
from pcapkit.capture.shown import Text, html_table
from pcapkit.capture.views import MOST, Row, View
from pcapkit.certificates.store import open_store
from pcapkit.dissectors.tls import CertificateSeen
from pcapkit.filters import Filter
from pcapkit.follow import follow
from pcapkit.formats.text import escape, show, table
from pcapkit.handshakes import Handshake, handshakes
from pcapkit.keys import Keys, open_keys
from pcapkit.limits import Limits
from pcapkit.mailauth import open_policy
from pcapkit.maillog import open_log
from pcapkit.schema import Chunk, Type
from pcapkit.secrets import Masker
from pcapkit.show import Shown, fields_of
from pcapkit.sightings import sightings

__all__ = ["Capture", "Row", "Tables", "Text", "View", "open"]

_VIEWS: dict[str, tuple[type[View], str]] = {
    "flows": (View, "stream transport client client_port server server_port service state client_bytes server_bytes"),
    "http": (HttpView, "frame stream client method url status content_type"),
    "http_forms": (View, "frame stream name value encoding filename"),
    "websocket": (View, "frame stream side opcode text bytes"),
    "smtp": (SmtpView, "frame stream command argument code text"),
    "mail": (View, "frame stream mail_from rcpt_to subject size queue_id"),
    "dns": (DnsView, "frame client server id type name rcode answers"),
    "tls": (TlsView, "frame stream client server sni version cipher"),
    "certificates": (View, "frame stream position subject issuer not_after"),
    "chains": (View, "frame server host subject at_capture now valid_from valid_until defects"),
    "credentials": (View, "frame stream protocol mechanism username secret outcome"),
    "encryption": (View, "frame stream protocol verdict evidence"),
    "findings": (View, "severity frame rule title message display_filter"),
    "anomalies": (View, "frame stream rule message count"),
    "captures": (View, "file format packets bytes first_time last_time truncated warnings"),
    "logs": (View, "log format lines messages events joined year zone stated"),
    "maillog": (View, "log line action queue_id peer status delays wire_delays join frame stream joined_by"),
}


class Tables:
    """The tables of the export as DataFrames: `cap.tables.flows`."""

    def __init__(self, capture: Capture) -> None:
        self._capture = capture

    def __dir__(self) -> list[str]:
        return [t.name for t in schema.TABLES]

    def __getattr__(self, name: str) -> Any:
        if name not in _VIEWS:
            raise AttributeError(name)
        return self._capture.view(name).df

    def _lines(self) -> list[tuple[str, str, str]]:
        return [(t.name, f"{len(self._capture.view(t.name)):,}", t.meaning) for t in schema.TABLES]

    def __repr__(self) -> str:
        return table(("table", "rows", "meaning"), self._lines(), None)

    def _repr_html_(self) -> str:
        return html_table(self._lines(), ("table", "rows", "meaning"))


class Capture:
    """One or several capture files. Analysed once, when something of it is asked for."""

    def __init__(self, sources: Sequence[Any], options: Options) -> None:
        self._sources, self._options = sources, options
        self._masker = Masker(options.show_secrets)
        self._chunks: dict[str, list[Chunk]] | None = None
        self._views: dict[str, View] = {}
        self._handshakes: dict[str, list[Handshake]] = {}
        self._certificates: dict[str, dict[str, bytes]] = {}
        self.tables = Tables(self)

    def view(self, name: str) -> View:
        """The rows of the table `name`."""
        if self._chunks is None:
            self._chunks = {}
            for chunk in analyse(self._sources, self._options, self._masker):
                self._chunks.setdefault(chunk.table.name, []).append(chunk)
        if name not in self._views:
            kind, shown = _VIEWS[name]
            table = next(t for t in schema.TABLES if t.name == name)
            self._views[name] = kind(table, self._chunks.get(name, []), shown.split(), ROWS.get(name, Row), self)
        return self._views[name]

    def __dir__(self) -> list[str]:
        return ["follow", "packet", "packets", "tables", "view", *_VIEWS]

    def __getattr__(self, name: str) -> View:
        if name.startswith("_") or name not in _VIEWS:
            raise AttributeError(name)
        return self.view(name)

    def packet(self, number: int, file: str | None = None) -> Packet:
        """The packet with this frame number as a line and a dump in hex and ASCII, as `tcpdump -X` has it; `fields` are its
        fields by name, which a notebook marks in the dump.

        Secrets are stars unless the capture was opened to show them. `file` is the name of one of several, the first if
        not given. Raises IndexError where there is no such packet.
        """
        path = self._path(file)
        for packet in lines.packets(path, self._options.limits, self._options.show_secrets, number):
            return self._packet(path, packet)
        raise IndexError(f"{path} has no frame {number}")

    def packets(self, filter: str | None = None, most: int = MOST, file: str | None = None) -> Packets:
        """The first packets, or the first that a capture filter lets through, a line each in tcpdump's manner."""
        chosen = Filter(filter) if filter else None
        path = self._path(file)
        found = lines.packets(path, self._options.limits, self._options.show_secrets, chosen)
        some = [self._packet(path, packet) for packet in islice(found, most + 1)]
        return Packets(some[:most], len(some) > most)

    def _packet(self, path: Any, packet: lines.Packet) -> Packet:
        def look() -> Shown:
            shown = fields_of(path, packet.number, self._options)
            assert shown is not None, "the packet has been seen"
            return shown
        return Packet.of(packet, look)

    def follow(self, stream: int, transport: str = "tcp", file: str | None = None) -> Text:
        """Both sides of a stream as text, secrets masked unless the capture was opened to show them: with the numbers that
        they have in the views.
        """
        self.view("credentials")
        followed = follow(self._path(file), transport, stream, Options(limits=self._options.limits, keys=self._options.keys))
        return Text("\n".join(line for piece in followed.masked(self._masker) for line in piece.lines()))

    def shown_handshakes(self, file: str) -> list[Handshake]:
        """The handshakes of a file message by message, for ladders; the file is read for it once."""
        if file not in self._handshakes:
            self._handshakes[file] = handshakes(self._path(file), self._options)
        return self._handshakes[file]

    def certificate_bytes(self, file: str) -> dict[str, bytes]:
        """The certificates of a file in DER, by their SHA-256; the file is read for it once."""
        if file not in self._certificates:
            seen = sightings(CertificateSeen, [self._path(file)], self._options)
            self._certificates[file] = {certificate.sha256: certificate.der for certificate in seen}
        return self._certificates[file]

    def _path(self, file: str | None = None) -> Any:
        """The file of this name; without one the first: what has one number only means it."""
        for source in self._sources:
            if file is None or str(source) == file:
                return source
        raise KeyError(f"{file} is none of {', '.join(map(str, self._sources))}")

    def _facts(self) -> list[str]:
        """A line for each file, and what is wrong with it."""
        return [line for row in self.captures for line in (
            f"{escape(row.file)}: {row.packets:,} packets, {row.bytes:,} bytes"
            + (f" from {show(row.first_time, Type.TIME)[:19]} UTC" if row.packets else "") + f"; {row.format}",
            *(f"! {escape(warning)}" for warning in row.warnings))]

    def _seen(self) -> str:
        """What can be looked into: the names of the views that have rows."""
        counts = [f"{name} {len(self.view(name)):,}" for name in _VIEWS if name != "captures" and len(self.view(name))]
        return "rows in: " + (", ".join(counts) or "no table")

    def __repr__(self) -> str:
        return "\n".join([*self._facts(), self._seen(), *(
            f"  {row.severity}: {escape(row.message)} (frame {row.frame})" for row in self.findings[:MOST])])

    def _repr_html_(self) -> str:
        facts = "".join(f"<div>{html.escape(line)}</div>" for line in (*self._facts(), self._seen()))
        return facts + self.findings._repr_html_()


def open(path_or_paths: str | PathLike[str] | Sequence[str | PathLike[str]], *,
         keys: Keys | str | PathLike[str] | Sequence[str | PathLike[str]] | None = None,
         filter: str | None = None, hash: bool = False, show_secrets: bool = False,
         maillog: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
         policy: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
         trust_store: str | PathLike[str] | None = None) -> Capture:
    """A capture to look into. Raises CaptureError, when first looked at, where a file cannot be read at all.

    `keys`: files with key logs, RSA keys or the output of `openssl s_client`; KeysError is raised at once where one is of no
    use. Secrets embedded in a capture are used without being asked for.
    `maillog`: mail logs to be tied to the packets; LogError is raised at once where one cannot be read. `policy`: MTA-STS
    policies; PolicyError is raised at once. `trust_store`: a PEM file of the roots that chains of certificates may end in,
    in place of Mozilla's; StoreError is raised at once.
    """
    limits = Limits()
    known = keys if keys is None or isinstance(keys, Keys) else open_keys(keys)
    logs = [open_log(str(path), limits) for path in _several(maillog)]
    policies = [open_policy(str(path)) for path in _several(policy)]
    options = Options(filter, hash, show_secrets, known, limits, logs, policies)
    if trust_store is not None:
        options.trust = open_store(str(trust_store))
    return Capture(_several(path_or_paths), options)


def _several(paths: str | PathLike[str] | Sequence[str | PathLike[str]]) -> list[str | PathLike[str]]:
    return [paths] if isinstance(paths, str | PathLike) else list(paths)
