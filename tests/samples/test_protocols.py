"""The smaller protocols' samples, recorded or made: the logins, the verdicts, and what tshark makes of the same captures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from said import rows, shown_by_tshark, shown_in_fields

SAMPLES = Path(__file__).parents[2] / "samples"
MYSQL = ("2842535b4e55422c51334d663e3e5d39452f5955:24a88327056771a237ebc60d216012cb4d7daa4a",
         "6b434c3359473824487c5b3431365c4f55407c70:87ea946bf8faf2c7ca010538c386852abcf578d3",
         "da8286440edf874b0278b1a1c1666e91205d545e942840cd5e161a240b024dbd:"
         "7bf2f46dd46e478709cccfeabc4c965b3e3ba253fcf0b6da3ca9e2636984f41a60f05808fbfd3e9f614046119f0d873350bced327b33c1941509c5a4fc30e501")
"""Salt and answer."""
VNC = ("ba8cae880c2ff291b72e09c884c693dc:df15d675c9a2d6ee3ad4da8dff224a0b",
       "04d00f54ce04c2e40b07df0807b6da62:3b271040515f18b7d12259429e826907")
"""Challenge and answer."""
NTLM = ("68cd0ab851e51c96aabc927bebef6a1c", "01010000000000000000000000000000aaaaaaaaaaaaaaaa0000000002000c0044006f006d0061006900"
        "6e0001000c005300650072007600650072000000000000000000")
"""The proof that [MS-NLMP] 4.2.4 works out, and what it is of."""
LOGINS = {
    "sasl/logins.pcap": [
        ("cram-md5", "jan", "5ac1af97451b11c4a4312cc3d0d6ffb6", "challenge-response", "rejected"),
        ("digest-md5", "jan", "b2ec468841031e785156db3c4e833320", "challenge-response", "accepted"),
        ("ntlm", "Domain\\User", "".join(NTLM), "challenge-response", "rejected"),
        ("scram-sha-256", "user", "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", "challenge-response", "accepted"),
        ("otp", "jan", "becdb725ff67836a", "challenge-response", "accepted")],
    "managesieve/sieve.pcap": [("plain", "jan", "battery-staple", "password", "rejected"),
                               ("plain", "jan", "correct-horse", "password", "accepted")],
    "nntp/news.pcap": [("user-pass", "jan", "battery staple", "password", "rejected"),
                       ("user-pass", "jan", "correct horse", "password", "accepted")],
    "mysql/login.pcap": [
        ("mysql_native_password", "jan", MYSQL[0], "challenge-response", "rejected"),
        ("mysql_native_password", "jan", MYSQL[1], "challenge-response", "accepted"),
        ("client_ed25519", "ann", MYSQL[2], "challenge-response", "accepted")],
    "irc/chat.pcap": [("pass", "jan", "wrong-password", "password", "unknown"),
                      ("pass", "jan", "correct-horse", "password", "accepted"),
                      ("oper", "jan", "wrong-word", "password", "rejected"),
                      ("oper", "jan", "battery-staple", "password", "accepted")],
    "xmpp/stream.pcap": [("plain", "jan", "battery-staple", "password", "rejected"),
                         ("plain", "jan", "correct-horse", "password", "accepted")],
    "telnet/login.pcap": [("prompt", "ann", "wrong-word", "password", "rejected"),
                          ("prompt", "ann", "correct-horse", "password", "accepted"),
                          ("prompt", "ann", "correct-horse", "password", "accepted")],
    "rlogin/login.pcap": [("prompt", "ann", "wrong-word", "password", "rejected"),
                          ("prompt", "ann", "correct-horse", "password", "accepted"),
                          ("rhosts", "ann", "", "password", "accepted")],
    "rsh/rsh.pcap": [("rhosts", "ann", "", "password", "accepted"), ("rhosts", "nobody", "", "password", "rejected")],
    "rexec/rexec.pcap": [("user-pass", "ann", "correct-horse", "password", "accepted"),
                         ("user-pass", "ann", "wrong-word", "password", "rejected")],
    "redis/login.pcap": [("auth", "default", "wrong-word", "password", "rejected"),
                         ("auth", "default", "battery-staple", "password", "accepted"),
                         ("auth", "ann", "correct-horse", "password", "accepted"),
                         *[("auth", "ann", "wrong-word", "password", "rejected"),
                           ("auth", "ann", "correct-horse", "password", "accepted")] * 2],
    "mqtt/login.pcap": [("connect", "ann", "correct-horse", "password", "accepted"),
                        *[("connect", "ann", "wrong-word", "password", "rejected"),
                          ("connect", "ann", "correct-horse", "password", "accepted")] * 2],
    "socks/five.pcap": [("user-pass", "ann", "wrong-word", "password", "rejected"),
                        ("user-pass", "ann", "correct-horse", "password", "accepted"),
                        ("basic", "jan", "sesame", "password", "accepted")],
    "socks/four.pcap": [("userid", "ann", "", "password", "accepted"), ("basic", "jan", "sesame", "password", "accepted")],
    "rfb/login.pcap": [("vnc", "", VNC[0], "challenge-response", "rejected"),
                       ("vnc", "", VNC[1], "challenge-response", "accepted"),
                       ("plain", "ann", "correct-horse", "password", "accepted")],
    "tds/login.pcap": [("login7", "ann", "wrong-word", "password", "rejected"),
                       ("login7", "ann", "correct-horse", "password", "accepted"),
                       ("login", "ann", "wrong-word", "password", "rejected"),
                       ("login", "ann", "correct-horse", "password", "accepted")],
}
CRACKED = {
    "sasl/logins.pcap": [
        (10200, "$cram_md5$PDIwMjYwMTE1LjA5MzAwMEBtYWlsLmV4YW1wbGUuY29tPg==$amFuIDVhYzFhZjk3NDUxYjExYzRhNDMxMmNjM2QwZDZmZmI2",
         "<20260115.093000@mail.example.com>#5ac1af97451b11c4a4312cc3d0d6ffb6"),
        (None, "", "$DIGEST-MD5$jan$example.com$T0E2TUc5dEVRR20yaGg$smtp/mail.example.com$T0E2TUhYaDZWcVRyUms$00000001$auth$"
                   "b2ec468841031e785156db3c4e833320"),
        (5600, *[f"User::Domain:0123456789abcdef:{':'.join(NTLM)}"] * 2), (None, "", ""),
        (None, "", "md5 0097 ke1234 becdb725ff67836a")],
}
"""What hashcat and john read. They were given these lines, and found the passwords that the sample's README names."""
VERDICTS = {
    "sasl/logins.pcap": ["not-offered", "not-offered", "undetermined"],
    "managesieve/sieve.pcap": ["offered-unused", "established"],
    "nntp/news.pcap": ["offered-unused", "established"],
    "irc/chat.pcap": ["offered-unused", "offered-unused", "established"],
    "xmpp/stream.pcap": ["offered-unused", "established"],
    "mysql/login.pcap": ["offered-unused", "offered-unused", "offered-unused", "established"],
    "tds/login.pcap": ["not-offered", "not-offered", "established", "established"],
}
TLS = {
    "managesieve/sieve.pcap": "tls.handshake.type == 1",
    "nntp/news.pcap": "tls.handshake.type == 1",
    "xmpp/stream.pcap": "tls.handshake.type == 1",
    "mysql/login.pcap": "tls.handshake.type == 1",
    "tds/login.pcap": "tls.handshake.type == 1",
}
"""What tshark, told nothing, shows of the switch: the ClientHello behind it, where it knows how the protocol switches."""
FIELDS = {
    "mqtt/login.pcap": ("mqtt.username", "mqtt.passwd"),
    "tds/login.pcap": ("tds.7login.username", "tds.7login.password"),
    "rsh/rsh.pcap": ("rsh.server_username", ""),
    "rexec/rexec.pcap": ("exec.username", "exec.password"),
    "socks/five.pcap": ("socks.username", "socks.password"),
}
"""How tshark calls a name and its password, where it shows them."""


@pytest.mark.parametrize("name", LOGINS)
def test_logins(name: str) -> None:
    found = rows(SAMPLES / name, show_secrets=True)["credentials"]
    assert [(r["mechanism"], r["username"], r["secret"], r["secret_kind"], r["outcome"]) for r in found] == LOGINS[name]


@pytest.mark.parametrize("name", LOGINS)
def test_without_leave_no_secret_is_shown(name: str) -> None:
    found = rows(SAMPLES / name)
    assert not any(secret and secret in str(found) for _, _, secret, _, _ in LOGINS[name])


@pytest.mark.parametrize("name", CRACKED)
def test_what_crackers_read(name: str) -> None:
    found = rows(SAMPLES / name, show_secrets=True)["credentials"]
    assert [(r["hashcat_mode"], r["hashcat"], r["john"]) for r in found] == CRACKED[name]
    hidden = str(rows(SAMPLES / name))
    assert not any(line in hidden for _, *lines in CRACKED[name] for line in lines if line)


@pytest.mark.parametrize("name", VERDICTS)
def test_verdicts(name: str) -> None:
    assert [r["verdict"] for r in rows(SAMPLES / name)["encryption"]] == VERDICTS[name]


@pytest.mark.oracle
@pytest.mark.parametrize("name", TLS)
def test_tshark_sees_the_same_handshakes(name: str) -> None:
    path = SAMPLES / name
    assert [r["frame"] for r in rows(path)["tls"]] == shown_by_tshark(path, TLS[name])


@pytest.mark.oracle
@pytest.mark.parametrize("name", FIELDS)
def test_tshark_sees_the_same_logins(name: str) -> None:
    seen = set(shown_in_fields(SAMPLES / name, [field for field in FIELDS[name] if field]))
    protocol = name.partition("/")[0]
    assert seen == {(r["username"], r["secret"])[:len(next(iter(seen)))]
                    for r in rows(SAMPLES / name, show_secrets=True)["credentials"]
                    if r["protocol"] == protocol and r["mechanism"] != "login"}


@pytest.mark.parametrize("name", ["socks/five.pcap", "socks/four.pcap"])
def test_what_goes_through_a_tunnel_is_read(name: str) -> None:
    assert [(r["url"], r["status"]) for r in rows(SAMPLES / name)["http"]] == [("http://127.0.0.1:8080/", 200)]


def test_keys_open_the_tls_inside_of_tds() -> None:
    found = rows(SAMPLES / "tds/login.pcap", keylog=SAMPLES / "tds/login.keylog.txt")["credentials"]
    assert [(r["frame"], r["username"], r["outcome"]) for r in found if r["encrypted"]] == [
        (36, "ann", "unknown"), (52, "ann", "accepted")]


@pytest.mark.parametrize("maker", ["nntp", "rexec", "sasl"])
def test_what_is_made_is_made_the_same_again(tmp_path: Path, maker: str) -> None:
    subprocess.run([sys.executable, "-m", f"samples.{maker}.make", str(tmp_path)], cwd=SAMPLES.parent, check=True)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {
        p.name: p.read_bytes() for p in (SAMPLES / maker).glob("*.pcap")}
