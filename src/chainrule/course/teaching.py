"""For teachers: the exercises to hand out, with their solutions, and the checks of many submissions at once.

A submission is a student's file or notebook, or a student's folder. Which exercise a file is, and whose, is told by its name; where the
name does not say the exercise, by its title. Whatever is wrong with one submission is told in its own row, and is no matter of the others.
Files in folders that tell their exercise in neither way are not checked; they are named on standard error, and in the report.
"""

from __future__ import annotations

import csv
import errno
import io
import os
import re
import tempfile
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from chainrule.course.cells import write_cells
from chainrule.course.checking import ERROR, NOT_DONE, PASSED, STOPPED, WRONG, Verdict
from chainrule.course.exercises import EXERCISES, PICTURES, Exercise, by_number
from chainrule.course.folder import COPIES, FILES, NOTEBOOKS, FolderError, cells_of, content_of, parts_of
from chainrule.course.sandbox import check
from chainrule.course.telling import HEADS, as_text
from chainrule.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from chainrule.course.judging import Part

MISSING, UNREADABLE = "missing", "unreadable"  # states of what could not be checked, beside those of a Verdict
TABLE, REPORT = "grades.csv", "report.md"
LARGEST = 16 << 20  # bytes of a submission
DEEPEST = 6  # levels of folders in which exercises are looked for, below a folder that was named
MARKS = {PASSED: "✓", WRONG: "✗", ERROR: "!", STOPPED: "!", NOT_DONE: "○", UNREADABLE: "?", MISSING: "–"}  # the best first
UNTOLD = "it cannot be told which exercise these are"
LEGEND = "✓ right, ✗ not right yet, ! does not run or had to be stopped, ○ not done yet, ? cannot be read, – not there"


# --- handing out --------------------------------------------------------------------------------------------------------------------------


def exported(exercises: Sequence[Exercise], kinds: Sequence[str]) -> dict[str, bytes]:
    """What to hand out, and what to keep: the files of `student` and `solution`, by their paths.

    Arguments:
        exercises: which.
        kinds: FILES, NOTEBOOKS, or both.

    Raises:
        ImportError: if notebooks are asked for, and Jupytext is not installed.
    """
    files: dict[str, bytes] = {}
    for exercise in exercises:
        solution = exercise.solution_cells()
        for kind in kinds:
            name = f"{exercise.stem}{kind}"
            files[f"student/{name}"] = content_of(exercise, exercise.blank_cells(), kind)
            files[f"solution/{name}"] = write_cells(solution).encode() if kind == FILES else content_of(exercise, solution, kind)
        for picture in re.findall(r"\(pictures/([\w.-]+)\)", "\n".join(cell.text for cell in solution if not cell.is_code)):
            for folder in ("student", "solution"):
                files[f"{folder}/pictures/{picture}"] = (PICTURES / picture).read_bytes()
    files["student/README.md"] = _for_students(kinds).encode()
    files["solution/README.md"] = _for_teachers().encode()
    return files


def _for_students(kinds: Sequence[str]) -> str:
    ways = []
    if FILES in kinds:
        ways.append(
            "The files ending in `.py` are for an editor of your own. `chainrule learn --terminal .`, typed in this folder, checks the\n"
            "exercise that you are at whenever you save it; `hint`, `next` and `help` are commands there."
        )
    if NOTEBOOKS in kinds:
        ways.append(
            "The files ending in `.ipynb` are notebooks. `chainrule learn .`, typed in this folder, opens them in JupyterLab. A cell that\n"
            "begins with `%%exercise` is checked whenever you run it."
        )
    return (
        "# The course\n\nEach file is an exercise: it says what to do, and where. The lines to write are those that say\n"
        "`raise NotImplementedError(...)`.\n\n" + "\n\n".join(ways) + "\n\nKeep the names of the files: they say which exercise is which.\n"
    )


def _for_teachers() -> str:
    return (
        "# The course, with solutions\n\nThese are the files of the folder `student` with the solutions in place. They run as they are.\n\n"
        "`chainrule course grade` checks what students hand in.\n"
    )


def write_files(folder: Path, files: dict[str, bytes]) -> None:
    """Write files into a folder, if none of them is there already with something else in it.

    Raises:
        FileExistsError: if one is; nothing is written then.
        OSError: if one cannot be written.
    """
    for name, content in files.items():
        path = folder / name
        if path.is_dir() or (path.exists() and path.read_bytes() != content):
            raise FileExistsError(f"{path} is there already, and is never overwritten; choose another folder")
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / name, content)


# --- submissions --------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PassedOver:
    """A file, or a folder, that is no submission, though it might have been meant as one.

    Arguments:
        path: where it is.
        reason: why it was not looked at; "" if it was, and tells no exercise.
    """

    path: Path
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.path} ({self.reason})" if self.reason else str(self.path)


@dataclass(frozen=True)
class Submission:
    """A piece of work that was handed in.

    Arguments:
        path: the file.
        student: whose it is.
        exercise: what it answers; None if that is not known.
        folder: where it finds modules that it imports; None if it shares its folder with others' work.
        named_after: what the student's name was taken from, a folder or a file; None if it is a part of the file's name.
        trouble: why it cannot be checked; "" if it can.
        state: MISSING or UNREADABLE, if it cannot.
    """

    path: Path
    student: str
    exercise: Exercise | None
    folder: Path | None = None
    named_after: Path | None = None
    trouble: str = ""
    state: str = UNREADABLE


class Found(NamedTuple):
    """What is meant by some paths.

    Arguments:
        submissions: in their order.
        left_out: files that answer other exercises than those that were asked for.
        passed_over: what is no submission.
    """

    submissions: list[Submission]
    left_out: list[Path]
    passed_over: list[PassedOver]


def submissions_in(paths: Iterable[str | Path], only: Sequence[Exercise] = ()) -> Found:
    """The submissions that are meant by paths.

    Arguments:
        paths: files, students' folders, or folders of these.
        only: which exercises to look at; all if there is none. A file that does not say which exercise it is answers this one.
    """
    found: dict[Path, Submission] = {}
    left_out: list[Path] = []
    passed_over: dict[Path, PassedOver] = {}
    for path in map(Path, paths):
        over: list[PassedOver] = []
        try:
            submissions = _meant_by(path, only, over)
        except OSError as error:
            submissions = [Submission(path, path.stem, None, trouble=f"This cannot be read: {error.strerror}.")]
        for submission in submissions:
            if only and submission.exercise is not None and submission.exercise not in only:
                left_out.append(submission.path)
            else:
                found.setdefault(submission.path.absolute(), submission)
        passed_over |= {each.path.absolute(): each for each in over}
    over = [each for path, each in passed_over.items() if each.reason or path not in found]
    return Found(_told_apart(list(found.values())), left_out, over)


def _meant_by(path: Path, only: Sequence[Exercise], over: list[PassedOver]) -> list[Submission]:
    """The submissions that are meant by one path; what is passed over is added to `over`."""
    if not path.is_dir():
        return [_file(path, only)]
    answers = _answers_in(path, over)
    if not answers:
        return [_no_exercise(path, _name_of(path))]
    found: list[Submission] = []
    for folder, files in _students(path, answers, is_class=True):
        student = _name_of(path) if folder == path else folder.relative_to(path).as_posix()
        if not files:
            found.append(_no_exercise(folder, student))
            continue
        names = {named[1] for file in files if file.parent == folder and (named := _named(file)) is not None and named[1]}
        are_several = len(names) > 1  # students' files side by side; one without a student's name in it is told by its own
        own = [_file(file, only, (file.stem, file) if are_several and _named(file) is None else (student, folder)) for file in files]
        answered = [submission.exercise for submission in own if submission.folder is not None]
        for exercise in only if answered else ():
            if exercise not in answered:
                file, trouble = folder / f"{exercise.stem}{FILES}", "The folder has no file of this exercise."
                own.append(Submission(file, student, exercise, None, folder.resolve(), trouble, MISSING))
        found += own
    return found


def _no_exercise(folder: Path, student: str) -> Submission:
    return Submission(folder, student, None, named_after=folder.resolve(), trouble="There is no exercise in this folder.")


def _answers_in(folder: Path, over: list[PassedOver]) -> dict[Path, Exercise | None]:
    """The files of exercises in a folder and those below it, and in which of the folders in it there are only others, by None."""
    answers: dict[Path, Exercise | None] = {}
    for path in _visible(folder):
        if _is_file(path):
            if (exercise := _exercise_of(path, over)) is not None:
                answers[path] = exercise
            continue
        inner: dict[Path, Exercise | None] = {}
        count = len(over)
        for file in _files_below(path, DEEPEST - 1, over, {folder.resolve()}):
            if (exercise := _exercise_of(file, over)) is not None:
                inner[file] = exercise
        answers |= inner or ({path: None} if len(over) > count else {})
    return answers if any(answers.values()) else {}


def _is_file(path: Path) -> bool:
    """Whether a path is a file, or a folder that has the name of an exercise's file, which is told as such."""
    return not os.path.isdir(path) or (path.suffix.lower() in (FILES, NOTEBOOKS) and _named(path) is not None)


def _exercise_of(path: Path, over: list[PassedOver]) -> Exercise | None:
    """The exercise that the name or the title of a file in a folder tells. Python files and notebooks that tell none are passed over."""
    if path.suffix.lower() not in (FILES, NOTEBOOKS):
        return None
    named = _named(path)
    exercise = named[0] if named is not None else _titled(path)
    if exercise is None:
        over.append(PassedOver(path))
    return exercise


def _visible(folder: Path) -> list[Path]:
    """What is in a folder, but for what programs keep there."""
    kept = (COPIES, "pictures", "node_modules", "site-packages")
    return sorted(path for path in folder.iterdir() if not path.name.startswith((".", "__")) and path.name not in kept)


def _files_below(folder: Path, levels: int, over: list[PassedOver], seen: set[Path]) -> Iterator[Path]:
    """The files in a folder and those below it, but for virtual environments, and for folders that a link leads back to."""
    try:
        if not os.access(folder, os.R_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        if folder.resolve() in seen or (folder / "pyvenv.cfg").exists():
            return
        seen.add(folder.resolve())
        inside = _visible(folder)
    except OSError as error:
        over.append(PassedOver(folder, f"this folder cannot be read: {error.strerror}"))
        return
    for path in inside:
        if _is_file(path):
            yield path
        elif levels > 0:
            yield from _files_below(path, levels - 1, over, seen)
        else:
            over.append(PassedOver(path, f"folders are searched {DEEPEST} levels deep"))


def _students(folder: Path, answers: dict[Path, Exercise | None], is_class: bool) -> Iterator[tuple[Path, list[Path]]]:
    """Students' folders, and the files of exercises in them and below.

    A folder is a student's if there are files in it whose names tell no student, or if it is in the folder of a class and does not hold
    the same exercise in two places; in a folder of a class, files may be side by side that tell by their names whose they are.
    """
    direct = [path for path, exercise in answers.items() if path.parent == folder and exercise is not None]
    is_own = bool(direct) and not any((named := _named(path)) is not None and named[1] for path in direct)
    if is_own or not (is_class or _in_two_places(answers)):
        yield folder, [path for path, exercise in answers.items() if exercise is not None]
        return
    if direct:
        yield folder, direct
    for name in dict.fromkeys(path.relative_to(folder).parts[0] for path in answers if path not in direct):
        child = folder / name
        yield from _students(child, {path: exercise for path, exercise in answers.items() if child in (path, *path.parents)}, False)


def _in_two_places(answers: dict[Path, Exercise | None]) -> bool:
    places: dict[Exercise, Path] = {}
    return any(places.setdefault(exercise, path.parent) != path.parent for path, exercise in answers.items() if exercise is not None)


def _named(path: Path) -> tuple[Exercise, str] | None:
    """The exercise that a file's name tells, and whose it is; None if it tells none."""
    for exercise in EXERCISES:
        pattern = rf"(?<!\d)0*{exercise.number}[ _-]{exercise.slug}(?![^\W_])"
        if match := re.search(pattern, path.stem, re.IGNORECASE):
            around = (path.stem[: match.start()], re.sub(r"\(\d+\)", "", path.stem[match.end() :]))  # of a file that was downloaded twice
            return exercise, next((name for text in around if (name := text.strip(" _-."))), "")
    return None


def _titled(path: Path) -> Exercise | None:
    """The exercise that the title in a file tells."""
    try:
        if not path.is_file() or path.stat().st_size > LARGEST or b"Exercise " not in path.read_bytes():
            return None
        cells = cells_of(path)
        texts = [cell.text for cell in cells if not cell.is_code]
        texts += [line[2:] for cell in cells if cell.is_code for line in cell.text.splitlines() if line.startswith("# # ")]
        titles = [match[1] for text in texts if (match := re.match(r"# Exercise (\w+) ·", text))]
        return by_number(titles[0]) if titles else None
    except (FolderError, ImportError, LookupError, OSError, RecursionError):
        return None


def _file(path: Path, only: Sequence[Exercise], owner: tuple[str, Path] | None = None) -> Submission:
    """A file as a submission.

    Arguments:
        path: the file.
        only: which exercises to look at.
        owner: the student in whose folder it is, and that folder; None if the file was named by itself.
    """
    home = path.absolute().parent
    exercise, student = _named(path) or (None, path.stem if owner is None else "")
    name, folder = owner or (_name_of(home), home)
    if exercise is None and owner is None:
        made = Submission(path, student, None, named_after=path.resolve())
    elif student:
        made = Submission(path, student, exercise)
    else:
        made = Submission(path, name, exercise, home, folder.resolve())
    if path.is_dir():
        return replace(made, trouble="This is a folder, not a file.")
    if not path.exists():
        return replace(made, trouble="There is no such file.", state=MISSING)
    if not path.is_file():
        return replace(made, trouble="This is no regular file.")
    if path.suffix.lower() not in (FILES, NOTEBOOKS):
        return replace(made, trouble=f"A submission is a folder, or a file that ends in {FILES} or {NOTEBOOKS}.")
    if path.stat().st_size > LARGEST:
        return replace(made, trouble=f"The file is larger than {LARGEST >> 20} MiB.")
    if exercise is None:
        made = replace(made, exercise=_titled(path) or (only[0] if len(only) == 1 else None))
    if made.exercise is None:
        return replace(made, trouble="Neither its name nor its title says which exercise this is; --exercise N does.")
    return made


def _name_of(folder: Path) -> str:
    return folder.resolve().name or str(folder)


def _told_apart(submissions: list[Submission]) -> list[Submission]:
    """Students whose folders or files have the same name get that of the folder around it too."""
    origins: dict[str, set[Path]] = defaultdict(set)
    for submission in submissions:
        if submission.named_after is not None:
            origins[submission.student].add(submission.named_after)
    return [
        replace(submission, student=f"{_above(submission.named_after, submission.student).name}/{submission.student}")
        if submission.named_after is not None and len(origins[submission.student]) > 1
        else submission
        for submission in submissions
    ]


def _above(path: Path, name: str) -> Path:
    """The folder around a path that a name was taken from, which may be more than one step of it."""
    return path.parents[min(name.count("/"), len(path.parents) - 1)]


# --- grading ------------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """What came of a submission: the columns of the table."""

    submission: str
    student: str
    exercise: str
    title: str
    state: str
    mistake: str = ""
    message: str = ""
    example: str = ""
    got: str = ""
    expected: str = ""
    place: str = ""
    seconds: float = 0.0
    said: str = ""  # what the student would be told; it is in the report, and not in the table

    @property
    def passed(self) -> bool:
        """Whether all is right."""
        return self.state == PASSED


COLUMNS = [field.name for field in fields(Row) if field.name != "said"]


def grade(submissions: Sequence[Submission], jobs: int = 1, done: Callable[[Row], None] = lambda row: None) -> list[Row]:
    """Check submissions, each in a process of its own.

    Arguments:
        submissions: what was handed in.
        jobs: how many to check at the same time.
        done: is called with each row when it is there.

    Returns:
        A row for each, in their order.
    """

    def graded(submission: Submission) -> Row:
        row = _graded(submission, nowhere)
        if row.state != STOPPED or jobs == 1:  # that one ran out of time beside others says nothing; it is checked again alone
            done(row)
        return row

    with tempfile.TemporaryDirectory(prefix="chainrule-") as temporary:
        nowhere = Path(temporary)
        executor = ThreadPoolExecutor(jobs)
        try:
            rows = list(executor.map(graded, submissions))
        finally:
            executor.shutdown(cancel_futures=True)
        for place, row in enumerate(rows):
            if row.state == STOPPED and jobs > 1:
                rows[place] = _graded(submissions[place], nowhere)
                done(rows[place])
    return rows


def _graded(submission: Submission, nowhere: Path) -> Row:
    """Check a submission; whatever happens, there is a row."""
    exercise = submission.exercise
    row = Row(
        submission=str(submission.path),
        student=submission.student,
        exercise=exercise.number if exercise is not None else "",
        title=exercise.title if exercise is not None else "",
        state=submission.state,
        message=submission.trouble,
    )
    if exercise is None or submission.trouble:
        return replace(row, said=f"{submission.path.name}: {submission.trouble}")
    try:
        parts = _parts(submission)
        verdict = check(exercise, parts, submission.folder or nowhere)
        return _row(row, verdict)
    except FolderError as error:
        trouble = str(error)
    except Exception as error:  # what nobody has thought of must not cost the others their rows
        trouble = f"This could not be checked ({type(error).__name__}: {error})."
    return replace(row, state=UNREADABLE, message=trouble, said=f"{submission.path.name}: {trouble}")


def _parts(submission: Submission) -> list[Part]:
    parts = parts_of(submission.path)
    if not any(part.code.strip() for part in parts):
        raise FolderError(f"{submission.path} has no code in it")
    return parts


def _row(row: Row, verdict: Verdict) -> Row:
    example = "\n".join(part for part in (verdict.example, verdict.shows) if part)
    return replace(
        row,
        state=verdict.state,
        mistake=verdict.mistake,
        message=verdict.message,
        example=example,
        got=verdict.got,
        expected=verdict.expected,
        place=verdict.place,
        seconds=round(verdict.seconds, 2),
        said=as_text(verdict),
    )


# --- the table ----------------------------------------------------------------------------------------------------------------------------


def as_csv(rows: Sequence[Row]) -> bytes:
    """The table, for a spreadsheet. A cell that a spreadsheet would take for a formula begins with an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([_cell(getattr(row, column)) for column in COLUMNS])
    return text.getvalue().encode("utf-8", "backslashreplace")


def _cell(content: str | float) -> str:
    text = printable(str(content))
    is_number = re.fullmatch(r"[+-]?\d+(\.\d+)?(e[+-]?\d+)?", text, re.IGNORECASE) is not None
    return f"'{text}" if text.lstrip()[:1] in ("=", "+", "-", "@", "＝", "＋", "－", "＠") and not is_number else text


def printable(text: str) -> str:
    """A text without characters that steer a terminal or end a cell."""
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


# --- the report ---------------------------------------------------------------------------------------------------------------------------


def as_report(rows: Sequence[Row], passed_over: Sequence[PassedOver] = ()) -> bytes:
    """The report: who has done what, which mistakes are the most common, and what each student would be told; in Markdown."""
    students: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        students[row.student].append(row)
    count = f"{_count(len(rows), 'submission')} of {_count(len(students), 'student')}"
    parts = ["# Grades", f"{count}; {sum(row.passed for row in rows)} are right. The table `{TABLE}` has a row for each."]
    parts += [_overview(students), LEGEND + "."]
    parts += ["## Mistakes, the most common first", _mistakes(rows)]
    if passed_over:
        parts += ["## Not checked", f"{UNTOLD[0].upper()}{UNTOLD[1:]}. A file's name tells it, or its title, or `--exercise N`."]
        parts += ["\n".join(f"- {_inline(str(each))}" for each in passed_over)]
    for student, mine in students.items():
        parts += [f"## {_inline(student)}", *_of_student(mine)]
    return ("\n\n".join(parts) + "\n").encode("utf-8", "backslashreplace")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _best(rows: Iterable[Row]) -> Row:
    """The row of the best state: a student may have handed in a file and a notebook."""
    return min(rows, key=lambda row: list(MARKS).index(row.state))


def _overview(students: dict[str, list[Row]]) -> str:
    """Students by exercises."""
    numbers = [
        exercise.number for exercise in EXERCISES if any(row.exercise == exercise.number for rows in students.values() for row in rows)
    ]
    lines = [f"| student | {' | '.join([*numbers, 'right'])} |", "|---|" + ":-:|" * len(numbers) + "--:|"]
    for student, rows in students.items():
        best = {number: _best(mine) for number in numbers if (mine := [row for row in rows if row.exercise == number])}
        marks = [MARKS[best[number].state] if number in best else "–" for number in numbers]
        if any(not row.exercise for row in rows):
            marks.append(f"{sum(row.passed for row in best.values())} ?")
        else:
            marks.append(str(sum(row.passed for row in best.values())))
        lines.append(f"| {_inline(student)} | {' | '.join(marks)} |")
    return "\n".join(lines)


def _mistakes(rows: Sequence[Row]) -> str:
    """Known mistakes, and what else went wrong, by how many students it happened to."""
    who: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        if row.state in (WRONG, ERROR, STOPPED):
            what = row.mistake or ("an answer that no known mistake explains" if row.state == WRONG else HEADS[row.state])
            who[row.exercise, what].add(row.student)
    if not who:
        return "There are none."
    counts = Counter({key: len(names) for key, names in who.items()})
    lines = ["| students | exercise | mistake | who |", "|--:|---|---|---|"]
    for (number, what), count in counts.most_common():
        names = sorted(who[number, what])
        told = ", ".join(map(_inline, names[:5])) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        lines.append(f"| {count} | {number}, {by_number(number).title} | {_inline(what)} | {told} |")
    return "\n".join(lines)


def _of_student(rows: Sequence[Row]) -> list[str]:
    """What a student would be told."""
    parts = []
    for state, words in ((PASSED, "Right"), (NOT_DONE, "Not done yet")):
        numbers = list(dict.fromkeys(row.exercise for row in rows if row.state == state))
        if numbers:
            parts.append(f"{words}: {', '.join(numbers)}.")
    for row in rows:
        if row.state not in (PASSED, NOT_DONE):
            parts.append(_fenced(f"{row.said}\n\nin {row.submission}" if row.said else row.submission))
    return parts


def _fenced(text: str) -> str:
    """A text as it is, in a fence that nothing in it ends."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{printable(text)}\n{fence}"


def _inline(text: str) -> str:
    """A text inside a line of Markdown, with nothing in it that Markdown or HTML would act on."""
    return re.sub(r"([\\`*_\[\]<>|#~!&])", r"\\\1", " ".join(printable(text).split()))


__all__ = ["Found", "PassedOver", "Row", "Submission", "as_csv", "as_report", "exported", "grade", "submissions_in", "write_files"]
