"""A file without its secrets: where they lie, what stands there, what stands in their place, and the copy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from pcapkit.analysis import Options, Source
from pcapkit.packets import TCP, Decoder, Packets
from pcapkit.packets.fragments import Piece
from pcapkit.places import Found, Place, secret_places, touched
from pcapkit.readers import Frames
from pcapkit.records import Credential, Secret
from pcapkit.sanitizing import disguises
from pcapkit.sanitizing.addresses import Addresses
from pcapkit.sanitizing.fillers import Fillers
from pcapkit.sanitizing.headers import replace_addresses
from pcapkit.sanitizing.rewriting import Fragmented, Rewriter, change
from pcapkit.sanitizing.search import Needles
from pcapkit.writers import PcapngWriter, PcapWriter

_SHORTEST = 8
"""A shorter secret is not looked for where nothing says that it is one: it may be a word like any other."""

_WORD = 4
"""A shorter one is not even counted there."""


@dataclass(slots=True)
class Replaced:
    """Bytes that are replaced: all that overlap as one `place`, what stood and stands there, how, and in which frames."""

    place: Place
    secrets: list[Secret]
    wire: bytearray
    seen: bytearray
    """Which of the bytes are in the capture."""
    new: bytes = b""
    how: str = ""
    numbers: list[int] = field(default_factory=list)
    """Of the secrets, as the fillers count them."""
    frames: set[int] = field(default_factory=set)


class Sanitizer:
    """The secrets of one file and their fillers. The file is read once for the analysis, once for the bytes of secrets, and
    once for the copy. Raises CaptureError where it cannot be read at all.
    """

    def __init__(self, source: Source, options: Options, fillers: Fillers, addresses: Addresses | None = None) -> None:
        self.source, self.options, self.fillers, self.addresses = source, options, fillers, addresses
        self.found: Found = secret_places(source, options, hash=True)
        self.replaced = _merged(self.found.places)
        self._spans = {one.place: one for one in self.replaced}
        self.unreachable = 0
        """How many datagrams in fragments hold secrets in bytes that cannot be found in frames."""
        self.strays = 0
        """How many times a secret stood where nothing says that it is one, and was replaced."""
        self.words = 0
        """How many times one that is a word or a name stands elsewhere, and was left."""
        self._joined: list[tuple[list[Piece], int, int, bool, list[tuple[int, Place]]]] = []
        self._collect()
        self._draw()
        self._strays()

    # What stands there

    def _collect(self) -> None:
        """The bytes of secrets: those seen first count."""
        decoder = Decoder(self.options.limits)
        pieces = decoder.keep_pieces()
        for _, packets, rows in touched(self.source, self.options, self._spans, decoder):
            for row, shown in rows:
                at, length = int(packets.offset[row]), int(packets.length[row])
                data = packets.buffer[at:at + length]
                for begin, place in shown:
                    self._take(self._spans[place], data, begin)
                if packets.first_frame[row] != packets.frame[row]:
                    self._fragments(pieces.get(int(packets.frame[row]), []), packets, row, shown)
            pieces.clear()

    @staticmethod
    def _take(one: Replaced, data: bytes, begin: int) -> None:
        for at in range(max(0, begin), min(len(data), begin + len(one.wire))):
            if not one.seen[at - begin]:
                one.wire[at - begin], one.seen[at - begin] = data[at], 1

    def _fragments(self, pieces: list[Piece], packets: Packets, row: int, shown: list[tuple[int, Place]]) -> None:
        tcp, total = int(packets.protocol[row]) == TCP, max((p.offset + p.length for p in pieces), default=0)
        header = total - int(packets.length[row]) if tcp else 8
        if not pieces or any(piece.at < 0 for piece in pieces) or (tcp and not 20 <= header <= 60):
            self.unreachable += 1
            return
        self._joined.append((list(pieces), header, int(packets.length[row]), tcp, shown))

    # What stands in its place

    def _draw(self) -> None:
        logins: dict[tuple[str, int | None, int], list[Credential]] = {}
        users: dict[tuple[str, int | None, int], set[str]] = {}
        for login in self.found.logins:
            if login.flow is not None:
                way = login.flow.transport, login.flow.stream, login.span.side
                users.setdefault(way, set()).add(login.username)
                if login.secret:
                    logins.setdefault(way, []).append(login)
        known: dict[tuple[object, ...], tuple[bytes, str]] = {}
        for one in self.replaced:
            texts: dict[str, list[str]] = {}
            flow = one.secrets[0].flow
            way = (flow.transport, flow.stream, one.secrets[0].span.side) if flow else ("", None, 0)
            for secret in one.secrets:
                inner = [login.secret for login in logins.get(way, ()) if (where := login.secret_span or login.span).start
                         < secret.span.stop and secret.span.start < where.stop and login.secret != secret.text]
                texts.setdefault(secret.text, [*dict.fromkeys(inner), secret.text])
            key = (bytes(one.wire), *map(tuple, texts.values()), *sorted(users.get(way, ())))
            if key not in known:
                known[key] = disguises.replaced(bytes(one.wire), list(texts.values()), self.fillers, users.get(way, ()))
            one.new, one.how = known[key]
            one.numbers = [self.fillers.number(text[0]) for text in texts.values()] if one.how != disguises.PUBLIC else []

    def _strays(self) -> None:
        """Secrets to be looked for everywhere, and what stands in their place there: no plain words, and no names of users, which
        are only counted.
        """
        texts = {secret.text for one in self.replaced if one.how != disguises.PUBLIC for secret in one.secrets}
        users = "\n".join({login.username for login in self.found.logins})
        known = sorted(text for text in texts if len(text) >= _SHORTEST and not text.isalpha() and text not in users)
        found: dict[bytes, bytes] = {}
        for text in known:
            for form in disguises.readable(text):
                found.setdefault(form, disguises.filled(form, text, self.fillers) or form)
            digest = text.rpartition(":")[2]
            with suppress(ValueError):
                raw = bytes.fromhex(digest)
                if len(set(raw)) >= _SHORTEST:
                    found.setdefault(raw, self.fillers.raw(digest, len(raw)))
        words = {text.encode("utf-8", "surrogatepass") for text in (login.secret for login in self.found.logins)
                 if text not in known and len(text) >= _WORD}
        self._needles, self._fillings = Needles(list(found), _SHORTEST), list(found.values())
        self._words = Needles(sorted(words), _WORD)

    # The copy

    def windows(self) -> Iterator[Frames]:
        """The windows of the file, changed; each is valid until the next is asked for."""
        plan = self._plan()
        for frames, packets, rows in touched(self.source, self.options, self._spans):
            rewriter = Rewriter(frames, packets)
            first = int(frames.number[0]) if len(frames) else 0
            for row, shown in rows:
                i = int(packets.frame[row]) - first
                if packets.first_frame[row] == packets.frame[row]:
                    base = int(packets.offset[row]) - int(frames.offset[i])
                    for begin, place in shown:
                        one = self._spans[place]
                        low, high = max(0, begin), min(int(packets.length[row]), begin + len(one.new))
                        rewriter.put(i, base + low, one.new[low - begin:high - begin])
                        one.frames.add(first + i)
            for i in range(len(frames)) if plan.bytes else ():
                for at, new in plan.bytes.get(first + i, ()):
                    rewriter.put(i, at, new)
                for at, by, udp in plan.sums.get(first + i, ()):
                    rewriter.move(i, at, by, udp)
            self._elsewhere(rewriter)
            if self.addresses is not None:
                replace_addresses(rewriter, self.addresses, self.options.limits)
            rewriter.finish()
            yield frames

    def _plan(self) -> Fragmented:
        """What is to be changed in fragments, known before the first of them is written."""
        plan = Fragmented()
        for pieces, header, length, tcp, shown in self._joined:
            old = bytearray(length)
            new = bytearray(length)
            touched = bytearray(length)
            for begin, place in shown:
                one = self._spans[place]
                for at in range(max(0, begin), min(length, begin + len(one.new))):
                    old[at], new[at], touched[at] = one.wire[at - begin], one.new[at - begin], 1
                one.frames.update(piece.frame for piece in pieces)
            by = change(bytes(old), bytes(new))
            place_of_sum = 16 if tcp else 6
            for piece in pieces:
                for at in range(piece.length):
                    where = piece.offset + at - header
                    if 0 <= where < length and touched[where]:
                        plan.bytes.setdefault(piece.frame, []).append((piece.at + at, bytes(new[where:where + 1])))
                if piece.offset <= place_of_sum < piece.offset + piece.length:
                    plan.sums.setdefault(piece.frame, []).append((piece.at + place_of_sum - piece.offset, by, not tcp))
        return plan

    def _elsewhere(self, rewriter: Rewriter) -> None:
        """Replace secrets that stand where nothing says that they are."""
        frames = rewriter.frames
        if not len(frames):
            return
        start, stop = int(frames.offset[0]), int(frames.offset[-1] + frames.length[-1])
        whole = set(rewriter.packets.frame[rewriter.packets.first_frame == rewriter.packets.frame].tolist())
        for at, number in list(self._needles.find(frames.buffer, start, stop)):
            i = int(np.searchsorted(frames.offset, at, "right")) - 1
            inner, needle = at - int(frames.offset[i]), self._needles.texts[number]
            if (inner + len(needle) <= int(frames.length[i]) and int(frames.number[i]) in whole
                    and frames.buffer[at:at + len(needle)] == needle):
                rewriter.put(i, inner, self._fillings[number])
                self.strays += 1
        self.words += sum(1 for _ in self._words.find(frames.buffer, start, stop))

    def copy(self, writer: PcapWriter | PcapngWriter) -> None:
        """Write all frames, changed."""
        for frames in self.windows():
            for i in range(len(frames)):
                writer.write(frames, i)
        writer.close()


def _merged(places: list[Place]) -> list[Replaced]:
    """Places that overlap as one, in the order of their frames."""
    by_way: dict[tuple[int, int], list[Place]] = {}
    for place in places:
        by_way.setdefault((place.flow, place.direction), []).append(place)
    found: list[Replaced] = []
    for (flow, direction), among in by_way.items():
        group: list[Place] = []
        for place in sorted(among, key=lambda place: (place.first, -place.length)):
            if group and place.first >= max(one.first + one.length for one in group):
                found.append(_group(flow, direction, group))
                group = []
            group.append(place)
        found.append(_group(flow, direction, group))
    return sorted(found, key=lambda one: (one.secrets[0].span.frame, one.place.flow, one.place.direction, one.place.first))


def _group(flow: int, direction: int, group: list[Place]) -> Replaced:
    first, stop = group[0].first, max(place.first + place.length for place in group)
    whole = Place(flow, direction, first, stop - first, group[0].secret)
    return Replaced(whole, [place.secret for place in group], bytearray(stop - first), bytearray(stop - first))
