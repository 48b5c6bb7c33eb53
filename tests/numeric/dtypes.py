"""Every op in every dtype that its own type rule takes: variants of the cases of the table.

Which inputs change follows from what the op says that they hold: all floats together, all integers
together, and where numbers or anything may go in, integers and truth values in place of floats.
Whether a variant is right is for the checker to say; how exact it has to be follows from its dtype.

What a backend does not have in a dtype it says itself, when the model is built or as its framework's
own error; `specs/language/op-support.md` lists all of that.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from zlib import crc32

import numpy as np

from dslc.diagnostics import Report
from dslc.emit.backend import BuildError
from dslc.ir.types import FLOATS, INTEGERS
from dslc.ops import all_ops
from dslc.passes.pipeline import check_source
from dslc.source import Source
from dslc.tools.verify_figures import values_apart
from dslc.tools.verify_reference import run
from tests.numeric.frameworks import DEVICE
from tests.numeric.judge import Arrays, Batch, of_case
from tests.numeric.table import RIGHT, Case, spec

ALLOWED = {"f16": 1e-2, "bf16": 8e-2, "f64": 1e-10}
"""How far floats may be from the reference, relative to its largest value; of others 5e-6."""
ONNX_ALLOWED = 2e-7
"""The same of f64 in ONNX, whose attributes are float32."""
SMALLEST = {"f16": 2.0**-24}
"""What a float cannot tell from 0."""
LACKS = re.compile(
    r"NOT_IMPLEMENTED|[Nn]ot implemented for|MLFloat16 data type is not supported"
    r"|does not support double|Could not find device for node|not in the list of allowed values"
)
"""How a framework says that it has no kernel."""
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
        items = case.inputs.items() if isinstance(case.inputs, dict) else enumerate(case.inputs)
        found = {key: recast(type, kinds, dtype) for key, type in items}
        self.inputs = found if isinstance(case.inputs, dict) else list(found.values())

    @property
    def name(self) -> str:
        """The step's name: the case's and the dtype."""
        return self.label

    def excuses(self, found: Arrays, expected: Arrays) -> bool:
        """Whether arrays are as near as the dtype can be, where a relative figure says no."""
        least = SMALLEST.get(self.dtype, 0.0)
        return all(
            np.abs(found[name] - array).max(initial=0) <= least for name, array in expected.items()
        )


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


class Outcome:
    """What came of a variant on a backend: nothing, a fault in words, or what there is none of."""

    def __init__(self, variant: Variant, fault: str = "", lack: str = "") -> None:
        self.variant = variant
        self.fault = fault
        self.lack = lack


def outcomes(backend: Any, cases: Sequence[Variant]) -> list[Outcome]:
    """What comes of variants, in as few models as the backend's own refusals allow."""
    try:
        return compared(backend, cases)
    except Exception as error:
        if len(cases) > 1:
            half = len(cases) // 2
            return outcomes(backend, cases[:half]) + outcomes(backend, cases[half:])
        words = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        refused = isinstance(error, BuildError) or LACKS.search(words)
        return [Outcome(cases[0], **{"lack" if refused else "fault": words})]


def compared(backend: Any, cases: Sequence[Variant]) -> list[Outcome]:
    """The values of one model that has all of them, against the reference."""
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
    own, wanted = of_case(case, found), of_case(case, expected)
    others = {name: f"{array.dtype}, not {types[name]}" for name, array in own.items()
              if array.dtype.name not in (NUMPY[types[name]], EQUAL.get((backend, types[name])))}  # fmt: skip
    if others:
        return f"other dtypes: {others}"
    difference = values_apart(own, wanted)
    floats = [types[name] for name in wanted if types[name] in FLOATS]
    allowed = max([ALLOWED.get(dtype, 5e-6) for dtype in (case.dtype, *floats)], default=5e-6)
    allowed = max(allowed, ONNX_ALLOWED) if backend == "onnx" else allowed
    fine = difference.max_rel <= allowed or case.excuses(own, wanted)
    return "" if fine else repr(difference)
