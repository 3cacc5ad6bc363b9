"""Verdicts on chains of every kind, equal to those of `openssl verify`, before, within and after their dates."""

from __future__ import annotations

import random
import re
import subprocess
import warnings
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from issued import BEGIN, END, HOST, authority, ders, key, leaf, middle, root

from pcapkit.certificates.chain import Chain
from pcapkit.certificates.matching import covers
from pcapkit.certificates.remarks import remarks
from pcapkit.certificates.store import TrustStore, open_store
from pcapkit.certificates.verdicts import Fault
from pcapkit.errors import StoreError

WITHIN, BEFORE, AFTER = datetime(2020, 4, 1, tzinfo=UTC), datetime(2019, 4, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)


def old_chain(digest: str, folder: Path) -> list[x509.Certificate]:
    """A leaf under an RSA key, signed by OpenSSL with a digest that the cryptography package no longer signs with."""
    above = authority("middle", "root", key="rsa 2048 middle")
    private = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "ca.key").write_bytes(key("rsa 2048 middle").private_bytes(*private))
    (folder / "ca.pem").write_bytes(above.public_bytes(Encoding.PEM))
    (folder / "own.key").write_bytes(key(HOST).private_bytes(*private))
    (folder / "extensions").write_text(f"subjectAltName=DNS:{HOST}\nkeyUsage=critical,digitalSignature\n"
                                       "extendedKeyUsage=serverAuth\n")
    run = subprocess.run(
        "openssl req -new -key own.key -subj /O=Some/CN=www.example.org | openssl x509 -req -CA ca.pem -CAkey ca.key "
        f"-set_serial 0x1234567890abcdef12 -{digest} -days 100 -extfile extensions -outform DER", shell=True, cwd=folder,
        capture_output=True, check=True)
    return [x509.load_der_x509_certificate(run.stdout), above]


NAMED = {
    "good": lambda: [leaf(), middle()],
    "good with its root": lambda: [leaf(), middle(), root()],
    "by the root itself": lambda: [leaf(by="root")],
    "wrong order": lambda: [leaf(), root(), middle()],
    "copies": lambda: 2 * [leaf(), middle()],
    "extra": lambda: [leaf(), authority("other", "other"), middle()],
    "wildcard": lambda: [leaf(hosts=[x509.DNSName("*.example.org")]), middle()],
    "wildcard too deep": lambda: [leaf(hosts=[x509.DNSName("*.org")]), middle()],
    "wrong name": lambda: [leaf(hosts=[x509.DNSName("www.example.com"), x509.DNSName("example.org")]), middle()],
    "missing intermediate": lambda: [leaf()],
    "self-signed": lambda: [leaf(by=HOST)],
    "self-signed authority": lambda: [leaf(by=HOST, ca=True, usage="digital_signature key_cert_sign")],
    "unknown root": lambda: [leaf(by="other"), authority("other", "other")],
    "unknown root, two levels": lambda: [leaf(by="between"), authority("between", "other"), authority("other", "other")],
    "not an authority": lambda: [leaf(by="middle"), authority("middle", "root", ca=False)],
    "no basic constraints": lambda: [leaf(by="middle"), authority("middle", "root", ca=None)],
    "leaf as an authority": lambda: [leaf(by="someone"), leaf("someone"), middle()],
    "authority without keyCertSign": lambda: [leaf(), authority("middle", "root", usage="digital_signature")],
    "path too long": lambda: [leaf(by="low"), authority("low", "middle"), authority("middle", "root", path_length=0)],
    "path long enough": lambda: [leaf(by="low"), authority("low", "middle"), authority("middle", "root", path_length=1)],
    "for clients": lambda: [leaf(purposes=[ExtendedKeyUsageOID.CLIENT_AUTH]), middle()],
    "authority for clients": lambda: [leaf(), authority("middle", "root", purposes=[ExtendedKeyUsageOID.CLIENT_AUTH])],
    "key usage": lambda: [leaf(usage="crl_sign"), middle()],
    "permitted": lambda: [leaf(), constrained(permitted=[x509.DNSName("example.org")])],
    "not permitted": lambda: [leaf(), constrained(permitted=[x509.DNSName("example.com")])],
    "excluded": lambda: [leaf(), constrained(excluded=[x509.DNSName("example.org")])],
    "excluded elsewhere": lambda: [leaf(), constrained(excluded=[x509.DNSName("ww.example.org")])],
    "address permitted": lambda: [
        leaf(hosts=[x509.DNSName(HOST), x509.IPAddress(ip_address("10.1.2.3"))]),
        constrained(permitted=[x509.DNSName("example.org"), x509.IPAddress(ip_network("10.0.0.0/8"))])],
    "address not permitted": lambda: [
        leaf(hosts=[x509.DNSName(HOST), x509.IPAddress(ip_address("11.1.2.3"))]),
        constrained(permitted=[x509.DNSName("example.org"), x509.IPAddress(ip_network("10.0.0.0/8"))])],
    "directory not permitted": lambda: [leaf(), constrained(permitted=[x509.DirectoryName(x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Another")]))])],
    "directory permitted": lambda: [leaf(), constrained(permitted=[x509.DirectoryName(x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Some")]))])],
    "signed by another": lambda: [leaf(signer="thief"), middle()],
    "forged": lambda: [leaf(signer="thief", claimed="middle"), middle()],
    "intermediate expired": lambda: [leaf(), authority("middle", "root", end=datetime(2020, 3, 1, tzinfo=UTC))],
    "short key": lambda: [leaf(key="rsa 1024"), middle()],
    "critical unknown": lambda: [leaf(more=[(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0"), True)]),
                                 middle()],
    "common name only": lambda: [leaf(hosts=None), middle()],
    "no subject": lambda: [leaf(cn=False), middle()],
}


def constrained(permitted: list[x509.GeneralName] | None = None,
                excluded: list[x509.GeneralName] | None = None) -> x509.Certificate:
    return authority("middle", "root", more=[(x509.NameConstraints(permitted, excluded), True)])


ERRORS = {
    10: Fault.EXPIRED, 9: Fault.NOT_YET_VALID, 62: Fault.WRONG_NAME, 18: Fault.SELF_SIGNED, 19: Fault.UNKNOWN_ROOT,
    20: Fault.INCOMPLETE, 21: Fault.INCOMPLETE, 24: Fault.NOT_ALLOWED, 79: Fault.NOT_ALLOWED, 25: Fault.NOT_ALLOWED,
    26: Fault.NOT_ALLOWED, 32: Fault.NOT_ALLOWED, 34: Fault.NOT_ALLOWED, 47: Fault.NOT_ALLOWED, 48: Fault.NOT_ALLOWED,
    7: Fault.BAD_SIGNATURE, 66: Fault.WEAK, 67: Fault.WEAK, 68: Fault.WEAK,
}
"""Errors of `openssl verify` -> our faults."""

OURS = {Fault.NO_NAMES, Fault.REFUSED}
"""What browsers refuse and OpenSSL does not."""


def by_openssl(chain: list[x509.Certificate], when: datetime, host: str, folder: Path) -> set[Fault]:
    """What `openssl verify` finds; it stops at most errors, so that this is a part of all."""
    (folder / "leaf.pem").write_bytes(chain[0].public_bytes(Encoding.PEM))
    (folder / "sent.pem").write_bytes(b"".join(c.public_bytes(Encoding.PEM) for c in chain[1:]) or b"\n")
    (folder / "roots.pem").write_bytes(root().public_bytes(Encoding.PEM))
    run = subprocess.run(["openssl", "verify", "-auth_level", "2", "-purpose", "sslserver", "-attime",
                          str(int(when.timestamp())), "-verify_hostname", host, "-no-CApath", "-no-CAstore", "-CAfile",
                          "roots.pem", *(["-untrusted", "sent.pem"] if len(chain) > 1 else []), "leaf.pem"], cwd=folder,
                         capture_output=True, text=True)
    errors = {int(number) for number in re.findall(r"^error (\d+) at", run.stderr + run.stdout, re.MULTILINE)}
    assert bool(errors) == (run.returncode != 0), run.stderr
    return {ERRORS[number] for number in errors}


@pytest.fixture
def store(tmp_path: Path) -> TrustStore:
    (tmp_path / "trusted.pem").write_bytes(root().public_bytes(Encoding.PEM))
    return open_store(str(tmp_path / "trusted.pem"))


def ns(when: datetime) -> int:
    return int(when.timestamp()) * 1_000_000_000


def faults(chain: Chain, when: datetime, host: str | None = HOST) -> set[Fault]:
    return {reason.fault for reason in chain.at(ns(when), host).reasons}


@pytest.mark.usefixtures("openssl")
@pytest.mark.parametrize("name", NAMED)
def test_as_openssl_verifies(name: str, store: TrustStore, tmp_path: Path) -> None:
    made = NAMED[name]()
    chain = Chain(ders(made), store, 100)
    for when in (WITHIN, BEFORE, AFTER):
        theirs, ours = by_openssl(made, when, HOST, tmp_path), faults(chain, when)
        assert theirs <= ours, chain.at(ns(when), HOST).reasons
        assert bool(theirs) == bool(ours - OURS), chain.at(ns(when), HOST).reasons


@pytest.mark.usefixtures("openssl")
def test_old_signatures_are_verified(store: TrustStore, tmp_path: Path) -> None:
    (old, above) = old_chain("sha1", tmp_path)
    forged = bytearray(ders([old])[0])
    forged[-1] ^= 1
    assert Fault.BAD_SIGNATURE in faults(Chain([bytes(forged), *ders([above])], store, 100), datetime.now(UTC))


@pytest.mark.usefixtures("openssl")
@pytest.mark.parametrize("digest", ["sha1", "md5", "sha256"])
def test_old_signatures(digest: str, store: TrustStore, tmp_path: Path) -> None:
    made = old_chain(digest, tmp_path)
    when = datetime.now(UTC) + timedelta(days=1)
    ours = faults(Chain(ders(made), store, 100), when)
    assert by_openssl(made, when, HOST, tmp_path) == ours == (set() if digest == "sha256" else {Fault.WEAK})


def test_valid_then_expired_now(store: TrustStore) -> None:
    """As on the lecture's slide: what was fine when it was captured is not today."""
    chain = Chain(ders([leaf(), middle()]), store, 100)
    assert (chain.at(ns(WITHIN), HOST).words, chain.at(ns(AFTER), HOST).words) == ("valid", "expired")
    assert chain.at(ns(END), HOST).valid and not chain.at(ns(END + timedelta(seconds=1)), HOST).valid
    assert chain.at(ns(BEGIN), HOST).valid and not chain.at(ns(BEGIN - timedelta(seconds=1)), HOST).valid
    assert chain.holds() == (ns(BEGIN), ns(END))
    assert chain.at(ns(AFTER), HOST) is chain.at(ns(AFTER) + 1, HOST)  # the same reasons are the same verdict


@pytest.mark.parametrize(("name", "words"), [
    ("good", []), ("good with its root", []), ("wrong order", ["wrong order"]), ("copies", ["is a copy", "is a copy"]),
    ("extra", []), ("forged", ["has not signed it", "of no use"]),
    ("signed by another", ["of no use"])])
def test_what_is_odd_about_the_message(name: str, words: list[str], store: TrustStore) -> None:
    chain = Chain(ders(NAMED[name]()), store, 100)
    if name == "extra":
        words = ["of no use"]
    assert len(chain.oddities) == len(words)
    assert all(word in oddity for word, oddity in zip(words, chain.oddities, strict=True)), chain.oddities


def test_two_ways_up(store: TrustStore) -> None:
    """The same key certified by two: the one that leads to a root is taken, whichever comes first."""
    cross = authority("middle", "elsewhere")
    for sent in ([leaf(), cross, middle()], [leaf(), middle(), cross]):
        chain = Chain(ders(sent), store, 100)
        assert chain.at(ns(WITHIN), HOST).valid and len(chain.oddities) == 1 and "another way up" in chain.oddities[0]


def test_no_name_is_not_compared(store: TrustStore) -> None:
    chain = Chain(ders(NAMED["wrong name"]()), store, 100)
    assert chain.at(ns(WITHIN), None).valid
    assert faults(chain, WITHIN, "WWW.Example.COM.") == set()
    assert faults(chain, WITHIN, "192.0.2.1") == {Fault.WRONG_NAME}


@pytest.mark.parametrize(("pattern", "host", "fits"), [
    ("*.example.org", "a.example.org", True), ("*.example.org", "a.b.example.org", False),
    ("*.example.org", "example.org", False), ("*.org", "example.org", False), ("*", "example", False),
    ("w*.example.org", "www.example.org", False), ("Example.ORG", "example.org.", True),
    ("192.0.2.1", "192.0.2.1", True), ("*.0.2.1", "192.0.2.1", False)])
def test_a_star_stands_for_one_label(pattern: str, host: str, fits: bool) -> None:
    assert covers(pattern, host) is fits


def test_addresses(store: TrustStore) -> None:
    chain = Chain(ders([leaf(hosts=[x509.IPAddress(ip_address("192.0.2.1")), x509.IPAddress(ip_address("2001:db8::1"))]),
                        middle()]), store, 100)
    assert chain.at(ns(WITHIN), "192.0.2.1").valid and chain.at(ns(WITHIN), "2001:db8:0::1").valid
    assert faults(chain, WITHIN, "192.0.2.2") == {Fault.WRONG_NAME}


def test_what_does_not_read(store: TrustStore) -> None:
    for sent in ([b""], [b"0\x03\2\1\1", *ders([middle()])], [ders([leaf()])[0][:-3], *ders([middle()])]):
        assert faults(Chain(sent, store, 100), WITHIN) == {Fault.UNREADABLE}
    assert Chain([], store, 100).at(0, HOST).valid  # nothing was sent: there is nothing to judge


def test_signatures_are_counted(store: TrustStore) -> None:
    """A hundred certificates of one name cost no hundred times a hundred signatures."""
    crowd = [authority("middle", "root", key=f"k{n}", serial=1000 + n, named=False) for n in range(30)]
    chain = Chain(ders([leaf(), *crowd]), store, 10)
    assert chain.cut and faults(chain, WITHIN) == {Fault.INCOMPLETE}


@pytest.mark.parametrize(("changes", "words"), [
    ({}, "no timestamps"), ({"serial": 7}, "3 bits"), ({"end": BEGIN + timedelta(days=826)}, "for 827 days"),
    ({"end": BEGIN + timedelta(days=825, seconds=-1)}, ""),
    ({"begin": datetime(2020, 9, 1, tzinfo=UTC), "end": datetime(2021, 10, 5, tzinfo=UTC)}, "may for 398"),
    ({"begin": datetime(2026, 3, 15, tzinfo=UTC), "end": datetime(2026, 10, 5, tzinfo=UTC)}, "may for 200"),
    ({"begin": datetime(2018, 2, 1, tzinfo=UTC), "end": datetime(2028, 10, 5, tzinfo=UTC)}, ""),
    ({"hosts": [x509.DNSName("www.*.example.org")]}, "wildcard"), ({"hosts": [x509.DNSName("*.org")]}, "wildcard"),
    ({"more": [(x509.TLSFeature([x509.TLSFeatureType.status_request]), False)]}, "OCSP answer")])
def test_remarks(changes: dict[str, Any], words: str, store: TrustStore) -> None:
    found = remarks(Chain(ders([leaf(**changes), middle()]), store, 100))
    assert any(words in remark for remark in found) if words else not any("days" in remark for remark in found)
    assert not any("days" in remark or "timestamps" in remark for remark in remarks(
        Chain(ders([leaf(by="other", **changes)]), store, 100)))


def test_what_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "broken").write_bytes(b"-----BEGIN CERTIFICATE-----\nMAUCAQE=\n-----END CERTIFICATE-----\n")
    for name in ("absent", "empty", "broken", ""):
        with pytest.raises(StoreError, match=str(tmp_path)):
            open_store(str(tmp_path / name))


def test_mozillas_roots_are_at_hand() -> None:
    pytest.importorskip("certifi")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(TrustStore().roots) > 100
    assert "certifi" in TrustStore().name


def said(der: bytes) -> tuple[bytes, bytes]:
    """What is signed, and the signature: but for how many of its bits are said not to count, which nobody signs."""
    parsed = x509.load_der_x509_certificate(der)
    return parsed.tbs_certificate_bytes, parsed.signature


def test_damage_is_judged_not_raised(store: TrustStore) -> None:
    """Of damaged certificates in every place of the chain each has some verdict; those that are damaged are never valid."""
    seed = random.Random(5)
    whole = [ders(made) for made in (
        [leaf(), middle(), root()],
        [leaf(by="low"), authority("low", "middle", more=[(x509.NameConstraints([x509.DNSName("example.org")], None), True)]),
         middle()])]
    signed = [list(map(said, sent)) for sent in whole]
    pathlike = 0
    for _ in range(1500):
        sent = list(seed.choice(whole))
        at = seed.randrange(2)
        damaged = bytearray(sent[at])
        for _ in range(seed.randrange(1, 3)):
            damaged[seed.randrange(4, len(damaged))] ^= 1 << seed.randrange(8)
        sent[at] = bytes(damaged)
        chain = Chain(sent, store, 100)
        verdict = chain.at(ns(WITHIN), HOST)
        assert not verdict.valid or list(map(said, sent)) in signed, verdict
        assert all(isinstance(remark, str) for remark in remarks(chain)) and chain.holds()
        pathlike += len(chain.path) > 1
    assert pathlike > 100
