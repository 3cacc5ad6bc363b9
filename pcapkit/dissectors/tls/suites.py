"""Names of cipher suites (IANA registry "TLS Cipher Suites"; SSL 2.0's from its specification)."""

from __future__ import annotations

import re
from functools import lru_cache

_REGISTRY = """
0000 NULL / NULL_NULL
0001 RSA / NULL_MD5 NULL_SHA
0003 RSA_EXPORT / RC4_40_MD5
0004 RSA / RC4_128_MD5 RC4_128_SHA
0006 RSA_EXPORT / RC2_CBC_40_MD5
0007 RSA / IDEA_CBC_SHA
0008 RSA_EXPORT / DES40_CBC_SHA
0009 RSA / DES_CBC_SHA 3DES_EDE_CBC_SHA
000b DH_DSS_EXPORT / DES40_CBC_SHA
000c DH_DSS / DES_CBC_SHA 3DES_EDE_CBC_SHA
000e DH_RSA_EXPORT / DES40_CBC_SHA
000f DH_RSA / DES_CBC_SHA 3DES_EDE_CBC_SHA
0011 DHE_DSS_EXPORT / DES40_CBC_SHA
0012 DHE_DSS / DES_CBC_SHA 3DES_EDE_CBC_SHA
0014 DHE_RSA_EXPORT / DES40_CBC_SHA
0015 DHE_RSA / DES_CBC_SHA 3DES_EDE_CBC_SHA
0017 DH_anon_EXPORT / RC4_40_MD5
0018 DH_anon / RC4_128_MD5
0019 DH_anon_EXPORT / DES40_CBC_SHA
001a DH_anon / DES_CBC_SHA 3DES_EDE_CBC_SHA
001e KRB5 / DES_CBC_SHA 3DES_EDE_CBC_SHA RC4_128_SHA IDEA_CBC_SHA DES_CBC_MD5 3DES_EDE_CBC_MD5 RC4_128_MD5 IDEA_CBC_MD5
0026 KRB5_EXPORT / DES_CBC_40_SHA RC2_CBC_40_SHA RC4_40_SHA DES_CBC_40_MD5 RC2_CBC_40_MD5 RC4_40_MD5
002c PSK DHE_PSK RSA_PSK / NULL_SHA
002f RSA DH_DSS DH_RSA DHE_DSS DHE_RSA DH_anon / AES_128_CBC_SHA
0035 RSA DH_DSS DH_RSA DHE_DSS DHE_RSA DH_anon / AES_256_CBC_SHA
003b RSA / NULL_SHA256 AES_128_CBC_SHA256 AES_256_CBC_SHA256
003e DH_DSS DH_RSA DHE_DSS / AES_128_CBC_SHA256
0041 RSA DH_DSS DH_RSA DHE_DSS DHE_RSA DH_anon / CAMELLIA_128_CBC_SHA
0062 RSA_EXPORT1024 DHE_DSS_EXPORT1024 / DES_CBC_SHA
0064 RSA_EXPORT1024 DHE_DSS_EXPORT1024 / RC4_56_SHA
0066 DHE_DSS / RC4_128_SHA
0067 DHE_RSA / AES_128_CBC_SHA256
0068 DH_DSS DH_RSA DHE_DSS DHE_RSA / AES_256_CBC_SHA256
006c DH_anon / AES_128_CBC_SHA256 AES_256_CBC_SHA256
0084 RSA DH_DSS DH_RSA DHE_DSS DHE_RSA DH_anon / CAMELLIA_256_CBC_SHA
008a PSK DHE_PSK RSA_PSK / RC4_128_SHA 3DES_EDE_CBC_SHA AES_128_CBC_SHA AES_256_CBC_SHA
0096 RSA DH_DSS DH_RSA DHE_DSS DHE_RSA DH_anon / SEED_CBC_SHA
009c RSA DHE_RSA DH_RSA DHE_DSS DH_DSS DH_anon PSK DHE_PSK RSA_PSK / AES_128_GCM_SHA256 AES_256_GCM_SHA384
00ae PSK DHE_PSK RSA_PSK / AES_128_CBC_SHA256 AES_256_CBC_SHA384 NULL_SHA256 NULL_SHA384
00ba RSA DH_DSS DH_RSA DHE_DSS DHE_RSA DH_anon / CAMELLIA_128_CBC_SHA256
00c0 RSA DH_DSS DH_RSA DHE_DSS DHE_RSA DH_anon / CAMELLIA_256_CBC_SHA256
c001 ECDH_ECDSA ECDHE_ECDSA ECDH_RSA ECDHE_RSA ECDH_anon / NULL_SHA RC4_128_SHA 3DES_EDE_CBC_SHA AES_128_CBC_SHA \
AES_256_CBC_SHA
c01a SRP_SHA SRP_SHA_RSA SRP_SHA_DSS / 3DES_EDE_CBC_SHA
c01d SRP_SHA SRP_SHA_RSA SRP_SHA_DSS / AES_128_CBC_SHA
c020 SRP_SHA SRP_SHA_RSA SRP_SHA_DSS / AES_256_CBC_SHA
c023 ECDHE_ECDSA ECDH_ECDSA ECDHE_RSA ECDH_RSA / AES_128_CBC_SHA256 AES_256_CBC_SHA384
c02b ECDHE_ECDSA ECDH_ECDSA ECDHE_RSA ECDH_RSA / AES_128_GCM_SHA256 AES_256_GCM_SHA384
c033 ECDHE_PSK / RC4_128_SHA 3DES_EDE_CBC_SHA AES_128_CBC_SHA AES_256_CBC_SHA AES_128_CBC_SHA256 AES_256_CBC_SHA384 \
NULL_SHA NULL_SHA256 NULL_SHA384
c03c RSA DH_DSS DH_RSA DHE_DSS DHE_RSA DH_anon ECDHE_ECDSA ECDH_ECDSA ECDHE_RSA ECDH_RSA \
/ ARIA_128_CBC_SHA256 ARIA_256_CBC_SHA384
c050 RSA DHE_RSA DH_RSA DHE_DSS DH_DSS DH_anon ECDHE_ECDSA ECDH_ECDSA ECDHE_RSA ECDH_RSA \
/ ARIA_128_GCM_SHA256 ARIA_256_GCM_SHA384
c064 PSK DHE_PSK RSA_PSK / ARIA_128_CBC_SHA256 ARIA_256_CBC_SHA384
c06a PSK DHE_PSK RSA_PSK / ARIA_128_GCM_SHA256 ARIA_256_GCM_SHA384
c070 ECDHE_PSK / ARIA_128_CBC_SHA256 ARIA_256_CBC_SHA384
c072 ECDHE_ECDSA ECDH_ECDSA ECDHE_RSA ECDH_RSA / CAMELLIA_128_CBC_SHA256 CAMELLIA_256_CBC_SHA384
c07a RSA DHE_RSA DH_RSA DHE_DSS DH_DSS DH_anon ECDHE_ECDSA ECDH_ECDSA ECDHE_RSA ECDH_RSA PSK DHE_PSK RSA_PSK \
/ CAMELLIA_128_GCM_SHA256 CAMELLIA_256_GCM_SHA384
c094 PSK DHE_PSK RSA_PSK ECDHE_PSK / CAMELLIA_128_CBC_SHA256 CAMELLIA_256_CBC_SHA384
c09c RSA DHE_RSA / AES_128_CCM AES_256_CCM
c0a0 RSA DHE_RSA / AES_128_CCM_8 AES_256_CCM_8
c0a4 PSK DHE_PSK / AES_128_CCM AES_256_CCM
c0a8 PSK PSK_DHE / AES_128_CCM_8 AES_256_CCM_8
c0ac ECDHE_ECDSA / AES_128_CCM AES_256_CCM AES_128_CCM_8 AES_256_CCM_8
c0b0 ECCPWD / AES_128_GCM_SHA256 AES_256_GCM_SHA384 AES_128_CCM_SHA256 AES_256_CCM_SHA384
c100 GOSTR341112_256 / KUZNYECHIK_CTR_OMAC MAGMA_CTR_OMAC 28147_CNT_IMIT
c103 GOSTR341112_256 / KUZNYECHIK_MGM_L MAGMA_MGM_L KUZNYECHIK_MGM_S MAGMA_MGM_S
cca8 ECDHE_RSA ECDHE_ECDSA DHE_RSA PSK ECDHE_PSK DHE_PSK RSA_PSK / CHACHA20_POLY1305_SHA256
d001 ECDHE_PSK / AES_128_GCM_SHA256 AES_256_GCM_SHA384 AES_128_CCM_8_SHA256
d005 ECDHE_PSK / AES_128_CCM_SHA256
"""
"""`first id` `key exchanges` / `ciphers`: ids count up over all ciphers of the first key exchange, then of the next."""

_WHOLE_NAMES = {
    0x00C6: "TLS_SM4_GCM_SM3", 0x00C7: "TLS_SM4_CCM_SM3",
    0x00FF: "TLS_EMPTY_RENEGOTIATION_INFO_SCSV", 0x5600: "TLS_FALLBACK_SCSV",
    0x1301: "TLS_AES_128_GCM_SHA256", 0x1302: "TLS_AES_256_GCM_SHA384", 0x1303: "TLS_CHACHA20_POLY1305_SHA256",
    0x1304: "TLS_AES_128_CCM_SHA256", 0x1305: "TLS_AES_128_CCM_8_SHA256",
    0x1306: "TLS_AEGIS_256_SHA512", 0x1307: "TLS_AEGIS_128L_SHA256",
    0xC0B4: "TLS_SHA256_SHA256", 0xC0B5: "TLS_SHA384_SHA384",
    0xFEFE: "SSL_RSA_FIPS_WITH_DES_CBC_SHA", 0xFEFF: "SSL_RSA_FIPS_WITH_3DES_EDE_CBC_SHA",
}

_SSL2 = {
    0x010080: "SSL_CK_RC4_128_WITH_MD5", 0x020080: "SSL_CK_RC4_128_EXPORT40_WITH_MD5",
    0x030080: "SSL_CK_RC2_128_CBC_WITH_MD5", 0x040080: "SSL_CK_RC2_128_CBC_EXPORT40_WITH_MD5",
    0x050080: "SSL_CK_IDEA_128_CBC_WITH_MD5", 0x060040: "SSL_CK_DES_64_CBC_WITH_MD5",
    0x0700C0: "SSL_CK_DES_192_EDE3_CBC_WITH_MD5",
}


def _unfold() -> dict[int, str]:
    names = dict(_WHOLE_NAMES)
    for line in _REGISTRY.strip().splitlines():
        exchanges, _, ciphers = line[5:].partition("/")
        pairs = (f"TLS_{x}_WITH_{c}" for x in exchanges.split() for c in ciphers.split())
        names.update(enumerate(pairs, int(line[:4], 16)))
    return names


SUITES = _unfold()
"""Number -> IANA name."""


@lru_cache(maxsize=1024)
def suite_id(number: int, ssl2: bool = False) -> str:
    """The number as text: four hexadecimal digits, six in SSL 2.0."""
    return f"0x{number:06x}" if ssl2 else f"0x{number:04x}"


def suite_name(number: int, ssl2: bool = False) -> str:
    """The IANA name, or the number as text where there is none."""
    return (_SSL2 if ssl2 else SUITES).get(number) or suite_id(number, ssl2)


_OLD = {"3DES_EDE_CBC_SHA": "DES_CBC3_SHA", "DES_CBC_SHA": "DES_CBC_SHA", "IDEA_CBC_SHA": "IDEA_CBC_SHA"}
"""The end of a suite's name at IANA -> what OpenSSL calls it, where no rule tells."""
_BLOCKS = re.compile(r"(AES|CAMELLIA|ARIA)_(?=\d)")


def openssl_name(name: str) -> str:
    """What OpenSSL calls a suite with this name at IANA; those for export and of SSL 2.0 stay as they are."""
    exchange, found, cipher = name.removeprefix("TLS_").partition("_WITH_")
    if not found or "EXPORT" in name or not name.startswith("TLS_"):
        return name
    exchange = {"RSA": "", "DH_anon": "ADH", "ECDH_anon": "AECDH"}.get(exchange, exchange)
    if exchange.startswith("SRP"):
        exchange = exchange.replace("SRP_SHA", "SRP")
    elif "PSK" in exchange:
        exchange = exchange.replace("PSK_DHE", "DHE_PSK")
        cipher = _BLOCKS.sub(r"\1", cipher.replace("_CBC", "") if cipher.startswith("CAMELLIA") else cipher)
    elif cipher in _OLD:
        cipher = _OLD[cipher]
    else:
        cipher = _BLOCKS.sub(r"\1", cipher.replace("_CBC", "").replace("RC4_128", "RC4"))
        exchange = exchange.replace("ECDHE_RSA", "ECDHE") if cipher.startswith("ARIA") else exchange
    cipher = cipher.replace("POLY1305_SHA256", "POLY1305").replace("CCM_8", "CCM8")
    return "-".join(filter(None, (exchange, cipher))).replace("_", "-")


@lru_cache(maxsize=1024)
def key_exchange(number: int) -> str | None:
    """The key exchange that the name of a suite up to TLS 1.2 speaks of: RSA, DHE, ECDHE, ECDHE_PSK, DH_anon ...

    What signs it is left out. None for suites that do not say, such as those of TLS 1.3.
    """
    exchange, found, _ = SUITES.get(number, "").removeprefix("TLS_").removeprefix("SSL_").partition("_WITH_")
    if not found or number == 0:
        return None
    words = exchange.removesuffix("_EXPORT").removesuffix("_EXPORT1024").removesuffix("_FIPS")
    for signature in ("_ECDSA", "_DSS", "_RSA"):
        words = words.removesuffix(signature)
    return words
