"""Key material as people have it: key logs, RSA keys, what s_client prints; and why something else is of no use."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from pcapkit.errors import KeysError
from pcapkit.keys import Keys, environment_log, open_keys

RANDOM, MASTER = "ab" * 32, "cd" * 48
KEY = rsa.generate_private_key(65537, 2048)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "keys"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_the_lines_of_a_key_log(tmp_path: Path) -> None:
    keys = open_keys(written(tmp_path, f"# a comment\r\n\r\nCLIENT_RANDOM {RANDOM} {MASTER}\r\n"
                             f"SERVER_TRAFFIC_SECRET_0 {RANDOM.upper()} {'ef' * 32}\n"
                             f"RSA {'01' * 8} {MASTER}\nRSA Session-ID:{'02' * 32} Master-Key:{MASTER}"))
    assert keys.by_random == {bytes.fromhex(RANDOM): {
        "CLIENT_RANDOM": bytes.fromhex(MASTER), "SERVER_TRAFFIC_SECRET_0": bytes.fromhex("ef" * 32)}}
    assert keys.premasters == {b"\1" * 8: bytes.fromhex(MASTER)} and keys.by_session == {b"\2" * 32: bytes.fromhex(MASTER)}
    assert keys and not keys.warnings


def test_lines_that_are_damaged_are_told_and_the_others_used(tmp_path: Path) -> None:
    keys = open_keys(written(tmp_path, f"CLIENT_RANDOM {RANDOM} {MASTER[:-1]}\nrubbish\n{RANDOM}\nx\ny\n"
                             f"CLIENT_RANDOM {RANDOM} {MASTER}\n"))
    assert len(keys.by_random) == 1
    assert [w.rpartition("/")[2] for w in keys.warnings] == [
        *(f"keys: line {n} is no line of a key log" for n in (1, 2, 3)), "keys: and 2 more"]
    assert not any(secret in str(keys.warnings) for secret in (MASTER, RANDOM, "rubbish"))


S_CLIENT = """CONNECTED(00000003)
SSL-Session:
    Protocol  : TLSv1.2
    Session-ID: 0A0B
    Session-ID-ctx:
    Master-Key: {}
    PSK identity: None
"""


def test_what_s_client_prints_up_to_tls_1_2(tmp_path: Path) -> None:
    keys = open_keys(written(tmp_path, S_CLIENT.format(MASTER.upper())))
    assert keys.by_session == {b"\n\v": bytes.fromhex(MASTER)} and keys.masters == [bytes.fromhex(MASTER)]
    keys = open_keys(written(tmp_path, S_CLIENT.format(MASTER).replace("Session-ID: 0A0B\n", "")))
    assert not keys.by_session and keys.masters == [bytes.fromhex(MASTER)]


@pytest.mark.parametrize(("text", "words"), [
    (S_CLIENT.format(MASTER[:69]), "69 hexadecimal digits, but a master secret has 96"),
    (f"    Protocol  : TLSv1.3\n    Session-ID: 0A0B\n    Resumption PSK: {MASTER}\n", "opens later sessions"),
    ("hello\nworld\n", "neither a key log nor"), (b"\x89PNG\r\n" + bytes(range(256)), "neither a key log nor"),
    (PEM[:100] + PEM[200:], "no private key could be read"),
    (KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")), "the key is encrypted"),
    (ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), "not an RSA key")])
def test_what_cannot_decrypt_is_refused_with_the_reason(tmp_path: Path, text: str | bytes, words: str) -> None:
    with pytest.raises(KeysError, match=words) as caught:
        open_keys([written(tmp_path, text)])
    assert MASTER[:20] not in str(caught.value)


@pytest.mark.parametrize("data", [PEM, KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()),
                                  KEY.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())])
def test_an_rsa_key_in_any_form(tmp_path: Path, data: bytes) -> None:
    key, = open_keys(written(tmp_path, data)).rsa
    assert key.private_numbers() == KEY.private_numbers()


def test_a_file_that_is_not_there_or_far_too_long(tmp_path: Path) -> None:
    with pytest.raises(KeysError, match="cannot be read: No such file"):
        open_keys(tmp_path / "missing")
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(65 << 20)
    with pytest.raises(KeysError, match="longer than 64 MiB"):
        open_keys(tmp_path / "huge")


def test_secrets_that_a_capture_brings_along() -> None:
    keys = Keys()
    assert keys.add_embedded(0x544C534B, f"CLIENT_RANDOM {RANDOM} {MASTER}\n".encode()) and keys.by_random
    assert not keys.add_embedded(0x57474B4C, b"other") and not Keys().add_embedded(0x544C534B, b"")


def test_a_copy_leaves_the_first_as_it_is() -> None:
    keys = Keys()
    keys.add_log(f"CLIENT_RANDOM {RANDOM} {MASTER}\n", "x")
    copy = keys.copy()
    copy.add_log(f"EXPORTER_SECRET {RANDOM} {MASTER}\nRSA {'01' * 8} {MASTER}\n", "y")
    assert list(keys.by_random.values()) == [{"CLIENT_RANDOM": bytes.fromhex(MASTER)}] and not keys.premasters


def test_the_environment_names_a_key_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSLKEYLOGFILE", raising=False)
    assert environment_log() is None
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "missing"))
    assert environment_log() is None
    monkeypatch.setenv("SSLKEYLOGFILE", str(written(tmp_path, "")))
    assert environment_log() == str(tmp_path / "keys")
