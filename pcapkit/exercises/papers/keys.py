"""Answer keys: as JSON, and sealed with a passphrase (scrypt, RFC 7914; AES-256 in GCM, SP 800-38D)."""

from __future__ import annotations

import base64
import json
import re
import secrets
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from pcapkit.errors import ExerciseError
from pcapkit.exercises.papers.questions import Kind, Proof, Question

SUFFIX, OPEN_SUFFIX = ".key", ".key.json"
_MAGIC = "pcapkit sealed answer key 1\n"
_SALT, _NONCE = 16, 12
_MOST = 4 << 20

_STUDENT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._@+-]{0,62}[A-Za-z0-9])?")


def is_student(name: object) -> bool:
    """Whether a name is one that files and folders can have on every system."""
    return isinstance(name, str) and _STUDENT.fullmatch(name) is not None


@dataclass
class Key:
    """The answers of one student to one exercise, of the capture with this SHA-256."""

    scenario: str
    title: str
    student: str
    sha256: str
    questions: list[Question]

    @property
    def points(self) -> int:
        """All that can be had."""
        return sum(question.points for question in self.questions)

    def dump(self) -> str:
        """As JSON."""
        return json.dumps({"schema_version": 1, **asdict(self)}, indent=1, ensure_ascii=False,
                          default=lambda kind: kind.value) + "\n"

    @classmethod
    def load(cls, text: str, name: str) -> Key:
        """From JSON. Raises ExerciseError where it is no key."""
        try:
            fields: dict[str, Any] = json.loads(text)
            questions = [Question(**{**q, "kind": Kind(q["kind"]), "proof": Proof(**q["proof"])}) for q in fields["questions"]]
            if not is_student(fields["student"]):
                raise ValueError("a name that is none")
            return cls(fields["scenario"], fields["title"], fields["student"], fields["sha256"], questions)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise ExerciseError(f"{name}: is no answer key of pcapkit exercise") from None


class Seal:
    """Seals and opens keys with a passphrase. Keys sealed by one have one salt, so that deriving is done once."""

    def __init__(self, passphrase: str) -> None:
        self._passphrase = passphrase.encode()
        self._salt = secrets.token_bytes(_SALT)
        self._derive = cache(self._derived)

    def _derived(self, salt: bytes) -> AESGCM:
        return AESGCM(Scrypt(salt, 32, 2 ** 15, 8, 1).derive(self._passphrase))

    def close(self, key: Key) -> str:
        """A key as text that tells nothing. The nonce is random: equal keys do not look equal."""
        nonce = secrets.token_bytes(_NONCE)
        sealed = self._derive(self._salt).encrypt(nonce, key.dump().encode(), _MAGIC.encode())
        return _MAGIC + base64.encodebytes(self._salt + nonce + sealed).decode()

    def open(self, text: str, name: str) -> Key:
        """A sealed key. Raises ExerciseError where the passphrase is another one, or the text was changed."""
        try:
            data = base64.b64decode(text.removeprefix(_MAGIC))
            plain = self._derive(data[:_SALT]).decrypt(data[_SALT:_SALT + _NONCE], data[_SALT + _NONCE:], _MAGIC.encode())
        except (ValueError, InvalidTag):
            raise ExerciseError(f"{name}: cannot be opened: the passphrase is another one, or the file was changed") from None
        return Key.load(plain.decode(), name)


def read_key(path: Path, seal: Seal | None) -> Key:
    """A key from its file, sealed or open. Raises ExerciseError where it cannot be read, or a passphrase is needed."""
    try:
        with path.open("rb") as file:
            data = file.read(_MOST + 1)
    except OSError as error:
        raise ExerciseError(f"{path}: cannot be read: {error.strerror or error}") from None
    text = data.decode("utf-8", "replace")
    if not is_sealed(text):
        return Key.load(text, str(path))
    if seal is None:
        raise ExerciseError(f"{path}: is sealed; give the passphrase")
    return seal.open(text, str(path))


def is_sealed(text: str) -> bool:
    """Whether a passphrase is needed."""
    return text.startswith(_MAGIC)
