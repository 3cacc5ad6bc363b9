"""What servers tell browsers about security, in headers: HSTS (RFC 6797), HPKP (RFC 7469), CSP (W3C) and the attributes of
cookies (RFC 6265), and what is weak in each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

POLICY_HEADERS = frozenset({
    "strict-transport-security", "public-key-pins", "public-key-pins-report-only", "content-security-policy",
    "content-security-policy-report-only", "set-cookie"})
"""The headers that are read here, in lower case."""

DAY = 86_400
_LONG = 180 * DAY
_PRELOADED = 365 * DAY
"""What browsers' preload lists ask for (hstspreload.org)."""
_MOST = 1_000
"""How many directives or attributes of one header are read."""


@dataclass(slots=True)
class Hsts:
    """A Strict-Transport-Security header. `max_age` is in seconds, None where it is missing or no number."""

    max_age: int | None
    subdomains: bool
    preload: bool

    def weak(self) -> list[str]:
        """What is weak, in words."""
        if self.max_age is None:
            return ["it has no max-age that can be read, so that browsers ignore it (RFC 6797, 6.1)"]
        if self.max_age == 0:
            return ["max-age=0 makes browsers forget it (RFC 6797, 6.1.1)"]
        words = [f"max-age is {self.max_age:,} seconds, less than half a year"] if self.max_age < _LONG else []
        if self.preload and (not self.subdomains or self.max_age < _PRELOADED):
            words.append("preload is asked for, but preload lists want includeSubDomains and a max-age of a year")
        elif not self.subdomains:
            words.append("without includeSubDomains, subdomains stay open to it")
        return words


def hsts(value: str) -> Hsts:
    """A Strict-Transport-Security header from its value; of a directive that comes twice the first counts."""
    found: dict[str, str] = {}
    for name, given in _directives(value, ";"):
        found.setdefault(name, given.strip('"'))
    age = found.get("max-age", "")
    return Hsts(int(age) if age.isascii() and age.isdigit() and len(age) < 19 else None, "includesubdomains" in found,
                "preload" in found)


@dataclass(slots=True)
class Cookie:
    """A Set-Cookie header without the cookie's value."""

    name: str
    secure: bool
    http_only: bool
    same_site: str
    """strict, lax, none, or empty where it is not said."""
    lasting: bool
    """Whether it outlives the browser's session."""
    attributes: list[str] = field(default_factory=list)

    def weak(self, encrypted: bool) -> list[str]:
        """What it lacks, or has that is of no use; `encrypted` says that it came over TLS."""
        words = []
        if not self.secure:
            words.append("no Secure: it is sent over plain HTTP too")
        elif not encrypted:
            words.append("Secure, but set over plain HTTP: browsers refuse it")
        if not self.http_only:
            words.append("no HttpOnly: scripts can read it")
        if not self.same_site:
            words.append("no SameSite")
        elif self.same_site == "none":
            refused = "" if self.secure else ", and refused for lack of Secure"
            words.append(f"SameSite=None: sent with requests from any site{refused}")
        if self.name.startswith(("__Secure-", "__Host-")) and not (self.secure and encrypted):
            words.append("its name promises Secure, so that browsers refuse it")
        return words


def cookie(value: str) -> Cookie:
    """A Set-Cookie header from its value (RFC 6265, 5.2)."""
    pair, _, rest = value.partition(";")
    found = dict(_directives(rest, ";"))
    return Cookie(pair.partition("=")[0].strip(), "secure" in found, "httponly" in found,
                  found.get("samesite", "").strip('"').lower(), "expires" in found or "max-age" in found, list(found))


def hpkp(value: str) -> tuple[int, list[str]]:
    """How many keys a Public-Key-Pins header pins, and what is wrong with it beyond being obsolete."""
    directives = list(_directives(value, ";"))
    pins = sum(name.startswith("pin-sha256") for name, _ in directives)
    words = [] if pins > 1 else ["without a second, spare key a lost one locks everybody out (RFC 7469, 4.3)"]
    if not any(name == "max-age" for name, _ in directives):
        words.append("it has no max-age")
    return pins, words


_SCRIPTS = ("script-src", "script-src-elem", "default-src")
_ANYWHERE = frozenset({"*", "http:", "https:", "data:", "blob:"})


def csp(value: str) -> list[str]:
    """Weak spots of a Content-Security-Policy (W3C CSP Level 3), in words."""
    policy: dict[str, list[str]] = {}
    for part in value.split(";")[:_MOST]:
        name, *sources = part.split()[:_MOST] or [""]
        if name:
            policy.setdefault(name.lower(), [s.lower() for s in sources])
    words = []
    scripts = next((name for name in _SCRIPTS if name in policy), None)
    if scripts is None:
        words.append("nothing is said of scripts: neither script-src nor default-src")
    else:
        sources = policy[scripts]
        vetted = any(s.startswith(("'nonce-", "'sha256-", "'sha384-", "'sha512-")) for s in sources)
        if "'unsafe-inline'" in sources and not vetted:
            words.append(f"{scripts} 'unsafe-inline' runs any script that gets into a page")
        if "'unsafe-eval'" in sources:
            words.append(f"{scripts} 'unsafe-eval'")
        broad = sorted(_ANYWHERE.intersection(sources))
        if broad and "'strict-dynamic'" not in sources:
            words.append(f"{scripts} allows scripts from anywhere ({' '.join(broad)})")
        plain = [s for s in sources if s.startswith("http://")]
        if plain:
            words.append(f"{scripts} allows scripts over plain HTTP ({plain[0]})")
    if "object-src" not in policy and "default-src" not in policy:
        words.append("nothing is said of plug-ins: no object-src")
    if "base-uri" not in policy and scripts is not None and any(s.startswith("'nonce-") for s in policy[scripts]):
        words.append("no base-uri: scripts with a nonce can be drawn from elsewhere")
    return words


def _directives(value: str, mark: str) -> Iterator[tuple[str, str]]:
    """Names in lower case with what is behind their equals sign."""
    for part in value.split(mark)[:_MOST]:
        name, _, given = part.partition("=")
        if name.strip():
            yield name.strip().lower(), given.strip()
