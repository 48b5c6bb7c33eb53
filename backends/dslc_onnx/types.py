"""dslc's types as ONNX has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import onnx_ir as ir

from dslc.ir.types import TensorType

if TYPE_CHECKING:
    import numpy as np

    from dslc.ir.dims import DimLike

DTYPES = {
    "bool": ir.DataType.BOOL,
    "i8": ir.DataType.INT8,
    "i16": ir.DataType.INT16,
    "i32": ir.DataType.INT32,
    "i64": ir.DataType.INT64,
    "u8": ir.DataType.UINT8,
    "f16": ir.DataType.FLOAT16,
    "bf16": ir.DataType.BFLOAT16,
    "f32": ir.DataType.FLOAT,
    "f64": ir.DataType.DOUBLE,
}

HIDDEN = {"f16": -3e4, "bf16": -1e30, "f32": -1e30, "f64": -1e30}
"""What stands for a score that is not to count: far below any score, and finite, so that a query
that sees nothing gives a mean and no NaN; what it gives is then set to zero."""

NAMES = {dtype: name for name, dtype in DTYPES.items()}


def numpy_dtype(dtype: str) -> np.dtype[Any]:
    """The NumPy dtype of dslc's."""
    return DTYPES[dtype].numpy()


def make_value(name: str, type: TensorType) -> ir.Value:
    """A value with our own type: symbolic sizes keep their expressions as text."""
    shape = ir.Shape([dim if isinstance(dim, int) else str(dim) for dim in type.shape])
    return ir.Value(name=name, shape=shape, type=ir.TensorType(DTYPES[type.dtype]))


def product(sizes: tuple[DimLike, ...]) -> DimLike:
    """The product of sizes."""
    total: DimLike = 1
    for size in sizes:
        total = total * size
    return total


def rows_type(type: TensorType) -> TensorType:
    """The type of a value as rows: all axes but the last joined into one."""
    return type.with_shape(product(type.shape[:-1]), type.shape[-1])


def time_first_type(type: TensorType) -> TensorType:
    """The type of `[N, T, …]` as `[T, N, …]`."""
    return type.with_shape(type.shape[1], type.shape[0], *type.shape[2:])


def vector(size: DimLike, dtype: str = "i64") -> TensorType:
    """The type of a vector."""
    return TensorType(dtype, (size,))
