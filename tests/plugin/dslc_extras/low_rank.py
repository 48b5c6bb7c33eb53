"""An op with weights, whose rules ask for classes that are copied into the generated modules."""

from pathlib import Path
from typing import Any

from dslc.plugin import Check, Op, OpError, Size, Weight, rule

HERE = Path(__file__).parent


class LowRank(Op):
    """A linear map through few values: `up @ (down @ x)`.

    Weights: `down` `[rank, C]`, `up` `[out, rank]`. Shape: `[..., C]` → `[..., out]`. Source: Sainath
    et al. 2013.
    """

    family = "linear"
    primary = "out"
    out = Size(doc="the width of the output")
    rank = Size(minimum=1, doc="how many values are between")

    def infer(self, check: Check, *types: Any) -> Any:
        """`[..., C]` → `[..., out]`."""
        (x,) = types
        if x.rank < 1:
            raise OpError("E0301", "`low_rank` needs an axis of channels", input=0)
        return x.with_shape(*x.shape[:-1], self.out)

    def weights(self, *types: Any) -> tuple[Weight, ...]:
        """Both maps."""
        width = types[0].shape[-1]
        down = Weight("down", (self.rank, width), ("normal", ("std", 0.1)))
        return (down, Weight("up", (self.out, self.rank), ("normal", ("std", 0.1))))

    def flops(self, types: Any, outputs: Any) -> Any:
        """Two products."""
        rows = types[0].elements // types[0].shape[-1]
        return 2 * rows * self.rank * (types[0].shape[-1] + self.out)


@rule("torch", LowRank, helpers=str(HERE / "torch_helpers.py"))
def in_torch(c: Any) -> str:
    sizes = f"{c.size(c.types[0].shape[-1])}, {c.attribute('out')}, {c.attribute('rank')}"
    return f"{c.layer(c.helper('LowRank') + f'({sizes})')}({c.x})"


@rule("jax", LowRank, helpers=str(HERE / "jax_helpers.py"))
def in_jax(c: Any) -> str:
    sizes = f"{c.size(c.types[0].shape[-1])}, {c.attribute('out')}, {c.attribute('rank')}"
    return f"{c.layer(c.helper('LowRank') + f'({sizes}, rngs=rngs)')}({c.x})"


@rule("keras", LowRank, helpers=str(HERE / "keras_helpers.py"))
def in_keras(c: Any) -> str:
    sizes = f"{c.attribute('out')}, {c.attribute('rank')}"
    return c.call(f"{c.helper('LowRank')}({sizes}, name={c.name})", c.x)


@rule("onnx", LowRank)
def in_onnx(at: Any) -> Any:
    down, up = (
        at.prepared(f"{name}_turned", [name], lambda name=name: at.array(name).T.copy())
        for name in ("down", "up")
    )
    few = at.type.with_shape(*at.type.shape[:-1], at.op.rank)
    return at.emit("MatMul", at.emit("MatMul", at.input(), down, type=few, label="few"), up)
