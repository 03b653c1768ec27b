"""The command `chainrule`: it starts here, before anything that takes time is loaded."""

from __future__ import annotations

import signal
import sys

PROCESS = "process"  # the object of the command, if the process does nothing else


def _end(signum: int, frame: object) -> None:
    """End by an exception, so that temporary files are removed on the way; the status is a shell's for this signal."""
    signal.signal(signum, signal.SIG_IGN)
    sys.exit(128 + signum)


def main() -> None:
    """Run the command with the arguments of the process."""
    # A model, a table or a message may hold characters that the terminal's encoding lacks.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _end)
    try:
        from chainrule.cli.commands import commands
    except KeyboardInterrupt:  # while modules are loaded; from here on click does the same
        sys.exit("\nAborted!")
    try:
        commands(prog_name="chainrule", obj=PROCESS)
    finally:  # all is done, and Python takes a moment to end
        signal.signal(signal.SIGINT, signal.SIG_IGN)
