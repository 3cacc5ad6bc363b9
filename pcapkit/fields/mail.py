"""SMTP: commands with their parameters, replies with both kinds of codes, and the text of messages."""

from __future__ import annotations

import re
from base64 import b64decode

from pcapkit.dissectors.smtp.replies import is_reply
from pcapkit.dissectors.smtp.replies import meaning as reply_meaning
from pcapkit.fields.field import Cutter, text

_COMMANDS = {
    "EHLO": ("The client says who it is, and asks what the server can do.", "RFC 5321, 4.1.1.1"),
    "HELO": ("The client says who it is, without asking for extensions.", "RFC 5321, 4.1.1.1"),
    "LHLO": ("As EHLO, to a server that delivers (LMTP).", "RFC 2033, 4.1"),
    "MAIL FROM": ("Begins a message: the envelope's sender, to whom errors go.", "RFC 5321, 4.1.1.2"),
    "RCPT TO": ("One recipient of the envelope; the header may say something else.", "RFC 5321, 4.1.1.3"),
    "DATA": ("Now comes the text, until a line with nothing but a dot.", "RFC 5321, 4.1.1.4"),
    "BDAT": ("So many bytes of the message follow.", "RFC 3030, 2"),
    "RSET": ("Forget the message that was begun.", "RFC 5321, 4.1.1.5"),
    "VRFY": ("Asks whether there is such a mailbox.", "RFC 5321, 4.1.1.6"),
    "EXPN": ("Asks who is on a mailing list.", "RFC 5321, 4.1.1.7"),
    "HELP": ("Asks for help.", "RFC 5321, 4.1.1.8"),
    "NOOP": ("Does nothing.", "RFC 5321, 4.1.1.9"),
    "QUIT": ("Ends the session.", "RFC 5321, 4.1.1.10"),
    "AUTH": ("Logs in: the mechanism, and perhaps its first words in base64.", "RFC 4954, 4"),
    "STARTTLS": ("Asks to go on encrypted.", "RFC 3207, 4"),
}
_PARAMETERS = {
    "SIZE": ("How long the message is, so that the server can refuse it at once.", "RFC 1870, 6"),
    "BODY": ("Whether the text has bytes above 127.", "RFC 6152, 3"),
    "ORCPT": ("The recipient as it was first written, for notifications.", "RFC 3461, 4.2"),
    "NOTIFY": ("When the sender wants to be told.", "RFC 3461, 4.1"),
    "RET": ("How much of the message to send back with an error.", "RFC 3461, 4.3"),
    "ENVID": ("The sender's own number for the message.", "RFC 3461, 4.4"),
    "AUTH": ("Who submitted the message.", "RFC 4954, 5"),
    "SMTPUTF8": ("Addresses may have letters of all languages.", "RFC 6531, 3.4"),
}
_EXTENSIONS = {
    "PIPELINING": ("Commands may be sent without waiting for each reply.", "RFC 2920, 3.1"),
    "SIZE": ("The longest message that it takes.", "RFC 1870, 3"),
    "VRFY": ("It knows the command VRFY.", "RFC 5321, 3.5"),
    "ETRN": ("It sends waiting mail when asked.", "RFC 1985, 4"),
    "STARTTLS": ("It can go on encrypted. Somebody on the way can take this line out.", "RFC 3207, 2"),
    "ENHANCEDSTATUSCODES": ("Its replies have a second, more exact code.", "RFC 2034, 3"),
    "8BITMIME": ("Text may have bytes above 127.", "RFC 6152, 2"),
    "DSN": ("It sends notifications about what became of a message.", "RFC 3461, 3"),
    "CHUNKING": ("It knows BDAT.", "RFC 3030, 2"),
    "SMTPUTF8": ("Addresses may have letters of all languages.", "RFC 6531, 3.1"),
    "AUTH": ("The mechanisms for logging in.", "RFC 4954, 3"),
    "HELP": ("It knows the command HELP.", "RFC 5321, 4.1.1.8"),
}
_FIELDS = {
    "from": ("Who wrote it, says the writer. Nobody has checked it.", "RFC 5322, 3.6.2"),
    "to": ("For whom it is; the envelope decides who gets it.", "RFC 5322, 3.6.3"),
    "cc": ("Who else gets it.", "RFC 5322, 3.6.3"),
    "reply-to": ("Where answers go.", "RFC 5322, 3.6.2"),
    "subject": ("What it is about.", "RFC 5322, 3.6.5"),
    "date": ("When it was written, by the writer's clock.", "RFC 5322, 3.6.1"),
    "message-id": ("A name for this message, the only one of its kind.", "RFC 5322, 3.6.4"),
    "received": ("Written by each server on the way, the newest on top.", "RFC 5321, 4.4"),
    "return-path": ("The envelope's sender, written at delivery.", "RFC 5321, 4.4"),
    "dkim-signature": ("A signature of the sending domain over parts of the message.", "RFC 6376, 3.5"),
    "mime-version": ("The body has the form that MIME describes.", "RFC 2045, 4"),
    "content-type": ("What the body is.", "RFC 2045, 5"),
    "content-transfer-encoding": ("How the body is written so that it gets through.", "RFC 2045, 6"),
}
_CLASSES = {"2": "done", "3": "go on", "4": "not now, try again", "5": "no"}
_WORDS = re.compile(rb"^(MAIL FROM|RCPT TO)(:\s*)(<[^>]*>|\S*)|^(\S+)", re.IGNORECASE)
_END = (b".\r\n", b".\n")


def command(cut: Cutter) -> None:
    """Cut one line of the client."""
    line = _line(cut)
    words = _WORDS.match(line)
    verb = (words[1] or words[4]).decode("latin-1").upper() if words else ""
    meaning, rfc = _COMMANDS.get(verb, ("", "RFC 5321, 4.1"))
    with cut.group("SMTP command", len(line), text(line), meaning, rfc):
        if words is None or verb not in _COMMANDS:
            cut.rest("Line", text, "A line that is no usual command: an answer to the server, perhaps, or something else.", rfc)
            return
        behind = words.end(2) if words[1] else words.end(4) + (line[words.end():words.end() + 1] == b" ")
        cut.take("Command", behind, verb, meaning, rfc)
        if words[1]:
            cut.take("Address", len(words[3]), text, "Between < and >. Empty for errors, so that nobody answers them.",
                     "RFC 5321, 4.1.2")
        _parameters(cut, verb)
        cut.rest("End of the line", "", "CRLF.", "RFC 5321, 2.3.8")


def _parameters(cut: Cutter, verb: str) -> None:
    """The words up to the end of the line, each with the blank before it."""
    stop = len(_line(cut).rstrip(b"\r\n"))
    for i, word in enumerate(re.findall(rb"\s*\S+", cut.peek(stop))):
        name = word.strip().partition(b"=")[0].decode("latin-1").upper()
        if verb in ("MAIL FROM", "RCPT TO"):
            meaning, rfc = _PARAMETERS.get(name, ("", "RFC 5321, 4.1.2"))
            cut.take(f"Parameter {name[:40]}", len(word), text(word.strip()), meaning, rfc)
        else:
            said = _decoded(word.strip()) if verb == "AUTH" and i else text(word.strip())
            cut.take("Argument", len(word), said, rfc=_COMMANDS[verb][1])


def reply(cut: Cutter, lists: bool = False) -> None:
    """Cut a reply of one or several lines; one that `lists` answers EHLO with what the server can do."""
    line = _line(cut)
    with cut.group("SMTP reply", value=text(line), meaning="The server's answer: a code, and words for people.",
                   rfc="RFC 5321, 4.2") as whole:
        first = True
        while cut.left:
            line = _line(cut)
            code = text(line[:3])
            with cut.group("Line", len(line), text(line)):
                last = line[3:4] != b"-"
                said = reply_meaning(int(code), None) if code.isdecimal() else None
                cut.take("Code", min(4, cut.left), f"{code}{'' if last else ', more lines follow'}",
                         f"{_CLASSES.get(code[:1], 'no class that there is')}{f': {said}' if said else ''}. Behind the code of "
                         "the last line stands a blank, of the others a hyphen.", "RFC 5321, 4.2.1")
                enhanced = re.match(rb"[245]\.\d{1,3}\.\d{1,3}(?=[ \r\n])", cut.peek(12))
                if enhanced:
                    name = enhanced[0].decode()
                    cut.take("Enhanced code", len(name) + (cut.peek(1, len(name)) == b" "), name,
                             f"{reply_meaning(int(code) if code.isdecimal() else None, name) or ''}.", "RFC 3463, 2")
                keyword = text(cut.peek(60)).split()[:1]
                meaning, rfc = _EXTENSIONS.get(keyword[0].upper() if keyword else "", ("", "RFC 5321, 4.1.1.1"))
                if lists and not first:
                    cut.rest("Extension", text, meaning, rfc)
                else:
                    cut.rest("Text", _decoded if code == "334" else text, "A challenge in base64." if code == "334" else
                             "For people; programs go by the codes.", "RFC 4954, 4" if code == "334" else "RFC 5321, 4.2")
            if last:
                break
            first = False
        if lists and not first:
            whole.value = "what the server can do"


def login(cut: Cutter) -> None:
    """Cut what is said between AUTH and its end: challenges of the server, and the client's answers in base64."""
    while cut.left:
        line = _line(cut)
        if is_reply(line):
            reply(cut)
            continue
        with cut.group("SMTP login", len(line), meaning="What the client answers to a challenge, until the server says 235 or "
                       "no. Base64 is no encryption.", rfc="RFC 4954, 4"):
            cut.rest("Answer", _decoded, "A name, a password or a proof, by the mechanism.", "RFC 4954, 4")


def _decoded(data: bytes) -> str:
    """A line, and what it is in base64, if it is that."""
    line = text(data)
    try:
        plain = b64decode(line, validate=True).decode("utf-8")
    except ValueError:
        return line
    return f"{line} ({plain!r} in base64)" if plain else line


def message(cut: Cutter) -> None:
    """Cut the text of a message up to its dot."""
    with cut.group("Mail message", meaning="The text behind DATA: a header, an empty line, the body.", rfc="RFC 5322, 2.1"):
        with cut.group("Header", rfc="RFC 5322, 3.6"):
            while cut.left and cut.peek(3) not in _END:
                line = _folded(cut)
                if line in (b"\r\n", b"\n"):
                    cut.take("End of the header", len(line), "", "An empty line.", "RFC 5322, 2.1")
                    break
                name, _, value = text(line).partition(":")
                meaning, rfc = _FIELDS.get(name.lower(), ("", "RFC 5322, 2.2"))
                cut.take(name.strip()[:60] or "Header line", len(line), " ".join(value.split()), meaning, rfc)
        end = next((len(dot) for dot in _END if cut.peek(len(dot), cut.left - len(dot)) == dot), 0)
        cut.take("Body", cut.left - end, lambda data: text(data[:80]), "What is read. Lines that begin with a dot have one more.",
                 "RFC 5322, 2.3")
        cut.take("End of the message", end, ".", "A dot alone between two CRLF; nothing else may count as the end.",
                 "RFC 5321, 4.1.1.4")


def _line(cut: Cutter) -> bytes:
    end = cut.find(b"\n")
    return cut.peek(end + 1 if end >= 0 else cut.left)


def _folded(cut: Cutter) -> bytes:
    """A header field with the lines that continue it."""
    end = cut.find(b"\n")
    while end >= 0 and cut.peek(1, end + 1) in (b" ", b"\t"):
        end = cut.find(b"\n", end + 1)
    return cut.peek(end + 1 if end >= 0 else cut.left)
