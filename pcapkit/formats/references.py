"""Where a finding is written ("RFC 3207, 6; RFC 7672, 1.3") as references that others can follow."""

from __future__ import annotations

from collections.abc import Iterator

from pcapkit.explanations import url


def references(written: str | None) -> Iterator[tuple[str, str | None]]:
    """The single places, each with its address, or None where it is no RFC. Nothing is looked up."""
    for part in filter(None, map(str.strip, (written or "").split(";"))):
        yield part, url(part)
