"""What students hand in: which files are meant, what exercise each answers, and whose it is.

A submission is a student's file or notebook, or a student's folder. A file's name says which exercise it is, and
whose; if the name does not say the exercise, its title does. Files in folders that say their exercise in neither way are passed over.
"""

from __future__ import annotations

import errno
import os
import re
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from chainrule.course.exercises import EXERCISES, Exercise, by_number
from chainrule.course.folder import COPIES, FILES, NOTEBOOKS, FolderError, cells_of
from chainrule.course.texts import LARGEST

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MISSING, UNREADABLE = "missing", "unreadable"  # states of what could not be checked, beside those of a Verdict
DEEPEST = 6  # levels of folders in which exercises are looked for, below a folder that was named


@dataclass(frozen=True)
class PassedOver:
    """A file, or a folder, that is not a submission, though it might have been meant as one.

    Arguments:
        path: where it is.
        reason: why it was not read; "" if it was read, and does not say its exercise.
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
        passed_over: what is not a submission.
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
        are_several = len(names) > 1  # students' files side by side; one without a student's name in it is named after the file
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
    """Whether a path is a file, or a folder that has the name of an exercise's file, which is reported as such."""
    return not os.path.isdir(path) or (path.suffix.lower() in (FILES, NOTEBOOKS) and _named(path) is not None)


def _exercise_of(path: Path, over: list[PassedOver]) -> Exercise | None:
    """The exercise that the name or the title of a file in a folder says. Python files and notebooks without one are passed over."""
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

    A folder is a student's if there are files in it whose names do not name a student, or if it is in the folder of a class and does not
    hold the same exercise in two places. In a folder of a class, files may be side by side whose names say whose they are.
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
    """The exercise that a file's name says, and whose it is; None if it says none."""
    for exercise in EXERCISES:
        pattern = rf"(?<!\d)0*{exercise.number}[ _-]{exercise.slug}(?![^\W_])"
        if match := re.search(pattern, path.stem, re.IGNORECASE):
            around = (path.stem[: match.start()], re.sub(r"\(\d+\)", "", path.stem[match.end() :]))  # of a file that was downloaded twice
            return exercise, next((name for text in around if (name := text.strip(" _-."))), "")
    return None


def _titled(path: Path) -> Exercise | None:
    """The exercise that the title in a file says."""
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
        return replace(made, trouble="This is not a regular file.")
    if path.suffix.lower() not in (FILES, NOTEBOOKS):
        return replace(made, trouble=f"A submission is a folder, or a file that ends in {FILES} or {NOTEBOOKS}.")
    if path.stat().st_size > LARGEST:
        return replace(made, trouble=f"The file is larger than {LARGEST >> 20} MiB.")
    if exercise is None:
        made = replace(made, exercise=_titled(path) or (only[0] if len(only) == 1 else None))
    if made.exercise is None:
        return replace(made, trouble="Neither its name nor its title says which exercise this is; say it with --exercise N.")
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


__all__ = ["MISSING", "UNREADABLE", "Found", "PassedOver", "Submission", "submissions_in"]
