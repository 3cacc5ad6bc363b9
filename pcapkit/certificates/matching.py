"""Whose name a certificate has (RFC 9525), and which names an authority may give (RFC 5280, 4.2.1.10)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509

Address = IPv4Address | IPv6Address


def alternative_names(certificate: x509.Certificate) -> list[x509.GeneralName]:
    """The names in the extension for them; none where it is missing or broken."""
    from cryptography import x509
    try:
        return list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except Exception:  # broken extensions raise several kinds
        return []


def common_names(certificate: x509.Certificate) -> list[str]:
    """What the subject calls itself."""
    from cryptography.x509.oid import NameOID
    try:
        return [str(part.value) for part in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    except ValueError:
        return []


def hosts(certificate: x509.Certificate) -> list[str]:
    """The hosts it is for: names and addresses; the common name where it has none of them."""
    from cryptography import x509
    names = [str(name.value) for name in alternative_names(certificate) if isinstance(name, x509.DNSName | x509.IPAddress)]
    return names or common_names(certificate)


def covers(pattern: str, host: str) -> bool:
    """Whether a name, in which `*` may stand for the leftmost label, is that of a host (RFC 9525, 6.3)."""
    if address := as_address(host):
        return as_address(pattern) == address
    pattern, host = pattern.lower().removesuffix("."), host.lower().removesuffix(".")
    first, _, rest = host.partition(".")
    return pattern == host or (pattern.startswith("*.") and bool(first) and "." in rest and pattern[2:] == rest)


def misplaced(pattern: str) -> bool:
    """Whether a name has a `*` elsewhere than alone and leftmost, or right before the last label."""
    return "*" in pattern and (not pattern.startswith("*.") or "*" in pattern[1:] or pattern.count(".") < 2)


def as_address(name: str) -> Address | None:
    """The address that a name is; None where it is none: all of them have colons or end in a digit."""
    if ":" not in name and not name[-1:].isdecimal():
        return None
    try:
        return ip_address(name)
    except ValueError:
        return None


def forbidden(certificate: x509.Certificate, constraints: x509.NameConstraints) -> Iterator[str]:
    """The names that an authority above it may not give, in words: of those kinds that the constraints speak of."""
    names = [*alternative_names(certificate), *_names_elsewhere(certificate)]
    for name in names:
        permitted = _same_kind(name, constraints.permitted_subtrees)
        if any(_within(name, base) for base in _same_kind(name, constraints.excluded_subtrees)):
            yield f"{_words(name)} is excluded"
        elif permitted and not any(_within(name, base) for base in permitted):
            yield f"{_words(name)} is not among what is permitted"


def _names_elsewhere(certificate: x509.Certificate) -> Iterator[x509.GeneralName]:
    """The subject, which counts as a name, and a common name that is a host's where there is no other."""
    from cryptography import x509
    if list(certificate.subject):
        yield x509.DirectoryName(certificate.subject)
    if not any(isinstance(name, x509.DNSName) for name in alternative_names(certificate)):
        for name in common_names(certificate):
            if "." in name and " " not in name and name.isascii() and as_address(name) is None:
                yield x509.DNSName(name)


def _same_kind(name: x509.GeneralName, bases: Iterable[x509.GeneralName] | None) -> list[x509.GeneralName]:
    return [base for base in bases or () if type(base) is type(name)]


def _within(name: x509.GeneralName, base: x509.GeneralName) -> bool:
    from cryptography import x509
    match name, base:
        case x509.IPAddress(), x509.IPAddress():
            network = base.value
            return isinstance(network, IPv4Network | IPv6Network) and name.value in network
        case x509.DirectoryName(), x509.DirectoryName():
            above = list(base.value.rdns)
            return list(name.value.rdns)[:len(above)] == above
        case x509.RFC822Name(), x509.RFC822Name():
            if "@" in base.value:
                return name.value == base.value
            return _under(name.value.rpartition("@")[2], base.value, exact=True)
        case x509.UniformResourceIdentifier(), x509.UniformResourceIdentifier():
            host = name.value.partition("://")[2].partition("/")[0].rpartition("@")[2].partition(":")[0]
            return _under(host, base.value, exact=True)
    return _under(str(name.value), str(base.value))


def _under(host: str, base: str, exact: bool = False) -> bool:
    """Whether a host is the base or below; of mail and URIs only a base with a dot in front has something below it."""
    host, base = host.lower(), base.lower()
    if base.startswith("."):
        return host.endswith(base)
    return not base or host == base or (not exact and host.endswith(f".{base}"))


def _words(name: x509.GeneralName) -> str:
    from cryptography import x509
    if isinstance(name, x509.DirectoryName):
        return name.value.rfc4514_string()
    return str(name.value)
