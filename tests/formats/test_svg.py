"""Pictures: well-formed, harmless, the same each time, and with everything that they were given."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hostile import ATTEMPTS

from pcapkit.formats import svg
from pcapkit.formats.ladder import CLIENT, NOTE, SERVER, Climb, Rung
from pcapkit.formats.svg import Lane, Mark, Talk
from pcapkit.formats.text import escape
from pcapkit.records import Severity

SVG = "{http://www.w3.org/2000/svg}"


def texts(picture: str) -> list[str]:
    """What can be read in a picture, which is XML without anything that acts or loads."""
    root = ElementTree.fromstring(picture)
    for element in root.iter():
        assert element.tag.removeprefix(SVG) in ("svg", "title", "text", "path", "g", "rect", "circle")
        assert not {"style", "href", "id"} & set(element.attrib) and not any(name.startswith("on") for name in element.attrib)
    return [element.text or "" for element in root.iter(f"{SVG}text")]


def climb(*rungs: Rung) -> Climb:
    return Climb("a.pcap", 0, "192.0.2.1:1025", "192.0.2.2:25", 10**9, rungs)


def test_a_ladder_says_who_said_what_when_and_in_which_packet() -> None:
    shown = texts(svg.ladder(climb(Rung(SERVER, 4, 10**9 + 5 * 10**6, ("220 mx",)), Rung(CLIENT, 5, 2 * 10**9, ("EHLO me",)),
                                   Rung(CLIENT, None, None, ("Certificate",)), Rung(NOTE, 6, 3 * 10**9, ("cut",))), 100))
    for said in ("0.005", "#4", "220 mx", "1.000", "EHLO me", "· Certificate", "cut", "192.0.2.1:1025", "192.0.2.2:25"):
        assert said in shown, said
    picture = svg.ladder(climb(Rung(SERVER, 4, 10**9, ("a",)), Rung(CLIENT, 5, 10**9, ("b",))), 100)
    assert picture.count("-4.5v9z") == 2, "two arrows"


def test_long_texts_and_long_ladders_are_cut_and_it_is_said() -> None:
    shown = texts(svg.ladder(climb(Rung(CLIENT, 1, 10**9, ("word " * 2_000,)), *[Rung(SERVER, 2, 10**9, ("x",))] * 50), 10))
    assert max(map(len, shown)) < 110 and "… and 41 more" in shown and any("more lines" in text for text in shown)


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_no_text_of_a_capture_becomes_markup(attempt: str) -> None:
    shown = texts(svg.ladder(climb(Rung(CLIENT, 1, 10**9, (attempt,))), 10))
    assert escape(attempt) in shown, "it is there, as text"
    texts(svg.talks([Talk(attempt, attempt, attempt, attempt, 1, 1, None)]))
    texts(svg.timeline([Lane(attempt, np.array([5], np.int64))], [Mark(5, "high", attempt)], 0, 10))


def test_a_timeline_has_a_bar_where_something_happened() -> None:
    lane = Lane("DNS", np.array([0, 0, 0, 999], np.int64))
    picture = svg.timeline([lane], [Mark(500, "critical", "bad"), Mark(501, "low", "odd")], 0, 1_000)
    root = ElementTree.fromstring(picture)
    one, other = root.iter(f"{SVG}rect")
    assert float(one.attrib["height"]) > float(other.attrib["height"]) and float(other.attrib["x"]) > float(one.attrib["x"]) + 700
    heights = [re.findall(r"[\d.]+", g.attrib["transform"])[1] for g in root.iter(f"{SVG}g")]
    assert len(set(heights)) == 2, "two findings at one moment stand below each other"
    texts(svg.timeline([Lane("DNS", np.array([7, 7], np.int64))], [], 7, 7))


def test_who_talks_to_whom_tells_the_clear_from_the_encrypted() -> None:
    picture = svg.talks([Talk("192.0.2.1", "192.0.2.9", "http", "www.example", 2, 900, True),
                         Talk("192.0.2.1", "192.0.2.9", "tls", "www.example", 1, 90, False),
                         Talk("192.0.2.2", "192.0.2.9", "tcp/4444", "", 1, 9, None)])
    assert picture.count("stroke-dasharray") == 2 and "in the clear" in picture and "not known whether encrypted" in picture
    shown = texts(picture)
    assert shown.count("192.0.2.1") == 1 and "www.example" in shown and any("http · tls · tcp/4444" in text for text in shown)


def test_every_severity_has_a_shape_of_its_own() -> None:
    assert len({re.sub(r'fill="[^"]+"', "", svg.shape(s.value)) for s in Severity}) == len(Severity)
