"""Captures with their keys: what is said behind encryption comes out with its frames, marked, and masked like all else."""

from __future__ import annotations

import re
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import pytest
from click.testing import CliRunner
from handshakes import Ends
from said import Turn, capture, rows, talk

from pcapkit.analysis import Options, analyse
from pcapkit.cli import commands
from pcapkit.keys import open_keys

LECTURE = Path(__file__).parents[1] / "samples" / "lecture"
STARTTLS, LOG = LECTURE / "starttls.pcap", LECTURE / "tls.keylog.txt"
PASSWORD = "correct-horse"
REQUEST = (b"GET /x?user=jan&password=correct-horse HTTP/1.1\r\nHost: www.example.org\r\n"
           b"Authorization: Basic " + b64encode(b"jan:correct-horse") + b"\r\n\r\n")
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
def secured(tmp_path: Path) -> tuple[Path, Path]:
    """A capture of a login over HTTPS, and the key log of its client."""
    ends = Ends()
    ends.client.keylog_filename = str(tmp_path / "keys")
    said: list[Turn] = ends.talk(said=(REQUEST, RESPONSE))
    return capture(tmp_path, talk(said, 443)), tmp_path / "keys"


def run(*words: str | Path) -> str:
    done = CliRunner().invoke(commands, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def opened(path: Path, log: Path, show_secrets: bool = False) -> dict[str, list[dict[str, object]]]:
    found: dict[str, list[dict[str, object]]] = {}
    for chunk in analyse([path], Options(keys=open_keys(log), show_secrets=show_secrets)):
        found.setdefault(chunk.table.name, []).extend(dict(zip(chunk.table.names, r, strict=True)) for r in chunk.rows())
    return found


def test_mail_behind_starttls_is_read_and_marked() -> None:
    found = opened(STARTTLS, LOG)
    hidden = [r for r in found["smtp"] if r["encrypted"]]
    assert [(r["command"], r["code"], r["command_frame"], r["reply_frame"]) for r in hidden] == [
        ("HELO", 250, 27, 28), ("QUIT", 221, 29, 30)]
    assert [r["decrypted"] for r in found["tls"]] == [True]
    assert found["encryption"] == rows(STARTTLS)["encryption"]  # keys change nothing about what was on the wire


def test_a_login_behind_encryption_is_a_credential_but_no_cleartext_one(secured: tuple[Path, Path]) -> None:
    found = opened(*secured, show_secrets=True)
    assert {(r["mechanism"], r["username"], r["secret"], r["encrypted"]) for r in found["credentials"]} == {
        ("basic", "jan", PASSWORD, True), ("form", "jan", PASSWORD, True)}
    request, = found["http"]
    assert (request["encrypted"], request["status"], request["response_body_bytes"]) == (True, 200, 2)
    assert not [r for r in found.get("findings", []) if "cleartext" in str(r["rule"])]
    assert "http" not in rows(secured[0])


def test_the_answer_says_what_was_encrypted_on_the_wire(secured: tuple[Path, Path]) -> None:
    text = run("answer", secured[0], "--keylog", secured[1])
    assert text.count("encrypted on the wire") == 2 and "in the clear" not in text


@pytest.mark.parametrize("verb", ["credentials", "http", "forms", "tls", "findings", "decrypt", "answer", "export"])
def test_neither_keys_nor_secrets_come_out(secured: tuple[Path, Path], verb: str) -> None:
    path, log = secured
    text = run(verb, path, "--keylog", log, *(["--format", "json"] if verb == "export" else ["--json"]))
    keys = [line.split()[2] for line in log.read_text().splitlines() if line[:1] not in "#"]
    assert not any(word in text for word in (PASSWORD, b64encode(b"jan:correct-horse").decode(), *keys))


def test_following_a_stream_shows_what_was_said_inside_and_masks_it(secured: tuple[Path, Path]) -> None:
    path, log = secured
    text = run("follow", path, 0, "--keylog", log)
    assert "GET /x?user=jan&password=<secret #" in text and ", decrypted" in text and "ok" in text
    assert PASSWORD not in text and b64encode(b"jan:correct-horse").decode() not in text
    assert PASSWORD in run("follow", path, 0, "--keylog", log, "--show-secrets")
    assert "GET" not in run("follow", path, 0)
    mail = run("follow", STARTTLS, 1, "--keylog", LOG)
    assert mail.index("STARTTLS") < mail.index("-- client, frame 27, decrypted")


def test_dumps_of_packets_mask_nothing_that_cannot_be_read(secured: tuple[Path, Path]) -> None:
    path, _ = secured
    assert "**" not in run("packets", "-r", path, "-x")


@pytest.mark.oracle
def test_the_capture_with_its_keys_inside_opens_by_itself_for_tshark_too(secured: tuple[Path, Path], tmp_path: Path) -> None:
    path, log = secured
    output = tmp_path / "with keys.pcapng"
    run("decrypt", path, "--keylog", log, "--output", output)
    done = subprocess.run(["tshark", "-n", "-r", output, "-Y", "http.request", "-T", "fields", "-e", "http.request.uri"],
                          capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"/x?user=jan&password={PASSWORD}"
    assert [r["encrypted"] for r in rows(output)["http"]] == [True]


@pytest.mark.parametrize(("words", "message", "code"), [
    (["--output", "FILE"], "would destroy it", 2), (["--output", "new", "--", "port 443"], "left out|leave out", 2),
    (["--keylog", "missing"], "cannot be read", 3), (["--output", "new"], "no session could be opened", 5)])
def test_what_cannot_be_done_is_said(secured: tuple[Path, Path], words: list[str], message: str, code: int,
                                     tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SSLKEYLOGFILE", raising=False)
    path, _ = secured
    done = subprocess.run([sys.executable, "-m", "pcapkit", "decrypt", path, *(str(path) if w == "FILE" else w for w in words)],
                          capture_output=True, text=True, check=False)
    assert done.returncode == code and re.search(message, done.stderr) and "Traceback" not in done.stderr
    assert not (tmp_path / "new").exists()
