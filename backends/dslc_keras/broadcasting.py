"""Which broadcasting Keras gets right, on TensorFlow above all.

On TensorFlow, `keras.ops.add(x, y)` takes a `y` with one axis longer than 1 for a bias, whatever
axis that is, if its size is that of the last axis of `x` or of axis 1: `[2, 1, 6] + [1, 6, 1]` is
`[2, 1, 6]` (Keras 3.15). Where sizes may meet like that, the sum is written as a difference.

TensorFlow broadcasts two values in at most five stretches of axes, a stretch being axes side by side
along which the same one of the two is stretched, or neither. Beyond that they are stretched first.
"""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import TYPE_CHECKING

from dslc.emit.flow import Value
from dslc.emit.layouts import stored_order
from dslc.ops.select import Where
from dslc_keras.layers import plain

if TYPE_CHECKING:
    from dslc.emit.context import OpContext
    from dslc.ir.dims import DimLike

    Shape = tuple[DimLike, ...]

MOST_STRETCHES = 5


def stored_shape(value: Value) -> Shape:
    """A value's sizes in the order of its layout."""
    order = stored_order(value.type.rank, value.layout)
    return tuple(value.type.shape[axis] for axis in order)


def adds_right(x: Shape, y: Shape) -> bool:
    """Whether `x + y` is right for all sizes: `y` is never taken for a bias that it is not."""
    if len(y) >= len(x) - 1 and y == x[len(x) - len(y) :]:
        return True
    long = [axis for axis, size in enumerate(y) if isinstance(size, int) and size > 1]
    alone = long or [axis for axis, size in enumerate(y) if size != 1]
    if len(x) < 2 or len(long) > 1:
        return True
    return all(axis == len(y) - 1 and y[-1] == x[-1] for axis in alone)


def stretch(c: OpContext) -> None:
    """Stretches the inputs of an op on each element, where TensorFlow does not do it by itself."""
    given = [k for k, value in enumerate(c.values) if value is not None and not value.is_spread]
    if c.op.layout != "elementwise" and not isinstance(c.op, Where):
        return
    shapes = {k: stored_shape(value) for k in given if (value := c.values[k]) is not None}
    rank = max(map(len, shapes.values()), default=0)
    whole = {k: shape for k, shape in shapes.items() if len(shape) == rank}
    if all(stretches(x, y) <= MOST_STRETCHES for x, y in combinations(whole.values(), 2)):
        return
    names = {k: c.variable(k) for k in whole}
    texts = dict(names)
    for k, shape in whole.items():
        for other, full in whole.items():
            axes = [n for n in range(rank) if shape[n] == 1 and full[n] != 1]
            if axes:
                call = f"{texts[k]}, {names[other]}"
                texts[k] = plain(c, c.helper("Spread"), *map(str, axes), call=call)
    for k, text in texts.items():
        value = c.values[k]
        assert value is not None
        c.values[k] = Value(text, value.variables, value.type, heavy=1, layout=value.layout)


def stretches(x: Shape, y: Shape) -> int:
    """How many stretches of axes two values of as many axes have; what is 1 in both counts nowhere."""
    sides = [(a == 1) - (b == 1) for a, b in zip(x, y, strict=True) if a != 1 or b != 1]
    return sum(left != right for left, right in pairwise(sides)) + 1
