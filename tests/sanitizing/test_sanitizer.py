"""Captures are copied without their secrets, and with all else: findings, lengths, times, checksums."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from said import CLIENT_ADDRESS, SERVER_ADDRESS, START, capture, talk

from pcapkit.analysis import Options, analyse
from pcapkit.readers import open_capture
from pcapkit.sanitizing import Sanitizer
from pcapkit.sanitizing.disguises import DESTROYED, PUBLIC, forms
from pcapkit.sanitizing.fillers import Fillers
from pcapkit.writers import PcapngWriter, PcapWriter
from samples import wire
from samples.pcap import Packet

SAMPLES = Path(__file__).parents[2] / "samples"
PATHS = sorted(path for folder in ("logins", "http", "lecture") for path in (SAMPLES / folder).glob("*.pcap"))
UNREADABLE = {"websocket-deflate.pcap"}
"""Where secrets are compressed, so that findings are lost with them."""
SECRET = "correct-horse-battery"


def sanitized(path: Path, target: Path, seed: str = "") -> Sanitizer:
    sanitizer = Sanitizer(str(path), Options(), Fillers(seed))
    several = len(sanitizer.found.capture.link_numbers) > 1
    sanitizer.copy(PcapngWriter(str(target)) if several else PcapWriter(str(target)))
    return sanitizer


def facts(path: Path) -> tuple[list[Any], list[Any], list[Any], list[str]]:
    """Findings, logins without their secrets, anomalies, and the secrets of logins."""
    findings, logins, anomalies, secrets = [], [], [], []
    for chunk in analyse([str(path)], Options(show_secrets=True)):
        if chunk.table.name == "findings":
            findings += list(zip(*chunk.select("rule", "frame", "severity", "title", "message"), strict=True))
        elif chunk.table.name == "credentials":
            names = "frame", "protocol", "mechanism", "username", "outcome", "hashcat_mode"
            logins += list(zip(*chunk.select(*names), strict=True))
            secrets += chunk.select("secret")[0]
        elif chunk.table.name == "anomalies":
            anomalies += list(zip(*chunk.select("rule", "frame", "count"), strict=True))
    return [tuple(str(v).replace(str(path), "") for v in row) for row in findings], logins, anomalies, list(secrets)


def shape(path: Path) -> list[tuple[int, int, int, bytes]]:
    """Times, lengths and headers of all frames."""
    found = []
    with open_capture(path) as opened:
        for frames in opened.windows():
            for i in range(len(frames)):
                at = int(frames.offset[i])
                found.append((int(frames.time_ns[i]), int(frames.length[i]), int(frames.original_length[i]),
                              frames.buffer[at:at + 34]))
    return found


@pytest.mark.slow
def test_no_secret_is_left_and_all_else_is(tmp_path: Path) -> None:
    target, count = tmp_path / "copy.pcap", 0
    for path in PATHS:
        sanitizer = sanitized(path, target)
        data, known = target.read_bytes(), facts(path)
        shown = {secret.text for one in sanitizer.replaced if one.how != PUBLIC for secret in one.secrets} | set(known[3])
        for secret in shown:
            for form in forms(secret) if len(set(secret)) > 3 else ():
                assert form not in data, (path, secret, form)
                count += 1
        if path.name not in UNREADABLE:
            assert facts(target)[:3] == known[:3], path
            assert not any(one.how == DESTROYED for one in sanitizer.replaced), path
        assert shape(target) == shape(path) and not sanitizer.unreachable
    assert count > 900


def test_the_same_input_and_seed_give_the_same_bytes(tmp_path: Path) -> None:
    path = SAMPLES / "logins" / "imap-login.pcap"
    one, two, three = (tmp_path / name for name in "abc")
    for target, seed in ((one, ""), (two, ""), (three, "other")):
        sanitized(path, target, seed)
    assert one.read_bytes() == two.read_bytes() != three.read_bytes()


def test_what_is_compressed_is_overwritten_and_said_to_be(tmp_path: Path) -> None:
    sanitizer = sanitized(SAMPLES / "http" / "websocket-deflate.pcap", tmp_path / "copy.pcap")
    assert [one.how for one in sanitizer.replaced] == [DESTROYED] * 2


def login(*parts: bytes) -> list[Packet]:
    """A login at an FTP server whose password comes in these segments."""
    return talk([(1, b"220 ready\r\n"), (0, b"USER jan\r\n"), (1, b"331 go on\r\n"), *((0, part) for part in parts),
                 (1, b"230 in\r\n")], port=21)


def segment(packets: Sequence[Packet], payload: bytes, part: bytes, at: int) -> Packet:
    """`part` of the stream of a packet with `payload` once more, from `at` of its payload on."""
    data = next(p.data for p in packets if p.data.endswith(payload))
    size = (data[46] >> 4) * 4
    ports, sequence = data[34:38], int.from_bytes(data[38:42], "big")
    inner = wire.tcp((CLIENT_ADDRESS, int.from_bytes(ports[:2], "big")), (SERVER_ADDRESS, int.from_bytes(ports[2:], "big")),
                     sequence + at, int.from_bytes(data[42:46], "big"), 24, 500, data[54:34 + size], part)
    return Packet(packets[-1].time_ns + 1, wire.ethernet(data[6:12], data[:6], wire.ip(CLIENT_ADDRESS, SERVER_ADDRESS, 6, inner)))


def test_a_secret_in_several_segments_and_sent_again_with_other_cuts(tmp_path: Path) -> None:
    first, second = b"PASS correct-", b"horse-battery\r\n"
    packets = login(first, second)
    again = [segment(packets, first, first[5:], 5), segment(packets, first, (first + second)[9:20], 9)]
    path = capture(tmp_path, packets, again)
    sanitizer = sanitized(path, tmp_path / "copy.pcap")
    one, = sanitizer.replaced
    assert len(one.frames) == 4 and one.how != DESTROYED
    data = (tmp_path / "copy.pcap").read_bytes()
    assert not any(part in data for part in (b"correct", b"horse", b"ect-horse", b"battery"))
    assert facts(tmp_path / "copy.pcap")[:3] == facts(path)[:3], "what was sent again is still equal"


def fragmented(packet: bytes, size: int) -> Iterable[bytes]:
    """An IPv4 packet in fragments of `size` bytes."""
    payload = packet[20:]
    for at in range(0, len(payload), size):
        more = 0x2000 if at + size < len(payload) else 0
        yield wire.ip(CLIENT_ADDRESS, SERVER_ADDRESS, packet[9], payload[at:at + size], 64, 77, more | at // 8)


def snmp(community: bytes) -> bytes:
    """A request of SNMP with a community (RFC 3584)."""
    pdu = bytes.fromhex("a019020101020100020100300e300c06082b060102010101000500")
    body = b"\2\1\1\4" + bytes((len(community),)) + community + pdu
    return b"\x30" + bytes((len(body),)) + body


@pytest.mark.parametrize("size", [16, 24, 32])
def test_a_secret_in_fragments(size: int, tmp_path: Path) -> None:
    whole = wire.ip(CLIENT_ADDRESS, SERVER_ADDRESS, 17, wire.udp((CLIENT_ADDRESS, 5000), (SERVER_ADDRESS, 161),
                                                                 snmp(SECRET.encode())), identification=77, fragment=0)
    ends = wire.mac(CLIENT_ADDRESS), wire.mac(SERVER_ADDRESS)
    packets = [Packet(START + i, wire.ethernet(*ends, part)) for i, part in enumerate(fragmented(whole, size))]
    path = capture(tmp_path, packets)
    assert facts(path)[3] == [SECRET]
    sanitizer = sanitized(path, tmp_path / "copy.pcap")
    assert not sanitizer.unreachable and facts(tmp_path / "copy.pcap")[:3] == facts(path)[:3]
    payload = b""
    with open_capture(tmp_path / "copy.pcap") as opened:
        for frames in opened.windows():
            payload = b"".join(frames.buffer[int(at) + 34:int(at) + int(n)] for at, n in zip(
                frames.offset, frames.length, strict=True))
    filler = facts(tmp_path / "copy.pcap")[3][0]
    assert payload == wire.udp((CLIENT_ADDRESS, 5000), (SERVER_ADDRESS, 161), snmp(filler.encode())), "with its checksum"
    assert SECRET[:8].encode() not in payload and len(filler) == len(SECRET)


def test_a_secret_that_stands_where_nothing_says_so_is_found_and_a_word_is_left_and_counted(tmp_path: Path) -> None:
    note = talk([(0, b"GET /help HTTP/1.1\r\nHost: h\r\n\r\n"), (1, b"HTTP/1.1 200 OK\r\nContent-Length: 57\r\n\r\n"
                 b"his password is correct-horse-9, and mine is battery, too")], port=80, at=9)
    first = login(b"PASS correct-horse-9\r\n")
    second = talk([(1, b"220 ready\r\n"), (0, b"USER ann\r\n"), (1, b"331 go on\r\n"), (0, b"PASS battery\r\n"),
                   (1, b"230 in\r\n")], port=21, at=5)
    sanitizer = sanitized(capture(tmp_path, first, second, note), tmp_path / "copy.pcap")
    data = (tmp_path / "copy.pcap").read_bytes()
    assert b"correct-horse" not in data and sanitizer.strays == 1
    assert data.count(b"battery") == 1 and sanitizer.words == 1, "it is a word like any other"


def checksums(path: Path) -> list[str]:
    """What tshark thinks of each frame's checksums: 0 is wrong, 1 right, 2 not looked at, 3 not there."""
    words = [word for layer in ("ip", "tcp", "udp") for word in ("-o", f"{layer}.check_checksum:TRUE", "-e",
                                                                f"{layer}.checksum.status")]
    return subprocess.run(["tshark", "-n", "-r", str(path), "-T", "fields", *words], capture_output=True, check=True,
                          text=True).stdout.splitlines()


@pytest.mark.oracle
@pytest.mark.slow
def test_checksums_are_as_right_as_they_were(tmp_path: Path) -> None:
    """All frames of all samples in one file before, and in one after, so that tshark runs twice and no more."""
    one, other = (PcapngWriter(str(tmp_path / name)) for name in ("before", "after"))
    changed = 0
    for path in [*PATHS, SAMPLES / "formats" / "vlan.pcap", SAMPLES / "formats" / "ipv6.pcap", SAMPLES / "snmp" / "agent.pcap"]:
        with open_capture(path) as opened:
            for frames in opened.windows():
                for i in range(len(frames)):
                    one.write(frames, i)
        sanitizer = Sanitizer(str(path), Options(), Fillers())
        for frames in sanitizer.windows():
            for i in range(len(frames)):
                other.write(frames, i)
        changed += sum(len(r.frames) for r in sanitizer.replaced if r.how != PUBLIC)
    one.close()
    other.close()
    was, now = checksums(tmp_path / "before"), checksums(tmp_path / "after")
    assert was == now and changed > 200 and len(was) > 2_000 and sum("1" in line for line in was) > 1_000
