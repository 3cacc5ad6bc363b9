"""Certificates as text, line by line what OpenSSL says of them: of many kinds, odd ones, those of captures; and damage."""

from __future__ import annotations

import random
import subprocess
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest

from pcapkit.analysis import Options
from pcapkit.certificates.text import certificate_text
from pcapkit.codecs.der import read_parts
from pcapkit.dissectors.tls import CertificateSeen
from pcapkit.errors import DissectError
from pcapkit.sightings import sightings

pytestmark = pytest.mark.usefixtures("openssl")

KEYS = {"rsa": "-algorithm RSA -pkeyopt rsa_keygen_bits:2048", "rsa1024": "-algorithm RSA -pkeyopt rsa_keygen_bits:1024",
        "rsa3": "-algorithm RSA -pkeyopt rsa_keygen_bits:1024 -pkeyopt rsa_keygen_pubexp:3",
        "rsa-long-exponent": "-algorithm RSA -pkeyopt rsa_keygen_bits:1024 -pkeyopt rsa_keygen_pubexp:36893488147419103363",
        "rsa-odd": "-algorithm RSA -pkeyopt rsa_keygen_bits:1023",
        "pss": "-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:1024",
        "pss-bound": "-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:1024 -pkeyopt rsa_pss_keygen_md:sha256 "
                     "-pkeyopt rsa_pss_keygen_mgf1_md:sha256 -pkeyopt rsa_pss_keygen_saltlen:32",
        "ed25519": "-algorithm ED25519", "ed448": "-algorithm ED448",
        **{curve: f"-algorithm EC -pkeyopt ec_paramgen_curve:{curve}" for curve in (
            "P-256", "P-384", "P-521", "secp256k1", "secp224r1", "prime192v1", "brainpoolP256r1", "sect283k1")}}

ALL = """basicConstraints=critical,CA:TRUE,pathlen:3
keyUsage=critical,digitalSignature,nonRepudiation,keyCertSign,cRLSign,encipherOnly,decipherOnly
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid:always,issuer:always
extendedKeyUsage=serverAuth,clientAuth,1.3.6.1.4.1.99999.1,anyExtendedKeyUsage,OCSPSigning
authorityInfoAccess=OCSP;URI:http://ocsp.example.org/,caIssuers;URI:http://example.org/ca.der,1.2.3.4;URI:ldap://x
crlDistributionPoints=URI:http://example.org/a.crl,URI:http://example.org/b.crl
tlsfeature=status_request,status_request_v2"""


def timestamp(extensions: bytes, kind: bytes) -> bytes:
    """A signed certificate timestamp (RFC 6962, 3.2) behind its length."""
    body = b"\0" + bytes(range(32)) + (1_604_529_185_110).to_bytes(8, "big") + len(extensions).to_bytes(2, "big") + extensions
    body += kind + b"\0\x46" + bytes(range(70))
    return len(body).to_bytes(2, "big") + body


def listed(*stamps: bytes) -> bytes:
    """Timestamps as the extension holds them (RFC 6962, 3.3)."""
    body = b"".join(stamps)
    inner = len(body).to_bytes(2, "big") + body
    assert 127 < len(inner) < 256
    return b"\x04\x81" + bytes((len(inner),)) + inner


TIMESTAMPS, ODD_TIMESTAMP = listed(*2 * [timestamp(b"", b"\4\3")]), listed(timestamp(b"\1\2\3" * 9, b"\4\1"))

EXTENSIONS = {
    "all": ALL,
    "none": "",
    "not-a-ca": "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature,keyEncipherment,dataEncipherment,keyAgreement",
    "names": "subjectAltName=DNS:example.org,DNS:*.example.org,IP:192.0.2.7,IP:2001:db8::7,email:post@example.org,"
             "URI:https://example.org/?a=b,RID:1.2.3.4,dirName:dn,otherName:1.2.3.4;UTF8:other\n"
             "issuerAltName=DNS:issuer.example.org\n[dn]\nC=NL\nO=Some, Inc\nCN=Bäcker",
    "other-names": "subjectAltName=otherName:1.3.6.1.4.1.311.20.2.3;UTF8:jan@example.org,"
                   "otherName:1.3.6.1.5.5.7.8.7;IA5:_x.example.org,"
                   "otherName:1.3.6.1.5.5.7.8.5;UTF8:jan@example.org,otherName:1.3.6.1.5.5.7.8.9;UTF8:jan@example.org",
    "empty-names": "subjectAltName=DER:3000",
    "points": "crlDistributionPoints=one,two,three\n[one]\nfullname=URI:http://example.org/a.crl,dirName:dn\n"
              "CRLissuer=dirName:dn\nreasons=keyCompromise,CACompromise\n[two]\nrelativename=rel\n[three]\n"
              "CRLissuer=dirName:dn\n[dn]\nC=NL\nO=Some, Inc\n[rel]\nCN=relative",
    "freshest": "freshestCRL=URI:http://example.org/delta.crl",
    "policies": "certificatePolicies=2.5.29.32.0,2.23.140.1.2.1,@one,@two\n[one]\npolicyIdentifier=1.3.5.8\n"
                "CPS.1=http://example.org/cps\nCPS.2=http://example.org/more\nuserNotice.1=@notice\n[notice]\n"
                "explicitText=UTF8:Read me\norganization=Some, Inc\nnoticeNumbers=1,2,3\n[two]\n"
                "policyIdentifier=1.3.5.9\nuserNotice.1=@short\n[short]\nexplicitText=Just this",
    "notice-number": "certificatePolicies=ia5org,@one\n[one]\npolicyIdentifier=1.3.5.8\nuserNotice.1=@notice\n[notice]\n"
                     "organization=Org\nnoticeNumbers=7",
    "constraints": "nameConstraints=critical,permitted;DNS:example.org,permitted;IP:10.0.0.0/255.0.0.0,"
                   "permitted;email:.example.org,excluded;DNS:bad.example.org,excluded;IP:2001:db8::/ffff:ffff::,"
                   "permitted;dirName:dn,excluded;URI:.example.org\n[dn]\nC=NL\nO=Org",
    "policy-constraints": "policyConstraints=requireExplicitPolicy:3,inhibitPolicyMapping:0\ninhibitAnyPolicy=2\n"
                          "policyMappings=1.2.3:1.2.4,1.2.5:1.2.6",
    "policy-half": "policyConstraints=inhibitPolicyMapping:1",
    "netscape": "nsCertType=client,server,email,objsign,sslCA,emailCA,objCA\nnsComment=made by hand\n"
                "nsBaseUrl=http://example.org/\nnsSslServerName=example.org\nnsCaPolicyUrl=http://example.org/p",
    "key-period": "2.5.29.16=DER:3022800f32303230303130313030303030305a810f32303231303130313030303030305a",
    "unknown": "1.2.3.4.5=critical,ASN1:UTF8String:something that is longer than a line of a dump\n1.2.3.4.6=DER:00ff",
    "timestamps": f"1.3.6.1.4.1.11129.2.4.2=DER:{TIMESTAMPS.hex()}",
    "timestamp-odd": f"1.3.6.1.4.1.11129.2.4.2=DER:{ODD_TIMESTAMP.hex()}",
    "no-check": "noCheck=yes",
    "poison": "1.3.6.1.4.1.11129.2.4.3=critical,DER:0500",
    "access": "subjectInfoAccess=caRepository;URI:http://example.org/,caRepository;dirName:dn\n[dn]\nCN=x",
    "feature-number": "tlsfeature=status_request,42",
    "authority-key": "authorityKeyIdentifier=keyid:always\nsubjectKeyIdentifier=0102030405",
    "authority-issuer": "authorityKeyIdentifier=issuer:always",
    "broken-constraints": "basicConstraints=DER:3003020101",
    "broken-usage": "keyUsage=DER:0401ff",
    "broken-names": "subjectAltName=DER:30058205616263",
    "qc": "1.3.6.1.5.5.7.1.3=DER:300a3008060604008e460101",
    "template": "1.3.6.1.4.1.311.20.2=ASN1:BMPString:WebServer",
}

SUBJECTS = {
    "plain": "C = NL\nO = Some Org\nCN = example.org",
    "escapes": 'O = Quoted\\, "Inc"\nOU = a+b;c<d>e\nL = \\#sharp\nCN = back\\\\slash',
    "unicode": "O = Bäckerei Übel\nCN = 例え.example",
    "many": "C = NL\nST = NH\nL = Town\nstreet = Road 1\npostalCode = 1000 AA\nserialNumber = 7\nDC = example\nUID = jan\n"
            "title = Dr\nGN = Jan\nSN = Last\ninitials = J\ndnQualifier = q\npseudonym = p\nname = n\n"
            "emailAddress = jan@example.org\nbusinessCategory = Private\njurisdictionC = NL\nunstructuredName = u\n"
            "organizationIdentifier = NTRNL-1\ndescription = d\n1.2.3.4 = unknown",
    "grouped": "C = NL\nOU = one\n+CN = two",
    "empty": "", "control": "CN = a\\tb",
}

SERIALS = ["1", "0", "127", "128", "-1", "-128", "0x7fffffffffffffff", "0x8000000000000000", "-0x8000000000000000",
           "0xffffffffffffffffffffffffffffffffffffffff", "-0xffffffffffffffffffffff", "0x0123456789abcdef01"]

SIGNATURES = {
    "md5": ("rsa", "-md5"), "sha1": ("rsa", "-sha1"), "sha224": ("rsa", "-sha224"), "sha384": ("rsa", "-sha384"),
    "sha512": ("rsa", "-sha512"), "sha512-256": ("rsa", "-sha512-256"), "sha3": ("rsa", "-sha3-256"),
    "pss": ("rsa", "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32"),
    "pss-sha1": ("rsa", "-sha1 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:20"),
    "pss-mixed": ("rsa", "-sha384 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:11 -sigopt rsa_mgf1_md:sha256"),
    "ecdsa-sha1": ("P-256", "-sha1"), "ecdsa-sha512": ("P-256", "-sha512"), "ecdsa-sha3": ("P-256", "-sha3-384"),
}


@cache
def workshop() -> Path:
    return Path(mkdtemp(prefix="pcapkit-certificates-"))


@cache
def key(kind: str) -> Path:
    path = workshop() / f"{kind}.key"
    if kind == "dsa":
        subprocess.run(["openssl", "dsaparam", "-genkey", "-noout", "-out", path, "1024"], check=True, capture_output=True)
    else:
        subprocess.run(["openssl", "genpkey", *KEYS[kind].split(), "-out", path], check=True, capture_output=True)
    return path


def make(kind: str = "P-256", extensions: str = "", subject: str = SUBJECTS["plain"], serial: str = "0x0a5f",
         options: str = "") -> bytes:
    """A certificate signed with its own key, made by OpenSSL; DER."""
    config = workshop() / "config"
    # X509v3 sections follow their own; what is in no section of its own is of [ext].
    config.write_text("[req]\nprompt=no\nstring_mask=utf8only\ndistinguished_name=subject\n"
                      f"[subject]\n{subject}\n[ext]\n{extensions}\n")
    command = ["openssl", "req", "-x509", "-new", "-key", key(kind), "-config", config, "-extensions", "ext", "-days", "30",
               "-utf8", "-set_serial", serial, "-outform", "DER", *options.split()]
    if not subject:
        command += ["-subj", "/"]
    made = subprocess.run(command, capture_output=True)
    assert made.returncode == 0, made.stderr.decode()
    return made.stdout


def openssl_text(der: bytes) -> str:
    run = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-text", "-certopt", "ext_dump"], input=der,
                         capture_output=True)
    return run.stdout.decode("utf-8", "replace") if run.returncode == 0 else ""


def lines(text: str) -> list[str]:
    """Without white space, which differs from version to version, and without empty lines.

    OpenSSL leaves out the end of the line in front of reasons.
    """
    return [found for line in text.replace("Reasons:", "\nReasons:").splitlines() if (found := "".join(line.split()))]


def same(der: bytes) -> None:
    theirs = openssl_text(der)
    assert theirs
    assert lines(certificate_text(der)) == lines(theirs)


@pytest.mark.parametrize("kind", [*KEYS, "dsa"])
def test_keys(kind: str) -> None:
    same(make(kind, ALL))


@pytest.mark.parametrize("name", EXTENSIONS)
def test_extensions(name: str) -> None:
    same(make(extensions=EXTENSIONS[name]))


@pytest.mark.parametrize("name", SUBJECTS)
def test_names(name: str) -> None:
    same(make(subject=SUBJECTS[name]))


@pytest.mark.parametrize("serial", SERIALS)
def test_serial_numbers(serial: str) -> None:
    same(make(serial=serial))


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures(name: str) -> None:
    kind, options = SIGNATURES[name]
    same(make(kind, options=options))


@pytest.mark.parametrize(("tag", "content"), [
    (0x14, b"B\xe4cker"), (0x13, b"Backer"), (0x16, b"B\xe4cker"), (0x1E, b"\0B\0\xe4\0c"), (0x0D, b"oid..."),
    (0x0C, b"B\xe4cker"), (0x12, b"123456"), (0x04, b"octets"), (0x02, b"\1\2\3\4\5\6"), (0x1C, b"\0\0\0B\0\0")])
def test_other_kinds_of_texts(tag: int, content: bytes) -> None:
    """Where OpenSSL reads it at all."""
    der = make(subject="O = Backer").replace(b"\x0c\6Backer", bytes((tag, 6)) + content)
    if openssl_text(der):
        same(der)
    else:
        assert "O = " in certificate_text(der)


@pytest.mark.parametrize("words", ["300101000000Z", "500101000000Z", "491231235959Z", "990229000000Z", "9901010000Z",
                                   "990101000000+0100", "991301000000Z", "garbage"])
def test_times(words: str) -> None:
    der = make()
    begins = read_parts(der).begins.content
    if len(words) == len(begins):
        same(der.replace(begins, words.encode()))
    else:
        assert "Not After" in certificate_text(der)


def test_damage_is_shown_not_raised() -> None:
    """Whatever OpenSSL still reads, and all else, comes out as text."""
    seed = random.Random(2)
    ders = [make(extensions=text) for text in (ALL, EXTENSIONS["policies"], EXTENSIONS["names"], EXTENSIONS["points"])]
    for _ in range(1500):
        damaged = bytearray(seed.choice(ders))
        for _ in range(seed.randrange(1, 4)):
            damaged[seed.randrange(len(damaged))] = seed.randrange(256)
        assert certificate_text(bytes(damaged[:seed.choice((len(damaged), seed.randrange(len(damaged))))])).startswith("Cert")


def test_nothing_at_all() -> None:
    assert certificate_text(b"").startswith("Certificate: not readable")
    with pytest.raises(DissectError):
        read_parts(b"0\x03\x02\x01\x01")


@pytest.mark.corpus
def test_certificates_that_others_captured(corpus: Path) -> None:
    """All that OpenSSL can read."""
    compared = 0
    paths = [path for path in sorted(corpus.glob("*/*.pcap*")) if path.suffix in (".pcap", ".pcapng", ".gz")]
    for record in sightings(CertificateSeen, list(map(str, paths)), Options(unreadable=lambda *_: None)):
        if openssl_text(record.der):
            same(record.der)
            compared += 1
    assert compared > 50
