"""The C engine, which is optional: where it cannot be compiled, the install succeeds and the Python engine runs.

Environment: CHAINRULE_REQUIRE_C=1 makes a failed build an error; CHAINRULE_CFLAGS and CHAINRULE_LDFLAGS add options for the compiler
and the linker.
"""

import os
import runpy
import sys
from glob import glob
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

unix = ["-O2", "-Wall", "-Wextra", "-fvisibility=hidden"]
# No multiply and add may be fused into one rounding: both engines give the same numbers, to the last bit.
exact = ["/fp:precise"] if sys.platform == "win32" else ["-ffp-contract=off"]
folder = "src/chainrule/value_c"


class BuildWithRows(build_ext):
    """Writes the operations as C before it compiles."""

    def build_extension(self, ext: Extension) -> None:
        """Build the C engine, if anything that it is made from is newer or other than before."""
        rows, text = Path(self.build_temp, "rows.h"), runpy.run_path(f"{folder}/write_rows.py")["header"](Path("src/chainrule"))
        rows.parent.mkdir(parents=True, exist_ok=True)
        if not rows.exists() or rows.read_text(encoding="utf-8") != text:
            rows.write_text(text, encoding="utf-8")
        ext.include_dirs.append(str(rows.parent))
        ext.depends.append(str(rows))
        super().build_extension(ext)


setup(
    cmdclass={"build_ext": BuildWithRows},
    ext_modules=[
        Extension(
            "chainrule._value",
            sources=[f"{folder}/module.c"],
            depends=sorted(glob(f"{folder}/*.h")),
            extra_compile_args=[*([] if sys.platform == "win32" else unix), *exact, *os.environ.get("CHAINRULE_CFLAGS", "").split()],
            extra_link_args=os.environ.get("CHAINRULE_LDFLAGS", "").split(),
            optional=not os.environ.get("CHAINRULE_REQUIRE_C"),
        )
    ],
)
