"""Damaged and hostile files: what can be read is read, the rest is told in words, and nothing is believed at its word.

Every case is either an input that is no capture, and one CaptureError says so, or a capture of which frames are read,
and a warning says what is wrong with it and where.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import random
import re
import struct
import sys
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import pytest
from framing import block, enhanced, ethernet, interface, section, segment

from pcapkit.analysis import Options, analyse
from pcapkit.errors import CaptureError
from pcapkit.limits import MIB, Limits
from pcapkit.readers import CaptureFile, open_capture
from samples.pcap import Packet, pcap

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

FRAME = ethernet(segment(b"x" * 200))
NOISE = [random.Random(i).randbytes(400) for i in range(200)]
CLASSIC = pcap([Packet(i * 10**9, FRAME) for i in range(5)])
LONG = pcap([Packet(i * 10**9, noise) for i, noise in enumerate(NOISE)])
MODERN = section() + interface() + enhanced(FRAME) * 5
RECORD, HALF = len(FRAME) + 16, 24 + 100 * 416


def record(claimed: int, original: int, data: bytes = b"", seconds: int = 0, fraction: int = 0) -> bytes:
    """A record of the classic format."""
    return struct.pack("<IIII", seconds, fraction, claimed, original) + data


def option(code: int, value: bytes, claimed: int | None = None) -> bytes:
    """An option of a pcapng block."""
    return struct.pack("<HH", code, len(value) if claimed is None else claimed) + value + bytes(-len(value) % 4)


def member(data: bytes, flags: int = 0) -> bytes:
    """A gzip file without its check sum."""
    return b"\x1f\x8b\x08" + bytes([flags]) + bytes(6) + zlib.compressobj(wbits=-15).compress(data)


def greedy_xz() -> bytes:
    """An xz file that asks for a dictionary of three gigabytes (the .xz file format, 3.1 and 5.3.1)."""
    data = bytearray(lzma.compress(CLASSIC))
    head = data[12:12 + (data[12] + 1) * 4]
    head[head.index(b"\x21\x01") + 2] = 39
    data[12:12 + len(head)] = head[:-4] + struct.pack("<I", zlib.crc32(bytes(head[:-4])))
    return bytes(data)


NONE: dict[str, tuple[bytes, str]] = {
    "zero bytes": (b"", "empty, zero bytes"),
    "one byte": (b"\xd4", "begins with the bytes d4"),
    "text": (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "text .'GET / HTTP/1.1"),
    "a PNG image": (b"\x89PNG\r\n\x1a\n" + bytes(99), "a PNG image"),
    "a ZIP archive": (b"PK\x03\x04" + bytes(99), "a ZIP archive"),
    "zeros": (bytes(4096), "begins with the bytes 00 00 00 00"),
    "wrong magic": (b"\xd4\xc3\xb2\xa2" + CLASSIC[4:], "begins with the bytes d4 c3 b2 a2"),
    "pcapng without section header": (interface() + enhanced(FRAME), "begins with the bytes 01 00 00 00"),
    "a section header of no byte order": (section(magic=0x11111111) + interface(), "begins with the bytes 0a 0d 0d 0a"),
    "gzip of nothing": (gzip.compress(b""), "inside the gzip data: empty"),
    "gzip of gzip": (gzip.compress(gzip.compress(CLASSIC)), "inside the gzip data: .* 1f 8b"),
    "gzip of gzip of zeros": (gzip.compress(gzip.compress(bytes(30 * MIB))), "inside the gzip data: .* 1f 8b"),
    "gzip cut in its head": (gzip.compress(CLASSIC)[:6], "the gzip data is damaged"),
    "gzip that names a method nobody has": (b"\x1f\x8b\x09" + bytes(20), "the gzip data is damaged"),
    "bzip2 of noise": (b"BZh9" + NOISE[0], "the bzip2 data is damaged"),
    "xz of noise": (b"\xfd7zXZ\0" + NOISE[0], "the xz data is damaged"),
    "xz that asks for three gigabytes": (greedy_xz(), "the xz data is damaged: Memory usage limit"),
    "zstd of noise": (b"\x28\xb5\x2f\xfd" + NOISE[0], "the zstd data is damaged"),
}

SOME: dict[str, tuple[bytes, int, str | None]] = {
    # The classic format
    "a file header cut short": (CLASSIC[:20], 0, "file header is cut short"),
    "a snap length of zero": (CLASSIC[:16] + bytes(4) + CLASSIC[20:], 5, None),
    "a version of the future": (CLASSIC[:4] + b"\xff" * 4 + CLASSIC[8:], 5, None),
    "a cut in a record's head": (CLASSIC[:-len(FRAME) - 3], 4, f"cut short .byte {24 + 4 * RECORD}"),
    "a cut in a record": (CLASSIC[:-3], 4, f"cut short .byte {24 + 4 * RECORD}"),
    "a record of four gigabytes": (CLASSIC + record(0xFFFFFFFF, 0xFFFFFFFF, FRAME), 5, f"4294967295 .* .byte {24 + 5 * RECORD}"),
    "a record of a megabyte, there": (CLASSIC + record(MIB, MIB, bytes(MIB)), 5, "claims 1048576 bytes"),
    "a record longer than it was on the wire": (CLASSIC + record(len(FRAME), 3, FRAME), 6, None),
    "a record of four gigabytes on the wire": (CLASSIC + record(len(FRAME), 0xFFFFFFFF, FRAME), 6, None),
    "a record of nothing": (CLASSIC + record(0, 0) + record(0, 60), 7, None),
    "times before all and after all": (CLASSIC + record(60, 60, FRAME[:60], 0xFFFFFFFF, 0xFFFFFFFF)
                                       + record(60, 60, FRAME[:60]), 7, None),
    "a link type that nobody has": (CLASSIC[:20] + b"\xff\xff\0\0" + CLASSIC[24:], 5, None),
    "trailing garbage": (CLASSIC + b"\xff" * 50, 5, "4294967295"),
    "a trailing line of text": (CLASSIC + b"done.\n", 5, f"cut short .byte {24 + 5 * RECORD}"),
    # pcapng
    "a block cut short": (MODERN[:-5], 4, "last block is cut short .byte"),
    "a block of length 0": (MODERN + block(6, claimed=0) + enhanced(FRAME), 5, f"type 0x6 claims 0 bytes.*byte {len(MODERN)}"),
    "a block of length 13": (MODERN + block(6, claimed=13) + enhanced(FRAME), 5, "claims 13 bytes"),
    "a block of four gigabytes": (MODERN + block(6, claimed=0xFFFFFFFC), 5, "claims 4294967292 bytes"),
    "a block longer than the file": (MODERN + block(6, bytes(40), claimed=9 * MIB), 5, "9437184 bytes"),
    "a block of ten megabytes": (MODERN + block(0x0BAD, bytes(10 * MIB)) + enhanced(FRAME), 6, "does not fit a window"),
    "a packet block too short for a packet": (MODERN + block(6, bytes(8)) + enhanced(FRAME), 6, f"too short .byte {len(MODERN)}"),
    "a packet's trailing length that differs": (section() + interface() + enhanced(FRAME)[:-4] + b"\x10\0\0\0" + enhanced(FRAME),
                                                2, "1 packet blocks end with another length .* frame 1 "),
    "another block's trailing length that differs": (MODERN + block(5, bytes(12), ending=99) + enhanced(FRAME), 6,
                                                     f"type 0x5 ends with another length .* .byte {len(MODERN)}"),
    "a packet longer than its block": (section() + interface() + enhanced(FRAME) + enhanced(FRAME, claimed=0x7FFFFFFF), 2,
                                       "claim more bytes than they have .from frame 2"),
    "packets without interface": (section() + enhanced(FRAME) * 2, 2, "2 packets name an interface .* frame 1 "),
    "a simple packet without interface": (section() + block(3, struct.pack("<I", len(FRAME)) + FRAME), 1, "name an interface"),
    "packets of an interface far away": (section() + interface() + enhanced(FRAME, 0xFFFFFFFF), 1, "name an interface"),
    "an interface block without room": (section() + block(1, b"\1\0") + interface() + enhanced(FRAME), 1,
                                        "type 1 is shorter than .* .byte 28"),
    "an option longer than its block": (section() + interface(options=option(9, b"\x09", 5000)) + enhanced(FRAME), 1,
                                        "shorter than what it claims to hold .byte 28"),
    "a resolution of 2 to the -127": (section() + interface(options=option(9, b"\xff")) + enhanced(FRAME), 1, None),
    "a resolution of 10 to the -127": (section() + interface(options=option(9, b"\x7f")) + enhanced(FRAME), 1, None),
    "a clock that is far behind": (section() + interface(options=option(14, struct.pack("<q", -2**63))) + enhanced(FRAME), 1,
                                   None),
    "a clock that is far ahead": (section() + interface(options=option(14, struct.pack("<q", 2**63 - 1))) + enhanced(
        FRAME, ticks=2**64 - 1), 1, None),
    "a section of another byte order": (MODERN + section(">") + interface(order=">") + enhanced(FRAME, order=">"), 6, None),
    "a section of no byte order": (MODERN + section(magic=0x22222222) + enhanced(FRAME), 5, f"0xa0d0d0a .* .byte {len(MODERN)}"),
    "a big-endian section of no byte order": (MODERN + section(">", magic=0x22222222) + enhanced(FRAME, order=">"), 5,
                                              f"without byte-order magic.* .byte {len(MODERN)}"),
    "a section of another version": (MODERN + section(version=(9, 7)) + enhanced(FRAME), 5, "pcapng version 9.7"),
    "blocks that are no packets": (MODERN + block(5, bytes(12)) + block(0x0BAD, b"\1\2\3\4 custom") + block(0x40000BAD)
                                   + block(0xFFFFFFFF, b"local") + block(4) + enhanced(FRAME), 6, None),
    "names longer than their block": (MODERN + block(4, option(1, b"\1\2\3\4name\0", 4000)) + enhanced(FRAME), 6,
                                      "type 4 is shorter than"),
    "names without an address": (MODERN + block(4, option(1, b"\1") + option(2, b"") + bytes(4)) + enhanced(FRAME), 6, None),
    "secrets longer than their block": (MODERN + block(10, struct.pack("<II", 0x544C534B, 0xFFFFFFFF) + b"key") + enhanced(FRAME),
                                        6, "type 10 is shorter than"),
    "a secrets block without secrets": (MODERN + block(10, b"\1") + enhanced(FRAME), 6, "type 10 is shorter than"),
    "pcapng and trailing garbage": (MODERN + b"\xff" * 50, 5, "claims 4294967295 bytes"),
    # Compressed
    "gzip in members": (gzip.compress(CLASSIC[:99]) + gzip.compress(b"") + gzip.compress(CLASSIC[99:]), 5, None),
    "gzip padded with zeros": (gzip.compress(CLASSIC) + bytes(512), 5, None),
    "gzip and trailing garbage": (gzip.compress(CLASSIC) + b"garbage", 5, "gzip data is damaged.* .byte"),
    "gzip without its check sum": (gzip.compress(CLASSIC)[:-8], 5, "gzip data is damaged"),
    "gzip with a wrong check sum": (gzip.compress(CLASSIC)[:-8] + bytes(8), 5, "gzip data is damaged.* .byte"),
    "gzip cut": (gzip.compress(LONG)[:-30_000], 100, "gzip data is damaged.* .byte"),
    "bzip2 cut": (bz2.compress(LONG[:HALF]) + bz2.compress(LONG[HALF:])[:-300], 100, "bzip2 data is damaged"),
    "xz cut": (lzma.compress(LONG)[:-30_000], 100, "xz data is damaged"),
    "xz in streams": (lzma.compress(CLASSIC[:99]) + bytes(8) + lzma.compress(CLASSIC[99:]), 5, None),
    "xz and trailing garbage": (lzma.compress(CLASSIC) + b"garbage and more of it", 5, "xz data is damaged"),
    "zstd cut": (zstd.compress(LONG[:HALF]) + zstd.compress(LONG[HALF:])[:-300], 100, "zstd data is damaged"),
    "zstd in frames": (zstd.compress(CLASSIC[:99]) + zstd.compress(CLASSIC[99:]), 5, None),
    "bzip2 in streams": (bz2.compress(CLASSIC[:99]) + bz2.compress(CLASSIC[99:]), 5, None),
    "gzip of many zeros": (gzip.compress(CLASSIC + record(0, 0) * 500_000), 500_005, None),
}


def read(data: bytes, limits: Limits | None = None) -> tuple[list[bytes], CaptureFile]:
    """The first frames and the capture, read to its end."""
    frames: list[bytes] = []
    with open_capture(io.BytesIO(data), limits or Limits(window_bytes=8 * MIB)) as capture:
        for window in capture.windows():
            assert (window.offset + window.length <= len(window.buffer)).all() and (window.length >= 0).all()
            assert int(window.number[0]) == capture.packets - len(window) + 1
            frames += [window.buffer[at:at + length] for at, length in
                       zip(window.offset[:5].tolist(), window.length[:5].tolist(), strict=True)]
    return frames, capture


@pytest.mark.parametrize("name", NONE)
def test_what_is_no_capture_is_one_clear_error(name: str) -> None:
    data, said = NONE[name]
    with pytest.raises(CaptureError, match=said) as error:
        read(data)
    assert "\n" not in str(error.value) and len(str(error.value)) < 200


@pytest.mark.parametrize("name", SOME)
def test_what_can_be_read_is_read_and_the_rest_is_told(name: str) -> None:
    data, count, said = SOME[name]
    frames, capture = read(data)
    if "cut" in name and count == 100:  # how much a decompressor gives out before a cut is its own business
        assert 50 < capture.packets < 200 and frames == NOISE[:5]
    else:
        assert capture.packets == count
        assert all(frame[:len(FRAME)] in (FRAME, FRAME[:60], b"") for frame in frames)
    warnings = "\n".join(capture.warnings)
    if said is None:
        assert not warnings and not capture.truncated
    else:
        assert re.search(said, warnings), warnings


@pytest.mark.parametrize("name", [*NONE, *SOME])
def test_no_more_than_a_few_megabytes_are_taken_for_any(name: str) -> None:
    data = (NONE.get(name) or SOME[name])[0]
    tracemalloc.start()
    try:
        read(data)
    except CaptureError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < {"gzip of many zeros": 24}.get(name, 10 if name.startswith("xz") else 2) * MIB


@pytest.mark.parametrize("name", SOME)
def test_the_whole_way_is_gone_without_an_exception(name: str) -> None:
    options = Options(limits=Limits(window_packets=3000, window_bytes=8 * MIB))
    [row] = [row for chunk in analyse([io.BytesIO(SOME[name][0])], options)
             if chunk.table.name == "captures" for row in chunk.rows()]
    assert SOME[name][2] is None or "byte" in str(row) or "frame" in str(row)


class Failing(io.RawIOBase):
    """A disk that gives out."""

    def __init__(self, data: bytes) -> None:
        self.data: Any = io.BytesIO(data)

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer`, or fail at the end."""
        got = self.data.readinto(buffer)
        if not got:
            raise OSError(5, "Input/output error")
        return int(got)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_disk_that_gives_out_keeps_what_came_before(pack: Any) -> None:
    with open_capture(Failing(pack(CLASSIC[:-7]))) as capture:  # type: ignore[arg-type]
        assert sum(len(window) for window in capture.windows()) == 4
    assert capture.truncated and "the input cannot be read further: Input/output error" in capture.warnings


def test_a_disk_that_gives_nothing_is_one_clear_error() -> None:
    with pytest.raises(CaptureError, match="cannot be read: Input/output error"):
        open_capture(Failing(b""))  # type: ignore[arg-type]


def test_a_folder_a_missing_file_and_a_strange_name_are_clear_errors(tmp_path: Path) -> None:
    for path, said in ((tmp_path, "folder"), (tmp_path / "none", "no such file"), ("a\0b", "cannot be opened"),
                       ("x" * 5000, "cannot be opened")):
        with pytest.raises(CaptureError, match=said):
            open_capture(path)


def test_a_bomb_is_read_only_as_far_as_the_limit() -> None:
    limits = Limits(file_unpacked=MIB)
    _, capture = read(gzip.compress(CLASSIC + record(0, 0) * 500_000), limits)
    assert 60_000 < capture.packets <= MIB // 16 and capture.truncated
    assert "more than 1048576 bytes unpacked" in capture.warnings[-1] and limits.hits["file_unpacked"] == 1


def test_warnings_without_end_are_counted() -> None:
    limits = Limits()
    _, capture = read(section() + interface() + block(6, bytes(8)) * 5_000 + enhanced(FRAME), limits)
    assert capture.packets == 1 and len(capture.warnings) == 100 and limits.hits["file_warnings"] == 4_900


def test_interfaces_and_names_without_end_are_bounded() -> None:
    limits = Limits(file_interfaces=10, file_names=10)
    names = block(4, b"".join(option(1, os.urandom(4) + b"a\0") for _ in range(100)) + bytes(4))
    _, capture = read(section() + interface() * 100 + names + enhanced(FRAME, 99), limits)
    assert capture.packets == 1 and limits.hits["file_interfaces"] == 90 and len(capture.names) == 10


def test_the_same_frames_come_through_the_smallest_windows() -> None:
    for name, (data, count, _) in SOME.items():
        if count < 100 and len(data) < MIB:
            _, capture = read(data, Limits(window_bytes=2_000, annex_bytes=64))
            assert capture.packets == count, name


@pytest.mark.parametrize("whole", [CLASSIC, MODERN + block(4, option(1, b"\1\2\3\4name\0")) + section(">")
                                   + interface(order=">")], ids=["pcap", "pcapng"])
def test_any_byte_may_be_any_other(whole: bytes) -> None:
    dice = random.Random(13)
    for _ in range(1_500):
        data = bytearray(whole)
        for _ in range(dice.randint(1, 3)):
            at = dice.choice((dice.randrange(len(data)), dice.randrange(100)))
            data[at] = dice.choice((0, 1, 12, 0x7F, 255, dice.randrange(256)))
        try:
            frames, capture = read(bytes(data), Limits(window_bytes=4_096, annex_bytes=64))
        except CaptureError:
            continue
        assert capture.packets == 5 or capture.warnings or capture.truncated or len(frames) < 30
