"""The recorded sessions of TLS: what they are by the programs that spoke, what tshark makes of them with the same keys, what
openssl says of their certificates.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from said import rows

from pcapkit.analysis import FileAnalysis, Options, Reporters, analyse
from pcapkit.certificates.store import open_store
from pcapkit.cli.certificates import pem
from pcapkit.connections import Listener
from pcapkit.handshakes import handshakes
from pcapkit.keys import open_keys
from pcapkit.readers import open_capture
from pcapkit.reporters.tlsweaknesses.rules import RULES
from pcapkit.secrets import Masker
from pcapkit.streams import Side, Stretch

SAMPLES = Path(__file__).parents[2] / "samples" / "tls"
EXPECTED: dict[str, dict[str, dict[str, Any]]] = json.loads((SAMPLES / "expected.json").read_text())
CAPTURES = list(EXPECTED)
CASES = [(capture, name) for capture, cases in EXPECTED.items() for name in cases]
RSA_KEY = SAMPLES / "rsa.key.pem"
FIELDS = ("tcp.stream", "tls.handshake.type", "tls.handshake.ja3", "tls.handshake.ja3s", "tls.handshake.ciphersuite",
          "tls.handshake.extensions_server_name", "tls.handshake.version", "tls.handshake.extensions.supported_version")
SAID = dict[int, tuple[bytes, bytes]]
AS_TLS = "-d", "tcp.port==24800,tls"
"""What tshark takes for the port of Synergy is TLS here."""
PORTS = frozenset(facts["port"] for cases in EXPECTED.values() for facts in cases.values())


def capture(name: str) -> Path:
    return SAMPLES / f"{name}.pcap"


@cache
def shown(name: str) -> dict[str, list[dict[str, Any]]]:
    """All rows of a capture, opened by its key log."""
    return rows(capture(name), keylog=SAMPLES / f"{name}.keylog.txt")


def of_case(name: str, case: str, table: str = "tls") -> list[dict[str, Any]]:
    return [row for row in shown(name).get(table, []) if row["server_port"] == EXPECTED[name][case]["port"]]


def test_they_are_small() -> None:
    sizes = {path.stem: path.stat().st_size for path in SAMPLES.glob("*.pcap")}
    assert sizes.keys() == set(CAPTURES) and max(sizes.values()) < 100_000
    assert sum(path.stat().st_size for path in SAMPLES.iterdir()) < 1_000_000


@pytest.mark.parametrize(("name", "case"), CASES)
def test_what_a_session_is(name: str, case: str) -> None:
    wanted = EXPECTED[name][case]
    found = of_case(name, case)
    assert found
    if wanted["version"] is not None:
        assert found[-1]["version"] == wanted["version"]
    if wanted["cipher"] is not None:
        assert {row["cipher"] for row in found} == {wanted["cipher"]}
    if "decrypted" not in wanted.get("truth", {}):
        assert {row["decrypted"] for row in found} == {wanted["opened"]}
    for column, value in wanted.get("truth", {}).items():
        told = [row[column] for row in found]
        assert (told if isinstance(value, list) else told[-1]) == value


@pytest.mark.parametrize("name", CAPTURES)
def test_nothing_is_odd_about_what_real_programs_say(name: str) -> None:
    odd = [row["rule"] for row in shown(name).get("anomalies", [])]
    assert odd == ["tls-heartbeat-overread"] * (name == "attacks")


# The rules


@pytest.mark.parametrize(("name", "case", "rule"), [
    (name, case, rule) for name, case in CASES for rule in EXPECTED[name][case]["fires"]])
def test_a_sample_fires_its_rule(name: str, case: str, rule: str) -> None:
    finding, = [row for row in of_case(name, case, "findings") if row["rule"] == rule]
    assert (finding["rfc"], finding["remedy"]) == (RULES[rule].rfc, RULES[rule].remedy)


@pytest.mark.parametrize(("name", "case", "rule"), [
    (name, case, rule) for name, case in CASES for rule in EXPECTED[name][case]["close"]])
def test_a_sample_that_comes_close_does_not(name: str, case: str, rule: str) -> None:
    assert rule not in [row["rule"] for row in of_case(name, case, "findings")]


def test_the_table_of_rules_is_that_of_the_samples() -> None:
    """Each rule has a line that names what fires it and what comes close; those without a recording say where they are tested."""
    table = {line.split("`")[1]: line for line in (SAMPLES / "README.md").read_text().splitlines() if line.startswith("| `tls-")}
    assert table.keys() == RULES.keys()
    for name, case in CASES:
        for kind in ("fires", "close"):
            for rule in EXPECTED[name][case][kind]:
                assert f"{name} {EXPECTED[name][case]['port']}" in table[rule], (rule, name, case)


# tshark as the judge of decryption


def inside(path: Path, *keys: Path) -> SAID:
    """What both sides of each TCP stream said inside of TLS, by stream."""
    said: dict[int, tuple[bytearray, bytearray]] = defaultdict(lambda: (bytearray(), bytearray()))
    options = Options(keys=open_keys(list(keys)))
    with open_capture(path, options.limits) as opened:
        analysis = FileAnalysis(opened, options, Reporters(), Masker(True))
        connections = analysis.connections

        def listen(flow: int, _: Side) -> Listener:
            def hear(side: Side, what: Stretch | int) -> None:
                if not isinstance(what, int):
                    said[int(connections.flows.stream[flow])][side.role].extend(what.data())
            return hear
        connections.listen_inside = listen
        for _ in analysis.chunks():
            pass
    return {stream: (bytes(client), bytes(server)) for stream, (client, server) in said.items()}


def followed(path: Path, *options: str) -> SAID:
    """The same by tshark."""
    streams = 1 + max(int(line) for line in subprocess.run(
        ["tshark", "-n", "-r", path, "-T", "fields", "-e", "tcp.stream"], capture_output=True, text=True, check=True,
        timeout=60).stdout.split())
    words = [word for i in range(streams) for word in ("-z", f"follow,tls,raw,{i}")]
    done = subprocess.run(["tshark", "-n", "-r", path, "-q", *AS_TLS, *options, *words], capture_output=True, text=True,
                          check=True, timeout=60)
    said: SAID = {}
    for part in re.split(r"^Follow: tls,raw$", done.stdout, flags=re.MULTILINE)[1:]:
        stream = int(part.split("tcp.stream eq ")[1].split()[0])
        sides = bytearray(), bytearray()
        for tab, digits in re.findall(r"^(\t?)([0-9a-f]+)$", part, re.MULTILINE):
            sides[bool(tab)].extend(bytes.fromhex(digits))
        first = re.search(r"Node 0: .*:(\d+)$", part, re.MULTILINE)
        if first is not None and any(sides):
            by_server = int(first[1]) in PORTS
            said[stream] = (bytes(sides[by_server]), bytes(sides[not by_server]))
    return said


@pytest.mark.oracle
@pytest.mark.parametrize("name", CAPTURES)
def test_tshark_opens_the_same_with_the_same_keys(name: str) -> None:
    """Byte for byte, both sides of every session."""
    log = SAMPLES / f"{name}.keylog.txt"
    ours = inside(capture(name), log)
    theirs = followed(capture(name), "-o", f"tls.keylog_file:{log}")
    assert ours == theirs
    assert ours.keys() == {row["stream"] for row in shown(name)["tls"] if row["decrypted"]}


@pytest.mark.oracle
@pytest.mark.parametrize("name", ["suites", "stacks", "old"])
def test_the_server_s_key_opens_the_same_as_for_tshark(name: str) -> None:
    """RSA key exchange alone (RFC 9325, 4.1 says why not to use it)."""
    ours = inside(capture(name), RSA_KEY)
    theirs = followed(capture(name), "-o", f'uat:rsa_keys:"{RSA_KEY}",""')
    without = {row["stream"] for row in shown(name)["tls"] if "NULL" in (row["cipher"] or "")}
    assert ours and ours == {stream: said for stream, said in theirs.items() if stream in ours}
    assert theirs.keys() - ours.keys() <= without  # what is not encrypted tshark shows without a key


# tshark as the judge of hellos


@pytest.mark.oracle
@pytest.mark.parametrize("name", CAPTURES)
def test_tshark_reads_the_same_hellos(name: str) -> None:
    """In the clear, stream by stream: fingerprints, the suite, the name asked for."""
    words = [word for field in FIELDS for word in ("-e", field)]
    done = subprocess.run(["tshark", "-n", *AS_TLS, "-r", capture(name), "-Y", "tls.handshake.type in {1,2}", "-T", "fields",
                           "-E", "occurrence=f", *words], capture_output=True, text=True, check=True, timeout=60)
    asked: dict[int, list[tuple[str, str]]] = defaultdict(list)
    chosen: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for line in done.stdout.splitlines():
        stream, kind, ja3, ja3s, suite, sni, *_ = line.split("\t")
        if kind == "1":
            asked[int(stream)].append((ja3, sni))
        else:
            chosen[int(stream)].append((ja3s, f"0x{int(suite, 0):04x}"))
    seen = 0
    for row in rows(capture(name))["tls"]:
        stream = row["stream"]
        if stream in asked:
            assert (row["ja3"], row["sni"] or "") == asked[stream][0]
            seen += 1
        if stream in chosen:
            assert (row["ja3s"], row["cipher_id"].lower()) == chosen[stream][-1]
    assert seen


# openssl as the judge of chains

FAULTS = {"expired": 10, "not-yet-valid": 9, "wrong-name": 62, "missing-intermediate": 20, "self-signed": 18, "unknown-root": 19,
          "sha1": 68, "weak-key": 66}
"""Chain -> the error that openssl verify has for it."""
WORDS = {"expired": "expired", "not-yet-valid": "not yet valid", "wrong-name": "wrong name",
         "missing-intermediate": "issuer missing", "self-signed": "self-signed", "unknown-root": "unknown root", "sha1": "weak",
         "weak-key": "weak"}


@cache
def sent() -> dict[int, tuple[list[bytes], int]]:
    """Port -> the chain that its server sent, and when, in seconds since the epoch."""
    return {one.flow.server_port: ([seen.der for seen in one.chain], one.row.span.time_ns // 10**9)
            for one in handshakes(capture("chains")) if one.flow.server_port is not None}


def chain_rows() -> dict[int, dict[str, Any]]:
    found = {}
    for chunk in analyse([capture("chains")], Options(trust=open_store(str(SAMPLES / "root.pem")))):
        if chunk.table.name == "chains":
            for values in chunk.rows():
                row = dict(zip(chunk.table.names, values, strict=True))
                found[row["server_port"]] = row
    return found


def test_each_chain_has_its_verdict() -> None:
    found = chain_rows()
    told = {case: found[facts["port"]]["at_capture"] for case, facts in EXPECTED["chains"].items()}
    assert told == {case: WORDS.get(case, "valid") for case in told}
    odd = {case: found[facts["port"]]["defects"] for case, facts in EXPECTED["chains"].items()}
    assert any(defect.startswith("wrong order") for defect in odd["wrong-order"])
    assert [one for one in odd["extra"] if one not in odd["good"]]


@pytest.mark.parametrize("case", EXPECTED["chains"])
def test_openssl_says_the_same_of_a_recorded_chain(case: str, openssl: str, tmp_path: Path) -> None:
    ders, when = sent()[EXPECTED["chains"][case]["port"]]
    (tmp_path / "leaf.pem").write_text(pem(ders[0]))
    (tmp_path / "sent.pem").write_text("".join(map(pem, ders[1:])) or "\n")
    run = subprocess.run([openssl, "verify", "-auth_level", "2", "-purpose", "sslserver", "-attime", str(when),
                          "-verify_hostname", "www.example.org", "-no-CApath", "-no-CAstore", "-CAfile", SAMPLES / "root.pem",
                          *(["-untrusted", "sent.pem"] if ders[1:] else []), "leaf.pem"], cwd=tmp_path, capture_output=True,
                         text=True)
    errors = {int(number) for number in re.findall(r"^error (\d+) at", run.stderr + run.stdout, re.MULTILINE)}
    assert bool(errors) == (run.returncode != 0)
    assert (FAULTS[case] in errors) if case in FAULTS else not errors
