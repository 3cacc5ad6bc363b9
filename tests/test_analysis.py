"""The whole way of a capture: in which order rows come, and which file a warning belongs to."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

from said import capture, rows, talk

from pcapkit.analysis import Options, analyse
from pcapkit.limits import Limits


def test_findings_come_worst_first(tmp_path: Path) -> None:
    plain = b64encode(b"\0alice\0correct horse").decode()
    greeting = "S: 220 mail.example.org ESMTP\nC: EHLO me\nS: 250-mail.example.org\nS: 250-STARTTLS\nS: 250 AUTH PLAIN\n"
    path = capture(tmp_path, talk(f"{greeting}C: QUIT\nS: 221 bye\n"),
                   talk(f"{greeting}C: AUTH PLAIN {plain}\nS: 235 ok\n", at=9))
    found = [(row["severity"], row["stream"]) for row in rows(path)["findings"]]
    assert found == [("high", 1), ("medium", 0), ("medium", 1), ("low", 0)]


def test_a_limit_is_reported_with_the_file_in_which_it_was_hit(tmp_path: Path) -> None:
    said = "S: 220 mail.example.org ESMTP\nC: QUIT\nS: 221 bye\n"
    many = capture(tmp_path, *(talk(said)[:-4] for _ in range(3)), name="many.pcap")
    one = capture(tmp_path, talk(said), name="one.pcap")
    warnings = [row[chunk.table.index("warnings")] for chunk in analyse([many, one], Options(limits=Limits(live_connections=1)))
                if chunk.table.name == "captures" for row in chunk.rows()]
    assert "limit live_connections reached 2 times" in str(warnings[0]) and warnings[1] == []
