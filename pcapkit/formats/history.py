"""What the letters of a handshake's `history` say."""

from __future__ import annotations


def established(history: str | None) -> bool:
    """Whether both sides came to the end of the handshake, or sent data behind it."""
    return any(all(side in (history or "") for side in sides) for sides in ("Ff", "Dd"))
