"""What web servers tell browsers about security, and where that is weak or of no use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from pcapkit.codecs.policies import cookie, csp, hpkp, hsts
from pcapkit.dissectors.http import HttpPolicy
from pcapkit.records import Confidence, Finding, Record, Severity
from pcapkit.reporters.evidence import capture_filter, display_filter, evidence, flow_of

_KEPT, _WORDS, _SHOWN = 10_000, 50, 5
"""How many findings are kept, how many things each names, and how many places."""


@dataclass(slots=True)
class _Rule:
    title: str
    severity: Severity
    rfc: str
    remedy: str


_RULES = {
    "hsts-over-http": _Rule("HSTS over plain HTTP, where browsers ignore it", Severity.INFO, "RFC 6797, 8.1",
                            "redirect plain HTTP to HTTPS and send the header there"),
    "hsts-weak": _Rule("A weak HSTS policy", Severity.LOW, "RFC 6797, 6.1 and 11.2",
                       "Strict-Transport-Security: max-age=31536000; includeSubDomains"),
    "hpkp-obsolete": _Rule("Key pinning, which browsers have given up", Severity.INFO, "RFC 7469, 2.1",
                           "remove the header; watch Certificate Transparency logs and set CAA records in its place"),
    "csp-weak": _Rule("Weak spots in a content security policy", Severity.INFO, "W3C Content Security Policy Level 3",
                      "allow scripts by nonce or hash, and nothing from everywhere"),
    "cookie-weak": _Rule("Cookies without protection", Severity.INFO, "RFC 6265, 4.1.2 and 8.3",
                         "set cookies over HTTPS only, with Secure, HttpOnly and SameSite=Lax or Strict"),
}


@dataclass(slots=True)
class _Seen:
    """What was seen of one rule at one server: in words, and where first."""

    rule: str
    words: dict[str, None] = field(default_factory=dict)
    records: list[HttpPolicy] = field(default_factory=list)


class WebPolicies:
    """A header that should protect users does not: HSTS sent over plain HTTP or for days only, pinned keys, a content policy that
    allows any script, cookies that plain HTTP and scripts get to see.
    """

    name: ClassVar[str] = "web-policies"
    severity: ClassVar[Severity] = Severity.LOW
    wants: ClassVar[tuple[type[Record], ...]] = (HttpPolicy,)

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str, str], _Seen] = {}

    def observe(self, record: Record) -> None:
        """Judge a header; the same of one server is one finding."""
        if not isinstance(record, HttpPolicy):
            return
        encrypted = flow_of(record).encrypted
        if record.name == "strict-transport-security":
            weak = hsts(record.value).weak()
            if not encrypted:
                self._note(record, "hsts-over-http", weak or ["as a policy it would do"])
            elif weak:
                self._note(record, "hsts-weak", weak)
        elif record.name.startswith("public-key-pins"):
            pins, wrong = hpkp(record.value)
            self._note(record, "hpkp-obsolete", [f"{pins} keys are pinned", *wrong])
        elif record.name.startswith("content-security-policy"):
            only = "it is reported only, not enforced" if record.name.endswith("report-only") else ""
            if weak := csp(record.value):
                self._note(record, "csp-weak", [*weak, *filter(None, [only])])
        elif record.name == "set-cookie":
            read = cookie(record.value)
            if weak := read.weak(encrypted):
                self._note(record, "cookie-weak", [f"{read.name[:60]}: {', '.join(weak)}"])

    def _note(self, record: HttpPolicy, rule: str, words: list[str]) -> None:
        flow = flow_of(record)
        key = (flow.file, record.host or f"{flow.server}:{flow.server_port}", rule)
        if key not in self._seen and len(self._seen) >= _KEPT:
            return
        seen = self._seen.setdefault(key, _Seen(rule))
        new = [word for word in words if word not in seen.words][:_WORDS - len(seen.words)]
        seen.words.update(dict.fromkeys(new))
        if (new or not seen.records) and len(seen.records) < _SHOWN:
            seen.records.append(record)

    def finish(self) -> Iterator[Finding]:
        """One finding for each server and rule."""
        for (_, host, rule), seen in self._seen.items():
            first = seen.records[0]
            flow, what = flow_of(first), _RULES[rule]
            finding = Finding(
                first.span, rule, what.severity, Confidence.CERTAIN, what.title, f"{host}: {'; '.join(seen.words)}",
                [e for record in seen.records for e in evidence(flow_of(record), record.span)], what.rfc,
                display_filter(flow, first.span.last_frame), capture_filter(flow), what.remedy)
            finding.flow = flow
            yield finding
