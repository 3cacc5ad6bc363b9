"""The manual page pcapkit(1), in the macros of man(7)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from docs.making.commands import ENVIRONMENT, EXITS, Choice, Verb, answer, common, purposes
from pcapkit import __version__

PLACE = Path(__file__).parents[1] / "_build" / "pcapkit.1"

_ABOUT = """pcapkit reads packet captures and answers: what was sent in the clear, in which packet, was the mail encrypted, could
it have been, and what to look at next. Every statement names its frame (Wireshark's number), its stream, its bytes and the RFC's
section. It never touches the network and needs no root."""
_FILTER = """Behind -r FILE, or behind --, stands a capture filter as tcpdump(1) has it; see pcap-filter(7). Frames and streams
keep the numbers of the whole file. Names of hosts are refused, since they would be looked up."""
_SECRETS = """Passwords, cookies and tokens are masked in every output: the same secret has the same number. --show-secrets shows
them as they are."""
_EXAMPLES = (
    ("The answer, on one screen:", "pcapkit capture.pcap"),
    ("What was typed into forms:", "pcapkit forms capture.pcap --show-secrets"),
    ("The mail dialogue: who said what, when, in which packet:", "pcapkit smtp capture.pcap --ladder"),
    ("From a pipe:", "tcpdump -w - port 80 | pcapkit -"),
    ("All tables as files:", "pcapkit export capture.pcap --output tables"),
)


def page() -> str:
    """The manual page."""
    lines = [f'.TH PCAPKIT 1 "" "pcapkit {__version__}" "User Commands"', ".nh", ".ad l", ".SH NAME",
             "pcapkit \\- from a packet capture to the answer", ".SH SYNOPSIS"]
    lines += _synopsis([answer()])
    lines += [".SH DESCRIPTION", *_text(_ABOUT), ".PP", *_text(_SECRETS), ".SH COMMON OPTIONS",
              *_text("Verbs that analyse captures take all of these."), *_choices(common())]
    lines += [".SH FILTERS", *_text(_FILTER)]
    for purpose, verbs in purposes():
        lines += [f".SH {purpose.upper()}", *(line for verb in verbs for line in _verb(verb))]
    lines += [".SH EXIT STATUS", *_tagged((str(number), meaning) for number, meaning in EXITS),
              ".PP", *_text("Where several apply: 3, then 5, then 4, then 1."),
              ".SH ENVIRONMENT", *_tagged(ENVIRONMENT), ".SH EXAMPLES"]
    for what, command in _EXAMPLES:
        lines += [".PP", *_text(what), ".PP", ".nf", ".RS 4", escape(command), ".RE", ".fi"]
    lines += [".SH SEE ALSO", ".BR tcpdump (1),", ".BR tshark (1),", ".BR pcap\\-filter (7),", ".BR openssl (1)"]
    return "\n".join(lines) + "\n"


def write(place: Path = PLACE) -> None:
    """Put the page in its place."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(page(), "utf-8")


def escape(text: str) -> str:
    """Text in which no character means anything to roff."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga")
    return f"\\&{text}" if text.startswith((".", "'")) else text


def _text(text: str) -> list[str]:
    """A paragraph of prose; what stands between backticks is bold."""
    parts = " ".join(text.split()).split("`")
    return ["".join(f"\\fB{escape(part)}\\fR" if number % 2 else escape(part) for number, part in enumerate(parts))]


def _tagged(entries: Iterable[tuple[str, str]]) -> list[str]:
    return [line for term, meaning in entries for line in (".TP", f"\\fB{escape(term)}\\fR", *_text(meaning))]


def _choices(choices: Iterable[Choice]) -> list[str]:
    return _tagged((choice.spelled, choice.does) for choice in choices)


def _synopsis(verbs: Iterable[Verb]) -> list[str]:
    return [line for verb in verbs for line in (".PP", f"\\fB{escape(verb.usage)}\\fR")]


def _verb(verb: Verb) -> list[str]:
    lines = [f".SS {escape(verb.words)}", f"\\fB{escape(verb.usage)}\\fR"]
    for literal, text in verb.paragraphs:
        lines += [".PP", *([".nf", *map(escape, text.splitlines()), ".fi"] if literal else _text(text))]
    lines += _choices(verb.options)
    return [*lines, *([".PP", "Also the common options."] if verb.common else [])]


if __name__ == "__main__":
    write()
