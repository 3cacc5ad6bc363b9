"""Exercises for classes: a capture for each student, with sealed answers; and the marks of what comes back."""

from __future__ import annotations

import csv
import os
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pcapkit.cli.inputs import print_json, width
from pcapkit.cli.outputs import told
from pcapkit.errors import ExerciseError, OutputError
from pcapkit.formats.text import escape, table

if TYPE_CHECKING:
    from pcapkit.exercises.grading import Grade
    from pcapkit.exercises.papers.keys import Key, Seal

_ENVIRONMENT = "PCAPKIT_EXERCISE_PASSPHRASE"
_WIDE = 80
_MOST_STUDENTS = 10_000
_HEADINGS = ("id", "student", "user", "username", "login")
"""In the first line of a list of students, these are no student."""


def command(name: str) -> click.Command:
    """The commands `exercise list`, `exercise new` and `exercise grade`."""
    return _exercise


@click.group("exercise", help="Exercises for a class: a capture for each student, sealed answer keys, and grading.")
def _exercise() -> None:
    pass


@_exercise.command("list", help="The scenarios, and what each is about.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def _list(as_json: bool) -> None:
    from pcapkit.exercises import scenarios
    from pcapkit.exercises.papers.prose import prose
    rows = [{"name": one.name, "title": prose(one.name).title, "what": (one.__doc__ or "").partition("\n")[0]}
            for one in scenarios().values()]
    if as_json:
        print_json({"schema_version": 1, "exercises": rows})
        return
    for row in rows:
        click.echo(f"{row['name']:10}{row['title']}")
        click.echo(textwrap.fill(row["what"], width() or _WIDE, initial_indent=" " * 10, subsequent_indent=" " * 10))


def _passphrase(function: Callable[..., Any]) -> Callable[..., Any]:
    """The option `--passphrase-file`."""
    return click.option("--passphrase-file", metavar="FILE", type=click.Path(),
                        help=f"The first line of FILE is the passphrase of the keys; else {_ENVIRONMENT}, else you are asked."
                        )(function)


@_exercise.command("new", help="Make an exercise, or several, or all, for each student. A folder of the class has student/ID for "
                   "each student, and keys/ID.key apart from it; of several exercises, each has a folder of its own.")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--student", "students", multiple=True, metavar="ID", help="A student; may be given several times.")
@click.option("--students", "file", metavar="FILE", type=click.Path(),
              help="A student a line; of a CSV file, the first column, headed or not.")
@click.option("--seed", required=True, metavar="TEXT", help="Of the course: the same seed and student give the same exercise. "
              "Whoever knows it can make the answers, too.")
@click.option("--output", "-o", required=True, metavar="DIR", type=click.Path(), help="Where to write.")
@click.option("--open-key", is_flag=True, help="Write the keys in the clear (keys/ID.key.json), with what proves each answer.")
@click.option("--replace", is_flag=True, help="Write over exercises that are there.")
@_passphrase
def _new(names: tuple[str, ...], students: tuple[str, ...], file: str | None, seed: str, output: str, open_key: bool,
         replace: bool, passphrase_file: str | None) -> None:
    from pcapkit.exercises import scenarios
    from pcapkit.exercises.making import make
    shelf = scenarios()
    wanted = list(shelf) if names == ("all",) else list(dict.fromkeys(names))
    for name in wanted:
        if name not in shelf:
            raise click.UsageError(f"no exercise {name!r}; there are {', '.join(shelf)}, and all")
    everybody = _students(students, file)
    folders = {name: Path(output) / name if len(wanted) > 1 else Path(output) for name in wanted}
    if not replace:
        _refuse_old(folders.values(), everybody)
    seal = None if open_key else _seal(passphrase_file, confirm=True)
    with _counted(len(wanted) * len(everybody)) as count:
        for name, folder in folders.items():
            for student in everybody:
                exercise = make(shelf[name], seed, student)
                _write(folder / "student" / student, exercise.files)
                _write_key(folder / "keys", exercise.key, seal)
                count()
    total = len(everybody)
    click.echo(f"{', '.join(wanted)}: {total} student{'s' * (total != 1)}; hand out {Path(output)}"
               f"{'/*' * (len(wanted) > 1)}/student, keep .../keys and the seed to yourself", err=True)


def _students(given: Sequence[str], file: str | None) -> list[str]:
    """All students, each once. Names must do as names of folders everywhere."""
    from pcapkit.exercises.papers.keys import is_student
    found = list(given)
    if file is not None:
        try:
            lines = Path(file).read_text(encoding="utf-8-sig", errors="replace").splitlines()
        except OSError as error:
            raise ExerciseError(f"{file}: cannot be read: {error.strerror or error}") from None
        first = [line.replace(";", ",").replace("\t", ",") for line in lines if line.strip() and not line.startswith("#")]
        column = [row[0].strip() for row in csv.reader(first[:_MOST_STUDENTS]) if row]
        found += column[1:] if column and column[0].lower() in _HEADINGS else column
    if not found:
        raise click.UsageError("no student given; try --student ID or --students FILE")
    seen: dict[str, str] = {}
    for student in found:
        if not is_student(student):
            raise click.UsageError(f"{escape(student[:80])!r} cannot be a student: letters, digits and ._@+- please, since "
                                   "folders are called so")
        if seen.setdefault(student.casefold(), student) != student:
            raise click.UsageError(f"{student} and {seen[student.casefold()]} differ in upper and lower case only, which not all "
                                   "file systems do")
    return list(dict.fromkeys(found))


def _refuse_old(folders: Iterable[Path], students: Sequence[str]) -> None:
    for folder in folders:
        for student in students:
            for path in (folder / "student" / student, *(folder / "keys" / f"{student}{end}" for end in (".key", ".key.json"))):
                if path.exists():
                    raise OutputError(f"{path}: is there already; --replace writes over it")


def _seal(path: str | None, confirm: bool = False) -> Seal:
    from pcapkit.exercises.papers.keys import Seal
    if path is not None:
        try:
            passphrase = next(iter(Path(path).read_text().splitlines()), "")
        except (OSError, UnicodeDecodeError) as error:
            raise ExerciseError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    elif not (passphrase := os.environ.get(_ENVIRONMENT, "")):
        if not sys.stdin.isatty():
            raise click.UsageError(f"the keys need a passphrase: --passphrase-file, or the variable {_ENVIRONMENT}"
                                   + ("; or --open-key, to leave them open" if confirm else ""))
        passphrase = click.prompt("Passphrase of the answer keys", hide_input=True, confirmation_prompt=confirm, err=True)
    if not passphrase:
        raise click.UsageError("the passphrase is empty")
    return Seal(passphrase)


def _write(folder: Path, files: dict[str, bytes]) -> None:
    with told(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (folder / name).write_bytes(data)


def _write_key(folder: Path, key: Key, seal: Seal | None) -> None:
    """For nobody else to read; a key of the other kind goes, so that there is one."""
    from pcapkit.exercises.papers.keys import OPEN_SUFFIX, SUFFIX
    name, other = (SUFFIX, OPEN_SUFFIX) if seal else (OPEN_SUFFIX, SUFFIX)
    path = folder / f"{key.student}{name}"
    with told(path):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / f"{key.student}{other}").unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_text(seal.close(key) if seal else key.dump())


@contextmanager
def _counted(total: int) -> Iterator[Callable[[], None]]:
    """A line that counts on a terminal, where there is much to do."""
    done, seen = 0, sys.stderr.isatty() and total > 5

    def count() -> None:
        nonlocal done
        done += 1
        if seen:
            click.echo(f"\r{done} of {total}", nl=False, err=True)
    try:
        yield count
    finally:
        if seen:
            click.echo("\r" + " " * 30 + "\r", nl=False, err=True)


@_exercise.command("grade", help="Marks for a folder of forms and notebooks, by the keys in another one.")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--keys", required=True, metavar="DIR", type=click.Path(path_type=Path), help="The keys of that exercise.")
@click.option("--output", "-o", metavar="DIR", type=click.Path(path_type=Path),
              help="Write grades.csv, and feedback/ID.txt for each student.")
@click.option("--reveal", is_flag=True, help="Feedback has the answers, with the filter and frame that prove them.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@_passphrase
def _grade(folder: Path, keys: Path, output: Path | None, reveal: bool, as_json: bool, passphrase_file: str | None) -> None:
    from pcapkit.exercises.grading import grade
    from pcapkit.exercises.papers.submissions import collect
    found = _keys(keys, passphrase_file)
    scenario = next(iter(found.values())).scenario
    handed_in = collect(folder, found, scenario)
    grades = grade(found, handed_in.students)
    if output is not None:
        _write_grades(output, grades, reveal)
    if as_json:
        print_json({"schema_version": 1, "exercise": scenario, "problems": handed_in.problems,
                    "grades": [_row(one) for one in grades]})
        return
    _show(grades, handed_in.problems)
    if output is not None:
        click.echo(f"grades.csv and feedback for {len(grades)} students written to {output}", err=True)


def _keys(folder: Path, passphrase_file: str | None) -> dict[str, Key]:
    """The keys in a folder, by student; all of one exercise."""
    from pcapkit.exercises.papers.keys import OPEN_SUFFIX, SUFFIX, read_key
    paths = sorted(path for path in folder.glob("*") if path.name.endswith((SUFFIX, OPEN_SUFFIX)))
    if not paths:
        raise ExerciseError(f"{folder}: has no keys (ID{SUFFIX}); those that `exercise new` has written are meant")
    seal = _seal(passphrase_file) if any(path.name.endswith(SUFFIX) for path in paths) else None
    found: dict[str, Key] = {}
    for path in paths:
        key = read_key(path, seal)
        if key.student in found:
            raise ExerciseError(f"{path}: is a second key of {key.student}")
        found[key.student] = key
    if len(names := {key.scenario for key in found.values()}) > 1:
        raise ExerciseError(f"{folder}: has keys of several exercises ({', '.join(sorted(names))}); grade one at a time")
    return found


def _row(one: Grade) -> dict[str, Any]:
    return {"student": one.key.student, "points": one.points, "of": one.key.points, "marks": [mark.points for mark in one.marks],
            "files": one.files, "problems": one.problems}


def _show(grades: Sequence[Grade], problems: Sequence[str]) -> None:
    numbers = [str(number) for number in range(1, 1 + max(len(one.marks) for one in grades))]
    rows = [[one.key.student, *(f"{mark.points:g}" if mark.given else "-" for mark in one.marks), f"{one.points:g}",
             str(one.key.points)] for one in grades]
    click.echo(table(["student", *numbers, "points", "of"], rows, width()))
    told_of = [(one.key.student, problem) for one in grades for problem in one.problems]
    for student, problem in told_of:
        click.echo(f"{student}: {escape(problem)}")
    for problem in problems:
        click.echo(escape(problem))
    handed = [one.points for one in grades if one.files]
    mean = f", {sum(handed) / len(handed):.1f} points on average" if handed else ""
    click.echo(f"{len(handed)} of {len(grades)} students handed in{mean}", err=True)


def _write_grades(folder: Path, grades: Sequence[Grade], reveal: bool) -> None:
    from pcapkit.exercises.grading import feedback
    from pcapkit.formats.csv import cell
    with told(folder):
        (folder / "feedback").mkdir(parents=True, exist_ok=True)
        with (folder / "grades.csv").open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            numbers = [f"q{number}" for number in range(1, 1 + len(grades[0].marks))]
            rows.writerow(["student", "exercise", "points", "of", *numbers, "problems"])
            for one in grades:
                rows.writerow([cell(one.key.student), one.key.scenario, f"{one.points:g}", one.key.points,
                               *(f"{mark.points:g}" for mark in one.marks), cell("; ".join(map(escape, one.problems)))])
        for one in grades:
            (folder / "feedback" / f"{one.key.student}.txt").write_text(feedback(one, reveal), encoding="utf-8")
