"""Random numbers that a training graph draws at its top: noise for a generator, a step of diffusion.

Their numbers come from the seed, the step of the run and their own name, through the generator that
draws initial weights; so they are the same bits in every framework. What a project draws like that comes
in with the batch. What is drawn inside a model or a structure is drawn by the framework.
"""

from __future__ import annotations

from dslc.ir.graph import ApplyOp
from dslc.ops.chance import RandomInteger, RandomNormal, RandomUniform
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from dslc.ir.graph import Step


def is_draw(step: Step) -> bool:
    """Whether a step at the top of a graph draws numbers, once and always."""
    once = step.repeat is None and step.when is None
    kinds = (RandomNormal, RandomUniform, RandomInteger)
    return once and isinstance(step.action, ApplyOp) and step.action.op in kinds
