"""SCRAM's client (RFC 5802, RFC 7677), in the words of POP3 and of ManageSieve."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import socket

from samples.record import HOST


class Scram:
    """One login on a connection of its own, and the end of the session."""

    def __init__(self, port: int, mechanism: str, user: str, password: str) -> None:
        self.connection = socket.create_connection((HOST, port), timeout=5)
        self.lines = self.connection.makefile("rb")
        self.mechanism, self.password = mechanism, password
        self.hash = {"SCRAM-SHA-1": "sha1", "SCRAM-SHA-256": "sha256"}[mechanism]
        self.bare = f"n={user},r={secrets.token_urlsafe(18)}"

    def talk(self, sieve: bool) -> None:
        """The greeting, three messages, and the end."""
        with self.connection:
            self.until(sieve)
            first = self.encoded("n,," + self.bare)
            self.say(f'AUTHENTICATE "{self.mechanism}" "{first}"' if sieve else f"AUTH {self.mechanism} {first}")
            challenge = self.challenge(sieve)
            if challenge is not None:
                self.say(self.quoted(self.proof(challenge), sieve))
                if self.challenge(sieve) is not None:
                    self.say('""' if sieve else "")
                    self.until(sieve)
            self.say("LOGOUT" if sieve else "QUIT")
            self.lines.read()

    def say(self, line: str) -> None:
        """One line."""
        self.connection.sendall(f"{line}\r\n".encode())

    def until(self, sieve: bool) -> None:
        """Read until a line that ends an answer."""
        while line := self.lines.readline():
            if line.startswith((b"OK", b"NO", b"BYE") if sieve else (b"+OK", b"-ERR")):
                return

    def challenge(self, sieve: bool) -> str | None:
        """The server's message, or none where it refuses: a string or a literal in ManageSieve, behind a + in POP3."""
        line = self.lines.readline().rstrip()
        if sieve and line.startswith(b"{"):
            line = b'"' + self.lines.readline().rstrip() + b'"'
        if not line.startswith(b'"' if sieve else b"+ "):
            return None
        return base64.b64decode(line.strip(b'"').removeprefix(b"+ ")).decode()

    def proof(self, challenge: str) -> str:
        """The client's last message."""
        said = dict(part.split("=", 1) for part in challenge.split(","))
        salted = hashlib.pbkdf2_hmac(self.hash, self.password.encode(), base64.b64decode(said["s"]), int(said["i"]))
        key = hmac.digest(salted, b"Client Key", self.hash)
        ending = f"c=biws,r={said['r']}"
        signature = hmac.digest(hashlib.new(self.hash, key).digest(), f"{self.bare},{challenge},{ending}".encode(), self.hash)
        return f"{ending},p={base64.b64encode(bytes(a ^ b for a, b in zip(key, signature, strict=True))).decode()}"

    def encoded(self, text: str) -> str:
        """As base64."""
        return base64.b64encode(text.encode()).decode()

    def quoted(self, text: str, sieve: bool) -> str:
        """As a line of either protocol."""
        return f'"{self.encoded(text)}"' if sieve else self.encoded(text)
