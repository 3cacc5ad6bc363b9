"""The report: one file that says what the tables say, hides what they hide, and holds nothing of a capture as markup."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hostile import ATTEMPTS, hostile
from said import capture, looked_up, rows, talk

from pcapkit.cli import commands

SAMPLES = Path(__file__).parents[2] / "samples"
LECTURE = SAMPLES / "lecture"
VOID = {"meta", "br", "input", "link", "img"}


class Page(HTMLParser):
    """A page taken apart: its elements with their attributes, the text of each script and style, and all that is readable."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.styles: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open, "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append((dict(attrs), ""))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1:] == ["script"]:
            self.scripts[-1] = self.scripts[-1][0], self.scripts[-1][1] + data
        elif self._open[-1:] == ["style"]:
            self.styles.append(data)
        else:
            self.text += data

    @property
    def data(self) -> dict[str, Any]:
        """The rows of each table, by the table's name, as dictionaries."""
        found = {}
        for attributes, text in self.scripts:
            if attributes.get("type") == "application/json":
                document = json.loads(text)
                found[str(attributes["id"]).removeprefix("data-")] = [
                    dict(zip(document["names"], row, strict=True)) for part in document["parts"] for row in _rows(*part)]
        return found


def _rows(count: int, *columns: Any) -> Iterator[tuple[Any, ...]]:
    return zip(*(c if isinstance(c, list) else [c["all"]] * count for c in columns), strict=True)


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(commands, ["report", *map(str, words)], catch_exceptions=False)


def report(folder: Path, *words: str | Path) -> tuple[str, Page]:
    target = folder / "out.html"
    done = run(*words, "--html", target)
    assert done.exit_code == 0, done.output
    text = target.read_text("utf-8")
    return text, Page(text)


def test_the_page_of_a_form_answers_with_packet_bytes_and_remedy(tmp_path: Path) -> None:
    text, page = report(tmp_path, LECTURE / "post.pcap")
    for said in ("HTTP login in the clear", "frame 4, stream 0", "tcp.stream eq 0 and frame.number == 4", "RFC 9110, 17.16.1",
                 "tcpdump -n -r FILE 'tcp and host 172.16.1.20", "Everybody on the way has it", "j_username", "000270  72 64 3d",
                 hashlib.sha256((LECTURE / "post.pcap").read_bytes()).hexdigest(), "1 client talks to 1 server: http."):
        assert said in page.text, said
    assert '<span class="evidence secret">' in text and "https://www.rfc-editor.org/rfc/rfc7617#section-4" in text
    row, = page.data["credentials"]
    assert row["username"] == "jschauma" and row["secret"] == "<secret #1, 22 chars>"
    assert "really" not in text and "hold" not in page.text.split("Summary")[0]


def test_secrets_are_shown_where_asked_and_the_page_says_so(tmp_path: Path) -> None:
    _, page = report(tmp_path, LECTURE / "post.pcap", "--show-secrets")
    assert "This page holds secrets as they are" in page.text
    assert page.data["credentials"][0]["secret"] == "not really my password" and "rd=not+really+my" in page.text


@pytest.mark.parametrize("name", ["http/basic", "http/form-json", "http/api-key", "logins/smtp-plain", "logins/imap-login",
                                  "logins/ftp", "logins/postgresql-password", "redis/login", "snmp/agent", "telnet/login"])
def test_no_secret_of_any_protocol_is_in_the_page(name: str, tmp_path: Path) -> None:
    path = SAMPLES / f"{name}.pcap"
    secrets = {row["secret"] for row in rows(path, show_secrets=True)["credentials"] if len(row["secret"]) > 5}
    text, page = report(tmp_path, path)
    shown = [DUMPED.match(line) for line in page.text.splitlines()]
    dumped = "".join(line[1] for line in shown if line)
    assert secrets and dumped
    for secret in secrets:
        assert secret not in text and secret not in page.text and secret not in dumped
        assert secret.encode().hex(" ") not in page.text


DUMPED = re.compile(r"[0-9a-f]{6}  (?:(?:[0-9a-f]{2}|\*\*|··|  ) {1,2}){16} ?(.*)")
"""A line of a dump, and what it has as text."""


def test_a_file_that_is_written_is_told_of_with_its_hash(tmp_path: Path) -> None:
    done = run(LECTURE / "post.pcap", "--html", tmp_path / "a.html")
    assert hashlib.sha256((tmp_path / "a.html").read_bytes()).hexdigest() in done.stderr
    assert run("--html", "-", LECTURE / "post.pcap").stdout == (tmp_path / "a.html").read_text("utf-8")


@pytest.mark.parametrize("name", ["starttls-stripped", "smtp-spam-server"])
def test_the_same_input_gives_the_same_bytes_on_any_day(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, page = report(tmp_path, LECTURE / f"{name}.pcap")
    monkeypatch.setattr("time.time_ns", lambda: 2_000_000_000 * 10**9)
    other, _ = report(tmp_path, LECTURE / f"{name}.pcap")
    assert one == other and "valid_now" not in one and "now expired" not in page.text


def test_what_comes_in_a_pipe_is_the_same_but_for_its_name(tmp_path: Path) -> None:
    file, target = LECTURE / "starttls-stripped.pcap", tmp_path / "piped.html"
    done = CliRunner().invoke(commands, ["report", "-", "--html", str(target)], input=file.read_bytes(), catch_exceptions=False)
    assert done.exit_code == 0
    text, _ = report(tmp_path, file)
    assert target.read_text("utf-8") == text.replace(str(file), "-")


def test_dialogues_handshakes_and_mail_are_drawn(tmp_path: Path) -> None:
    text, page = report(tmp_path, LECTURE / "starttls-stripped.pcap")
    assert text.count("<svg") > 5
    for part in ("EHLO ip-10-168-152-198.ec2.internal", "ClientHello: up to TLS 1.2", "Envelope",
                 "MAIL FROM<jschauma@stevens.edu>", "Header", "Was this encrypted?", "Body", "I asked for it."):
        assert part in page.text, part
    assert page.text.index("Encryption probably stripped") < page.text.index("Logins are offered before encryption")
    assert "issuer missing when captured, on 2019-03-25" in page.text and "CN=panix.netmeister.org" in page.text


def test_look_ups_lead_to_the_connection(tmp_path: Path) -> None:
    _, page = report(tmp_path, LECTURE / "smtp-client.pcap")
    branch = " ".join(page.text[page.text.index("What was looked up"):].split())
    assert branch.index("netmeister.org MX asked by 10.168.152.198") < branch.index("50 panix.netmeister.org MX")
    assert branch.index("166.84.7.99 A smtp tcp stream 0, from frame 7") > branch.index("panix.netmeister.org A, AAAA asked by")


def test_names_that_lead_to_themselves_end(tmp_path: Path) -> None:
    loop = capture(tmp_path, looked_up("a.example.", "CNAME", "b.example."), looked_up("b.example.", "CNAME", "a.example.", at=1),
                   looked_up("c.example.", "CNAME", "a.example.", at=2), looked_up("d.example.", "MX", "1 d.example.", at=3))
    _, page = report(tmp_path, loop)
    assert "c.example" in page.text and "a.example" in page.text


def test_nothing_of_a_hostile_capture_becomes_markup(tmp_path: Path) -> None:
    text, page = report(tmp_path, hostile(tmp_path))
    run, = [script for attributes, script in page.scripts if not attributes]
    assert "taken" not in run and all(attributes.get("type") in (None, "application/json") for attributes, _ in page.scripts)
    for tag, attributes in page.elements:
        assert tag not in ("img", "iframe", "link", "object", "form", "base"), tag
        for name, value in attributes.items():
            assert not name.startswith("on") and name not in ("src", "style", "srcdoc", "action"), (tag, attributes)
            assert name != "href" or str(value).startswith(("#", "https://www.rfc-editor.org/rfc/rfc")), value
    for letter in "\u202e\u202c\u2028\u2029\u0085\ufeff\x1b\x07\x00\x7f\ud83d":
        assert letter not in text, f"{letter!r} reaches the page as it is"
    assert "hunter2" not in text, "a secret in the text of a message"
    shown = {row["name"] for row in page.data["http_forms"]}
    assert ATTEMPTS[0] in shown and ATTEMPTS[1] in shown and "\\u202etxt.exe\\u202c" in shown, "it is all there, as text"
    for attributes, script in page.scripts:
        assert not attributes or not set("<>&") & set(script)


def test_the_policy_lets_nothing_in_but_what_stands_here(tmp_path: Path) -> None:
    _, page = report(tmp_path, LECTURE / "post.pcap")
    policy = next(str(a["content"]) for tag, a in page.elements if tag == "meta" and a.get("http-equiv"))
    script, = [text for attributes, text in page.scripts if not attributes]
    for kind, text in (("script", script), ("style", page.styles[0])):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy and "http" not in policy


def test_several_captures_are_told_apart(tmp_path: Path) -> None:
    _, page = report(tmp_path, LECTURE / "post.pcap", LECTURE / "smtp-client.pcap")
    assert f"frame 4, stream 0 of {LECTURE / 'post.pcap'}" in page.text
    assert {row["file"] for row in page.data["flows"]} == {str(LECTURE / "post.pcap"), str(LECTURE / "smtp-client.pcap")}


def test_what_cannot_be_read_is_said_and_the_rest_is_reported(tmp_path: Path) -> None:
    done = run(LECTURE / "post.pcap", tmp_path / "missing.pcap", "--html", tmp_path / "a.html")
    assert done.exit_code == 3 and "no such file" in done.stderr and "j_username" in (tmp_path / "a.html").read_text()
    done = run(tmp_path / "missing.pcap", "--html", tmp_path / "b.html")
    assert done.exit_code == 3 and not (tmp_path / "b.html").exists()


def test_bad_use_is_refused(tmp_path: Path) -> None:
    from pcapkit.errors import OutputError
    copy = tmp_path / "copy.pcap"
    copy.write_bytes((LECTURE / "post.pcap").read_bytes())
    assert run(copy, "--html", copy).exit_code == 2 and copy.read_bytes() == (LECTURE / "post.pcap").read_bytes()
    assert run(copy).exit_code == 2 and run(copy, "--json", "--html", tmp_path / "a.html").exit_code == 2
    with pytest.raises(OutputError):
        run(copy, "--html", tmp_path / "no" / "folder.html")


def test_empty_and_filtered_captures_have_a_page_too(tmp_path: Path) -> None:
    empty = capture(tmp_path, [])
    _, page = report(tmp_path, empty)
    assert "0 packets" in page.text and "Nothing in it is TCP or UDP" in page.text and "None. That says nothing of" in page.text
    _, page = report(tmp_path, "-r", LECTURE / "post.pcap", "port 99")
    assert "port 99" in page.text and "http_forms" not in page.data


def test_damage_is_told(tmp_path: Path) -> None:
    _, page = report(tmp_path, SAMPLES / "formats" / "cut-short.pcap")
    assert "in the middle of a packet" in page.text and "the last packet is cut short" in page.text


def test_a_message_is_read_whatever_it_says_it_is(tmp_path: Path) -> None:
    deep = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i) for i in range(3_000))
    turns = [(1, b"220 mx\r\n"), (0, b"HELO me\r\n"), (1, b"250 mx\r\n"), (0, b"MAIL FROM:<a@b>\r\n"), (1, b"250 ok\r\n"),
             (0, b"RCPT TO:<c@d>\r\n"), (1, b"250 ok\r\n"), (0, b"DATA\r\n"), (1, b"354 go\r\n"), (0, deep + b"\r\n.\r\n"),
             (1, b"250 ok\r\n")]
    _, page = report(tmp_path, capture(tmp_path, talk(turns)))
    assert "as it was transferred" in page.text
