"""The graph under construction: nodes in order, names that tell where they come from, constants.

Values and nodes are named after the path of their step; what a step needs beside its value adds a
word after a slash, which no path of a spec can hold. Every value gets our own type: ONNX's shape
inference loses the expressions in symbols.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, final

import numpy as np
import onnx_ir as ir

from dslc.ir.types import TensorType
from dslc_onnx.types import make_value, numpy_dtype

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Hashable, Mapping, Sequence

    from dslc_onnx.weights import WeightStore

SOURCE = "dslc.source"
PATH = "dslc.path"


@final
class Site:
    """Where in the spec the nodes being made come from: a path, and `file:line`."""

    __slots__ = ("path", "source")

    def __init__(self, path: str, source: str) -> None:
        self.path = path
        self.source = source


@final
class Graph:
    """Nodes and initializers in the making."""

    def __init__(self, weights: WeightStore, opset: int) -> None:
        self.weights = weights
        self.opset = opset
        self.nodes: list[ir.Node] = []
        self.site: Site | None = None
        self.optional: set[ir.Value] = set()
        self._initializers: dict[Hashable, ir.Value] = {}
        self._names: set[str] = set()
        self._shared: dict[Hashable, ir.Value] = {}
        self._root: tuple[list[ir.Node], dict[Hashable, ir.Value]] | None = None

    def unique(self, name: str) -> str:
        """A name that is not taken, and is from now on."""
        found, count = name, 1
        while found in self._names:
            count += 1
            found = f"{name}/{count}"
        self._names.add(found)
        return found

    def reserve(self, names: Sequence[str]) -> None:
        """Keeps names for values that get them at the very end."""
        self._names.update(names)

    def input(self, name: str, type: TensorType) -> ir.Value:
        """An input of the model."""
        return make_value(self.unique(name), type)

    def node(
        self,
        op_type: str,
        inputs: Sequence[ir.Value | None],
        outputs: Sequence[tuple[str, TensorType]],
        attributes: Mapping[str, Any] | None = None,
    ) -> list[ir.Value]:
        """Adds a node; `outputs` gives each output's name and type."""
        values = [make_value(self.unique(name), type) for name, type in outputs]
        node = ir.node(op_type, inputs, attributes, outputs=values, name=values[0].name)
        if self.site is not None:
            node.metadata_props[SOURCE] = self.site.source
            if self.site.path:
                node.metadata_props[PATH] = self.site.path
        self.nodes.append(node)
        return values

    def initializer(self, key: Hashable, name: str, make: Callable[[], Any]) -> ir.Value:
        """A tensor of the file, made and named once for each key."""
        if key not in self._initializers:
            self._initializers[key] = self.new_initializer(name, make())
        return self._initializers[key]

    def new_initializer(self, name: str, array: Any) -> ir.Value:
        """A tensor of the file that nothing else shares."""
        name = self.unique(name)
        tensor = ir.Tensor(array, name=name)
        value = ir.Value(name=name, shape=tensor.shape, type=ir.TensorType(tensor.dtype))
        value.const_value = tensor
        return value

    def weight(self, path: str) -> ir.Value:
        """A weight of the portable file as it is; `path` is where the file has it, ties followed."""
        return self.initializer(("weight", path), path, lambda: self.weights.array(path))

    def scalar(self, dtype: str, number: float) -> ir.Value:
        """A constant of no axes."""
        array = np.array(number, numpy_dtype(dtype))
        return self.initializer(("scalar", dtype, number), f"constant/{number:g}", lambda: array)

    def integers(self, *numbers: int) -> ir.Value:
        """A constant vector of i64, as shapes and axes are given."""
        name = f"constant/[{','.join(map(str, numbers))}]"
        return self.initializer(("i64", numbers), name, lambda: np.array(numbers, np.int64))

    @contextmanager
    def inside(self) -> Generator[list[ir.Node]]:
        """Collects nodes for a graph inside this one, which sees all that was made so far."""
        outer, shared = self.nodes, self._shared
        self.nodes, self._shared = [], dict(shared)
        if self._root is None:
            self._root = outer, shared
        try:
            yield self.nodes
        finally:
            self.nodes, self._shared = outer, shared
            if self._root[0] is outer:
                self._root = None

    def shared(self, key: Hashable, make: Callable[[], ir.Value]) -> ir.Value:
        """A value that is computed once, such as a mask; again in each graph inside."""
        if key not in self._shared:
            self._shared[key] = make()
        return self._shared[key]

    def shared_by_all(self, key: Hashable, make: Callable[[], ir.Value]) -> ir.Value:
        """A value that is computed once for the whole model, from its inputs alone: a size."""
        if self._root is None or key in self._root[1]:
            return self.shared(key, make) if self._root is None else self._root[1][key]
        outer = self.nodes, self._shared, self._root
        self.nodes, self._shared = self._root
        self._root = None
        try:
            return self.shared(key, make)
        finally:
            self.nodes, self._shared, self._root = outer
