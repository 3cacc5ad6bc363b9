"""The answer on one screen: what this is, who talks to whom, what was in the clear, findings, what to try next."""

from __future__ import annotations

import shlex
import textwrap
from collections import Counter
from typing import Any

import click

from pcapkit.cli.inputs import Run, begin, document, print_json, shared, width
from pcapkit.cli.maillog import Logged, log_tables, with_maillog
from pcapkit.formats.jsonl import rfc3339
from pcapkit.formats.text import escape, show
from pcapkit.records import SESSION_COOKIE, Verdict

_ROWS = 6
_COLOURS = {"critical": "red", "high": "red", "medium": "yellow", "low": "cyan", "info": "blue"}


def command(name: str) -> click.Command:
    """The command behind `pcapkit FILE`."""
    def answer(**options: Any) -> None:
        run = begin(**options)
        if options["as_json"]:
            print_json(document(run, ["captures", "credentials", "encryption", "findings", "anomalies", *log_tables(run)]))
        else:
            _print(run)
        raise click.exceptions.Exit(run.exit_code)
    return click.command("answer", help="The answer, on one screen.")(shared(with_maillog(answer)))


def _print(run: Run) -> None:
    tables: dict[str, list[dict[str, Any]]] = {}
    talk: Counter[tuple[str, str, str]] = Counter()
    unread: Counter[str] = Counter()
    several = len(run.sources) > 1
    logged = Logged()
    for chunk in logged.passing(run.chunks()):
        rows = tables.setdefault(chunk.table.name, [])
        for row in chunk.rows():
            named = dict(zip(chunk.table.names, row, strict=True))
            named["of"] = f" of {escape(named['file'])}" if several else ""
            if chunk.table.name == "flows":
                service = named["service"] or f"{named['transport']}/{named['server_port']}"
                talk[service, named["client"], named["server"]] += 1
                if not named["service"] and (named["client_bytes"] or named["server_bytes"]):
                    unread[service] += 1
            elif len(rows) < 10_000:
                rows.append(named)
    if not tables.get("captures"):
        return
    for capture in tables["captures"]:
        _capture(capture)
    if run.options.filter:
        click.echo(f"  below, only what the filter takes: {escape(run.options.filter)}")
    _talk(talk)
    _forms(tables.get("http_forms", []))
    _logins(tables.get("credentials", []))
    _encryption(tables.get("encryption", []))
    logged.show(_ROWS)
    _sessions(tables.get("tls", []))
    _findings(tables.get("findings", []),
              [service for service, _ in unread.most_common()])
    _oddities(tables.get("anomalies", []))
    _next(run, tables, bool(talk))


def _frame(row: dict[str, Any]) -> str:
    return f"frame {str(row['frame']) + row['of']:<5}  "


def _say(line: str, hang: int, colour: str | None = None) -> None:
    """A line; a terminal that it does not fit shows the rest of it behind `hang` blanks. In a pipe it stays whole. What stands
    before `hang` is coloured.
    """
    columns = width()
    if columns is not None and len(line) > columns:
        blanks = " " * (hang if hang + 20 <= columns else 6)
        line = textwrap.fill(line, max(columns, 40), subsequent_indent=blanks, break_on_hyphens=False)
    click.echo(click.style(line[:hang], fg=colour) + line[hang:] if colour else line)


def _title(text: str) -> None:
    click.secho(f"\n{text}", bold=True)


def _capture(row: dict[str, Any]) -> None:
    click.secho(escape(row["file"]), bold=True)
    span = ""
    if row["first_time"] is not None:
        seconds = (row["last_time"] - row["first_time"]) / 1e9
        span = f", {_duration(seconds)} from {(rfc3339(row['first_time']) or '?')[:19].replace('T', ' ')} UTC"
    click.echo(f"  {row['packets']:,} packet{'s' * (row['packets'] != 1)}, {row['bytes']:,} bytes{span}")
    click.echo(f"  {row['format']}; {', '.join(row['link_types'])}")
    for warning in row["warnings"]:
        click.secho(f"  ! {escape(warning)}", fg="yellow")
    if row["others"]:
        click.echo("  besides TCP and UDP: " + ", ".join(f"{o['packets']:,} {o['name']}" for o in row["others"][:8]))


def _duration(seconds: float) -> str:
    return f"{seconds:.3f} s" if seconds < 7_200 else f"{seconds / 3_600:.1f} hours" if seconds < 172_800 else (
        f"{seconds / 86_400:,.1f} days")


def _talk(talk: Counter[tuple[str, str, str]]) -> None:
    if not talk:
        return
    _title("Who talks to whom")
    most = talk.most_common(_ROWS)
    wide = max(8, *(len(service) for (service, _, _), _ in most))
    for (service, client, server), n in most:
        click.echo(f"  {service:{wide}} {client} → {server}{f'   {n} conversations' if n > 1 else ''}")
    if len(talk) > _ROWS:
        click.echo(f"  and {len(talk) - _ROWS} more: pcapkit flows")


def _forms(rows: list[dict[str, Any]]) -> None:
    for encrypted, title in ((False, "Typed into forms, in the clear"), (True, "Typed into forms, encrypted on the wire")):
        posted = [r for r in rows if r["encoding"] != "query" and r["encrypted"] is encrypted]
        if not posted:
            continue
        _title(title)
        for r in posted[:2 * _ROWS]:
            click.echo(f"  {_frame(r)}{escape(r['name'])} = {show(r['value'])}")
        if len(posted) > 2 * _ROWS:
            click.echo(f"  and {len(posted) - 2 * _ROWS} more fields: pcapkit forms")


def _logins(rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    _title("Logins")
    rows = sorted(rows, key=lambda r: r["mechanism"] == SESSION_COOKIE)
    for r in rows[:_ROWS]:
        _say(f"  {_frame(r)}{r['protocol']} {r['mechanism']}: user {show(r['username'] or None)}, "
             f"{r['secret_kind']} {show(r['secret'])} at {r['server']}:{r['server_port']}, outcome {r['outcome']}"
             f"{', encrypted on the wire' if r['encrypted'] else ''}", 15)
    if len(rows) > _ROWS:
        click.echo(f"  and {len(rows) - _ROWS} more: pcapkit credentials")


_MAIL = {"smtp", "lmtp", "pop3", "imap"}


def _encryption(rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    _title("Encryption of the mail" if {r["protocol"] for r in rows} <= _MAIL else "Encryption, where a session can ask for it")
    for r in rows[:_ROWS]:
        verdict = Verdict(r["verdict"]).words
        click.echo(f"  stream {str(r['stream']) + r['of']:<4}  {r['protocol']} with {r['server']}:{r['server_port']}: {verdict}")
        for why in r["evidence"]:
            _say(f"               {escape(why)}", 15)
    if len(rows) > _ROWS:
        counts = Counter(str(r["verdict"]) for r in rows)
        click.echo("  in all " + ", ".join(f"{n} {v}" for v, n in counts.most_common()))


def _sessions(rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    _title("TLS")
    for r in rows[:_ROWS]:
        what = f"{r['version']}, {r['cipher']}" if r["version"] else (
            "handshake seen in part" if r["history"].upper().strip("DFIL") else
            "handshake not in the capture; TLS 1.2 or 1.3, cannot be told from a data record")
        click.echo(f"  {_frame(r)}{show(r['sni']) if r['sni'] else r['server']}:{r['server_port']}  {what}")
    if len(rows) > _ROWS:
        click.echo(f"  and {len(rows) - _ROWS} more: pcapkit tls")


def _findings(rows: list[dict[str, Any]], unread: list[str]) -> None:
    _title("Findings")
    if not rows:
        click.echo("  none")
    for r in rows[:_ROWS]:
        _say(f"  {str(r['severity']).upper():8} {r['title']} (frame {r['frame']}{r['of']})", 11, _COLOURS.get(r["severity"]))
        _say(f"           {escape(r['message'])}", 11)
        _say(f"           Wireshark: {r['display_filter']}", 22)
    if len(rows) > _ROWS:
        click.echo(f"  and {len(rows) - _ROWS} more: pcapkit findings")

    if unread:
        more = f" and {len(unread) - _ROWS} more" if len(unread) > _ROWS else ""
        _say(f"  nothing is said of what is not dissected: {', '.join(unread[:_ROWS])}{more}", 2)


def _oddities(rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    counts: Counter[str] = Counter()
    for r in rows:
        counts[r["rule"]] += r["count"]
    click.echo()
    _say("Oddities in the traffic: " + ", ".join(f"{rule} ({n})" for rule, n in counts.most_common(_ROWS)), 2)
    click.echo("  what each means: pcapkit explain RULE")


_VERBS = {"http_forms": ("forms", " --show-secrets", "fields of forms and queries, not masked"),
          "http": ("http", "", "each request with its response"),
          "smtp": ("smtp", "", "the mail dialogue, command by command"),
          "mail": ("mail", "", "each message: from, to, subject, attachments"),
          "dns": ("dns", "", "each question with its answer"),
          "tls": ("tls", "", "each handshake: names, versions, ciphers"),
          "certificates": ("certificates", "", "each certificate, and whether its chain held then and holds now")}


def _next(run: Run, tables: dict[str, list[dict[str, Any]]], talk: bool) -> None:
    if not any(capture["packets"] for capture in tables["captures"]):
        return

    def file(row: dict[str, Any]) -> str:
        return "FILE" if row["file"] == "-" else shlex.quote(row["file"])

    piped = run.sources[0] == "-"
    _title("Try next, with the capture kept in a file: ... | tee FILE | pcapkit -" if piped else "Try next")
    lines = [(f"pcapkit {verb} {file(tables[name][0])}{option}", what)
             for name, (verb, option, what) in _VERBS.items() if tables.get(name)]
    if tables.get("findings"):
        row = tables["findings"][0]
        lines.append((f"pcapkit findings {file(row)}", "evidence, RFC and remedy of each finding"))
        lines.append((f"pcapkit explain {row['rule']}", "what that means, why it matters, what to do"))
        lines.append((f"pcapkit show {file(row)} {row['frame']}", "that packet, each field marked and named"))
        if row["transport"] == "tcp":
            lines.append((f"pcapkit follow {file(row)} {row['stream']}", "both sides of that stream"))
    elif talk:
        lines.append((f"pcapkit flows {file(tables['captures'][0])}", "every conversation"))
    else:
        lines.append((f"pcapkit packets -r {file(tables['captures'][0])}", "every packet"))
    wide = max(len(command) for command, _ in lines)
    for command, what in lines:
        _say(f"  {command:{wide}}  {what}", wide + 4)
