"""`expr`: the nodes of its parts, numbers as shared constants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from dslc.ir.arithmetic import Arithmetic
from dslc.ir.dims import Dim
from dslc.ir.types import TensorType
from dslc.ops.base import Check
from dslc_onnx.lowering import Lowering, Operand
from dslc_onnx.rules import RULES
from dslc_onnx.types import DTYPES

if TYPE_CHECKING:
    import onnx_ir as ir

    from dslc.ir.arithmetic import Part
    from dslc_onnx.rules import Result


@RULES.add(Arithmetic)
def formula(at: Lowering[Arithmetic]) -> Result:
    """Each part by the rule of its op."""
    root = at.op.root(Check(None), at.input_types)
    return _Formula(at).operand(root, at.path)


@final
class _Formula:
    def __init__(self, at: Lowering[Any]) -> None:
        self.at = at
        self.made: dict[int, Operand] = {}

    def operand(self, part: Part, path: str = "") -> Operand:
        """The value of a part, made once."""
        if id(part) not in self.made:
            self.made[id(part)] = self.make(part, path)
        return self.made[id(part)]

    def make(self, part: Part, path: str) -> Operand:
        if part.position is not None:
            return self.at.operand(part.position)
        if part.is_constant:
            return Operand("", part.type, self.constant(part))
        if part.op is None:
            return self.operand(part.parts[0 if part.constant else 1], path)
        path = path or f"{self.at.path}/{part.op.name}"
        inputs = [self.operand(inner) for inner in part.parts]
        at = self.at
        inner = Lowering(at.graph, at.sizes, part.op, path, inputs, {"": part.type}, at.span)
        found = RULES.find(type(part.op))(inner)
        if isinstance(found, Operand):
            return found
        return Operand(path, part.type, found, inner.form)

    def constant(self, part: Part) -> ir.Value:
        """A number, or a size that is read when the model runs."""
        graph, dtype = self.at.graph, part.type.dtype
        if not isinstance(part.constant, Dim):
            return graph.scalar(dtype, part.constant)
        size, dim = self.at.sizes.size(part.constant), part.constant

        def read() -> ir.Value:
            name, scalar = f"size/{dim}/{dtype}", TensorType("i64", ())
            value = graph.node("Squeeze", [size], [(f"size/{dim}/scalar", scalar)])[0]
            if dtype == "i64":
                return value
            type = scalar.with_dtype(dtype)
            return graph.node("Cast", [value], [(name, type)], {"to": DTYPES[dtype].value})[0]

        return graph.shared(("number", str(dim), dtype), read)
