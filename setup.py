"""The C engine, which is optional: where it cannot be compiled, the install succeeds and the Python engine runs.

Environment: CHAINRULE_REQUIRE_C=1 makes a failed build an error; CHAINRULE_CFLAGS and CHAINRULE_LDFLAGS add options for the compiler
and the linker.
"""

import os
import sys
from glob import glob

from setuptools import Extension, setup

unix = ["-O2", "-Wall", "-Wextra", "-fvisibility=hidden"]
# No multiply and add may be fused into one rounding: both engines give the same numbers, to the last bit.
exact = ["/fp:precise"] if sys.platform == "win32" else ["-ffp-contract=off"]

setup(
    ext_modules=[
        Extension(
            "chainrule._value",
            sources=["src/chainrule/value_c/module.c"],
            depends=sorted(glob("src/chainrule/value_c/*.h")),
            extra_compile_args=[*([] if sys.platform == "win32" else unix), *exact, *os.environ.get("CHAINRULE_CFLAGS", "").split()],
            extra_link_args=os.environ.get("CHAINRULE_LDFLAGS", "").split(),
            optional=not os.environ.get("CHAINRULE_REQUIRE_C"),
        )
    ]
)
