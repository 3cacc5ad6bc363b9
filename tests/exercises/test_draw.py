"""Draws: the same everywhere, and independent of each other."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from pcapkit.exercises.draw import Draw

EXAMPLES = [ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")]
PRIVATE = [ip_network(net) for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]


def test_a_draw_is_what_it_always_was() -> None:
    draw = Draw("course", "form", "fern")
    assert (draw.between(1, 1_000_000), draw.token(8), draw.shuffled("abcdef")) == (352299, "iHuXohDc", list("ecdfba"))


def test_labels_cannot_run_into_each_other() -> None:
    assert Draw("ab", "c").bytes(8) != Draw("a", "bc").bytes(8) != Draw("abc").bytes(8)


def test_a_part_does_not_depend_on_what_was_drawn_before() -> None:
    one, other = Draw("x"), Draw("x")
    other.bytes(5)
    assert one.of("part").bytes(8) == other.of("part").bytes(8) != one.of("another").bytes(8)


def test_numbers_keep_their_bounds_and_reach_them() -> None:
    draw = Draw("x")
    assert {draw.between(3, 5) for _ in range(200)} == {3, 4, 5}
    assert sorted(draw.shuffled(range(20))) == list(range(20)) and len(set(draw.sample(range(9), 4))) == 4


def test_addresses_are_for_examples_and_none_comes_twice() -> None:
    draw = Draw("x")
    outside, inside = ([make() for _ in range(150)] for make in (draw.outside, draw.inside))
    assert len({*outside, *inside}) == 300
    assert all(any(ip_address(one) in net for net in EXAMPLES) for one in outside)
    assert all(any(ip_address(one) in net for net in PRIVATE) for one in inside)


def test_names_are_new_each_time_and_end_in_domains_for_examples() -> None:
    draw = Draw("x")
    domains, users = [draw.domain() for _ in range(100)], [draw.user() for _ in range(100)]
    assert len(set(domains)) == len(set(users)) == 100
    assert all(domain.endswith((".example", ".test", ".example.org")) for domain in domains)
