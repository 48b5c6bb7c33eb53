"""Shapes and places in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.base import Check
from dslc.ops.tensor import (
    Cast,
    Concat,
    Flatten,
    Parameter,
    Reshape,
    Slice,
    Split,
    Transpose,
)
from dslc_torch.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext

DTYPES = {
    "bool": "bool",
    "i8": "int8",
    "i16": "int16",
    "i32": "int32",
    "i64": "int64",
    "u8": "uint8",
    "f16": "float16",
    "bf16": "bfloat16",
    "f32": "float32",
    "f64": "float64",
}


@RULES.add(Flatten)
def flatten(c: OpContext) -> str:
    return f"{c.x}.flatten({c.run_attribute('axis')})"


@RULES.add(Reshape)
def reshape(c: OpContext) -> str:
    return f"{c.x}.reshape({c.run_shape('shape') or '()'})"


@RULES.add(Transpose)
def transpose(c: OpContext) -> str:
    assert isinstance(c.op, Transpose)
    order = c.op.order(c.types[0].rank)
    moved = [k for k, axis in enumerate(order) if k != axis]
    if len(moved) == 2:
        return f"{c.x}.transpose({moved[0]}, {moved[1]})"
    return f"{c.x}.permute({', '.join(map(str, order))})"


@RULES.add(Concat)
def concat(c: OpContext) -> str:
    return f"torch.cat({c.listed}, dim={c.run_attribute('axis')})"


@RULES.add(Split)
def split(c: OpContext) -> dict[str, str]:
    assert isinstance(c.op, Split)
    axis = c.run_attribute("axis")
    names = c.op.output_names()
    if c.op.squeeze:
        code = f"{c.x}.unbind({axis})"
    elif c.op.sizes is None:
        code = f"{c.x}.chunk({c.op.parts}, dim={axis})"
    else:
        code = f"{c.x}.split([{c.run_shape('sizes')}], dim={axis})"
    return c.unpack(code, names)


@RULES.add(Slice)
def slice_(c: OpContext) -> str:
    assert isinstance(c.op, Slice)
    axis = c.op.axis % c.types[0].rank
    before = ":, " * axis
    return f"{c.x}[{before}{slice_text(c)}]"


def slice_text(c: OpContext) -> str:
    """The subscript of the sliced axis."""
    values = c.op.values
    if values["index"] is not None:
        return c.run_attribute("index")
    start = "" if values["start"] is None else c.run_attribute("start")
    stop = "" if values["stop"] is None else c.run_attribute("stop")
    step = "" if values["step"] == 1 else f":{c.run_attribute('step')}"
    return f"{start}:{stop}{step}"


@RULES.add(Cast)
def cast(c: OpContext) -> str:
    return f"{c.x}.to(torch.{DTYPES[c.op.values['dtype']]})"


@RULES.add(Parameter)
def parameter(c: OpContext) -> str:
    assert isinstance(c.op, Parameter)
    tied = c.tied("weight")
    if tied is not None:
        return ".".join(filter(None, tied))
    shape = ", ".join(c.size(dim) for dim in c.op.infer(Check(None)).shape)
    return c.layer(f"nn.Parameter(torch.zeros({shape or '()'}))")
