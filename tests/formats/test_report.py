"""The parts of a report: rows as JSON within limits, dumps with their marks, names and what they led to."""

from __future__ import annotations

import io
import json
from typing import Any

from pcapkit import schema
from pcapkit.evidence import Exhibit, Place
from pcapkit.formats.report import Custody, Report
from pcapkit.formats.report.dump import dump
from pcapkit.formats.report.names import Names
from pcapkit.formats.report.rows import FIRST, Rows, cell, embed
from pcapkit.limits import Limits
from pcapkit.schema import Chunk, Table, Type


def chunk(table: Table, count: int, **values: Any) -> Chunk:
    """So many rows: lists are columns, all else is the same in each row."""
    common = {"file": "a.pcap", "frame": 1, "time": 10**18, "transport": "tcp", "stream": 0, "client": "192.0.2.1",
              "client_port": 1025, "server": "192.0.2.2", "server_port": 25} | values
    numbers = {c.name: 0 for c in table.columns if c.name.endswith("_bytes")}
    return Chunk(table, [v if isinstance(v := (numbers | common).get(c.name), list) else [v] * count for c in table.columns])


def page(report: Report) -> str:
    file = io.BytesIO()
    report.write(file, Custody([("a.pcap", "0" * 64, 24)], [], "0"), {}, [], [])
    return file.getvalue().decode()


def test_cells_are_harmless_and_numbers_stay_numbers() -> None:
    assert cell(7, Type.INT) == 7 and cell(None, Type.TEXT) is None and cell(1 / 3, Type.FLOAT) == 0.333333
    assert cell("a\x1b\u202e", Type.TEXT) == "a\\x1b\\u202e" and cell(True, Type.BOOL) == "yes"
    assert cell([["Host", "a\nb"], ["X", "y"]], Type.LIST) == "Host: a\\x0ab\nX: y", "a line for each, and no other"
    assert cell(10**18, Type.TIME) == "2001-09-09 01:46:40.000000000"


def test_what_is_embedded_ends_no_script() -> None:
    text = embed(["</script><!--<script>&"])
    assert not set(b"<>&") & set(text) and json.loads(text) == ["</script><!--<script>&"]
    assert json.loads(embed(["\udcff"])) == ["\\udcff"]


def test_rows_come_back_as_they_were() -> None:
    rows = Rows(schema.SMTP, ["frame", "command"], ["code"], Limits())
    rows.take(chunk(schema.SMTP, 3_000, frame=list(range(3_000)), command="EHLO"))
    document = json.loads("".join(rows.json()))
    assert document["names"] == ["frame", "command", "code"] and document["numbers"] == [True, False, True]
    assert [n for _, frames, _, _ in document["parts"] for n in frames] == list(range(3_000))
    assert all(command == {"all": "EHLO"} and code == {"all": None} for _, _, command, code in document["parts"])
    assert rows.first == [[n, "EHLO", None] for n in range(FIRST)]


def test_caps_on_rows_bytes_and_findings_are_kept_and_said() -> None:
    limits = Limits(report_rows=1_500, report_findings=2)
    report = Report(limits, False)
    report.take(chunk(schema.SMTP, 4_000, command="NOOP"))
    finding = {"rule": "no-such-rule", "severity": "high", "confidence": "certain", "title": "T", "message": "M", "evidence": [],
               "rfc": "", "display_filter": None, "capture_filter": None, "remedy": "R"}
    columns = [[finding.get(c.name, 1)] * 5 for c in schema.FINDINGS.columns]
    report.take(Chunk(schema.FINDINGS, columns))
    text = page(report)
    assert limits.hits["report_rows"] == 2_500 and limits.hits["report_findings"] == 3
    assert "2,500 further rows are not part of this page; all of them: <code>pcapkit smtp FILE</code>" in text
    assert "2 of 5 findings are here; all of them: <code>pcapkit findings FILE</code>" in text
    assert "<code>report_rows</code> reached 2,500 times" in text
    limits = Limits(report_bytes=100)
    rows = Rows(schema.SMTP, ["frame"], [], limits)
    rows.take(chunk(schema.SMTP, 4_000, frame=list(range(4_000))))
    assert rows.kept == 1_024 and limits.hits["report_bytes"] == rows.left_out == 4_000 - 1_024


def test_a_dump_marks_evidence_hides_secrets_and_tells_what_is_missing() -> None:
    exhibit = Exhibit.around(Place("a", "tcp", 0, 0, 20, 8), 512)
    exhibit.fill(0, b"0123456789abcdefUSERPASSWORD")
    exhibit.fill(30, b"!!")
    exhibit.hidden.append((24, 28))
    one, other = dump(exhibit, False)
    assert one.offset == 0 and one.text == [("", "0123456789abcdef")]
    assert other.text == [("", "USER"), ("evidence", "PASS"), ("evidence secret", "****"), ("absent", "··"), ("", "!!")]
    assert "** ** **" in other.hexed[2][1] and "57 4f 52 44" not in "".join(text for _, text in other.hexed)
    assert list(dump(exhibit, True))[1].text[1] == ("evidence", "PASSWORD")
    assert list(dump(Exhibit.around(Place("a", "tcp", 0, 0, 5, 5), 512), False)) == []


def test_names_lead_to_connections_of_the_same_client() -> None:
    names = Names(Limits())
    names.take(chunk(schema.DNS, 2, client=["192.0.2.1", "192.0.2.7"], server="192.0.2.53", name="www.example", type="A",
                     rcode="NOERROR", answers=[[{"name": "www.example", "type": "CNAME", "ttl": 1, "data": "a.example"},
                               {"name": "a.example", "type": "A", "ttl": 1, "data": "192.0.2.2"}]] * 2))
    names.take(chunk(schema.FLOWS, 1, service="smtp", client_bytes=5, server_bytes=6))
    (one, other), total = names.tree(10)
    assert total == 2 and [child.name for child in one.children] == ["a.example", "192.0.2.2"]
    connection, = one.children[1].children
    assert connection.kind == "connection" and connection.said == "tcp stream 0, from frame 1, 11 bytes"
    assert not other.children[1].children, "another client's look-up led to nothing"
    talk, = names.talks()
    assert talk.name == "www.example" and talk.clear is True and talk.bytes == 11


def test_names_and_hosts_are_capped() -> None:
    limits = Limits(report_names=3, report_hosts=2)
    names = Names(limits)
    names.take(chunk(schema.DNS, 10, name=[f"{n}.example" for n in range(10)], type="A", answers=[[]] * 10))
    names.take(chunk(schema.FLOWS, 10, client=[f"192.0.2.{n}" for n in range(10)]))
    shown, total = names.tree(2)
    assert len(shown) == 2 and total == 10 and limits.hits["report_names"] == 7 and limits.hits["report_hosts"] == 8


def test_what_holds_today_is_left_to_the_reader() -> None:
    report = Report(Limits(), False)
    report.take(Chunk(schema.FINDINGS, [[{"rule": "certificate-expired-since"}.get(c.name, 1)] for c in schema.FINDINGS.columns]))
    assert report.findings == [] and "None. That says nothing of" in page(report)
