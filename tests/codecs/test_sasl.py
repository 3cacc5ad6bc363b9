"""What an authentication shows of the user, mechanism by mechanism, and what crackers are given of it."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode

import pytest

from pcapkit.codecs.sasl import Exchange, is_mechanism, secret
from pcapkit.records import CLIENT, SERVER, Outcome, SecretKind, Span

CHALLENGE, TOKEN, PASSWORD = SecretKind.CHALLENGE_RESPONSE, SecretKind.TOKEN, SecretKind.PASSWORD
ASKED = b"<1896.697170952@postoffice.reston.mci.net>"
CRAM = b"tim b913a602c7eda7a495b4e6e7334d3890"
"""The example of RFC 2195, 2; the password is "tanstaaftanstaaf"."""
DIGEST = (b'charset=utf-8,username="chris",realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",nc=00000001,'
          b'cnonce="OA6MHXh6VqTrRk",digest-uri="imap/elwood.innosoft.com",response=d388dad90d4bbd760a152321f2143af7,qop=auth')
"""The example of RFC 2831, 4; the password is "secret"."""
SCRAM = (b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
         b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=")
"""The example of RFC 5802, 5."""
KERBEROS = b"\x60\x82\x02\x00\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02" + bytes(50)


def ntlm(domain: str, user: str, response: bytes) -> bytes:
    """An AUTHENTICATE_MESSAGE ([MS-NLMP] 2.2.1.3)."""
    parts = [b"", response, domain.encode("utf-16-le"), user.encode("utf-16-le"), b"", b""]
    fields, data = b"", b""
    for part in parts:
        fields += len(part).to_bytes(2, "little") * 2 + (64 + len(data)).to_bytes(4, "little")
        data += part
    return b"NTLMSSP\0\3\0\0\0" + fields + b"\1\0\0\0" + data


NTLM_ASKED = b"NTLMSSP\0\2\0\0\0" + bytes(12) + b"\1\2\3\4\5\6\7\x08" + bytes(8)


def place(at: int) -> Span:
    return Span(0, 100 * at, 100 * at + 9, at, at, 0)


def exchange(mechanism: str, *lines: bytes | None) -> Exchange:
    """Lines of the client in turn with challenges of the server, which come second; None says nothing."""
    heard, said = Exchange(mechanism), 0
    for i, line in enumerate(lines):
        if line is not None and i % 2:
            heard.asks(b64encode(line))
        elif line is not None:
            heard.says(b64encode(line), place(said))
            said += 1
    return heard


def alone(mechanism: str, *lines: bytes) -> Exchange:
    """Lines of the client, the server's not being there."""
    return exchange(mechanism, *(said for line in lines for said in (line, None)))


@pytest.mark.parametrize(("mechanism", "lines", "user", "secret", "kind", "at"), [
    ("PLAIN", [b"admin\0jan\0pa\0ss"], "jan", "pa\0ss", PASSWORD, 0),
    ("PLAIN", [b"", b"\0jan\0secret"], "jan", "secret", PASSWORD, 1),
    ("LOGIN", [b"jan", b"secret"], "jan", "secret", PASSWORD, 1),
    ("CRAM-MD5", [b"jan smith " + b"ab" * 16], "jan smith", "ab" * 16, CHALLENGE, 0),
    ("DIGEST-MD5", [b'charset=utf-8,username="ja\\"n",realm="a,b",nonce="x",response=' + b"cd" * 16 + b",qop=auth"],
     'ja"n', "cd" * 16, CHALLENGE, 0),
    ("SCRAM-SHA-256", [b"n,,n=ja=2Cn,r=abc", b"c=biws,r=abcdef,p=cHJvb2Y="], "ja,n", "cHJvb2Y=", CHALLENGE, 1),
    ("SCRAM-SHA-1-PLUS", [b"p=tls-unique,,n=jan,r=abc", b"c=x,r=abcdef,p=cHJvb2Y="], "jan", "cHJvb2Y=", CHALLENGE, 1),
    ("SCRAM-SHA-512", [b"", *SCRAM], "user", "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", CHALLENGE, 2),
    ("NTLM", [b"NTLMSSP\0\1\0\0\0", ntlm("DOM", "jan", b"\xab" * 24)], "DOM\\jan", "ab" * 24, CHALLENGE, 1),
    ("GSS-SPNEGO", [b"\x60\x10\x06...", b"\xa1\x20.." + ntlm("DOM", "jan", b"\xab" * 24)], "DOM\\jan", "ab" * 24, CHALLENGE, 1),
    ("XOAUTH2", [b"user=jan@b\x01auth=Bearer tok\x01\x01"], "jan@b", "tok", TOKEN, 0),
    ("OAUTHBEARER", [b"n,a=jan@b,\x01host=h\x01auth=Bearer tok\x01\x01", b"\x01"], "jan@b", "tok", TOKEN, 0),
    ("GSSAPI", [KERBEROS, b""], "", b64encode(KERBEROS).decode(), TOKEN, 0),
    ("GS2-KRB5", [b"n,a=jan," + bytes(40)], "jan", b64encode(b"n,a=jan," + bytes(40)).decode(), TOKEN, 0),
    ("OTP", [b"\0jan", b"hex:5bf0 75d9 959d 036f"], "jan", "5bf0 75d9 959d 036f", CHALLENGE, 1),
    ("OTP", [b"\0jan", b"init-word:A B C D E F:md5 499 x:A B C D E G"], "jan", "A B C D E F", CHALLENGE, 1),
    ("SKEY", [b"jan", bytes(range(8))], "jan", "0001020304050607", CHALLENGE, 1),
    ("SKEY", [b"jan", b"BOND FOGY DRAB NE RISE MART"], "jan", "BOND FOGY DRAB NE RISE MART", CHALLENGE, 1),
    ("EXTERNAL", [b"jan"], "jan", "", TOKEN, 0),
    ("EXTERNAL", [b""], "", "", TOKEN, 0),
    ("ANONYMOUS", [b"sirhc"], "sirhc", "", TOKEN, 0)])
def test_user_and_secret(mechanism: str, lines: list[bytes], user: str, secret: str, kind: SecretKind, at: int) -> None:
    tried = alone(mechanism.lower(), *lines)
    shown, login = tried.login(), tried.credential("smtp", Outcome.ACCEPTED, None, "AUTH")
    assert shown is not None and login is not None
    assert (shown.user, shown.secret, shown.kind, shown.at) == (user, secret, kind, at)
    assert (login.mechanism, login.username, login.secret, login.span) == (mechanism.lower(), user, secret, place(at))
    assert login.context.startswith(f"AUTH {mechanism}") and login.secret_span == (place(at) if secret else None)
    assert (login.hashcat_mode, login.hashcat) == (None, "")  # without the server's words there is nothing to compare with


@pytest.mark.parametrize(("mechanism", "lines"), [
    ("PLAIN", [b"jan"]), ("LOGIN", [b"jan"]), ("CRAM-MD5", [b"jan"]), ("DIGEST-MD5", [b"username=jan"]),
    ("SCRAM-SHA-1", [b"n,,n=jan,r=abc"]), ("SCRAM-SHA-1", [b"n,,r=abc", b"p=x"]), ("NTLM", [b"NTLMSSP\0\3\0\0\0"]),
    ("SCRAM-SHA-1", [b"n,,n=jan,r=abc", b"c=biws,r=another,p=x"]),
    ("NTLM", [ntlm("", "jan", b"")]), ("XOAUTH2", [b"user=jan"]), ("GSSAPI", [b"ticket", b"more"]), ("", [b"\0jan\0x"]),
    ("KERBEROS_V4", [b"ticket"]), ("OTP", [b"\0jan", b"5bf0"]), ("GS2-KRB5", [b"token"]), ("X-UNKNOWN", [b"\0jan\0x"])])
def test_what_shows_no_login_is_none_and_yet_masked(mechanism: str, lines: list[bytes]) -> None:
    assert alone(mechanism, *lines).login() is None
    tried = Exchange(mechanism)
    masked = [tried.says(b64encode(line), place(i)) for i, line in enumerate(lines)]
    assert [s and s.text for s in masked[mechanism == "LOGIN":]] == [b64encode(x).decode() for x in lines[mechanism == "LOGIN":]]


def test_what_is_no_secret_is_not_masked() -> None:
    for mechanism, line in (("LOGIN", b"jan"), ("ANONYMOUS", b"sirhc"), ("EXTERNAL", b"jan"), ("PLAIN", b"")):
        assert Exchange(mechanism).says(b64encode(line), place(0)) is None
    assert secret("LOGIN", "amFu") is None and secret("PLAIN", "AGphbgBzZWNyZXQ=") == "secret"
    assert secret("LOGIN", "no base64") == "no base64" and secret("X", "amFu") == "amFu"


# What the server says


def test_prompts_tell_which_line_is_the_password() -> None:
    for lines in ([b"jan", b"Username:", b"jan", b"Password:", b"secret"],  # the first one was not heard
                  [None, b"User Name\0", b"jan", b"Password\0", b"secret"],
                  [None, b"Benutzer?", b"jan", b"Kennwort?", b"secret"],
                  [None, b"PASSWORD", b"secret", b"login:", b"jan"],
                  [b"jan", b"", b"secret"]):
        login = exchange("LOGIN", *lines).login()
        assert login is not None and (login.user, login.secret) == ("jan", "secret"), lines
    assert exchange("LOGIN", b"jan", b"Username:", b"jan").login() is None
    only = exchange("LOGIN", None, b"Password:", b"secret").login()
    assert only is not None and (only.user, only.secret) == ("", "secret")


def test_cram_md5_as_hashcat_and_john_read_it() -> None:
    login = exchange("CRAM-MD5", None, ASKED, CRAM).credential("imap", Outcome.ACCEPTED, None, "AUTHENTICATE")
    assert login is not None and login.hashcat_mode == 10200
    _, name, challenge, response = login.hashcat.split("$")
    assert (name, b64decode(challenge), b64decode(response)) == ("cram_md5", ASKED, CRAM)
    assert login.john == f"{ASKED.decode()}#{CRAM.decode()[4:]}"
    assert hmac.digest(b"tanstaaftanstaaf", ASKED, "md5").hex() == login.secret


@pytest.mark.parametrize(("asked", "said", "hashcat", "john"), [
    (b"<a:b>", b"tim " + b"0" * 32, True, False), (b"\xff\0", b"tim " + b"0" * 32, True, False),
    (b"<a>", b"tim " + b"0" * 31, False, False), (b"", b"tim " + b"0" * 32, False, False),
    (b"<a>", b"t" * 65 + b" " + b"0" * 32, False, True), (b"a" * 257, b"tim " + b"0" * 32, False, False)])
def test_what_a_cracker_would_not_read_is_not_given(asked: bytes, said: bytes, hashcat: bool, john: bool) -> None:
    shown = exchange("CRAM-MD5", None, asked, said).login()
    assert shown is not None and (bool(shown.hashcat), shown.hashcat_mode == 10200, bool(shown.john)) == (hashcat, hashcat, john)


def response(line: str, password: str) -> str:
    """The response (RFC 2831, 2.1.2.1) to what stands in a line for john."""
    user, realm, nonce, uri, cnonce, nc, qop, _ = line.removeprefix("$DIGEST-MD5$").split("$")
    md5 = hashlib.md5
    first = b":".join([md5(f"{user}:{realm}:{password}".encode()).digest(), nonce.encode(), cnonce.encode()])
    second = f"AUTHENTICATE:{uri}{':' + '0' * 32 if qop != 'auth' else ''}".encode()
    return md5(":".join([md5(first).hexdigest(), nonce, nc, cnonce, qop, md5(second).hexdigest()]).encode()).hexdigest()


def test_digest_md5_as_john_reads_it() -> None:
    login = alone("DIGEST-MD5", DIGEST).login()
    assert login is not None and response(login.john, "secret") == login.secret and not login.hashcat
    for change in ((b"qop=auth", b"qop=auth-conf"), (b'"chris"', b'"ch$ris"'), (b"nc=00000001", b"nc="), (b"MHXh", b"M" * 40),
                   (b"imap/", b"imap:"), (b'"chris"', '"chrïs"'.encode()), (b"d388", b""), (b"qop=", b'authzid="jan",qop=')):
        unread = alone("DIGEST-MD5", DIGEST.replace(*change)).login()
        assert unread is not None and unread.john == "", change
    for change in ((b'realm="elwood.innosoft.com",', b""), (b",qop=auth", b""), (b"qop=auth", b"qop=auth-int")):
        read = alone("DIGEST-MD5", DIGEST.replace(*change)).login()
        assert read is not None and read.john.count("$") == 9, change


def test_ntlm_with_the_challenge_it_answers_alone_and_in_other_clothes() -> None:
    said = ntlm("DOM", "jan", b"\xab" * 24)
    want = f"jan::DOM::{'ab' * 24}:0102030405060708"
    for mechanism, wrap in (("NTLM", b""), ("GSS-SPNEGO", b"\xa1\x82..")):
        login = exchange(mechanism, wrap + b"NTLMSSP\0\1\0\0\0", wrap + NTLM_ASKED, wrap + said).login()
        assert login is not None and (login.hashcat_mode, login.hashcat, login.john) == (5500, want, want)


def test_scram_gives_crackers_nothing() -> None:
    login = exchange("SCRAM-SHA-1", SCRAM[0], b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
                     SCRAM[1]).login()
    assert login is not None and (login.hashcat_mode, login.hashcat, login.john) == (None, "", "")


def test_one_time_passwords_as_john_reads_them() -> None:
    folded = hashlib.md5(b"testThis is a test.").digest()
    for _ in range(99):  # the example of RFC 2289, C
        folded = bytes(a ^ b for a, b in zip(folded[:8], folded[8:], strict=True))
        folded = hashlib.md5(folded).digest()
    digits = bytes(a ^ b for a, b in zip(folded[:8], folded[8:], strict=True)).hex()
    assert digits == "50fe1962c4965880"
    login = exchange("OTP", b"\0jan", b"otp-md5 99 TeSt ext", f"hex:{digits.upper()}".encode()).login()
    assert login is not None and login.john == f"md5 0099 test {digits}"
    words = exchange("OTP", b"\0jan", b"otp-md5 99 TeSt ext", b"word:BAIL TUFT BITS GANG CHEF THY").login()
    assert words is not None and words.john == ""
    old = exchange("SKEY", b"jan", b"99 TeSt", bytes(range(8))).login()
    assert old is not None and old.john == "md4 0099 test 0001020304050607"


def test_a_ticket_answers_a_number() -> None:
    login = exchange("KERBEROS_V4", None, b"\1\2\3\4", b"ticket").credential("imap", Outcome.ACCEPTED, None, "AUTHENTICATE")
    assert login is not None and (login.username, login.secret_kind) == ("", TOKEN)
    assert login.context == "AUTHENTICATE KERBEROS_V4: who logs in is encrypted in the token"


# What is missing


def test_behind_a_gap_of_the_client_nothing_is_read_and_all_is_masked() -> None:
    tried = exchange("LOGIN", None, b"Username:", b"jan", b"Password:")
    tried.gap(CLIENT)
    masked = tried.says(b64encode(b"secret"), place(1))
    assert masked is not None and masked.text == b64encode(b"secret").decode() and tried.login() is None
    whole = exchange("CRAM-MD5", None, ASKED, CRAM)
    whole.gap(CLIENT)
    assert whole.login() is not None


def test_behind_a_gap_of_the_server_no_challenge_is_guessed() -> None:
    tried = exchange("CRAM-MD5", None, ASKED)
    tried.gap(SERVER)
    tried.says(b64encode(CRAM), place(0))
    login = tried.login()
    assert login is not None and login.user == "tim" and not login.hashcat and not login.john
    tried = exchange("CRAM-MD5", None, b"<other>")
    tried.gap(SERVER)
    tried.asks(b64encode(ASKED))
    tried.says(b64encode(CRAM), place(0))
    login = tried.login()
    assert login is not None and login.john.startswith(ASKED.decode())


def test_a_second_line_whose_prompt_is_lost_is_no_password() -> None:
    tried = exchange("LOGIN", b"jan")
    tried.gap(SERVER)
    tried.says(b64encode(b"jan"), place(1))
    assert tried.login() is None
    tried.asks(b64encode(b"Password:"))
    tried.says(b64encode(b"secret"), place(2))
    login = tried.login()
    assert login is not None and (login.user, login.secret) == ("jan", "secret")


def test_an_exchange_is_over_with_a_command_and_not_with_an_answer_that_looks_like_one() -> None:
    tried = Exchange("LOGIN")
    assert tried.is_over(b"QUIT", True)  # nothing was asked
    tried.asks(b"")
    assert not tried.is_over(b"QUIT", True) and tried.is_over(b"USER jan", True) and not tried.is_over(b"no base64", False)
    tried.says(b"amFu", place(0))
    assert tried.is_over(b"QUIT", True) and not tried.is_over(b"c2VjcmV0", False)
    tried.gap(CLIENT)
    assert tried.is_over(b"no base64", False) and not tried.is_over(b"c2VjcmV0", False)


def test_lines_are_bounded() -> None:
    tried = Exchange("PLAIN", most=2)
    for _ in range(2):
        assert not tried.full
        tried.says(b"", place(0))
    more = tried.says(b64encode(b"\0jan\0x"), place(1))
    assert tried.full and len(tried.said) == 2 and more is not None and more.text == "AGphbgB4"


def test_bytes_without_base64_have_a_place_of_their_own() -> None:
    tried = Exchange("PLAIN", coded=False)
    masked = tried.says(b"\0jan\0secret", Span(0, 10, 21, 1, 1, 0))
    login = tried.credential("ldap", Outcome.ACCEPTED, None, "bind")
    assert masked is not None and login is not None and masked.span == login.secret_span == Span(0, 15, 21, 1, 1, 0)


def test_names_of_mechanisms() -> None:
    assert all(map(is_mechanism, ("plain", "SCRAM-SHA-256-PLUS", "GS2-KRB5", "Skey"))) and not is_mechanism("amFu")
