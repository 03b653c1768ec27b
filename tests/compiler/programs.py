"""All programs that the compiler is tested with, written as different people write them."""

import formula_programs  # noqa: F401 (each of these enters its programs)
import loop_programs  # noqa: F401
import network_programs  # noqa: F401
import output_programs  # noqa: F401
import sequence_programs  # noqa: F401
from registry import OUTPUTS, PROGRAMS, Built, Program

__all__ = ["OUTPUTS", "PROGRAMS", "Built", "Program"]
