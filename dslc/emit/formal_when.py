"""What a `when` decides: the type of the value behind it, and whether a run has a say in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ir.dims import Dim, opaque, symbols_of
from dslc.syntax.expressions import Boolean, Compare, free_names, to_python
from dslc.values import is_list

if TYPE_CHECKING:
    from collections.abc import Callable

    from dslc.ir.dims import DimLike
    from dslc.ir.instance import Iteration
    from dslc.ir.types import TensorType
    from dslc.syntax.expressions import Expr


def merged(
    when: Expr, present: TensorType, absent: TensorType, value: Callable[[Expr], object]
) -> TensorType:
    """The type behind a `when`: the step's where it is there, else its input's.

    Two sizes that the condition itself says to be equal are one: behind `when: out == C` a value has
    `out` channels whether or not the step is there.
    """
    if present.rank != absent.rank:
        return present
    condition, names = to_python(when), free_names(when)
    equal = [{value(left), value(right)} for left, right in equalities(when)]
    shape: list[DimLike] = []
    for left, right in zip(present.shape, absent.shape, strict=True):
        if left == right or {left, right} in equal:
            shape.append(right)
            continue
        used = names | symbols_of(left) | symbols_of(right)
        shape.append(opaque(f"({left}) if {condition} else ({right})", frozenset(used)))
    return present.with_shape(*shape)


def of_runs(when: Expr) -> Callable[[Iteration], bool]:
    """Whether a condition reads, in an iteration, a size that only a run knows."""
    names = free_names(when)
    return lambda found: any(holds_size(found.environment.get(name)) for name in names)


def holds_size(value: object) -> bool:
    """Whether a compile-time value is a size that only a run knows, or a list with one."""
    return any(map(holds_size, value)) if is_list(value) else isinstance(value, Dim)


def equalities(when: Expr) -> list[tuple[Expr, Expr]]:
    """The pairs that are equal wherever a condition holds."""
    if isinstance(when, Boolean) and when.op == "and":
        return [pair for part in when.operands for pair in equalities(part)]
    if isinstance(when, Compare) and when.ops == ("==",):
        return [(when.left, when.rights[0])]
    return []
