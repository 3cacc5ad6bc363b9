"""Tables for a terminal."""

from __future__ import annotations

from pcapkit.formats.text import table

_ROW = ["255.255.255.255", "a url that is longer than the terminal is wide", "200"]


def test_the_widest_cell_is_cut_so_that_a_line_fits() -> None:
    assert table(["client", "url", "status"], [_ROW], 50).splitlines()[1] == "255.255.255.255  a url that is longer t…  200"


def test_an_address_is_not_cut_even_where_the_line_does_not_fit() -> None:
    assert "255.255.255.255" in table(["client", "url", "status"], [_ROW], 20)


def test_in_a_pipe_nothing_is_cut() -> None:
    assert _ROW[1] in table(["client", "url", "status"], [_ROW], None)


def test_what_was_typed_is_not_cut_before_the_rest() -> None:
    lines = table(["name", "value", "url"], [["password", "correct horse battery staple", _ROW[1]]], 40).splitlines()
    assert "correct horse battery staple" in lines[1] and "a url that is …" in lines[1]
