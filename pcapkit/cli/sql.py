"""SQL over the tables of captures, or of what was exported as DuckDB or Parquet. The database is sealed: a query reads nothing
but the tables, writes nothing and asks nobody.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import wrap
from typing import Any

import click

from pcapkit.cli.inputs import begin, print_json, shared, width
from pcapkit.formats.arrow import needed
from pcapkit.formats.csv import cell
from pcapkit.formats.duckdb import FILE, SEALED, Duckdb
from pcapkit.formats.jsonl import rfc3339
from pcapkit.formats.text import escape, show, table
from pcapkit.schema import COMMON, TABLES

_MAGIC = (8, b"DUCK")
_ANALYSIS = {"keylogs": "--keylog", "rsa_keys": "--rsa-key", "policies": "--policy", "hashing": "--hash",
             "show_secrets": "--show-secrets", "trust_store": "--trust-store", "strict": "--strict", "fail_on": "--fail-on"}
_EXAMPLES = (
    "SELECT service, count(*) AS n, sum(server_bytes) AS bytes FROM flows GROUP BY service ORDER BY n DESC",
    "SELECT severity, rule, file, frame, message FROM findings",
    "SELECT name, unnest(answers).data AS data FROM dns WHERE type = 'A'",
)


def command(name: str) -> click.Command:
    """The command `sql`."""
    return _sql


@click.command("sql", help="A query over the tables of captures, of pcapkit.duckdb or of a folder of Parquet files: "
                           "pcapkit sql FILE \"SELECT ...\". Without a query: the tables and their columns.")
@shared
@click.option("--csv", "as_csv", is_flag=True, help="CSV instead of a table for people.")
def _sql(words: tuple[str, ...], as_csv: bool, as_json: bool, **options: Any) -> None:
    if as_csv and as_json:
        raise click.UsageError("--csv and --json exclude each other")
    words, query = _query(words)
    exported = _exported(words)
    if exported is not None and (given := [option for name, option in _ANALYSIS.items() if options[name]]):
        raise click.UsageError(f"{exported} was exported already: {given[0]} is for export")
    duckdb = needed("duckdb", "sql")
    needed("pyarrow", "sql")
    code = 0
    with TemporaryDirectory(prefix="pcapkit-") as folder:
        if exported is None:
            run = begin(words=words, **options)
            code = _analyse(run, folder)
            if not run.was_read:
                raise click.exceptions.Exit(code)
            exported = Path(folder) / FILE
        try:
            with _opened(duckdb, exported, folder) as database:
                if query is None:
                    _tables(database, as_json, as_csv)
                else:
                    _answer(database.sql(query), as_json, as_csv)
        except duckdb.Error as error:
            raise click.ClickException(" ".join(str(error).split("\n\n")[0].split())) from None
    raise click.exceptions.Exit(code)


def _query(words: tuple[str, ...]) -> tuple[tuple[str, ...], str | None]:
    """The files, and the query: the last word in front of a filter, if it holds a space and names no file."""
    behind = sys.argv[sys.argv.index("--") + 1:] if "--" in sys.argv else []
    last = len(words) - len(behind) - 1
    if last < 0 or not any(c.isspace() for c in words[last]) or Path(words[last]).exists():
        return words, None
    return (*words[:last], *words[last + 1:]), words[last]


def _exported(words: Sequence[str]) -> Path | None:
    """A database or folder of Parquet files, if that is what is to be queried."""
    if len(words) != 1:
        return None
    path = Path(words[0])
    if path.is_dir():
        return path if any(path.glob("*.parquet")) else path / FILE if (path / FILE).is_file() else None
    try:
        with path.open("rb") as file:
            head = file.read(16) if path.is_file() else b""
    except OSError:
        return None
    return path if head[_MAGIC[0]:].startswith(_MAGIC[1]) else None


def _analyse(run: Any, folder: str) -> int:
    """The captures as a database in a folder of ours; returns the exit code."""
    database = Duckdb(folder)
    try:
        for chunk in run.chunks():
            database.write(chunk)
        database.close()
    except BaseException:
        database.abandon()
        raise
    code: int = run.exit_code
    return code


@contextmanager
def _opened(duckdb: Any, path: Path, folder: str) -> Iterator[Any]:
    """A sealed connection to a database, or to a folder of Parquet files as one."""
    config = {**SEALED, "temp_directory": folder}
    database = duckdb.connect(":memory:" if path.is_dir() else str(path), read_only=not path.is_dir(), config=config)
    try:
        if path.is_dir():
            dataset = needed("pyarrow.dataset", "sql").dataset
            for file in sorted(path.glob("*.parquet")):
                database.register(file.stem, dataset(file))
        database.execute("SET TimeZone = 'UTC'; SET lock_configuration = true")
        yield database
    finally:
        database.close()


def _answer(result: Any, as_json: bool, as_csv: bool) -> None:
    """Print what a query gave; what is no query gives nothing."""
    if result is None:
        return
    names, kinds, rows = list(result.columns), list(map(str, result.types)), _rows(result)
    if as_csv:
        _csv(names, rows)
    elif as_json:
        print_json({"schema_version": 1, "columns": [{"name": n, "type": k} for n, k in zip(names, kinds, strict=True)],
                    "rows": [dict(zip(names, map(_plain, row), strict=True)) for row in rows]})
    else:
        shown = [[show(_plain(value)) for value in row] for row in rows]
        click.echo(table(list(map(escape, names)), shown, width()))
        click.echo(f"pcapkit: {len(shown):,} row{'s' * (len(shown) != 1)}", err=True)


def _rows(result: Any) -> Iterator[tuple[Any, ...]]:
    """The rows, times as text with nanoseconds."""
    for batch in result.to_arrow_reader(10_000):
        yield from zip(*map(_column, batch.columns), strict=True)


def _column(column: Any) -> list[Any]:
    unit = str(getattr(column.type, "unit", ""))
    if str(column.type).startswith("timestamp"):
        per_step = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}[unit]
        return [None if n is None else rfc3339(n * per_step) for n in column.cast("int64").to_pylist()]
    values: list[Any] = column.to_pylist()
    return values


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, bytes):
        return value.hex()
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return int(value) if hasattr(value, "as_integer_ratio") and value == int(value) else str(value)


def _csv(names: Sequence[str], rows: Iterator[tuple[Any, ...]]) -> None:
    _csv_line(names)
    for values in rows:
        _csv_line([cell(_plain(value)) for value in values])


def _csv_line(values: Sequence[Any]) -> None:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow(values)
    click.echo(text.getvalue(), nl=False)


def _tables(database: Any, as_json: bool, as_csv: bool) -> None:
    """The tables with their rows, columns and meanings, and queries to begin with."""
    meanings = {(t.name, c.name): c.meaning for t in TABLES for c in t.columns}
    columns: dict[str, list[tuple[str, str, str | None]]] = {}
    counts: dict[str, int] = {}
    for name in sorted(str(row[0]) for row in database.sql("SHOW TABLES").fetchall()):
        quoted = name.replace('"', '""')
        rows = database.sql(f'SELECT * FROM "{quoted}"')
        columns[name] = [(c, str(kind), meanings.get((name, c))) for c, kind in zip(rows.columns, rows.types, strict=True)]
        counts[name] = int(database.sql(f'SELECT count(*) FROM "{quoted}"').fetchall()[0][0])
    if as_csv:
        _csv(("table", "column", "type", "meaning"), ((name, *c) for name in columns for c in columns[name]))
    elif as_json:
        print_json({"schema_version": 1, "tables": [
            {"name": name, "rows": counts[name], "columns": [
                {"name": c, "type": kind, "meaning": meaning} for c, kind, meaning in columns[name]]} for name in columns]})
    else:
        common = [column.name for column in COMMON]
        _paragraph(f"Common columns: {', '.join(common)}", "")
        for name in columns:
            own = [c for c, _, _ in columns[name]]
            if own[:len(common)] == common:
                own[:len(common)] = ["(common columns)"]
            click.echo(f"{click.style(f'{escape(name):14}', bold=True)}{counts[name]:>8,} row{'s' * (counts[name] != 1)}")
            _paragraph(", ".join(map(escape, own)), "    ")
        click.echo("\nTry, behind the file:")
        for example in _EXAMPLES:
            click.echo(f'  "{example}"')


def _paragraph(text: str, indent: str) -> None:
    click.echo("\n".join(wrap(text, (width() or 100) - 2, initial_indent=indent, subsequent_indent=indent or "  ")))
