"""Telnet sessions whole, in pieces, with gaps, with noise."""

from __future__ import annotations

import struct

import pytest

from pcapkit.dissectors import Recognition, Wishes
from pcapkit.dissectors.telnet import Telnet
from pcapkit.limits import Limits
from pcapkit.records import Credential, Outcome, Secret
from pcapkit.testing import Script, check_contract, check_splits, play, whole

OFFER, ANSWER = b"\xff\xfd\x18\xff\xfd\x20\xff\xfd\x27", b"\xff\xfb\x18\xff\xfb\x20\xff\xfc\x27"
TYPE = b"\xff\xfa\x18\0XTERM\xff\xf0"


def echoed(text: bytes, end: bytes = b"\r\0", echo: bool = True) -> Script:
    """Keys one by one, each echoed, and the host's answer to the last."""
    turns: list[tuple[int, bytes]] = []
    for i in range(len(text)):
        turns += [(0, text[i:i + 1]), *([(1, text[i:i + 1])] if echo else [])]
    return [*turns, (0, end), (1, b"\r\n")]


CHARACTERS: Script = [
    (1, OFFER), (0, ANSWER), (1, b"\xff\xfa\x18\1\xff\xf0"), (0, TYPE),
    (1, b"\xff\xfb\1\r\nDebian GNU/Linux\r\n\r\nhost login: "),
    *echoed(b"jam\x7fn"), (1, b"Password: "), *echoed(b"wrong", echo=False), (1, b"\r\nLogin incorrect\r\nhost login: "),
    *echoed(b"someone\x15jan"), (1, b"Password: "), (0, b"se"), (0, b"\xff\xf6"), (0, b"sx"), (0, b"\xff\xf7"), (0, b"ame\r\n"),
    (1, b"\r\nLast login: Mon Jan  5 09:00:00 on pts/0\r\n\x1b[1mjan@host\x1b[0m:~$ "), *echoed(b"su - ann"), (1, b"Password: "),
    (0, b"hers\r\0"), (1, b"\r\nsu: Authentication failure\r\njan@host:~$ "), *echoed(b"passwd"), (1, b"New password: "),
    (0, b"newer\r\0"), (1, b"\r\nRetype new password: "), (0, b"newer\r\0")]
ROUTER: Script = [
    (1, b"\xff\xfb\1\xff\xfb\3\r\n\r\nUser Access Verification\r\n\r\nPassword: "), (0, b"\xff\xfd\1\xff\xfd\3cisco\r\n"),
    (1, b"\r\nPassword: "), (0, b"router\r\n"), (1, b"\r\nedge>"), (0, b"ena\r\n"), (1, b"ena\r\nPassword: "), (0, b"secret\r\n"),
    (1, b"\r\nedge#"), (0, b"exit\r\n")]
NAMED: Script = [(1, b"\xff\xfb\1\xff\xfb\3Username: "), (0, b"admin\r\n"), (1, b"admin\r\nPassword: "), (0, b"x\r\n"),
                 (1, b"\r\n% Authentication failed\r\n\r\nUsername: "), (0, b"\x03")]
ENVIRON: Script = [(1, b"\xff\xfd\x27\xff\xfd\x18"), (0, b"\xff\xfb\x27"), (1, b"\xff\xfa\x27\1\xff\xf0"),
                   (0, b"\xff\xfa\x27\0\0USER\1jan\3LANG\1C\xff\xf0"), (1, b"Password: "), (0, b"a\xff\xffb\r\0"), (1, b"\r\n$ ")]
CHALLENGE = b"NTLMSSP\0\2\0\0\0" + bytes(12) + b"0123456\xff" + bytes(16)
MESSAGE = (b"NTLMSSP\0\3\0\0\0" + b"".join(struct.pack("<HHI", n, n, at) for n, at in (
    (24, 75), (24, 99), (4, 64), (4, 68), (3, 72), (0, 75))) + b"\0\0\0\0" + b"HOMEANNAjan" + b"\1" * 24 + b"\2" * 24)
NTLM: Script = [(1, b"\xff\xfd\x25\xff\xfb\1"), (0, b"\xff\xfb\x25"),
                (1, b"\xff\xfa\x25\2\x0f\0\1" + CHALLENGE.replace(b"\xff", b"\xff\xff") + b"\xff\xf0"),
                (0, b"\xff\xfa\x25\0\x0f\0\2" + MESSAGE + b"\xff\xf0"), (1, b"\xff\xfa\x25\2\x0f\0\3\xff\xf0C:\\>")]
SCRIPTS = [CHARACTERS, ROUTER, NAMED, ENVIRON, NTLM]


def seen(script: Script) -> list[tuple[str, str, str, Outcome]]:
    return [(c.mechanism, c.username, c.secret, c.outcome) for c in play(Telnet, whole(script)).of(Credential)]


def asked(prompt: bytes, then: bytes = b"", user: bytes = b"login: ") -> Script:
    """A login by lines, with another prompt or other words behind it."""
    return [(1, OFFER + user), (0, b"jan\r\n"), (1, prompt), (0, b"sesame\r\n"), *([(1, then)] if then else [])]


def test_the_contract_holds() -> None:
    check_contract(Telnet, SCRIPTS, Credential, inputs=2_000)


def test_keys_one_by_one_with_those_that_erase() -> None:
    assert seen(CHARACTERS) == [("prompt", "jan", "wrong", Outcome.REJECTED), ("prompt", "jan", "sesame", Outcome.ACCEPTED),
                                ("prompt", "ann", "hers", Outcome.REJECTED)]


def test_routers() -> None:
    assert seen(ROUTER) == [("prompt", "", "cisco", Outcome.REJECTED), ("prompt", "", "router", Outcome.ACCEPTED),
                            ("enable", "", "secret", Outcome.ACCEPTED)]
    assert seen(NAMED) == [("prompt", "admin", "x", Outcome.REJECTED)]


def test_a_name_among_the_variables_and_a_doubled_byte() -> None:
    assert seen(ENVIRON) == [("prompt", "jan", "a\ufffdb", Outcome.ACCEPTED)]


def test_ntlm() -> None:
    login, = play(Telnet, whole(NTLM)).of(Credential)
    assert (login.mechanism, login.username, login.outcome, login.hashcat_mode) == ("ntlm", "HOME\\ANNA", Outcome.ACCEPTED, 5500)
    assert login.hashcat == f"ANNA::HOME:{'01' * 24}:{'02' * 24}:{CHALLENGE[24:32].hex()}"


def test_a_secret_is_masked_with_all_that_was_typed_of_it_and_new_ones_too() -> None:
    client = b"".join(data for side, data in CHARACTERS if side == 0)
    assert [client[s.span.start:s.span.stop] for s in play(Telnet, whole(CHARACTERS)).of(Secret)] == [
        b"wrong", b"se\xff\xf6sx\xff\xf7ame", b"hers", b"newer", b"newer"]


@pytest.mark.parametrize("prompt", [b"Password:", b"jan's Password: ", b"Enter password > ", b"Password for jan: ", b"Passwort: ",
                                    b"\x1b[2;1HPassword:\x1b[0m ", b"Enter your passcode: ", b"[sudo] password for jan: "])
def test_prompts_for_a_password(prompt: bytes) -> None:
    assert seen(asked(prompt)) == [("prompt", "jan", "sesame", Outcome.UNKNOWN)]


@pytest.mark.parametrize("prompt", [b"host login: ", b"Login:", b"Username: ", b"User Name : ", b"Account: ", b"User:",
                                    b"login as: ", b"Login name: ", b"User ID: ", b"\x1b[7mlogin:\x1b[m "])
def test_prompts_for_a_name(prompt: bytes) -> None:
    assert seen(asked(b"Password: ", user=prompt)) == [("prompt", "jan", "sesame", Outcome.UNKNOWN)]


@pytest.mark.parametrize("prompt", [b"New password: ", b"Command: ", b"Last login: ", b"Password expires in 3 days\r\n$ ", b""])
def test_what_asks_for_no_password(prompt: bytes) -> None:
    assert seen(asked(prompt)) == []


@pytest.mark.parametrize(("then", "outcome"), [
    (b"\r\nLogin incorrect\r\n", Outcome.REJECTED),
    (b"\r\n% Bad passwords\r\n", Outcome.REJECTED),
    (b"\r\n% Login invalid\r\n\r\n", Outcome.REJECTED),
    (b"\r\nAccess denied\r\n", Outcome.REJECTED),
    (b"\r\nInvalid username or password\r\n", Outcome.REJECTED),
    (b"\r\nlogin: ", Outcome.REJECTED),
    (b"\r\nPassword: ", Outcome.REJECTED),
    (b"\r\nPasscode: ", Outcome.UNKNOWN),
    (b"\r\nWelcome to host\r\n", Outcome.ACCEPTED),
    (b"\r\n# ", Outcome.ACCEPTED),
    (b"\r\n[jan@host ~]$ ", Outcome.ACCEPTED),
    (b"\r\nC:\\Users\\jan>", Outcome.ACCEPTED),
    (b"\r\n<Switch>", Outcome.ACCEPTED),
    (b"\r\nLinux host 6.1\r\nYou have new mail.\r\n", Outcome.ACCEPTED),
    (b"\r\n1. Status  2. Log out\r\nYour choice: ", Outcome.UNKNOWN),
    (b"\r\n" + b"words\r\n" * 200 + b"$ ", Outcome.UNKNOWN),
])
def test_how_it_ends(then: bytes, outcome: Outcome) -> None:
    assert [c[3] for c in seen(asked(b"Password: ", then))] == [outcome]
    if not then.endswith(b": "):
        assert [c[3] for c in seen([*asked(b"Password: ", then), (0, b"ls\r\n"), (1, b"\r\nPermission denied\r\n")])] == [outcome]


def test_the_reply_is_the_line_that_tells() -> None:
    script = asked(b"Password: ", b"\r\nLogin incorrect\r\nlogin: ")
    login, = check_splits(Telnet, script).of(Credential)
    server = b"".join(data for side, data in script if side == 1)
    assert server[login.reply_span.start:login.reply_span.stop] == b"Login incorrect\r\n"


def test_what_was_lost_tells_nothing() -> None:
    script = asked(b"Password: ", b"\r\n$ ")
    assert seen(script)[0][3] is Outcome.ACCEPTED
    assert [c.outcome for c in play(Telnet, [*script[:-1], (1, 20), script[-1]]).of(Credential)] == [Outcome.UNKNOWN]
    assert not play(Telnet, [*script[:3], (0, 4), *script[3:]]).of(Credential)


def test_limits_count() -> None:
    tape = play(Telnet, [*asked(b"Password: ")[:-1], (0, b"x" * 100 + b"\r\n")], Wishes(limits=Limits(terminal_line=64)))
    assert tape.limits["terminal_line"] == 1 and tape.of(Credential)[0].secret == "x" * 64
    tape = play(Telnet, [(0, b"\xff\xfa\x18" + b"x" * 1000)], Wishes(limits=Limits(dialogue_line=500)))
    assert tape.limits["dialogue_line"] == 1


@pytest.mark.parametrize(("client", "server", "want"), [
    (b"", OFFER, Recognition.YES),
    (b"\xff\xfb\x18", b"\xff\xfd\x18", Recognition.YES),
    (b"", b"\xff\xfd\x18", Recognition.MAYBE),
    (b"", b"\r\nlogin: ", Recognition.USUAL),
    (b"root\r\n", b"", Recognition.USUAL),
    (b"", b"\xff\xfb\x90\x64" + b"\x00" * 20, Recognition.NO),
    (b"", b"\x00\x01\x02", Recognition.NO),
    (b"", OFFER + TYPE, Recognition.YES),
    (b"", OFFER + b"\0\1\2", Recognition.NO),
    (b"\x16\x03\x01\x02\x00", b"", Recognition.NO),
    (b"", b"", Recognition.NO),
])
def test_recognition(client: bytes, server: bytes, want: Recognition) -> None:
    assert Telnet.recognises(client, server) is want
