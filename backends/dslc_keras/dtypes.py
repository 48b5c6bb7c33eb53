"""The dtypes of the spec as Keras names them; ids and labels are 32 bits wide on every backend."""

from __future__ import annotations

from types import MappingProxyType

DTYPES = MappingProxyType(
    {
        "bool": "bool",
        "i8": "int8",
        "i16": "int16",
        "i32": "int32",
        "i64": "int32",
        "u8": "uint8",
        "f16": "float16",
        "bf16": "bfloat16",
        "f32": "float32",
        "f64": "float64",
    }
)
