"""The bytes of findings: exactly those, from every transport and direction, with the places of secrets."""

from __future__ import annotations

from pathlib import Path

import pytest
from said import capture, rows, talk

from pcapkit.analysis import Options
from pcapkit.errors import CaptureError
from pcapkit.evidence import Exhibit, Place, exhibits

SAMPLES = Path(__file__).parents[1] / "samples"


def places(path: Path) -> list[Place]:
    return [Place(e["file"], row["transport"], e["stream"], ("client", "server").index(e["side"]), e["offset"], e["length"])
            for row in rows(path).get("findings", []) for e in row["evidence"]]


def marked(exhibit: Exhibit) -> bytes:
    """The evidence itself."""
    at = exhibit.place.offset - exhibit.offset
    return bytes(exhibit.data[at:at + exhibit.place.length])


def test_a_password_is_where_the_finding_says_and_known_to_be_secret() -> None:
    path = SAMPLES / "lecture" / "post.pcap"
    place, = places(path)
    exhibit = exhibits([str(path)], [place])[place]
    assert marked(exhibit) == b"not+really+my+password" and exhibit.hidden == [(place.offset, place.offset + place.length)]
    assert exhibit.offset % 16 == 0 and exhibit.data.startswith(b"schauma&j_passwo") and all(exhibit.known[:-16])


@pytest.mark.parametrize("name", ["snmp/agent", "radius/access", "sip/calls", "lecture/starttls-stripped", "telnet/login",
                                  "quic/handshakes", "http/h2-form"])
def test_all_evidence_is_found_whatever_it_came_in(name: str) -> None:
    path = SAMPLES / f"{name}.pcap"
    found = exhibits([str(path)], places(path))
    for place, exhibit in found.items():
        at = place.offset - exhibit.offset
        assert all(exhibit.known[at:at + min(place.length, 512)]), place


def test_sides_are_told_apart_also_where_they_turn_out_late(tmp_path: Path) -> None:
    """Without its first packets, and between two high ports, a connection does not say who is the client."""
    packets = talk("S: 220 mx.example ESMTP\nC: EHLO me\nS: 250 mx.example\nC: AUTH PLAIN AGpvZQBzZXNhbWU=\nS: 235 ok", 50_025)
    path = capture(tmp_path, packets[3:])
    place, = (p for p in places(path) if p.side == 0 and p.length < 20)
    assert marked(exhibits([str(path)], [place])[place]) == b"AGpvZQBzZXNhbWU="


def test_what_is_not_there_is_not_known(tmp_path: Path) -> None:
    path = capture(tmp_path, talk("S: 220 mx.example ESMTP\nC: EHLO me\nS: 250 mx.example"))
    inside, beyond, elsewhere = (Place(str(path), "tcp", stream, 1, offset, 10)
                                 for stream, offset in ((0, 0), (0, 10_000), (7, 0)))
    found = exhibits([str(path)], [inside, beyond, elsewhere])
    assert marked(found[inside]) == b"220 mx.exa" and not any(found[beyond].known) and not any(found[elsewhere].known)


def test_long_evidence_is_cut_at_a_limit(tmp_path: Path) -> None:
    path = capture(tmp_path, talk([(0, b"A" * 5_000)]))
    place = Place(str(path), "tcp", 0, 0, 100, 4_000)
    options = Options()
    assert options.limits.evidence_bytes <= len(exhibits([str(path)], [place], options)[place].data) < 600


def test_a_file_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CaptureError):
        exhibits([str(tmp_path / "gone.pcap")], [Place("gone.pcap", "tcp", 0, 0, 0, 1)])
