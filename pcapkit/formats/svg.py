"""Pictures as SVG: ladders, a timeline, and who talks to whom. Without style sheet, script or id, for pages and notebooks alike.

Ink is `currentColor`, so that they fit light and dark; what stands in colour also differs in place or shape. Every text is
escaped here.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log1p

import numpy as np
import numpy.typing as npt

from pcapkit.formats.jsonl import rfc3339
from pcapkit.formats.ladder import CLIENT, SERVER, Climb, Rung
from pcapkit.formats.text import escape

BLUE, ORANGE, GREEN, RED = "#3b82f6", "#d9580d", "#148a5b", "#dc2f45"
_MONO = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"
_SANS = "system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif"
_LETTER = 7.3
"""Width of a letter of the ladders' font."""


def _text(x: float, y: float, text: str, **attributes: str | float) -> str:
    return f"<text{_attributes(x=x, y=y, **attributes)}>{_plain(text)}</text>"


def _plain(text: str) -> str:
    return html.escape(escape(text))


def _attributes(**attributes: str | float) -> str:
    """Numbers without useless digits; an underscore stands for a hyphen."""
    return "".join(f' {name.replace("_", "-")}="{f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else value}"'
                   for name, value in attributes.items())


def _picture(width: int, height: float, label: str, parts: Sequence[str], font: str = _SANS) -> str:
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:.0f}" width="{width}" height="{height:.0f}" '
            f'role="img" font-family="{font}" font-size="12" fill="currentColor"><title>{_plain(label)}</title>'
            f'{"".join(parts)}</svg>')


def short(text: str, most: int) -> str:
    """The text, cut if it is longer."""
    return text if len(text) <= most else text[:most - 1] + "…"


# Ladders

_WIDE, _LEFT, _RIGHT, _LINE = 940, 178, 922, 16
_ROOM = int((_RIGHT - _LEFT - 40) / _LETTER)
_MOST_LINES = 12


def ladder(climb: Climb, most: int) -> str:
    """A ladder from top to bottom, the client on the left; no more than `most` rungs of it."""
    y, parts = 58.0, list(_ends(climb))
    for rung in climb.rungs[:most]:
        drawn, y = _rung(rung, climb.start, y)
        parts += drawn
    if len(climb.rungs) > most:
        parts.append(_text(_LEFT + 16, y + 14, f"… and {len(climb.rungs) - most:,} more", opacity=0.7))
        y += 24
    lifelines = [f"<path{_attributes(d=f'M{x} 34V{y + 6:.0f}', stroke=colour, stroke_width=2)}/>"
                 for x, colour in ((_LEFT, BLUE), (_RIGHT, ORANGE))]
    label = f"Ladder of stream {climb.stream}: {climb.client} and {climb.server}"
    return _picture(_WIDE, y + 12, label, [*lifelines, *parts], _MONO)


def _ends(climb: Climb) -> Iterator[str]:
    yield _text(0, 28, "seconds", opacity=0.7)
    yield _text(96, 28, "packet", opacity=0.7)
    yield _text(_LEFT - 6, 12, "client", fill=BLUE, font_weight=700)
    yield _text(_LEFT - 6, 28, climb.client)
    yield _text(_RIGHT + 6, 12, "server", fill=ORANGE, font_weight=700, text_anchor="end")
    yield _text(_RIGHT + 6, 28, climb.server, text_anchor="end")


def _rung(rung: Rung, start: int, y: float) -> tuple[list[str], float]:
    """The parts of a rung that begins at `y`, and where it ends."""
    lines = [piece for said in rung.said for piece in _pieces(said)]
    if len(lines) > _MOST_LINES:
        lines = [*lines[:_MOST_LINES - 1], f"… and {len(lines) - _MOST_LINES + 1} more lines"]
    parts: list[str] = []
    if rung.time is not None:
        parts += [_text(72, y, f"{(rung.time - start) / 1e9:.3f}", text_anchor="end"), _text(96, y, f"#{rung.frame}")]
    absent = rung.time is None and rung.who in (CLIENT, SERVER)
    wide = max(map(len, lines), default=0) * _LETTER
    x = max(_LEFT + 16, _RIGHT - 16 - wide) if rung.who == SERVER else _LEFT + 16
    faint: dict[str, str | float] = {"opacity": 0.62} if absent else {}
    for line in lines:
        parts.append(_text(x, y, f"· {line}" if absent else line.replace("  ", "\N{NO-BREAK SPACE}" * 2), **faint))
        y += _LINE
    if rung.who in (CLIENT, SERVER):
        parts.append(_arrow(rung.who == CLIENT, y - 8, absent))
    else:
        high = _LINE * len(lines)
        parts.append(f"<path{_attributes(d=f'M{_LEFT + 6} {y - high - 11:.0f}v{high}', stroke=RED, stroke_width=3)}/>")
        y -= 6
    return parts, y + 14


def _arrow(rightwards: bool, y: float, absent: bool) -> str:
    colour, tip, back = (BLUE, _RIGHT - 2, -9) if rightwards else (ORANGE, _LEFT + 2, 9)
    begin = _LEFT if rightwards else _RIGHT
    dashes: dict[str, str | float] = {"stroke_dasharray": "2 5", "opacity": 0.6} if absent else {}
    return (f"<path{_attributes(d=f'M{begin} {y:.0f}H{tip}', stroke=colour, stroke_width=1.5, **dashes)}/>"
            + ("" if absent else f"<path{_attributes(d=f'M{tip} {y:.0f}l{back} -4.5v9z', fill=colour)}/>"))


def _pieces(text: str) -> Iterator[str]:
    """A text in lines that fit; what is continued stands in a little."""
    text = escape(text)
    while len(text) > _ROOM:
        blank = text.rfind(" ", _ROOM // 2, _ROOM + 1)
        at = blank if blank > 0 else _ROOM
        yield text[:at]
        text = "  " + text[at:].lstrip(" ")
    yield text


# The timeline

_BINS, _LANE, _NAMES, _SPAN = 200, 34, 150, 780
_SHAPES = {"critical": "M-3.3-8H3.3L8-3.3V3.3L3.3 8H-3.3L-8 3.3V-3.3z", "high": "M0-8 8 6H-8z", "medium": "M-6-6H6V6H-6z",
           "low": "M0-7 7 0 0 7-7 0z", "info": "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0"}
_TINTS = {"critical": "#b5123b", "high": RED, "medium": "#b7791f", "low": BLUE, "info": "#6b7280"}


_APART, _STACKED = 19, 6
"""Findings that are nearer than that stand below each other, so many of them."""


def shape(severity: str) -> str:
    """The sign of a severity, known by its shape as well: octagon, triangle, square, diamond, circle."""
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-9 -9 18 18" width="14" height="14" aria-hidden="true">'
            f'<path{_attributes(d=_SHAPES[severity], fill=_TINTS[severity])}/></svg>')


@dataclass(frozen=True, slots=True)
class Lane:
    """One kind of event and its times, in nanoseconds since the epoch."""

    name: str
    times: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Mark:
    """A finding on the timeline."""

    time: int
    severity: str
    label: str


def timeline(lanes: Sequence[Lane], marks: Sequence[Mark], first: int, last: int) -> str:
    """What happened when: a row of bars for each kind of event, as high as there are many, and findings above."""
    span, parts, y = max(last - first, 1), list[str](), 14.0
    if marks:
        parts.append(_text(0, y + 4, "findings"))
        rows: list[float] = []
        for mark in sorted(marks, key=lambda mark: mark.time):
            x = _NAMES + _SPAN * min(max((mark.time - first) / span, 0), 1)
            row = next((i for i, used in enumerate(rows) if x - used > _APART), len(rows))
            rows[row:row + 1] = [x]
            if row < _STACKED:
                parts.append(f'<g transform="translate({x:.1f} {y + _APART * row:.0f})"><title>{_plain(mark.label)}</title>'
                             f'<path{_attributes(d=_SHAPES[mark.severity], fill=_TINTS[mark.severity])}/></g>')
        y += _APART * min(len(rows), _STACKED) - 4
    for lane in lanes:
        y += _LANE
        parts += _bars(lane, first, span, y)
    for i in range(5):
        x = _NAMES + _SPAN * i / 4
        moment = first + span * i // 4
        parts.append(f"<path{_attributes(d=f'M{x:.0f} 2V{y + 6:.0f}', stroke='currentColor', opacity=0.16)}/>")
        anchor = "start" if i == 0 else "end" if i == 4 else "middle"
        parts.append(_text(x, y + 20, _clock(moment, span), text_anchor=anchor))
        parts.append(_text(x, y + 35, f"+{span * i / 4e9:,.3f} s" if i else (rfc3339(first) or "?")[:10], text_anchor=anchor,
                           opacity=0.7))
    return _picture(_NAMES + _SPAN + 14, y + 44, f"Timeline from {rfc3339(first)} to {rfc3339(last)}", parts)


def _clock(time_ns: int, span: int) -> str:
    """A time of the day, as exact as the axis needs it."""
    text = rfc3339(time_ns) or "?"
    if span > 3 * 86_400 * 10**9:
        return text[:16].replace("T", " ")
    return text[11:19] if span > 20 * 10**9 else text[11:23]


def _bars(lane: Lane, first: int, span: int, y: float) -> Iterator[str]:
    yield _text(0, y - 4, lane.name)
    yield _text(_NAMES - 8, y - 4, f"{len(lane.times):,}", text_anchor="end", opacity=0.7)
    yield f"<path{_attributes(d=f'M{_NAMES} {y:.0f}h{_SPAN}', stroke='currentColor', opacity=0.2)}/>"
    which = np.clip((lane.times - first) * _BINS // span, 0, _BINS - 1)
    counts = np.bincount(which, minlength=_BINS)
    top = log1p(int(counts.max()))
    for at in np.flatnonzero(counts).tolist():
        n = int(counts[at])
        high = 8 + 18 * log1p(n) / top
        place = _attributes(x=_NAMES + at * _SPAN / _BINS, y=y - high, width=_SPAN / _BINS - 0.6, height=high, rx=1)
        yield (f"<rect{place}{_attributes(fill=BLUE)}><title>{n:,} × {_plain(lane.name)} from "
               f"+{at * span / _BINS / 1e9:,.3f} s</title></rect>")


# Who talks to whom

@dataclass(frozen=True, slots=True)
class Talk:
    """What one host said to another over one service: `name` is what the server was called."""

    client: str
    server: str
    service: str
    name: str
    connections: int
    bytes: int
    clear: bool | None
    """Whether it was in the clear; None where that is not known."""


_ROW, _FROM, _TO = 46, 270, 640


def talks(those: Sequence[Talk]) -> str:
    """Clients on the left, servers on the right, a line for each service, wide where much was said: dashed where it was
    in the clear, dotted where that is not known.
    """
    clients = list(dict.fromkeys(t.client for t in those))
    servers = list(dict.fromkeys(t.server for t in those))
    names = {t.server: t.name for t in those if t.name}
    height = _ROW * max(len(clients), len(servers)) + 34
    left, right = _spread(clients, height), _spread(servers, height)
    most = log1p(max((t.bytes for t in those), default=1))
    parts = [_text(_FROM - 14, 12, "client", text_anchor="end", opacity=0.7), _text(_TO + 14, 12, "server", opacity=0.7)]
    shared: dict[tuple[str, str], int] = {}
    for t in those:
        nth = shared[t.client, t.server] = shared.get((t.client, t.server), -1) + 1
        a, b, middle = left[t.client], right[t.server] + 8 * nth, (_FROM + _TO) / 2
        how = {True: {"stroke": ORANGE, "stroke_dasharray": "9 4"}, False: {"stroke": GREEN},
               None: {"stroke": "currentColor", "stroke_dasharray": "2 4"}}[t.clear]
        width = 1.2 + 2.4 * log1p(t.bytes) / max(most, 1)
        d = f"M{_FROM} {a:.0f}C{middle:.0f} {a:.0f} {middle:.0f} {b:.0f} {_TO} {b:.0f}"
        parts.append(f"<path{_attributes(d=d, fill='none', stroke_width=width, opacity=0.75, **how)}>"
                     f"<title>{_plain(_said(t))}</title></path>")
    for side, x, anchor in ((left, _FROM - 14, "end"), (right, _TO + 14, "start")):
        for host, y in side.items():
            parts.append(f"<circle{_attributes(cx=_FROM if anchor == 'end' else _TO, cy=y, r=5)}/>")
            services = "" if anchor == "end" else " · ".join(dict.fromkeys(t.service for t in those if t.server == host))
            called = short(names[host], 36) if anchor == "start" and host in names else ""
            parts.append(_text(x, y - 1 if services else y + 4, called or short(host, 39), text_anchor=anchor, font_weight=600))
            if services:
                parts.append(_text(x, y + 13, short(f"{host + ' ' if called else ''}{services}", 52), opacity=0.75, font_size=11))
    return _picture(_WIDE, height, f"Who talks to whom: {len(clients)} clients, {len(servers)} servers", parts)


def _spread(hosts: Sequence[str], height: float) -> dict[str, float]:
    """Hosts from top to bottom, in the middle of the height."""
    top = 24 + (height - 34 - _ROW * len(hosts)) / 2
    return {host: top + _ROW * (i + 0.5) for i, host in enumerate(hosts)}


def _said(t: Talk) -> str:
    return (f"{t.client} to {t.server}, {t.service}: {t.connections:,} connection{'s' * (t.connections != 1)}, "
            f"{t.bytes:,} bytes, {_CLEAR[t.clear]}")


_CLEAR = {True: "in the clear", False: "encrypted", None: "not known whether encrypted"}
