"""What draws the same bits in every framework, in JAX: a module for each step, with a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


def seeded(c: OpContext, helper: str, *options: str) -> str:
    """The module that draws for a step; gives the text that calls it."""
    last = bool(c.values) and c.first.layout == "last"
    texts = [*options, "last=True" if last else "", "rngs=rngs"]
    return c.layer(f"{c.helper(helper)}({', '.join(text for text in texts if text)})")
