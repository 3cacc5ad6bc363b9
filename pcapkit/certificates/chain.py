"""A chain of certificates as a server sent it: what path it makes to a trusted root (RFC 5280, 6; RFC 4158), what was odd
about it, and whether that path holds at a moment, with every reason why not.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from pcapkit.certificates.matching import as_address, covers, forbidden, hosts
from pcapkit.certificates.store import TrustStore
from pcapkit.certificates.verdicts import Fault, Reason, Verdict, verdict
from pcapkit.codecs.der import Parts, read_parts
from pcapkit.codecs.x509 import SECOND, SIGNATURES, Certificate, may_sign, read_certificate
from pcapkit.errors import DissectError

if TYPE_CHECKING:
    from cryptography import x509


@dataclass(eq=False)
class Link:
    """One certificate: its columns, and itself as the cryptography package reads it, None where it refuses."""

    der: bytes
    read: Certificate
    parsed: x509.Certificate | None
    place: str
    """Which one it is, in words."""

    @cached_property
    def parts(self) -> Parts | None:
        """What it says, part by part; None where its frame is broken."""
        try:
            return read_parts(self.der)
        except DissectError:
            return None

    @property
    def key(self) -> bytes | None:
        """Its key with its kind, in DER; None where it cannot be found."""
        return None if self.parts is None else self.parts.key.content

    @property
    def name(self) -> str:
        """Its subject in short."""
        return (self.read.subject or "a name that cannot be read")[:200]


def link(der: bytes, place: str) -> Link:
    """Read one certificate; never raises."""
    read, parsed = _read(der)
    return Link(der, read, parsed, place)


@lru_cache(256)
def _read(der: bytes) -> tuple[Certificate, x509.Certificate | None]:
    """What an authority is read as is kept: it stands in many chains."""
    from cryptography import x509
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            parsed = x509.load_der_x509_certificate(der)
            _ = parsed.subject, parsed.issuer, parsed.extensions, parsed.not_valid_after_utc, parsed.not_valid_before_utc
        except Exception:  # its parser raises several kinds
            parsed = None
    return read_certificate(der), parsed


@dataclass(eq=False)
class Chain:
    """The certificates `ders` of one message, the server's own first. `signatures` is how many are verified at most: where
    there were more, `cut` is true and the path counts as incomplete.
    """

    ders: Sequence[bytes]
    store: TrustStore
    signatures: int
    cut: bool = False
    links: list[Link] = field(default_factory=list)
    path: list[Link] = field(default_factory=list)
    trusted: bool = False
    """Whether the path ends in a root of the store."""
    oddities: list[str] = field(default_factory=list)
    """What was wrong about the message though a path may be found: order, copies, what belongs to no path."""
    _compared: dict[str, bool] = field(default_factory=dict)
    """Hosts, as many as are asked about, and whether the server's certificate is for them."""

    def __post_init__(self) -> None:
        once: dict[bytes, int] = {}
        for place, der in enumerate(self.ders):
            if der in once:
                self.oddities.append(f"certificate {place} is a copy of certificate {once[der]}")
            else:
                once[der] = place
                self.links.append(link(der, f"certificate {place}"))
        if self.links:
            self._build()
            self._compare_order()

    # The path

    def _build(self) -> None:
        """Go up from the server's certificate; a root of the store is preferred to what was sent."""
        here = self.links[0]
        self.path = [here]
        while here.parsed is not None:
            if self._is_root(here):
                self.trusted = True
                return
            above = None if here.read.self_signed else self._issuer(here)
            if above is None:
                return
            self.path.append(above)
            here = above

    def _is_root(self, one: Link) -> bool:
        assert one.parsed is not None
        return any(root == one.parsed for root in self.store.by_subject.get(one.parsed.subject.public_bytes(), ()))

    def _issuer(self, one: Link) -> Link | None:
        assert one.parsed is not None
        name = one.parsed.issuer.public_bytes()
        used = {step.der for step in self.path}
        for root in self.store.by_subject.get(name, ()):
            if _may_be_meant(root, one.parsed) and self._has_signed(root, one.parsed):
                der = _der(root)
                return next((other for other in self.links if other.der == der), None) or link(der, "the root")
        sent = [other for other in self.links if other.parsed is not None and other.der not in used
                and other.parsed.subject.public_bytes() == name and _may_be_meant(other.parsed, one.parsed)]
        sent.sort(key=self._leads_nowhere)
        for other in sent:
            assert other.parsed is not None
            if self._has_signed(other.parsed, one.parsed):
                return other
        if sent and not self.cut:
            self.oddities.append(f"{sent[0].place} has the name of the issuer of {one.place}, but has not signed it")
        return None

    def _leads_nowhere(self, one: Link) -> bool:
        """Whether no root has the name of its issuer: of two that certify each other's key the other one goes first."""
        return one.parsed is None or one.parsed.issuer.public_bytes() not in self.store.by_subject

    def _has_signed(self, above: x509.Certificate, below: x509.Certificate) -> bool:
        """Whether a key verifies a signature, as far as signatures may still be verified."""
        if self.signatures <= 0:
            self.cut = True
            return False
        self.signatures -= 1
        return verifies(above, below)

    def _compare_order(self) -> None:
        """Whether each certificate that was sent certifies the one before (RFC 5246, 7.4.2; RFC 8446, 4.4.2 allows any order)."""
        sent = [step for step in self.path if any(step is one for one in self.links)]
        belonging = [one for one in self.links if any(one is step for step in sent)]
        if [id(one) for one in belonging] != [id(step) for step in sent]:
            self.oddities.append("wrong order: they were sent as " + ", ".join(one.place for one in belonging)
                                 + ", the path is " + ", ".join(step.place.removeprefix("certificate ") for step in sent))
        others = self._other_way()
        if others:
            self.oddities.append(f"{', '.join(one.place for one in others)}: another way up, for those who do not know the root")
        for one in self.links:
            if not any(one is other for other in (*sent, *others)):
                self.oddities.append(f"{one.place} is of no use for the path: {one.name}")

    def _other_way(self) -> list[Link]:
        """What was sent for clients that know another root: a key of the path certified by another, and who certifies that."""
        subjects = {step.read.subject for step in self.path[1:]}
        found = []
        for one in self.links:
            if one.read.subject in subjects and not any(one is step for step in self.path):
                found.append(one)
                subjects.add(one.read.issuer)
        return found

    # Judgement

    @cached_property
    def _standing(self) -> list[Reason]:
        """What is wrong at any time and for any host."""
        return [*self._unreadable(), *self._unrooted(), *self._unfit(), *self._weak()]

    def at(self, time_ns: int, host: str | None) -> Verdict:
        """Whether it holds at a moment, in nanoseconds since the epoch, for a host, which is not compared where it is None.

        Two have to agree on that: our own look at each rule, which has words for what is wrong, and cryptography's verifier.
        """
        host = host.lower().removesuffix(".") if host else None
        reasons = (*self._standing, *self._dates(time_ns), *self._other_name(host))
        if not reasons and self.links:
            reasons = tuple(self._refused(time_ns, host))
        return verdict(reasons)

    @cached_property
    def hosts(self) -> list[str]:
        """The hosts that the server's certificate is for."""
        parsed = self.links[0].parsed if self.links else None
        return [] if parsed is None else hosts(parsed)

    def matches(self, host: str) -> bool | None:
        """Whether the server's certificate is for a host; None where it cannot be read."""
        if not self.links or self.links[0].parsed is None:
            return None
        if host not in self._compared:
            self._compared[host] = any(covers(pattern, host) for pattern in self.hosts)
        return self._compared[host]

    def holds(self) -> tuple[int | None, int | None]:
        """From when to when the dates of all of the path hold, in nanoseconds since the epoch."""
        begins = [step.read.not_before for step in self.path if step.read.not_before is not None]
        ends = [step.read.not_after for step in self.path if step.read.not_after is not None]
        return max(begins, default=None), min(ends, default=None)

    def _unreadable(self) -> Iterator[Reason]:
        for step in self.path:
            if step.parsed is None:
                what = next((d for d in step.read.defects if d.startswith("malformed")), "malformed")
                yield Reason(Fault.UNREADABLE, f"{step.place} cannot be read: {what}")

    def _unrooted(self) -> Iterator[Reason]:
        if not self.path or self.trusted or self.path[-1].parsed is None:
            return
        last = self.path[-1]
        if last.read.self_signed and len(self.path) == 1:
            yield Reason(Fault.SELF_SIGNED, "it is signed with its own key, so that nobody vouches for it")
        elif last.read.self_signed:
            yield Reason(Fault.UNKNOWN_ROOT, f"the root {last.name} is not among {self.store.name}")
        elif self.cut:
            yield Reason(Fault.INCOMPLETE, f"so many signatures are not verified: the issuer of {last.place} was not found")
        elif any("has not signed it" in oddity for oddity in self.oddities):
            yield Reason(Fault.BAD_SIGNATURE, f"the signature of {last.place} is not of the issuer that was sent")
        elif last.read.subject == last.read.issuer:
            yield Reason(Fault.BAD_SIGNATURE, f"{last.place} names itself as its issuer, but its key has not signed it")
        else:
            yield Reason(Fault.INCOMPLETE, f"the issuer of {last.place}, {(last.read.issuer or '?')[:200]}, was not sent and is "
                                           f"not among {self.store.name}")

    def _dates(self, time_ns: int) -> Iterator[Reason]:
        now = time_ns // SECOND
        for step in self.path:
            if step.read.ends is not None and now > step.read.ends:
                yield Reason(Fault.EXPIRED, f"{step.place} was valid until {_day(step.read.ends)}")
            elif step.read.begins is not None and now < step.read.begins:
                yield Reason(Fault.NOT_YET_VALID, f"{step.place} is valid from {_day(step.read.begins)}")

    def _other_name(self, host: str | None) -> Iterator[Reason]:
        if host is not None and self.matches(host) is False:
            names = self.hosts
            shown = ", ".join(name[:100] for name in names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
            yield Reason(Fault.WRONG_NAME, f"it is for {shown or 'no host'}, not for {host}")

    def _unfit(self) -> Iterator[Reason]:
        """What certificates may not be used for that are on the path."""
        for height, step in enumerate(self.path):
            if step.parsed is None:
                continue
            known = _Extensions(step.parsed)
            words = list(known.unfit_for_server() if height == 0 else known.unfit_to_certify(
                sum(not _self_issued(below) for below in self.path[1:height])))
            if height and (constraints := known.name_constraints) is not None:
                for below in self.path[:height]:
                    if below.parsed is not None and not (_self_issued(below) and below is not self.path[0]):
                        words += [f"it may not certify {below.place}: {what}" for what in forbidden(below.parsed, constraints)]
            yield from (Reason(Fault.NOT_ALLOWED, f"{step.place}: {what}") for what in words)

    def _weak(self) -> Iterator[Reason]:
        """Keys and signatures that no longer count; the signature of a root says nothing."""
        for height, step in enumerate(self.path):
            for defect in step.read.defects:
                is_root = step.read.self_signed and (height or self.trusted)
                if defect.startswith("weak key") or (defect.endswith(" signature") and not is_root):
                    yield Reason(Fault.WEAK, f"{step.place} has a {defect}")
        first = self.path[0].parsed if self.path else None
        if first is not None and self.links[0].read.names == []:
            yield Reason(Fault.NO_NAMES, "it has no alternative names: browsers do not look at the common name since 2017")

    def _refused(self, time_ns: int, host: str | None) -> Iterator[Reason]:
        """What cryptography's verifier says where nothing else is wrong."""
        parsed = [step.parsed for step in self.path if step.parsed is not None]
        names = hosts(parsed[0])
        try:
            verify(self.store, parsed[0], parsed[1:], time_ns, host or (names[0].replace("*", "any") if names else ""))
        except Exception as error:  # it raises several kinds
            yield Reason(Fault.REFUSED, f"the verifier of the cryptography package refuses it: {str(error)[:200]}")


def verifies(above: x509.Certificate, below: x509.Certificate) -> bool:
    """Whether the key of one certificate verifies the signature of another, also with digests that are given up by now.

    True where the cryptography package knows no such signatures: what rests on them is weak, or refused.
    """
    from cryptography.exceptions import InvalidSignature
    signature = SIGNATURES.get(below.signature_algorithm_oid.dotted_string, "")
    try:
        key = above.public_key()
        if not may_sign(_kind(key), signature or None):
            return False
        if signature in _GIVEN_UP:
            _verify_old(key, below, signature)
        else:
            below.verify_directly_issued_by(above)
    except (InvalidSignature, TypeError):
        return False
    except Exception:  # it raises several kinds where it does not know keys and signatures
        return True
    return True


_GIVEN_UP = {"md5WithRSAEncryption": "MD5", "sha1WithRSAEncryption": "SHA1", "sha1WithRSA": "SHA1", "ecdsa-with-SHA1": "SHA1"}
"""Signatures that the package verifies only piece by piece -> its names of their digests."""


def _kind(key: object) -> str:
    """What `codecs.x509` calls a kind of keys."""
    name = type(key).__name__.lstrip("_").removesuffix("PublicKey")
    return {"EllipticCurve": "EC", "EC": "EC"}.get(name, name)


def _verify_old(key: Any, below: x509.Certificate, signature: str) -> None:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding
    digest = getattr(hashes, _GIVEN_UP[signature])()
    if "RSA" in signature:
        key.verify(below.signature, below.tbs_certificate_bytes, padding.PKCS1v15(), digest)
    else:
        key.verify(below.signature, below.tbs_certificate_bytes, ec.ECDSA(digest))


def verify(store: TrustStore, leaf: x509.Certificate, above: list[x509.Certificate], time_ns: int, host: str) -> None:
    """Have cryptography verify it as browsers do, except that keys need no identifiers: it raises what is wrong."""
    from cryptography import x509
    from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder
    lenient: Callable[[ExtensionPolicy], ExtensionPolicy] = lambda policy: policy.may_be_present(  # noqa: E731
        x509.AuthorityKeyIdentifier, Criticality.AGNOSTIC, None)
    address = as_address(host)
    builder = PolicyBuilder().store(store.verifiable).time(datetime.fromtimestamp(time_ns // SECOND, UTC)).extension_policies(
        ca_policy=lenient(ExtensionPolicy.webpki_defaults_ca()), ee_policy=lenient(ExtensionPolicy.webpki_defaults_ee()))
    builder.build_server_verifier(x509.IPAddress(address) if address else x509.DNSName(host)).verify(leaf, above)


def _der(certificate: x509.Certificate) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding
    return certificate.public_bytes(Encoding.DER)


def _may_be_meant(above: x509.Certificate, below: x509.Certificate) -> bool:
    """Whether a key may be the one that a certificate names as its issuer's (RFC 5280, 4.2.1.1)."""
    own, named = _Extensions(above).key_identifier, _Extensions(below).authority_key_identifier
    return own is None or named is None or own == named


def _self_issued(step: Link) -> bool:
    return step.read.subject is not None and step.read.subject == step.read.issuer


@lru_cache(maxsize=256)
def _day(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


class _Extensions:
    """What the extensions of a certificate allow."""

    def __init__(self, certificate: x509.Certificate) -> None:
        self._certificate = certificate

    def _get(self, kind: str) -> Any:
        """The value of an extension of a class of `cryptography.x509`; None where there is none."""
        from cryptography import x509
        try:
            return self._certificate.extensions.get_extension_for_class(getattr(x509, kind)).value
        except x509.ExtensionNotFound:
            return None

    @property
    def name_constraints(self) -> x509.NameConstraints | None:
        """Which names it may certify."""
        found: x509.NameConstraints | None = self._get("NameConstraints")
        return found

    @property
    def key_identifier(self) -> bytes | None:
        """The short name of its key."""
        found = self._get("SubjectKeyIdentifier")
        return None if found is None else bytes(found.digest)

    @property
    def authority_key_identifier(self) -> bytes | None:
        """The short name of the key that signed it."""
        found = self._get("AuthorityKeyIdentifier")
        return None if found is None else found.key_identifier

    def unfit_for_server(self) -> Iterator[str]:
        """Why no TLS server may use it (RFC 5280, 4.2.1.3 and 4.2.1.12)."""
        yield from self._purpose()
        usage = self._get("KeyUsage")
        if usage is not None and not (usage.digital_signature or usage.key_encipherment or usage.key_agreement):
            yield "its key is for other things than TLS (key usage)"
        yield from self._unknown()

    def unfit_to_certify(self, below: int) -> Iterator[str]:
        """Why it may not certify, with `below` authorities under it (RFC 5280, 4.2.1.9)."""
        from cryptography import x509
        constraints = self._get("BasicConstraints")
        if constraints is None:
            if self._certificate.version is not x509.Version.v1 or self._certificate.subject != self._certificate.issuer:
                yield "it is no authority's: it has no basic constraints"
        elif not constraints.ca:
            yield "it is no authority's (CA:FALSE)"
        elif constraints.path_length is not None and below > constraints.path_length:
            yield f"it allows {constraints.path_length} authorities below it, not {below}"
        usage = self._get("KeyUsage")
        if usage is not None and not usage.key_cert_sign:
            yield "its key may not sign certificates (key usage)"
        yield from self._purpose()
        yield from self._unknown()

    def _purpose(self) -> Iterator[str]:
        from cryptography.x509.oid import ExtendedKeyUsageOID as Purpose
        purposes = self._get("ExtendedKeyUsage")
        if purposes is not None and not {Purpose.SERVER_AUTH, Purpose.ANY_EXTENDED_KEY_USAGE} & set(purposes):
            yield "it is not for TLS servers (extended key usage)"

    def _unknown(self) -> Iterator[str]:
        from cryptography import x509
        for extension in self._certificate.extensions:
            if extension.critical and isinstance(extension.value, x509.UnrecognizedExtension):
                yield f"extension {extension.oid.dotted_string} must be understood, and nobody knows it"
            elif extension.critical and isinstance(extension.value, x509.PrecertPoison):
                yield "it is a precertificate, which is none (RFC 6962, 3.1)"
