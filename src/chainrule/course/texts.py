"""The text of a file that somebody else has written: a regular file of a modest size, in the encoding that it names."""

from __future__ import annotations

import io
import os
import stat
import tokenize
from pathlib import Path

LARGEST = 16 << 20  # bytes


def text_of(path: str | os.PathLike[str]) -> str:
    """The text of a file; of a Python file in the encoding that its first lines name (PEP 263), of others in UTF-8.

    Raises:
        OSError: if it cannot be read.
        ValueError: if it is not a regular file, too large, or not written in its encoding.
    """
    with open(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):  # such as a pipe, which could keep the reader waiting for ever
            raise ValueError("it is not a regular file")
        if status.st_size > LARGEST:
            raise ValueError(f"it is larger than {LARGEST >> 20} MiB")
        data = file.read(LARGEST + 1)
    encoding = "utf-8-sig"
    if Path(path).suffix.lower() == ".py":
        try:
            encoding = tokenize.detect_encoding(io.BytesIO(data).readline)[0]
        except SyntaxError as error:
            raise ValueError(str(error)) from None
    try:
        text = data.decode(encoding)
    except LookupError:  # such as rot13, which Python knows and which is not an encoding of bytes
        raise ValueError(f"it says that it is written in {encoding}, which is not an encoding of text") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


__all__ = ["LARGEST", "text_of"]
