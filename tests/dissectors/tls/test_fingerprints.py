"""JA3, JA3S and JA4 of hellos put together by hand, and what tshark says of real ones."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import md5, sha256
from pathlib import Path

import pytest
from handshakes import HANDSHAKE, Ends, Script, client_hello, listed, record, server_hello, vector

from pcapkit.analysis import Options, analyse
from pcapkit.dissectors.tls import TLS, TlsHandshake
from pcapkit.schema import TLS as TABLE
from pcapkit.testing import play
from samples.pcap import pcap
from samples.talk import LINUX, MILLISECOND, SECOND, Connection, End, Vantage
from samples.wire import mac

Extensions = Iterable[tuple[int, bytes]]

NAME = (0, vector(2, b"\0" + vector(2, b"example.org")))
NOTHING = "0" * 12


def seen(*hellos: bytes) -> TlsHandshake:
    """The row of hellos, the client's first."""
    found, = play(TLS, [(side, record(HANDSHAKE, hello)) for side, hello in enumerate(hellos)]).of(TlsHandshake)
    assert isinstance(found, TlsHandshake)
    return found


def alpn(*names: bytes) -> tuple[int, bytes]:
    return 16, vector(2, b"".join(vector(1, name) for name in names))


def versions(*numbers: int) -> tuple[int, bytes]:
    return 43, vector(1, listed(*numbers)[2:])


def ja3(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()


# JA3: the first two are the examples of its authors, whose MD5 they give

def test_ja3_is_version_suites_extensions_groups_and_point_formats() -> None:
    ciphers = [47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4]
    extensions = [NAME, (10, listed(23, 24, 25)), (11, b"\1\0")]
    assert seen(client_hello(0x0301, ciphers, extensions)).ja3 == "ada70206e40642a3e4461f35503241d5"


def test_ja3_of_a_hello_without_extensions() -> None:
    assert seen(client_hello(0x0301, [4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99], [])).ja3 == "de350869b8c85de67a350c8d186f11e6"


def test_ja3_leaves_placeholders_out() -> None:
    """RFC 8701."""
    hello = client_hello(0x0303, [0x0A0A, 0x1301, 0xC02F], [
        (0x1A1A, b""), NAME, (10, listed(0xFAFA, 29, 23)), (11, b"\1\0"), versions(0x2A2A, 0x0304, 0x0303), (0xDADA, b"\0")])
    assert seen(hello).ja3 == ja3("771,4865-49199,0-10-11-43,29-23,0")


def test_what_only_looks_like_a_placeholder_stays() -> None:
    hello = client_hello(0x0303, [0x0A1A, 0x0A0B, 0x1A0A], [])
    assert seen(hello).ja3 == ja3("771,2586-2571-6666,,,")


def test_ja3_keeps_the_order_and_its_own_version() -> None:
    """The version is that of the hello, not of the record or of supported_versions."""
    one, two = (seen(client_hello(0x0303, ciphers, [versions(0x0304)])).ja3 for ciphers in ([1, 2], [2, 1]))
    assert (one, two) == (ja3("771,1-2,43,,"), ja3("771,2-1,43,,"))


def test_ja3s_is_version_suite_and_extensions() -> None:
    offer = client_hello(0x0303, [0x1302], [])
    answer = server_hello(0x0303, 0x1302, [(43, b"\3\4"), (51, b"\0\x1d" + vector(2, bytes(32)))])
    assert seen(offer, answer).ja3s == ja3("771,4866,43-51")
    assert seen(offer, server_hello(0x0301, 47, [])).ja3s == ja3("769,47,")


# JA4: the example is that of its authors' specification

EXAMPLE_CIPHERS = [0x0A0A, *(int(c, 16) for c in (
    "1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035").split(","))]
EXAMPLE: list[tuple[int, bytes]] = [
    (0x1A1A, b""), (0x001B, b""), NAME, (0x0033, b""), alpn(b"h2", b"http/1.1"), (0x4469, b""), (0x0017, b""),
    (0x002D, b""), (0x000D, listed(0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601)), (0x0005, b""),
    (0x0023, b""), (0x0012, b""), versions(0x2A2A, 0x0304, 0x0303), (0xFF01, b""), (0x000B, b"\1\0"), (0x000A, listed(29)),
    (0x0015, b""), (0x3A3A, b"\0")]


def test_ja4_of_the_specification_s_example() -> None:
    assert seen(client_hello(0x0303, EXAMPLE_CIPHERS, EXAMPLE)).ja4 == "t13d1516h2_8daaf6152771_e5627efa2ab1"


def test_ja4_does_not_depend_on_the_order_of_suites_and_extensions_but_on_that_of_signatures() -> None:
    turned = client_hello(0x0303, EXAMPLE_CIPHERS[::-1], EXAMPLE[::-1])
    assert seen(turned).ja4 == "t13d1516h2_8daaf6152771_e5627efa2ab1"
    weakest_first = [(13, listed(0x0601, 0x0403)) if kind == 13 else (kind, body) for kind, body in EXAMPLE]
    assert seen(client_hello(0x0303, EXAMPLE_CIPHERS, weakest_first)).ja4 != seen(turned).ja4


@pytest.mark.parametrize(("version", "extensions", "head"), [
    (0x0300, [], "ts3i010000"), (0x0301, [], "t10i010000"), (0x0302, [], "t11i010000"), (0x0303, [], "t12i010000"),
    (0x0303, [versions(0x0304)], "t13i010100"), (0x0303, [NAME], "t12d010100"), (0x9999, [], "t00i010000"),
    (0x0303, [alpn(b"http/1.1")], "t12i0101h1"), (0x0303, [alpn(b"h")], "t12i0101hh"), (0x0303, [alpn()], "t12i010100"),
    (0x0303, [alpn(b"\xab")], "t12i0101ab"), (0x0303, [alpn(b"\xab\xcd")], "t12i0101ad"),
    (0x0303, [alpn(b"0\xab")], "t12i01013b"), (0x0303, [alpn(b"01\xab\xcd")], "t12i01013d"),
    (0x0303, [alpn(b"0\xab\xcd1")], "t12i010101"),
], ids=str)
def test_the_head_of_ja4(version: int, extensions: Extensions, head: str) -> None:
    found = seen(client_hello(version, [0x002F], extensions)).ja4
    assert found is not None and found.partition("_")[0] == head


def test_ja4_counts_to_99_and_has_zeros_for_empty_lists() -> None:
    many = [(kind, b"") for kind in range(100, 250)]
    assert (seen(client_hello(0x0303, range(1, 151), many)).ja4 or "").startswith("t12i999900_")
    assert seen(client_hello(0x0303, [0x0A0A], [])).ja4 == f"t12i000000_{NOTHING}_{NOTHING}"
    neither_counted = client_hello(0x0303, [0x002F], [NAME, alpn(b"h2")])
    assert (seen(neither_counted).ja4 or "").endswith(f"h2_{sha256(b'002f').hexdigest()[:12]}_{NOTHING}")


# The same hellos as tshark sees them


@dataclass(frozen=True)
class Told:
    """What is told of a handshake."""

    sni: str | None
    offered: str | None
    chosen: str | None
    cipher: str
    version: str
    ja3: str
    ja3s: str


FIELDS = ("tls.handshake.extensions_server_name", "tls.handshake.extensions_alpn_str", "tls.handshake.ciphersuite",
          "tls.handshake.version", "tls.handshake.extensions.supported_version", "tls.handshake.ja3", "tls.handshake.ja3s")


def capture(script: Script, path: Path) -> Path:
    """A capture of a connection in which `script` is said."""
    connection = Connection(End(50001, LINUX, 1000), End(443, LINUX, 2000), start=1_700_000_000 * SECOND, latency=MILLISECOND)
    connection.open()
    for side, data in script:
        connection.say(side, data, pause=50)
    connection.close(0)
    addresses = "192.0.2.1", "198.51.100.1"
    place = Vantage(addresses, (mac(addresses[0]), mac(addresses[1])), (0, 0))
    path.write_bytes(pcap(place.packets(connection)))
    return path


def by_tshark(path: Path) -> Told:
    def hello(kind: int) -> dict[str, list[str]]:
        command = ["tshark", "-r", path, "-Y", f"tls.handshake.type == {kind}", "-T", "fields", "-E", "aggregator=,",
                   *(part for name in FIELDS for part in ("-e", name))]
        first = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n")[0]
        return {name: value.split(",") if value else [] for name, value in zip(FIELDS, first.split("\t"), strict=True)}

    client, server = hello(1), hello(2)
    version = server["tls.handshake.extensions.supported_version"] or server["tls.handshake.version"]
    return Told(
        sni=next(iter(client["tls.handshake.extensions_server_name"]), None),
        offered=",".join(client["tls.handshake.extensions_alpn_str"]) or None,
        chosen=",".join(server["tls.handshake.extensions_alpn_str"]) or None,
        cipher=f"0x{int(server['tls.handshake.ciphersuite'][0], 0):04x}",
        version={0x0301: "TLS 1.0", 0x0302: "TLS 1.1", 0x0303: "TLS 1.2", 0x0304: "TLS 1.3"}[int(version[0], 0)],
        ja3=client["tls.handshake.ja3"][0], ja3s=server["tls.handshake.ja3s"][0])


def by_us(path: Path) -> dict[str, object]:
    rows = [dict(zip(TABLE.names, values, strict=True))
            for chunk in analyse([path], Options()) if chunk.table is TABLE for values in chunk.rows()]
    found, = rows
    return found


def plain(ends: Ends) -> Script:
    return ends.talk()


def with_protocols(ends: Ends) -> Script:
    ends.client.set_alpn_protocols(["h2", "http/1.1"])
    ends.server.set_alpn_protocols(["http/1.1"])
    return ends.talk()


def taken_up(ends: Ends) -> Script:
    ends.talk()
    return ends.talk(ends.session)


@pytest.mark.oracle
@pytest.mark.parametrize("say", [plain, with_protocols, taken_up])
@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1", "TLSv1_2", "TLSv1_3"])
def test_tshark_agrees(ends: Ends, tmp_path: Path, version: str, say: Callable[[Ends], Script]) -> None:
    script = say(ends.only(ssl.TLSVersion[version]))
    if ends.session is None:
        pytest.skip(f"{ssl.OPENSSL_VERSION} refuses {version}")
    path = capture(script, tmp_path / "tls.pcap")
    told, ours = by_tshark(path), by_us(path)
    assert (ours["sni"], ours["alpn"]) == (told.sni, told.chosen or told.offered)
    assert (ours["version"], ours["cipher_id"]) == (told.version, told.cipher)
    assert (ours["ja3"], ours["ja3s"]) == (told.ja3, told.ja3s)


@pytest.mark.oracle
def test_tshark_agrees_on_placeholders(tmp_path: Path) -> None:
    script = [(0, record(HANDSHAKE, client_hello(0x0303, EXAMPLE_CIPHERS, EXAMPLE))),
              (1, record(HANDSHAKE, server_hello(0x0303, 0xC02F, [(0, b""), alpn(b"h2")])))]
    path = capture(script, tmp_path / "tls.pcap")
    told, ours = by_tshark(path), by_us(path)
    assert (ours["ja3"], ours["ja3s"], ours["alpn"]) == (told.ja3, told.ja3s, "h2")
