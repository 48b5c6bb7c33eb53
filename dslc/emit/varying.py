"""Attributes that differ among the instances of a module, and what then happens to it.

A class serves all instances of a module: sizes and numbers are arguments of it. What a rule decides
on itself (a word, whether there is a bias, an axis) is part of the code. So an op in a module's own
names hides the attributes that differ: a rule may still print their expressions, and one that looks
at such a value raises `Varies`, which splits the module in one part for each value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast, final

from dslc.syntax.expressions import Index, Literal, Name
from dslc.values import is_list

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dslc.ir.graph import ApplyOp
    from dslc.ir.instance import Iteration
    from dslc.ops.base import Op
    from dslc.syntax.expressions import Expr


@final
class Varies(Exception):
    """Code depends on an attribute that differs among the instances of a module."""

    def __init__(self, module: str, step: int, attribute: str) -> None:
        super().__init__(f"`{attribute}` differs among the instances of `{module}`")
        self.module = module
        self.step = step
        self.attribute = attribute


@final
class VaryingValues(dict[str, Any]):
    """An op's attributes, of which some must not be looked at."""

    __slots__ = ("module", "step", "varying")

    def __init__(
        self, values: dict[str, Any], varying: frozenset[str], module: str, step: int
    ) -> None:
        super().__init__(values)
        self.varying = varying
        self.module = module
        self.step = step

    def __getitem__(self, name: str) -> Any:
        if name in self.varying:
            raise Varies(self.module, self.step, name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None, /) -> Any:
        if name in self.varying:
            raise Varies(self.module, self.step, name)
        return super().get(name, default)


def varies(op: Op, name: str) -> bool:
    """Whether an attribute differs among the instances that a class serves."""
    return isinstance(op.values, VaryingValues) and name in op.values.varying


def op_in_own_names(
    action: ApplyOp,
    samples: Sequence[Iteration],
    value: Callable[[Expr], object],
    module: str,
    step: int,
) -> Op:
    """The op with symbolic sizes; other attributes as all instances have them, or hidden."""
    ops = [sample.op for sample in samples if sample.op is not None]
    values: dict[str, object] = {}
    varying: set[str] = set()
    for name, expression in action.attributes.items():
        concrete = ops[0].values[name]
        attribute = action.op.attributes[name]
        words = {isinstance(op.values[name], str) for op in ops}
        if attribute.symbolic and words == {False}:
            if len({len(op.values[name]) for op in ops if is_list(op.values[name])}) > 1:
                raise Varies(module, step, name)
            own = in_places(expression, samples[0].environment, value)
            values[name] = signed(own, [op.values[name] for op in ops])
            continue
        values[name] = concrete
        if len({attribute.decisive(op.values[name]) for op in ops}) > 1:
            varying.add(name)
    op = action.op(values)
    if varying:
        op.values = VaryingValues(op.values, frozenset(varying), module, step)
    return op


def in_places(
    expression: Expr, environment: Mapping[str, object], value: Callable[[Expr], object]
) -> object:
    """An attribute's value; of a list that a param gives as a whole, each place by its number."""
    own = value(expression)
    if is_list(own) or not isinstance(expression, Name):
        return own
    found = environment.get(expression.id)
    if not is_list(found):
        return own
    return tuple(value(Index(expression, Literal(k))) for k in range(len(found)))


def signed(own: object, values: Sequence[object]) -> object:
    """A size in a module's names; a place that all instances count from the end stays that number.

    What a negative number means is not what a symbol means, whose sizes are positive.
    """
    if isinstance(own, tuple):
        parts = cast("tuple[object, ...]", own)
        others = [cast("tuple[object, ...]", item) for item in values if isinstance(item, tuple)]
        if len(others) != len(values) or {len(item) for item in others} != {len(parts)}:
            return parts
        return tuple(signed(part, [item[k] for item in others]) for k, part in enumerate(parts))
    first = values[0]
    is_negative = isinstance(first, int) and first < 0
    return first if is_negative and all(value == first for value in values) else own
