"""Header fields of mail messages (RFC 5322): unfolded, decoded (RFC 2047, RFC 2231), and read. No library is trusted with
fields that may be hostile: all of it is linear in the bytes.
"""

from __future__ import annotations

import binascii
import re
import urllib.parse
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache

LONGEST = 4_096
"""How much of a field's value is kept, in characters."""
_PARTS = 100
"""How many parts of a parameter are put together."""
_WORD = re.compile(r"=\?([^?\s*]{1,40})(?:\*[^?\s]{0,40})?\?([bq])\?([^?\s]*)\?=", re.IGNORECASE)
_ANGLED = re.compile(r"<([^<>\s]{0,320})>")
_NOT_TEXT = frozenset(("punycode", "idna", "unicode_escape", "raw_unicode_escape", "unicode-escape", "raw-unicode-escape"))
_DATE = re.compile(r"\s*(?:\w+\s*,\s*)?(\d\d?)\s+([a-z]{3})\w*\s+(\d{2,4})\s+(\d\d?):(\d\d)(?::(\d\d))?\s*([+-]\d{4}|[a-z]+)\b",
                   re.ASCII)
_LONGEST_DATE = 200
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_ZONES = {"ut": 0, "utc": 0, "gmt": 0, "z": 0, "est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360,
          "pst": -480, "pdt": -420}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ONCE = frozenset("date from sender reply-to to cc bcc message-id in-reply-to references subject mime-version content-type "
                  "content-transfer-encoding content-disposition".split())
"""Fields that stand once at the most (RFC 5322, 3.6; RFC 2045, 3)."""


class Header:
    """The fields of a message or part, in order, and what is wrong with them."""

    def __init__(self, lines: Sequence[bytes], most: int) -> None:
        self.fields: list[list[str]] = []
        self.defects: list[str] = []
        self.over = False
        """Whether there were more fields than `most`."""
        self._fields: dict[str, list[list[str]]] = {}
        """By name in lower case."""
        repeated: list[str] = []
        field: list[str] | None = None
        for line in lines:
            if line[:1] in b" \t":
                if field is not None and len(field[1]) < LONGEST:
                    field[1] = f"{field[1]} {line.strip().decode('utf-8', 'replace')}".lstrip()[:LONGEST]
                continue
            name, colon, value = line.partition(b":")
            name = name.strip()
            if not colon or not name:
                field = None
                self._defect("header-line-without-name")
                continue
            if len(self.fields) >= most:
                self.over = True
                break
            field = [name.decode("latin-1"), value.strip().decode("utf-8", "replace")[:LONGEST]]
            self.fields.append(field)
            low = field[0].lower()
            same = self._fields.setdefault(low, [])
            same.append(field)
            if len(same) == 2 and low in _ONCE:
                repeated.append(f"repeated-{low}")
        self.defects += repeated

    def _defect(self, word: str) -> None:
        if word not in self.defects:
            self.defects.append(word)

    def get(self, name: str) -> str | None:
        """The value of the first field of this name, in lower case."""
        fields = self._fields.get(name)
        return fields[0][1] if fields else None

    def all(self, name: str) -> list[str]:
        """The values of all fields of this name, in lower case."""
        return [value for _, value in self._fields.get(name, ())]


def decoded(value: str | None) -> str | None:
    """Encoded words taken off (RFC 2047); those that are broken stay as they are."""
    if value is None or "=?" not in value:
        return value
    out: list[str] = []
    run, charset, at = b"", "", 0
    for word in _WORD.finditer(value):
        between, data = value[at:word.start()], _word(word[2], word[3])
        if run and (between.strip() or word[1].lower() != charset or data is None):
            out.append(text(run, charset))
            run = b""
        if data is None:
            out.append(value[at:word.end()])
        else:
            if between.strip() or not (run or (out and at)):  # blanks between two encoded words are not shown
                out.append(between)
            run, charset = run + data, word[1].lower()
        at = word.end()
    return "".join([*out, text(run, charset), value[at:]])


def _word(coding: str, word: str) -> bytes | None:
    """The bytes of an encoded word; None where it is broken."""
    try:
        if coding in "qQ":
            return binascii.a2b_qp(word.replace("_", " ").encode("ascii"), header=True)
        return binascii.a2b_base64(word.encode("ascii") + b"=" * (-len(word) % 4))
    except (ValueError, binascii.Error):
        return None


def text(data: bytes, charset: str) -> str:
    """Bytes in a character set that the sender named; what it does not have, or nobody knows, is replaced."""
    name = charset.lower()
    try:
        return data.decode("utf-8" if name in _NOT_TEXT else name, "replace")
    except (LookupError, ValueError):
        return data.decode("utf-8", "replace")


@lru_cache(256)
def parameters(value: str) -> tuple[str, Mapping[str, str]]:
    """What stands before the first semicolon, in lower case, and the parameters behind it (RFC 2045, 5.1; RFC 2231)."""
    first, _, rest = value.partition(";")
    if not rest:
        return first.strip().lower(), {}
    found: dict[str, str] = {}
    for part in _split(rest):
        key, equal, given = part.partition("=")
        key = key.strip().lower()
        if equal and key not in found:
            given = given.strip()
            if given[:1] == '"':
                given = given[1:-1] if len(given) > 1 and given[-1] == '"' else given[1:]
                given = given.replace('\\"', '"').replace("\\\\", "\\")
            found[key] = given
    if "*" in rest:
        for name in {key.partition("*")[0] for key in found if "*" in key}:
            found.setdefault(name, _joined(found, name))
    return first.strip().lower(), found


def _split(value: str) -> list[str]:
    """The parts between semicolons that do not stand in quotes."""
    if '"' not in value:
        return value.split(";")
    parts, held = [], ""
    for part in value.split(";"):
        held = f"{held};{part}" if held else part
        if (held.count('"') - held.count('\\"')) % 2 == 0 or len(held) > LONGEST:
            parts.append(held)
            held = ""
    return [*parts, held] if held else parts


def _joined(found: dict[str, str], name: str) -> str:
    """The value of `name*` or of `name*0`, `name*1`, ...; a star behind it: percent-encoded, the first with a charset."""
    charset, data = "utf-8", b""
    keys = [f"{name}*"] if f"{name}*" in found else [
        key for i in range(_PARTS) for key in (f"{name}*{i}", f"{name}*{i}*") if key in found]
    for key in keys:
        value = found[key]
        if key.endswith("*"):
            if not data and value.count("'") > 1:
                charset, _, value = value.split("'", 2)
            data += urllib.parse.unquote_to_bytes(value)
        else:
            data += value.encode("utf-8", "replace")
    return text(data, charset)


def addresses(value: str | None) -> list[str]:
    """The addresses in a field such as From or To (RFC 5322, 3.4); names and comments are left out."""
    if not value:
        return []
    plain = _bare(value) if '"' in value or "(" in value else value
    found: list[str] = []
    for part in plain.replace(";", ",").split(","):
        angled = _ANGLED.search(part)
        found += [angled[1]] if angled else [word for word in part.rpartition(":")[2].split() if "@" in word]
    return [address for address in found if address]


def _bare(value: str) -> str:
    """A field without quoted names and comments, which may be nested."""
    out: list[str] = []
    depth, quoted, escaped = 0, False, False
    for c in value:
        if escaped:
            escaped = False
        elif c == "\\":
            escaped = True
        elif c == '"' and not depth:
            quoted = not quoted
        elif quoted:
            pass
        elif c == "(":
            depth += 1
        elif c == ")" and depth:
            depth -= 1
        elif not depth:
            out.append(c)
    return "".join(out)


def domain(address: str | None) -> str | None:
    """The domain of an address, in lower case; None where there is none."""
    _, at, name = (address or "").rpartition("@")
    return name.rstrip(".").lower() or None if at else None


def related(one: str, other: str) -> bool:
    """Whether two domains are the same, or one lies within the other."""
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")


def date(value: str | None) -> int | None:
    """A date (RFC 5322, 3.3 and 4.3) in nanoseconds since the epoch; None where it is none, or its zone is not known."""
    return _read_date(value[:_LONGEST_DATE].lower()) if value else None


@lru_cache(256)
def _read_date(value: str) -> int | None:
    found = _DATE.match(value)
    if found is None:
        return None
    day, month, year, hour, minute, second, zone = found.groups()
    ahead = _zone(zone)
    if month not in _MONTHS or ahead is None:
        return None
    century = 0 if len(year) > 3 else 1900 if len(year) == 3 or int(year) >= 50 else 2000
    try:
        when = datetime(century + int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute),
                        min(int(second or 0), 59), tzinfo=UTC)
    except ValueError:
        return None
    return (int((when - _EPOCH).total_seconds()) - 60 * ahead) * 1_000_000_000


def _zone(zone: str) -> int | None:
    """Minutes that a zone is ahead of UTC; None where nobody can tell (RFC 5322, 4.3)."""
    if zone[0] in "+-":
        minutes = int(zone[1:3]) * 60 + int(zone[3:])
        return -minutes if zone[0] == "-" else minutes
    return _ZONES.get(zone)
