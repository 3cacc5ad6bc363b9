"""What is secret in which column, and its mask: `<secret #3, 8 chars>`, the same secret the same number."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_plus

from pcapkit import schema
from pcapkit.codecs.names import is_secret_name
from pcapkit.schema import Chunk

_SCHEMES = ("authorization", "proxy-authorization")
_COOKIES = ("cookie", "set-cookie")


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

    def query(self, target: str) -> str:
        """A URL or target with password-like parameters masked."""
        head, mark, query = target.partition("?")
        if not mark:
            return target
        query, hash_mark, fragment = query.partition("#")
        parts = [name + eq + (self.mask(_unquote(value)) if eq and is_secret_name(_unquote(name)) else value)
                 for name, eq, value in (p.partition("=") for p in query.split("&"))]
        return head + mark + "&".join(parts) + hash_mark + fragment

    def header(self, name: str, value: str) -> str:
        """A header's value with what is secret in it masked."""
        low = name.lower()
        if low in _SCHEMES:
            scheme, space, rest = value.partition(" ")
            return scheme + space + self.mask(_credential(scheme, rest)) if rest else self.mask(value)
        if low in _COOKIES:
            return self._cookies(low, value)
        return self.query(value) if low in ("referer", "location") and "?" in value else value

    def _cookies(self, name: str, value: str) -> str:
        pairs = value.split(";")
        secret = pairs if name == "cookie" else pairs[:1]
        masked = [n + eq + self.mask(v.strip()) if eq else n for n, eq, v in (p.partition("=") for p in secret)]
        return ";".join(masked + pairs[len(secret):])


def _unquote(text: str) -> str:

    return unquote_plus(text) if "%" in text or "+" in text else text


def _credential(scheme: str, value: str) -> str:
    """Of Basic the password; else the value."""
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode("utf-8", "replace").partition(":")[2] or value
        except (binascii.Error, ValueError):
            pass
    return value


def sasl_password(mechanism: str, argument: str) -> str:
    """Of PLAIN the password (RFC 4616); else the argument."""
    if mechanism.upper() == "PLAIN":
        try:
            return base64.b64decode(argument, validate=True).decode("utf-8", "replace").rpartition("\0")[2] or argument
        except (binascii.Error, ValueError):
            pass
    return argument


Mask = Callable[[Masker, list[Any], schema.Table], list[Any]]


def _each(column: str, mask: Callable[[Masker, Any], Any]) -> Mask:
    def apply(masker: Masker, columns: list[Any], table: schema.Table) -> list[Any]:
        return [None if v is None else mask(masker, v) for v in columns[table.index(column)]]
    return apply


def _headers(masker: Masker, headers: list[list[str]]) -> list[list[str]]:
    return [[n, masker.header(n, v)] for n, v in headers]


def _forms(masker: Masker, columns: list[Any], table: schema.Table) -> list[Any]:
    return [masker.mask(v) if v and is_secret_name(n or "") else v
            for n, v in zip(columns[table.index("name")], columns[table.index("value")], strict=True)]


def _auth(masker: Masker, columns: list[Any], table: schema.Table) -> list[Any]:
    masked = []
    for command, argument in zip(columns[table.index("command")], columns[table.index("argument")], strict=True):
        if command == "AUTH" and argument and " " in argument:
            mechanism, _, value = argument.partition(" ")
            argument = f"{mechanism} {masker.mask(sasl_password(mechanism, value))}"
        masked.append(argument)
    return masked


_MASKS: dict[str, dict[str, Mask]] = {
    "credentials": {"secret": _each("secret", Masker.mask)},
    "http": {"target": _each("target", Masker.query), "url": _each("url", Masker.query),
             "request_headers": _each("request_headers", _headers),
             "response_headers": _each("response_headers", _headers)},
    "http_forms": {"value": _forms},
    "smtp": {"argument": _auth},
}
