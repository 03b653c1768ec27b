"""Read a file up to a limit of its size, and write a file completely or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import select
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES = 1 << 28  # 256 MiB: what is read of one file, unless LIMIT says otherwise
LIMIT = "CHAINRULE_MAX_BYTES"  # the environment variable that sets another limit
PATIENCE = 0.5  # seconds that a pipe is given until a program writes to it
_CHUNK = 1 << 20


# --- reading ------------------------------------------------------------------------------------------------------------------------


def read_file(path: str | os.PathLike[str]) -> bytes:
    """Read all bytes of a file, or of a pipe that a program writes to.

    A file beyond the limit is refused before it is read: the limit is 256 MiB, or the number of bytes in the environment variable
    `CHAINRULE_MAX_BYTES`. Devices, which have no end, are refused too, and so are pipes to which no program writes.

    Raises:
        OSError: if it cannot be read; `strerror` says why.
    """
    most = _limit()
    with open(path, "rb", buffering=0, opener=_open_at_once) as file:
        state = os.fstat(file.fileno())
        if stat.S_ISREG(state.st_mode):
            if state.st_size > most:
                raise _too_large(path, f"it has {state.st_size:,} bytes", most)
        elif not stat.S_ISFIFO(state.st_mode) and not os.isatty(file.fileno()):
            raise OSError(errno.EINVAL, "it is a device, not a file", str(path))
        content = _read_all(file, most, stat.S_ISFIFO(state.st_mode))
    if len(content) > most:
        raise _too_large(path, "it is too long", most)
    return content


def _limit() -> int:
    """How many bytes of a file are read."""
    text = os.environ.get(LIMIT, "").strip()
    if not text:
        return MAX_BYTES
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise OSError(errno.EINVAL, f"the environment variable {LIMIT} must be a number of bytes such as {MAX_BYTES}")
    return int(text)


def _too_large(path: object, size: str, most: int) -> OSError:
    return OSError(
        errno.EFBIG, f"{size}, but at most {most:,} bytes of a file are read; set {LIMIT} in the environment to read more", str(path)
    )


def _open_at_once(path: str, flags: int) -> int:
    """Open a file without waiting for a writer of a pipe, and without making a terminal the controlling terminal."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))


def _read_all(file: BinaryIO, most: int, is_pipe: bool) -> bytes:
    """Read everything up to one byte beyond the limit."""
    parts: list[bytes] = []
    left = most + 1
    patient_until = time.monotonic() + PATIENCE if is_pipe else 0.0
    while left:
        part: bytes | None = file.read(min(left, _CHUNK))
        if part is None:  # a program writes to it, and has not written more yet
            select.select([file], [], [])
        elif part:
            parts.append(part)
            left -= len(part)
        elif not parts and time.monotonic() < patient_until:
            time.sleep(0.01)
        elif not parts and is_pipe:
            raise OSError(errno.EINVAL, "it is a pipe, and no data came from it")
        else:
            break
    return b"".join(parts)


# --- writing ------------------------------------------------------------------------------------------------------------------------


def write_atomically(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file through a temporary file beside it, which replaces it only when it is complete and on the disk.

    If writing fails or the process is killed, the earlier file stays as it was. The temporary file has the permissions of the earlier one
    from the start, and is removed whatever happens. A file that is not a regular file, such as `/dev/stdout`, is written to directly, and a
    symbolic link stays a link.

    Arguments:
        path: the file; its folder must exist.
        content: all of it.

    Raises:
        OSError: if it cannot be written; it names the file.
    """
    with _naming(path):
        state = _state(path)
        if state is not None and not stat.S_ISREG(state.st_mode):
            with open(path, "wb", opener=_open_to_write) as file:
                os.set_blocking(file.fileno(), True)
                file.write(content)
            return
        target = Path(os.path.realpath(path))
        with _temporary(target, state) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            file.close()
            os.replace(file.name, target)


def check_place(path: str | os.PathLike[str], size: int = 1) -> None:
    """Check that a file can be written there, without writing it; nothing stays behind.

    Arguments:
        path: the file.
        size: how many bytes of disk space there must be.

    Raises:
        OSError: if it cannot be written; it names the file.
    """
    with _naming(path):
        state = _state(path)
        if state is None or stat.S_ISREG(state.st_mode):
            with _temporary(Path(os.path.realpath(path)), state) as file:
                for begin in range(0, size, _CHUNK):
                    file.write(bytes(min(_CHUNK, size - begin)))
                file.flush()
                os.fsync(file.fileno())


def temporary_name(name: str) -> str:
    """A unique temporary name for the file `name`, no longer than names may be."""
    return f".{name[:30]}.{secrets.token_hex(8)}.partial"


def _state(path: str | os.PathLike[str]) -> os.stat_result | None:
    """What is there already; None if nothing is."""
    if not os.fspath(path):
        raise FileNotFoundError(errno.ENOENT, "the name of the file is empty")
    try:
        state = os.stat(path)
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(state.st_mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder, not a file")
    return state


def _open_to_write(path: str, flags: int) -> int:
    """Open what is there, without waiting for who reads from a pipe."""
    return os.open(path, os.O_WRONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))


@contextlib.contextmanager
def _temporary(target: Path, state: os.stat_result | None) -> Iterator[BinaryIO]:
    """A new file beside the target, with the target's permissions; it is removed at the end unless it was renamed."""
    temporary = target.with_name(temporary_name(target.name))
    mode = 0o666 if state is None else stat.S_IMODE(state.st_mode)
    try:
        with open(temporary, "xb", opener=lambda path, flags: os.open(path, flags, mode & 0o777)) as file:
            if state is not None:
                os.chmod(temporary, mode)  # all of it, where the umask took something away
            yield file
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


@contextlib.contextmanager
def _naming(path: str | os.PathLike[str]) -> Iterator[None]:
    """Let errors name the file that the caller knows, in place of the temporary one or of none."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error
