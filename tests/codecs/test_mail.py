"""Names of attachments as mail programs write them."""

from __future__ import annotations

import pytest

from pcapkit.codecs.mail import attachments


@pytest.mark.parametrize(("field", "name"), [
    ('filename="a b.zip"', "a b.zip"),
    ("filename*=utf-8'de'h%C3%A9.txt", "hé.txt"),
    ("filename*0=first-;\r\n filename*1=second.zip", "first-second.zip"),
    ("filename*0*=iso-8859-1''h%E9; filename*1=%41.txt", "hé%41.txt"),
    ("filename*=no-such-set''h%C3%A9.txt", "hé.txt"),
])
def test_a_name_may_be_encoded_or_in_parts(field: str, name: str) -> None:
    """RFC 2231, 3 and 4."""
    body = f"--b\r\nContent-Disposition: attachment; {field}\r\n\r\nabc\r\n--b--\r\n".encode()
    assert [(a["name"], a["size"]) for a in attachments(body, "multipart/mixed; boundary=b", 9)[0]] == [(name, 3)]


def test_a_part_without_a_name_is_no_attachment() -> None:
    body = b"--b\r\nContent-Disposition: inline\r\n\r\nabc\r\n--b--\r\n"
    assert attachments(body, "multipart/mixed; boundary=b", 9) == ([], False)
