"""An op that one backend has and the others do not."""

from typing import Any

from dslc.plugin import Elementwise, Number, rule


class HardShrink(Elementwise):
    """`x` where `|x| > bound`, else 0. Source: `torch.nn.Hardshrink`."""

    family = "activation"
    primary = "bound"
    bound = Number(0.5, doc="how large what is kept must be")


@rule("torch", HardShrink)
def in_torch(c: Any) -> str:
    return f"F.hardshrink({c.x}, {c.run_attribute('bound')})"
