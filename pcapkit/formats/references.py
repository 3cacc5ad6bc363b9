"""Where a finding is written ("RFC 3207, 6; RFC 7672, 1.3") as references that others can follow."""

from __future__ import annotations

import re
from collections.abc import Iterator

_RFC = re.compile(r"RFC (\d{1,5})(?:, ([0-9A-Z.]{1,16}))?$")


def references(written: str | None) -> Iterator[tuple[str, str | None]]:
    """The single places, each with its address, or None where it is no RFC. Nothing is looked up."""
    for part in filter(None, map(str.strip, (written or "").split(";"))):
        named = _RFC.match(part)
        link = f"https://www.rfc-editor.org/rfc/rfc{named[1]}{f'#section-{named[2]}' if named[2] else ''}" if named else None
        yield part, link
