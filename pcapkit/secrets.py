"""What is secret in which column, and its mask: `<secret #3, 8 chars>`, the same secret the same number."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from pcapkit import schema
from pcapkit.codecs import sasl
from pcapkit.codecs.hidden import SECRET_HEADERS, UNKNOWN_HEADER, Place, in_header, in_text, in_url
from pcapkit.codecs.names import is_secret
from pcapkit.schema import Chunk


class Masker:
    """Numbers secrets in the order in which they are first masked, and masks them in rows; does nothing if `show`."""

    def __init__(self, show: bool = False) -> None:
        self.show = show
        self._numbers: dict[str, int] = {}

    def mask(self, text: str) -> str:
        """The mask of a secret."""
        if self.show or not text:
            return text
        number = self._numbers.setdefault(text, len(self._numbers) + 1)
        return f"<secret #{number}, {len(text)} char{'s' if len(text) != 1 else ''}>"

    def apply(self, chunk: Chunk) -> Chunk:
        """The chunk with its secrets masked; the same object where there are none to look for."""
        masks = _MASKS.get(chunk.table.name)
        if self.show or masks is None:
            return chunk
        columns = list(chunk.columns)
        for name, mask in masks.items():
            at = chunk.table.index(name)
            columns[at] = mask(self, columns, chunk.table)
        return Chunk(chunk.table, columns)

    def url(self, url: str) -> str:
        """A URL or target with its passwords masked."""
        return self._masked(url, in_url(url))

    def header(self, name: str, value: str) -> str:
        """A header's value with what is secret in it masked."""
        return self._masked(value, in_header(name, value))

    def text(self, text: str) -> str:
        """A text of any kind with what is secret in it masked."""
        return self._masked(text, in_text(text))

    def _masked(self, text: str, places: Iterable[Place]) -> str:
        parts, at = [], 0
        for start, stop, secret in places:
            parts += [text[at:start], self.mask(secret)]
            at = stop
        return "".join([*parts, text[at:]])


class Unnumbered(Masker):
    """Masks what no table numbers, such as secrets in the text of a message."""

    def mask(self, text: str) -> str:
        """The mask of a secret, without a number."""
        return text if self.show or not text else f"<secret, {len(text)} char{'s' if len(text) != 1 else ''}>"

    def text(self, text: str) -> str:
        """A text with what is secret in it masked, also in the links that stand in it."""
        return super().text(_LINK.sub(lambda link: self.url(link[0]), text))


_LINK = re.compile(r"https?://[^\s<>\"']+", re.IGNORECASE)


Mask = Callable[[Masker, list[Any], schema.Table], list[Any]]


def _each(column: str, mask: Callable[[Masker, Any], Any]) -> Mask:
    def apply(masker: Masker, columns: list[Any], table: schema.Table) -> list[Any]:
        return [None if v is None else mask(masker, v) for v in columns[table.index(column)]]
    return apply


def _headers(masker: Masker, headers: list[list[str]]) -> list[list[str]]:
    return [pair if pair[0].lower() not in SECRET_HEADERS and not pair[0].startswith(UNKNOWN_HEADER)
            else [pair[0], masker.header(*pair)] for pair in headers]


def _form(column: str) -> Mask:
    """A column of form fields, in which what stands as it was sent gets the mask of what it means."""
    def apply(masker: Masker, columns: list[Any], table: schema.Table) -> list[Any]:
        names, values, shown = (columns[table.index(name)] for name in ("name", "value", column))
        return [masker.mask(v) if v and is_secret(n or "", v) else s
                for n, v, s in zip(names, values, shown, strict=True)]
    return apply


def _auth(masker: Masker, columns: list[Any], table: schema.Table) -> list[Any]:
    masked = []
    for command, argument in zip(columns[table.index("command")], columns[table.index("argument")], strict=True):
        words = argument.split(None, 1) if command == "AUTH" and argument else []
        secret = sasl.secret(words[0], words[1].strip()) if len(words) > 1 else None
        if secret is not None:
            argument = f"{words[0]} {masker.mask(secret)}"
        masked.append(argument)
    return masked


_MASKS: dict[str, dict[str, Mask]] = {
    "credentials": {name: _each(name, Masker.mask) for name in ("secret", "hashcat", "john")},
    "http": {"target": _each("target", Masker.url), "url": _each("url", Masker.url),
             "request_headers": _each("request_headers", _headers),
             "response_headers": _each("response_headers", _headers),
             "request_trailers": _each("request_trailers", _headers),
             "response_trailers": _each("response_trailers", _headers)},
    "http_forms": {"raw": _form("raw"), "value": _form("value")},
    "smtp": {"argument": _auth},
    "websocket": {"text": _each("text", Masker.text)},
}
