"""The whole way of a capture, window by window: reader, packets, flows, streams, dissectors, reporters -> chunks of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import Any, BinaryIO

from pcapkit.limits import Limits
from pcapkit.records import Span
from pcapkit.schema import Chunk

Source = str | PathLike[str] | BinaryIO


@dataclass(slots=True)
class Options:
    """What an analysis is asked to do."""

    filter: str | None = None
    """A capture filter in libpcap's language; frames and streams keep the numbers of the whole file."""
    hash: bool = False
    """SHA-256 of files, streams and bodies."""
    show_secrets: bool = False
    """Leave passwords and the like as they are instead of masking them."""
    keys: Any = None
    limits: Limits = field(default_factory=Limits)
    progress: Callable[[int], None] | None = None
    """Called with the number of bytes read since the last call."""


def analyse(sources: Sequence[Source], options: Options | None = None) -> Iterator[Chunk]:
    """The rows of all tables of `sources`, masked as the options say, in chunks; `captures` rows last per file.

    Raises CaptureError for the first source that cannot be read at all, after what came before it was yielded.
    """
    raise NotImplementedError


@dataclass(slots=True)
class Piece:
    """Bytes of one side of a stream in the order of delivery, or a gap (`data` is None) of `length` bytes."""

    side: int
    offset: int
    length: int
    data: bytes | None
    frame: int
    time_ns: int


def follow(source: Source, transport: str, stream: int, options: Options | None = None) -> tuple[list[Piece], list[Span]]:
    """The bytes of one stream of a file, masked as the options say, and the spans that were (or would be) masked."""
    raise NotImplementedError
