"""The capture of samples/mailauth can be made again, and holds what its README says of it."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

import pcapkit

ROOT = Path(__file__).parents[2]
CAPTURE = ROOT / "samples" / "mailauth" / "two-senders.pcap"


def test_it_can_be_made_again(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "samples.mailauth.make", tmp_path], cwd=ROOT, check=True)
    assert (tmp_path / CAPTURE.name).read_bytes() == CAPTURE.read_bytes()


def test_the_mails_and_the_records_are_there() -> None:
    cap = pcapkit.open(CAPTURE)
    assert [(m.client, m.mail_from, m.outcome) for m in cap.mail] == [
        ("192.0.2.25", "orders@shop.example", "accepted"), ("203.0.113.77", "orders@shop.example", "rejected")]
    records = {a["name"]: a["data"] for row in cap.dns.where(type="TXT") for a in row.answers}
    assert {name: text.partition(";")[0].partition(" ")[0] for name, text in records.items()} == {
        "shop.example": "v=spf1", "_spf.mailer.example": "v=spf1", "march._domainkey.shop.example": "v=DKIM1",
        "_dmarc.shop.example": "v=DMARC1"}


def test_the_signature_is_good_by_the_key_in_the_capture() -> None:
    cap = pcapkit.open(CAPTURE)
    key = next(a["data"] for row in cap.dns for a in row.answers if "v=DKIM1" in a["data"]).partition("p=")[2]
    public = serialization.load_der_public_key(base64.b64decode(key))
    headers = dict(cap.mail[0].headers)
    tags, _, signature = headers["DKIM-Signature"].rpartition("b=")
    signed = [f"{name}:{' '.join(headers[name.title().replace('Id', 'ID')].split())}"
              for name in re.search(r"h=([\w:-]+)", tags)[1].split(":")]  # type: ignore[index]
    text = "\r\n".join([*signed, f"dkim-signature:{' '.join(tags.split())} b="]).encode()
    assert isinstance(public, rsa.RSAPublicKey)
    public.verify(base64.b64decode(signature), text, padding.PKCS1v15(), hashes.SHA256())
    with pytest.raises(InvalidSignature):
        public.verify(base64.b64decode(signature), text.replace(b"Shop", b"Chop"), padding.PKCS1v15(), hashes.SHA256())
