"""What can be wrong with a chain of certificates, and the verdict on one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import NamedTuple


class Fault(StrEnum):
    """Why a chain is not valid, in the order in which faults are told."""

    UNREADABLE = "unreadable"
    BAD_SIGNATURE = "bad signature"
    EXPIRED = "expired"
    NOT_YET_VALID = "not yet valid"
    WRONG_NAME = "wrong name"
    SELF_SIGNED = "self-signed"
    UNKNOWN_ROOT = "unknown root"
    INCOMPLETE = "issuer missing"
    NOT_ALLOWED = "not allowed"
    WEAK = "weak"
    NO_NAMES = "no alternative names"
    REFUSED = "refused"


_ORDER = tuple(Fault)


class Reason(NamedTuple):
    """A fault, and what it rests on in words."""

    fault: Fault
    words: str


@dataclass(eq=False)
class Verdict:
    """Whether a chain holds at a moment: it does where there are no reasons against it."""

    reasons: tuple[Reason, ...]

    @property
    def valid(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.reasons

    @cached_property
    def faults(self) -> frozenset[Fault]:
        """What is wrong, without the words."""
        return frozenset(reason.fault for reason in self.reasons)

    @cached_property
    def words(self) -> str:
        """ "valid", or the faults in order."""
        return ", ".join(sorted(self.faults, key=_ORDER.index)) or "valid"

    @cached_property
    def told(self) -> list[str]:
        """Each reason with its fault in front."""
        return [f"{reason.fault}: {reason.words}" for reason in self.reasons]


verdict = lru_cache(maxsize=1024)(Verdict)
"""The verdict that rests on some reasons: the same one for the same reasons, as most servers with a chain come to."""
