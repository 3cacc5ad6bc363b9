"""Words completed by the shell: verbs, options, their values, rules, and names of files where nothing else is known."""

from __future__ import annotations

from typing import Any

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
    get_completion_class,
    shell_complete,
)

VARIABLE = "_PCAPKIT_COMPLETE"
"""In the environment: what the shell asks for."""
_SHELLS = ("bash", "zsh", "fish")
_HELP = """Print what BASH, ZSH or FISH need to complete the words of pcapkit.

\b
bash  eval "$(pcapkit completion bash)"     in ~/.bashrc
zsh   eval "$(pcapkit completion zsh)"      in ~/.zshrc, behind compinit
fish  pcapkit completion fish | source      in ~/.config/fish/config.fish
"""


class _Files(ShellComplete):
    """Completes names of files where nothing else is known."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[Any]]:
        """What fits; the shell itself knows its files."""
        return super().get_completions(args, incomplete) or [CompletionItem(incomplete, type="file")]


class _Bash(_Files, BashComplete):
    pass


class _Zsh(_Files, ZshComplete):
    pass


class _Fish(_Files, FishComplete):
    pass


for _shell in (_Bash, _Zsh, _Fish):
    add_completion_class(_shell)


def complete(commands: click.Command, asked: str) -> int:
    """Answer the shell; returns the exit code."""
    return shell_complete(commands, {}, "pcapkit", VARIABLE, asked)


def command(name: str) -> click.Command:
    """The command `completion`."""
    return _completion


@click.command("completion", help=_HELP, short_help="What bash, zsh or fish need to complete words.")
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def _completion(context: click.Context, shell: str) -> None:
    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(context.find_root().command, {}, "pcapkit", VARIABLE).source())
