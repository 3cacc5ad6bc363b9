"""Messages of HTTP/1: start line, header line by line, and bodies of forms and chunks."""

from __future__ import annotations

from urllib.parse import unquote_plus

from pcapkit.fields.field import Cutter, text

_METHODS = {
    "GET": "asks for a page; what is sent with it stands in the target", "HEAD": "asks for the header of a page only",
    "POST": "sends a body: a form, an upload", "PUT": "stores the body at the target", "DELETE": "removes the target",
    "OPTIONS": "asks what can be done with the target", "CONNECT": "asks a proxy for a tunnel", "PATCH": "changes the target",
    "TRACE": "has the request sent back",
}
_CLASSES = {"1": "it goes on", "2": "done", "3": "look elsewhere", "4": "the client's fault", "5": "the server's fault"}
_HEADERS = {
    "host": ("Which of the names of this server is meant: one address may serve many.", "RFC 9110, 7.2"),
    "user-agent": ("Which program asks. Anybody can write anything there.", "RFC 9110, 10.1.5"),
    "accept": ("Which kinds of content the client takes, the best first.", "RFC 9110, 12.5.1"),
    "accept-encoding": ("Which compressions the client can take off.", "RFC 9110, 12.5.3"),
    "accept-language": ("Which languages its user reads.", "RFC 9110, 12.5.4"),
    "connection": ("Whether the connection stays open, and what counts for this connection only.", "RFC 9110, 7.6.1"),
    "content-length": ("How many bytes the body has: the receiver knows by it where the next message begins.", "RFC 9110, 8.6"),
    "content-type": ("What the body is.", "RFC 9110, 8.3"),
    "content-encoding": ("How the body is compressed.", "RFC 9110, 8.4"),
    "transfer-encoding": ("How the body is cut up on the way: with chunked, each piece says its length.", "RFC 9112, 6.1"),
    "cache-control": ("Whether and for how long others may keep a copy.", "RFC 9111, 5.2"),
    "origin": ("The site whose page sent this.", "RFC 6454, 7"),
    "referer": ("The page that led here, often with what was typed into it.", "RFC 9110, 10.1.3"),
    "cookie": ("What the server set before. Who has a session's cookie is logged in.", "RFC 6265, 4.2"),
    "set-cookie": ("What the client is to send along from now on.", "RFC 6265, 4.1"),
    "authorization": ("A login. Basic is name and password in base64, which anybody can undo.", "RFC 9110, 11.6.2"),
    "proxy-authorization": ("A login at the proxy.", "RFC 9110, 11.7.2"),
    "www-authenticate": ("How the client may log in.", "RFC 9110, 11.6.1"),
    "location": ("Where to look instead.", "RFC 9110, 10.2.2"),
    "server": ("Which program answers.", "RFC 9110, 10.2.4"),
    "date": ("When the message was made.", "RFC 9110, 6.6.1"),
    "last-modified": ("When the page was changed.", "RFC 9110, 8.8.2"),
    "etag": ("A mark for this version of the page.", "RFC 9110, 8.8.3"),
    "expires": ("Until when a copy is good.", "RFC 9111, 5.3"),
    "upgrade": ("Which protocol to go on with.", "RFC 9110, 7.8"),
    "upgrade-insecure-requests": ("The client would rather have HTTPS.", "W3C Upgrade Insecure Requests, 3.2.1"),
    "strict-transport-security": ("Come back by HTTPS only. Ignored over plain HTTP.", "RFC 6797, 6.1"),
    "dnt": ("\"Do not track\": a wish that hardly anybody heeds.", "W3C Tracking Preference Expression, 5.2"),
    "accept-ranges": ("Whether a part of the page can be asked for.", "RFC 9110, 14.3"),
    "vary": ("Which headers of the request the page depends on.", "RFC 9110, 12.5.5"),
    "if-modified-since": ("Only if it was changed since.", "RFC 9110, 13.1.3"),
    "if-none-match": ("Only if it is another version.", "RFC 9110, 13.1.2"),
    "keep-alive": ("How long the connection stays open.", "RFC 9112, C.2.2"),
    "via": ("The proxies on the way.", "RFC 9110, 7.6.3"),
}


def request(cut: Cutter) -> None:
    """Cut a request."""
    with cut.group("HTTP request", meaning="What a client wants of a server: a line, a header, and perhaps a body.",
                   rfc="RFC 9112, 2.1") as whole:
        line = _line(cut)
        end = line.find(b" ")
        with cut.group("Request line", len(line), rfc="RFC 9112, 3"):
            method = line[:end + 1] if end >= 0 else line
            name = text(method).strip()
            cut.take("Method", len(method), name, f"{name} {_METHODS.get(name, 'is none of the usual ones')}.", "RFC 9110, 9.1")
            last = line.rfind(b" ") + 1
            if last > len(method):
                target = cut.take("Target", last - len(method), lambda data: text(data).strip(),
                                  "Which page: path and, behind ?, the query.", "RFC 9112, 3.2")
                whole.value = f"{name} {text(target).strip()}"
            cut.rest("Version", text, "Which version of HTTP the client speaks; CRLF ends the line.", "RFC 9112, 2.3")
        _body(cut, _header(cut))


def response(cut: Cutter) -> None:
    """Cut a response."""
    with cut.group("HTTP response", meaning="What a server answers: a line, a header, and mostly a body.",
                   rfc="RFC 9112, 2.1") as whole:
        line = _line(cut)
        whole.value = text(line)
        with cut.group("Status line", len(line), rfc="RFC 9112, 4"):
            cut.take("Version", max(0, line.find(b" ") + 1) or len(line), lambda data: text(data).strip(),
                     "Which version of HTTP the server speaks.", "RFC 9112, 2.3")
            status = text(cut.peek(3))
            cut.take("Status", min(4, cut.left), status, f"{_CLASSES.get(status[:1], 'no class that there is')}: the first digit "
                     "is the class.", "RFC 9110, 15")
            cut.rest("Reason", text, "For people; programs go by the number. CRLF ends the line.", "RFC 9112, 4")
        _body(cut, _header(cut))


def _line(cut: Cutter) -> bytes:
    """The next line with its end, or what there is of it."""
    end = cut.find(b"\n")
    return cut.peek(end + 1 if end >= 0 else cut.left)


def _header(cut: Cutter) -> dict[str, str]:
    """Cut the header lines; returns them by name in lower case."""
    found = {}
    with cut.group("Header", rfc="RFC 9112, 5"):
        while cut.left:
            line = _line(cut)
            if line in (b"\r\n", b"\n"):
                cut.take("End of the header", len(line), "", "An empty line.", "RFC 9112, 2.1")
                break
            name, _, value = text(line).partition(":")
            meaning, rfc = _HEADERS.get(name.lower(), ("", "RFC 9112, 5"))
            cut.take(name.strip()[:60] or "Header line", len(line), value.strip(), meaning, rfc)
            found[name.lower()] = value.strip()
    return found


def _body(cut: Cutter, header: dict[str, str]) -> None:
    if not cut.left:
        return
    with cut.group("Body", value=header.get("content-type", ""), rfc="RFC 9112, 6"):
        if "chunked" in header.get("transfer-encoding", "").lower():
            _chunks(cut)
        elif header.get("content-type", "").lower().startswith("application/x-www-form-urlencoded"):
            _form(cut)
        elif header.get("content-encoding"):
            cut.rest("Compressed content", meaning=f"Packed with {header['content-encoding']}; pcapkit extract unpacks it.",
                     rfc="RFC 9110, 8.4")
        else:
            cut.rest("Content", lambda data: text(data[:80]), rfc="RFC 9110, 6.4")


def _form(cut: Cutter) -> None:
    """Each name and value, both decoded, with the & behind it."""
    while cut.left:
        end = cut.find(b"&")
        part = cut.peek(end + 1 if end >= 0 else cut.left)
        name, _, value = part.removesuffix(b"&").decode("latin-1").partition("=")
        cut.take(f"Form field {unquote_plus(name)[:60]}", len(part), unquote_plus(value),
                 "Typed into, or put into, a form: + is a blank, %xx a byte, & begins the next field.",
                 "WHATWG URL, 5.1")


def _chunks(cut: Cutter) -> None:
    while cut.left:
        line = _line(cut)
        digits = text(line).partition(";")[0].strip()
        cut.take("Chunk size", len(line), f"{digits} (hex)", "How many bytes of the body follow; 0 ends it.", "RFC 9112, 7.1")
        try:
            size = int(digits, 16)
        except ValueError:
            cut.damaged("the size of a chunk is no number")
        if not size:
            cut.rest("End of the chunks", "", "Trailer lines, if any, and an empty line.", "RFC 9112, 7.1.2")
            return
        cut.take("Chunk", min(size, cut.left), lambda data: text(data[:80]), "A piece of the body.", "RFC 9112, 7.1")
        cut.take("End of the chunk", min(2, cut.left), "", "CRLF.", "RFC 9112, 7.1")
