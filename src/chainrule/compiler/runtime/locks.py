"""Locks that are free after a fork: the threads that held them are not there any more, and would never give them back."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Any

_locks: weakref.WeakSet[Any] = weakref.WeakSet()


def new_lock() -> Any:
    """A lock that one thread may take several times."""
    lock = threading.RLock()
    _locks.add(lock)
    return lock


def _set_free() -> None:
    """In the child of a fork: free what other threads held."""
    for lock in list(_locks):
        if not lock._is_owned():
            lock._at_fork_reinit()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_set_free)

__all__ = ["new_lock"]
