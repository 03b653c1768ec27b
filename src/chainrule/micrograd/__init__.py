"""micrograd's own rules, for programs written for it: the same names, and the same numbers.

    from chainrule.micrograd import Value           # for: from micrograd.engine import Value
    from chainrule.micrograd.nn import MLP          # for: from micrograd.nn import MLP

`backward()` adds to what `grad` holds, everywhere, until it is set to 0, as in micrograd, in EurekaLabs' micrograd and in microgpt.
"""

from chainrule.micrograd.engine import Value
from chainrule.micrograd.nn import MLP, Layer, Module, Neuron

__all__ = ["MLP", "Layer", "Module", "Neuron", "Value"]
