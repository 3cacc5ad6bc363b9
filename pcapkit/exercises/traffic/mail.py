"""SMTP as both ends speak it, line by line, and messages to send with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from pcapkit.exercises import words
from pcapkit.exercises.draw import Draw
from pcapkit.exercises.traffic.trace import Conversation, Said
from pcapkit.records import CLIENT, SERVER


class Talk:
    """A conversation with a mail server; each of `ask` and `tell` returns what was said."""

    def __init__(self, conversation: Conversation, greeting: str) -> None:
        self.conversation = conversation
        self.asked = self.tell(greeting)

    def tell(self, *lines: str) -> Said:
        """The server replies."""
        return self.conversation.say(SERVER, "".join(f"{line}\r\n" for line in lines))

    def ask(self, command: str, *reply: str, repeated: bool = False) -> Said:
        """The client commands, the server replies; returns the reply, and keeps the command in `asked`."""
        self.asked = self.conversation.say(CLIENT, command + "\r\n", repeated=repeated)
        return self.tell(*reply)

    def send(self, message: str, *reply: str) -> Said:
        """DATA and the message; returns the reply, and keeps the message's end in `asked`."""
        self.ask("DATA", "354 End data with <CR><LF>.<CR><LF>")
        self.asked = self.conversation.say(CLIENT, message + "\r\n.\r\n")
        return self.tell(*reply)

    def quit(self) -> None:
        """The end."""
        self.ask("QUIT", "221 2.0.0 Bye")
        self.conversation.close()


def message(time: int, headers: Sequence[tuple[str, str]], body: str) -> str:
    """A message of that time, in nanoseconds since the epoch."""
    date = datetime.fromtimestamp(time // 1_000_000_000, UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")
    return "\r\n".join([*(f"{name}: {value}" for name, value in (("Date", date), *headers)), "", body])


def sentences(draw: Draw, count: int) -> str:
    """Some lines about nothing in particular."""
    return "\r\n".join(
        f"The {draw.choice(words.COLOURS)} {draw.choice(words.THINGS)} is {draw.choice(('behind', 'beside', 'under', 'on'))} the "
        f"{draw.choice(words.PLANTS)}, {draw.between(2, 60)} paces from the {draw.choice(words.THINGS)}." for _ in range(count))
