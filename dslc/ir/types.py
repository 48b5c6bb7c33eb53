"""Tensor types: a dtype and a shape of exact, possibly symbolic, dims."""

from __future__ import annotations

from dslc.ir.dims import substitute
from dslc.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dslc.ir.dims import DimLike

FLOATS = frozenset(("f16", "bf16", "f32", "f64"))
INTEGERS = frozenset(("i8", "i16", "i32", "i64", "u8"))
BYTES = {
    **dict.fromkeys(("bool", "i8", "u8"), 1),
    **dict.fromkeys(("i16", "f16", "bf16"), 2),
    **dict.fromkeys(("i32", "f32"), 4),
    **dict.fromkeys(("i64", "f64"), 8),
}
"""The bytes of one element by dtype."""


@final
class TensorType:
    """A dtype and a shape, such as `f32[N, 3, H, W]`; immutable, compared by value."""

    __slots__ = ("dtype", "shape")

    dtype: str
    shape: tuple[DimLike, ...]

    def __init__(self, dtype: str, shape: tuple[DimLike, ...]) -> None:
        self.dtype = dtype
        self.shape = shape

    @property
    def rank(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def elements(self) -> DimLike:
        """The number of elements, an expression where a dim is one."""
        total: DimLike = 1
        for dim in self.shape:
            total = total * dim
        return total

    def with_shape(self, *shape: DimLike) -> TensorType:
        """The same dtype with another shape."""
        return TensorType(self.dtype, shape)

    def with_dtype(self, dtype: str) -> TensorType:
        """The same shape with another dtype."""
        return TensorType(dtype, self.shape)

    def substitute(self, sizes: Mapping[str, DimLike]) -> TensorType:
        """The type with symbols replaced."""
        return TensorType(self.dtype, tuple(substitute(dim, sizes) for dim in self.shape))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TensorType):
            return NotImplemented
        return self.dtype == other.dtype and self.shape == other.shape

    def __hash__(self) -> int:
        return hash((self.dtype, self.shape))

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join(str(dim) for dim in self.shape)}]"

    __repr__ = __str__
