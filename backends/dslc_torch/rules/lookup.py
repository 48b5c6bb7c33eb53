"""Values by place in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.lookup import Cumprod, Einsum, EmbeddingBag, Patchify, ScatterAdd, ShapeOf, TopK
from dslc_torch.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(TopK)
def top_k(c: OpContext) -> dict[str, str]:
    axis = c.op.values["axis"]
    place = "" if axis in (-1, c.types[0].rank - 1) else f", {axis}"
    return c.unpack(f"{c.x}.topk({c.run_attribute('k')}{place})", ("values", "indices"))


@RULES.add(Cumprod)
def cumprod(c: OpContext) -> str:
    return f"{c.x}.cumprod({c.run_attribute('axis')})"


@RULES.add(ScatterAdd)
def scatter_add(c: OpContext) -> str:
    x, ids, updates = c.args
    wide = "" if c.types[1].dtype == "i64" else ".long()"
    return f"{x}.scatter_add({c.run_attribute('axis')}, {ids}{wide}, {updates})"


@RULES.add(Einsum)
def einsum(c: OpContext) -> str:
    assert isinstance(c.op, Einsum)
    return f'torch.einsum("{c.op.compact}", {", ".join(c.args)})'


@RULES.add(Patchify)
def patchify(c: OpContext) -> str:
    size = c.run_attribute("size")
    return f"F.unfold({c.x}, {size}, stride={size}).transpose(1, 2)"


@RULES.add(ShapeOf)
def shape_of(c: OpContext) -> str:
    x = c.variable()
    return f"torch.tensor({x}.shape, device={x}.device)"


@RULES.add(EmbeddingBag)
def embedding_bag(c: OpContext) -> str:
    options = c.option("mode", "mean").replace("'", '"')
    layer = c.layer(f"nn.EmbeddingBag({c.attribute('vocab')}, {c.attribute('dim')}{options})")
    wide = "" if c.types[0].dtype in ("i32", "i64") else ".int()"
    return f"{layer}({c.x}{wide})"
