"""Every op in every dtype that its own type rule takes: variants of the cases of the table.

Which inputs change follows from what the op says that they hold: all floats together, all integers
together, and where numbers or anything may go in, integers and truth values in place of floats.
Whether a variant is right is for the checker to say; how exact it has to be follows from its dtype.

`specs/language/op-support.md` lists what a backend does not have.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from zlib import crc32

import numpy as np

from dslc.diagnostics import Report
from dslc.ir.types import FLOATS, INTEGERS
from dslc.ops import all_ops
from dslc.passes.pipeline import check_source
from dslc.source import Source
from dslc.tools.verify_figures import values_apart
from dslc.tools.verify_reference import run
from tests.numeric.frameworks import DEVICE
from tests.numeric.judge import Arrays, Batch, of_case
from tests.numeric.sweep import Outcome
from tests.numeric.table import RIGHT, Case, spec

ALLOWED = {"f16": 1.6e-2, "bf16": 8e-2, "f64": 1e-10}
"""How far floats may be from the reference, relative to its largest value; of others 5e-6."""
ONNX_ALLOWED = 2e-7
"""The same of f64 in ONNX, whose attributes are float32."""
SMALLEST = {"f16": 2.0**-24}
"""What a float cannot tell from 0."""
SIXTEEN = ("f16", "bf16")
FEW = 0.25
"""In what share of places an integer may be another that was picked among floats of 16 bits."""
NUMPY = {
    "bool": "bool", "i8": "int8", "i16": "int16", "i32": "int32", "i64": "int64", "u8": "uint8",
    "f16": "float16", "bf16": "bfloat16", "f32": "float32", "f64": "float64",
}  # fmt: skip
"""What an output's array holds."""
EQUAL = {
    ("keras", "i64"): "int32", ("jax", "i64"): "int32", ("torch", "f16"): "float32",
    ("torch", "bf16"): "float32", ("onnx", "bf16"): "float32", ("keras", "bf16"): "float32",
}  # fmt: skip
"""What it may hold instead: ids of 32 bits, and what the drivers hand out of what NumPy has not."""
SHARE = 16
"""Each how-many-th variant is tried in every run of the tests."""


class Variant(Case):
    """A case with its inputs in another dtype."""

    def __init__(self, case: Case, kinds: frozenset[str], dtype: str) -> None:
        self.__dict__ |= vars(case)
        self.dtype = dtype
        self.label = f"{case.name}_{dtype}"
        self.after = [
            "exp" if op == "softplus" else op for op in case.after
        ]  # which ONNX has in all
        items = case.inputs.items() if isinstance(case.inputs, dict) else enumerate(case.inputs)
        found = {key: recast(type, kinds, dtype) for key, type in items}
        self.inputs = found if isinstance(case.inputs, dict) else list(found.values())

    @property
    def name(self) -> str:
        """The step's name: the case's and the dtype."""
        return self.label


def recast(type: str, kinds: frozenset[str], dtype: str) -> str:
    """A type's text with another dtype where its own is one of some."""
    own, bracket, rest = type.partition("[")
    return f"{dtype if own in kinds else own}{bracket}{rest}"


def candidates(case: Case) -> Iterator[Variant]:
    """The variants of a case that its op's inputs may allow."""
    own = {type.partition("[")[0] for type in case.input_types().values()}
    holds = {item.holds for item in all_ops()[case.op].inputs}
    if own & FLOATS:
        yield from (Variant(case, FLOATS, dtype) for dtype in ("f16", "bf16", "f64"))
    if own & FLOATS and holds & {"number", "any"}:
        dtypes = (*sorted(INTEGERS), "bool") if "any" in holds else sorted(INTEGERS)
        yield from (Variant(case, FLOATS, dtype) for dtype in dtypes)
    elif own & INTEGERS:
        yield from (Variant(case, INTEGERS, dtype) for dtype in sorted(INTEGERS - own))


def accepted(case: Case) -> bool:
    """Whether the checker takes a case."""
    return check_source(Source("net.yaml", spec([case])), Report()) is not None


def variants(*, every: bool) -> list[Variant]:
    """The right variants of each op's first case that has some; a stable share of them, or `every` one."""
    found: dict[tuple[str, str], Variant] = {}
    for case in RIGHT:
        for variant in candidates(case):
            key = variant.op, variant.dtype
            picked = every or crc32(" ".join(key).encode()) % SHARE == 0
            if picked and key not in found and accepted(variant):
                found[key] = variant
    return list(found.values())


def compared(backend: Any, cases: Sequence[Any]) -> list[Outcome]:
    """The values of one model that has all of these variants, against the reference."""
    batch = Batch(list(cases))
    comparison = batch.comparison
    expected = comparison.reference.case(comparison.settings[0], 0, training=False)
    driver = backend.driver(batch.checked, device=DEVICE)
    found = run(driver, comparison.weights, frozenset(), expected.inputs, training=False)
    types = {name: type.dtype for name, type in batch.checked.instance.outputs.items()}
    return [
        Outcome(case, fault_of(case, backend.name, found, dict(expected.outputs), types))
        for case in cases
    ]


def fault_of(
    case: Variant, backend: str, found: Arrays, expected: Arrays, types: Mapping[str, str]
) -> str:
    """What is wrong with the values of a variant, in words."""
    faults: list[str] = []
    for name, array in of_case(case, found).items():
        told = types[name]
        if array.dtype.name not in (NUMPY[told], EQUAL.get((backend, told))):
            faults.append(f"{name} is {array.dtype}, not {told}")
        elif not is_near(array, expected[name], case.dtype, told, backend):
            faults.append(repr(values_apart({name: array}, {name: expected[name]})))
    return "; ".join(faults)


def is_near(found: Any, expected: Any, given: str, told: str, backend: str) -> bool:
    """Whether an output is as near as the dtypes of what goes in and comes out can be.

    What 16 bits do not tell apart is taken for equal, so that something else is picked in a few places.
    """
    allowed = max(ALLOWED.get(dtype, 5e-6 if dtype == "f32" else 0.0) for dtype in (given, told))
    allowed = max(allowed, ONNX_ALLOWED) if backend == "onnx" else allowed
    if values_apart({"": found}, {"": expected}).max_rel <= allowed:
        return True
    if expected.dtype.kind == "f":
        return np.abs(found - expected).max(initial=0) <= SMALLEST.get(given, 0.0)
    return given in SIXTEEN and np.mean(found != expected) <= FEW
