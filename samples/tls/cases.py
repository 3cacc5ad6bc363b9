"""What is recorded: for each capture its sessions, each at a port of its own, and what is true of them.

`truth` holds columns of the table `tls` (lists for several handshakes); `opened` says whether the key log opens the session.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Any

from samples.tls import programs as of
from samples.tls.authorities import HOST as NAME

WEAK = ":@SECLEVEL=0"
MANY = "ALL:COMPLEMENTOFALL"


@dataclass
class Case:
    """One server and who talks to it. `fires` are the rules that a sample shows, `close` those that it comes close to."""

    name: str
    server: list[str] | None
    client: of.Client
    version: str | None = None
    cipher: str | None = None
    opened: bool = True
    fires: tuple[str, ...] = ()
    close: tuple[str, ...] = ()
    truth: dict[str, Any] = field(default_factory=dict)
    port: int = 0


def old(suite: str, name: str, version: str = "TLS 1.2", *, by: str = "rsa", word: str = "", more: tuple[str, ...] = (),
        **other: Any) -> Case:
    """A suite of OpenSSL up to TLS 1.2."""
    flag = {"TLS 1.0": "-tls1", "TLS 1.1": "-tls1_1", "TLS 1.2": "-tls1_2"}[version]
    label = f"{version} {suite}{f' {word}' if word else ''}"
    return Case(label, of.openssl("-cipher", suite + WEAK, flag, *other.pop("serve", ()), by=by),
                of.s_client("-cipher", suite + WEAK, flag, *more), version, name, **other)


def dead(method: str, cipher: str, version: str, name: str, release: int = 0, **other: Any) -> Case:
    """A suite that only old versions of OpenSSL speak; one for export where the server's key is as short as these want it."""
    by = "rsa512" if cipher.startswith("EXP-") and method != "SSLv2" else "rsa"
    return Case(f"{version} {cipher}", of.node(method, cipher, release, by), of.node_client(method, cipher, release), version,
                name, **other)


NO_ETM = {"serve": ("-no_etm",)}

SUITES = [
    old("AES128-GCM-SHA256", "TLS_RSA_WITH_AES_128_GCM_SHA256", fires=("tls-no-forward-secrecy",)),
    old("AES256-GCM-SHA384", "TLS_RSA_WITH_AES_256_GCM_SHA384", close=("tls-old-version",)),
    old("DHE-RSA-AES128-GCM-SHA256", "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", close=("tls-no-forward-secrecy", "tls-small-dh")),
    old("ECDHE-RSA-AES256-GCM-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
    old("ECDHE-ECDSA-AES128-GCM-SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", by="good"),
    old("ECDHE-RSA-CHACHA20-POLY1305", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
    old("DHE-RSA-CHACHA20-POLY1305", "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
    old("AES128-CCM", "TLS_RSA_WITH_AES_128_CCM"),
    old("ECDHE-ECDSA-AES128-CCM", "TLS_ECDHE_ECDSA_WITH_AES_128_CCM", by="good"),
    old("ECDHE-ECDSA-AES256-CCM8", "TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8", by="good"),
    old("ECDHE-RSA-AES256-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"),
    old("ECDHE-RSA-AES128-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"),
    old("AES256-SHA", "TLS_RSA_WITH_AES_256_CBC_SHA", close=("tls-beast", "tls-sweet32")),
    old("CAMELLIA128-SHA", "TLS_RSA_WITH_CAMELLIA_128_CBC_SHA"),
    old("ECDHE-RSA-CAMELLIA256-SHA384", "TLS_ECDHE_RSA_WITH_CAMELLIA_256_CBC_SHA384"),
    old("ECDHE-ARIA128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_ARIA_128_GCM_SHA256", opened=False),
    old("NULL-SHA256", "TLS_RSA_WITH_NULL_SHA256", fires=("tls-null-cipher",)),
    old("ECDHE-RSA-NULL-SHA", "TLS_ECDHE_RSA_WITH_NULL_SHA"),
    old("ADH-AES128-GCM-SHA256", "TLS_DH_anon_WITH_AES_128_GCM_SHA256", fires=("tls-anonymous",)),
    old("AECDH-AES256-SHA", "TLS_ECDH_anon_WITH_AES_256_CBC_SHA"),
    old("PSK-AES128-GCM-SHA256", "TLS_PSK_WITH_AES_128_GCM_SHA256", serve=("-psk", "00112233445566778899aabbccddeeff"),
        more=("-psk", "00112233445566778899aabbccddeeff")),
    old("ECDHE-PSK-CHACHA20-POLY1305", "TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256",
        serve=("-psk", "00112233445566778899aabbccddeeff"), more=("-psk", "00112233445566778899aabbccddeeff")),
    old("ECDHE-RSA-AES128-SHA", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "TLS 1.1", fires=("tls-old-version",),
        close=("tls-beast",)),
    old("AES256-SHA", "TLS_RSA_WITH_AES_256_CBC_SHA", "TLS 1.1"),
    old("ECDHE-RSA-AES256-SHA", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "TLS 1.0", fires=("tls-old-version", "tls-beast"),
        close=("tls-ssl3",)),
    old("CAMELLIA256-SHA", "TLS_RSA_WITH_CAMELLIA_256_CBC_SHA", "TLS 1.0"),
]

STACKS = [
    Case("GnuTLS, Camellia in GCM", of.gnutls("NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+CAMELLIA-128-GCM", by="rsa"),
         of.gnutls_cli("NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+CAMELLIA-128-GCM"), "TLS 1.2",
         "TLS_ECDHE_RSA_WITH_CAMELLIA_128_GCM_SHA256"),
    Case("GnuTLS, RC4", of.gnutls("NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+ARCFOUR-128", by="rsa"),
         of.gnutls_cli("NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+ARCFOUR-128"), "TLS 1.2",
         "TLS_ECDHE_RSA_WITH_RC4_128_SHA", fires=("tls-rc4",), close=("tls-weak-offer",)),
    Case("GnuTLS, RC4 offered", of.gnutls("NORMAL:-VERS-ALL:+VERS-TLS1.2", by="rsa"),
         of.gnutls_cli("NORMAL:-VERS-ALL:+VERS-TLS1.2:+ARCFOUR-128"), "TLS 1.2",
         "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", fires=("tls-weak-offer",), close=("tls-rc4", "tls-weak-signature")),
    Case("GnuTLS, triple DES", of.gnutls("NORMAL:-VERS-ALL:+VERS-TLS1.1:-CIPHER-ALL:+3DES-CBC", by="rsa"),
         of.gnutls_cli("NORMAL:-VERS-ALL:+VERS-TLS1.1:-CIPHER-ALL:+3DES-CBC"), "TLS 1.1",
         "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", fires=("tls-sweet32",), close=("tls-des",)),
    Case("GnuTLS, CCM-8",
         of.gnutls("NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-256-CCM-8:+RSA:-ECDHE-RSA:-DHE-RSA", by="rsa"),
         of.gnutls_cli("NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-256-CCM-8"), "TLS 1.2", "TLS_RSA_WITH_AES_256_CCM_8"),
    Case("GnuTLS, without EtM", of.gnutls("NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CBC:%NO_ETM", by="rsa"),
         of.gnutls_cli("NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CBC"), "TLS 1.2",
         "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"),
    Case("GnuTLS, TLS 1.3 with CCM", of.gnutls("NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-CCM"),
         of.gnutls_cli("NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-CCM"), "TLS 1.3", "TLS_AES_128_CCM_SHA256"),
    Case("GnuTLS, heartbeats", of.gnutls("NORMAL:-VERS-ALL:+VERS-TLS1.2", "--heartbeat", by="rsa"),
         of.gnutls_cli("NORMAL:-VERS-ALL:+VERS-TLS1.2", "--heartbeat", "--inline-commands",
                       said=("hello\n", "^heartbeat^\n", "again\n")),
         "TLS 1.2", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", close=("tls-heartbleed",)),
    Case("NSS, SSL 3.0 with RC4", of.nss("-V", "ssl3:ssl3", "-c", ":0005"), of.tstclnt("-V", "ssl3:ssl3", "-c", ":0005"),
         "SSL 3.0", "TLS_RSA_WITH_RC4_128_SHA", opened=False, fires=("tls-ssl3",)),
    Case("NSS, SSL 3.0 with triple DES", of.nss("-V", "ssl3:ssl3", "-c", ":000A"),
         of.tstclnt("-V", "ssl3:ssl3", "-c", ":000A"), "SSL 3.0", "TLS_RSA_WITH_3DES_EDE_CBC_SHA", opened=False),
    Case("NSS, RC4 with MD5", of.nss("-V", "tls1.0:tls1.0", "-c", ":0004"), of.tstclnt("-V", "tls1.0:tls1.0", "-c", ":0004"),
         "TLS 1.0", "TLS_RSA_WITH_RC4_128_MD5", opened=False, close=("tls-beast",)),
    Case("NSS, 1/n-1", of.nss("-V", "tls1.0:tls1.0", "-c", ":002F"), of.tstclnt("-V", "tls1.0:tls1.0", "-c", ":002F"),
         "TLS 1.0", "TLS_RSA_WITH_AES_128_CBC_SHA", opened=False, fires=("tls-beast",)),
    Case("NSS, TLS 1.3", of.nss("-V", "tls1.3:tls1.3"), of.tstclnt("-V", "tls1.3:tls1.3"), "TLS 1.3", "TLS_AES_128_GCM_SHA256",
         opened=False),
    Case("tlslite-ng, SSL 3.0", of.tlslite("SSL3", "aes128+sha"), of.tlslite_client("SSL3", "aes128+sha"), "SSL 3.0",
         "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", fires=("tls-ssl3", "tls-beast")),
    Case("tlslite-ng, RC4 with MD5 in SSL 3.0", of.tlslite("SSL3", "rc4+md5"), of.tlslite_client("SSL3", "rc4+md5"), "SSL 3.0",
         "TLS_RSA_WITH_RC4_128_MD5"),
    Case("tlslite-ng, EtM in TLS 1.0", of.tlslite("TLS1.0", "aes256+sha"), of.tlslite_client("TLS1.0", "aes256+sha"),
         "TLS 1.0", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"),
    Case("tlslite-ng, no EtM, no EMS", of.tlslite("TLS1.1", "aes256+sha-etm-ems"),
         of.tlslite_client("TLS1.1", "aes256+sha-etm-ems"), "TLS 1.1", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
         close=("tls-no-extended-master-secret",)),
    Case("tlslite-ng, anonymous", of.tlslite("TLS1.2", "aes128gcm", "anon"), of.tlslite_client("TLS1.2", "aes128gcm", "anon"),
         "TLS 1.2", "TLS_DH_anon_WITH_AES_128_GCM_SHA256"),
]

OLD = [
    dead("SSLv2", "DES-CBC3-MD5", "SSL 2.0", "SSL_CK_DES_192_EDE3_CBC_WITH_MD5", opened=False, fires=("tls-ssl2",)),
    dead("SSLv2", "RC4-MD5", "SSL 2.0", "SSL_CK_RC4_128_WITH_MD5", opened=False),
    dead("SSLv2", "EXP-RC2-CBC-MD5", "SSL 2.0", "SSL_CK_RC2_128_CBC_EXPORT40_WITH_MD5", opened=False),
    Case("TLS 1.0 in a hello of SSL 2.0", of.node("SSLv23", MANY), of.node_client("SSLv23", MANY), "TLS 1.0",
         "TLS_RSA_WITH_AES_256_CBC_SHA", fires=("tls-weak-offer",),
         close=("tls-ssl2", "tls-null-cipher", "tls-anonymous", "tls-export-cipher")),
    dead("SSLv3", "AES256-SHA", "SSL 3.0", "TLS_RSA_WITH_AES_256_CBC_SHA", fires=("tls-ssl3", "tls-beast")),
    dead("SSLv3", "DES-CBC-SHA", "SSL 3.0", "TLS_RSA_WITH_DES_CBC_SHA"),
    dead("SSLv3", "EXP-RC4-MD5", "SSL 3.0", "TLS_RSA_EXPORT_WITH_RC4_40_MD5"),
    dead("SSLv3", "EXP-DES-CBC-SHA", "SSL 3.0", "TLS_RSA_EXPORT_WITH_DES40_CBC_SHA"),
    dead("SSLv3", "EXP-RC2-CBC-MD5", "SSL 3.0", "TLS_RSA_EXPORT_WITH_RC2_CBC_40_MD5"),
    dead("TLSv1", "RC4-MD5", "TLS 1.0", "TLS_RSA_WITH_RC4_128_MD5"),
    dead("TLSv1", "DES-CBC-SHA", "TLS 1.0", "TLS_RSA_WITH_DES_CBC_SHA", fires=("tls-des",)),
    dead("TLSv1", "DES-CBC3-SHA", "TLS 1.0", "TLS_RSA_WITH_3DES_EDE_CBC_SHA", close=("tls-des",)),
    dead("TLSv1", "IDEA-CBC-SHA", "TLS 1.0", "TLS_RSA_WITH_IDEA_CBC_SHA", 1),
    dead("TLSv1", "SEED-SHA", "TLS 1.0", "TLS_RSA_WITH_SEED_CBC_SHA", 1),
    dead("TLSv1", "EXP-RC4-MD5", "TLS 1.0", "TLS_RSA_EXPORT_WITH_RC4_40_MD5", fires=("tls-export-cipher",)),
    dead("TLSv1", "EXP-DES-CBC-SHA", "TLS 1.0", "TLS_RSA_EXPORT_WITH_DES40_CBC_SHA", close=("tls-freak",)),
    dead("TLSv1", "EXP-RC2-CBC-MD5", "TLS 1.0", "TLS_RSA_EXPORT_WITH_RC2_CBC_40_MD5"),
    dead("TLSv1", "NULL-MD5", "TLS 1.0", "TLS_RSA_WITH_NULL_MD5"),
    Case("the key of SSL 2.0 in TLS 1.2", of.openssl("-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256", by="rsa"),
         of.s_client("-tls1_2"), "TLS 1.2", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", fires=("tls-drown",)),
    Case("another key beside it", of.openssl("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"), of.s_client("-tls1_2"),
         "TLS 1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", close=("tls-drown",)),
    Case("a server without extended master secret", of.node("TLSv1", "AES128-SHA", by="rsa"),
         of.s_client("-tls1", "-cipher", f"DEFAULT{WEAK}"), "TLS 1.0", "TLS_RSA_WITH_AES_128_CBC_SHA",
         fires=("tls-no-extended-master-secret",)),
]

TLS13 = [
    Case(f"suite {name}", of.openssl("-tls1_3", "-ciphersuites", name), of.s_client("-tls1_3", "-ciphersuites", name),
         "TLS 1.3", name)
    for name in ("TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_CCM_SHA256",
                 "TLS_AES_128_CCM_8_SHA256")
] + [
    Case("HelloRetryRequest", of.openssl("-groups", "P-384"), of.s_client("-groups", "X25519:P-384"), "TLS 1.3",
         "TLS_AES_256_GCM_SHA384", truth={"key_exchange": "ECDHE secp384r1"}),
    Case("KeyUpdate", of.openssl("-tls1_3"), of.s_client("-tls1_3", said=("hello\n", "k\n", "again\n", "K\n", "and again\n")),
         "TLS 1.3", "TLS_AES_256_GCM_SHA384"),
    Case("four tickets", of.openssl("-tls1_3", "-num_tickets", "4"), of.s_client("-tls1_3"), "TLS 1.3", "TLS_AES_256_GCM_SHA384"),
    Case("client certificate", of.openssl("-tls1_3", "-Verify", "3"),
         of.s_client("-tls1_3", "-cert", "{folder}/client.pem", "-key", "{folder}/client.key"), "TLS 1.3",
         "TLS_AES_256_GCM_SHA384"),
    Case("external PSK", of.openssl("-tls1_3", "-psk", "00112233445566778899aabbccddeeff", "-nocert"),
         of.s_client("-tls1_3", "-psk", "00112233445566778899aabbccddeeff"), "TLS 1.3", "TLS_CHACHA20_POLY1305_SHA256"),
    Case("resumption by PSK", of.openssl("-tls1_3"),
         of.after(of.s_client("-tls1_3", "-sess_out", "{folder}/psk"), of.s_client("-tls1_3", "-sess_in", "{folder}/psk")),
         "TLS 1.3", "TLS_AES_256_GCM_SHA384", truth={"resumption": [None, "psk"]}),
    Case("early data accepted", of.openssl("-tls1_3", "-early_data", "-max_early_data", "8192", says="-quiet"),
         of.after(of.s_client("-tls1_3", "-sess_out", "{folder}/early"),
                  of.s_client("-tls1_3", "-sess_in", "{folder}/early", "-early_data", "{folder}/request")),
         "TLS 1.3", "TLS_AES_256_GCM_SHA384", fires=("tls-early-data",),
         truth={"resumption": [None, "psk"], "early_data": [None, "accepted"]}),
    Case("early data rejected",
         of.openssl("-tls1_3", "-groups", "P-384", "-early_data", "-max_early_data", "8192", says="-quiet"),
         of.after(of.s_client("-tls1_3", "-groups", "P-384", "-sess_out", "{folder}/late"),
                  of.s_client("-tls1_3", "-groups", "X25519:P-384", "-sess_in", "{folder}/late", "-early_data",
                              "{folder}/request")),
         "TLS 1.3", "TLS_AES_256_GCM_SHA384", close=("tls-early-data",), truth={"early_data": [None, "rejected"]}),
    Case("OCSP response stapled", of.openssl("-tls1_3", "-status_file", "{folder}/good.ocsp"), of.s_client("-tls1_3", "-status"),
         "TLS 1.3", "TLS_AES_256_GCM_SHA384", truth={"stapled": "good"}),
    Case("TLS 1.3 offered and taken", of.openssl(),
         of.s_client(), "TLS 1.3", "TLS_AES_256_GCM_SHA384", close=("tls-downgraded",)),
    Case("TLS 1.3 hidden from the server", of.tampering("no-tls13"), of.s_client(), "TLS 1.2",
         "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", opened=False, fires=("tls-downgraded",)),
]

HANDSHAKES = [
    Case("client certificate", of.openssl("-tls1_2", "-Verify", "3"),
         of.s_client("-tls1_2", "-cert", "{folder}/client.pem", "-key", "{folder}/client.key"), "TLS 1.2",
         truth={"client_auth": "certificate sent"}),
    Case("no client certificate", of.openssl("-tls1_2", "-verify", "3"), of.s_client("-tls1_2"), "TLS 1.2",
         truth={"client_auth": "no certificate sent"}),
    Case("resumption by id", of.openssl("-tls1_2", "-no_ticket"),
         of.after(of.s_client("-tls1_2", "-sess_out", "{folder}/id"), of.s_client("-tls1_2", "-sess_in", "{folder}/id")),
         "TLS 1.2", truth={"resumption": [None, "id"]}),
    Case("resumption by ticket", of.openssl("-tls1_2"),
         of.after(of.s_client("-tls1_2", "-sess_out", "{folder}/ticket"), of.s_client("-tls1_2", "-sess_in", "{folder}/ticket")),
         "TLS 1.2", truth={"resumption": [None, "ticket"]}),
    Case("renegotiation", of.openssl("-tls1_2", "-client_renegotiation"),
         of.s_client("-tls1_2", said=("hello\n", "R\n", "again\n")),
         "TLS 1.2", close=("tls-insecure-renegotiation", "tls-handshake-refused")),
    Case("OCSP response stapled", of.openssl("-tls1_2", "-status_file", "{folder}/good.ocsp"), of.s_client("-tls1_2", "-status"),
         "TLS 1.2", truth={"stapled": "good"}, close=("tls-revoked", "tls-bad-staple")),
    Case("OCSP response that says revoked", of.openssl("-tls1_2", "-status_file", "{folder}/revoked.ocsp"),
         of.s_client("-tls1_2", "-status"), "TLS 1.2", truth={"stapled": "revoked"}, fires=("tls-revoked",)),
    Case("OCSP response whose signature is wrong", of.openssl("-tls1_2", "-status_file", "{folder}/forged.ocsp"),
         of.s_client("-tls1_2", "-status"), "TLS 1.2", fires=("tls-bad-staple",)),
    Case("fallback taken", of.openssl("-tls1_1", "-cipher", f"DEFAULT{WEAK}"),
         of.s_client("-tls1_1", "-fallback_scsv", "-cipher", f"DEFAULT{WEAK}"), "TLS 1.1", fires=("tls-fallback",),
         close=("tls-fallback-refused",)),
    Case("fallback refused", of.openssl("-cipher", f"DEFAULT{WEAK}"),
         of.s_client("-tls1_1", "-fallback_scsv", "-cipher", f"DEFAULT{WEAK}"), opened=False, fires=("tls-fallback-refused",),
         close=("tls-fallback",)),
    Case("Diffie-Hellman of 1024 bits", of.openssl("-tls1_2", "-cipher", f"DHE-RSA-AES128-GCM-SHA256{WEAK}", "-dhparam",
                                                   "{folder}/dh1024.pem", by="rsa"),
         of.s_client("-tls1_2", "-cipher", f"DEFAULT{WEAK}"), "TLS 1.2", "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
         fires=("tls-small-dh",)),
    Case("signed with SHA-1", of.openssl("-tls1_2", "-cipher", f"ECDHE-RSA-AES128-GCM-SHA256{WEAK}", by="rsa"),
         of.s_client("-tls1_2", "-cipher", f"DEFAULT{WEAK}", "-sigalgs", "RSA+SHA1"), "TLS 1.2", fires=("tls-weak-signature",)),
    Case("signed with SHA-256", of.openssl("-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256", by="rsa"), of.s_client("-tls1_2"),
         "TLS 1.2", close=("tls-bad-signature", "tls-weak-signature")),
    Case("a bit turned over in the key exchange", of.tampering("flip"), of.s_client("-tls1_2"), "TLS 1.2", opened=False,
         fires=("tls-bad-signature",)),
    Case("ALPN", of.openssl("-tls1_2", "-alpn", "one,two"), of.s_client("-tls1_2", "-alpn", "two,three"), "TLS 1.2",
         truth={"alpn": "two"}),
    Case("tickets for nine days", None, of.s_client("-tls1_2", "-crlf", said=("GET / HTTP/1.0\n\n",)), "TLS 1.2",
         fires=("tls-ticket-lifetime",), truth={"ticket_lifetime": 777_600}),
    Case("tickets for a week", None, of.s_client("-tls1_2", "-crlf", said=("GET / HTTP/1.0\n\n",)), "TLS 1.2",
         close=("tls-ticket-lifetime",), truth={"ticket_lifetime": 604_800}),
    Case("hangs up on newer hellos", of.tampering("old-only"),
         of.after(of.s_client("-tls1_2"), of.s_client("-tls1_1", "-cipher", f"DEFAULT{WEAK}")), "TLS 1.1",
         fires=("tls-version-intolerance",), truth={"decrypted": [False, True]}),
    Case("no version in common", of.openssl("-tls1_3"), of.s_client("-tls1_2"), opened=False, fires=("tls-handshake-refused",),
         close=("tls-version-intolerance",)),
]

PROGRAMS = [
    Case("nginx and curl, HTTP/2", None, of.command("curl", "-sk", "--resolve", f"{NAME}:{{port}}:127.0.0.1",
                                                    f"https://{NAME}:{{port}}/page.html"), "TLS 1.3", truth={"alpn": "h2"}),
    Case("nginx and curl, TLS 1.2", None, of.command("curl", "-sk", "--tls-max", "1.2", "--http1.1", "--resolve",
                                                     f"{NAME}:{{port}}:127.0.0.1", f"https://{NAME}:{{port}}/page.html"),
         "TLS 1.2", truth={"alpn": "http/1.1"}),
    Case("nginx, a compressed page for somebody who is logged in", None,
         of.command("curl", "-sk", "--http1.1", "--compressed", "-b", "session=5ac9b06a7d", "--resolve",
                    f"{NAME}:{{port}}:127.0.0.1", f"https://{NAME}:{{port}}/page.html?q=hello"), "TLS 1.3",
         fires=("tls-breach",)),
    Case("nginx, the same page as it is", None,
         of.command("curl", "-sk", "--http1.1", "-b", "session=5ac9b06a7d", "--resolve", f"{NAME}:{{port}}:127.0.0.1",
                    f"https://{NAME}:{{port}}/page.html?q=hello"), "TLS 1.3", close=("tls-breach",)),
    Case("Postfix, STARTTLS", None, of.s_client("-starttls", "smtp", "-crlf", said=("EHLO client.example.net\n", "QUIT\n")),
         "TLS 1.3"),
    Case("Python", of.openssl(says="-www"), of.command(sys.executable, "-c", (
        "import ssl, socket, os; c = ssl._create_unverified_context(); c.keylog_filename = os.environ['SSLKEYLOGFILE']; "
        f"s = c.wrap_socket(socket.create_connection(('127.0.0.1', {{port}})), server_hostname='{NAME}'); "
        "s.sendall(b'GET / HTTP/1.0\\r\\n\\r\\n'); print(len(s.recv(65536)))")), "TLS 1.3"),
]

CHAINS = [Case(kind, of.openssl("-tls1_2", "-cipher", f"ECDHE{WEAK}", by=kind),
               of.s_client("-tls1_2", "-cipher", f"DEFAULT{WEAK}"), "TLS 1.2")
          for kind in ("good", "expired", "not-yet-valid", "wrong-name", "missing-intermediate", "self-signed", "unknown-root",
                       "sha1", "weak-key", "wrong-order", "extra")]

CAPTURES = {"suites": SUITES, "stacks": STACKS, "old": OLD, "tls13": TLS13, "handshakes": HANDSHAKES, "programs": PROGRAMS,
            "chains": CHAINS}
