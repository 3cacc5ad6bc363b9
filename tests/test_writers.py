"""What is written is read back equal, by us and by tshark, and what cannot be written is one clear error."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from framing import COMMON, enhanced, ethernet, interface, section, segment, window

from pcapkit.errors import OutputError
from pcapkit.readers import CaptureFile, open_capture
from pcapkit.writers import PcapWriter

SAMPLES = Path(__file__).parents[1] / "samples"
ONE_LINK = sorted(path for path in SAMPLES.rglob("*.pcap*") if path.name != "two-interfaces.pcapng")
COLUMNS = ("time_ns", "length", "original_length", "link_type")


def contents(path: Path) -> tuple[list[object], CaptureFile]:
    """Every frame with its facts, and the capture."""
    found: list[object] = []
    with open_capture(path) as capture:
        for frames in capture.windows():
            rows = zip(*(getattr(frames, name).tolist() for name in ("offset", *COLUMNS)), strict=True)
            found += [(frames.buffer[at:at + length], time, original, link) for at, time, length, original, link in rows]
    return found, capture


def copy(source: Path, target: Path) -> None:
    """Write every frame of a capture anew."""
    writer = PcapWriter(str(target))
    with open_capture(source) as capture:
        for frames in capture.windows():
            for i in range(len(frames)):
                writer.write(frames, i)
    writer.close()


@pytest.mark.parametrize("path", ONE_LINK, ids=lambda path: path.name)
def test_what_is_written_is_read_back_equal(path: Path, tmp_path: Path) -> None:
    copy(path, tmp_path / "copy.pcap")
    written, capture = contents(tmp_path / "copy.pcap")
    assert written and written == contents(path)[0]
    assert capture.format == "pcap, little-endian, nanoseconds" and not capture.warnings


@pytest.mark.oracle
@pytest.mark.parametrize("name", ["formats/two-sections.pcapng", "formats/nanosecond-big-endian.pcap", "formats/snapped.pcap",
                                  "formats/linux-sll2.pcap", "lecture/starttls.pcap"])
def test_tshark_reads_what_is_written(name: str, tmp_path: Path) -> None:
    def seen(path: Path) -> list[str]:
        fields = ("frame.time_epoch", "frame.cap_len", "frame.len", "frame.protocols", "tcp.stream", "tcp.seq_raw", "tcp.payload")
        words = [word for field in fields for word in ("-e", field)]
        return subprocess.run(["tshark", "-n", "-r", str(path), "-T", "fields", *words], capture_output=True,
                              check=True).stdout.decode().splitlines()
    copy(SAMPLES / name, tmp_path / "copy.pcap")
    assert seen(tmp_path / "copy.pcap") == seen(SAMPLES / name) != []


@pytest.mark.parametrize("name", COMMON)
def test_the_link_type_stays(name: str, tmp_path: Path) -> None:
    link, framed = COMMON[name]
    writer = PcapWriter(str(tmp_path / "x"))
    writer.write(window([framed(segment())], link), 0)
    writer.close()
    assert contents(tmp_path / "x")[0] == [(framed(segment()), 0, len(framed(segment())), link)]


def test_chosen_frames_keep_their_order_and_their_nanoseconds(tmp_path: Path) -> None:
    times = [1_600_000_000_123_456_789, 2**32 * 10**9 - 1, 0]
    frames = window([bytes([i]) * 20 for i in range(3)], 1, [20, 99, 20], times=times)
    writer = PcapWriter(str(tmp_path / "x"))
    for i in np.array([2, 0, 1]):
        writer.write(frames, int(i))
    writer.close()
    assert contents(tmp_path / "x")[0] == [(bytes([i]) * 20, times[i], original, 1)
                                           for i, original in ((2, 20), (0, 20), (1, 99))]


def test_a_frame_that_readers_would_take_for_damage_is_cut(tmp_path: Path) -> None:
    writer = PcapWriter(str(tmp_path / "x"))
    writer.write(window([bytes(300_000)], 1), 0)
    writer.close()
    assert contents(tmp_path / "x")[0] == [(bytes(262_144), 0, 300_000, 1)]


def test_a_capture_of_nothing_is_a_capture(tmp_path: Path) -> None:
    PcapWriter(str(tmp_path / "x")).close()
    found, capture = contents(tmp_path / "x")
    assert found == [] and capture.link_types == ["Ethernet"] and not capture.truncated


def test_frames_of_two_links_do_not_fit_one_file(tmp_path: Path) -> None:
    source = tmp_path / "two.pcapng"
    source.write_bytes(section() + interface(1) + interface(101) + enhanced(ethernet(segment())) + enhanced(segment(), 1))
    with pytest.raises(OutputError, match="link types 1 and 101 do not fit one pcap file"):
        copy(source, tmp_path / "copy.pcap")


@pytest.mark.parametrize("path", ["", ".", "none/x.pcap", "zero\0byte", "x" * 5000])
def test_a_path_that_cannot_be_written_is_one_clear_error(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError, match="cannot be written") as error:
        PcapWriter(path)
    assert "\n" not in str(error.value)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_told_at_the_latest_when_the_file_is_finished() -> None:
    with pytest.raises(OutputError, match="No space left"):
        copy(SAMPLES / "formats" / "ethernet.pcap", Path("/dev/full"))
    writer = PcapWriter("/dev/full")
    with pytest.raises(OutputError, match="No space left"):
        writer.close()
