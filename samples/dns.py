"""DNS messages as name servers write them: names compressed wherever an earlier one ends alike (RFC 1035, 4.1.4)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

TYPES = {"A": 1, "NS": 2, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28}
RESPONSE, RECURSION_DESIRED, RECURSION_AVAILABLE = 0x8000, 0x0100, 0x0080
QUERY_FLAGS = RECURSION_DESIRED
ANSWER_FLAGS = RESPONSE | RECURSION_DESIRED | RECURSION_AVAILABLE
NXDOMAIN = 3


@dataclass(frozen=True)
class Answer:
    """One resource record; `data` as in a zone file: `50 mail.example.`, `192.0.2.1`, `mname rname 1 2 3 4 5`."""

    name: str
    type: str
    ttl: int
    data: str


@dataclass
class Writer:
    """The message so far, and at which offset each name in it begins."""

    data: bytearray
    places: dict[tuple[str, ...], int] = field(default_factory=dict)

    def name(self, name: str) -> None:
        """Append a name, as a pointer from where it was written before."""
        labels = tuple(label for label in name.split(".") if label)
        for i in range(len(labels)):
            if place := self.places.get(labels[i:]):
                self.data += struct.pack(">H", 0xC000 | place)
                return
            self.places[labels[i:]] = len(self.data)
            self.data += bytes([len(labels[i])]) + labels[i].encode("ascii")
        self.data.append(0)

    def answer(self, answer: Answer) -> None:
        """Append a resource record."""
        self.name(answer.name)
        self.data += struct.pack(">HHIH", TYPES[answer.type], 1, answer.ttl, 0)
        start = len(self.data)
        self.content(answer.type, answer.data.split())
        struct.pack_into(">H", self.data, start - 2, len(self.data) - start)

    def content(self, kind: str, words: list[str]) -> None:
        """Append a record's data."""
        if kind in ("A", "AAAA"):
            self.data += ip_address(words[0]).packed
        elif kind == "TXT":
            text = " ".join(words).encode("ascii")
            for at in range(0, len(text), 255):
                part = text[at:at + 255]
                self.data += bytes([len(part)]) + part
        elif kind == "MX":
            self.data += struct.pack(">H", int(words[0]))
            self.name(words[1])
        elif kind == "SOA":
            self.name(words[0])
            self.name(words[1])
            self.data += struct.pack(">5I", *map(int, words[2:]))
        else:
            self.name(words[0])


def message(identity: int, name: str, kind: str, *, flags: int = QUERY_FLAGS, answers: Sequence[Answer] = (),
            authority: Sequence[Answer] = (), additional: Sequence[Answer] = (), edns: int = 0) -> bytes:
    """A message with one question; `edns` is the payload size of an OPT record to add (RFC 6891), 0 for none."""
    counts = len(answers), len(authority), len(additional) + bool(edns)
    out = Writer(bytearray(struct.pack(">6H", identity, flags, 1, *counts)))
    out.name(name)
    out.data += struct.pack(">HH", TYPES[kind], 1)
    for answer in (*answers, *authority, *additional):
        out.answer(answer)
    if edns:
        out.data += struct.pack(">BHHIH", 0, 41, edns, 0, 0)
    return bytes(out.data)
