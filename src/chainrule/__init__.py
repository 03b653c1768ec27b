"""Scalar automatic differentiation: see it, trust it, run it.

    a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    c = (a * b + 10).tanh()
    c.backward()
    print(a.grad, b.grad)

Importing this package loads nothing heavy: a part that needs other packages is loaded when it is first used.
"""

import builtins
from typing import TYPE_CHECKING, Any

from chainrule import elementary
from chainrule.anomaly import detect_anomaly
from chainrule.caution import GradientWarning
from chainrule.changes import ChangedNumberError
from chainrule.compiler.errors import CompileWarning, TraceError
from chainrule.derivatives import grad
from chainrule.elementary import *  # noqa: F403
from chainrule.engine import Value, dot
from chainrule.functions import log_softmax, logsumexp, mean, norm, one_hot, softmax, take, where
from chainrule.gradcheck import check_gradients, numerical_derivative
from chainrule.graph import count_operations, dump_graph, topological_order
from chainrule.losses import binary_cross_entropy, cross_entropy, l2_penalty, max_margin, mean_squared_error
from chainrule.nn import MLP, Layer, Module, Neuron
from chainrule.optim import SGD, Adam, AdamW, zero_grad

if TYPE_CHECKING:
    from chainrule.compiler.api import compile
    from chainrule.drawing import draw
    from chainrule.explaining import explain
    from chainrule.models import load_model, load_safetensors, save_model, save_safetensors
    from chainrule.training import fit

__version__ = "0.1.0"

__all__ = [
    "MLP",
    "SGD",
    "Adam",
    "AdamW",
    "ChangedNumberError",
    "CompileWarning",
    "GradientWarning",
    "Layer",
    "Module",
    "Neuron",
    "TraceError",
    "Value",
    "acos",
    "asin",
    "atan",
    "atan2",
    "binary_cross_entropy",
    "check_gradients",
    "clip",
    "compile",
    "cos",
    "cosh",
    "count_operations",
    "cross_entropy",
    "detect_anomaly",
    "digamma",
    "dot",
    "draw",
    "dump_graph",
    "elu",
    "equal",
    "erf",
    "erfc",
    "exp",
    "exp2",
    "explain",
    "expm1",
    "fit",
    "floor",
    "gelu",
    "grad",
    "greater",
    "hypot",
    "l2_penalty",
    "leaky_relu",
    "lgamma",
    "load_model",
    "load_safetensors",
    "log",
    "log1p",
    "log2",
    "log10",
    "log_softmax",
    "logaddexp",
    "logsumexp",
    "max_margin",
    "maximum",
    "mean",
    "mean_squared_error",
    "minimum",
    "mish",
    "norm",
    "normal_cdf",
    "numerical_derivative",
    "one_hot",
    "relu",
    "save_model",
    "save_safetensors",
    "sigmoid",
    "sign",
    "silu",
    "sin",
    "sinh",
    "softmax",
    "softplus",
    "softsign",
    "sqrt",
    "stop_gradient",
    "take",
    "tan",
    "tanh",
    "topological_order",
    "where",
    "xlogy",
    "zero_grad",
]

# A function with the name of one of Python's, such as round, is chainrule.round, and does not come with `from chainrule import *`.
__all__ += [name for name in elementary.__all__ if name not in __all__ and not hasattr(builtins, name)]

_LOADED_WHEN_USED = {
    "compile": "chainrule.compiler.api",
    "draw": "chainrule.drawing",
    "explain": "chainrule.explaining",
    "fit": "chainrule.training",
    "load_model": "chainrule.models",
    "load_safetensors": "chainrule.models",
    "save_model": "chainrule.models",
    "save_safetensors": "chainrule.models",
}


def __getattr__(name: str) -> Any:
    """Load the names that most programs never use, and modules such as `chainrule.schedules`, at their first use (PEP 562)."""
    from importlib import import_module

    if name in _LOADED_WHEN_USED:
        globals()[name] = thing = getattr(import_module(_LOADED_WHEN_USED[name]), name)
        return thing
    if not name.startswith("_"):
        module = f"{__name__}.{name}"
        try:
            return import_module(module)
        except ModuleNotFoundError as error:
            if error.name != module:  # a package that the module needs
                raise
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """The names that are loaded at their first use are there too."""
    return sorted({*globals(), *_LOADED_WHEN_USED})
