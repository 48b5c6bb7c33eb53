"""The template of what makes adapters of low rank, in every backend; see `dslc.emit.template`."""

from collections.abc import Mapping

from dslc.train.runtime.data import Arrays
from dslc.train.runtime.initial import initial, kaiming_uniform, matches, zeros

LORA = ["head.weight"]
RANK = 8


def make_adapters(shapes: Mapping[str, tuple[int, ...]], seed: int) -> Arrays:
    """Two small matrices for each that is adapted, their product zero: one is drawn, one is zeros."""
    found: dict[str, tuple[int, ...]] = {}
    for name in shapes:
        if matches(LORA, name):
            outputs, inputs = shapes[name]
            found |= {f"{name}.lora_a": (RANK, inputs), f"{name}.lora_b": (outputs, RANK)}
    drawn = initial(found, [("**.lora_a", kaiming_uniform()), ("**", zeros())], seed)
    return {name: drawn[name] for name in found}
