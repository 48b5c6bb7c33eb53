"""Symbolic sizes at run time: only what a node cannot find by itself is computed, and once.

A `Reshape` copies a size that stays in its place (0) and finds one from the rest (-1). Where that
does not reach, sizes are read from the model's inputs with `Shape` and computed in i64; so are all of
a `Reshape` of which one may be 0, since nothing is found from the rest then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ir.dims import Dim
from dslc_onnx.errors import ExportError
from dslc_onnx.types import vector

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import onnx_ir as ir

    from dslc.ir.dim_normal import Atom
    from dslc.ir.dims import DimLike
    from dslc.ir.facts import Facts
    from dslc.ir.types import TensorType
    from dslc_onnx.graph import Graph

Sources = dict[str, tuple["ir.Value", int, int]]
"""Where a symbol's size is seen: an input, its axis, and the factor that it comes with there."""


def find_sources(inputs: Mapping[str, tuple[ir.Value, TensorType]]) -> Sources:
    """Where each symbol is read: an axis that is the symbol itself, else a multiple of it."""
    found: Sources = {}
    for value, type in inputs.values():
        for axis, dim in enumerate(type.shape):
            if not isinstance(dim, Dim) or len(dim.terms) != 1:
                continue
            ((monomial, factor),) = dim.terms.items()
            if len(monomial) != 1 or not isinstance(monomial[0], str):
                continue
            known = found.get(monomial[0])
            if known is None or factor < known[2]:
                found[monomial[0]] = (value, axis, factor)
    return found


class Sizes:
    """Computes sizes as i64 vectors of one element, each once for the model."""

    def __init__(self, graph: Graph, sources: Sources, facts: Facts) -> None:
        self.graph = graph
        self.sources = sources
        self.facts = facts

    def size(self, dim: DimLike) -> ir.Value:
        """A size as a vector of one element."""
        if isinstance(dim, int):
            return self.graph.integers(dim)
        return self.graph.shared_by_all(("size", str(dim)), lambda: self._compute(dim))

    def shape(self, dims: Sequence[DimLike]) -> ir.Value:
        """A shape as a vector; runs of known sizes are constants."""
        if all(isinstance(dim, int) for dim in dims):
            return self.graph.integers(*(dim for dim in dims if isinstance(dim, int)))
        key = tuple(str(dim) for dim in dims)
        return self.graph.shared_by_all(("shape", key), lambda: self._join(dims))

    def reshape(self, value: ir.Value, old: TensorType, new: TensorType, name: str) -> ir.Value:
        """The same elements, in order, in another shape."""
        if old == new:
            return value
        if any(self.may_vanish(dim) for dim in old.shape):
            shape, options = self.shape(new.shape), {"allowzero": 1}
        else:
            shape, options = self.shape(reshape_sizes(old.shape, new.shape)), {}
        return self.graph.node("Reshape", [value, shape], [(name, new)], options)[0]

    def may_vanish(self, dim: DimLike) -> bool:
        """Whether a size may be 0."""
        return not isinstance(dim, int) and not self.facts.decide(">=", dim, 1).shown

    def _join(self, dims: Sequence[DimLike]) -> ir.Value:
        parts: list[ir.Value] = []
        run: list[int] = []
        for dim in dims:
            if isinstance(dim, int):
                run.append(dim)
                continue
            if run:
                parts.append(self.graph.integers(*run))
                run = []
            parts.append(self.size(dim))
        if run:
            parts.append(self.graph.integers(*run))
        if len(parts) == 1:
            return parts[0]
        name = f"shape/[{','.join(map(str, dims))}]"
        return self.graph.node("Concat", parts, [(name, vector(len(dims)))], {"axis": 0})[0]

    def _compute(self, dim: Dim) -> ir.Value:
        total: ir.Value | None = None
        for monomial, coefficient in dim.terms.items():
            term = self.size(coefficient) if coefficient != 1 or not monomial else None
            for factor in monomial:
                value = self._symbol(factor) if isinstance(factor, str) else self._atom(factor)
                term = value if term is None else self._node("Mul", term, value, str(dim))
            assert term is not None
            total = term if total is None else self._node("Add", total, term, str(dim))
        assert total is not None
        return total

    def _symbol(self, name: str) -> ir.Value:
        if name not in self.sources:
            message = f"the size {name} cannot be read from an input's shape while the model runs"
            raise ExportError(f"{message}; give it an axis of its own")
        value, axis, factor = self.sources[name]

        def read() -> ir.Value:
            span = {"start": axis, "end": axis + 1}
            label = f"size/{name}" if factor == 1 else f"size/{factor}*{name}"
            found = self.graph.node("Shape", [value], [(label, vector(1))], span)[0]
            return found if factor == 1 else self._node("Div", found, self.size(factor), name)

        return self.graph.shared_by_all(("symbol", name), read)

    def _atom(self, atom: Atom) -> ir.Value:
        return self.graph.shared_by_all(("atom", atom.text), lambda: self._compute_atom(atom))

    def _compute_atom(self, atom: Atom) -> ir.Value:
        if atom.kind == "opaque":
            raise ExportError(f"the size {atom.text} has no value while the model runs")
        values = [self.size(argument) for argument in atom.args]
        if atom.kind in ("min", "max"):
            op_type = "Min" if atom.kind == "min" else "Max"
            return self.graph.node(op_type, values, [(f"size/{atom.text}", vector(1))])[0]
        left, right = values
        if atom.kind == "mod":
            return self._node("Mod", left, right, atom.text)
        if not never_negative(atom.args[0]):
            # ONNX divides towards zero; `Mod` has the divisor's sign, so this rounds down
            left = self._node("Sub", left, self._node("Mod", left, right, atom.text), atom.text)
        return self._node("Div", left, right, atom.text)

    def _node(self, op_type: str, left: ir.Value, right: ir.Value, text: str) -> ir.Value:
        return self.graph.node(op_type, [left, right], [(f"size/{text}", vector(1))])[0]


def never_negative(dim: DimLike) -> bool:
    """Whether a size is at least zero at sight: only sums of what is not negative."""
    if isinstance(dim, int):
        return dim >= 0
    return all(
        coefficient >= 0
        and all(
            isinstance(factor, str) or all(never_negative(inner) for inner in factor.args)
            for factor in monomial
        )
        for monomial, coefficient in dim.terms.items()
    )


def reshape_sizes(old: Sequence[DimLike], new: Sequence[DimLike]) -> list[DimLike]:
    """What `Reshape` is told: 0 where a size stays in place, one -1, the others as they are."""
    told: list[DimLike] = [
        0 if not isinstance(dim, int) and axis < len(old) and old[axis] == dim else dim
        for axis, dim in enumerate(new)
    ]
    open_axes = [axis for axis, dim in enumerate(told) if not isinstance(dim, int)]
    if open_axes:
        told[max(open_axes, key=lambda axis: (len(str(told[axis])), axis))] = -1
    return told
