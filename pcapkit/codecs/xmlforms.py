"""Fields in XML that calls are made with: SOAP, XML-RPC and what is like them.

A scanner of tags, not a parser of XML: no entity is looked up but the five that XML itself has and numbered ones, no document
type is read, nothing is called for each level. What is not well-formed is read as far as it can be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pcapkit.codecs.forms import Field, text
from pcapkit.codecs.names import password_meaning

_DEPTH, _LONGEST_TAG, _PATH = 64, 4_096, 4
_ATTRIBUTE = re.compile(r"""([A-Za-z_][\w.:-]{0,99})\s{0,9}=\s{0,9}(?:"([^"]*)"|'([^']*)')""")
_ENTITY = re.compile(r"&(?:#(\d{1,7})|#x([0-9A-Fa-f]{1,6})|(amp|lt|gt|quot|apos));")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_FRAME = frozenset(("Envelope", "Body", "Header", "methodCall", "params", "param", "struct"))
"""Elements that every call has: no part of a name."""
_UNTYPED = frozenset("value string int i4 i8 boolean double base64 dateTime.iso8601 array data".split())
"""Elements of XML-RPC around a value: no part of a name either."""


def xml_fields(data: bytes, most: int, longest: int) -> list[Field]:
    """Texts and attributes under dotted names, from the first `longest` bytes; nothing where none of the names is a password's.

    Parameters of XML-RPC have no names: they are numbered, but for well-known methods, whose password is named.
    """
    fields: list[Field] = []
    for field in _scanned(data[:longest]):
        fields.append(field)
        if len(fields) >= most:
            break
    return fields if any(password_meaning(f.name).weight for f in fields) else []


def unescaped(raw: str) -> str:
    """A text with the entities that need no document type replaced; others stay."""
    return _ENTITY.sub(_entity, raw) if "&" in raw else raw


def _entity(found: re.Match[str]) -> str:
    decimal, hexadecimal, name = found.groups()
    if name:
        return _ENTITIES[name]
    code = int(decimal) if decimal else int(hexadecimal, 16)
    return chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else found[0]


class _Names:
    """The names of the elements that are open, and what XML-RPC says of the parameter that is being read."""

    def __init__(self) -> None:
        self.open: list[str] = []
        self.method = ""
        self.parameter = -1
        self.members: list[str] = []
        self.digest = False
        """The last element is a password of WS-Security that is sent as a digest (its profile of user name tokens, 3.1)."""

    def begin(self, name: str, tag: bytes) -> None:
        self.digest = b"#PasswordDigest" in tag
        if len(self.open) < _DEPTH:
            self.open.append(name)
        if name == "param":
            self.parameter += 1
        elif name == "member" and len(self.members) < _DEPTH:
            self.members.append("")

    def end(self, name: str) -> None:
        if name in self.open[-8:]:
            while self.open.pop() != name:
                pass
        if name == "member" and self.members:
            self.members.pop()

    def takes(self, name: str, value: str) -> bool:
        """Whether a text is a name itself: of the method, or of a structure's member."""
        if name == "methodName":
            self.method, self.parameter = value.strip()[:100], -1
            return True
        if name == "name" and self.members and "member" in self.open[-2:]:
            self.members[-1] = value.strip()[:100]
            return True
        return False

    def path(self, last: str) -> str:
        if self.members:
            return ".".join([self.method, *filter(None, self.members[-_PATH:])])
        if self.parameter >= 0:
            return f"{self.method}.{_named(self.method, self.parameter)}"
        parts = [part for part in self.open if part not in _FRAME and part not in _UNTYPED][-_PATH:]
        if self.digest and not last:
            last = "PasswordDigest"
        return ".".join([*parts, last] if last and (not parts or parts[-1] != last) else parts)


def _scanned(data: bytes) -> Iterator[Field]:
    """Each text between a tag and its end, and each attribute that is no declaration, in order."""
    names, at, began = _Names(), 0, -1
    while (opened := data.find(b"<", at)) >= 0:
        if data.startswith(b"<!--", opened):
            at = _behind(data, b"-->", opened + 4)
        elif data.startswith(b"<![CDATA[", opened):
            at = _behind(data, b"]]>", opened + 9)
        elif data.startswith(b"<?", opened):
            at = _behind(data, b"?>", opened + 2)
        elif data.startswith(b"<!", opened):
            return
        else:
            at = _behind(data, b">", opened)
            if at > 0:
                tag = data[opened + 1:at - 1]
                if tag.startswith(b"/"):
                    name = _local(tag[1:])
                    if began >= 0:
                        field = _text(data, began, opened, name, names)
                        if field is not None:
                            yield field
                    names.end(name)
                    began = -1
                else:
                    name = _local(tag)
                    names.begin(name, tag)
                    yield from _attributes(tag, opened + 1, names)
                    began = -1 if tag.endswith(b"/") else at
                    if began < 0:
                        names.end(name)
        if at < 0:
            return


def _behind(data: bytes, end: bytes, start: int) -> int:
    """The place behind the next `end`; -1 where there is none."""
    found = data.find(end, start)
    return found + len(end) if found >= 0 else -1


def _local(tag: bytes) -> str:
    """The name of an element without what stands before its colon."""
    name = tag[:200].split(None, 1)
    return text(name[0].rstrip(b"/").rpartition(b":")[2]) if name else ""


def _text(data: bytes, start: int, stop: int, name: str, names: _Names) -> Field | None:
    """The text between a tag and the end of the same element; None where it is blank or names what follows."""
    raw = data[start:stop]
    if raw.startswith(b"<![CDATA[") and raw.endswith(b"]]>"):
        start, stop, raw = start + 9, stop - 3, raw[9:-3]
        value = shown = text(raw)
    else:
        shown = text(raw)
        value = unescaped(shown)
    if not value.strip() or names.takes(name, value):
        return None
    return Field(names.path(""), value, start, stop, None, shown)


def _attributes(tag: bytes, start: int, names: _Names) -> Iterator[Field]:
    if b"=" not in tag or len(tag) > _LONGEST_TAG:
        return
    shown = tag.decode("latin-1")
    for found in _ATTRIBUTE.finditer(shown):
        name = found[1].rpartition(":")[2]
        if found[1].startswith("xmlns") or name in ("schemaLocation", "type", "Type", "encodingStyle", "EncodingType"):
            continue
        which = 2 if found[2] is not None else 3
        raw = text(tag[found.start(which):found.end(which)])
        yield Field(names.path(name), unescaped(raw), start + found.start(which), start + found.end(which), None, raw)


_USER_AND_PASSWORD = (
    ("blogger.getUsersBlogs", 1), ("blogger.getUserInfo", 1), ("blogger.", 2), ("wp.getUsersBlogs", 0), ("wp.", 1),
    ("metaWeblog.", 1), ("mt.", 1), ("authenticate", 1), ("common.login", 1))
"""Methods, or how their names begin where a dot ends them, and which parameter is the user's name: the password is the next."""
_LOGIN = frozenset(("login", "logon", "log_in", "signin", "sign_in", "login_with_password"))
"""Last parts of the names of methods that take a user's name and a password, whatever stands before."""


def _named(method: str, number: int) -> str:
    for known, user in _USER_AND_PASSWORD:
        if method == known or (known.endswith(".") and method.startswith(known)):
            return {user: "username", user + 1: "password"}.get(number, str(number))
    if method.rpartition(".")[2].lower() in _LOGIN:
        return ("username", "password")[number] if number < 2 else str(number)
    return str(number)
