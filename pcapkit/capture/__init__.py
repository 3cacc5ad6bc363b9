"""`open()` and `Capture`: a capture as tables and views, analysed when first looked at."""

from __future__ import annotations

import html
from collections.abc import Sequence
from os import PathLike
from typing import Any

from pcapkit import schema
from pcapkit.analysis import Options, analyse
from pcapkit.capture.shown import Text
from pcapkit.capture.views import MOST, DnsView, HttpView, SmtpView, TlsView, View
from pcapkit.certificates.store import open_store
from pcapkit.follow import follow
from pcapkit.formats.text import escape, show
from pcapkit.keys import Keys, open_keys
from pcapkit.limits import Limits
from pcapkit.lines import packet
from pcapkit.mailauth import open_policy
from pcapkit.maillog import open_log
from pcapkit.schema import Chunk, Type
from pcapkit.secrets import Masker

__all__ = ["Capture", "Tables", "Text", "View", "open"]

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


class Capture:
    """One or several capture files. Analysed once, when something of it is asked for."""

    def __init__(self, sources: Sequence[Any], options: Options) -> None:
        self._sources, self._options = sources, options
        self._chunks: dict[str, list[Chunk]] | None = None
        self._views: dict[str, View] = {}
        self.tables = Tables(self)

    def view(self, name: str) -> View:
        """The rows of the table `name`."""
        if self._chunks is None:
            self._chunks = {}
            for chunk in analyse(self._sources, self._options):
                self._chunks.setdefault(chunk.table.name, []).append(chunk)
        if name not in self._views:
            kind, shown = _VIEWS[name]
            table = next(t for t in schema.TABLES if t.name == name)
            view = self._views[name] = kind(table, self._chunks.get(name, []), shown.split())
            if isinstance(view, HttpView):
                view.forms = self.view("http_forms")
        return self._views[name]

    def __dir__(self) -> list[str]:
        return ["follow", "packet", "tables", "view", *_VIEWS]

    def __getattr__(self, name: str) -> View:
        if name.startswith("_") or name not in _VIEWS:
            raise AttributeError(name)
        return self.view(name)

    def packet(self, number: int) -> Text:
        """The packet with this frame number as a line and a dump in hex and ASCII, as `tcpdump -X` has it.

        Secrets are stars unless the capture was opened to show them.
        """
        text = packet(self._path(), number, self._options.limits, self._options.show_secrets)
        if text is None:
            raise IndexError(f"{self._path()} has no frame {number}")
        return Text(text.expandtabs(4))

    def follow(self, stream: int, transport: str = "tcp") -> Text:
        """Both sides of a stream as text, secrets masked unless the capture was opened to show them."""
        followed = follow(self._path(), transport, stream, Options(limits=self._options.limits))
        return Text("\n".join(line for piece in followed.masked(Masker(self._options.show_secrets))
                              for line in piece.lines()))

    def _path(self) -> Any:
        """The first of the files: what has one number only means it."""
        return self._sources[0]

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
