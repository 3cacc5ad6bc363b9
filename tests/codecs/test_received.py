"""The way of a message by its Received fields."""

from __future__ import annotations

import pytest

from pcapkit.codecs.received import hop, hops

POSTFIX = ("from ip-10-168-152-198.ec2.internal (ec2-54-160-173-145.compute-1.amazonaws.com [54.160.173.145]) by "
           "panix.netmeister.org (Postfix) with ESMTP id 2223965341 for <jschauma@netmeister.org>; "
           "Mon, 25 Mar 2019 10:20:01 -0400 (EDT)")
LOCAL = "by ip-10-168-152-198.ec2.internal (Postfix, from userid 0) id A76DB2FFC2; Mon, 25 Mar 2019 14:19:59 +0000 (UTC)"


def test_a_hop() -> None:
    assert hop(POSTFIX) == {
        "from": "ip-10-168-152-198.ec2.internal", "address": "54.160.173.145", "by": "panix.netmeister.org", "with": "ESMTP",
        "tls": False, "id": "2223965341", "for": "jschauma@netmeister.org", "time": "2019-03-25T14:20:01Z"}


def test_the_way_is_from_the_last_field_to_the_first_with_delays() -> None:
    assert [(h["by"], h["delay_s"]) for h in hops([POSTFIX, LOCAL])] == [
        ("ip-10-168-152-198.ec2.internal", None), ("panix.netmeister.org", 2)]
    assert [h["delay_s"] for h in hops([LOCAL, "by x; no date", POSTFIX])] == [None, None, -2], "a clock is wrong"


@pytest.mark.parametrize(("kind", "tls"), [
    ("ESMTPS", True), ("ESMTPSA", True), ("UTF8SMTPS", True), ("LMTPS", True), ("ESMTP", False), ("ESMTPA", False),
    ("HTTP", False), ("HTTPS", True)])
def test_the_protocol_says_whether_the_hop_was_encrypted(kind: str, tls: bool) -> None:
    """RFC 3848."""
    assert hop(f"from a by b with {kind} id c; x")["tls"] is tls


@pytest.mark.parametrize("value", ["", ";", "from", "(" * 4_000, "from (by (with", "from from by by with", ")))",
                                   "a b c; " * 3_000])
def test_what_is_none_is_survived(value: str) -> None:
    assert hop(value)["time"] is None
