"""Functions of `train.py` that recompute parts of the model in the backward pass.

They are taken from here by name. See `dslc.emit.template`.
"""

from functools import cache
from typing import Any

from flax import nnx

from dslc.train.runtime.initial import matches

RECOMPUTED = ["layer.*"]


def recompute(model: nnx.Module) -> None:
    """Has some parts of a model keep nothing for the backward pass but what they take."""
    for path, part in list(nnx.iter_modules(model)):
        if matches(RECOMPUTED, ".".join(map(str, path))):
            part.__class__ = recomputed(type(part))


@cache
def recomputed(kind: Any) -> Any:
    """A kind of module that computes what it gave once more in the backward pass."""

    class Recomputed(kind):
        """The same, with less memory."""

        def __call__(self, *inputs: Any) -> Any:
            sizes = tuple(k for k, value in enumerate(inputs, 1) if isinstance(value, int))
            return nnx.remat(kind.__call__, static_argnums=sizes)(self, *inputs)

    return Recomputed
