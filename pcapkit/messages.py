"""The mail messages of captures byte for byte, as they were transferred: what `.eml` files and mailboxes hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from pcapkit.analysis import FileAnalysis, Options, Source
from pcapkit.connections import Connections
from pcapkit.dissectors.smtp import MailMessage
from pcapkit.errors import CaptureError
from pcapkit.filters import Filter
from pcapkit.readers import open_capture
from pcapkit.records import Record
from pcapkit.schema import Chunk
from pcapkit.secrets import Masker

_FROM = re.compile(rb"^(>*From )", re.MULTILINE)


class _Watch(FileAnalysis):
    """An analysis that keeps nothing but messages."""

    connections: Connections
    found: list[MailMessage]

    def collect(self, record: Record) -> None:
        """Keep a message; drop the rest."""
        if isinstance(record, MailMessage):
            self.found.append(record)


def messages(sources: Sequence[Source], options: Options | None = None,
             note: Callable[[Chunk], None] | None = None) -> Iterator[MailMessage]:
    """The messages of `sources` with their bytes in `raw`, file by file and in the order in which they were done.

    `note` is shown the other rows of the analysis. Raises CaptureError for an input that cannot be read at all, unless the
    options name somebody to tell.
    """
    options = options or Options()
    chosen = Filter(options.filter) if options.filter else None
    for source in sources:
        try:
            with open_capture(source, options.limits, progress=options.progress) as capture:
                watch = _Watch(capture, options, [], Masker(True), chosen)
                watch.found = []
                watch.connections.wishes.messages = True
                for chunk in watch.chunks():
                    if note is not None:
                        note(chunk)
                    found, watch.found = watch.found, []
                    yield from found
        except CaptureError as error:
            if options.unreadable is None:
                raise
            options.unreadable(str(source), error)


def mbox(message: MailMessage) -> bytes:
    """A message as it stands in a mailbox of the kind mboxrd (RFC 4155, A), with LF at the end of lines."""
    sender = re.sub(r"[^!-~]", "_", message.mail_from or "") or "MAILER-DAEMON"
    came = datetime.fromtimestamp(min(max(message.span.time_ns // 1_000_000_000, 0), 253_402_300_799), UTC)
    text = _FROM.sub(rb">\1", (message.raw or b"").replace(b"\r\n", b"\n"))
    end = b"\n" if text.endswith(b"\n") else b"\n\n"
    return f"From {sender} {came:%a %b} {came.day:2} {came:%H:%M:%S %Y}\n".encode() + text + end
