"""Values picked, counted and made in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.select import (
    Argmax,
    Constant,
    Cumsum,
    Gather,
    Identity,
    OneHot,
    Range,
    Resize,
    StopGradient,
    Where,
)
from dslc_torch.rules import RULES
from dslc_torch.rules.tensor import DTYPES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(Gather)
def gather(c: OpContext) -> str:
    x, ids = c.args
    axis, batch = c.op.values["axis"] % c.types[0].rank, c.op.values["batch"]
    ids = ids if c.types[1].dtype == "i64" else f"{ids}.long()"
    if batch:
        return f"{c.helper('gather')}({x}, {ids}, {axis}, {batch})"
    return f"{x}[{':, ' * axis}{ids}]"


@RULES.add(OneHot)
def one_hot(c: OpContext) -> str:
    ids = c.x if c.types[0].dtype == "i64" else f"{c.x}.long()"
    return f"F.one_hot({ids}, {c.run_attribute('classes')}).to(torch.float32)"


@RULES.add(Where)
def where(c: OpContext) -> str:
    return f"torch.where({', '.join(c.args)})"


@RULES.add(Argmax)
def argmax(c: OpContext) -> str:
    keep = ", keepdim=True" if c.op.values["keep"] else ""
    return f"{c.x}.argmax({c.run_attribute('axis')}{keep})"


@RULES.add(Cumsum)
def cumsum(c: OpContext) -> str:
    return f"{c.x}.cumsum({c.run_attribute('axis')})"


@RULES.add(Range)
def range_(c: OpContext) -> str:
    start = f"{c.run_attribute('start')}, " if c.given("start") or c.given("step") else ""
    step = f", {c.run_attribute('step')}" if c.given("step") else ""
    return f"torch.arange({start}{c.run_attribute('stop')}{step}, device={device(c)})"


@RULES.add(Constant)
def constant(c: OpContext) -> str:
    dtype = f"torch.{DTYPES[c.op.values['dtype']]}"
    return f"torch.full({c.run_tuple('shape')}, {number(c)}, dtype={dtype}, device={device(c)})"


def number(c: OpContext) -> str:
    """The number of a constant, an integer for integers."""
    if c.is_constant("value") and c.op.values["dtype"] != "f32":
        return str(int(c.op.values["value"]))
    return c.run_attribute("value")


def device(c: OpContext) -> str:
    """Where the module's inputs are."""
    return f"{c.writer.body.anchor()}.device"


@RULES.add(Identity)
def identity(c: OpContext) -> str:
    return c.x


@RULES.add(StopGradient)
def stop_gradient(c: OpContext) -> str:
    return f"{c.x}.detach()"


@RULES.add(Resize)
def resize(c: OpContext) -> str:
    mode = c.op.values["mode"]
    mode = "" if mode == "nearest" else f', mode="{mode}"'
    if c.op.values["size"] is not None:
        return f"F.interpolate({c.x}, {c.run_attribute('size')}{mode})"
    return f"F.interpolate({c.x}, scale_factor={c.run_attribute('scale')}{mode})"
