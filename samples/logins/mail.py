"""Mail logins with every mechanism that Dovecot 2.3 has: in IMAP, POP3, ManageSieve, and in SMTP at a Postfix that asks it."""

from __future__ import annotations

import base64
import imaplib
import json
import poplib
import re
import smtplib
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

from samples.cases import PASSWORD, WRONG, Case, Family, Login, News, client, new_lines
from samples.logins.scram import Scram
from samples.record import HOST, serving, typed
from samples.vantage.servers import postfix

SUBMISSION, IMAP, POP3, SIEVE, TOKENS = 587, 143, 110, 4190, 8000
TOKEN = "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg"
MECHANISMS = "PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-256 XOAUTH2 OAUTHBEARER NTLM"
DOVECOT = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap pop3 sieve
listen = {host}
hostname = mail.example.com
ssl = no
disable_plaintext_auth = no
auth_mechanisms = {mechanisms} apop
auth_failure_delay = 0
auth_debug = yes
auth_use_winbind = yes
auth_winbind_helper_path = {folder}/ntlm
first_valid_uid = 1
mail_location = maildir:{folder}/mail
default_login_user = dovenull
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {folder}/oauth2.conf
}}
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={folder}/mail
}}
service auth {{
  unix_listener {folder}/auth {{
    mode = 0666
  }}
}}
service stats {{
  unix_listener stats-reader {{
    mode = 0666
  }}
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
"""
OAUTH2 = """
introspection_mode = post
introspection_url = http://{host}:{port}/
username_attribute = username
active_attribute = active
active_value = true
"""
POSTFIX = """
virtual_mailbox_domains = example.com
virtual_transport = discard:
smtpd_peername_lookup = no
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {folder}/auth
smtpd_relay_restrictions = permit_sasl_authenticated, reject
"""
SAID = re.compile(r"auth: Debug: client (?:in|passdb out): (AUTH|OK|FAIL)\t(\d+)(?:\t([\w-]+))?")
MESSAGE = "From: Jan <jan@example.com>\nTo: Ann <ann@example.com>\nSubject: {}\nDate: Wed, 25 Nov 2026 12:00:00 +0000\n\nHello.\n"


class Tokens(BaseHTTPRequestHandler):
    """Says whose a token is, to Dovecot (RFC 7662)."""

    def log_message(self, format: str, *words: Any) -> None:
        """Nothing to the terminal."""

    def do_POST(self) -> None:
        """One token."""
        token = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()).get("token")
        answer = json.dumps({"active": True, "username": "jan"} if token == [TOKEN] else {"active": False}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


@contextmanager
def running(folder: Path) -> Iterator[News]:
    """Dovecot, Postfix and the tokens' server; the news are what the log says of logins."""
    (folder / "mail").mkdir()
    (folder / "mail").chmod(0o777)
    (folder / "users").write_text(f"jan:{{PLAIN}}{PASSWORD}\n")
    (folder / "oauth2.conf").write_text(OAUTH2.format(host=HOST, port=TOKENS))
    (folder / "ntlm").write_text("#!/bin/sh\nexec /usr/lib/squid/ntlm_fake_auth\n")
    (folder / "ntlm").chmod(0o755)
    settings = folder / "dovecot.conf"
    settings.write_text(DOVECOT.format(folder=folder, host=HOST, mechanisms=MECHANISMS.lower()))
    (folder / "postfix").mkdir()
    sender = postfix(folder / "postfix" / "one", "mail.example.com", POSTFIX.format(folder=folder),
                     f"{HOST}:{SUBMISSION} inet n - n - - smtpd\n", "")
    tokens = ThreadingHTTPServer((HOST, TOKENS), Tokens)
    Thread(target=tokens.serve_forever, daemon=True).start()
    with ExitStack() as stack:
        stack.callback(tokens.server_close)
        stack.callback(tokens.shutdown)
        stack.enter_context(serving(["dovecot", "-F", "-c", settings], IMAP))
        stack.enter_context(serving(sender, SUBMISSION))
        stack.callback(subprocess.run, [*sender[:-1], "stop"], check=False, stderr=subprocess.DEVNULL)
        lines = new_lines(folder / "dovecot.log")
        yield lambda: {"logged": list(verdicts(lines()))}


def verdicts(lines: list[str]) -> Iterator[str]:
    """What Dovecot says of logins: whether, and by which mechanism; a password in a command of the protocol is PLAIN to it."""
    mechanisms: dict[str, str] = {}
    for line in lines:
        if said := SAID.search(line):
            if said[1] == "AUTH":
                mechanisms[said[2]] = said[3].lower()
            elif said[2] in mechanisms:
                yield f"{'accepted' if said[1] == 'OK' else 'rejected'} {mechanisms.pop(said[2])}"


def curl(protocol: str, mechanism: str, password: str, *words: str) -> Callable[[], object]:
    """One login by curl: a mail sent, or a mailbox looked at. A token is given in another way than a password."""
    port = {"smtp": SUBMISSION, "imap": IMAP, "pop3": POP3}[protocol]
    send = ("--mail-from", "jan@example.com", "--mail-rcpt", "ann@example.com", "--crlf", "-T", "-") if protocol == "smtp" else ()
    login = ("-u", "jan", "--oauth2-bearer", password) if mechanism == "OAUTHBEARER" else ("-u", f"jan:{password}")
    return client("curl", "-s", "-m", "10", "--login-options", f"AUTH={mechanism}", *login, *send, *words,
                  f"{protocol}://{HOST}:{port}/{'client.example.com' if send else ''}",
                  give=MESSAGE.format(f"Sent with {mechanism}"))


def gsasl(protocol: str, mechanism: str, password: str) -> Callable[[], object]:
    """One login by GNU SASL's own program, which does no more than that."""
    port = {"smtp": SUBMISSION, "imap": IMAP}[protocol]
    return client("gsasl", f"--{protocol}", "-m", mechanism, f"--connect={HOST}:{port}", "-a", "jan", "-p", password,
                  "--hostname=mail.example.com", f"--service={protocol}", "--no-cb")


def swaks(mechanism: str, password: str) -> Callable[[], object]:
    """A mail sent by swaks."""
    return client("swaks", "--server", f"{HOST}:{SUBMISSION}", "--ehlo", "client.example.com", "--from",
                  "jan@example.com", "--to",
                  "ann@example.com", "--auth", mechanism, "--auth-user", "jan", "--auth-password", password,
                  "--data", MESSAGE.format(f"Sent by swaks with {mechanism}").replace("\n", "\\n"))


def by_smtplib(password: str) -> Callable[[], object]:
    """A login by Python's smtplib, by the first mechanism of its liking."""
    def run() -> None:
        with smtplib.SMTP(HOST, SUBMISSION, "client.example.com", 5) as server, suppress(smtplib.SMTPException):
            server.login("jan", password)
            server.sendmail("jan@example.com", ["ann@example.com"], MESSAGE.format("Sent by smtplib"))
    return run


def by_imaplib(method: str, password: str) -> Callable[[], object]:
    """A login by Python's imaplib."""
    def run() -> None:
        server = imaplib.IMAP4(HOST, IMAP)
        with suppress(imaplib.IMAP4.error):
            getattr(server, method)("jan", password)
            server.select()
        server.logout()
    return run


def bearer(port: int, token: str) -> Callable[[], object]:
    """XOAUTH2 by Python's imaplib and smtplib, and by hand: who is refused is told why, and answers with nothing."""
    first = f"user=jan\1auth=Bearer {token}\1\1"

    def by_imap() -> None:
        server = imaplib.IMAP4(HOST, IMAP)
        with suppress(imaplib.IMAP4.error):
            server.authenticate("XOAUTH2", lambda challenge: b"" if challenge else first.encode())
        server.logout()

    def by_smtp() -> None:
        with smtplib.SMTP(HOST, SUBMISSION, "client.example.com", 5) as server, suppress(smtplib.SMTPException):
            server.ehlo()
            server.auth("XOAUTH2", lambda challenge=None: "" if challenge else first)
    typed_in = [f"AUTH XOAUTH2 {encoded(first)}", *([""] if token != TOKEN else []), "QUIT"]
    return {IMAP: by_imap, SUBMISSION: by_smtp, POP3: hand(POP3, *typed_in)}[port]


def by_poplib(password: str, apop: bool) -> Callable[[], object]:
    """A login by Python's poplib: APOP, or USER and PASS."""
    def run() -> None:
        server = poplib.POP3(HOST, POP3, 5)
        with suppress(poplib.error_proto):
            if apop:
                server.apop("jan", password)
            else:
                server.user("jan")
                server.pass_(password)
            server.stat()
        server.quit()
    return run


def by_scram(port: int, mechanism: str, password: str) -> Callable[[], object]:
    """SCRAM in POP3 or ManageSieve, which no client of Debian's does."""
    def run() -> None:
        Scram(port, mechanism, "jan", password).talk(sieve=port == SIEVE)
    return run


def hand(port: int, *lines: str) -> Callable[[], object]:
    """What somebody types."""
    return lambda: typed(port, lines)


def initial(password: str) -> str:
    """PLAIN's only message (RFC 4616, 2)."""
    return base64.b64encode(f"\0jan\0{password}".encode()).decode()


def encoded(text: str) -> str:
    """As LOGIN has it."""
    return base64.b64encode(text.encode()).decode()


def both(mechanism: str, shown: str = "password", times: int = 1) -> list[Login]:
    """Rejected, then accepted, by one client after the other."""
    return [Login(mechanism, "jan", WRONG, "rejected", shown), Login(mechanism, "jan", PASSWORD, "accepted", shown)] * times


def tokens(mechanism: str) -> list[Login]:
    """A token that is not known, and one that is."""
    return [Login(mechanism, "jan", "unknown-token", "rejected", "token"), Login(mechanism, "jan", TOKEN, "accepted", "token")]


def pair(protocol: str, mechanism: str) -> list[Callable[[], object]]:
    """The wrong and the right password, by curl."""
    return [curl(protocol, mechanism, one) for one in (WRONG, PASSWORD)]


ANSWER = "challenge-response"
WORDS = WRONG, PASSWORD
CASES = [
    Case("smtp-plain", "PLAIN by curl and swaks",
         [*pair("smtp", "PLAIN"), *(swaks("PLAIN", one) for one in WORDS)], both("plain", times=2)),
    Case("smtp-login", "LOGIN by curl and swaks", [*pair("smtp", "LOGIN"), *(swaks("LOGIN", one) for one in WORDS)],
         both("login", times=2)),
    Case("smtp-cram-md5", "CRAM-MD5 by curl, swaks and smtplib",
         [*pair("smtp", "CRAM-MD5"), *(swaks("CRAM-MD5", one) for one in WORDS), by_smtplib(PASSWORD)],
         [*both("cram-md5", ANSWER, 2), Login("cram-md5", "jan", PASSWORD, "accepted", ANSWER)]),
    Case("smtp-refused", "smtplib with a wrong password: it tries every mechanism that it knows", [by_smtplib(WRONG)],
         [Login("cram-md5", "jan", WRONG, "rejected", ANSWER), Login("plain", "jan", WRONG, "rejected"),
          Login("login", "jan", WRONG, "rejected")]),
    *(Case(f"smtp-{name.lower()}", f"{name} by gsasl", [gsasl("smtp", name, one) for one in WORDS], both(name.lower(), ANSWER))
      for name in ("DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256")),
    Case("smtp-ntlm", "NTLM by curl, at a helper that believes everything", [curl("smtp", "NTLM", PASSWORD)],
         [Login("ntlm", "jan", PASSWORD, "accepted", ANSWER)]),
    Case("smtp-xoauth2", "XOAUTH2: a token that is not known, and one that is",
         [bearer(SUBMISSION, one) for one in ("unknown-token", TOKEN)], tokens("xoauth2")),
    Case("smtp-oauthbearer", "OAUTHBEARER by curl, the same way",
         [curl("smtp", "OAUTHBEARER", one) for one in ("unknown-token", TOKEN)], tokens("oauthbearer")),
    Case("smtp-cancelled", "an exchange that the client breaks off with *, and a line that is not base64",
         [hand(SUBMISSION, "EHLO client.example.com", "AUTH PLAIN", "*", "AUTH LOGIN", encoded("jan"), "*",
               "AUTH PLAIN !!!", "QUIT")]),
    Case("pop3-user-pass", "USER and PASS by poplib", [by_poplib(one, False) for one in WORDS], both("user-pass")),
    Case("pop3-apop", "APOP by poplib and curl", [*(by_poplib(one, True) for one in WORDS), curl("pop3", "+APOP", PASSWORD)],
         [*both("apop", ANSWER), Login("apop", "jan", PASSWORD, "accepted", ANSWER)]),
    Case("pop3-plain", "AUTH PLAIN by curl, and by hand without its first message in the command",
         [*pair("pop3", "PLAIN"), hand(POP3, "AUTH PLAIN", initial(PASSWORD), "QUIT")],
         [*both("plain"), Login("plain", "jan", PASSWORD, "accepted")]),
    Case("pop3-cram-md5", "CRAM-MD5 by curl", pair("pop3", "CRAM-MD5"), both("cram-md5", ANSWER)),
    Case("pop3-scram-sha-256", "SCRAM-SHA-256 by hand", [by_scram(POP3, "SCRAM-SHA-256", one) for one in WORDS],
         both("scram-sha-256", ANSWER)),
    Case("pop3-xoauth2", "XOAUTH2: a token that is not known, and one that is",
         [bearer(POP3, one) for one in ("unknown-token", TOKEN)], tokens("xoauth2")),
    Case("pop3-oauthbearer", "OAUTHBEARER by curl, the same way",
         [curl("pop3", "OAUTHBEARER", one) for one in ("unknown-token", TOKEN)], tokens("oauthbearer")),
    Case("imap-login", "LOGIN by imaplib, and by hand with strings in quotes",
         [*(by_imaplib("login", one) for one in WORDS),
          hand(IMAP, f'a LOGIN "jan" "{WRONG}"', f'b LOGIN "jan" "{PASSWORD}"', "c LOGOUT")],
         both("login", times=2)),
    Case("imap-literals", "LOGIN with literals: one that waits for the server, and one that does not (RFC 7888)",
         [hand(IMAP, f"a LOGIN jan {{{len(WRONG)}+}}\r\n{WRONG}", "b LOGIN {3}", f"jan {{{len(PASSWORD)}}}", PASSWORD,
               "c LOGOUT")],
         both("login")),
    Case("imap-plain", "AUTHENTICATE PLAIN by curl, and by hand with its first message in the command (SASL-IR)",
         [*pair("imap", "PLAIN"), hand(IMAP, f"a AUTHENTICATE PLAIN {initial(PASSWORD)}", "b LOGOUT")],
         [*both("plain"), Login("plain", "jan", PASSWORD, "accepted")]),
    Case("imap-cram-md5", "CRAM-MD5 by imaplib and gsasl",
         [*(by_imaplib("login_cram_md5", one) for one in WORDS), *(gsasl("imap", "CRAM-MD5", one) for one in WORDS)],
         both("cram-md5", ANSWER, 2)),
    *(Case(f"imap-{name.lower()}", f"{name} by gsasl", [gsasl("imap", name, one) for one in WORDS], both(name.lower(), ANSWER))
      for name in ("DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256")),
    Case("imap-ntlm", "NTLM by curl, at a helper that believes everything", [curl("imap", "NTLM", PASSWORD)],
         [Login("ntlm", "jan", PASSWORD, "accepted", ANSWER)]),
    Case("imap-xoauth2", "XOAUTH2: a token that is not known, and one that is",
         [bearer(IMAP, one) for one in ("unknown-token", TOKEN)], tokens("xoauth2")),
    Case("imap-oauthbearer", "OAUTHBEARER by curl, the same way",
         [curl("imap", "OAUTHBEARER", one) for one in ("unknown-token", TOKEN)], tokens("oauthbearer")),
    Case("sieve-plain", "PLAIN by hand, with its first message as a string and as a literal",
         [hand(SIEVE, f'AUTHENTICATE "PLAIN" "{initial(WRONG)}"', f'AUTHENTICATE "PLAIN" {{{len(initial(PASSWORD))}+}}\r\n'
               f"{initial(PASSWORD)}", "LOGOUT")], both("plain")),
    *(Case(f"sieve-{name.lower()}", f"{name} by hand", [by_scram(SIEVE, name, one) for one in WORDS], both(name.lower(), ANSWER))
      for name in ("SCRAM-SHA-1", "SCRAM-SHA-256")),
]
FAMILY = Family("Dovecot 2.3.19, Postfix 3.7, curl 7.88, gsasl 2.2, swaks, Python's smtplib, imaplib and poplib",
                (SUBMISSION, IMAP, POP3, SIEVE), running, CASES)
