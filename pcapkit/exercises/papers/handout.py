"""The handout of a student, in Markdown."""

from __future__ import annotations

from dataclasses import dataclass

from pcapkit.exercises import KEYLOG
from pcapkit.exercises.papers.answers import points
from pcapkit.exercises.papers.keys import Key
from pcapkit.exercises.papers.prose import Prose
from pcapkit.exercises.papers.questions import SAYS, Question

_FRAME = """A frame's number is its place in the capture, counted from 1, as Wireshark's column *No.* shows it. Where a message \
takes several frames, the one counts in which Wireshark shows it whole."""
_MADE_UP = """Hosts, names, addresses and passwords were made up by a program, and nothing in this capture was ever sent \
anywhere. Your capture is your own: other students were asked the same questions and have other answers."""


@dataclass
class Paper:
    """What a handout is made of: the key, the text, how many packets there are, and whether a key log comes with them."""

    key: Key
    told: Prose
    packets: int
    keylog: bool


def handout(paper: Paper) -> str:
    """Story, files, questions, and how to hand in."""
    key = paper.key
    asked = "\n\n".join(f"### Question {number}\n\n{question_text(q)}" for number, q in enumerate(key.questions, 1))
    return f"""{opening(paper)}
## Where to begin

{paper.told.start}

{_FRAME}

## Questions

{asked}

## To hand in

Fill in `answers.txt` (one line for each answer), or the cells of `{key.scenario}.ipynb` if you like notebooks better, and hand
in **one** of them. Leave the lines `exercise:` and `student:` as they are. A part of a set or a near miss of a frame is worth a
part of the points; an answer that is wrong costs nothing, so do not leave one empty.
"""


def opening(paper: Paper) -> str:
    """Title, story and files."""
    key = paper.key
    others = f"| `{KEYLOG}` | a key log: the secrets of TLS sessions |\n" if paper.keylog else ""
    return f"""# {key.title}

For **{key.student}**; {points(key.points)} in {len(key.questions)} questions.

{paper.told.story}

{_MADE_UP}

| file | what it is |
|---|---|
| `{key.scenario}.pcap` | the capture, {paper.packets} packets, SHA-256 `{key.sha256[:16]}…` |
{others}| `answers.txt` | the form for your answers |
| `{key.scenario}.ipynb` | the same questions as a notebook |
"""


def question_text(question: Question) -> str:
    """The question, with the options of a choice, its points, and what is wanted."""
    options = "".join(f"- **{chr(97 + i)}** {option}\n" for i, option in enumerate(question.options))
    return f"{question.text}\n\n{options}{chr(10) * bool(options)}*{points(question.points)}: {SAYS[question.kind]}*"
