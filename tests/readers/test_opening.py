"""What can be opened and what cannot, and that a cut file keeps what came before the cut."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import struct
import threading
from pathlib import Path

import pytest

from pcapkit.errors import CaptureError
from pcapkit.limits import Limits
from pcapkit.readers import open_capture

FRAMES = [bytes([i]) * (20 + i) for i in range(12)]


def pcap(order: str = "<", magic: int = 0xA1B2C3D4, frames: list[bytes] = FRAMES) -> bytes:
    extra = bytes(8) if magic == 0xA1B2CD34 else b""
    return struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, 1) + b"".join(
        struct.pack(order + "IIII", 1_600_000_000 + i, 123_456, len(f), len(f) + 5) + extra + f for i, f in enumerate(frames))


def block(order: str, kind: int, body: bytes, count_padding: bool = True) -> bytes:
    padded = body + bytes(-len(body) % 4)
    length = struct.pack(order + "I", len(padded if count_padding else body) + 12)
    return struct.pack(order + "I", kind) + length + padded + length


def pcapng(order: str = "<", resolution: int = 9, count_padding: bool = True) -> bytes:
    out = block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
    out += block(order, 1, struct.pack(order + "HHI", 1, 0, 0) + struct.pack(order + "HHB3x", 9, 1, resolution)
                 + bytes(4))
    out += block(order, 10, struct.pack(order + "II", 0x544C534B, 3) + b"key")
    out += block(order, 0x0BAD, b"a custom block")
    for i, frame in enumerate(FRAMES):
        ticks = (1_600_000_000 + i) * 10**resolution + 7
        out += block(order, 6, struct.pack(order + "IIIII", 0, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame) + 5)
                     + frame, count_padding)
    return out


def read(data: bytes, limits: Limits | None = None) -> tuple[list[bytes], list[int], object]:
    frames, times = [], []
    with open_capture(io.BytesIO(data), limits) as capture:
        for window in capture.windows():
            for at, length in zip(window.offset.tolist(), window.length.tolist(), strict=True):
                frames.append(window.buffer[at:at + length])
            times += window.time_ns.tolist()
            assert (window.original_length == window.length + 5).all()
    return frames, times, capture


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("magic", "unit"), [(0xA1B2C3D4, 1000), (0xA1B23C4D, 1), (0xA1B2CD34, 1000)])
def test_pcap_in_every_kind(order: str, magic: int, unit: int) -> None:
    frames, times, capture = read(pcap(order, magic))
    assert frames == FRAMES
    assert times == [(1_600_000_000 + i) * 10**9 + 123_456 * unit for i in range(12)]
    assert capture.packets == 12 and not capture.truncated


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("resolution", [6, 9, 3])
def test_pcapng(order: str, resolution: int) -> None:
    frames, times, capture = read(pcapng(order, resolution))
    assert frames == FRAMES
    assert times[0] == 1_600_000_000 * 10**9 + 7 * 10**(9 - resolution)
    assert capture.secrets == [(0x544C534B, b"key")]


def test_sections_of_both_byte_orders_in_one_file() -> None:
    assert read(pcapng("<") + pcapng(">"))[0] == FRAMES * 2


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lambda d: lzma.compress(d), lambda d: gzip.compress(d[:200])
                                  + gzip.compress(d[200:])])
def test_compressed(pack: object) -> None:
    assert read(pack(pcap()))[0] == FRAMES
    assert read(pack(pcapng()))[0] == FRAMES


@pytest.mark.parametrize("data", [pcap(), pcapng(), pcap(">")])
def test_small_windows_give_the_same_frames(data: bytes) -> None:
    assert read(data, Limits(window_bytes=256, annex_bytes=64))[0] == FRAMES
    assert read(data, Limits(window_packets=2))[0] == FRAMES


@pytest.mark.parametrize("data", [pcap(), pcapng()])
def test_cut_at_every_byte(data: bytes) -> None:
    for cut in range(12, len(data)):
        frames, _, capture = read(data[:cut])
        assert frames == FRAMES[:len(frames)]
        assert capture.truncated or len(frames) == 12 or capture.packets < 12


def test_a_cut_gzip_keeps_what_came_before() -> None:
    big = pcap(frames=[os.urandom(1400) for _ in range(200)])
    frames, _, capture = read(gzip.compress(big)[:-50_000])
    assert 50 < len(frames) < 200 and capture.truncated and capture.warnings


@pytest.mark.parametrize("limits", [Limits(), Limits(window_bytes=256, annex_bytes=64), Limits(window_packets=2)])
def test_padding_that_was_not_counted_in_a_block_is_passed_over(limits: Limits) -> None:
    frames, _, capture = read(pcapng(count_padding=False), limits)
    assert frames == FRAMES and not capture.warnings


def test_an_odd_length_that_the_end_of_the_block_does_not_repeat_ends_the_file() -> None:
    frames, _, capture = read(pcapng() + struct.pack("<II", 6, 61) + bytes(100))
    assert frames == FRAMES and capture.truncated and "claims 61 bytes" in capture.warnings[0]


def test_a_record_that_lies_ends_the_file_with_a_warning() -> None:
    frames, _, capture = read(pcap() + struct.pack("<IIII", 0, 0, 0xFFFFFFFF, 1) + bytes(100))
    assert frames == FRAMES and capture.truncated and "4294967295" in capture.warnings[0]


class Failing(io.RawIOBase):
    """A disk that fails behind the bytes it has."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readinto(self, buffer: memoryview) -> int:
        if not (got := self._data.readinto(buffer)):
            raise OSError(5, "Input/output error")
        return got


def test_a_failing_disk_keeps_what_came_before() -> None:
    with open_capture(Failing(pcap()[:-3])) as capture:
        assert sum(len(frames) for frames in capture.windows()) == 11
        assert capture.truncated and "the input cannot be read further: Input/output error" in capture.warnings
    with pytest.raises(CaptureError, match="cannot be read: Input/output error"):
        open_capture(Failing(b""))


def test_from_a_pipe(tmp_path: Path) -> None:
    out, into = os.pipe()
    threading.Thread(target=lambda: (os.write(into, pcap()), os.close(into))).start()
    with os.fdopen(out, "rb", buffering=0) as stream, open_capture(stream) as capture:
        assert sum(len(w) for w in capture.windows()) == 12


@pytest.mark.parametrize(("content", "said"), [
    (b"", "empty"), (b"hello there, this is text\n", "text"), (b"\x89PNG\r\n\x1a\n" + bytes(40), "PNG"),
    (b"\0\1\2\3\4\5\6\7" * 8, "00 01 02 03"), (gzip.compress(b"just text", mtime=0), "gzip")])
def test_what_is_no_capture_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(CaptureError, match=said):
        open_capture(path)


def test_folders_and_missing_files(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="folder"):
        open_capture(tmp_path)
    with pytest.raises(CaptureError, match="no such file"):
        open_capture(tmp_path / "nothing")


def test_a_capture_without_packets_is_fine() -> None:
    frames, _, capture = read(pcap(frames=[]))
    assert frames == [] and capture.packets == 0 and not capture.truncated
