"""The verdict on one session, and what it rests on: present, absent, not in the capture, or taken away."""

from __future__ import annotations

from dataclasses import dataclass, field

from pcapkit.records import SERVER, BytesAroundSwitch, Confidence, Conversation, Span, Verdict
from pcapkit.reporters.starttls.facts import Facts, Witness

_RANK = (Confidence.POSSIBLE, Confidence.LIKELY, Confidence.CERTAIN)


@dataclass(slots=True)
class Judgement:
    """A verdict with its reasons in words, and the places that they name, the main one first."""

    verdict: Verdict
    words: list[str]
    places: list[tuple[Conversation, Span]] = field(default_factory=list)
    confidence: Confidence = Confidence.CERTAIN


def judge(facts: Facts, other: Facts | None, witnesses: list[Witness]) -> Judgement:
    """What became of the encryption of a session.

    `other` is a session with the same server in which TLS was offered, `witnesses` whoever else speaks for its offering TLS.
    """
    if facts.around:
        return _here(facts, Verdict.INJECTION, [f"bytes around the switch to TLS in frame {b.span.frame}: {_shown(b)}"
                                                for b in facts.around], *(b.span for b in facts.around),
                     facts.accepted, confidence=Confidence.LIKELY)
    if facts.accepted is not None:
        return _switched(facts, facts.accepted)
    if facts.refused is not None:
        return _refused(facts)
    if facts.started is not None:
        return _here(facts, Verdict.ESTABLISHED, [f"TLS began in frame {facts.started.frame}"], facts.started)
    if facts.offered is not None:
        if facts.requested is not None:
            return _here(facts, Verdict.UNDETERMINED, [f"TLS was asked for in frame {facts.requested.frame}; the answer is "
                                                       "not in the capture"])
        went_on = facts.over is not None or bool(facts.clear)
        return _here(facts, Verdict.OFFERED_UNUSED,
                     [f"offered in frame {facts.offered.last_frame}, never asked for{_clear(facts)}"], facts.offered,
                     confidence=Confidence.CERTAIN if went_on else Confidence.POSSIBLE)
    return _not_offered(facts, other, witnesses)


def _here(facts: Facts, verdict: Verdict, words: list[str], *places: Span | None,
          confidence: Confidence = Confidence.CERTAIN) -> Judgement:
    """A judgement that rests on this session alone."""
    return Judgement(verdict, words, [(facts.flow, place) for place in places if place is not None], confidence)


def _clear(facts: Facts) -> str:
    return f"; in the clear: {', '.join(facts.clear)}" if facts.clear else ""


def _switched(facts: Facts, accepted: Span) -> Judgement:
    agreed = f"the server agreed in frame {accepted.frame}"
    if facts.established is not None and facts.failed is None:
        version = f", {facts.established.version}" if facts.established.version else ""
        return _here(facts, Verdict.ESTABLISHED, [agreed, f"encrypted from frame {facts.established.span.frame} on{version}"],
                     accepted)
    if facts.failed is not None:
        unsure = Confidence.POSSIBLE if facts.failed.unfinished and facts.over is None else Confidence.CERTAIN
        return _here(facts, Verdict.ACCEPTED_FAILED, [agreed, f"{facts.failed.reason} (frame {facts.failed.span.frame})"],
                     accepted, facts.failed.span, confidence=unsure)
    if facts.started is not None and not facts.gap:
        return _here(facts, Verdict.ESTABLISHED, [agreed, f"TLS began in frame {facts.started.frame}"], accepted)
    if facts.over is not None and not facts.gap:
        end = Span(accepted.side, accepted.stop, accepted.stop, facts.over, facts.over, accepted.time_ns)
        return _here(facts, Verdict.ACCEPTED_FAILED,
                     [agreed, f"the connection ended without a handshake (frame {facts.over})"], accepted, end)
    return _here(facts, Verdict.UNDETERMINED, [agreed, "what followed is not in the capture"])


def _refused(facts: Facts) -> Judgement:
    """A refusal is the server's word, unless the segment that brings it looks like somebody else's."""
    refused = facts.refused
    assert refused is not None
    kind = "temporarily" if refused.temporary else "permanently"
    words = [f"TLS was {kind} refused with {refused.code} in frame {refused.span.frame}"
             + (f": {refused.text}" if refused.text else "")]
    oddity = facts.oddity(refused.span)
    if oddity is not None:
        words.append(f"the segment of the refusal stands out: {oddity.how}{_clear(facts)}")
    elif facts.masked is not None:
        words.append(f"{_masked(*facts.masked)}{_clear(facts)}")
    if len(words) > 1:
        return _here(facts, Verdict.SUSPECTED_STRIPPING, words, facts.masked[1] if facts.masked else None, refused.span,
                     facts.requested, oddity.span if oddity else None, confidence=Confidence.LIKELY)
    return _here(facts, Verdict.REFUSED, words, refused.span, facts.requested)


def _not_offered(facts: Facts, other: Facts | None, witnesses: list[Witness]) -> Judgement:
    if facts.masked is None:
        if facts.incomplete:
            return _here(facts, Verdict.UNDETERMINED, ["the server's list of capabilities is not whole in the capture"])
        if facts.listed is None:
            return _unlisted(facts)
    suspicions = _suspicions(facts, other, witnesses)
    if not suspicions:
        assert facts.listed is not None
        return _here(facts, Verdict.NOT_OFFERED, [f"the capabilities in frame {facts.listed.last_frame} do not have it"],
                     facts.listed)
    words = [s.words for s in suspicions]
    words[-1] += _clear(facts)
    best = max((s.confidence for s in suspicions), key=_RANK.index)
    places = [(s.flow, s.span) for s in suspicions]
    if facts.listed is not None and facts.masked is None:
        places.insert(0, (facts.flow, facts.listed))
    kept = [place for i, place in enumerate(places) if place not in places[:i]]
    return Judgement(Verdict.SUSPECTED_STRIPPING, words, kept, best)


def _unlisted(facts: Facts) -> Judgement:
    if facts.unasked is not None:
        how = "greeting asks for no list (HELO)" if facts.session.protocol in ("smtp", "lmtp") else "first message rules it out"
        return _here(facts, Verdict.NOT_OFFERED, [f"the client's {how}, see frame {facts.unasked.last_frame}"], facts.unasked)
    return _here(facts, Verdict.UNDETERMINED, ["the capture starts after the server's offer" if facts.session.late else
                                               "the server's capabilities are not in the capture"])


def _masked(keyword: str, span: Span) -> str:
    return f"the keyword {keyword!r} in frame {span.last_frame} looks overwritten in place"


def _suspicions(facts: Facts, other: Facts | None, witnesses: list[Witness]) -> list[Witness]:
    """Why the offer may have been there and been taken away, the strongest reason first."""
    found, listed = [], facts.listed
    assert listed is not None
    if facts.masked is not None:
        found.append(Witness(_masked(*facts.masked), Confidence.LIKELY, facts.flow, facts.masked[1]))
    oddity = facts.oddity(listed)
    if oddity is not None:
        found.append(Witness(f"not offered in frame {listed.last_frame}, whose segment stands out: {oddity.how}",
                             Confidence.LIKELY, facts.flow, oddity.span))
    if other is not None and other.offered is not None:
        found.append(Witness(
            f"not offered in frame {listed.last_frame}, but the same server offered it in {other.flow.file} stream "
            f"{other.flow.stream} (frame {other.offered.last_frame})", Confidence.POSSIBLE, other.flow, other.offered))
    return found + [Witness(f"not offered in frame {listed.last_frame}, though {w.words}", w.confidence, w.flow, w.span)
                    for w in witnesses]


_HARMLESS = frozenset(b"EHLO HELO LHLO MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY EXPN STARTTLS STLS CAPA CAPABILITY USER STAT "
                      b"LIST RETR DELE TOP UIDL ID SELECT EXAMINE FETCH SEARCH LOGOUT FEAT PWD CWD SYST".split())
"""Commands whose arguments are no secret."""


def _shown(around: BytesAroundSwitch) -> str:
    """The first line; of a client, only as far as it cannot be a login. What is not known to be harmless is counted."""
    line, _, rest = around.data.partition(b"\n")
    words, more = line.split(), " ..." if rest else ""
    if around.span.side == SERVER:
        return f"{line.rstrip()[:60]!r}{more}"
    for at, word in enumerate(words[:2]):  # IMAP has a tag before the command
        if word.upper() in _HARMLESS:
            return f"{line.rstrip()[:60]!r}{more}"
        if word.upper() in _LOGINS:
            return f"{b' '.join((*words[:at + 1 + _LOGINS[word.upper()]], b'...'))!r}{more}"
    return f"{len(around.data)} bytes"


_LOGINS = {b"AUTH": 1, b"AUTHENTICATE": 1, b"LOGIN": 1, b"APOP": 1, b"PASS": 0, b"ACCT": 0}
"""Commands with a secret, and how many words before it may be shown: a mechanism or a name."""
