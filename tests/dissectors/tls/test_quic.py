"""QUIC datagram by datagram: the examples of RFC 9001 and RFC 9369, shuffled and repeated pieces, Retry, noise, caps."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from handshakes import client_hello, listed, server_hello, vector
from said import rows

from pcapkit.dissectors import Recognition, Wishes
from pcapkit.dissectors.tls import TlsHandshake
from pcapkit.dissectors.tls.initials import INITIAL, Crypto, Keys, Packet, frames, packets
from pcapkit.dissectors.tls.quic import QUIC
from pcapkit.limits import Limits
from pcapkit.records import Anomaly, TLSEstablished, TLSFailed
from pcapkit.testing import Script, Tape, fuzz, play

SAMPLE = Path(__file__).parents[3] / "samples/quic/handshakes.pcap"
ID = bytes.fromhex("8394c8f03e515708")
SALTS = {1: (b"quic ", "38762cf7f55934b34d179ae6a4c80cadccbb7f0a"),
         0x6B3343CF: (b"quicv2 ", "0dede3def700a6db819381be6e269dcbf9bd2ed9")}
V1, V2 = SALTS

# What RFC 9001, A.2 and A.3 send in the clear
EXAMPLE = bytes.fromhex(
    "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c00000413011302010000c000000010000e00000b6578"
    "616d706c652e636f6dff01000100000a00080006001d0017001800100007000504616c706e000500050100000000003300260024001d00209370b2c9caa47fba"
    "baf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b0003020304000d0010000e0403050306030203080408050806002d00020101001c0002400100"
    "3900320408ffffffffffffffff05048000ffff07048000ffff0801100104800075300901100f088394c8f03e51570806048000ffff")
ANSWER = bytes.fromhex(
    "02000000000600405a020000560303eefce7f7b37ba1d1632e96677825ddf73988cfc79825df566dc5430b9a045a1200130100002e00330024001d00209d3c94"
    "0d89690b84d08a60993c144eca684d1081287c834d5311bcf32bb9da1a002b00020304")
SERVERS = {V1: "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a5816b6394100f37a1c69797554780bb38cc5a99f5ede4cf7"
               "3c3ec2493a1839b3dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84022f8ef4cdd93795d77d06edbb7aaf2f"
               "58891850abbdca3d20398c276456cbc42158407dd074ee",
           V2: "dc6b3343cf0008f067a5502a4262b5004075d92faaf16f05d8a4398c47089698baeea26b91eb761d9b89237bbf87263017915358230035f7"
               "fd3945d88965cf17f9af6e16886c61bfc703106fbaf3cb4cfa52382dd16a393e42757507698075b2c984c707f0a0812d8cd5a6881eaf21ce"
               "da98f4bd23f6fe1a3e2c43edd9ce7ca84bed8521e2e140"}
ENDS = {V1: ("c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11", "e221af44860018ab0856972e194cd934"),
        V2: ("d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485", "a18b2faa745b6fe189cf772a9f84cbfc")}
"""The server's packets, and how the client's begin and end."""

# Packets of our own: protected here without what is tested


def _label(secret: bytes, label: bytes, length: int) -> bytes:
    told = length.to_bytes(2, "big") + vector(1, b"tls13 " + label) + b"\0"
    return HKDFExpand(SHA256(), length, told).derive(secret)


def sealed(side: int, payload: bytes, number: int = 0, version: int = V1, key: bytes = ID, to: bytes = ID, source: bytes = b"",
           token: bytes = b"", size: int = 1200, short: int = 4) -> bytes:
    """An Initial packet, padded so that it has `size` bytes at least; its number is sent in `short` bytes."""
    label, salt = SALTS[version]
    extract = HMAC(bytes.fromhex(salt), SHA256())
    extract.update(key)
    secret = _label(extract.finalize(), (b"client in", b"server in")[side], 32)
    secrets = {name: _label(secret, label + name, length) for name, length in ((b"key", 16), (b"iv", 12), (b"hp", 16))}
    first = (0xC0 if version == V1 else 0xD0) | short - 1
    head = bytes([first]) + version.to_bytes(4, "big") + vector(1, to) + vector(1, source) + vector(1, token)
    payload += bytes(max(0, size - len(head) - 2 - short - 16 - len(payload)))
    head += (0x4000 | short + len(payload) + 16).to_bytes(2, "big") + (number & (1 << 8 * short) - 1).to_bytes(short, "big")
    nonce = (int.from_bytes(secrets[b"iv"], "big") ^ number).to_bytes(12, "big")
    hidden = AESGCM(secrets[b"key"]).encrypt(nonce, payload, head)
    mask = Cipher(AES(secrets[b"hp"]), ECB()).encryptor().update(hidden[4 - short:20 - short])
    masked = bytes(a ^ b for a, b in zip(head[-short:], mask[1:], strict=False))
    return bytes([head[0] ^ mask[0] & 0x0F]) + head[1:-short] + masked + hidden


def piece(message: bytes, start: int, stop: int) -> bytes:
    """A CRYPTO frame with `message[start:stop]`."""
    data = message[start:stop]
    return b"\6" + (0x4000 | start).to_bytes(2, "big") + (0x4000 | len(data)).to_bytes(2, "big") + data


NAME = (0, vector(2, b"\0" + vector(2, b"www.example.com")))
HELLO = client_hello(0x0303, [0x1301, 0x1302], [NAME, (10, listed(29)), (13, listed(0x0403)), (16, vector(2, vector(1, b"h3"))),
                                                (43, vector(1, b"\3\4"))])
CHOICE = server_hello(0x0303, 0x1301, [(43, b"\3\4"), (51, b"\0\x1d" + vector(2, bytes(32)))])
RETRY_REQUEST = CHOICE[:6] + bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c") + CHOICE[38:]
SERVER_ID = b"server-1"
PROOF = b"\x40" + bytes(40)
OPENING = (0, sealed(0, piece(HELLO, 0, len(HELLO)), source=b"me"))
REPLY = (1, sealed(1, b"\2\0\0\0\0" + piece(CHOICE, 0, len(CHOICE)), to=b"me", source=SERVER_ID, size=0))
USUAL: Script = [OPENING, REPLY, (0, PROOF)]
CUTS = [60, 20, 0, 40, 20]
SHUFFLED: Script = [
    (0, sealed(0, b"\1\0\0".join(piece(HELLO, at, at + 20) for at in CUTS))),
    (0, sealed(0, b"\0\1" + piece(HELLO, 100, len(HELLO)), 1)), (0, sealed(0, piece(HELLO, 75, 105), 2)), REPLY, (0, PROOF)]
BEHIND_RETRY: Script = [
    OPENING, (1, b"\xf0\0\0\0\1" + vector(1, b"me") + vector(1, b"retry-id") + b"token" + bytes(16)),
    (0, sealed(0, piece(HELLO, 0, len(HELLO)), 1, key=b"retry-id", to=b"retry-id", source=b"me", token=b"token")),
    (1, sealed(1, piece(CHOICE, 0, len(CHOICE)), key=b"retry-id", to=b"me", source=SERVER_ID)), (0, PROOF)]
ASKED_AGAIN: Script = [
    OPENING, (1, sealed(1, piece(RETRY_REQUEST, 0, len(RETRY_REQUEST)), to=b"me", source=SERVER_ID)),
    (0, sealed(0, piece(bytes(len(HELLO)) + HELLO, len(HELLO), 2 * len(HELLO)), 1, to=SERVER_ID)),
    (1, sealed(1, piece(bytes(len(CHOICE)) + CHOICE, len(CHOICE), 2 * len(CHOICE)), 1, to=b"me", source=SERVER_ID)), (0, PROOF)]
REFUSED: Script = [OPENING, (1, sealed(1, b"\x1c\x41\x78\6\2no", to=b"me", source=SERVER_ID, size=0))]
SCRIPTS: list[Script] = [USUAL, SHUFFLED, BEHIND_RETRY, ASKED_AGAIN, REFUSED]


def row(tape: Tape) -> TlsHandshake:
    found, = tape.of(TlsHandshake)
    assert isinstance(found, TlsHandshake)
    return found


def rules(tape: Tape) -> list[str]:
    return [a.rule for a in tape.of(Anomaly)]


@pytest.mark.parametrize("version", SALTS)
def test_the_examples_of_the_rfcs(version: int) -> None:
    client, server = sealed(0, EXAMPLE, 2, version), bytes.fromhex(SERVERS[version])
    start, end = ENDS[version]
    assert (client.hex()[:len(start)], client.hex()[-len(end):]) == ENDS[version] and len(client) == 1200
    tape = play(QUIC, [(0, client), (1, server)])
    found = row(tape)
    assert (found.sni, found.alpn, found.version, found.cipher, found.history, found.decrypted) == (
        "example.com", "alpn", "TLS 1.3", "TLS_AES_128_GCM_SHA256", "Cs", False)
    assert found.ja4 is not None and found.ja4.startswith("q13d0211an_") and not rules(tape)


def test_the_keys_of_the_example_open_only_its_packets() -> None:
    data = bytes.fromhex(SERVERS[V1])
    packet, = packets(data)
    opened = Keys(V1, ID, 1).open(data, packet)
    assert packet == Packet(INITIAL, V1, b"", bytes.fromhex("f067a5502a4262b5"), 0, len(data), 18) and opened == (1, ANSWER)
    assert [f for f in frames(ANSWER) if isinstance(f, Crypto)] == [Crypto(0, ANSWER[9:])]
    assert Keys(V1, ID, 0).open(data, packet) is None and Keys(V2, ID, 1).open(data, packet) is None


@pytest.mark.parametrize("script", SCRIPTS[:3])
def test_a_handshake_is_put_once_however_it_comes(script: Script) -> None:
    tape = play(QUIC, script)
    found = row(tape)
    assert (found.sni, found.alpn, found.history, found.cipher_id) == ("www.example.com", "h3", "Cs", "0x1301")
    assert found.established and len(tape.of(TLSEstablished)) == 1 and found.span.last_frame == len(script)
    assert rules(tape) == (["quic-retry"] if script is BEHIND_RETRY else [])


def test_the_first_piece_is_the_place_of_a_message() -> None:
    found = row(play(QUIC, SHUFFLED))
    assert found.offered_at is not None and (found.offered_at.frame, found.offered_at.last_frame) == (1, 3)


def test_a_retry_that_is_not_in_the_capture() -> None:
    found = row(play(QUIC, [BEHIND_RETRY[0], *BEHIND_RETRY[2:]]))
    assert (found.history, found.established) == ("Cs", True)


def test_a_hello_that_is_asked_for_again() -> None:
    assert (row(play(QUIC, ASKED_AGAIN)).history, rules(play(QUIC, ASKED_AGAIN))) == ("CjCs", [])


def test_an_alert_in_the_clear() -> None:
    tape = play(QUIC, REFUSED)
    assert row(tape).alert == (False, 120) and [f.unfinished for f in tape.of(TLSFailed)] == [False]
    other = play(QUIC, [OPENING, (1, sealed(1, b"\x1c\2\0\4busy", to=b"me"))])
    assert row(other).failure == "QUIC error 0x2 from the server: busy"


def test_no_end_is_made_up() -> None:
    assert (row(play(QUIC, USUAL[:2])).established, row(play(QUIC, USUAL[:1])).history) == (False, "C")
    hidden = row(play(QUIC, [OPENING, (0, PROOF)]))
    assert (hidden.established, hidden.gaps, hidden.version) == (True, True, None)


def test_packets_together_and_a_number_that_is_sent_short() -> None:
    handshake = b"\xe0\0\0\0\1" + vector(1, b"me") + vector(1, SERVER_ID) + vector(1, bytes(30))
    first = sealed(0, piece(HELLO, 0, 30), 300, source=b"me", size=600) + sealed(0, piece(HELLO, 30, 60), 301, size=600, short=1)
    script = [(0, first), (0, sealed(0, piece(HELLO, 60, len(HELLO)), 302, short=1)), (1, REPLY[1] + handshake), (0, PROOF)]
    assert (row(play(QUIC, script)).sni, rules(play(QUIC, script))) == ("www.example.com", [])


@pytest.mark.parametrize(("number", "largest"), [(257, 254), (250, 257), (302, 301), (0, -1), (127, -1)])
def test_a_number_sent_in_one_byte_is_completed(number: int, largest: int) -> None:
    data = sealed(0, b"\1", number, short=1)
    packet, = packets(data)
    assert Keys(V1, ID, 0).open(data, packet, largest) == (number, b"\1".ljust(len(data) - packet.number_at - 17, b"\0"))


def test_another_connection_between_the_same_ports() -> None:
    again = [(0, sealed(0, piece(HELLO, 0, len(HELLO)), key=b"another-id", to=b"another-id")), (0, PROOF)]
    assert [r.history for r in play(QUIC, [*USUAL, *again]).of(TlsHandshake)] == ["Cs", "C"]


def test_another_version_that_the_server_asks_for() -> None:
    asked = b"\x80\0\0\0\0" + vector(1, b"me") + vector(1, ID) + b"\x6b\x33\x43\xcf"
    script = [OPENING, (1, asked), (0, sealed(0, piece(HELLO, 0, len(HELLO)), 1, V2, source=b"me")),
              (1, sealed(1, piece(CHOICE, 0, len(CHOICE)), 0, V2, to=b"me", source=SERVER_ID)), (0, PROOF)]
    tape = play(QUIC, script)
    assert row(tape).history == "Cs" and [a.message for a in tape.of(Anomaly)] == [
        "the server does not speak the client's version of QUIC, but 0x6b3343cf"]
    forged = play(QUIC, [OPENING, (1, asked.replace(ID, b"12345678"))])
    assert not rules(forged)


def test_damage_is_named() -> None:
    broken = REPLY[1][:-1] + b"\0"
    assert rules(play(QUIC, [OPENING, (1, broken), (1, broken)])) == ["quic-packet-not-opened"]
    assert rules(play(QUIC, [OPENING, (1, REPLY[1][:-1])])) == ["quic-malformed"]
    assert rules(play(QUIC, [OPENING, (1, sealed(1, b"\x08\0", to=b"me"))])) == ["quic-malformed"]
    assert rules(play(QUIC, [*USUAL, (1, REPLY[1][:-1])])) == []


def test_what_waits_is_bounded() -> None:
    script = [OPENING, *[(1, sealed(1, piece(bytes(3_000), at, at + 900), at, to=b"me", source=SERVER_ID)) for at in (900, 1800)]]
    tape = play(QUIC, script, Wishes(limits=Limits(tls_handshake=1_500)))
    assert tape.limits == {"tls_handshake": 1} and row(tape).history == "C"
    long = play(QUIC, [OPENING], Wishes(limits=Limits(tls_handshake=100)))
    assert long.limits == {"tls_handshake": 1} and not long.of(TlsHandshake)


@pytest.mark.parametrize(("client", "server", "want"), [
    (OPENING[1], b"", Recognition.YES), (SHUFFLED[1][1], b"", Recognition.YES), (BEHIND_RETRY[2][1], b"", Recognition.YES),
    (b"", OPENING[1], Recognition.NO), (REPLY[1], b"", Recognition.NO), (b"", b"", Recognition.NO),
    (PROOF * 40, b"", Recognition.NO),
    (OPENING[1][:-1], b"", Recognition.NO), (OPENING[1][:-1] + b"\0", b"", Recognition.NO), (b"\xc0" * 1300, b"", Recognition.NO),
    (sealed(0, b"\1", size=1199), b"", Recognition.NO), (sealed(0, b"\1", key=b"1234567", to=b"1234567"), b"", Recognition.NO),
    (OPENING[1].replace(b"\0\0\0\1", b"\0\0\0\2", 1), b"", Recognition.NO), (ID * 200, b"", Recognition.NO)])
def test_recognition(client: bytes, server: bytes, want: Recognition) -> None:
    assert QUIC.recognises(client, server) is want


def test_noise_is_survived() -> None:
    assert fuzz(QUIC, SCRIPTS, 2_000) == 0
    tight = Wishes(limits=Limits(**{name: 3 for name, *_ in Limits.table()}))
    assert fuzz(QUIC, SCRIPTS, 500, wishes=tight) == 0


def test_the_recorded_sample() -> None:
    found = rows(SAMPLE)
    assert [(r["frame"], r["sni"].partition(".")[0], r["alpn"], r["cipher_id"], r["history"]) for r in found["tls"]] == [
        (1, "one", "h3", "0x1302", "Cs"), (10, "retry", "h3", "0x1302", "Cs"), (21, "two", "h3", "0x1302", "Cs"),
        (30, "negotiated", "h3", "0x1302", "Cs"), (39, "refused", "smb", None, "Cl")]
    assert {r["ja4"].partition("_")[0] for r in found["tls"]} == {"q13d0307h3", "q13d0307sb"}
    assert [r["rule"] for r in found["anomalies"]] == ["quic-retry", "quic-version-negotiation"]
    assert {r["service"] for r in found["flows"]} == {"quic"}


@pytest.mark.oracle
def test_tshark_sees_the_same_names() -> None:
    field = "tls.handshake.extensions_server_name"
    command = ["tshark", "-r", SAMPLE, "-Y", f"udp && {field}", "-T", "fields", "-e", "udp.stream", "-e", field]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert [f"{r['stream']}\t{r['sni']}" for r in rows(SAMPLE)["tls"]] == told.split("\n")[:-1]
