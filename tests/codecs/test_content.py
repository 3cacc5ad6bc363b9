"""Content codings in pieces, in members, damaged, cut and as bombs."""

from __future__ import annotations

import gzip
import random
import sys
import zlib

import brotli
import pytest

from pcapkit.codecs.content import Decoder
from pcapkit.limits import MIB, Limits

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PLAIN = b"".join(b"line %d of many\r\n" % n for n in range(2_000))
GZIP = gzip.compress(PLAIN, mtime=0)
CODED = {
    "gzip": GZIP, "x-gzip": GZIP[:0] + gzip.compress(PLAIN[:100], mtime=0) + gzip.compress(PLAIN[100:], mtime=0) + b"\0" * 9,
    "deflate": zlib.compress(PLAIN), "Deflate": zlib.compress(PLAIN, wbits=-15), "br": brotli.compress(PLAIN, quality=3),
    "zstd": zstd.compress(PLAIN[:9]) + zstd.compress(PLAIN[9:]), "br, gzip": gzip.compress(brotli.compress(PLAIN), mtime=0),
    "identity": PLAIN,
}


def _decode(coding: str, data: bytes, piece: int, limits: Limits | None = None) -> tuple[bytes, Decoder]:
    decoder = Decoder(coding, limits or Limits())
    parts = [decoder.decode(data[at:at + piece]) for at in range(0, len(data), piece)]
    return b"".join([*parts, decoder.finish()]), decoder


@pytest.mark.parametrize("coding", CODED)
@pytest.mark.parametrize("piece", [1, 1_000, 1 << 20])
def test_all_codings_in_pieces(coding: str, piece: int) -> None:
    decoded, decoder = _decode(coding, CODED[coding], piece)
    assert decoded == PLAIN and (decoder.oddity, decoder.hit, decoder.known) == ("", None, True)


@pytest.mark.parametrize("coding", [coding for coding in CODED if coding != "identity"])
def test_cut_and_damaged_data_keep_what_could_be_decoded_however_they_came(coding: str) -> None:
    cut = CODED[coding][:len(CODED[coding]) * 3 // 4]
    whole, decoder = _decode(coding, cut, 1 << 20)
    assert PLAIN.startswith(whole) and decoder.oddity == "cut" and (whole or coding == "zstd")
    assert _decode(coding, cut, 7)[0] == whole
    chance = random.Random(1)
    for _ in range(20):
        at = chance.randrange(2, len(CODED[coding]))
        hurt = CODED[coding][:at] + bytes([CODED[coding][at] ^ 0x55]) + CODED[coding][at + 1:]
        first, second = _decode(coding, hurt, 1 << 20), _decode(coding, hurt, 13)
        assert (first[0], first[1].oddity) == (second[0], second[1].oddity)


def test_up_to_the_damage_every_byte_is_kept() -> None:
    stored = zlib.compressobj(0, zlib.DEFLATED, -15)
    data = stored.compress(b"a" * 3_000) + stored.flush(zlib.Z_FULL_FLUSH) + b"\xff" * 9
    assert _decode("deflate", data, 1 << 20)[0] == b"a" * 3_000


def test_bytes_behind_and_unknown_codings() -> None:
    decoded, decoder = _decode("gzip", GZIP + b"more", 5)
    assert decoded == PLAIN and decoder.oddity == "behind"
    decoded, decoder = _decode("gzip, cow", GZIP, 5)
    assert decoded == b"" and decoder.oddity == "coding-unknown" and not decoder.known
    assert _decode("gzip, gzip, gzip", GZIP, 5)[1].hit == "decode_layers"


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "gzip, gzip"])
def test_bombs_stop_at_a_cap(coding: str) -> None:
    plain = b"\0" * (24 * MIB)
    bomb = {"gzip": lambda: gzip.compress(plain, mtime=0), "br": lambda: brotli.compress(plain, quality=1), "zstd": lambda:
            zstd.compress(plain), "gzip, gzip": lambda: gzip.compress(gzip.compress(plain, mtime=0), mtime=0)}[coding]()
    decoded, decoder = _decode(coding, bomb, 1_000)
    assert len(decoded) <= 16 * MIB and decoder.hit in ("decode_ratio", "decoded_body")
