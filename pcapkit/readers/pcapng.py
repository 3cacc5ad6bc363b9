"""The pcapng format: sections in either byte order, interfaces with their own clocks, packets, names and secrets.

Source: draft-ietf-opsawg-pcapng. Blocks that are not known are passed over by their length.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pcapkit.limits import Limits
from pcapkit.readers.frames import Frames
from pcapkit.readers.heads import Ints
from pcapkit.readers.window import Warn, Window, nanoseconds

SECTION, INTERFACE, OLD_PACKET, SIMPLE_PACKET, NAMES, STATISTICS, PACKET, SECRETS = (
    0x0A0D0D0A, 1, 2, 3, 4, 5, 6, 10)
_HEADER = {PACKET: 28, OLD_PACKET: 28, SIMPLE_PACKET: 12}
"""Bytes of a packet block before the packet's own."""


@dataclass(slots=True)
class Interface:
    """An interface: link type, snap length (0: none), resolution byte and offset in seconds of its clock."""

    link_type: int
    snap_length: int
    resolution: int = 6
    offset: int = 0


class Pcapng:
    """Reads the blocks of a file whose first section header lies at the window's front."""

    def __init__(self, window: Window, limits: Limits, warn: Warn) -> None:
        self.window, self.limits, self.warn = window, limits, warn
        self.order = "<" if window.buffer[8:12] == b"\x4d\x3c\x2b\x1a" else ">"
        self.truncated = False
        self.sections = 0
        self.interfaces: list[Interface] = []
        self.secrets: list[tuple[int, bytes]] = []
        self.names: dict[str, list[str]] = {}
        self._base = 0
        self._time = 0
        self._secret_bytes = self._names = 0

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a file that begins so is of this format."""
        return head[:4] == b"\x0a\x0d\x0d\x0a" and head[8:12] in (b"\x4d\x3c\x2b\x1a", b"\x1a\x2b\x3c\x4d")

    def _foreign(self, body: bytes) -> bool:
        """Whether a section is of a version that this is not the reader of; then its blocks cannot be trusted."""
        magic, major, minor = struct.unpack_from(self.order + "IHH", body) if len(body) >= 8 else (0, 0, 0)
        if magic != 0x1A2B3C4D:
            self._cut("a section header without byte-order magic; what follows is not read")
            return True
        if (major, minor) not in ((1, 0), (1, 2)):
            self._cut(f"a section of pcapng version {major}.{minor}; what follows is not read")
            return True
        return False

    @property
    def format(self) -> str:
        """In words."""
        sections = f", {self.sections} sections" if self.sections > 1 else ""
        return f"pcapng, {'little' if self.order == '<' else 'big'}-endian{sections}"

    @property
    def link_type(self) -> int:
        """Of the first interface."""
        return self.interfaces[0].link_type if self.interfaces else 0

    def windows(self) -> Iterator[Frames]:
        """The frames, window by window."""
        number, going = 1, True
        while going:
            came = self.window.fill()
            at, kinds, going = self._walk()
            if at:
                yield self._frames(np.array(at, np.int64), np.array(kinds, np.int64), number)
                number += len(at)
            elif not came and going and not self._skipped:
                if self.window.at < self.window.end:
                    self._cut("the last block is cut short")
                return

    _skipped = False

    def _walk(self) -> tuple[list[int], list[int], bool]:
        """Where the packet blocks of the window begin and their kinds, and whether the file can be read on.

        Other blocks are read on the way. A section that changes the byte order, or the interfaces, begins a new window.
        """
        window, buffer = self.window, self.window.buffer
        head = struct.Struct(self.order + "II").unpack_from
        at, end, most = window.at, window.end, self.limits.window_packets
        offsets: list[int] = []
        kinds: list[int] = []
        self._skipped = False
        while at + 12 <= end and len(offsets) < most:
            kind, length = head(buffer, at)
            if kind == SECTION:
                if offsets:
                    break
                order = "<" if buffer[at + 8:at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
                if order != self.order:
                    self.order = order
                    head = struct.Struct(order + "II").unpack_from
                    kind, length = head(buffer, at)
            if length < 12 or length & 3 or length > self.limits.block_bytes or at + length > end:
                padded = length + 3 & ~3
                # Some writers do not count the padding; the length at the end of the block shows that it is meant so.
                if not (length >= 12 and length & 3 and at + padded <= end and head(buffer, at + padded - 8)[1] == length):
                    if offsets or (length >= 12 and padded <= min(self.limits.block_bytes, window.size) and at + padded > end):
                        break  # what lies before it is to be handed out before the buffer moves
                    window.at = at
                    return offsets, kinds, self._pass_over(kind, length)
                length = padded
            if kind in (PACKET, OLD_PACKET, SIMPLE_PACKET):
                if length >= _HEADER[kind] + 4:
                    offsets.append(at)
                    kinds.append(kind)
                else:
                    self.warn(f"a packet block of {length} bytes is too short (byte {window.offset + at})")
            else:
                if buffer[at + length - 4:at + length] != buffer[at + 4:at + 8]:
                    self.warn(f"a block of type {kind:#x} ends with another length than it begins with "
                              f"(byte {window.offset + at})")
                body = buffer[at + 8:at + length - 4]
                if kind == SECTION and self._foreign(body):
                    window.at = at
                    return offsets, kinds, False
                self._block(kind, body, window.offset + at)
            at += length
        self._skipped = at > window.at
        window.at = at
        return offsets, kinds, True

    def _pass_over(self, kind: int, length: int) -> bool:
        """A block that lies about its length ends the file; one that is only too long for a window is passed over."""
        if length >= 12 and not length & 3 and length <= self.limits.block_bytes:
            self.warn(f"a block of type {kind:#x} with {length} bytes does not fit a window: passed over "
                      f"(byte {self.window.offset + self.window.at})")
            while length > 0:
                got = len(self.window.take(min(length, 1 << 16)))
                length -= got
                if not got:
                    self._cut("the last block is cut short")
                    return False
            self._skipped = True
            return True
        if length > self.limits.block_bytes:
            self.limits.hit("block_bytes")
        self._cut(f"a block of type {kind:#x} claims {length} bytes; what follows is not read")
        return False

    def _frames(self, at: Ints, kinds: Ints, number: int) -> Frames:
        words = self.window.gather(at, 28, self.order + "u4").astype(np.int64)
        simple, old = kinds == SIMPLE_PACKET, kinds == OLD_PACKET
        number_in_section = words[:, 2].copy()
        if old.any():
            short = words[old, 2]
            number_in_section[old] = short >> 16 if self.order == ">" else short & 0xFFFF
        number_in_section[simple] = 0
        total = words[:, 1] + 3 & ~3
        ends = self.window.gather(at + total - 4, 4, self.order + "u4").astype(np.int64)[:, 0]
        self._damaged("packet blocks end with another length than they begin with", ends != words[:, 1], number)
        interface = self._base + number_in_section
        known = len(self.interfaces)
        lost = interface >= known
        if lost.any():
            self._damaged("packets name an interface that the file does not describe", lost, number)
            self.interfaces += [Interface(0, 0)] if not known else []
            interface[lost] = 0
        room = total - np.where(simple, 16, 32)
        length = np.where(simple, words[:, 2], words[:, 5])
        snap = np.array([i.snap_length for i in self.interfaces], np.int64)[interface]
        length = np.where(simple & (snap > 0), np.minimum(length, snap), length)
        longer = length > room
        self._damaged("packet blocks claim more bytes than they have", longer & ~simple, number)
        times = self._times((words[:, 3] << 32 | words[:, 4]).astype(np.uint64), interface)
        if simple.any():
            for i in np.flatnonzero(simple).tolist():
                times[i] = times[i - 1] if i else self._time
        self._time = int(times[-1])
        return Frames(self.window.buffer, self.window.size, np.arange(number, number + len(at)), times,
                      at + np.where(simple, 12, 28), np.minimum(length, room), np.where(simple, words[:, 2], words[:, 6]),
                      np.array([i.link_type for i in self.interfaces], np.int64)[interface], interface)

    def _damaged(self, what: str, rows: np.ndarray[tuple[int], np.dtype[np.bool_]], number: int) -> None:
        """Warn of the packets where `rows` is true; `number` is that of the window's first frame."""
        if rows.any():
            self.warn(f"{int(rows.sum())} {what} (from frame {number + int(rows.argmax())} on)")

    def _times(self, ticks: np.ndarray[tuple[int], np.dtype[np.uint64]], interface: Ints) -> Ints:
        times = np.zeros(len(ticks), np.int64)
        for i in np.unique(interface).tolist():
            mine = interface == i
            times[mine] = nanoseconds(ticks[mine], self.interfaces[i].resolution, self.interfaces[i].offset)
        return times

    def _block(self, kind: int, body: bytes, offset: int) -> None:
        """Read a block that is no packet. What could be read of a damaged one is kept."""
        try:
            if kind == SECTION:
                self.sections += 1
                self._base = len(self.interfaces)
            elif kind == INTERFACE:
                self._interface(body)
            elif kind == NAMES:
                self._resolve(body)
            elif kind == SECRETS:
                self._secret(body)
        except struct.error:
            self.warn(f"a block of type {kind} is shorter than what it claims to hold (byte {offset})")

    def _interface(self, body: bytes) -> None:
        link_type, _, snap_length = struct.unpack_from(self.order + "HHI", body)
        interface = Interface(link_type, snap_length)
        if len(self.interfaces) >= self.limits.file_interfaces:
            self.limits.hit("file_interfaces")
            return
        self.interfaces.append(interface)
        for code, value in self._options(body[8:]):
            if code == 9 and value:
                interface.resolution = value[0]
            elif code == 14 and len(value) == 8:
                interface.offset = struct.unpack(self.order + "q", value)[0]

    def _options(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        at = 0
        while at + 4 <= len(data):
            code, length = struct.unpack_from(self.order + "HH", data, at)
            if code == 0:
                return
            if at + 4 + length > len(data):
                raise struct.error("an option is longer than its block")
            yield code, data[at + 4:at + 4 + length]
            at += 4 + (length + 3 & ~3)

    def _resolve(self, body: bytes) -> None:
        """Name resolution records: an address and names for it."""
        for kind, value in self._options(body):
            size = {1: 4, 2: 16}.get(kind)
            if size and len(value) > size:
                if self._names >= self.limits.file_names:
                    self.limits.hit("file_names")
                    return
                names = [n.decode("utf-8", "replace") for n in value[size:].split(b"\0") if n]
                self.names.setdefault(str(ipaddress.ip_address(value[:size])), []).extend(names)
                self._names += len(names)

    def _secret(self, body: bytes) -> None:
        kind, length = struct.unpack_from(self.order + "II", body)
        data = body[8:8 + length]
        if self._secret_bytes + len(data) > self.limits.file_secrets:
            self.limits.hit("file_secrets")
            return
        self._secret_bytes += len(data)
        self.secrets.append((kind, data))
        if len(data) < length:
            raise struct.error("secrets are longer than their block")

    def _cut(self, what: str) -> None:
        self.truncated = True
        self.warn(f"{what} (byte {self.window.offset + self.window.at})")
