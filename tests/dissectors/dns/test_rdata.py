"""Resource data as text: what stands behind a record is another's, however much of itself the record lacks."""

from __future__ import annotations

import dns.rdata
import dns.rdatatype
import pytest

from pcapkit.dissectors.dns.rdata import generic, text

RECORDS = {
    "MX": "10 mail.example.", "SOA": "ns.example. admin.example. 1 2 3 4 5", "SRV": "1 2 443 host.example.",
    "CAA": '0 issue "ca.example"', "DS": "60485 5 1 2bb183af5f22588179a53b0a98631fad1a292118", "TXT": '"one" "two"',
    "DNSKEY": "256 3 5 AQPSKmynfzW4kyBv015MUG2DeIQ3", "TLSA": f"3 1 1 {bytes(range(32)).hex()}",
    "SSHFP": f"2 1 {bytes(range(20)).hex()}",
    "RRSIG": "A 5 3 86400 20300322173103 20300220173103 2642 example. oJB1W6WNGv+l", "NSEC": "host.example. A MX RRSIG",
    "NAPTR": '100 50 "s" "z3950+I2L" "" _z3950._tcp.example.', "HINFO": '"PC" "Linux"', "URI": '10 1 "ftp://ftp.example"',
    "HTTPS": "1 . alpn=h2 ipv4hint=192.0.2.1", "AAAA": "2001:db8::1", "NS": "ns.example.", "A": "192.0.2.1"}


@pytest.mark.parametrize("kind", RECORDS)
def test_a_record_cut_anywhere_shows_nothing_of_what_follows(kind: str) -> None:
    number = dns.rdatatype.from_text(kind)
    data = dns.rdata.from_text("IN", kind, RECORDS[kind]).to_wire()
    assert data is not None
    before, behind = bytes(12), b"\x05other\x07example\0" * 3
    for stop in range(len(data) + 1):
        message = before + data[:stop]
        assert text(number, message + behind, 12, len(message)) == text(number, message, 12, len(message))


@pytest.mark.parametrize(("kind", "raw"), [(15, b"\0"), (43, b"\xec\x45\x05"), (52, b"\3"), (257, b"\0\5iss"), (28, bytes(15))])
def test_a_record_shorter_than_its_fields_is_shown_in_the_generic_form(kind: int, raw: bytes) -> None:
    assert text(kind, raw + bytes(20), 0, len(raw)) == generic(raw)


def test_the_same_data_with_a_pointer_is_read_in_each_message_anew() -> None:
    mx = b"\0\x0a\4mail\xc0\0"
    for domain in (b"one", b"two"):
        name = bytes((len(domain),)) + domain + b"\0"
        assert text(15, name + mx, len(name), len(name) + len(mx)) == f"10 mail.{domain.decode()}"
        assert text(16, name + b"\3spf", len(name), len(name) + 4) == "spf"
