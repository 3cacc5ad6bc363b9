"""What was transferred, out of the capture: bodies as they were meant, attachments, harmless names, no password unasked."""

from __future__ import annotations

import hashlib
import json
from base64 import encodebytes
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from said import capture, talk

from pcapkit.cli import commands
from pcapkit.extraction import Extracted, extracted
from pcapkit.records import Conversation, Span

SAMPLES = Path(__file__).parents[1] / "samples"
PAGES: dict[str, dict[str, str]] = {name: case["decoded"] for name, case in json.loads(
    (SAMPLES / "http" / "expected.json").read_text()).items() if "decoded" in case}


def run(*words: str | Path) -> Result:
    done = CliRunner().invoke(commands, ["extract", *map(str, words)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done


@pytest.mark.parametrize("name", [n for n in PAGES if n not in ("ranges", "conditional")])
def test_pages_are_as_the_server_meant_them_whatever_the_coding(name: str) -> None:
    found = [one for one in extracted([SAMPLES / "http" / f"{name}.pcap"]) if one.what == "response" and len(one.data) > 1_000]
    assert found and all(one.complete for one in found)
    assert PAGES[name]["sha256"] in {one.sha256 for one in found}


def test_files_are_written_with_a_manifest(tmp_path: Path) -> None:
    run(SAMPLES / "http" / "codings.pcap", "--output", tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "manifest.jsonl").read_text().splitlines()]
    assert {row["name"] for row in rows} == {p.name for p in tmp_path.iterdir()} - {"manifest.jsonl"} and len(rows) == 7
    for row in rows:
        data = (tmp_path / row["name"]).read_bytes()
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (row["sha256"], row["bytes"])
        assert row["name"].endswith(".html") and row["complete"] and row["stream"] is not None


MESSAGE = ("Subject: a\nContent-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/plain\n\nhello\n"
           "--x\nContent-Type: application/pdf\nContent-Disposition: attachment; filename=\"../../etc/passwd\"\n"
           f"Content-Transfer-Encoding: base64\n\n{encodebytes(b'%PDF-1.7' + bytes(range(256))).decode()}--x--\n")


def test_attachments_of_mail_are_decoded_and_cannot_choose_where_they_go(tmp_path: Path) -> None:
    lines = "".join(f"C: {line}\n" for line in MESSAGE.splitlines())
    said = ("S: 220 h ESMTP\nC: EHLO me\nS: 250 h\nC: MAIL FROM:<a@b>\nS: 250 ok\nC: RCPT TO:<c@d>\nS: 250 ok\n"
            f"C: DATA\nS: 354 go\n{lines}C: .\nS: 250 ok\n")
    path = capture(tmp_path, talk(said, 25))
    one, = extracted([path])
    assert (one.what, one.data, one.content_type, one.said) == (
        "attachment", b"%PDF-1.7" + bytes(range(256)), "application/pdf", "../../etc/passwd")
    run(path, "--output", tmp_path / "out")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["00001-frame-13-attachment-passwd.pdf", "manifest.jsonl"]


@pytest.mark.parametrize("said", [
    "/", "/../../x", "http://h/a%00b.exe?c=d/e", "\x1b[31m", "con.txt", ".hidden", "a" * 500, "ünï/cödé"])
def test_names_are_harmless_and_end_as_the_type_says(said: str) -> None:
    flow, span = Conversation("x", "tcp", 0, "a", 1, "b", 2), Span(1, 0, 9, 4, 4, 0)
    one = Extracted("response", flow, span, b"", "text/html; charset=x", said, True)
    name = one.name(7)
    assert name.startswith("00007-frame-4-response") and name.endswith(".html") and len(name) < 90
    assert name.isascii() and not set(name) & set("/\\%\x1b\0 ") and ".." not in name


def test_what_holds_passwords_is_left_out_unless_asked_for(tmp_path: Path) -> None:
    path = SAMPLES / "http" / "form-upload.pcap"
    done = run(path, "--output", tmp_path / "masked")
    assert "left out because passwords are in them" in done.output
    assert not any(b"correct-horse" in p.read_bytes() for p in (tmp_path / "masked").iterdir())
    run(path, "--output", tmp_path / "all", "--show-secrets")
    assert any(b"correct-horse" in p.read_bytes() for p in (tmp_path / "all").iterdir())
    assert "correct-horse" not in run(path, "--json").output


def test_a_body_that_is_cut_says_so(tmp_path: Path) -> None:
    said = [(0, b"GET /a.png HTTP/1.1\r\nHost: h\r\n\r\n"),
            (1, b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 9\r\n\r\nabc")]
    one, = extracted([capture(tmp_path, talk(said, 80))])
    assert (one.data, one.complete, one.name(1)) == (b"abc", False, "00001-frame-5-response-a-incomplete.png")


def test_without_any_it_says_so() -> None:
    assert "nothing to extract" in run(SAMPLES / "lecture" / "https.pcap").output
