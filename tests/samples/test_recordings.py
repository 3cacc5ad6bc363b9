"""The recorded logins and HTTP traffic: what the servers and the users know of them by themselves, against what we find.

What is not as the server logged it is marked, with the reason; such a mark fails as soon as it is.
"""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from said import rows

from pcapkit.analysis import Options, analyse

SAMPLES = Path(__file__).parents[2] / "samples"
SHELVES = "http", "logins"
CASES: dict[str, dict[str, Any]] = {f"{shelf}/{name}": case for shelf in SHELVES
                                    for name, case in json.loads((SAMPLES / shelf / "expected.json").read_text()).items()}
SPOKEN = [name for name, case in CASES.items() if "exchanges" in case]
DECODED = [name for name, case in CASES.items() if "decoded" in case]
CHATS = [name for name, case in CASES.items() if "messages" in case]
FIELDS = "_ws.malformed", "http2.headers.method", "http2.headers.path", "text"
NOT_TOLD = frozenset((
    "http/form-urlencoded", "http/form-browser", "http/form-multipart", "http/form-upload", "http/form-json", "http/form-chunked",
    "http/pipelined", "http/http-1.0", "http/proxy-basic", "http/strip.client", "http/strip.server", "http/h2-form",
    "http/h2c-upgrade", "http/websocket", "http/websocket-deflate", "http/xml-rpc", "http/soap", "http/connect-http"))
"""Where an answer does not tell what became of a login: a page with status 200 whatever was typed, or one on another stream."""
OF_ITS_OWN = {"http/h2c-upgrade": "the answer to the request of an upgrade is a row of HTTP/2 without request, as tshark has it"}
MALFORMED_FOR_TSHARK: dict[str, str] = {
    "http/proxy-ntlm": "the challenge of Squid's ntlm_fake_auth names a target beyond its end",
    "logins/imap-literals": "tshark 4.0 does not expect the user's name of LOGIN as a literal",
}


def marked(names: list[str], missed: dict[str, str]) -> list[Any]:
    """The names as parameters, those that are missed with their reason."""
    assert missed.keys() <= set(names)
    return [pytest.param(name, marks=pytest.mark.xfail(reason=missed[name], strict=True)) if name in missed else name
            for name in names]


def capture(name: str) -> Path:
    """The capture of a case."""
    return SAMPLES / f"{name}.pcap"


@cache
def shown(name: str) -> dict[str, list[dict[str, Any]]]:
    """All rows of a capture by table, with secrets and hashes."""
    found: dict[str, list[dict[str, Any]]] = {}
    for chunk in analyse([capture(name)], Options(show_secrets=True, hash=True)):
        found.setdefault(chunk.table.name, []).extend(
            dict(zip(chunk.table.names, values, strict=True)) for values in chunk.rows())
    return found


@cache
def packets(name: str) -> list[dict[str, str]]:
    """All packets of a capture as tshark shows them: it is run once for each."""
    words = [word for field in FIELDS for word in ("-e", field)]
    done = subprocess.run(["tshark", "-n", "-r", capture(name), "-T", "fields", *words], capture_output=True, text=True,
                          check=True, timeout=60)
    return [dict(zip(FIELDS, line.split("\t"), strict=True)) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("shelf", SHELVES)
def test_all_captures_are_told_of_and_small(shelf: str) -> None:
    sizes = {path.stem: path.stat().st_size for path in (SAMPLES / shelf).glob("*.pcap")}
    assert {f"{shelf}/{name}" for name in sizes} == {name for name in CASES if name.startswith(shelf)}
    assert max(sizes.values()) < 60_000 and sum(sizes.values()) < 500_000


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if "logged" in case])
def test_the_server_logged_what_is_told_of_the_logins(name: str) -> None:
    """A server that logs logins is the witness of their outcome; an exchange broken off is a login for none but the server."""
    told = Counter(login["outcome"] for login in CASES[name]["logins"])
    logged = Counter(line.split()[0] for line in CASES[name]["logged"])
    assert logged == told or not told


APART = "api-key", "session-cookie"


def told(name: str) -> list[dict[str, Any]]:
    """The logins of a case; what a browser sends again on the same connection counts once."""
    once = {json.dumps(login): login for login in CASES[name]["logins"]} if name == "http/h2-late" else {}
    return list(once.values()) or CASES[name]["logins"]


@pytest.mark.parametrize("name", CASES)
def test_logins(name: str) -> None:
    """All of them, in order, and no other; keys and the cookies of sessions are told of apart."""
    found = [row for row in shown(name).get("credentials", []) if row["mechanism"] not in APART]
    assert [(row["mechanism"], row["username"].rpartition("\\")[2], row["secret"] if row["secret_kind"] == "password" else None,
             row["secret_kind"]) for row in found] == [
        (login["mechanism"], login["username"], login["secret"] if login["shown"] == "password" else None, login["shown"])
        for login in told(name)]
    assert all(login["secret"] in (row["secret"], "") for row, login in zip(found, told(name), strict=True)
               if login["shown"] == "token")


@pytest.mark.parametrize("name", CASES)
def test_outcomes(name: str) -> None:
    """As the server had it, or unknown; never the other one."""
    found = [row["outcome"] for row in shown(name).get("credentials", []) if row["mechanism"] not in APART]
    pairs = list(zip(found, (login["outcome"] for login in told(name)), strict=True))
    assert all(seen == was or (seen == "unknown" and name in NOT_TOLD) for seen, was in pairs), pairs


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if "keys" in case])
def test_keys(name: str) -> None:
    found = {row["secret"] for row in shown(name)["credentials"] if row["mechanism"] == "api-key"}
    assert set(CASES[name]["keys"]) <= found


@pytest.mark.parametrize("name", CASES)
def test_without_leave_no_secret_is_shown(name: str) -> None:
    """Of the tables of logins, fields, headers and commands; what is typed into a chat is no secret of ours."""
    masked = str({table: found for table, found in rows(capture(name)).items() if table != "mail"})
    secrets = {login["secret"] for login in CASES[name]["logins"]} | set(CASES[name].get("keys", []))
    assert not [secret for secret in secrets if secret and secret in masked]


@pytest.mark.parametrize("name", marked(SPOKEN, OF_ITS_OWN))
def test_exchanges(name: str) -> None:
    """Every request with its status, as the server logged them, and what a tunnel has inside."""
    found = [f"{row['method']} {row['target']} {row['status']}" for row in shown(name).get("http", [])]
    assert sorted(found) == sorted([*CASES[name]["exchanges"], *CASES[name].get("inside", [])])


@pytest.mark.parametrize("name", DECODED)
def test_pages_are_decoded(name: str) -> None:
    """Whatever its coding, the page is the same."""
    pages = [row for row in shown(name).get("http", []) if row["status"] == 200 and row["target"] != "/lines.bin"]
    assert pages
    assert {row["response_decoded_sha256"] or row["response_body_sha256"] for row in pages} == {CASES[name]["decoded"]["sha256"]}


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_odd_about_what_real_programs_say(name: str) -> None:
    assert not shown(name).get("anomalies")


@pytest.mark.oracle
@pytest.mark.parametrize("name", CASES)
def test_tshark_reads_it(name: str) -> None:
    assert any(one["_ws.malformed"] for one in packets(name)) == (name in MALFORMED_FOR_TSHARK)


@pytest.mark.oracle
@pytest.mark.parametrize("name", [name for name in SPOKEN if name.startswith("http/h2-") and name != "http/h2-continuation"])
def test_tshark_sees_the_same_requests_of_http2(name: str) -> None:
    """But for the head that goes on in CONTINUATION, behind whose first frame tshark 4.0 shows nothing of the client."""
    found = [f"{method} {path}" for one in packets(name) for method, path in zip(
        one["http2.headers.method"].split(","), one["http2.headers.path"].split(","), strict=True) if method]
    assert sorted(found) == sorted(line.rpartition(" ")[0] for line in CASES[name]["exchanges"])


@pytest.mark.oracle
@pytest.mark.parametrize("name", CHATS)
def test_tshark_sees_the_same_chat(name: str) -> None:
    """What is said in one frame, of which tshark shows the text, decompressed where it has to be."""
    seen = "".join(one["text"] for one in packets(name))
    told = [said["text"] for said in CASES[name]["messages"] if said["kind"] == "text" and len(said["text"]) < 200]
    assert told and not [text for text in told if text not in seen]
