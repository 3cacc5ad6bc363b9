"""The samples whose logins are answers to challenges, or passwords in binary messages: what is told of them, what tshark makes
of the same captures, and that the password is what the crackers' lines are made of.
"""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import pytest
from said import Row, rows, shown_by_tshark
from scapy.utils import PcapReader
from simplified import ANSWER, TICKET, TIMESTAMP, fits

from pcapkit.follow import secret_ranges

SAMPLES = Path(__file__).parents[2] / "samples"
PASSWORD = "battery-staple"
LOGINS: dict[str, list[tuple[str, str, str, int | None]]] = {
    "snmp/agent.pcap": [
        ("community", "", "unknown", None), ("community", "", "accepted", None), ("community", "", "accepted", None),
        ("usm", "jan", "rejected", 25000), ("usm", "jan", "accepted", 25000), ("usm", "eva", "accepted", 25000),
        ("usm", "ann", "accepted", 26800), ("community", "", "unknown", None)],
    "kerberos/kdc.pcap": [
        ("pa-enc-timestamp", "jan@EXAMPLE.COM", "rejected", 19900), ("pa-enc-timestamp", "ann@EXAMPLE.COM", "accepted", 19800),
        ("pa-enc-timestamp", "eva@EXAMPLE.COM", "accepted", 7500), ("as-rep", "tom@EXAMPLE.COM", "accepted", 18200),
        ("as-rep", "ida@EXAMPLE.COM", "accepted", 32200), ("pa-enc-timestamp", "jan@EXAMPLE.COM", "accepted", 19900),
        ("tgs-rep", "jan@EXAMPLE.COM", "accepted", 13100), ("tgs-rep", "jan@EXAMPLE.COM", "accepted", 19700)],
    "ldap/binds.pcap": [
        ("simple", "cn=jan,dc=example,dc=com", "rejected", None), ("simple", "cn=jan,dc=example,dc=com", "accepted", None),
        ("plain", "jan", "rejected", None), ("plain", "jan", "rejected", None), ("cram-md5", "jan", "rejected", 10200),
        ("cram-md5", "jan", "accepted", 10200), ("digest-md5", "jan", "rejected", None), ("digest-md5", "jan", "accepted", None),
        ("ntlm", "LDAP.EXAMPLE.COM\\jan", "rejected", 5500), ("ntlm", "LDAP.EXAMPLE.COM\\jan", "accepted", 5500),
        ("scram-sha-256", "jan", "rejected", None), ("scram-sha-256", "jan", "accepted", None)],
    "radius/access.pcap": [
        ("user-password", "jan", "rejected", None), ("user-password", "jan", "accepted", None), ("chap", "jan", "rejected", 4800),
        ("chap", "jan", "accepted", 4800), ("ms-chap", "jan", "rejected", 5500), ("ms-chap", "jan", "accepted", 5500),
        ("eap-md5", "jan", "accepted", 4800)],
    "sip/calls.pcap": [
        ("digest", "jan", "rejected", 11400), ("digest", "jan", "accepted", 11400), ("digest", "jan", "accepted", 11400),
        ("digest", "jan", "unknown", 11400)],
    "smb/share.pcap": [
        ("ntlm", "SAMPLE\\jan", "rejected", 5600), ("ntlm", "SAMPLE\\jan", "accepted", 5600),
        ("ntlm", "SAMPLE\\jan", "accepted", 5600), ("ntlm", "SAMPLE\\eva", "unknown", 5600),
        ("ntlm", "SAMPLE\\jan", "accepted", 5600), ("ntlm", "SAMPLE\\jan", "rejected", 5500),
        ("ntlm", "SAMPLE\\jan", "accepted", 5500)],
}
SHOWN = {
    "kerberos/kdc.pcap": "(kerberos.padata_type == 2 && kerberos.msg_type == 10) || frame.number in {14, 16} || "
                         "(kerberos.msg_type == 13 && kerberos.SNameString != \"krbtgt\")",
    "ldap/binds.pcap": "(ldap.simple != \"\" || ldap.credentials) && !(frame contains \"n,,n=jan\") && "
                       "!(frame contains \"NTLMSSP\\x00\\x01\")",
    "radius/access.pcap": "radius.avp.type in {2, 3} || radius.MS_CHAP_Response || "
                          "(radius.code == 1 && eap.type == 4)",
    "sip/calls.pcap": "sip.auth.digest.response",
    "smb/share.pcap": "ntlmssp.messagetype == 3 || smb.unicode_password",
}
"""Wireshark's filters for the messages with logins; of answers without a time stamp before them it knows none."""


def logins(name: str) -> list[Row]:
    return sorted(rows(SAMPLES / name, show_secrets=True)["credentials"], key=lambda row: row["frame"])


@pytest.mark.parametrize("name", LOGINS)
def test_logins(name: str) -> None:
    assert [(r["mechanism"], r["username"], r["outcome"], r["hashcat_mode"]) for r in logins(name)] == LOGINS[name]


@pytest.mark.parametrize("name", LOGINS)
def test_without_leave_no_secret_is_shown(name: str) -> None:
    shown = str(rows(SAMPLES / name))
    for row in logins(name):
        assert not any(row[column] and row[column] in shown for column in ("secret", "hashcat", "john"))


def test_every_community_is_masked_in_its_frame() -> None:
    path = SAMPLES / "snmp/agent.pcap"
    hidden = secret_ranges(path)
    with PcapReader(str(path)) as packets:
        for frame, packet in enumerate(packets, 1):
            data = bytes(packet)
            words = [word for word in (b"correct-horse", b"wrong-horse", b"trap-word") if word in data]
            assert [data[low:high] for low, high in hidden.get(frame, ()) if high - low != 12 and high - low != 24] == words


@pytest.mark.oracle
@pytest.mark.parametrize("name", SHOWN)
def test_tshark_sees_logins_in_the_same_frames(name: str) -> None:
    assert [r["frame"] for r in logins(name)] == shown_by_tshark(SAMPLES / name, SHOWN[name])


@pytest.mark.oracle
def test_tshark_reads_the_same_communities() -> None:
    path = SAMPLES / "snmp/agent.pcap"
    for row in logins("snmp/agent.pcap"):
        field = f'snmp.community == "{row["secret"]}"' if row["mechanism"] == "community" else (
            f'snmp.msgUserName == "{row["username"]}" && snmp.msgAuthenticationParameters == {row["secret"]}')
        assert row["frame"] in shown_by_tshark(path, field)


def test_the_password_makes_the_digests_of_snmp() -> None:
    for row in logins("snmp/agent.pcap"):
        if row["hashcat"] and row["outcome"] == "accepted":
            _, _, _, _, message, engine, digest = row["hashcat"].split("$")
            assert any(_snmp(method, bytes.fromhex(message), bytes.fromhex(engine)).startswith(digest)
                       for method in ("md5", "sha1", "sha256"))


def _snmp(method: str, message: bytes, engine: bytes) -> str:
    """RFC 3414, 6.3 and A.2."""
    key = hashlib.new(method, (PASSWORD * (1_048_576 // len(PASSWORD) + 1)).encode()[:1_048_576]).digest()
    return hmac.new(hashlib.new(method, key + engine + key).digest(), message, method).hexdigest()


def test_the_password_opens_what_kerberos_encrypts_with_aes() -> None:
    tried = []
    for row in logins("kerberos/kdc.pcap"):
        _, _, etype, *who, last = row["hashcat"].split("$")
        if etype not in ("17", "18"):
            continue
        usage = {"pa-enc-timestamp": TIMESTAMP, "as-rep": ANSWER, "tgs-rep": TICKET}[row["mechanism"]]
        raw = bytes.fromhex(last)
        cipher, checksum = (raw[:-12], raw[-12:]) if usage == TIMESTAMP else (raw, bytes.fromhex(who[2]))
        password = "correct-horse" if usage == TICKET else PASSWORD
        tried.append(fits(password, who[1] + who[0], int(etype), usage, cipher, checksum) is (row["outcome"] == "accepted"))
    assert tried == [True] * 5


def test_the_password_makes_the_answers_of_chap() -> None:
    for row in logins("radius/access.pcap"):
        if row["hashcat_mode"] == 4800 and row["outcome"] == "accepted":
            answer, challenge, number = row["hashcat"].split(":")
            assert hashlib.md5(bytes.fromhex(number) + PASSWORD.encode() + bytes.fromhex(challenge)).hexdigest() == answer


def test_the_password_makes_the_digests_of_sip() -> None:
    for row in logins("sip/calls.pcap")[1:]:
        _, _, _, user, realm, method, *uri, nonce, cnonce, count, quality, _, response = row["hashcat"].split("*")
        first = hashlib.md5(f"{user}:{realm}:{PASSWORD}".encode()).hexdigest()
        second = hashlib.md5(f"{method}:{':'.join(filter(None, uri))}".encode()).hexdigest()
        parts = [first, nonce, *filter(None, (count, cnonce, quality)), second]
        assert hashlib.md5(":".join(parts).encode()).hexdigest() == response
