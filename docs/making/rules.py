"""The pages of all rules: what was seen, why it matters, what to do, how to see it with other programs, and the RFCs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from docs.making.markdown import plain, prose, table
from pcapkit.explanations import Explanation, explanation, names

_FAMILIES = (
    ("credentials", "Logins and secrets", r"cleartext-credential|reused-secret|login-.*|http-downgrade"),
    ("starttls", "Encryption of mail", r"starttls-.*|maillog-tls-differs|application-bytes-altered|smtp-text-instead-of-tls"),
    ("malformed", "Messages that cannot be read", r"\w+-malformed"),
    ("tls", "TLS, DTLS and QUIC", r"tls-.*|dtls-.*|quic-.*"),
    ("certificates", "Certificates", r"certificate-.*"),
    ("web", "What servers ask of browsers", r"cookie-.*|csp-.*|hsts-.*|hpkp-.*"),
    ("http", "HTTP, HTTP/2 and WebSocket", r"http-.*|http2-.*|websocket-.*"),
    ("mail", "SMTP and mail", r"smtp-.*|mail-.*|maillog-.*|spf-.*|dkim-.*|dmarc-.*"),
    ("packets", "IP and TCP", r"ip-.*|tcp-.*|udp-.*"),
    ("others", "Others", r".*"),
)
"""Pages with their titles and which rules stand on them; the first that fits has a rule. Caps have a page of their own."""

_HEAD = """# Rules

A finding and an oddity have a rule: a name that stays for ever. `pcapkit explain RULE` says in a terminal what stands here.
Besides, every [cap](../limits.md) has a rule `limit-NAME`.
"""


def pages() -> Iterator[tuple[str, str]]:
    """The pages by name: an index, and one for each family."""
    families = _families()
    shown = [(slug, title) for slug, title, _ in _FAMILIES if families[slug]]
    parts = [_HEAD, "```{toctree}\n:hidden:\n:titlesonly:\n\n" + "\n".join(slug for slug, _ in shown) + "\n```"]
    for slug, title in shown:
        parts += [f"## {title}", table(("rule", "what it is"), (
            (f"[{one.rule}]({slug}.md#{one.rule})", prose(one.title)) for one in families[slug]))]
    yield "index", "\n\n".join(parts) + "\n"
    for slug, title in shown:
        yield slug, "\n\n".join([f"# {title}", *(part for one in families[slug] for part in _rule(one))]) + "\n"


def _families() -> dict[str, list[Explanation]]:
    found: dict[str, list[Explanation]] = {slug: [] for slug, _, _ in _FAMILIES}
    for rule in names():
        if not rule.startswith("limit-"):
            found[next(slug for slug, _, which in _FAMILIES if re.fullmatch(which, rule))].append(explanation(rule))
    return found


def _rule(one: Explanation) -> Iterator[str]:
    yield f"## {one.rule}"
    yield f"**{prose(one.title)}.** {_paragraphs(one.what)}"
    yield f"*Why it matters.* {_paragraphs(one.why)}"
    yield f"*What to do.* {_paragraphs(one.fix)}"
    yield "*See it*, and read on:"
    yield "\n".join(f"- {prose(line)}" for line in one.see.splitlines())
    yield "\n".join(f"- {f'[{plain(r.name)}]({r.url})' if r.url else plain(r.name)}: {prose(r.says)}" for r in one.rfc)


def _paragraphs(text: str) -> str:
    return "\n\n".join(map(prose, text.split("\n\n")))
