"""The command line: `pcapkit FILE...` answers; verbs show the same data in other ways. Commands load when used."""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module

import click

from pcapkit import __version__
from pcapkit.errors import (
    CaptureError,
    ExerciseError,
    KeysError,
    LogError,
    OutputError,
    PcapkitError,
    PolicyError,
    StoreError,
)

PURPOSES: dict[str, dict[str, str]] = {
    "Judge": {"findings": "tables", "explain": "explain", "timeline": "timeline", "compare": "compare"},
    "Look into protocols": {
        "flows": "tables", "http": "tables", "forms": "tables", "smtp": "smtp", "mail": "mail", "dns": "tables", "tls": "tls",
        "certificates": "certificates", "credentials": "credentials"},
    "Look at packets and streams": {"packets": "packets", "show": "show", "follow": "follow"},
    "Take out and hand on": {
        "report": "report", "export": "export", "sql": "sql", "extract": "extract", "slice": "slice", "sanitize": "sanitize",
        "decrypt": "decrypt"},
    "Teach": {"exercise": "exercise"},
    "pcapkit itself": {"list": "shelves", "limits": "limits", "doctor": "doctor", "completion": "completion"},
}
"""The verbs by what they are for, each with the module of its command."""
_VERBS = {verb: place for verbs in PURPOSES.values() for verb, place in verbs.items()} | {"answer": "answer"}


class _Commands(click.Group):
    """Finds commands by name, and takes a call without one for the answer."""

    def list_commands(self, context: click.Context) -> list[str]:
        """The verbs."""
        return [v for v in _VERBS if v != "answer"]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Import the module of a verb."""
        place = _VERBS.get(name)
        if place is None:
            return None
        command: click.Command = import_module(f"pcapkit.cli.{place}").command(name)
        return command

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """`pcapkit FILE` is `pcapkit answer FILE`."""
        if args and args[0] not in _VERBS and args[0] not in ("--help", "-h", "--version"):
            args = ["answer", *args]
        return super().parse_args(context, args)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """The verbs by what they are for."""
        widest = max(map(len, _VERBS))
        for purpose, verbs in PURPOSES.items():
            with formatter.section(purpose):
                formatter.write_dl([(f"{verb:{widest}}", self._short(context, verb)) for verb in verbs])

    def _short(self, context: click.Context, verb: str) -> str:
        found = self.get_command(context, verb)
        return found.get_short_help_str(90) if found else ""


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=False)
@click.version_option(__version__, message="pcapkit %(version)s")
def commands() -> None:
    """From a packet capture to the answer.

    \b
    pcapkit FILE...                       the answer, on one screen
    pcapkit forms FILE --show-secrets     what was typed into forms
    pcapkit packets -n -t -r FILE port 53 tcpdump's view
    """


def main() -> None:
    """Run the command line; never a traceback. An input that could not be read counts before an output (3 before 5)."""
    gc.set_threshold(500_000)  # what a start loads and an analysis keeps stays: not to be looked through for garbage
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy starts one for each core, for algebra not done here
    if os.environ.get("NO_COLOR"):
        os.environ.pop("FORCE_COLOR", None)
    if asked := os.environ.get("_PCAPKIT_COMPLETE"):
        from pcapkit.cli.completion import complete
        sys.exit(complete(commands, asked))
    code, unread = _run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _unplug()
    except OSError as error:
        code = _full(error)
    gc.freeze()  # all ends here: a last look through it for garbage is some percent of a short run
    sys.exit(3 if unread and code == 5 else code)


def _run(words: list[str]) -> tuple[int, bool]:
    """The exit code, and whether some input could not be read. An error is one line on standard error."""
    context = None
    try:
        with commands.make_context("pcapkit", words, color=False if os.environ.get("NO_COLOR") else None) as context:
            commands.invoke(context)
        code = 0
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except (click.ClickException, PcapkitError) as error:
        code = _complain(error)
    except BrokenPipeError:
        code = _unplug()
    except OSError as error:
        code = _full(error)
    except (KeyboardInterrupt, click.exceptions.Abort):
        click.echo("pcapkit: interrupted", err=True)
        code = 130
    return code, bool(context and context.obj and context.obj.unreadable)


def _complain(error: click.ClickException | PcapkitError) -> int:
    """Say in one line what is wrong; returns the exit code for it."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return 2
    text = error.format_message() if isinstance(error, click.ClickException) else str(error)
    help = f" (help: {error.ctx.command_path} --help)" if isinstance(error, click.UsageError) and error.ctx else ""
    click.echo(f"pcapkit: {text}{help}", err=True)
    if isinstance(error, CaptureError | ExerciseError | KeysError | LogError | PolicyError | StoreError):
        return 3
    return 5 if isinstance(error, OutputError) else 2


def _unplug() -> int:
    """Nobody reads on: let the rest of the output go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _full(error: OSError) -> int:
    """Standard output cannot be written: inputs and files have errors of their own."""
    click.echo(f"pcapkit: standard output: cannot be written: {error.strerror or error}", err=True)
    _unplug()
    return 5
