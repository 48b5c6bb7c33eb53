"""Shape rules that several families share: ranks, axes, broadcasting."""

from __future__ import annotations

from dslc.ops.base import Check, OpError
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dslc.ir.dims import DimLike
    from dslc.ir.types import TensorType


def product(sizes: Iterable[DimLike]) -> DimLike:
    """The product of sizes."""
    total: DimLike = 1
    for size in sizes:
        total = total * size
    return total


def need_rank(op: str, value: TensorType, rank: int, form: str, *, input: int = 0) -> None:
    """Raises unless a value has `rank` axes; `form` shows them."""
    if value.rank != rank:
        raise OpError(
            "E0303", f"`{op}` takes {form}, and {value} has {count_axes(value.rank)}", input=input
        )


def count_axes(rank: int) -> str:
    """`1 axis`, `4 axes`."""
    return "1 axis" if rank == 1 else f"{rank} axes"


def resolve_axis(axis: int, rank: int, *, attribute: str = "axis") -> int:
    """An axis counted from 0; raises where the value has no such axis."""
    if not -rank <= axis < rank:
        message = f"axis {axis} is not there: the value has {count_axes(rank)}"
        raise OpError("E0312", message, attribute=attribute)
    return axis % rank


def broadcast(check: Check, op: str, shapes: Sequence[tuple[DimLike, ...]]) -> tuple[DimLike, ...]:
    """The common shape of several under ONNX's (NumPy's) rule; a dim equals or is 1."""
    rank = max(len(shape) for shape in shapes)
    result: list[DimLike] = [1] * rank
    for position, shape in enumerate(shapes):
        offset = rank - len(shape)
        for axis, dim in enumerate(shape):
            result[offset + axis] = _meet(check, op, result[offset + axis], dim, position, axis)
    return tuple(result)


def _meet(check: Check, op: str, left: DimLike, right: DimLike, input: int, axis: int) -> DimLike:
    if left == 1 or left == right:
        return right
    if right == 1:
        return left
    if check.ones.get(right, 0) < check.ones.get(left, 0):
        return right
    check.require(
        "==",
        left,
        right,
        f"`{op}` needs equal shapes: axis {axis} is {right}, not {left}",
        code="E0304",
        input=input,
        axis=axis,
    )
    return left


def same_dtype(op: str, types: Sequence[TensorType]) -> str:
    """The dtype that all values share; raises where one differs."""
    for position, value in enumerate(types):
        if value.dtype != types[0].dtype:
            raise OpError(
                "E0305",
                f"`{op}` needs one dtype, and has {types[0].dtype} and {value.dtype}",
                input=position,
                help=f"convert one with `cast: {types[0].dtype}`",
            )
    return types[0].dtype
