"""Which broadcasting sums Keras gets right.

On TensorFlow, `keras.ops.add(x, y)` takes a `y` with one axis longer than 1 for a bias, whatever
axis that is, if its size is that of the last axis of `x` or of axis 1: `[2, 1, 6] + [1, 6, 1]` is
`[2, 1, 6]` (Keras 3.15). Where sizes may meet like that, the sum is written as a difference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.layouts import stored_order

if TYPE_CHECKING:
    from dslc.emit.flow import Value
    from dslc.ir.dims import DimLike

    Shape = tuple[DimLike, ...]


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
