"""What a learner may write that could crash or hang a check."""

from __future__ import annotations

from chainrule.course.checking import ERROR, NOT_DONE, STOPPED

HEAD = "class Value:\n    pass\n"
HARM = {
    "exit": ("exit()", STOPPED, "ends Python itself, by exit"),
    "sys.exit": ("import sys\nsys.exit(3)", STOPPED, "ends Python itself, by exit"),
    "os._exit": ("import os\nos._exit(0)", STOPPED, "ends the process"),
    "os.abort": ("import os\nos.abort()", STOPPED, "ended by the system"),
    "a signal": ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", STOPPED, "crashed"),
    "a signal to the group": ("import os, signal\nos.killpg(0, signal.SIGKILL)", STOPPED, "ended by the system"),
    "Ctrl-C": ("raise KeyboardInterrupt", STOPPED, "KeyboardInterrupt"),
    "deep recursion": ("def f(n): return f(n + 1)\nf(0)", ERROR, "calls itself again and again"),
    "input": ("name = input('your name? ')", ERROR, "waits for input()"),
    "too much memory": ("x = [0] * 10**12", ERROR, "more memory"),
    "an exception": ("x = 1\ny = 1 / 0", ERROR, "raises ZeroDivisionError: division by zero"),
    "an exception of one's own": ("class Mine(BaseException): pass\nraise Mine('hi')", ERROR, "raises Mine: hi"),
    "an exception that cannot be written": (
        "class Mine(Exception):\n    def __str__(self): raise ValueError\nraise Mine",
        ERROR,
        "raises Mine.",
    ),
    "nested too deeply": ("x = " + "-" * 200_000 + "1", ERROR, "nested too deeply"),
    "no built-in functions": ("import builtins\nbuiltins.isinstance = builtins.str = None", ERROR, "could not be carried out"),
    "a typing error": ("def f(:\n    pass", ERROR, "not Python yet"),
    "null bytes": ("x = 1\0", ERROR, "not Python yet"),
    "an unknown name": ("print(undefined)", ERROR, "The name 'undefined' is not defined"),
    "a missing class": ("x = 1", ERROR, "There is no Value"),
    "a blank": (HEAD + 'raise NotImplementedError("Exercise 2: do it")', NOT_DONE, "Not done yet: do it"),
    "a thread that stays": (
        HEAD + "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()\n1/0",
        ERROR,
        "division",
    ),
    "much text": ("while len(' ' * 1000):\n    print('x' * 100000)\n    1 / 0", ERROR, "division"),
    "streams that are closed": ("import sys\nsys.stdout.close()\nsys.stderr.close()\n1/0", ERROR, "division"),
}
