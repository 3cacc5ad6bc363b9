"""DNS messages: header, questions and records, with the pointers that compress names."""

from __future__ import annotations

from pcapkit.dissectors.dns import rdata
from pcapkit.dissectors.dns.message import flag_names, opcode_name, plausible, rcode_name
from pcapkit.dissectors.dns.names import class_name, read_name, type_name
from pcapkit.errors import DissectError
from pcapkit.fields.field import Cutter, count

_NAMED = {2: "Name server", 5: "Real name", 12: "Name of the address"}
_COUNTS = (("Questions", "question"), ("Answers", "answer"), ("Authority records", "authority record"),
           ("Additional records", "additional record"))
_LONGEST = 65_535
_MOST = 4_096
"""How many records are cut."""


def message(cut: Cutter) -> None:
    """Cut a message."""
    begin, counts = cut.at, [0, 0, 0, 0]
    with cut.group("Domain Name System", meaning="Asks for what belongs to a name, or answers that.", rfc="RFC 1035, 4") as whole:
        with cut.group("Header", 12, rfc="RFC 1035, 4.1.1"):
            cut.number("Identification", 2, lambda n: f"{n} ({n:#06x})", "The answer has the same as the question. Who can guess "
                       "it, and the port, can answer in the server's place.", "RFC 1035, 4.1.1")
            bits = cut.number("Flags", 2, _flags, "Whether it is an answer (qr), by the domain's own server (aa), cut (tc); "
                              "whether the server is to ask others (rd) and does so (ra); checked by DNSSEC (ad).",
                              "RFC 1035, 4.1.1")
            for i, (name, _) in enumerate(_COUNTS):
                counts[i] = cut.number(name, 2, rfc="RFC 1035, 4.1.1")
            whole.value = "answer" if bits & 0x8000 else "question"
        for _ in range(min(counts[0], _MOST)):
            _question(cut, begin)
        for (_, what), many in list(zip(_COUNTS, counts, strict=True))[1:]:
            for _ in range(min(many, _MOST)):
                if cut.left:
                    _record(cut, begin, what.capitalize())


def stream(cut: Cutter) -> None:
    """Cut messages as TCP carries them, each behind its length (RFC 1035, 4.2.2), as long as they look like such."""
    while cut.left and plausible(cut.peek(_LONGEST, 2)):
        size = cut.number("Length", 2, count("bytes"), "Of the message that follows; over TCP only.", "RFC 1035, 4.2.2")
        inner = Cutter(cut.data, cut.at, cut.at + min(size, cut.left))
        cut.fields += inner.all(message)
        cut.at = inner.at


def _flags(bits: int) -> str:
    rcode = f", {rcode_name(bits & 15)}" if bits & 0x8000 else ""
    return f"{opcode_name(bits)}{rcode}; {' '.join(flag_names(bits)) or 'no flags'}"


def _question(cut: Cutter, begin: int) -> None:
    with cut.group("Question", rfc="RFC 1035, 4.1.2") as whole:
        name = _name(cut, begin, "Name")
        kind = cut.number("Type", 2, type_name, "What is asked for: A and AAAA are addresses, MX the mail server.",
                          "RFC 1035, 3.2.2")
        cut.number("Class", 2, class_name, "IN is the internet.", "RFC 1035, 3.2.4")
        whole.value = f"{name} {type_name(kind)}"


def _record(cut: Cutter, begin: int, what: str) -> None:
    with cut.group(what, rfc="RFC 1035, 4.1.3") as whole:
        name = _name(cut, begin, "Name")
        kind = cut.number("Type", 2, type_name, "What the data is.", "RFC 1035, 3.2.2")
        if kind == 41:
            cut.number("Longest answer", 2, count("bytes"), "That the sender takes over UDP.", "RFC 6891, 6.1.2")
            cut.number("Extended flags", 4, lambda n: "do" if n & 0x8000 else hex(n), "do: send signatures of DNSSEC too.",
                       "RFC 6891, 6.1.3")
        else:
            cut.number("Class", 2, class_name, "IN is the internet.", "RFC 1035, 3.2.4")
            cut.number("Time to live", 4, count("seconds"), "How long others may keep it.", "RFC 1035, 4.1.3")
        size = cut.number("Data length", 2, count("bytes"), rfc="RFC 1035, 4.1.3")
        with cut.group("Data", size) as data:
            _data(cut, begin, kind)
            data.value = rdata.text(kind, cut.data[begin:cut.stop], data.start - begin, cut.stop - begin)
        whole.value = f"{name} {type_name(kind)} {data.value}"


def _data(cut: Cutter, begin: int, kind: int) -> None:
    """The data of the types that most answers have; of others all at once."""
    if kind in _NAMED:
        _name(cut, begin, _NAMED[kind])
    elif kind == 15:
        cut.number("Preference", 2, str, "The server with the lowest is tried first.", "RFC 1035, 3.3.9")
        _name(cut, begin, "Mail server")
    elif kind == 6:
        _name(cut, begin, "First name server")
        _name(cut, begin, "Mailbox of who is responsible")
        for name, meaning in (("Serial", "Goes up with each change."), ("Refresh", "When copies are to look for changes."),
                              ("Retry", "When to look again after a failure."), ("Expire", "When a copy is too old."),
                              ("Minimum", "How long others may keep that there is no such name.")):
            cut.number(name, 4, str, meaning, "RFC 1035, 3.3.13" if name != "Minimum" else "RFC 2308, 4")
    elif kind in (16, 99):
        while cut.left:
            size = cut.peek(1)[0] + 1
            cut.take("String", min(size, cut.left), lambda data: data[1:].decode("utf-8", "backslashreplace"),
                     "A length and up to 255 bytes. Several are joined without a blank.", "RFC 1035, 3.3.14")
    elif kind in (1, 28):
        cut.rest("Address", lambda data: rdata.text(kind, data, 0, len(data)), "Where the name leads.",
                 "RFC 1035, 3.4.1" if kind == 1 else "RFC 3596, 2.2")
    else:
        cut.rest("Data of this type")


def _name(cut: Cutter, begin: int, what: str) -> str:
    """A name: labels, and where it is compressed a pointer to the rest."""
    at, pointer = cut.at, b""
    while at < cut.stop and 0 < cut.data[at] < 64:
        at += 1 + cut.data[at]
    if at < cut.stop and cut.data[at] >= 192:
        pointer = cut.data[at:at + 2]
    elif at < cut.stop and not cut.data[at]:
        at += 1
    try:
        name = read_name(cut.data[begin:cut.stop], cut.at - begin)[0]
    except DissectError as error:
        cut.take(what, max(1, min(at, cut.stop) - cut.at) if cut.left else 1, error.reason, rfc="RFC 1035, 3.1")
        cut.damaged(error.reason)
    meaning = "Labels, each behind its length; a length of 0 ends the name."
    if not pointer:
        cut.take(what, at - cut.at, name, meaning, "RFC 1035, 3.1")
        return name
    with cut.group(what, value=name):
        cut.take("Labels", at - cut.at, _labels, meaning, "RFC 1035, 3.1")
        target = int.from_bytes(pointer, "big") & 0x3FFF
        cut.take("Pointer", 2, f"to byte {target} of the message: {read_name(cut.data[begin:cut.stop], target)[0]}",
                 "The rest of the name stands there already: two bits say so, 14 say where.", "RFC 1035, 4.1.4")
    return name


def _labels(data: bytes) -> str:
    found, at = [], 0
    while at < len(data):
        found.append(data[at + 1:at + 1 + data[at]].decode("latin-1"))
        at += 1 + data[at]
    return ".".join(found)
