"""What can go wrong, for callers. Bad traffic is data and never raises; these are for bad use and unreadable input."""

from __future__ import annotations


class PcapkitError(Exception):
    """Any error that pcapkit raises on purpose."""


class CaptureError(PcapkitError):
    """An input that cannot be read as a capture at all; the text says what was seen and where."""


class LogError(PcapkitError):
    """A mail log that cannot be read at all, or that is none."""


class PolicyError(PcapkitError):
    """A file of a mail policy that cannot be read, or that is none."""


class StoreError(PcapkitError):
    """A file of trusted certificates that cannot be read, or that has none."""


class KeysError(PcapkitError):
    """A file of key material that cannot be read, or that cannot decrypt anything."""


class ExerciseError(PcapkitError):
    """An exercise that cannot be made or graded: keys, submissions or names of students that are of no use."""


class FilterError(PcapkitError):
    """A capture filter that libpcap does not accept, or that would need a name look-up."""


class UnknownRuleError(PcapkitError):
    """A rule that has no explanation; the text names the nearest ones."""


class OutputError(PcapkitError):
    """An output that cannot be written."""


class ExtraError(PcapkitError):
    """Something asked for needs an optional package that is not installed; the text says how to get it."""


class DissectError(PcapkitError):
    """Bytes that break a protocol's rules so that the dissector cannot go on in this direction.

    The only exception that may leave a dissector. `offset` is the stream offset of the first byte not understood.
    """

    def __init__(self, reason: str, offset: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.offset = offset
