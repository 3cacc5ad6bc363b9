"""Numbers of TLS as text: versions, groups, alerts, handshake messages (IANA registries "TLS Parameters")."""

from __future__ import annotations

from functools import lru_cache

SSL2 = 0x0002
SSL3 = 0x0300
TLS10 = 0x0301
TLS12 = 0x0303
TLS13 = 0x0304
DTLS_BAD, DTLS10, DTLS12, DTLS13 = 0x0100, 0xFEFF, 0xFEFD, 0xFEFC
"""DTLS_BAD is what OpenSSL before 0.9.8f took for DTLS 1.0."""

_VERSIONS = {SSL2: "SSL 2.0", SSL3: "SSL 3.0", TLS10: "TLS 1.0", 0x0302: "TLS 1.1", TLS12: "TLS 1.2", TLS13: "TLS 1.3",
             DTLS_BAD: "DTLS 1.0 (OpenSSL 0.9.8)", DTLS10: "DTLS 1.0", DTLS12: "DTLS 1.2", DTLS13: "DTLS 1.3"}
DTLS_VERSIONS = {DTLS_BAD: 0x0302, DTLS10: 0x0302, DTLS12: TLS12, DTLS13: TLS13}
"""Versions of DTLS -> those of TLS that they are made of."""
_DRAFT, _GOOGLE_DRAFT, _FACEBOOK_DRAFT = 0x7F, 0x7E, 0xFB

# Handshake types (RFC 8446, B.3, with those of earlier versions)
HELLO_REQUEST, CLIENT_HELLO, SERVER_HELLO, HELLO_VERIFY_REQUEST = 0, 1, 2, 3
HELLO_RETRY_REQUEST, CERTIFICATE, SERVER_KEY_EXCHANGE = 6, 11, 12
CERTIFICATE_REQUEST, SERVER_HELLO_DONE = 13, 14
NEW_SESSION_TICKET, END_OF_EARLY_DATA, ENCRYPTED_EXTENSIONS = 4, 5, 8
CERTIFICATE_VERIFY, CLIENT_KEY_EXCHANGE, FINISHED, CERTIFICATE_STATUS, KEY_UPDATE = 15, 16, 20, 22, 24
MESSAGE_HASH = 254

LETTERS = {
    0: "H", 1: "C", 2: "S", 3: "V", 4: "T", 5: "E", 6: "J", 8: "O", 11: "X", 12: "K", 13: "R", 14: "N", 15: "Y",
    16: "G", 20: "F", 21: "W", 22: "U", 23: "A", 24: "P", 25: "X", 254: "M",
}
"""Handshake type -> its letter in `history`, as in Zeek's ssl.log where it has one; others are Z."""

_ALERTS = {
    0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 21: "decryption_failed", 22: "record_overflow",
    30: "decompression_failure", 40: "handshake_failure", 41: "no_certificate", 42: "bad_certificate",
    43: "unsupported_certificate", 44: "certificate_revoked", 45: "certificate_expired", 46: "certificate_unknown",
    47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied", 50: "decode_error", 51: "decrypt_error",
    52: "too_many_cids_requested", 60: "export_restriction", 70: "protocol_version", 71: "insufficient_security",
    80: "internal_error", 86: "inappropriate_fallback", 90: "user_canceled", 100: "no_renegotiation",
    109: "missing_extension", 110: "unsupported_extension", 111: "certificate_unobtainable", 112: "unrecognized_name",
    113: "bad_certificate_status_response", 114: "bad_certificate_hash_value", 115: "unknown_psk_identity",
    116: "certificate_required", 117: "general_error", 120: "no_application_protocol", 121: "ech_required",
}

_MEANINGS = {
    0: "it will send nothing more", 10: "a message came that does not belong there", 20: "a record's check sum was wrong",
    21: "a record could not be decrypted", 22: "a record was longer than allowed", 30: "a record could not be unpacked",
    40: "it found no parameters that both sides accept: versions, suites, groups or signatures have nothing in common",
    41: "it has no certificate that was asked for", 42: "the certificate was damaged, or its signature or name was wrong",
    43: "the certificate is of a kind that it does not support", 44: "the certificate was revoked by its issuer",
    45: "the certificate is expired, or not valid yet", 46: "the certificate was not acceptable for some other reason",
    47: "a field held a value that is out of range or contradicts another",
    48: "it does not know the authority that issued the certificate, or does not trust it",
    49: "the certificate is good, but its owner may not come in", 50: "a message could not be read",
    51: "a signature or a Finished did not verify: keys differ, or the handshake was altered",
    60: "a key was longer than export rules allowed", 70: "it knows the version that was asked for and does not speak it",
    71: "it demands stronger suites than were offered", 80: "it failed for a reason of its own",
    86: "the client came back with an older version though both can do better: somebody or something broke the first attempt",
    90: "the user or program gave up", 100: "it does not negotiate again", 109: "an extension that must be there was missing",
    110: "an extension came that was not asked for", 111: "the certificate could not be fetched from where it was said to be",
    112: "it serves no host of the name that was asked for", 113: "the stapled OCSP response was not acceptable",
    114: "the certificate that was fetched is not the one that was named", 115: "it does not know the pre-shared key",
    116: "it demands a certificate, and the client sent none", 120: "it speaks none of the application protocols offered (ALPN)",
    121: "the client hello could not be decrypted as the client insists",
}
"""What the sender of an alert says by it (RFC 8446, 6; RFC 5246, 7.2; RFC 7507; RFC 5746; RFC 6066; RFC 7301)."""

_HASHES = {1: "md5", 2: "sha1", 3: "sha224", 4: "sha256", 5: "sha384", 6: "sha512"}
_SIGNERS = {1: "rsa_pkcs1", 2: "dsa", 3: "ecdsa"}
_SCHEMES = {
    0x0403: "ecdsa_secp256r1_sha256", 0x0503: "ecdsa_secp384r1_sha384", 0x0603: "ecdsa_secp521r1_sha512",
    0x0708: "sm2sig_sm3", 0x0804: "rsa_pss_rsae_sha256", 0x0805: "rsa_pss_rsae_sha384", 0x0806: "rsa_pss_rsae_sha512",
    0x0807: "ed25519", 0x0808: "ed448", 0x0809: "rsa_pss_pss_sha256", 0x080A: "rsa_pss_pss_sha384",
    0x080B: "rsa_pss_pss_sha512", 0x081A: "ecdsa_brainpoolP256r1tls13_sha256",
    0x081B: "ecdsa_brainpoolP384r1tls13_sha384", 0x081C: "ecdsa_brainpoolP512r1tls13_sha512",
    0x0904: "mldsa44", 0x0905: "mldsa65", 0x0906: "mldsa87",
}

_GROUPS = {
    1: "sect163k1", 2: "sect163r1", 3: "sect163r2", 4: "sect193r1", 5: "sect193r2", 6: "sect233k1", 7: "sect233r1",
    8: "sect239k1", 9: "sect283k1", 10: "sect283r1", 11: "sect409k1", 12: "sect409r1", 13: "sect571k1", 14: "sect571r1",
    15: "secp160k1", 16: "secp160r1", 17: "secp160r2", 18: "secp192k1", 19: "secp192r1", 20: "secp224k1",
    21: "secp224r1", 22: "secp256k1", 23: "secp256r1", 24: "secp384r1", 25: "secp521r1", 26: "brainpoolP256r1",
    27: "brainpoolP384r1", 28: "brainpoolP512r1", 29: "x25519", 30: "x448", 31: "brainpoolP256r1tls13",
    32: "brainpoolP384r1tls13", 33: "brainpoolP512r1tls13", 41: "curveSM2",
    256: "ffdhe2048", 257: "ffdhe3072", 258: "ffdhe4096", 259: "ffdhe6144", 260: "ffdhe8192",
    512: "MLKEM512", 513: "MLKEM768", 514: "MLKEM1024",
    4587: "SecP256r1MLKEM768", 4588: "X25519MLKEM768", 4589: "SecP384r1MLKEM1024", 16696: "CECPQ2",
    25497: "X25519Kyber768Draft00", 25498: "SecP256r1Kyber768Draft00",
}


def is_grease(number: int) -> bool:
    """Whether a suite, extension, group or version is a placeholder without meaning (RFC 8701)."""
    return number & 0x0F0F == 0x0A0A and number >> 8 == number & 0xFF


def is_tls13(version: int) -> bool:
    """Whether a version is TLS 1.3 or a draft of it."""
    return version in (TLS13, DTLS13) or version >> 8 in (_DRAFT, _GOOGLE_DRAFT, _FACEBOOK_DRAFT)


def as_tls(version: int) -> int:
    """The version of TLS that a version of DTLS is made of; others stay as they are."""
    return DTLS_VERSIONS.get(version, version)


def has_short_server_hello(version: int) -> bool:
    """Whether a ServerHello lacks session id and compression: the drafts of TLS 1.3 before the 22nd."""
    return version >> 8 == _DRAFT and version & 0xFF < 22


def rank(version: int) -> float:
    """A key that sorts versions by age: drafts of TLS 1.3 lie between 1.2 and 1.3, DTLS as what it is made of."""
    version = as_tls(version)
    return TLS12 + 0.5 + (version & 0xFF) / 1024 if is_tls13(version) and version != TLS13 else version


@lru_cache(maxsize=1024)
def version_name(version: int) -> str:
    """Such as "TLS 1.2"; the number as text where there is no such version."""
    name = _VERSIONS.get(version)
    if name:
        return name
    if version >> 8 == _DRAFT:
        return f"TLS 1.3 draft {version & 0xFF}"
    if is_tls13(version):
        return f"TLS 1.3 experiment 0x{version:04x}"
    return f"0x{version:04x}"


def group_name(group: int) -> str:
    """Such as "x25519"; the number as text where it is not registered."""
    return _GROUPS.get(group) or f"0x{group:04x}"


def alert_name(description: int) -> str:
    """Such as "handshake_failure (40)"."""
    return f"{_ALERTS.get(description, 'alert')} ({description})"


def alert_meaning(description: int) -> str | None:
    """What who sends an alert says by it, as the end of a sentence; None for one that is not registered."""
    return _MEANINGS.get(description)


def scheme_name(scheme: int, tls13: bool = False) -> str:
    """Such as "rsa_pss_rsae_sha256" (RFC 8446, 4.2.3); up to TLS 1.2 ECDSA does not say its curve (RFC 5246, 7.4.1.4.1)."""
    if scheme in _SCHEMES and (tls13 or scheme & 0xFF != 3):
        return _SCHEMES[scheme]
    digest, signer = _HASHES.get(scheme >> 8), _SIGNERS.get(scheme & 0xFF)
    return f"{signer}_{digest}" if digest and signer else f"0x{scheme:04x}"


@lru_cache(maxsize=1024)
def exchange_of_group(group: int) -> str:
    """What a TLS 1.3 key share of `group` makes: finite-field groups DHE, all others ECDHE (RFC 8446, 7.4)."""
    return f"{'DHE' if 256 <= group <= 511 else 'ECDHE'} {group_name(group)}"
