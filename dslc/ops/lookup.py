"""Values by place: the largest, products and sums up to a place, sums by index, patches, bags."""

from __future__ import annotations

from dslc.ir.types import TensorType
from dslc.ops.attributes import Axis, Size, Text, Word
from dslc.ops.base import Check, Input, Op, OpError, Weight
from dslc.ops.shapes import need_rank, product, resolve_axis, same_dtype
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.ir.dims import DimLike


class TopK(Op):
    """The `k` largest along an axis, the largest first, and their places.

    Shape: `[…, A, …]` → `values` and `indices` (i64), `[…, k, …]`. Source: ONNX TopK; `torch.topk`.
    """

    family = "tensor"
    primary = "k"
    inputs = (Input("x"),)
    outputs = ("values", "indices")
    k = Size(minimum=1, doc="how many")
    axis = Axis(-1, doc="the axis along which they are looked for")

    def infer(self, check: Check, *types: TensorType) -> tuple[TensorType, ...]:
        (x,) = types
        axis = resolve_axis(self.axis, x.rank)
        message = f"axis {axis} has {x.shape[axis]} places, fewer than `k`, {self.k}"
        check.require("<=", self.k, x.shape[axis], message, code="E0308", attribute="k")
        values = x.with_shape(*x.shape[:axis], self.k, *x.shape[axis + 1 :])
        return values, values.with_dtype("i64")

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return types[0].elements


class Cumprod(Op):
    """The product of all places up to each one along an axis.

    Shape: unchanged. Source: ONNX ReduceProd; `torch.cumprod`.
    """

    family = "tensor"
    primary = "axis"
    axis = Axis(-1, doc="the axis along which it multiplies")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        resolve_axis(self.axis, types[0].rank)
        return types[0]


class ScatterAdd(Op):
    """Adds each update at the place that its id names along an axis.

    Shape: `x`, ids and updates alike, which have `x`'s sizes but for the axis → `x`'s shape. Ids must
    lie in `0 … size - 1`. Source: ONNX ScatterElements (`add`); `torch.scatter_add`.
    """

    family = "tensor"
    primary = "axis"
    inputs = (Input("x"), Input("ids", "integer"), Input("updates"))
    axis = Axis(0, doc="the axis of `x` whose places are named")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        x, ids, updates = types
        axis = resolve_axis(self.axis, x.rank)
        same_dtype(self.name, (x, updates))
        for position, other in ((1, ids), (2, updates)):
            if other.rank != x.rank:
                message = f"`scatter_add` needs as many axes as {x} has, not {other}"
                raise OpError("E0304", message, input=position)
        for k in range(x.rank):
            message = f"axis {k} of ids and updates is {ids.shape[k]} and {updates.shape[k]}"
            own = (ids.shape[k], updates.shape[k])
            check.require("==", *own, message, code="E0304", input=2, axis=k)
            if k != axis:
                message = f"axis {k} of `x` and the ids is {x.shape[k]} and {ids.shape[k]}"
                sizes = (x.shape[k], ids.shape[k])
                check.require("==", *sizes, message, code="E0304", input=1, axis=k)
        return x

    def ceilings(self, *types: TensorType) -> tuple[DimLike | None, ...]:
        x = types[0]
        return None, x.shape[resolve_axis(self.axis, x.rank)], None

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return types[2].elements


class Einsum(Op):
    """Products summed over letters that the result lacks: `ij,jk->ik` multiplies matrices.

    Each letter is an axis, with one size in all values; none comes twice in one value.
    Source: ONNX Einsum; `torch.einsum`.
    """

    family = "linear"
    primary = "equation"
    inputs = (Input("inputs", variadic=True),)
    equation = Text(doc="a letter for each axis of each value, `->`, and those of the result")

    @property
    def compact(self) -> str:
        """The equation without spaces."""
        return "".join(self.equation.split())

    def letters(self) -> tuple[list[str], str]:
        """The letters of each value and of the result."""
        before, arrow, result = self.compact.partition("->")
        parts = before.split(",")
        if not arrow or not all(part.isalpha() for part in parts) or not (result + "a").isalpha():
            message = f"`equation` is such as `ij,jk->ik`, not `{self.equation}`"
            raise OpError("E0504", message, attribute="equation")
        known = set(before)
        if any(len(set(part)) < len(part) for part in (*parts, result)):
            message = "a letter stands twice in one value of `equation`"
            raise OpError("E0504", message, attribute="equation")
        if not set(result) <= known:
            message = f"`{min(set(result) - known)}` stands in no value of `equation`"
            raise OpError("E0504", message, attribute="equation")
        return parts, result

    def sizes(self, check: Check, types: Sequence[TensorType]) -> dict[str, DimLike]:
        """The size of each letter."""
        parts, _ = self.letters()
        if len(parts) != len(types):
            message = f"`equation` has {len(parts)} values, and {len(types)} are given"
            raise OpError("E0504", message, attribute="equation")
        found: dict[str, DimLike] = {}
        for position, (letters, type) in enumerate(zip(parts, types, strict=True)):
            need_rank(self.name, type, len(letters), f"[{', '.join(letters)}]", input=position)
            for axis, (letter, size) in enumerate(zip(letters, type.shape, strict=True)):
                known = found.setdefault(letter, size)
                message = f"`{letter}` is {known} and {size}"
                check.require("==", known, size, message, code="E0304", input=position, axis=axis)
        return found

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        same_dtype(self.name, types)
        sizes = self.sizes(check, types)
        return types[0].with_shape(*(sizes[letter] for letter in self.letters()[1]))

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return len(types) * product(self.sizes(Check(None), types).values())


class Patchify(Op):
    """An image cut into square patches, row by row; each is its channels' pixels in a row.

    A `linear` behind it is a convolution whose kernel and stride are the patch.
    Shape: `[N, C, H, W]` → `[N, H // size * (W // size), C * size * size]`.
    Source: ONNX Reshape and Transpose; `torch.nn.Unfold`; Dosovitskiy et al. 2021.
    """

    family = "tensor"
    primary = "size"
    size = Size(minimum=1, doc="the height and width of a patch, which divide the image's")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        (x,) = types
        need_rank(self.name, x, 4, "[N, C, H, W]")
        n, c, h, w = x.shape
        for axis, whole in ((2, h), (3, w)):
            message = f"`size` must divide axis {axis}, {whole}, and {self.size} does not"
            check.require("==", whole % self.size, 0, message, code="E0307", attribute="size")
        return x.with_shape(n, h // self.size * (w // self.size), c * self.size * self.size)

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 0


class ShapeOf(Op):
    """The sizes of a value, as i64. Shape: any → `i64[rank]`. Source: ONNX Shape."""

    family = "tensor"
    inputs = (Input("x", "any"),)

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        if not types[0].rank:
            raise OpError("E0303", "`shape_of` takes a value with axes", input=0)
        return TensorType("i64", (types[0].rank,))

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 0


class EmbeddingBag(Op):
    """The mean (or sum, or maximum) of the learned rows of several ids.

    Weights: `weight` `[vocab, dim]`. Shape: `[N, K]` of integers → `[N, dim]`. Ids must lie in
    `0 … vocab - 1`. Source: ONNX Gather and ReduceMean; `torch.nn.EmbeddingBag`.
    """

    family = "linear"
    inputs = (Input("ids", "integer"),)
    vocab = Size(minimum=1, doc="the number of rows")
    dim = Size(minimum=1, doc="the length of a row")
    mode = Word("mean", words=("mean", "sum", "max"), doc="what is made of the rows")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        (ids,) = types
        need_rank(self.name, ids, 2, "[N, K]")
        check.require_some(self, ids, (1,))
        return ids.with_dtype("f32").with_shape(ids.shape[0], self.dim)

    def weights(self, *types: TensorType) -> tuple[Weight, ...]:
        return (Weight("weight", (self.vocab, self.dim), ("normal", ("std", 1.0))),)

    def ceilings(self, *types: TensorType) -> tuple[DimLike | None, ...]:
        return (self.vocab,)

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return types[0].elements * self.dim
