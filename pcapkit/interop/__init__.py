"""Bridges to other tools: bytes of a packet -> their objects. One module a tool, the only one that imports it."""

from __future__ import annotations

from pcapkit.errors import ExtraError


def missing(tool: str) -> ExtraError:
    """The error for a tool that is not installed."""
    return ExtraError(f"{tool} is not installed; it comes with the extra for notebooks: pip install 'pcapkit-analyzer[lab]'")
