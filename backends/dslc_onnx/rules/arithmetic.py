"""Arithmetic on tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dslc.ir.types import FLOATS
from dslc.ops.arithmetic import Add, Mul, ReduceMean, ReduceSum
from dslc.ops.base import Check
from dslc_onnx.lowering import ROWS, form_type
from dslc_onnx.rules import RULES

if TYPE_CHECKING:
    import onnx_ir as ir

    from dslc.ir.types import TensorType
    from dslc_onnx.lowering import Lowering
    from dslc_onnx.rules import Result, Rule


def broadcasting(op_type: str, of_many: str | None = None) -> Rule:
    """A function of two values and more; `of_many` takes any number at once, of floats."""

    def rule(at: Lowering[Any]) -> Result:
        if len(at.operands) == 1:
            return at.operand()
        values = operands_in_form(at)
        if of_many and len(values) > 2 and at.type.dtype in FLOATS:
            return at.emit(of_many, *values)
        total = values[0]
        for position, value in enumerate(values[1:-1], 1):
            total = at.emit(op_type, total, value, type=step_type(at, position), label="part")
        return at.emit(op_type, total, values[-1])

    return rule


def step_type(at: Lowering[Any], position: int) -> TensorType:
    """The type of the first `position + 1` values put together, in the rule's form."""
    found = at.op.infer(Check(None), *at.input_types[: position + 1])
    return form_type(found, at.form) if found.rank == at.type.rank else found


def operands_in_form(at: Lowering[Any]) -> list[ir.Value]:
    """The operands of a function of elements, all on rows where that serves."""
    if rows_serve(at):
        at.form = ROWS
    return [
        at.input(k) if type.shape == at.type.shape else at.convert(at.operand(k), "")
        for k, type in enumerate(at.input_types)
    ]


def rows_serve(at: Lowering[Any]) -> bool:
    """Whether all is said on rows: equal shapes or vectors, and one value that is rows already."""
    types, shape = at.input_types, at.type.shape
    fits = all(type.shape == shape or type.rank < 2 for type in types)
    native = any(ROWS in at.operand(k).forms for k, type in enumerate(types) if type.shape == shape)
    return fits and native


def reduction(op_type: str, *, axes_are_input: int) -> Rule:
    """A reduction; its axes are an input from opset `axes_are_input` on, an attribute before."""

    def rule(at: Lowering[Any]) -> Result:
        rank = at.operand().type.rank
        axes = at.op.axes(rank)
        keep: dict[str, Any] = {"keepdims": int(at.op.keep)}
        if not axes:
            return at.operand()
        if len(axes) == rank:
            return at.emit(op_type, at.input(), **keep)
        if at.graph.opset >= axes_are_input:
            return at.emit(op_type, at.input(), at.graph.integers(*axes), **keep)
        return at.emit(op_type, at.input(), axes=list(axes), **keep)

    return rule


def reduced(
    at: Lowering[Any],
    op_type: str,
    value: ir.Value,
    axes: list[int],
    type: TensorType,
    label: str,
    *,
    keep: bool = True,
) -> ir.Value:
    """A reduction of some axes, which are an attribute before opset 18, but for sums."""
    options: dict[str, Any] = {"type": type, "label": label, "keepdims": int(keep)}
    if at.graph.opset >= 18 or op_type == "ReduceSum":
        return at.emit(op_type, value, at.graph.integers(*axes), **options)
    return at.emit(op_type, value, axes=axes, **options)


RULES.add(Add)(broadcasting("Add", of_many="Sum"))
RULES.add(Mul)(broadcasting("Mul"))
RULES.add(ReduceMean)(reduction("ReduceMean", axes_are_input=18))
RULES.add(ReduceSum)(reduction("ReduceSum", axes_are_input=13))
