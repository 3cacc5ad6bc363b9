"""The verbs that show one table each."""

from __future__ import annotations

from typing import Any

import click

from pcapkit.cli.inputs import Run, begin, document, print_json, shared, width
from pcapkit.cli.maillog import Logged, log_tables, with_maillog
from pcapkit.formats.text import chunk_rows, table
from pcapkit.records import SESSION_COOKIE

_SHOWN = {
    "flows": ("flows", "stream transport client client_port server server_port service state client_packets "
                       "server_packets client_bytes server_bytes client_gap_bytes server_gap_bytes"),
    "http": ("http", "frame stream client method url status content_type request_body_bytes response_body_bytes"),
    "forms": ("http_forms", "frame stream client server name value encoding filename"),
    "smtp": ("smtp", "frame reply_frame stream command argument code enhanced_code text encrypted"),
    "mail": ("mail", "frame stream mail_from rcpt_to from to subject size queue_id attachments"),
    "dns": ("dns", "frame response_frame client server id type name rcode answers rtt_s"),
    "tls": ("tls", "frame stream client server server_port sni version cipher key_exchange resumed history"),
    "credentials": ("credentials", "frame stream client server server_port protocol mechanism username secret outcome"),
    "findings": ("findings", "severity confidence frame rule title message"),
}
_HELP = {"flows": "Connections and conversations.", "http": "Requests with their responses.",
         "forms": "Fields of forms and queries.",
          "dns": "Questions with their responses.",
         "findings": "What is wrong, with evidence and what to do about it."}


def command(name: str) -> click.Command:
    """The command of a table."""
    def verb(**options: Any) -> None:
        run = begin(**options)
        show(name, run, options["as_json"])
        raise click.exceptions.Exit(run.exit_code)
    return click.command(name, help=_HELP[name])(shared(with_maillog(verb) if name == "findings" else verb))


def show(name: str, run: Run, as_json: bool) -> None:
    """The rows of a table, or what is said where there are none."""
    source, columns = _SHOWN[name]
    if as_json:
        print_json(document(run, [source, *(log_tables(run) if name == "mail" else ())]))
    elif name == "findings":
        _findings(run)
    else:
        names = ["file"] * (len(run.sources) > 1) + columns.split()
        logged = Logged()
        rows = [r for c in logged.passing(run.chunks()) if c.table.name == source for r in chunk_rows(c, names)]
        if name == "credentials":
            rows.sort(key=lambda row: row[names.index("mechanism")] == SESSION_COOKIE)
        if rows:
            shown = table(names, rows, width())
            click.echo(shown)
            if "…" in shown and width() is not None:
                click.echo("pcapkit: … is cut for this terminal; nothing is in a pipe (| less -S) and with --json", err=True)
        elif run.was_read:
            click.echo(f"no {name} in {where(run)}")
        logged.show()


def where(run: Run) -> str:
    """What was looked at, in words."""
    these = "this capture" if len(run.sources) == 1 else "these captures"
    return f"what the filter takes of {these}" if run.options.filter else these


def _findings(run: Run) -> None:
    names = ("severity", "confidence", "frame", "rule", "message", "rfc", "display_filter", "capture_filter", "remedy",
             "file")
    rows = [r for c in run.chunks() if c.table.name == "findings" for r in chunk_rows(c, names)]
    for number, (severity, confidence, frame, rule, message, rfc, display, capture, remedy, file) in enumerate(rows, 1):
        of = f" of {file}" if len(run.sources) > 1 else ""
        click.echo(f"{number}. {severity.upper()} ({confidence})  {rule}, frame {frame}{of}\n  {message}\n  why        {rfc}\n"
                   f"  Wireshark  {display}\n  tcpdump    {capture}\n  remedy     {remedy}\n")
    if rows:
        click.echo("what a rule means, and what to do: pcapkit explain RULE")
    elif run.was_read:
        click.echo(f"no findings in {where(run)}")
