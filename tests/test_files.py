"""A reader refuses at once, and with the reason, what it cannot read; a file is written in full or not at all, and nothing stays behind."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.data import load_csv
from chainrule.files import LIMIT, check_place, read_file, write_atomically
from chainrule.models import ModelFileError, load_model, save_model
from chainrule.nn import MLP
from chainrule.tables import DataError, read_table, write_table

READERS: dict[str, Callable[[Path], Any]] = {"table": read_table, "model": load_model}
SECONDS = 3.0  # one, and some for a machine that is busy


@contextlib.contextmanager
def at_once() -> Iterator[None]:
    begin = time.perf_counter()
    yield
    assert time.perf_counter() - begin < SECONDS


def refused(reader: str, path: Path) -> str:
    with at_once(), pytest.raises((DataError, ModelFileError)) as caught:
        READERS[reader](path)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1000
    return str(caught.value)


# --- what is no file


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/urandom", "/dev/full"])
def test_devices_are_refused(reader: str, device: str, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(device)
    for path in (Path(device), link):
        assert "it is a device, not a file" in refused(reader, path)


@pytest.mark.parametrize("reader", READERS)
def test_pipes_sockets_folders_and_loops_are_refused(reader: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        assert "cannot be read" in refused(reader, tmp_path / "s")
    assert "it is a pipe, and no data came from it" in refused(reader, tmp_path / "pipe")
    assert "is a folder" in refused(reader, tmp_path)
    assert "there is no such file" in refused(reader, tmp_path / "none")
    assert "cannot be read" in refused(reader, tmp_path / "loop")
    assert "cannot be read" in refused(reader, tmp_path / "no\0name")
    assert "cannot be read" in refused(reader, tmp_path / ("n" * 300))


def test_a_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def write() -> None:
        with open(pipe, "w") as file:
            for part in ("a,b\n1,", "x\n2,y\n"):
                time.sleep(0.05)
                file.write(part)
                file.flush()

    writer = threading.Thread(target=write)
    writer.start()
    assert load_csv(pipe).class_names == ["x", "y"]
    writer.join()
    code = "from chainrule.data import load_csv; print(load_csv('/dev/stdin').class_names)"
    for source in (subprocess.PIPE, None):
        (tmp_path / "t.csv").write_text("a,b\n1,x\n2,y\n")
        with open(tmp_path / "t.csv") as file:
            given: dict[str, Any] = {"input": "a,b\n1,x\n2,y\n"} if source else {"stdin": file}
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, **given)
        assert done.stdout == "['x', 'y']\n"


# --- what is too large


@pytest.mark.parametrize("reader", READERS)
def test_a_file_beyond_the_limit_is_refused_before_it_is_read(reader: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "large"
    path.touch()
    os.truncate(path, 1 << 40)
    tracemalloc.start()
    told = refused(reader, path)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()
    assert "it has 1,099,511,627,776 bytes, but at most 268,435,456 bytes of a file are read; set CHAINRULE_MAX_BYTES" in told
    path.write_text("a,b\n1,x\n2,y\n")
    monkeypatch.setenv(LIMIT, "11")
    assert "it has 12 bytes, but at most 11 bytes" in refused(reader, path)
    monkeypatch.setenv(LIMIT, "a lot")
    assert "CHAINRULE_MAX_BYTES must be a number of bytes such as" in refused(reader, path)


def test_the_limit_can_be_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t"
    path.write_bytes(b"12345678")
    monkeypatch.setattr("chainrule.files.MAX_BYTES", 4)
    with pytest.raises(OSError, match="at most 4 bytes"):
        read_file(path)
    monkeypatch.setenv(LIMIT, "8")
    assert read_file(path) == b"12345678"


def test_a_pipe_beyond_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LIMIT, "1000000")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["sh", "-c", f"yes > {pipe}"], stderr=subprocess.DEVNULL):
        assert "it is too long, but at most 1,000,000 bytes" in refused("table", pipe)


# --- what takes long


def wide(columns: int, rows: int = 3) -> str:
    return ",".join(f"f{i}" for i in range(columns)) + ",y\n" + "".join("1," * columns + f"{'ab'[row % 2]}\n" for row in range(rows))


def test_wide_tables_are_read_in_linear_time(tmp_path: Path) -> None:
    for columns, name in ((30_000, "x"), (12_000, "a" * 40)):
        path = tmp_path / "wide.csv"
        path.write_text(wide(columns).replace("f", name))
        with at_once():
            assert len(load_csv(path).feature_names) == columns


HOSTILE_TABLES: dict[str, tuple[str | bytes, str]] = {
    "JSON in one line": (json.dumps([{"a": 1, "b": 2}] * 100_000), "this looks like JSON, not CSV"),
    "JSON in lines": (json.dumps({"format": "chainrule model"}, indent=1), "this looks like JSON, not CSV"),
    "one line of numbers": ("[" + "1," * 3_000_000 + "1]", "the first row has more than 4,194,304 characters"),
    "one name": ("a" * 170_000, "a cell has more than 131,072 characters"),
    "a long cell": ('a,b\n1,"' + "x\n" * 100_000, "row 2: a cell has more than 131,072 characters; perhaps a quotation mark is opened"),
    "one line": ("a,b\n" + "1," * 9_000_000, "row 2: the line has more than 16,777,216 characters"),
    "a program": (b"\x7fELF\x02\x01\x01" + bytes(100_000), "row 1: this is a binary file, not CSV"),
    "UTF-16 without a mark": ("a,b\n1,x\n".encode("utf-16-le"), "or text in another encoding; save it as CSV in UTF-8"),
    "half of UTF-16": ("a,b\n1,x\n".encode("utf-16")[:-1], "this is not text in UTF-16"),
    "half of UTF-32": ("a,b\n1,x\n".encode("utf-32")[:-1], "this is not text in UTF-32"),
    "twice the same name": (",".join(map(str, range(30_000))) + ",a,29999\n", "two columns are called '29999' (30000 and 30002)"),
    "blanks": (" \n" * 1_000_000, "the file is empty"),
    "quotation marks": ('a,b\n"1"2,3\n', "row 2: ',' expected after '\"'"),
    "digits": ("a,b\n" + "1" * 100_000 + ",x\n2,y\n", "is too large"),
}


@pytest.mark.parametrize("what", HOSTILE_TABLES)
def test_a_table_is_refused_at_once(what: str, tmp_path: Path) -> None:
    content, reason = HOSTILE_TABLES[what]
    path = tmp_path / "t.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with at_once(), pytest.raises(DataError) as caught:
        load_csv(path)
    assert reason in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value).replace(str(tmp_path), "")) < 300


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_byte_order_marks_belong_to_no_name(encoding: str, tmp_path: Path) -> None:
    for marks in ("", "\ufeff", "\ufeff\ufeff"):
        (tmp_path / "t.csv").write_bytes((marks + '"größe",b\n1,x\n2,y\n').encode(encoding))
        assert read_table(tmp_path / "t.csv").columns == ["größe", "b"]


HOSTILE_MODELS: dict[str, tuple[str | bytes, str]] = {
    "a name twice": ("{" + ",".join(f'"n{i}":1' for i in range(100_000)) + ',"n99999":2}', "'n99999' occurs twice"),
    "all names twice": ("{" + '"a":1,' * 200_000 + '"b":1}', "'a' occurs twice"),
    "a long name twice": ('{"%s":1,"%s":1}' % (("x" * 1_000_000,) * 2), "xxx' occurs twice"),
    "a name that steers": ('{"\\u001b[31m":1,"\\u001b[31m":1}', r"'\x1b[31m' occurs twice"),
    "nested lists": ("[" * 200_000, "nested too deeply"),
    "nested objects": ('{"a":' * 200_000, "nested too deeply"),
    "digits": ("1" * 1_000_000, "has too many digits, 1,000,000"),
    "nan": ('{"format": "chainrule model", "version": NaN}', "NaN is not a number that a model can hold"),
    "infinity": ('{"format": "chainrule model", "version": -Infinity}', "-Infinity is not a number that a model can hold"),
    "a large version": ('{"format": "chainrule model", "version": 1e400}', "the format version is inf"),
    "a list as version": ('{"format": "chainrule model", "version": [%s1]}' % ("1," * 100_000), "the format version is [1, 1, 1"),
    "a long key": ('{"format": "chainrule model", "version": 1, "%s": 1}' % ("k" * 500_000), "'format' is missing|'network' is missing"),
    "another document": (json.dumps([{"a": 1}] * 200_000), "not a chainrule model"),
    "a program": (b"\x7fELF\x02\x01\x01" + bytes(100_000), "truncated or not JSON"),
    "UTF-16": ('{"format": "chainrule model"}'.encode("utf-16"), "it is not text in UTF-8"),
}


@pytest.mark.parametrize("what", HOSTILE_MODELS)
def test_a_model_is_refused_at_once(what: str, tmp_path: Path) -> None:
    content, reasons = HOSTILE_MODELS[what]
    path = tmp_path / "model.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    told = refused("model", path)
    assert any(reason in told for reason in reasons.split("|")), told


@pytest.mark.parametrize("depth", range(880, 1000, 4))
def test_no_depth_ends_in_a_traceback(depth: int, tmp_path: Path) -> None:
    """Also where reading succeeds, and what looks at it afterwards goes too deep."""
    path = tmp_path / "model.json"
    save_model(path, MLP(2, [1]))
    document = json.loads(path.read_text())
    for key in ("weights", "task", "network"):
        path.write_text(json.dumps({**document, key: "HERE"}).replace('"HERE"', "[" * depth + "]" * depth))
        refused("model", path)


def test_a_model_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    model = MLP(2, [1])
    save_model(path, model)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    found = load_model(path).predict
    assert found([1.0, 2.0]) == model([1.0, 2.0]).data


# --- writing


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


@pytest.mark.parametrize("earlier", [0o600, 0o640, 0o400, 0o666, 0o755, None])
def test_a_temporary_has_the_permissions_of_the_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, earlier: int | None) -> None:
    path = tmp_path / "secret"
    if earlier is not None:
        path.write_text("earlier")
        path.chmod(earlier)
    seen = []
    usual = os.fsync

    def look(descriptor: int) -> None:
        seen.extend(mode(tmp_path / name) for name in os.listdir(tmp_path) if name.endswith(".partial"))
        usual(descriptor)

    monkeypatch.setattr(os, "fsync", look)
    opened = []
    usual_open = os.open
    monkeypatch.setattr(os, "open", lambda path, flags, mode=0o777, **more: opened.append(mode) or usual_open(path, flags, mode, **more))
    write_atomically(path, b"new")
    wanted = 0o666 & ~umask() if earlier is None else earlier
    assert seen == [wanted]
    assert all(bits & ~(earlier if earlier is not None else 0o666) == 0 for bits in opened)
    assert (mode(path), path.read_bytes(), os.listdir(tmp_path)) == (wanted, b"new", ["secret"])


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


WRITERS: dict[str, Callable[[Path], None]] = {"write": lambda path: write_atomically(path, b"new"), "check": check_place}


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt(), MemoryError(), SystemExit(1)])
@pytest.mark.parametrize(("writer", "call"), [("write", "replace"), *((writer, call) for writer in WRITERS for call in ("chmod", "fsync"))])
def test_nothing_stays_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writer: str, call: str, error: BaseException) -> None:
    path = tmp_path / "file"
    path.write_text("earlier")

    def fail(*arguments: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(type(error)):
        WRITERS[writer](path)
    assert os.listdir(tmp_path) == ["file"]
    assert path.read_text() == "earlier"


def test_errors_name_the_file(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    places = [tmp_path / "none" / "file", folder, tmp_path / ("n" * 300), tmp_path / "file" / "below"]
    (tmp_path / "file").touch()
    for place in places:
        for write in WRITERS.values():
            with pytest.raises(OSError, match=r"folder|name|directory") as caught:
                write(place)
            assert caught.value.filename == str(place)
            assert ".partial" not in str(caught.value)
    with pytest.raises(OSError, match="No space left on device: '/dev/full'"):
        write_atomically("/dev/full", b"x")
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


def test_a_disk_that_is_full_is_named(tmp_path: Path) -> None:
    code = (
        "import resource, sys; from chainrule.files import write_atomically, check_place\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
        "check_place(sys.argv[1], 10_000)\n"
        "for write in (lambda: check_place(sys.argv[1], 10_001), lambda: write_atomically(sys.argv[1], bytes(20_000))):\n"
        "    try: write()\n"
        "    except OSError as error: print(error.filename == sys.argv[1], error.strerror)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "f")], capture_output=True, text=True, check=True)
    assert done.stdout == "True File too large\n" * 2
    assert os.listdir(tmp_path) == []


def test_links_and_pipes_as_targets(tmp_path: Path) -> None:
    link, pipe = tmp_path / "link", tmp_path / "pipe"
    link.symlink_to("target")  # dangling, so far
    write_atomically(link, b"1")
    assert (link.is_symlink(), (tmp_path / "target").read_bytes()) == (True, b"1")
    os.mkfifo(pipe)
    with at_once(), pytest.raises(OSError, match="pipe"):
        write_atomically(pipe, b"2")
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_atomically(pipe, b"3")
    assert os.read(reading, 10) == b"3"
    os.close(reading)
    code = "from chainrule.files import write_atomically; write_atomically('/dev/stdout', b'4' * 200_000)"
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True).stdout == b"4" * 200_000


@pytest.mark.parametrize("letter", ["n", "é", "😀"])
def test_the_longest_name_can_be_written(letter: str, tmp_path: Path) -> None:
    path = tmp_path / (letter * (255 // len(letter.encode())))
    check_place(path)
    write_atomically(path, b"1")
    assert os.listdir(tmp_path) == [path.name]


# --- tables that spreadsheets open

CELLS = st.text(st.sampled_from("=+-@'\t\n\r ＝a1.e|\""), max_size=6).map(str.strip)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6), st.tuples(CELLS, CELLS))
def test_a_table_comes_back_and_holds_no_formula(rows: list[tuple[str, str]], header: tuple[str, str]) -> None:
    names = [f"{name}x{place}" for place, name in enumerate(header)]
    text = write_table([names, *rows])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        path.write_bytes(text.encode())
        table = read_table(path)
    assert table.columns == names
    assert table.rows == [list(row) for row in rows]


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+49 170", "'+49 170"),
        ("-a", "'-a"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("＝1", "'＝1"),
        ("'=1", "''=1"),
        ("\t=1", "'\t=1"),
        ("-1", "-1"),
        ("+1.5e-7", "+1.5e-7"),
        ("-", "-"),
        ("'-1", "'-1"),
        ("it's", "it's"),
        ("a=b", "a=b"),
        ("-1-1", "'-1-1"),
        ("-١", "'-١"),
    ],
)
def test_what_is_a_formula(cell: str, written: str) -> None:
    assert write_table([["a", cell]]) == f"a,{written}\n"
