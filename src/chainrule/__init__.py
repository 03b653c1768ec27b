"""Scalar automatic differentiation: see it, trust it, run it.

    a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    c = (a * b + 10).tanh()
    c.backward()
    print(a.grad, b.grad)

Importing this loads nothing heavy: what needs other packages is loaded when it is first used.
"""

from chainrule.anomaly import detect_anomaly
from chainrule.derivatives import grad
from chainrule.functions import (
    acos,
    asin,
    atan,
    atan2,
    cos,
    cosh,
    elu,
    equal,
    erf,
    exp,
    expm1,
    gelu,
    greater,
    hypot,
    leaky_relu,
    log,
    log1p,
    log_softmax,
    logsumexp,
    maximum,
    mean,
    minimum,
    relu,
    sigmoid,
    silu,
    sin,
    sinh,
    softmax,
    softplus,
    sqrt,
    tan,
    tanh,
    where,
)
from chainrule.gradcheck import check_gradients, numerical_derivative
from chainrule.graph import count_operations, dump_graph, topological_order
from chainrule.value import Value

__version__ = "0.1.0"

__all__ = [
    "Value",
    "acos",
    "asin",
    "atan",
    "atan2",
    "check_gradients",
    "cos",
    "cosh",
    "count_operations",
    "detect_anomaly",
    "dump_graph",
    "elu",
    "equal",
    "erf",
    "exp",
    "expm1",
    "gelu",
    "grad",
    "greater",
    "hypot",
    "leaky_relu",
    "log",
    "log1p",
    "log_softmax",
    "logsumexp",
    "maximum",
    "mean",
    "minimum",
    "numerical_derivative",
    "relu",
    "sigmoid",
    "silu",
    "sin",
    "sinh",
    "softmax",
    "softplus",
    "sqrt",
    "tan",
    "tanh",
    "topological_order",
    "where",
]
