"""Records of some kinds themselves, out of captures: with what their tables do not hold, such as the bytes of messages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from pcapkit.analysis import FileAnalysis, Options, Reporters, Source
from pcapkit.errors import CaptureError
from pcapkit.filters import Filter
from pcapkit.readers import open_capture
from pcapkit.records import Record
from pcapkit.schema import Chunk
from pcapkit.secrets import Masker

R = TypeVar("R", bound=Record)


class _Watch(FileAnalysis):
    """An analysis that keeps nothing but records of some kinds."""

    kind: Any
    found: list[Record]

    def collect(self, record: Record) -> None:
        """Keep what is wanted; drop the rest."""
        if isinstance(record, self.kind):
            self.found.append(record)


def sightings(kind: type[R] | tuple[type[R], ...], sources: Sequence[Source], options: Options | None = None,
              note: Callable[[Chunk], None] | None = None, prepare: Callable[[FileAnalysis], None] | None = None) -> Iterator[R]:
    """The records of a kind, or of several, in `sources`, file by file and in the order in which they were done.

    `note` is shown the other rows of the analysis, and `prepare` is given each analysis before it begins. Raises CaptureError
    for an input that cannot be read at all, unless the options name somebody to tell.
    """
    options = options or Options()
    chosen = Filter(options.filter) if options.filter else None
    for source in sources:
        try:
            with open_capture(source, options.limits, progress=options.progress) as capture:
                watch = _Watch(capture, options, Reporters(), Masker(True), chosen)
                watch.kind, watch.found = kind, []
                if prepare is not None:
                    prepare(watch)
                for chunk in watch.chunks():
                    if note is not None:
                        note(chunk)
                    found, watch.found = watch.found, []
                    yield from found  # type: ignore[misc]
        except CaptureError as error:
            if options.unreadable is None:
                raise
            options.unreadable(str(source), error)
