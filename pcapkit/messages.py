"""The mail messages of captures byte for byte, as they were transferred: what `.eml` files and mailboxes hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from pcapkit.analysis import FileAnalysis, Options, Source
from pcapkit.dissectors.smtp import MailMessage
from pcapkit.schema import Chunk
from pcapkit.sightings import sightings

_FROM = re.compile(rb"^(>*From )", re.MULTILINE)


def messages(sources: Sequence[Source], options: Options | None = None,
             note: Callable[[Chunk], None] | None = None) -> Iterator[MailMessage]:
    """The messages of `sources` with their bytes in `raw`, as `sightings` has them."""
    def keep(analysis: FileAnalysis) -> None:
        analysis.connections.wishes.messages = True
    return sightings(MailMessage, sources, options, note, keep)


def mbox(message: MailMessage) -> bytes:
    """A message as it stands in a mailbox of the kind mboxrd (RFC 4155, A), with LF at the end of lines."""
    sender = re.sub(r"[^!-~]", "_", message.mail_from or "") or "MAILER-DAEMON"
    came = datetime.fromtimestamp(min(max(message.span.time_ns // 1_000_000_000, 0), 253_402_300_799), UTC)
    text = _FROM.sub(rb">\1", (message.raw or b"").replace(b"\r\n", b"\n"))
    end = b"\n" if text.endswith(b"\n") else b"\n\n"
    return f"From {sender} {came:%a %b} {came.day:2} {came:%H:%M:%S %Y}\n".encode() + text + end
