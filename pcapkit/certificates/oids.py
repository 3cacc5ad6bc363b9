"""What OpenSSL calls the things that object identifiers stand for (RFC 5280 and many others)."""

from __future__ import annotations

ATTRIBUTES = {
    "2.5.4.3": "CN", "2.5.4.4": "SN", "2.5.4.5": "serialNumber", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST",
    "2.5.4.9": "street", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.12": "title", "2.5.4.13": "description",
    "2.5.4.15": "businessCategory", "2.5.4.16": "postalAddress", "2.5.4.17": "postalCode", "2.5.4.18": "postOfficeBox",
    "2.5.4.20": "telephoneNumber", "2.5.4.41": "name", "2.5.4.42": "GN", "2.5.4.43": "initials",
    "2.5.4.44": "generationQualifier", "2.5.4.45": "x500UniqueIdentifier", "2.5.4.46": "dnQualifier",
    "2.5.4.65": "pseudonym", "2.5.4.97": "organizationIdentifier", "1.2.840.113549.1.9.1": "emailAddress",
    "1.2.840.113549.1.9.2": "unstructuredName", "1.2.840.113549.1.9.8": "unstructuredAddress",
    "0.9.2342.19200300.100.1.1": "UID", "0.9.2342.19200300.100.1.3": "mail", "0.9.2342.19200300.100.1.25": "DC",
    "1.3.6.1.4.1.311.60.2.1.1": "jurisdictionL", "1.3.6.1.4.1.311.60.2.1.2": "jurisdictionST",
    "1.3.6.1.4.1.311.60.2.1.3": "jurisdictionC",
}
"""Parts of distinguished names -> their short names."""

EXTENSIONS = {
    "2.5.29.9": "X509v3 Subject Directory Attributes", "2.5.29.14": "X509v3 Subject Key Identifier",
    "2.5.29.15": "X509v3 Key Usage", "2.5.29.16": "X509v3 Private Key Usage Period",
    "2.5.29.17": "X509v3 Subject Alternative Name", "2.5.29.18": "X509v3 Issuer Alternative Name",
    "2.5.29.19": "X509v3 Basic Constraints", "2.5.29.30": "X509v3 Name Constraints",
    "2.5.29.31": "X509v3 CRL Distribution Points", "2.5.29.32": "X509v3 Certificate Policies",
    "2.5.29.33": "X509v3 Policy Mappings", "2.5.29.35": "X509v3 Authority Key Identifier",
    "2.5.29.36": "X509v3 Policy Constraints", "2.5.29.37": "X509v3 Extended Key Usage",
    "2.5.29.46": "X509v3 Freshest CRL", "2.5.29.54": "X509v3 Inhibit Any Policy",
    "1.3.6.1.5.5.7.1.1": "Authority Information Access", "1.3.6.1.5.5.7.1.3": "qcStatements",
    "1.3.6.1.5.5.7.1.11": "Subject Information Access", "1.3.6.1.5.5.7.1.24": "TLS Feature",
    "1.3.6.1.5.5.7.48.1.5": "OCSP No Check", "1.3.6.1.4.1.11129.2.4.2": "CT Precertificate SCTs",
    "1.3.6.1.4.1.11129.2.4.3": "CT Precertificate Poison", "1.2.840.113533.7.65.0": "entrustVersInfo",
    "2.16.840.1.113730.1.1": "Netscape Cert Type", "2.16.840.1.113730.1.2": "Netscape Base Url",
    "2.16.840.1.113730.1.3": "Netscape Revocation Url", "2.16.840.1.113730.1.4": "Netscape CA Revocation Url",
    "2.16.840.1.113730.1.7": "Netscape Renewal Url", "2.16.840.1.113730.1.8": "Netscape CA Policy Url",
    "2.16.840.1.113730.1.12": "Netscape SSL Server Name", "2.16.840.1.113730.1.13": "Netscape Comment",
    "1.2.840.113549.1.9.15": "S/MIME Capabilities",
}

ALGORITHMS = {
    "1.2.840.113549.1.1.1": "rsaEncryption", "1.2.840.10040.4.1": "dsaEncryption", "1.2.840.10045.2.1": "id-ecPublicKey",
    "1.2.840.10046.2.1": "X9.42 DH", "1.2.840.113549.1.3.1": "dhKeyAgreement", "1.2.840.113549.1.1.8": "mgf1",
    "1.2.840.113549.1.1.10": "rsassaPss", "1.3.101.110": "X25519", "1.3.101.111": "X448", "1.3.101.112": "ED25519",
    "1.3.101.113": "ED448", "1.2.840.113549.2.2": "md2", "1.2.840.113549.2.5": "md5", "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.1": "sha256", "2.16.840.1.101.3.4.2.2": "sha384", "2.16.840.1.101.3.4.2.3": "sha512",
    "2.16.840.1.101.3.4.2.4": "sha224", "2.16.840.1.101.3.4.2.5": "sha512-224", "2.16.840.1.101.3.4.2.6": "sha512-256",
    "1.2.840.113549.1.1.3": "md4WithRSAEncryption", "1.3.14.3.2.3": "md5WithRSA", "1.3.14.3.2.27": "dsaWithSHA1-old",
    "1.2.840.113549.1.1.15": "sha512-224WithRSAEncryption", "1.2.840.113549.1.1.16": "sha512-256WithRSAEncryption",
    "2.16.840.1.101.3.4.3.1": "dsa_with_SHA224", "2.16.840.1.101.3.4.3.3": "dsa_with_SHA384",
    "2.16.840.1.101.3.4.3.4": "dsa_with_SHA512", "2.16.840.1.101.3.4.3.9": "ecdsa_with_SHA3-224",
    "2.16.840.1.101.3.4.3.10": "ecdsa_with_SHA3-256", "2.16.840.1.101.3.4.3.11": "ecdsa_with_SHA3-384",
    "2.16.840.1.101.3.4.3.12": "ecdsa_with_SHA3-512", "2.16.840.1.101.3.4.3.13": "RSA-SHA3-224",
    "2.16.840.1.101.3.4.3.14": "RSA-SHA3-256", "2.16.840.1.101.3.4.3.15": "RSA-SHA3-384",
    "2.16.840.1.101.3.4.3.16": "RSA-SHA3-512", "1.2.156.10197.1.501": "SM2-with-SM3",
}
"""Kinds of keys, digests, and what the table of signatures in `codecs.x509` does not have."""

CURVES = {
    "1.2.840.10045.3.1.1": ("prime192v1", "P-192", 192), "1.2.840.10045.3.1.7": ("prime256v1", "P-256", 256),
    "1.3.132.0.33": ("secp224r1", "P-224", 224), "1.3.132.0.34": ("secp384r1", "P-384", 384),
    "1.3.132.0.35": ("secp521r1", "P-521", 521), "1.3.132.0.10": ("secp256k1", "", 256),
    "1.3.132.0.32": ("secp224k1", "", 225), "1.3.132.0.31": ("secp192k1", "", 192), "1.3.132.0.8": ("secp160r1", "", 161),
    "1.3.132.0.1": ("sect163k1", "K-163", 163), "1.3.132.0.15": ("sect163r2", "B-163", 163),
    "1.3.132.0.26": ("sect233k1", "K-233", 232), "1.3.132.0.27": ("sect233r1", "B-233", 233),
    "1.3.132.0.16": ("sect283k1", "K-283", 281), "1.3.132.0.17": ("sect283r1", "B-283", 282),
    "1.3.132.0.36": ("sect409k1", "K-409", 407), "1.3.132.0.37": ("sect409r1", "B-409", 409),
    "1.3.132.0.38": ("sect571k1", "K-571", 570), "1.3.132.0.39": ("sect571r1", "B-571", 570),
    "1.3.36.3.3.2.8.1.1.7": ("brainpoolP256r1", "", 256), "1.3.36.3.3.2.8.1.1.11": ("brainpoolP384r1", "", 384),
    "1.3.36.3.3.2.8.1.1.13": ("brainpoolP512r1", "", 512), "1.2.156.10197.1.301": ("SM2", "", 256),
}
"""Curves -> their name, what NIST calls them, and the bits of their order."""

PURPOSES = {
    "2.5.29.37.0": "Any Extended Key Usage", "1.3.6.1.5.5.7.3.1": "TLS Web Server Authentication",
    "1.3.6.1.5.5.7.3.2": "TLS Web Client Authentication", "1.3.6.1.5.5.7.3.3": "Code Signing",
    "1.3.6.1.5.5.7.3.4": "E-mail Protection", "1.3.6.1.5.5.7.3.5": "IPSec End System",
    "1.3.6.1.5.5.7.3.6": "IPSec Tunnel", "1.3.6.1.5.5.7.3.7": "IPSec User", "1.3.6.1.5.5.7.3.8": "Time Stamping",
    "1.3.6.1.5.5.7.3.9": "OCSP Signing", "1.3.6.1.5.5.7.3.17": "ipsec Internet Key Exchange",
    "1.3.6.1.5.5.7.3.21": "SSH Client", "1.3.6.1.5.5.7.3.22": "SSH Server",
    "2.16.840.1.113730.4.1": "Netscape Server Gated Crypto", "1.3.6.1.4.1.311.10.3.3": "Microsoft Server Gated Crypto",
    "1.3.6.1.4.1.311.10.3.4": "Microsoft Encrypted File System", "1.3.6.1.4.1.311.2.1.21": "Microsoft Individual Code Signing",
    "1.3.6.1.4.1.311.2.1.22": "Microsoft Commercial Code Signing", "1.3.6.1.4.1.311.20.2.2": "Microsoft Smartcard Login",
    "1.3.6.1.4.1.11129.2.4.4": "CT Precertificate Signer", "1.3.6.1.5.2.3.4": "PKINIT Client Auth",
    "1.3.6.1.5.2.3.5": "Signing KDC Response",
}

ACCESS = {"1.3.6.1.5.5.7.48.1": "OCSP", "1.3.6.1.5.5.7.48.2": "CA Issuers", "1.3.6.1.5.5.7.48.3": "AD Time Stamping",
          "1.3.6.1.5.5.7.48.4": "AD DVCS", "1.3.6.1.5.5.7.48.5": "CA Repository"}

POLICIES = {"2.5.29.32.0": "X509v3 Any Policy"}

OTHERS = {"1.3.6.1.4.1.311.20.2.3": "UPN", "1.3.6.1.5.5.7.8.5": "XmppAddr", "1.3.6.1.5.5.7.8.7": "SRVName",
          "1.3.6.1.5.5.7.8.8": "NAIRealm", "1.3.6.1.5.5.7.8.9": "SmtpUTF8Mailbox"}
"""Alternative names of kinds of their own."""

USAGES = ("Digital Signature", "Non Repudiation", "Key Encipherment", "Data Encipherment", "Key Agreement",
          "Certificate Sign", "CRL Sign", "Encipher Only", "Decipher Only")
NETSCAPE = ("SSL Client", "SSL Server", "S/MIME", "Object Signing", "Unused", "SSL CA", "S/MIME CA", "Object Signing CA")
REASONS = ("Unused", "Key Compromise", "CA Compromise", "Affiliation Changed", "Superseded", "Cessation Of Operation",
           "Certificate Hold", "Privilege Withdrawn", "AA Compromise")
FEATURES = {5: "status_request", 17: "status_request_v2"}
