"""The dtypes of the spec as JAX names them; ids and labels are 32 bits wide on every backend."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from dslc.ir.types import FLOATS

if TYPE_CHECKING:
    from dslc.emit.context import OpContext

DTYPES = MappingProxyType(
    {
        "bool": "bool_",
        "i8": "int8",
        "i16": "int16",
        "i32": "int32",
        "i64": "int32",
        "u8": "uint8",
        "f16": "float16",
        "bf16": "bfloat16",
        "f32": "float32",
    }
)


def as_told(c: OpContext, text: str) -> str:
    """What computes in another dtype than the spec tells where that, or what goes in, is not f32."""
    others = FLOATS & {c.types[0].dtype, c.out.dtype} - {"f32"}
    return f"({text}).astype(jnp.{DTYPES[c.out.dtype]})" if others else text
