"""Messages taken apart: the tree, sizes and hashes, and what is wrong, however the bytes are cut."""

from __future__ import annotations

import base64
import hashlib
import random
import time
from itertools import pairwise

import pytest

from pcapkit.codecs.mime import Parser
from pcapkit.limits import Limits

DATA = bytes(range(256)) * 5
CODED = base64.encodebytes(DATA).replace(b"\n", b"\r\n")
TREE = (b"Subject: x\r\nContent-Type: multipart/mixed; boundary=\"o\"\r\n\r\npreamble\r\n--o\r\n"
        b"Content-Type: multipart/alternative; boundary=i\r\n\r\n--i\r\n\r\ntext\r\n-- \r\nme\r\n--i\r\n"
        b"Content-Type: text/html\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n<p>=C3=A9=\r\n</p>\r\n--i--\r\n--o\r\n"
        b"Content-Type: application/zip; name=a.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n" + CODED +
        b"\r\n--o \t\r\nContent-Disposition: attachment; filename=raw.bin\r\n\r\nraw\r\n\r\n--o\r\n"
        b"Content-Type: message/rfc822\r\n\r\n"
        b"Subject: inner\r\nContent-Type: text/plain\r\n\r\ninner\r\n--o--\r\nepilogue\r\n")


def parse(message: bytes, cuts: list[int] | None = None, whole: bool = True, hashed: bool = True, **limits: int) -> Parser:
    parser = Parser(Limits(**limits), hashed)  # type: ignore[arg-type]
    places = sorted({0, len(message), *(cuts or [])})
    for start, stop in pairwise(places):
        parser.feed(message[start:stop])
    parser.close(whole)
    return parser


def tree(parser: Parser) -> list[tuple[str, str, int | None, str | None]]:
    return [(p.number, p.type, p.size, p.sha256) for p in parser.parts]


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_the_tree_with_sizes_and_hashes() -> None:
    parser = parse(TREE)
    assert tree(parser) == [
        ("", "multipart/mixed", None, None), ("1", "multipart/alternative", None, None), ("1.1", "text/plain", 13, None),
        ("1.2", "text/html", 9, None), ("2", "application/zip", len(DATA), digest(DATA)),
        ("3", "text/plain", 5, digest(b"raw\r\n")),
        ("4", "message/rfc822", None, None), ("4.1", "text/plain", 5, None)]
    assert [p.name for p in parser.parts if p.attached] == ["a.zip", "raw.bin"] and not parser.defects
    assert parser.header is not None and parser.header.get("subject") == "x"
    assert parser.header_bytes == TREE.index(b"preamble")


def test_without_a_wish_nothing_is_hashed_and_the_sizes_are_the_same() -> None:
    assert [p[:3] for p in tree(parse(TREE, hashed=False))] == [p[:3] for p in tree(parse(TREE))]
    assert not any(p.sha256 for p in parse(TREE, hashed=False).parts)


BROKEN = {
    "not closed": (TREE[:TREE.index(b"--o--")], ["mime-not-closed"]),
    "inner not closed": (TREE.replace(b"--i--\r\n", b""), ["mime-not-closed"]),
    "no boundary": (b"Content-Type: multipart/mixed\r\n\r\ntext", ["mime-no-boundary"]),
    "junk in base64": (TREE.replace(CODED[:76], CODED[:30] + b"!*\r\n" + CODED[30:76]), []),
    "a character lost": (TREE.replace(CODED[:76], CODED[:75]), ["mime-broken-base64"]),
    "more behind the padding": (TREE.replace(CODED, b"eHg=\r\neHg=\r\n"), ["mime-broken-base64"]),
    "bare LF": (TREE.replace(b"\r\n", b"\n"), []),
    "a header without end": (TREE.replace(b"quoted-printable\r\n\r\n", b"quoted-printable\r\n"), []),
    "no header": (b"\r\ntext", []), "nothing": (b"", []), "a header only": (b"Subject: x\r\n", []),
    "long lines": (TREE.replace(b"inner\r\n--o--", b"--" + b"x" * 3_000 + b"\r\n--o--"), []),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_is_named(name: str) -> None:
    message, defects = BROKEN[name]
    assert parse(message).defects == defects


@pytest.mark.parametrize("message", [TREE, *(message for message, _ in BROKEN.values())], ids=["whole", *BROKEN])
def test_any_cut_gives_the_same(message: bytes) -> None:
    chance = random.Random(1)
    want = parse(message)
    for cuts in ([*range(len(message))], *([chance.randrange(len(message) + 1) for _ in range(9)] for _ in range(60))):
        got = parse(message, cuts)
        assert (tree(got), got.defects, got.header_bytes) == (tree(want), want.defects, want.header_bytes)


def test_bytes_that_are_missing_are_not_made_up() -> None:
    parser = Parser(Limits(), True)
    at = TREE.index(CODED) + 100
    parser.feed(TREE[:at])
    parser.lose()
    parser.feed(TREE[at + 50:])
    parser.close(False)
    assert [(p.size, p.sha256) for p in parser.parts if p.name == "a.zip"] == [(None, None)]
    assert [(p.size, p.sha256) for p in parser.parts if p.name == "raw.bin"] == [(5, digest(b"raw\r\n"))] and parser.whole
    parser = Parser(Limits())
    parser.feed(b"Subj")
    parser.lose()
    parser.feed(b"rest\r\nFrom: a@b\r\n\r\ntext")
    parser.close(True)
    assert not parser.whole and parser.header is not None and parser.header.fields[-1] == ["From", "a@b"]


def test_caps() -> None:
    deep = b"".join(b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n" % (i, i) for i in range(5_000))
    inner = b"Content-Type: message/rfc822\r\n\r\n" * 5_000
    many = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 5_000
    start = time.process_time()
    assert parse(deep).hits == {"mime_depth"} and len(parse(deep).parts) == 51
    assert parse(inner).hits == {"mime_depth"} and parse(many).hits == {"mime_parts"}
    assert parse(b"X: " + b"x" * 1_000_000, list(range(0, 1_000_000, 100))).hits == {"mail_header"}
    assert time.process_time() - start < 2
