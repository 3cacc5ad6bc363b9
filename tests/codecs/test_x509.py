"""Certificates of many kinds as columns, held against what the cryptography package says; and damaged ones."""

from __future__ import annotations

import hashlib
import random
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from pcapkit.codecs.x509 import SECOND, read_certificate

BEGIN, END = datetime(2023, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2033, 1, 2, 3, 4, 5, tzinfo=UTC)
INSIDE = datetime(2024, 5, 6, tzinfo=UTC)
SERIAL = 0x0A5F

ISSUER = x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "NL"), x509.NameAttribute(NameOID.COMMON_NAME, "Some CA, Inc")])
SUBJECT = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Bäckerei"),
                     x509.NameAttribute(NameOID.COMMON_NAME, "example.org")])
NAMES: list[x509.GeneralName] = [
    x509.DNSName("example.org"), x509.DNSName("*.example.org"), x509.IPAddress(ip_address("192.0.2.7")),
    x509.IPAddress(ip_address("2001:db8::7")), x509.RFC822Name("post@example.org"),
    x509.UniformResourceIdentifier("https://example.org/"), x509.RegisteredID(x509.ObjectIdentifier("1.2.3")),
    x509.DirectoryName(ISSUER), x509.OtherName(x509.ObjectIdentifier("1.3.6.1.5.5.7.8.5"), b"\x0c\x01a")]


@cache
def key(kind: str) -> Any:
    match kind.split():
        case ["RSA", size]:
            return rsa.generate_private_key(65537, int(size))
        case ["DSA", size]:
            return dsa.generate_private_key(int(size))
        case ["EC", curve]:
            return ec.generate_private_key({"secp256r1": ec.SECP256R1(), "secp384r1": ec.SECP384R1(),
                                            "secp192r1": ec.SECP192R1()}[curve])
        case ["Ed448"]:
            return ed448.Ed448PrivateKey.generate()
    return ed25519.Ed25519PrivateKey.generate()


def make(kind: str = "EC secp256r1", subject: x509.Name = SUBJECT, issuer: x509.Name = ISSUER, begin: datetime = BEGIN,
         end: datetime = END, names: list[x509.GeneralName] | None = None, digest: Any = None, signer: str = "EC secp256r1",
         pss: bool = False) -> x509.Certificate:
    """A certificate for a key of `kind`, signed by the key `signer`."""
    builder = x509.CertificateBuilder(issuer, subject, key(kind).public_key(), SERIAL, begin, end)
    if names is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if digest is None and not signer.startswith("Ed"):
        digest = hashes.SHA256()
    return builder.sign(key(signer), digest, rsa_padding=padding.PSS(padding.MGF1(digest), 32) if pss else None)


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def at(moment: datetime) -> int:
    return int(moment.timestamp()) * SECOND


@pytest.mark.parametrize("kind", ["RSA 2048", "RSA 3072", "EC secp256r1", "EC secp384r1", "Ed25519", "Ed448"])
def test_the_columns_are_what_the_certificate_says(kind: str) -> None:
    made = make(kind, names=NAMES)
    read = read_certificate(der(made))
    assert read.sha256 == hashlib.sha256(der(made)).hexdigest() == made.fingerprint(hashes.SHA256()).hex()
    assert (read.subject, read.issuer) == (made.subject.rfc4514_string(), made.issuer.rfc4514_string())
    assert (read.subject, read.issuer) == ("CN=example.org,O=Bäckerei", "CN=Some CA\\, Inc,C=NL")
    assert (read.serial, int(read.serial or "", 16)) == ("0a5f", made.serial_number)
    assert (read.not_before, read.not_after) == (at(made.not_valid_before_utc), at(made.not_valid_after_utc))
    assert (read.key, read.signature) == (kind, "ecdsa-with-SHA256")
    assert not read.self_signed and read.defects == [] == read.defects_at(at(INSIDE))


def test_every_kind_of_name_is_told() -> None:
    assert read_certificate(der(make(names=NAMES))).names == [
        "example.org", "*.example.org", "192.0.2.7", "2001:db8::7", "post@example.org", "https://example.org/", "id:1.2.3",
        "directory:CN=Some CA\\, Inc,C=NL", "other:1.3.6.1.5.5.7.8.5"]


def test_a_common_name_is_no_alternative_name() -> None:
    read = read_certificate(der(make()))
    assert read.names == [] and read.subject == "CN=example.org,O=Bäckerei" and read.defects == []


def test_an_empty_subject_is_told_as_empty() -> None:
    read = read_certificate(der(make(subject=x509.Name([]), names=[x509.DNSName("a")])))
    assert read.subject == "" and read.names == ["a"] and read.defects == []


def test_a_network_among_the_names_is_told() -> None:
    """Eight bytes, which only name constraints may have (RFC 5280, 4.2.1.10)."""
    read = read_certificate(der(make(names=[x509.IPAddress(ip_network("192.0.2.0/24")), x509.DNSName("a")])))
    assert read.names == ["192.0.2.0/24", "a"]


@pytest.mark.parametrize(("signer", "digest", "pss", "signature"), [
    ("RSA 2048", hashes.SHA256(), False, "sha256WithRSAEncryption"),
    ("RSA 2048", hashes.SHA384(), False, "sha384WithRSAEncryption"),
    ("RSA 2048", hashes.SHA512(), False, "sha512WithRSAEncryption"), ("RSA 2048", hashes.SHA256(), True, "rsassaPss"),
    ("EC secp384r1", hashes.SHA384(), False, "ecdsa-with-SHA384"), ("DSA 2048", hashes.SHA256(), False, "dsa_with_SHA256"),
    ("Ed25519", None, False, "ED25519"), ("Ed448", None, False, "ED448"),
], ids=lambda value: getattr(value, "name", str(value)))
def test_the_signature_is_named_as_openssl_names_it(signer: str, digest: Any, pss: bool, signature: str) -> None:
    made = make(signer=signer, digest=digest, pss=pss)
    read = read_certificate(der(made))
    assert read.signature == signature and read.defects == []


SHA256_WITH_RSA, SHA1_WITH_RSA, MD5_WITH_RSA = (bytes.fromhex(f"06092a864886f70d0101{last}") for last in ("0b", "05", "04"))


@pytest.mark.parametrize(("oid", "defect"), [(SHA1_WITH_RSA, "SHA1 signature"), (MD5_WITH_RSA, "MD5 signature")])
def test_a_broken_digest_is_a_defect(oid: bytes, defect: str) -> None:
    """Nobody signs so any more: the algorithm is exchanged, which the codec does not verify."""
    read = read_certificate(der(make(signer="RSA 2048")).replace(SHA256_WITH_RSA, oid))
    assert read.defects == [defect]


@pytest.mark.parametrize(("kind", "defects"), [
    ("RSA 1024", ["weak key: RSA 1024"]), ("DSA 1024", ["weak key: DSA 1024"]), ("EC secp192r1", ["weak key: EC secp192r1"]),
    ("RSA 2048", [])])
def test_a_short_key_is_a_defect(kind: str, defects: list[str]) -> None:
    read = read_certificate(der(make(kind)))
    assert (read.key, read.defects) == (kind, defects)


@pytest.mark.parametrize("kind", ["RSA 2048", "EC secp256r1", "Ed25519"])
def test_self_signed_means_signed_by_itself(kind: str) -> None:
    own = read_certificate(der(make(kind, subject=ISSUER, signer=kind)))
    assert own.self_signed and own.defects == ["self-signed"]
    for signer in ("RSA 3072", "EC secp384r1", "Ed448"):
        namesake = read_certificate(der(make(kind, subject=ISSUER, signer=signer)))
        assert not namesake.self_signed and namesake.defects == []


def test_a_signature_that_cannot_be_tried_leaves_the_names_to_tell() -> None:
    read = read_certificate(der(make("RSA 2048", subject=ISSUER, signer="RSA 2048")).replace(SHA256_WITH_RSA, MD5_WITH_RSA))
    assert read.self_signed and read.defects == ["MD5 signature", "self-signed"]


def test_the_dates_are_judged_at_a_moment_and_both_belong_to_the_validity() -> None:
    read = read_certificate(der(make()))
    second = timedelta(seconds=1)
    for moment, valid, defects in (
            (BEGIN - second, False, ["not yet valid at capture"]), (BEGIN, True, []), (END, True, []),
            (END + second, False, ["expired at capture"])):
        assert (read.valid_at(at(moment)), read.defects_at(at(moment))) == (valid, defects)
    assert read.valid_at(at(END) + SECOND - 1)


def test_dates_that_the_columns_do_not_hold() -> None:
    """The year 9999 means: no end (RFC 5280, 4.1.2.5)."""
    for_ever = read_certificate(der(make(end=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))))
    assert for_ever.not_after is None and for_ever.valid_at(at(INSIDE))
    assert for_ever.defects == ["ends beyond 64 bits of nanoseconds: 9999-12-31"]
    old = read_certificate(der(make(begin=datetime(1955, 1, 1, tzinfo=UTC))))
    assert old.not_before == at(datetime(1955, 1, 1, tzinfo=UTC)) and old.valid_at(at(INSIDE))


def test_a_certificate_is_read_once_unless_it_is_long() -> None:
    short, long = der(make()), der(make(names=[x509.DNSName(f"host{i}.example.org") for i in range(1000)]))
    assert read_certificate(short) is read_certificate(short)
    assert read_certificate(long) is not read_certificate(long) and len(read_certificate(long).names or ()) == 1000


# Damage

PARTS = ("subject", "issuer", "serial", "begins", "ends", "names", "key", "signature")
KINDS = [("RSA 2048", "RSA 2048"), ("EC secp256r1", "EC secp256r1"), ("Ed25519", "Ed25519")]


def mutants(number: int) -> list[bytes]:
    chance = random.Random(5280)
    wholes = [der(make(kind, names=NAMES, signer=signer)) for kind, signer in KINDS]
    found = []
    for _ in range(number):
        data = bytearray(chance.choice(wholes))
        for _ in range(chance.choice((1, 1, 2, 8))):
            start = chance.randrange(len(data))
            what = chance.randrange(4)
            if what == 0:
                was = data[start]
                data[start] = chance.choice((0, 0x7F, 0x80, 0x84, 0xFF, was ^ 1, was ^ 0x80, chance.randrange(256)))
            elif what == 1:
                del data[start:start + chance.randrange(1, 9)]
            elif what == 2:
                data[start:start] = chance.randbytes(chance.randrange(1, 9))
            else:
                data[start:start] = data[start:start + chance.randrange(1, 30)]
        found.append(bytes(data))
    return found


def test_mutants_never_raise_and_what_they_lack_is_named() -> None:
    """A part that could not be read is None and named (the head of the module)."""
    partly = 0
    for data in mutants(2_000):
        read = read_certificate(data)
        assert read.sha256 == hashlib.sha256(data).hexdigest()
        lost = [part for part in PARTS if getattr(read, part) is None]
        named = [defect for defect in read.defects if defect.startswith("malformed ")]
        assert not lost or named, (lost, read.defects)
        assert not named or lost or named[0].startswith("malformed certificate"), read.defects
        assert all(len(defect) <= 200 for defect in read.defects_at(at(INSIDE)))
        assert read.valid_at(at(INSIDE)) is None or None not in (read.begins, read.ends)
        partly += 0 < len(lost) < len(PARTS)
    assert partly > 20


@pytest.mark.parametrize("kind", ["RSA 2048", "EC secp256r1", "EC secp192r1", "DSA 1024", "Ed25519"])
@pytest.mark.parametrize("how", ["a byte more", "version", "begin"])
def test_what_is_refused_as_a_whole_is_read_all_the_same(kind: str, how: str) -> None:
    """By own code, with the same columns."""
    good = der(make(kind, names=NAMES[:-1], signer="RSA 2048"))
    bad = {"a byte more": good + b"\0", "version": good.replace(b"\xa0\3\2\1\2", b"\xa0\3\2\1\5", 1),
           "begin": good.replace(b"230102030405Z", b"2301020304 5Z")}[how]
    assert bad != good
    read, right = read_certificate(bad), read_certificate(good)
    assert read.defects[0].startswith("malformed certificate")
    for part in PARTS:
        if not (how == "begin" and part == "begins"):
            assert getattr(read, part) == getattr(right, part), part


def test_a_cut_certificate_is_told_as_cut() -> None:
    data = der(make(names=NAMES))
    for stop in range(len(data)):
        read = read_certificate(data[:stop])
        assert read.sha256 == hashlib.sha256(data[:stop]).hexdigest()
        assert any(defect.startswith("malformed certificate") for defect in read.defects)


@pytest.mark.parametrize(("old", "new", "part", "named"), [
    (b"\x82\x0bexample.org", b"\x82\x0bexample.\xff\xff\xff", "names", "malformed alternative names"),
    (b"\x0c\x0bexample.org", b"\x0c\x0bexample.\xff\xff\xff", "subject", "malformed subject"),
    (b"\x0c\x0cSome CA", b"\x0c\x0cSome \xff\xff", "issuer", "malformed issuer"),
    (b"\x03\x42\x00\x04", b"\x03\x42\x00\x09", "key", "malformed key"),
])
def test_one_bad_part_does_not_hide_the_others(old: bytes, new: bytes, part: str, named: str) -> None:
    data = der(make(names=[x509.DNSName("example.org")]))
    assert data.count(old) == 1
    good, bad = read_certificate(data), read_certificate(data.replace(old, new))
    assert getattr(bad, part) is None and [defect for defect in bad.defects if defect.startswith(named)]
    for other in set(PARTS) - {part}:
        assert getattr(bad, other) == getattr(good, other) is not None
