"""Logins as crackers read them."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from said import capture, rows, talk

from pcapkit.cli import commands

CRAM = [b64encode(word).decode() for word in (b"<1896.697170952@postoffice.reston.mci.net>",
                                              b"tim b913a602c7eda7a495b4e6e7334d3890")]
DIGEST = b64encode(b'username="chris",realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",nc=00000001,cnonce="OA6MHXh6VqTrRk",'
                   b'digest-uri="imap/elwood.innosoft.com",response=d388dad90d4bbd760a152321f2143af7,qop=auth').decode()
NTLM = [b64encode(message).decode() for message in (
    b"NTLMSSP\0\1\0\0\0", b"NTLMSSP\0\2\0\0\0" + bytes(12) + b"\1\2\3\4\5\6\7\x08" + bytes(8),
    b"NTLMSSP\0\3\0\0\0" + b"".join(len(part).to_bytes(2, "little") * 2 + at.to_bytes(4, "little") for part, at in (
        (b"", 64), (b"\xab" * 24, 64), (b"D\0", 88), (b"j\0", 90), (b"", 92), (b"", 92))) + b"\1\0\0\0"
    + b"\xab" * 24 + b"D\0j\0")]
EHLO = "S: 220 mx ESMTP\nC: EHLO me\nS: 250-mx\nS: 250 AUTH PLAIN\n"
LOGINS = (f"C: AUTH CRAM-MD5\nS: 334 {CRAM[0]}\nC: {CRAM[1]}\nS: 535 no\n" * 2
          + f"C: AUTH NTLM {NTLM[0]}\nS: 334 {NTLM[1]}\nC: {NTLM[2]}\nS: 535 no\n"
          + f"C: AUTH DIGEST-MD5\nS: 334 {b64encode(b'realm=x').decode()}\nC: {DIGEST}\nS: 535 no\n"
          + f"C: AUTH PLAIN {b64encode(b'%cjan%csecret' % (0, 0)).decode()}\nS: 235 ok\n")
HASHCAT = {5500: f"j::D::{'ab' * 24}:0102030405060708", 10200: f"$cram_md5${CRAM[0]}${CRAM[1]}"}


@pytest.fixture
def logins(tmp_path: Path) -> Path:
    return capture(tmp_path, talk(EHLO + LOGINS))


def run(*words: object) -> Result:
    return CliRunner().invoke(commands, ["credentials", *map(str, words)])


def test_each_line_is_printed_once_and_what_it_is_is_told_beside(logins: Path) -> None:
    done = run(logins, "--format", "hashcat", "--show-secrets")
    assert done.exit_code == 0 and done.stdout.splitlines() == [HASHCAT[5500], HASHCAT[10200]]
    assert "1 line of mode 5500: hashcat -m 5500 FILE WORDLIST" in done.stderr and "-m 10200" in done.stderr
    assert "--mode N" in done.stderr


@pytest.mark.parametrize("mode", HASHCAT)
def test_one_mode_alone(logins: Path, mode: int) -> None:
    done = run(logins, "--format", "hashcat", "--show-secrets", "--mode", mode)
    assert done.stdout.splitlines() == [HASHCAT[mode]] and "--mode N" not in done.stderr


def test_john_reads_more_and_is_told_the_format(logins: Path) -> None:
    done = run(logins, "--format", "john", "--show-secrets")
    assert [line[:12] for line in done.stdout.splitlines()] == ["$DIGEST-MD5$", "<1896.697170", "j::D::ababab"]
    for name in ("dmd5", "hmac-md5", "netntlm"):
        assert f"1 line of format {name}: john --format={name} --wordlist=WORDLIST FILE" in done.stderr


def test_none_is_said_beside(tmp_path: Path) -> None:
    done = run(capture(tmp_path, talk(EHLO)), "--format", "hashcat", "--show-secrets")
    assert done.exit_code == 0 and not done.stdout and "no credentials that hashcat can guess in this capture" in done.stderr


@pytest.mark.parametrize(("words", "said"), [
    (["--format", "hashcat"], "add --show-secrets"), (["--mode", "5500"], "add --format"),
    (["--format", "hashcat", "--json", "--show-secrets"], "choose one"), (["--format", "crack", "--show-secrets"], "crack")])
def test_what_makes_no_sense_is_an_error_of_usage(logins: Path, words: list[str], said: str) -> None:
    done = run(logins, *words)
    assert done.exit_code == 2 and said in done.stderr and HASHCAT[5500] not in done.output


def test_the_table_is_as_before(logins: Path) -> None:
    text = run(logins).stdout
    assert text.splitlines()[0].split()[-4:] == ["mechanism", "username", "secret", "outcome"] and "<secret #" in text
    assert "b913a602" not in text and "secret  " in text


def test_without_leave_nothing_to_guess_is_shown(logins: Path) -> None:
    shown = str(rows(logins)) + CliRunner().invoke(commands, ["follow", str(logins), "0"]).output
    assert "<secret #" in shown and CRAM[0] in shown  # what the server asks is none
    for secret in (*HASHCAT.values(), CRAM[1], DIGEST, NTLM[2], "b913a602", "ab" * 24, "d388dad9", "$DIGEST-MD5$"):
        assert secret not in shown


def test_a_line_that_would_be_two_is_left_out(tmp_path: Path) -> None:
    strange = b64encode(b"".join((b"NTLMSSP\0\3\0\0\0", *(n.to_bytes(2, "little") * 2 + at.to_bytes(4, "little") for n, at in (
        (0, 64), (24, 64), (0, 88), (4, 88), (0, 92), (0, 92))), b"\1\0\0\0", b"\xab" * 24, b"a\0\n\0"))).decode()
    path = capture(tmp_path, talk(EHLO + f"C: AUTH NTLM {NTLM[0]}\nS: 334 {NTLM[1]}\nC: {strange}\nS: 535 no\n"))
    done = run(path, "--format", "hashcat", "--show-secrets")
    assert not done.stdout and "1 with control characters left out" in done.stderr
