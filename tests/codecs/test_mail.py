"""Header fields as mail programs write them, and as nobody should."""

from __future__ import annotations

import time

import pytest

from pcapkit.codecs.mail import Header, addresses, date, decoded, parameters, related


@pytest.mark.parametrize(("field", "name"), [
    ('filename="a b.zip"', "a b.zip"),
    ('filename="a;b\\"c.zip"; x=y', 'a;b"c.zip'),
    ("filename*=utf-8'de'h%C3%A9.txt", "hé.txt"),
    ("filename*0=first-; filename*1=second.zip", "first-second.zip"),
    ("filename*0*=iso-8859-1''h%E9; filename*1=%41.txt", "hé%41.txt"),
    ("filename*=no-such-set''h%C3%A9.txt", "hé.txt"),
    ("FileName = x ; filename=y", "x"), ('filename="open', "open")])
def test_a_name_may_be_encoded_or_in_parts(field: str, name: str) -> None:
    """RFC 2231, 3 and 4."""
    assert parameters(f"Attachment; {field}") == ("attachment", parameters(f"Attachment; {field}")[1])
    assert parameters(f"attachment; {field}")[1]["filename"] == name


@pytest.mark.parametrize(("value", "text"), [
    ("=?utf-8?q?h=C3=A9_x?=", "hé x"), ("=?UTF-8?B?aMOp?= and =?iso-8859-1?Q?=E9?=", "hé and é"),
    ("=?utf-8?q?a?= =?utf-8?q?b?=", "ab"), ("=?utf-8?b?w6k?=  =?iso-8859-1?q?=E9?=", "éé"),
    ("=?utf-8?q?=C3?= =?utf-8?q?=A9?=", "é"), ("=?utf-8*en?q?hi?=", "hi"), ("=?no-such?q?hi?=", "hi"),
    ("=?punycode?q?hi-?=", "hi-"), ("=?utf-8?b?!!?= x", " x"),
    ("=?utf-8?x?hi?=", "=?utf-8?x?hi?="), ("=?", "=?"), ("plain", "plain")])
def test_encoded_words(value: str, text: str) -> None:
    """RFC 2047, 2 and 6.2."""
    assert decoded(value) == text


@pytest.mark.parametrize(("value", "found"), [
    ("a@b", ["a@b"]), ("<a@b>, c@d", ["a@b", "c@d"]), ('"x@y, z" <a@b>', ["a@b"]), ("a@b (c@d (e@f))", ["a@b"]),
    ("Group: a@b, c@d;", ["a@b", "c@d"]), ("<>", []), ("nobody", []), ("(" * 4_000, []), (None, [])])
def test_addresses(value: str | None, found: list[str]) -> None:
    assert addresses(value) == found


@pytest.mark.parametrize(("value", "seconds"), [
    ("Mon, 25 Mar 2019 14:19:59 +0000 (UTC)", 1553523599), ("25 Mar 2019 10:19:59 -0400", 1553523599),
    ("Mon, 25 Mar 19 14:19 GMT", 1553523540), ("25 March 2019 09:19:59 EST", 1553523599),
    ("25 Mar 119 14:19:60 -0000", 1553523599),
    ("Mon, 25 Mar 2019 14:19:60 -0000", 1553523599), ("Mon, 25 Mar 2019 14:19:59 XYZ", None),
    ("Mon, 25 Mar 2019 14:19:59", None), ("Mon, 99 Mar 2019 14:19:59 +0000", None),
    ("never", None), ("9" * 5_000, None), ("", None)])
def test_dates(value: str, seconds: int | None) -> None:
    assert date(value) == (None if seconds is None else seconds * 1_000_000_000)


def test_fields_are_unfolded_in_order_and_what_is_wrong_is_named() -> None:
    header = Header([b"From: a@b", b"X: 1", b"X:", b"\t2", b" 3", b"no colon", b" folded on", b"from: c@d", b": x"], 9)
    assert header.fields == [["From", "a@b"], ["X", "1"], ["X", "2 3"], ["from", "c@d"]]
    assert header.defects == ["header-line-without-name", "repeated-from"]
    assert (header.get("from"), header.all("x"), header.get("to")) == ("a@b", ["1", "2 3"], None)
    assert Header([b"A: b", b"C: d"], 1).over and not Header([b"A: b"], 1).over


def test_hostile_fields_take_little_time() -> None:
    start = time.process_time()
    for value in ("=?utf-8?q?x?= " * 20_000, "=?" * 100_000, "(" * 100_000, '"\\' * 100_000, ";" * 100_000, "a*0=b;" * 50_000):
        decoded(value), addresses(value), parameters(value)
    header = Header([b"A: " + b"x" * 1_000_000, *[b" " + b"y" * 100] * 20_000], 9)
    assert len(header.fields[0][1]) == 4_096 and time.process_time() - start < 2


@pytest.mark.parametrize(("one", "other", "same"), [("a.b", "a.b", True), ("x.a.b", "a.b", True), ("a.b", "x.a.b", True),
                                                    ("xa.b", "a.b", False), ("a.c", "a.b", False)])
def test_what_lies_within_a_domain_is_of_it(one: str, other: str, same: bool) -> None:
    assert related(one, other) == same
