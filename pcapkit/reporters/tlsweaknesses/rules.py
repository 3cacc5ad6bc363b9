"""The weaknesses of TLS, one rule each: how bad, where it is written, what to do."""

from __future__ import annotations

from typing import NamedTuple

from pcapkit.records import Confidence, Severity


class Rule(NamedTuple):
    """What all findings of a rule have in common."""

    title: str
    severity: Severity
    rfc: str
    remedy: str
    confidence: Confidence = Confidence.CERTAIN


CRITICAL, HIGH, MEDIUM, LOW, INFO = Severity
_LIKELY, _POSSIBLE = Confidence.LIKELY, Confidence.POSSIBLE

RULES = {
    # Versions
    "tls-ssl2": Rule("SSL 2.0 was answered", CRITICAL, "RFC 6176, 3; DROWN (CVE-2016-0800)",
                     "switch SSL 2.0 off on every server that has this key, and give each server a key of its own"),
    "tls-drown": Rule("A key that an SSL 2.0 server has too", HIGH, "RFC 6176, 3; DROWN (CVE-2016-0800)",
                      "switch SSL 2.0 off there, and do not use a key on two servers"),
    "tls-ssl3": Rule("SSL 3.0 was negotiated", HIGH, "RFC 7568, 3; POODLE (CVE-2014-3566)",
                     "switch SSL 3.0 off; speak TLS 1.2 and 1.3"),
    "tls-old-version": Rule("TLS 1.0 or 1.1, or DTLS 1.0, was negotiated", MEDIUM, "RFC 8996, 4 and 5",
                            "speak TLS 1.2 and 1.3 only"),
    "tls-beast": Rule("CBC in a version that chains its records", LOW, "RFC 7457, 2.3; BEAST (CVE-2011-3389)",
                      "speak TLS 1.2 and 1.3; clients split records 1/n-1 until then", _POSSIBLE),
    "tls-downgraded": Rule("The server's random says that the session was downgraded", CRITICAL, "RFC 8446, 4.1.3",
                           "compare the hello with a capture nearer to the server: something between has changed it",
                           _LIKELY),
    "tls-fallback": Rule("A client came back with an older version", INFO, "RFC 7507, 4",
                         "find out what broke the first attempt; clients need no fallback any more"),
    "tls-fallback-refused": Rule("A fall-back to an older version was refused", MEDIUM, "RFC 7507, 3",
                                 "find out what broke the first attempt: a middlebox,"
                                 " or somebody who wants an older version"),
    "tls-version-intolerance": Rule("A newer hello failed where an older one was taken", LOW,
                                    "RFC 8446, D.1 and E; RFC 7507, 1",
                                    "update the server, or what stands before it, so that it negotiates versions",
                                    _POSSIBLE),
    # Suites
    "tls-null-cipher": Rule("A suite without encryption was negotiated", CRITICAL, "RFC 9325, 4.1",
                            "take NULL suites out of the list"),
    "tls-anonymous": Rule("A suite without authentication was negotiated", CRITICAL, "RFC 5246, A.5; RFC 9325, 4.1",
                          "take anonymous suites out of the list: anybody in the middle can answer"),
    "tls-export-cipher": Rule("A suite for export was negotiated", CRITICAL,
                              "RFC 9325, 4.1; FREAK (CVE-2015-0204), Logjam (CVE-2015-4000)",
                              "take EXPORT suites out of the list"),
    "tls-freak": Rule("A short temporary RSA key where the suite has none", CRITICAL,
                      "RFC 5246, 7.4.3; FREAK (CVE-2015-0204)",
                      "update the client, which must refuse it; take EXPORT suites out of the server's list"),
    "tls-des": Rule("A cipher with a key of 56 bits or less was negotiated", HIGH, "RFC 5469, 4; RFC 9325, 4.1",
                    "take DES and RC2 out of the list"),
    "tls-rc4": Rule("RC4 was negotiated", MEDIUM, "RFC 7465, 2", "take RC4 out of the list"),
    "tls-sweet32": Rule("A cipher with blocks of 64 bits was negotiated", MEDIUM, "RFC 9325, 4.1; SWEET32 (CVE-2016-2183)",
                        "take 3DES and IDEA out of the list"),
    "tls-no-forward-secrecy": Rule("No forward secrecy: the server's key opens what was recorded", MEDIUM,
                                   "RFC 9325, 4.1 and 7.3", "offer ECDHE suites only, first those of TLS 1.3"),
    "tls-small-dh": Rule("A small prime for Diffie-Hellman", MEDIUM, "RFC 9325, 4.1; RFC 7919, 1; Logjam (CVE-2015-4000)",
                         "use a group of RFC 7919 with 2048 bits or more, or ECDHE"),
    "tls-weak-signature": Rule("The key exchange is signed with MD5 or SHA-1", MEDIUM,
                               "RFC 9155, 2 to 5; SLOTH (CVE-2015-7575)",
                               "sign with SHA-256 or better; clients stop offering MD5 and SHA-1"),
    "tls-bad-signature": Rule("The server's signature over the key exchange is wrong", CRITICAL,
                              "RFC 5246, 7.4.3; RFC 8446, 4.4.3; \"goto fail\" (CVE-2014-1266)",
                              "distrust the session: somebody else may have answered,"
                              " and a client that went on does not check"),
    # Extensions and what else was agreed on
    "tls-crime": Rule("TLS compression was negotiated", HIGH, "RFC 9325, 3.3; RFC 7457, 2.6; CRIME (CVE-2012-4929)",
                      "switch TLS compression off"),
    "tls-breach": Rule("Pages with secrets are compressed", INFO, "RFC 7457, 2.6; BREACH (CVE-2013-3587)",
                       "do not compress pages that show both a secret and what the request brought", _POSSIBLE),
    "tls-insecure-renegotiation": Rule("The server does not know secure renegotiation", MEDIUM,
                                       "RFC 5746, 3.6; CVE-2009-3555",
                                       "update the server, or forbid renegotiation"),
    "tls-no-extended-master-secret": Rule("The master secret is not bound to the handshake", LOW,
                                          "RFC 7627, 1 and 5; RFC 9325, 3.5",
                                          "update the server: it has to support extended master secret, or TLS 1.3"),
    "tls-ticket-lifetime": Rule("Session tickets that are good for more than a week", LOW, "RFC 8446, 4.6.1; RFC 9325, 7.3",
                                "limit tickets to a day or so, and change the key that seals them as often"),
    "tls-early-data": Rule("Early data was accepted", INFO, "RFC 8446, 8 and E.5",
                           "take early data only for requests that may be sent twice: it can be replayed"),
    "tls-revoked": Rule("The stapled OCSP response says that the certificate is revoked", HIGH, "RFC 6960, 2.2; RFC 6066, 8",
                        "replace the certificate and its key"),
    "tls-bad-staple": Rule("The stapled OCSP response proves nothing", MEDIUM, "RFC 6960, 3.2; RFC 6066, 8",
                           "have the server fetch a fresh response from its authority; until then nothing says that the "
                           "certificate was not revoked"),
    # Attacks
    "tls-heartbleed": Rule("A heartbeat that asks for the other's memory", HIGH, "RFC 6520, 4; Heartbleed (CVE-2014-0160)",
                           "update OpenSSL; where it was answered, replace keys, certificates and passwords", _LIKELY),
    "tls-ccs-injection": Rule("ChangeCipherSpec before any key was agreed on", HIGH, "RFC 5246, 7.1; CVE-2014-0224",
                              "update OpenSSL", _LIKELY),
    "tls-rsa-oracle": Rule("Many sessions with RSA key exchange that fail in the same place", MEDIUM,
                           "RFC 5246, 7.4.7.1; RFC 7457, 2.7; ROBOT (CVE-2017-13099)",
                           "take suites with static RSA key exchange out of the list", _POSSIBLE),
    # Clients
    "tls-weak-offer": Rule("A client offers what is broken", INFO, "RFC 9325, 3.1 and 4.1",
                           "update the client or its configuration; nothing of this was negotiated"),
    "tls-handshake-refused": Rule("A handshake ended with an alert", INFO, "RFC 8446, 6.2", "see what the alert means"),
}
