"""What is odd about HTTP messages: every rule, where it is written, and how two readers differ.

Servers, proxies and caches that read the same bytes differently are what request smuggling and response splitting live on
(RFC 9112, 11): so each variant is a rule of its own, and its words say what one reader makes of it and what another.
"""

from __future__ import annotations

from typing import NamedTuple

from pcapkit.records import Anomaly, Span


class Oddity(NamedTuple):
    """A rule that a message breaks, and the bytes that do it, in words."""

    rule: str
    quote: str = ""


def quoted(data: bytes | str) -> str:
    """Bytes of a message as the quote behind an anomaly's words."""
    return ": " + repr(data[:60]).removeprefix("b")


RULES: dict[str, tuple[str, str]] = {
    # Start lines
    "http-not-a-message": ("9112, 2.1", "bytes that begin no message where one should"),
    "http-head-cut": ("9112, 8", "the head is not whole in the capture"),
    "http-start-line-blanks": (
        "9112, 3",
        "blanks in the start line beside the two single spaces: some readers split it at any blank, others refuse "
        "it"),
    "http-method-malformed": (
        "9110, 9.1",
        "the method is no token: some readers pass it on as it is, others refuse it"),
    "http-target-space": (
        "9112, 3.2",
        "a blank in the target: some readers end the target at the first one, others at the last"),
    "http-version-malformed": (
        "9112, 2.3",
        "no version such as HTTP/1.1: one reader takes it for the nearest, another for HTTP/0.9, which has no "
        "header"),
    "http-version-missing": (
        "9112, 2.3",
        "lines behind a request without a version: with HTTP/0.9 it ended before them, other readers take them "
        "for its header"),
    "http-status-invalid": (
        "9110, 15",
        "the status is not within 100 to 599: one reader takes it for 5xx, another by its number"),
    "http-response-splitting": (
        "9112, 11.1",
        "an encoded line break and a header or status line behind it in the target: who copies it decoded into a "
        "response sends a header, or a response, of the client's"),

    # Header lines
    "http-bare-lf": ("9112, 2.2", "a line ends with LF alone: one reader ends it there, another reads on to CRLF"),
    "http-bare-cr": (
        "9112, 2.2",
        "CR without LF within a line: one reader takes it for a blank, another ends the line there"),
    "http-obs-fold": (
        "9112, 5.2",
        "a header goes on in the next line: one reader joins them, another takes that for a header of its own"),
    "http-leading-space": (
        "9112, 2.2",
        "a blank before the first header: one reader leaves the line out, another takes it for a header"),
    "http-space-before-colon": (
        "9112, 5.1",
        "a blank before the colon: one reader takes the name without it, another knows no such header"),
    "http-header-without-colon": (
        "9112, 5",
        "a header line without a colon: one reader leaves it out, another ends the header or refuses it"),
    "http-header-name-malformed": (
        "9110, 5.1",
        "a header's name is no token: one reader leaves it out, another takes it for the name without the odd "
        "characters"),
    "http-nul-in-head": ("9110, 5.5", "NUL in the head: one reader ends the text there, another reads on"),
    "http-control-in-head": (
        "9110, 5.5",
        "a control character in the head: one reader takes it for a blank or leaves it out, another takes it for "
        "a part of the word"),
    "http-host-missing": (
        "9112, 3.2",
        "HTTP/1.1 without Host: one reader refuses that, another takes its default host"),
    "http-host-repeated": ("9112, 3.2", "more than one Host: one reader takes the first, another the last"),
    "http-host-conflict": (
        "9112, 3.2.2",
        "the host of the target is not that of Host: by the standard the target decides, some readers go by Host"),

    # Lengths
    "http-content-length-conflict": (
        "9112, 6.3",
        "lengths that differ: one reader takes the first, which is shown here, another the last"),
    "http-content-length-list": (
        "9112, 6.3",
        "the same length more than once in a list: one reader takes it once, another cannot read it"),
    "http-content-length-repeated": (
        "9112, 6.3",
        "the same length in more than one header: one reader takes it once, another refuses the message"),
    "http-content-length-signed": (
        "9110, 8.6",
        "a length with a plus sign: one reader takes the number, which is shown here, another takes it for none"),
    "http-content-length-negative": (
        "9110, 8.6",
        "a length below 0: one reader takes it for none, another for a very large one"),
    "http-content-length-hex": (
        "9110, 8.6",
        "a length in hexadecimal: one reader takes that number, another the 0 before the x"),
    "http-content-length-huge": (
        "9110, 8.6",
        "a length that no integer of 64 bits holds: one reader refuses it, another takes what is left of it"),
    "http-content-length-empty": ("9110, 8.6", "an empty length: one reader takes it for 0, another for none"),
    "http-content-length-malformed": (
        "9112, 6.3",
        "a length that is no number: one reader takes it for none, another takes the digits before"),
    "http-cl-te-conflict": (
        "9112, 6.1",
        "Transfer-Encoding and Content-Length: by the standard the first decides, some readers go by the length"),
    "http-transfer-encoding-repeated": (
        "9112, 6.1",
        "more than one Transfer-Encoding: one reader takes all for one list, another only the first or the last"),
    "http-transfer-encoding-unknown": (
        "9112, 6.1",
        "a transfer coding that nobody knows: one reader goes by the length, another takes it for chunked"),
    "http-transfer-encoding-identity": (
        "9112, 7",
        "the transfer coding identity, which is no more: one reader takes it for nothing, so that it is chunked, "
        "another goes by the length"),
    "http-transfer-encoding-blanks": (
        "9112, 5.1",
        "blanks around the transfer coding other than one space: one reader takes them off, another does not know "
        "the coding then"),
    "http-transfer-encoding-http10": (
        "9112, 6.1",
        "Transfer-Encoding in HTTP/1.0: one reader takes it as in 1.1, as is shown here, another does not know it"),
    "http-chunked-repeated": (
        "9112, 6.1",
        "chunked more than once: one reader takes it once, as is shown here, another takes it off twice"),
    "http-chunked-not-last": (
        "9112, 6.3",
        "chunked is not the last coding: one reader takes the body for chunks all the same, another goes by the "
        "length or reads to the end"),

    # Chunks
    "http-chunk-size-malformed": (
        "9112, 7.1",
        "a chunk's size is no hexadecimal number: one reader takes the digits it finds, another gives the body "
        "up, as is done here"),
    "http-chunk-size-overlong": (
        "9112, 7.1",
        "a chunk's size of more than 16 digits: one reader takes it whole, another what is left of it in 64 bits"),
    "http-chunk-size-blanks": (
        "9112, 7.1",
        "blanks beside a chunk's size: one reader takes them off, another gives the body up"),
    "http-chunk-extension-end": (
        "9112, 7.1.1",
        "a chunk extension with CR or LF alone: one reader ends the line there, another reads on to CRLF"),
    "http-chunk-terminator": (
        "9112, 7.1",
        "no CRLF behind a chunk's data: one reader skips two bytes whatever they are, another takes them for the "
        "next size"),
    "http-trailer-forbidden": (
        "9110, 6.5.1",
        "a trailer that would change how the message is read: one reader merges it into the header, another "
        "leaves it out"),

    # Bodies, and what stands between messages
    "http-body-cut": ("9112, 8", "fewer bytes of the body than were told: not in the capture, or never sent"),
    "http-body-forbidden": (
        "9112, 6.3",
        "bytes behind a response that has no body (to HEAD, or 1xx, 204, 304): one reader takes them for the next "
        "response, another for a body"),
    "http-bytes-behind": (
        "9112, 6.3",
        "bytes behind a message that begin none: one reader drops them, another puts them in front of the next "
        "message"),
    "http-request-in-body": ("9112, 11.2", "another reader sees a second request in this body"),
    "http-response-unasked": (
        "9112, 9.2",
        "a response to nothing: one reader drops it, another takes it for the answer to the next request"),

    # Content codings
    "http-content-coding-unknown": ("9110, 8.4", "a content coding that is not known: the body is shown as it is"),
    "http-content-damaged": (
        "9110, 8.4",
        "the coded body is damaged: one reader shows what comes before, as is done here, another nothing"),
    "http-content-cut": (
        "9110, 8.4",
        "the coded body ends too early: one reader shows what there is, as is done here, another nothing"),
    "http-content-behind": (
        "9110, 8.4",
        "bytes behind the end of the coded body: one reader leaves them out, as is done here, another gives it up"),
}
"""By rule: the section of the RFC, and the words."""


def anomaly(span: Span, oddity: Oddity, where: str = "") -> Anomaly:
    """The anomaly of an oddity in the message at `span`; `where` says which message it is."""
    section, words = RULES[oddity.rule]
    return Anomaly(span, oddity.rule, f"{where}{': ' if where else ''}{words} (RFC {section})", quote=oddity.quote)
