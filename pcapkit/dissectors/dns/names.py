"""Domain names on the wire (RFC 1035, 3.1 and 4.1.4) and the numbers' names (IANA, DNS Parameters)."""

from __future__ import annotations

from functools import lru_cache

from pcapkit.errors import DissectError

PLAIN = b"-_*/:=+#@!abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
IS_PLAIN = bytes(byte in PLAIN for byte in range(256))
"""A table of bytes: 1 for what stands in a name as it is."""

TYPES = dict(enumerate(
    "A NS MD MF CNAME SOA MB MG MR NULL WKS PTR HINFO MINFO MX TXT RP AFSDB X25 ISDN RT NSAP NSAP-PTR SIG KEY PX GPOS "
    "AAAA LOC NXT EID NIMLOC SRV ATMA NAPTR KX CERT A6 DNAME SINK OPT APL DS SSHFP IPSECKEY RRSIG NSEC DNSKEY DHCID "
    "NSEC3 NSEC3PARAM TLSA SMIMEA".split(), 1)) | {
    55: "HIP", 59: "CDS", 60: "CDNSKEY", 61: "OPENPGPKEY", 62: "CSYNC", 63: "ZONEMD", 64: "SVCB", 65: "HTTPS", 99: "SPF",
    249: "TKEY", 250: "TSIG", 251: "IXFR", 252: "AXFR", 253: "MAILB", 254: "MAILA", 255: "ANY", 256: "URI", 257: "CAA",
    32768: "TA", 32769: "DLV"}
CLASSES = {1: "IN", 2: "CS", 3: "CH", 4: "HS", 254: "NONE", 255: "ANY"}
RCODES = dict(enumerate("NOERROR FORMERR SERVFAIL NXDOMAIN NOTIMP REFUSED YXDOMAIN YXRRSET NXRRSET NOTAUTH NOTZONE "
                        "DSOTYPENI".split())) | {16: "BADVERS", 17: "BADKEY", 18: "BADTIME", 19: "BADMODE",
                                                 20: "BADNAME", 21: "BADALG", 22: "BADTRUNC", 23: "BADCOOKIE"}
OPCODES = {0: "QUERY", 1: "IQUERY", 2: "STATUS", 4: "NOTIFY", 5: "UPDATE", 6: "DSO"}


@lru_cache(4_096)
def type_name(number: int) -> str:
    """A type's mnemonic, or TYPE123 (RFC 3597, 5)."""
    return TYPES.get(number) or f"TYPE{number}"


@lru_cache(4_096)
def class_name(number: int) -> str:
    """A class's mnemonic, or CLASS7; mDNS uses the top bit for other things (RFC 6762, 10.2)."""
    return CLASSES.get(number & 0x7FFF if number not in CLASSES else number) or f"CLASS{number}"


def _text(labels: list[bytes]) -> str:
    """Labels as a name; what is not plain is escaped (RFC 4343, 2.1)."""
    if not labels:
        return "."
    if 0 not in b"".join(labels).translate(IS_PLAIN):
        return b".".join(labels).decode("ascii")
    return ".".join("".join(
        chr(b) if b in PLAIN or (b not in b'."();\\$' and 0x21 <= b <= 0x7E)
        else f"\\{chr(b)}" if 0x21 <= b <= 0x7E else f"\\{b:03d}" for b in label) for label in labels)


def read_name(data: bytes, at: int, most_bytes: int = 255, most_pointers: int = 20) -> tuple[str, int]:
    """The name at `at` and the place behind it. Pointers must point backwards; "." is the root.

    Raises DissectError where the name runs out of the message, is too long or loops.
    """
    labels: list[bytes] = []
    behind, length, pointers, size = -1, 1, 0, len(data)
    while True:
        if at >= size:
            raise DissectError("a name runs out of the message", at)
        n = data[at]
        if n == 0:
            break
        if n < 64:
            stop = at + 1 + n
            length += n + 1
            if stop > size or length > most_bytes:
                raise DissectError("a name runs out of the message" if stop > size else
                                   "a name is longer than limit dns_name allows", at)
            labels.append(data[at + 1:stop])
            at = stop
        elif n >= 192 and at + 1 < size:
            target = (n & 63) << 8 | data[at + 1]
            behind = at + 2 if behind < 0 else behind
            pointers += 1
            if target >= at:
                raise DissectError("a name's pointer loops", at)
            if pointers > most_pointers:
                raise DissectError("a name has more pointers than limit dns_pointers allows", at)
            at = target
        else:
            raise DissectError("a label of an unknown kind", at)
    return _text(labels), at + 1 if behind < 0 else behind
