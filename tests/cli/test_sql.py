"""The verb sql: queries over captures and exports, and a database that lets nothing in or out."""

from __future__ import annotations

import csv
import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
from exported import LECTURE, SAMPLES, SECRET, export, jsonl

from pcapkit.cli import main

POST, CLIENT = SAMPLES / "lecture" / "post.pcap", SAMPLES / "lecture" / "smtp-client.pcap"


@dataclass
class Done:
    """What a call has printed, and its exit code."""

    returncode: int
    stdout: str
    stderr: str


def run(*words: object) -> Done:
    """The command line, in this process: a start costs more than a query."""
    out, err, before = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["pcapkit", "sql", *map(str, words)]
    try:
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as stop:
            main()
    finally:
        sys.argv = before
    return Done(int(str(stop.value.code)), out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The lecture's captures as a folder of Parquet files, as a database, and the database's folder."""
    folder = tmp_path_factory.mktemp("exports")
    database = export("duckdb", folder / "duckdb", *LECTURE)
    return {"parquet": export("parquet", folder / "parquet", *LECTURE), "folder": database, "duckdb": database / "pcapkit.duckdb"}


QUERY = "SELECT service, count(*) AS n, sum(client_bytes) AS bytes, min(time) AS first FROM flows GROUP BY service ORDER BY 1"


@pytest.mark.parametrize("form", ["captures", "parquet", "folder", "duckdb"])
def test_captures_and_exports_answer_the_same(form: str, exports: dict[str, Path], tmp_path: Path) -> None:
    sources = LECTURE if form == "captures" else [exports[form]]
    done = run(*sources, QUERY, "--json")
    found = json.loads(done.stdout)
    rows = jsonl(tmp_path, *LECTURE)["flows"]
    services = sorted({r["service"] for r in rows})
    assert found["schema_version"] == 1 and [c["name"] for c in found["columns"]] == ["service", "n", "bytes", "first"]
    assert found["rows"] == [{"service": s, "n": sum(r["service"] == s for r in rows),
                              "bytes": sum(r["client_bytes"] for r in rows if r["service"] == s),
                              "first": min(r["time"] for r in rows if r["service"] == s)} for s in services]
    assert (done.returncode, done.stderr) == (0, "")


def test_a_table_is_for_people_and_csv_for_programs() -> None:
    query = "SELECT name, unnest(answers).data AS data, '=1' AS formula FROM dns WHERE type = 'A'"
    shown, rows = run(CLIENT, query), run(CLIENT, query, "--csv")
    assert shown.stdout.splitlines() == ["name                  data         formula", "panix.netmeister.org  166.84.7.99  =1"]
    assert list(csv.reader(rows.stdout.splitlines())) == [
        ["name", "data", "formula"], ["panix.netmeister.org", "166.84.7.99", "'=1"]]


def test_secrets_are_masked_unless_they_are_to_be_shown() -> None:
    query = "SELECT secret FROM credentials"
    assert "<secret #1, 22 chars>" in run(POST, query).stdout
    assert SECRET in run(POST, query, "--show-secrets").stdout


def test_without_a_query_there_are_tables_columns_and_examples(exports: dict[str, Path]) -> None:
    done = run(POST)
    assert "http_forms           3 rows" in done.stdout and "(common columns), encrypted, sni, alpn" in done.stdout
    told = {t["name"]: t for t in json.loads(run(exports["parquet"], "--json").stdout)["tables"]}
    assert told["dns"]["rows"] > 3
    assert {"name": "sni", "type": "VARCHAR", "meaning": "server name the client asked for"} in told["tls"]["columns"]
    examples = [line.strip()[1:-1] for line in done.stdout.splitlines() if line.startswith('  "')]
    assert len(examples) == 3 and all(run(exports["duckdb"], example).returncode == 0 for example in examples)


@pytest.mark.parametrize("query", [
    "SELECT * FROM read_text('/etc/hostname')", "SELECT * FROM '/etc/passwd'", "SELECT * FROM glob('/*')",
    "COPY flows TO '/tmp/pcapkit-was-here.csv'", "INSTALL httpfs", "LOAD httpfs", "SET enable_external_access = true",
    "ATTACH '/tmp/other.duckdb'", "SELECT * FROM 'http://127.0.0.1:9/x.parquet'", "EXPORT DATABASE '/tmp/pcapkit-was-here'",
    "CREATE TABLE x (a INT)", "DELETE FROM flows", "SELECT * FROM path", "SELECT * FROM json_execute_serialized_sql('x')"])
@pytest.mark.parametrize("form", ["duckdb", "parquet"])
def test_a_query_reads_nothing_else_and_writes_nothing(query: str, form: str, exports: dict[str, Path]) -> None:
    if form == "parquet" and query.startswith("CREATE"):
        return  # into memory, gone with the query
    done = run(exports[form], query)
    assert done.returncode == 2 and done.stdout == ""
    assert not Path("/tmp/pcapkit-was-here.csv").exists() and not Path("/tmp/pcapkit-was-here").exists()


@pytest.mark.parametrize(("words", "code", "said"), [
    ((POST, "SELECT * FROM flowz"), 2, 'pcapkit: Catalog Error: Table with name flowz does not exist! Did you mean "flows"?'),
    ((POST, "SELEC x"), 2, "pcapkit: Parser Error"),
    ((POST, "SELECT 1", "--csv", "--json"), 2, "pcapkit: --csv and --json exclude each other"),
    (("SELECT 1",), 2, "pcapkit: no capture given"), (("missing.pcap", "SELECT 1"), 3, "pcapkit: missing.pcap: no such file"),
    ((POST, "SELECT 1", "--fail-on", "high"), 1, "pcapkit: 1 row")])
def test_what_is_wrong_is_one_line(words: tuple[object, ...], code: int, said: str) -> None:
    done = run(*words)
    assert done.returncode == code and done.stderr.startswith(said) and done.stderr.count("\n") == 1


def test_options_of_an_analysis_are_refused_for_an_export(exports: dict[str, Path]) -> None:
    done = run(exports["duckdb"], "SELECT 1", "--show-secrets")
    assert done.returncode == 2 and "was exported already: --show-secrets is for export" in done.stderr


def test_a_filter_stands_behind_the_query() -> None:
    assert run(CLIENT, "SELECT count(*) FROM flows", "--csv", "--", "port", "53").stdout == '"count_star()"\n"3"\n'
