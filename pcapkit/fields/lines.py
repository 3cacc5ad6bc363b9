"""Protocols of lines that have no file of their own here: POP3, IMAP, FTP and their like."""

from __future__ import annotations

from pcapkit.fields.field import Cutter, text


def lines(cut: Cutter, protocol: str) -> None:
    """Cut lines while they are text; the rest stays in one piece."""
    with cut.group(protocol.upper()):
        while cut.left:
            end = cut.find(b"\n")
            line = cut.peek(end + 1 if end >= 0 else cut.left)
            if not line.rstrip(b"\r\n").decode("utf-8", "replace").replace("\t", " ").isprintable():
                cut.rest("Data")
            else:
                cut.take("Line", len(line), text)
