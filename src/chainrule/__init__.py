"""Scalar automatic differentiation: see it, trust it, run it.

    from chainrule import Value

    a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    c = (a * b + 10).tanh()
    c.backward()
    print(a.grad, b.grad)

Importing this loads nothing heavy: what needs other packages is loaded when it is first used.
"""

from chainrule.anomaly import detect_anomaly
from chainrule.derivatives import grad
from chainrule.functions import mean
from chainrule.gradcheck import check_gradients, numerical_derivative
from chainrule.graph import count_operations, dump_graph, topological_order
from chainrule.value import Value

__version__ = "0.1.0"
