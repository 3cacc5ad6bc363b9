"""What is drawn for one student: the same for the same seed, scenario and student, on every Python and every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

from pcapkit.exercises import words

T = TypeVar("T")

_LETTERS = "abcdefghjkmnpqrstuvwxyz"
_SAFE = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
"""Letters and digits that nobody takes for each other."""
_SECOND = 1_000_000_000
_FIRST_DAY = 1_740_960_000
"""2025-03-03T00:00:00Z, a Monday."""


class Draw:
    """Numbers, words and bytes from SHAKE-256 over a label: `random` does not promise the same choices in other versions.

    `of` gives a draw of its own for a part, so that a change of one part leaves the others as they are.
    """

    def __init__(self, *label: str) -> None:
        self._label = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in label)
        self._count = 0
        self._used: set[str] = set()

    def of(self, part: str) -> Draw:
        """Another draw, for a part of the exercise."""
        part_of = Draw()
        part_of._label = self._label + b"/" + part.encode()
        return part_of

    def bytes(self, length: int) -> bytes:
        """So many bytes."""
        self._count += 1
        return hashlib.shake_256(self._label + b"#" + str(self._count).encode()).digest(length)

    def below(self, limit: int) -> int:
        """A number from 0 to `limit` - 1; that 128 bits are no multiple of it does not show."""
        return int.from_bytes(self.bytes(16), "big") % limit

    def between(self, low: int, high: int) -> int:
        """A number from `low` to `high`, both included."""
        return low + self.below(high - low + 1)

    def chance(self, percent: int) -> bool:
        """True so often in a hundred."""
        return self.below(100) < percent

    def choice(self, among: Sequence[T]) -> T:
        """One of them."""
        return among[self.below(len(among))]

    def sample(self, among: Sequence[T], count: int) -> list[T]:
        """Several different ones, in random order."""
        return self.shuffled(among)[:count]

    def shuffled(self, among: Sequence[T]) -> list[T]:
        """All of them in another order."""
        left = list(among)
        return [left.pop(self.below(len(left))) for _ in range(len(left))]

    def _new(self, lists: Sequence[Sequence[str]], joint: str) -> str:
        """A word of each list; never the same twice in an exercise."""
        while True:
            found = joint.join(self.choice(those) for those in lists)
            if found not in self._used:
                self._used.add(found)
                return found

    def user(self) -> str:
        """The name of an account: a colour and a plant."""
        return self._new((words.COLOURS, words.PLANTS), self.choice(".-_"))

    def domain(self) -> str:
        """A domain for examples (RFC 2606)."""
        return self._new((words.PLANTS, words.THINGS), "-") + self.choice((".example", ".test", ".example.org"))

    def thing(self) -> str:
        """A thing of some colour."""
        return self._new((words.COLOURS, words.THINGS), "-")

    def password(self, odd: str = "!+&%=?") -> str:
        """A password with a character that forms have to escape."""
        return (self.choice(words.THINGS).capitalize() + self.choice(odd) + self.choice(words.PLANTS)
                + str(self.between(10, 99)))

    def token(self, length: int) -> str:
        """Letters and digits."""
        return "".join(self.choice(_SAFE) for _ in range(length))

    def label(self, length: int) -> str:
        """Small letters."""
        return "".join(self.choice(_LETTERS) for _ in range(length))

    def inside(self) -> str:
        """An address of a private network (RFC 1918)."""
        return self._address(self.choice(("10.%d.%d.%d", "172.20.%d.%d", "192.168.%d.%d")))

    def outside(self) -> str:
        """An address for documentation (RFC 5737)."""
        return self._address(self.choice(("192.0.2.%d", "198.51.100.%d", "203.0.113.%d")))

    def neighbour(self, address: str) -> str:
        """Another address of the same /24."""
        return self._address(address.rpartition(".")[0] + ".%d")

    def _address(self, pattern: str) -> str:
        while True:
            found = pattern % tuple(self.between(2, 250) for _ in range(pattern.count("%d")))
            if found not in self._used:
                self._used.add(found)
                return found

    def moment(self) -> int:
        """Some time of a working day, in nanoseconds since the epoch."""
        day, second = self.between(0, 17) * 7 + self.between(0, 4), self.between(8 * 3600, 17 * 3600)
        return (_FIRST_DAY + day * 86_400 + second) * _SECOND + self.below(_SECOND // 1000) * 1000
