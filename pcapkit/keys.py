"""Key material for decryption: key logs, secrets embedded in captures, RSA keys, and what `openssl s_client` prints.

A key log has a line for each secret (the format of NSS; draft-ietf-tls-keylogfile): label, client random, secret. Older
lines name a master secret by its session or a premaster secret by the first bytes of its encrypted form. Secrets are given
to dissectors and to nobody else: no output holds them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from os import PathLike, environ, fspath
from pathlib import Path
from typing import Any

from pcapkit.errors import KeysError

_KEYLOG_BLOCK = 0x544C534B
"""The type "TLS Key Log" of a pcapng block of decryption secrets."""
_RANDOM = 32
_MASTER = 48
_LINE = re.compile(r"(?P<label>[A-Z][A-Z0-9_]*) (?P<random>[0-9a-fA-F]{64}) (?P<secret>(?:[0-9a-fA-F]{2})+)")
_RSA_LINE = re.compile(r"RSA (?P<start>[0-9a-fA-F]{16}) (?P<secret>[0-9a-fA-F]{96})")
_SESSION_LINE = re.compile(r"RSA Session-ID:(?P<session>(?:[0-9a-fA-F]{2})*) Master-Key:(?P<secret>[0-9a-fA-F]{96})")
_S_CLIENT = re.compile(r"^\s*(?P<name>Session-ID|Master-Key|Resumption PSK|Protocol(?: *version)?) *: *(?P<value>\S*)",
                       re.MULTILINE | re.IGNORECASE)
_MOST_LOG, _MOST_LINES, _MOST_BAD = 64 << 20, 1_000_000, 3


@dataclass(slots=True)
class Keys:
    """Secrets by what on the wire they belong to. `warnings` tell what was given and is of no use."""

    by_random: dict[bytes, dict[str, bytes]] = field(default_factory=dict)
    """Client random -> label, such as CLIENT_RANDOM for a master secret, -> secret."""
    by_session: dict[bytes, bytes] = field(default_factory=dict)
    """Session id -> master secret."""
    premasters: dict[bytes, bytes] = field(default_factory=dict)
    """First eight bytes of an encrypted premaster secret -> premaster secret."""
    masters: list[bytes] = field(default_factory=list)
    """Master secrets of sessions that are not named by what is on the wire: they are tried (s_client names a session with a
    ticket by the ticket's hash, which is told only behind the first record to be opened).
    """
    rsa: list[Any] = field(default_factory=list)
    """Private keys of servers, of the package cryptography."""
    used: dict[bytes, dict[str, bytes]] = field(default_factory=dict)
    """What has opened records, as `by_random` has it, however it was found."""
    warnings: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.by_random or self.by_session or self.premasters or self.masters or self.rsa)

    def copy(self) -> Keys:
        """The same secrets, to which those of one file can be added."""
        return Keys({random: dict(secrets) for random, secrets in self.by_random.items()}, dict(self.by_session),
                    dict(self.premasters), list(self.masters), list(self.rsa))

    def use(self, random: bytes, label: str, secret: bytes) -> None:
        """Note a secret that has opened records of the session with this client random."""
        if random in self.used or len(self.used) < _MOST_LINES:
            self.used.setdefault(random, {})[label] = secret

    def log(self) -> str:
        """What was used, as a key log."""
        return "".join(f"{label} {random.hex()} {secret.hex()}\n" for random, secrets in self.used.items()
                       for label, secret in secrets.items())

    def add_embedded(self, kind: int, data: bytes) -> bool:
        """Take a block of secrets of a pcapng file; false where it is of a kind that is not known, or has none."""
        return kind == _KEYLOG_BLOCK and self.add_log(data.decode("utf-8", "replace"), "the capture") > 0

    def add_log(self, text: str, name: str) -> int:
        """Take the lines of a key log; returns how many were of use. Others that are no comments are warned of."""
        used = bad = 0
        for number, line in enumerate(_lines(text), 1):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            if self._add_line(line):
                used += 1
                continue
            bad += 1
            if bad <= _MOST_BAD:
                self.warnings.append(f"{name}: line {number} is no line of a key log")
        if bad > _MOST_BAD:
            self.warnings.append(f"{name}: and {bad - _MOST_BAD} more")
        return used

    def _add_line(self, line: str) -> bool:
        if found := _LINE.fullmatch(line):
            secrets = self.by_random.setdefault(bytes.fromhex(found["random"]), {})
            secrets[found["label"]] = bytes.fromhex(found["secret"])
        elif found := _RSA_LINE.fullmatch(line):
            self.premasters[bytes.fromhex(found["start"])] = bytes.fromhex(found["secret"])
        elif found := _SESSION_LINE.fullmatch(line):
            self.by_session[bytes.fromhex(found["session"])] = bytes.fromhex(found["secret"])
        return found is not None

    def add_s_client(self, text: str, name: str) -> None:
        """Take master secret and session id of what `openssl s_client` printed. KeysError says why it cannot decrypt."""
        session, refusal = b"", ""
        for found in _S_CLIENT.finditer(text):
            what, value = found["name"].lower(), found["value"]
            if what == "session-id":
                session = _hex(value) or b""
            elif what == "resumption psk":
                refusal = (f"{name}: cannot decrypt this session: a resumption PSK opens later sessions that resume this one, "
                           "never this session itself (RFC 8446, 2.2); a key log written during the session would "
                           "(s_client -keylogfile)")
            elif what == "master-key":
                master = _hex(value)
                if master is None or len(master) != _MASTER:
                    refusal = (f"{name}: the Master-Key has {len(value)} hexadecimal digits, but a master secret has "
                               f"{2 * _MASTER} (RFC 5246, 8.1): it was cut, and the rest cannot be guessed")
                else:
                    if session:
                        self.by_session[session] = master
                    self.masters.append(master)
                    return
        raise KeysError(refusal or f"{name}: neither a key log nor the output of s_client: no line names a secret")

    def add_rsa(self, data: bytes, name: str) -> None:
        """Take a server's RSA key, PEM or DER. Raises KeysError."""
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key
        try:
            load = load_pem_private_key if b"-----BEGIN" in data else load_der_private_key
            key = load(data, None, unsafe_skip_rsa_key_validation=True)
        except TypeError:
            raise KeysError(f"{name}: the key is encrypted: decrypt it first (openssl pkey -in FILE -out PLAIN)") from None
        except Exception as error:  # of many kinds, all of which mean: not a key
            raise KeysError(f"{name}: no private key could be read: {str(error).splitlines()[0][:100]}") from None
        if not isinstance(key, RSAPrivateKey):
            raise KeysError(f"{name}: not an RSA key; the keys of other servers decrypt nothing, their sessions have secrets of "
                            "their own (RFC 8446, 2): a key log is needed")
        self.rsa.append(key)


def open_keys(paths: str | PathLike[str] | Iterable[str | PathLike[str]]) -> Keys:
    """Key logs, outputs of `s_client` and RSA keys, told by what is in them. Raises KeysError."""
    keys = Keys()
    for path in [paths] if isinstance(paths, str | PathLike) else paths:
        name = fspath(path)
        data = _read(name)
        if (b"-----BEGIN" in data[:4096] and b"PRIVATE KEY-----" in data) or (data[:1] == b"0" and not _is_text(data[:16])):
            keys.add_rsa(data, name)
            continue
        text = data.decode("utf-8", "replace")
        if _is_s_client(text):
            keys.add_s_client(text, name)
        elif not keys.add_log(text, name) and text.strip():
            raise KeysError(f"{name}: neither a key log nor the output of s_client: no line names a secret")
    return keys


def environment_log() -> str | None:
    """The key log that the variable SSLKEYLOGFILE names, as browsers and curl know it; None where there is none."""
    path = environ.get("SSLKEYLOGFILE", "")
    return path if path and Path(path).is_file() else None


def _is_s_client(text: str) -> bool:
    return not any(pattern.search(text) for pattern in (_LINE, _RSA_LINE, _SESSION_LINE)) and _S_CLIENT.search(text) is not None


def _read(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            data = file.read(_MOST_LOG + 1)
    except OSError as error:
        raise KeysError(f"{path}: cannot be read: {error.strerror or error}") from None
    if len(data) > _MOST_LOG:
        raise KeysError(f"{path}: longer than {_MOST_LOG >> 20} MiB: no key log is")
    return data


def _lines(text: str) -> Iterator[str]:
    """Lines, whatever ends them."""
    yield from text.replace("\r", "\n").split("\n")[:_MOST_LINES]


def _is_text(data: bytes) -> bool:
    return all(byte in b"\t\r\n" or 0x20 <= byte < 0x7F for byte in data)


def _hex(text: str) -> bytes | None:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None
