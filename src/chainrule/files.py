"""Writing a file so that it is there in full or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path


def write_atomically(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file by way of a temporary one beside it, which takes its place only when it is complete and on the disk.

    A failure or a kill on the way leaves the earlier file as it was. What is no regular file, such as `/dev/stdout`, is written to
    directly, and a symbolic link stays a link.

    Arguments:
        path: the file; its folder must exist.
        content: all of it.

    Raises:
        OSError: if it cannot be written.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(f"{path} is a folder, not a file")
    if target.exists() and not target.is_file():
        target.write_bytes(content)
        return
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(8)}.partial")
    try:
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            temporary.chmod(target.stat().st_mode & 0o7777)
        os.replace(temporary, target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError) and error.filename:
            error.filename = str(path)  # what the caller knows, in place of the temporary file
            if error.filename2 is not None:
                error.filename2 = str(path)
        raise
