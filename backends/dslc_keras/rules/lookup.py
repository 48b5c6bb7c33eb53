"""Values by place in Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.lookup import Cumprod, Einsum, EmbeddingBag, Patchify, ScatterAdd, ShapeOf, TopK
from dslc_keras.layers import named, plain
from dslc_keras.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Callable

    from dslc.emit.functions_context import FunctionContext


@RULES.add(TopK)
def top_k(c: FunctionContext) -> dict[str, str]:
    axis, k = c.op.values["axis"], c.attribute("k")
    if axis in (-1, c.types[0].rank - 1):
        return c.unpack(f"ops.top_k({c.x}, {k})", ("values", "indices"))
    return c.unpack(f"{c.helper('top_k')}({c.x}, {k}, {axis})", ("values", "indices"))


@RULES.add(Cumprod)
def cumprod(c: FunctionContext) -> str:
    return f"ops.cumprod({c.x}, axis={c.attribute('axis')})"


@RULES.add(ScatterAdd)
def scatter_add(c: FunctionContext) -> str:
    axis = c.op.values["axis"] % c.types[0].rank
    return plain(c, c.helper("ScatterAdd"), str(axis), call=", ".join(c.args))


@RULES.add(Einsum)
def einsum(c: FunctionContext) -> str:
    assert isinstance(c.op, Einsum)
    return f'ops.einsum("{c.op.compact}", {", ".join(c.args)})'


@RULES.add(Patchify)
def patchify(c: FunctionContext) -> str:
    return plain(c, c.helper("Patchify"), c.attribute("size"))


@RULES.add(ShapeOf)
def shape_of(c: FunctionContext) -> str:
    def code(x: str, rename: Callable[[str], str]) -> str:
        del rename
        return f'ops.convert_to_tensor(ops.shape({x}), dtype="int32")'

    return c.at_run_time(None, code, "The sizes of a value.")


@RULES.add(EmbeddingBag)
def embedding_bag(c: FunctionContext) -> str:
    rows = named(c, "layers.Embedding", c.attribute("vocab"), c.attribute("dim"))
    return f"ops.{c.op.values['mode']}({rows}, axis=1)"
