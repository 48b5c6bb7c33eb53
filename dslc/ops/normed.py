"""Weights that are made of others: a length beside a direction, or divided by their largest stretch.

The names in the file are those of PyTorch's parametrizations, so it loads there as it is.
"""

from __future__ import annotations

from dslc.ops.attributes import Word
from dslc.ops.base import Weight
from dslc.ops.shapes import product
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from dslc.ir.dims import DimLike

KAIMING = ("kaiming_uniform",)
FAN_IN = ("fan_in_uniform", ("sibling", "weight"))
NORMS = ("none", "weight_norm", "spectral_norm")
MADE_OF = {
    "none": ("weight",),
    "weight_norm": ("parametrizations.weight.original1", "parametrizations.weight.original0"),
    "spectral_norm": (
        "parametrizations.weight.original",
        "parametrizations.weight.0._u",
        "parametrizations.weight.0._v",
    ),
}
"""What a weight is made of: the tensor of its shape, and what stands beside it."""


def normalize() -> Word:
    """The attribute of an op whose weight may be made of others."""
    doc = "what is done to the weight before its use"
    return Word("none", words=NORMS, doc=doc)


def made_of(kind: str, shape: tuple[DimLike, ...]) -> tuple[Weight, ...]:
    """The weights of which a weight of a shape is made.

    `weight_norm`: `scale * v / |v|` for each output (Salimans and Kingma 2016), the scale at first
    the length that `v` has on average. `spectral_norm`: `w / (u W v)` with estimates of the first
    singular vectors, those of the first weight at first, moved by one power iteration in each run in
    training (Miyato et al. 2018).
    """
    whole, *beside = MADE_OF[kind]
    first = Weight(whole, shape, KAIMING)
    if kind == "weight_norm":
        ones = (1,) * (len(shape) - 1)
        return first, Weight(beside[0], (shape[0], *ones), ("constant", ("value", 3**-0.5)))
    if kind == "spectral_norm":
        sizes = (shape[0], product(shape[1:]))
        return first, *(
            Weight(name, (size,), ("singular_vector", ("side", name[-1])), "buffer")
            for name, size in zip(beside, sizes, strict=True)
        )
    return (first,)


def fan_in(kind: str) -> tuple[object, ...]:
    """The initialiser of a bias beside a weight that is normalised in some way."""
    return ("fan_in_uniform", ("sibling", MADE_OF[kind][0]))
