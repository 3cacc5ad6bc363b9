"""What is made of the certificates of real handshakes: verdicts at capture and now, findings, and what is not visible."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from handshakes import Ends, Script
from issued import HOST, authority, key, leaf, root
from said import START, Row, capture, looked_up, shown_by_tshark, talk

from pcapkit.analysis import Options, analyse
from pcapkit.certificates.store import open_store
from pcapkit.keys import open_keys

BEGIN, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)
PAST = {"begin": datetime(2025, 10, 1, tzinfo=UTC), "end": datetime(2026, 1, 1, tzinfo=UTC)}
PUBLIC = "8.8.4.4"
assert START // 10**9 in range(int(BEGIN.timestamp()), int(END.timestamp()))


def server_certificate(**changes: Any) -> x509.Certificate:
    return leaf(**{"begin": BEGIN, "end": END, **changes})


def middle(**changes: Any) -> x509.Certificate:
    return authority("middle", "root", **changes)


@pytest.fixture
def ends(tmp_path: Path) -> Ends:
    made = Ends().only(ssl.TLSVersion.TLSv1_2)
    made.client.check_hostname, made.client.verify_mode = False, ssl.CERT_NONE
    return made


@pytest.fixture(autouse=True)
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is 2027."""
    monkeypatch.setattr("time.time_ns", lambda: int(datetime(2027, 1, 1, tzinfo=UTC).timestamp()) * 10**9)


def use(ends: Ends, folder: Path, *chain: x509.Certificate, owner: str = HOST) -> Ends:
    """Have the server send a chain."""
    (folder / "chain.pem").write_bytes(b"".join(c.public_bytes(Encoding.PEM) for c in chain))
    (folder / "key.pem").write_bytes(key(owner).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    ends.server.load_cert_chain(folder / "chain.pem", folder / "key.pem")
    return ends


def judged(folder: Path, *packets: Any, keys: Any = None) -> dict[str, list[Row]]:
    """The rows where the root is trusted."""
    (folder / "root.pem").write_bytes(root().public_bytes(Encoding.PEM))
    options = Options(trust=open_store(str(folder / "root.pem")), keys=keys)
    found: dict[str, list[Row]] = {}
    for chunk in analyse([str(capture(folder, *packets))], options):
        found.setdefault(chunk.table.name, []).extend(dict(zip(chunk.table.names, r, strict=True)) for r in chunk.rows())
    found["findings"] = [row for row in found.get("findings", []) if row["rule"].startswith("certificate")]
    return found


def said(script: Script, server: str = PUBLIC, port: int = 443, at: int = 0) -> Any:
    return talk(script, port, server, at)


def test_valid_when_captured_expired_now(tmp_path: Path, ends: Ends) -> None:
    """As on the lecture's slide."""
    use(ends, tmp_path, server_certificate(), middle())
    found = judged(tmp_path, *(said(ends.talk(name=HOST), at=at) for at in (0, 5)))
    row, = found["chains"]
    assert (row["host"], row["at_capture"], row["now"]) == (HOST, "valid", "expired")
    assert (row["sessions"], row["certificates"], row["trusted"], row["name_matches"]) == (2, 2, True, True)
    assert row["path"] == ["CN=www.example.org,O=Some", "CN=middle,O=Some", "CN=root,O=Some"]
    assert (row["valid_from"], row["valid_until"]) == tuple(int(d.timestamp()) * 10**9 for d in (BEGIN, END))
    finding, = found["findings"]
    assert (finding["rule"], finding["severity"]) == ("certificate-expired-since", "info")
    assert f"{HOST} ({PUBLIC}:443): valid 2026-01-15, expired 2026-03-01" in finding["message"]
    assert finding["evidence"][0]["frame"] == row["last_frame"]


@pytest.mark.oracle
def test_wireshark_shows_the_evidence(tmp_path: Path, ends: Ends) -> None:
    use(ends, tmp_path, server_certificate(), middle())
    finding, = judged(tmp_path, said(ends.talk(name=HOST)))["findings"]
    assert shown_by_tshark(tmp_path / "said.pcap", finding["display_filter"]) == [finding["evidence"][0]["frame"]]


KINDS: dict[str, tuple[list[Any], str, str, str]] = {
    "expired": ([{**PAST}, {}], "expired", "certificate-expired", "high"),
    "early": ([{"begin": datetime(2026, 2, 1, tzinfo=UTC)}, {}], "not yet valid", "certificate-not-yet-valid", "medium"),
    "name": ([{"hosts": [x509.DNSName("www.example.com")]}, {}], "wrong name", "certificate-wrong-name", "high"),
    "incomplete": ([{}], "issuer missing", "certificate-untrusted", "medium"),
    "self-signed": ([{"by": HOST}], "self-signed", "certificate-untrusted", "medium"),
    "not an authority": ([{}, {"ca": False}], "not allowed", "certificate-misissued", "high"),
    "forged": ([{"signer": "thief", "claimed": "middle"}, {}], "bad signature", "certificate-misissued", "medium"),
    "expired and self-signed": ([{"by": HOST, **PAST}], "expired, self-signed", "certificate-expired certificate-untrusted",
                                "medium medium"),
}


def chain_of(changes: list[Any]) -> list[x509.Certificate]:
    return [server_certificate(**changes[0]), *(middle(**change) for change in changes[1:])]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_found(kind: str, tmp_path: Path, ends: Ends) -> None:
    changes, verdict, rules, severities = KINDS[kind]
    found = judged(tmp_path, said(use(ends, tmp_path, *chain_of(changes)).talk(name=HOST)))
    row, = found["chains"]
    assert row["at_capture"] == verdict
    assert sorted((f["rule"], f["severity"]) for f in found["findings"]) == sorted(
        zip(rules.split(), severities.split(), strict=True))
    assert all("the client went on with it" in f["message"] for f in found["findings"])


def test_of_a_private_server_it_is_one_small_finding(tmp_path: Path, ends: Ends) -> None:
    use(ends, tmp_path, server_certificate(by=HOST, hosts=[x509.DNSName("other.example.org")], **PAST))
    found = judged(tmp_path, said(ends.talk(name=HOST), "192.168.1.2"))
    finding, = found["findings"]
    assert (finding["rule"], finding["severity"]) == ("certificate-untrusted", "info")
    assert "own key" in finding["message"] and "2026-01-01" in finding["message"] and "other.example.org" in finding["message"]


def test_a_mail_server_is_not_expected_to_be_trusted(tmp_path: Path, ends: Ends) -> None:
    use(ends, tmp_path, server_certificate(by=HOST))
    found = judged(tmp_path, said(ends.talk(name=HOST), port=25))
    assert [(f["rule"], f["severity"]) for f in found["findings"]] == [("certificate-untrusted", "low")]


def test_a_client_that_does_not_go_on(tmp_path: Path) -> None:
    ends = use(Ends().only(ssl.TLSVersion.TLSv1_2), tmp_path, server_certificate(by=HOST))
    finding, = judged(tmp_path, said(ends.talk(name=HOST)))["findings"]
    assert finding["severity"] == "low" and "alert from the client: unknown_ca" in finding["message"]


def test_names_are_looked_up_where_none_is_asked_for(tmp_path: Path, ends: Ends) -> None:
    use(ends, tmp_path, server_certificate(), middle())
    for name, matches, verdict in ((HOST, True, "valid"), ("mx.example.com", False, "wrong name")):
        query = looked_up(name, "A", PUBLIC)
        found = judged(tmp_path, query, said(ends.talk(name=None), at=2))
        row, = found["chains"]
        assert (row["host"], row["name_matches"], row["at_capture"]) == (name, matches, verdict)
        if not matches:
            finding, = found["findings"]
            assert (finding["severity"], finding["confidence"]) == ("low", "possible")
    row, = judged(tmp_path, said(ends.talk(name=None)))["chains"]
    assert (row["host"], row["name_matches"], row["at_capture"]) == (None, None, "valid")


def test_encrypted_certificates_are_no_missing_ones(tmp_path: Path, ends: Ends) -> None:
    use(ends, tmp_path, server_certificate(**PAST), middle()).only(ssl.TLSVersion.TLSv1_3)
    ends.client.keylog_filename = str(tmp_path / "keys")
    script = ends.talk(name=HOST)
    found = judged(tmp_path, said(script))
    assert "chains" not in found and not found["findings"]
    found = judged(tmp_path, said(script), keys=open_keys(str(tmp_path / "keys")))
    row, = found["chains"]
    assert (row["encrypted"], row["at_capture"]) == (True, "expired")


def test_one_key_for_two_names(tmp_path: Path, ends: Ends) -> None:
    first = use(ends, tmp_path, server_certificate(), middle()).talk(name=HOST)
    other = server_certificate(name="b", key=HOST, hosts=[x509.DNSName("b.example.org")])
    second = use(ends, tmp_path, other, middle()).talk(name="b.example.org")
    rows = judged(tmp_path, said(first), said(second, at=3))["chains"]
    assert [any("same key" in defect for defect in row["defects"]) for row in rows] == [True, True]
    renewed = use(ends, tmp_path, server_certificate(serial=99), middle()).talk(name=HOST)
    rows = judged(tmp_path, said(first), said(renewed, at=3))["chains"]
    assert len(rows) == 2 and not any("same key" in defect for row in rows for defect in row["defects"])


def test_of_a_client_nothing_is_judged(tmp_path: Path, ends: Ends) -> None:
    """Its certificate is shown, not compared with the name of the server."""
    use(ends, tmp_path, server_certificate(), middle())
    ends.server.verify_mode = ssl.CERT_OPTIONAL
    ends.authority.configure_trust(ends.server)
    ends.authority.issue_cert("client.example.org").configure_cert(ends.client)
    found = judged(tmp_path, said(ends.talk(name=HOST)))
    assert len(found["certificates"]) > 2 and [row["at_capture"] for row in found["chains"]] == ["valid"]


@pytest.mark.parametrize(("year", "rule", "severity"), [
    (2027, "certificate-untrusted", "medium"), (2028, "certificate-root-gone", "info")])
def test_of_an_old_capture_the_root_may_have_left_the_store_since(
        year: int, rule: str, severity: str, tmp_path: Path, ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time_ns", lambda: int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * 10**9)
    use(ends, tmp_path, server_certificate(), authority("middle", "elsewhere"))
    found = judged(tmp_path, *(said(ends.talk(name=HOST), f"8.8.4.{n}", at=5 * n) for n in range(2)))
    assert {(f["rule"], f["severity"]) for f in found["findings"]} == {(rule, severity)}
    assert len(found["findings"]) == (1 if severity == "info" else 2)
    assert {row["at_capture"] for row in found["chains"]} == {"issuer missing"}
