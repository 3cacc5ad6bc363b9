"""Zeek's logs, read back by zat: what they say is what the tables say."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from exported import LECTURE, NASTY, SAMPLES, all_worst, export, jsonl, written
from said import capture, handshake, looked_up, talk
from zat.log_to_dataframe import LogToDataFrame
from zat.zeek_log_reader import ZeekLogReader

from pcapkit.formats.identity import community_id
from pcapkit.formats.zeek.logs import LOGS
from pcapkit.formats.zeek.rows import conn_state
from pcapkit.formats.zeek.values import text, time, writer

Rows = list[dict[str, Any]]


def logs(folder: Path) -> dict[str, Rows]:
    """All rows by log, as zat reads them, which complains of none."""
    return {path.stem: list(ZeekLogReader(str(path), strict=True).readrows()) for path in sorted(folder.glob("*.log"))}


def test_zat_reads_the_numbers_of_the_tables(tmp_path: Path) -> None:
    captures = [*LECTURE, *(SAMPLES / "http" / name for name in ("basic.pcap", "form-upload.pcap", "h2-basic.pcap"))]
    found, rows = logs(export("zeek", tmp_path / "zeek", *captures)), jsonl(tmp_path / "jsonl", *captures)
    assert set(found) == set(LOGS)
    for log, table in (("conn", "flows"), ("dns", "dns"), ("http", "http"), ("ssl", "tls"), ("x509", "certificates"),
                       ("weird", "anomalies"), ("notice", "findings")):
        assert len(found[log]) == len(rows[table]) > 0, log
    for mine, theirs in zip(rows["flows"], found["conn"], strict=True):
        assert theirs["orig_bytes"] == mine["client_bytes"] + mine["client_gap_bytes"]
        assert theirs["resp_bytes"] == mine["server_bytes"] + mine["server_gap_bytes"]
        assert (theirs["orig_pkts"], theirs["resp_pkts"]) == (mine["client_packets"], mine["server_packets"])
        assert (theirs["id.orig_h"], theirs["id.resp_p"], theirs["frame"]) == (
            mine["client"], mine["server_port"], mine["frame"])
    assert Counter((r["query"], r["qtype_name"], r["trans_id"], r["rcode_name"]) for r in found["dns"]) == Counter(
        (r["name"], r["type"], r["id"], r["rcode"]) for r in rows["dns"])
    assert [(r["status_code"], r["request_body_len"], r["response_body_len"]) for r in found["http"]] == [
        (r["status"] or 0, r["request_body_bytes"] or 0, r["response_body_bytes"] or 0) for r in rows["http"]]
    messages = [r for r in found["smtp"] if r["size"]]
    assert sorted(r["size"] for r in messages) == sorted(r["size"] for r in rows["mail"])


def test_frames_of_pandas_have_zeeks_types(tmp_path: Path) -> None:
    export("zeek", tmp_path, *LECTURE)
    frame = LogToDataFrame().create_dataframe(str(tmp_path / "conn.log"))
    assert frame["orig_bytes"].sum() == sum(r["client_bytes"] for r in jsonl(tmp_path / "jsonl", *LECTURE)["flows"])
    assert str(frame.index.dtype).startswith("datetime64") and str(frame["duration"].dtype).startswith("timedelta64")


def test_a_connection_has_one_uid_in_all_logs_and_no_other_has_it(tmp_path: Path) -> None:
    found = logs(export("zeek", tmp_path, *LECTURE))
    known = Counter(row["uid"] for row in found["conn"])
    assert set(known.values()) == {1} and all(re.fullmatch("C[0-9A-Za-z]{17}", uid) for uid in known)
    for log in ("dns", "http", "smtp", "ssl", "x509", "weird", "notice"):
        assert {row["uid"] for row in found[log]} <= set(known), log


def test_the_header_is_zeeks_and_an_empty_log_has_one(tmp_path: Path) -> None:
    written("zeek", tmp_path)
    for log, fields in LOGS.items():
        assert (tmp_path / f"{log}.log").read_text().splitlines() == [
            "#separator \\x09", "#set_separator\t,", "#empty_field\t(empty)", "#unset_field\t-", f"#path\t{log}",
            "\t".join(["#fields", *(name for name, _ in fields)]), "\t".join(["#types", *(kind for _, kind in fields)])]
    assert all(rows == [] for rows in logs(tmp_path).values())


def test_what_separates_is_escaped_and_can_be_read_back(tmp_path: Path) -> None:
    written("zeek", tmp_path, *all_worst())
    for log, fields in LOGS.items():
        lines = [line for line in (tmp_path / f"{log}.log").read_bytes().split(b"\n")[:-1] if not line.startswith(b"#")]
        assert lines, log
        for line in lines:
            line.decode("utf-8")
            assert line.count(b"\t") == len(fields) - 1, log
            assert not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", line), log
    shown = next(row["addl"] for row in logs(tmp_path)["weird"] if len(row["addl"]) > 9)
    raw = re.sub(rb"\\(?:x([0-9a-f]{2})|\\)", lambda m: bytes.fromhex(m[1].decode()) if m[1] else b"\\", shown.encode())
    assert raw == NASTY.replace("\udc80", "\0\0").encode("utf-8", "surrogatepass").replace(b"\0\0", b"\x80")


@pytest.mark.parametrize(("value", "shown"), [
    ("", "(empty)"), ("-", "\\x2d"), ("(empty)", "\\x28empty)"), ("a\\x2d", "a\\\\x2d"), ("ä, b", "ä, b"), ("a\tb", "a\\x09b")])
def test_texts_that_mean_something_to_zeek_are_told_from_it(value: str, shown: str) -> None:
    assert text(value) == shown


def test_elements_of_sets_are_told_apart() -> None:
    assert writer("set[string]")(["a,b", "-", "", "c"]) == "a\\x2cb,\\x2d,(empty),c"
    assert (writer("vector[interval]")([3, 0.5]), writer("set[string]")([]), writer("vector[addr]")(None)) == (
        "3.000000,0.500000", "(empty)", "-")
    assert [time(ns) for ns in (1_584_972_875_348_492_999, -1, 0)] == ["1584972875.348492", "-0.000001", "0.000000"]


@pytest.mark.parametrize(("state", "facts"), [
    ("SF", {"answered": True, "closed_by": "both"}), ("S1", {"answered": True}),
    ("S2", {"answered": True, "closed_by": "client"}),
    ("S3", {"answered": True, "closed_by": "server"}), ("RSTO", {"answered": True, "reset_by": "client"}),
    ("RSTR", {"answered": True, "reset_by": "server", "closed_by": "client"}), ("S0", {"server_packets": 0}),
    ("REJ", {"reset_by": "server"}), ("RSTOS0", {"reset_by": "client", "server_packets": 0}),
    ("SH", {"closed_by": "client", "server_packets": 0}), ("OTH", {"client_inferred": True}),
    ("RSTRH", {"client_inferred": True, "answered": True, "reset_by": "server"}),
    ("SHR", {"client_inferred": True, "answered": True, "closed_by": "server"}),
    ("SF", {"transport": "udp"}), ("S0", {"transport": "udp", "server_packets": 0}),
    ("SHR", {"transport": "udp", "client_packets": 0})])
def test_states_are_zeeks(state: str, facts: dict[str, Any]) -> None:
    row = {"transport": "tcp", "answered": False, "closed_by": None, "reset_by": None, "client_inferred": False,
           "client_packets": 1, "server_packets": 1, "server_bytes": 0, **facts}
    assert conn_state(row) == state


def test_a_message_knows_its_session_and_a_session_without_one_is_told(tmp_path: Path) -> None:
    mail = ("S: 220 a\nC: EHLO me.example\nS: 250 a\nC: MAIL FROM:<x@example.org>\nS: 250 ok\nC: RCPT TO:<y@example.org>\n"
            "S: 250 ok\nC: DATA\nS: 354 go\nC: To: <y@example.org>, Z <z@example.org>\nC: Subject: one\nC: \nC: hi\nC: .\n"
            "S: 250 2.0.0 queued as AB12\nC: MAIL FROM:<x@example.org>\nS: 250 ok\nC: RCPT TO:<y@example.org>\nS: 250 ok\n"
            "C: DATA\nS: 354 go\nC: Subject: two\nC: \nC: hi\nC: .\nS: 250 2.0.0 queued as CD34\nC: QUIT\nS: 221 bye\n")
    upgraded = talk("S: 220 a\nC: EHLO me.example\nS: 250-a\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\n", at=20)
    found = logs(export("zeek", tmp_path / "out", capture(tmp_path, talk(mail), upgraded)))["smtp"]
    first, second, bare = sorted(found, key=lambda row: row["ts"])
    assert [(r["trans_depth"], r["helo"], r["subject"], r["last_reply"]) for r in (first, second)] == [
        (1, "me.example", "one", "250 2.0.0 queued as AB12"), (2, "me.example", "two", "250 2.0.0 queued as CD34")]
    assert first["to"] == "y@example.org,z@example.org" and first["tls"] is False
    assert (bare["helo"], bare["tls"], bare["mailfrom"]) == ("me.example", True, "-")


def test_a_handshake_knows_its_certificates(tmp_path: Path) -> None:
    found = logs(export("zeek", tmp_path / "out", capture(tmp_path, talk(handshake(), 443))))
    (session,), (certificate,) = found["ssl"], found["x509"]
    assert session["cert_chain_fps"] == certificate["fingerprint"] and session["established"] is True
    assert (session["version"], session["curve"]) == ("TLSv12", "secp256r1")


def test_a_question_has_zeeks_numbers(tmp_path: Path) -> None:
    row, = logs(export("zeek", tmp_path / "out", capture(tmp_path, looked_up("www.example.org", "AAAA", "2001:db8::7"))))["dns"]
    assert (row["qtype"], row["qclass"], row["qclass_name"], row["rcode"], row["answers"], row["TTLs"]) == (
        28, 1, "C_INTERNET", 0, "2001:db8::7", "300.000000")


def test_community_ids_are_those_of_the_specification() -> None:
    expected = "1:LQU9qZlK+B5F3KDmev6m5PMibrg="
    assert community_id("tcp", "128.232.110.120", 34855, "66.35.250.204", 80) == expected
    assert community_id("tcp", "66.35.250.204", 80, "128.232.110.120", 34855) == expected
    assert community_id("udp", "2001:db8::1", 5, "2001:db8::2", None) is None
