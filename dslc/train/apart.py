"""The model without what exists in training only: steps that the training graph alone reads."""

from __future__ import annotations

from dslc.ir.graph import Body
from dslc.ir.instance import BodyInstance, Instance
from dslc.passes.unused import Needed
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from dslc.ir.graph import Module, Program


def without_training(
    program: Program, trained: Program, instance: Instance
) -> tuple[Program, Instance]:
    """The program and its main instance without the steps that training alone reads.

    A step inside a structure stays: the structure computes as it does in training.

    Args:
        program: The program.
        trained: The program with the model as training sees it.
        instance: The main model's instance.
    """
    model = program.modules[program.main]
    added = [trained.modules[name] for name in trained.modules if name not in program.modules]
    used = read_by_outputs(model)
    apart = {number for module in added for number in read_by_outputs(module)} - used
    if not apart:
        return program, instance
    steps = tuple(step for step in model.body.steps if step.id not in apart)
    found = tuple(item for item in instance.body.steps if item.step.id not in apart)
    result = model.outputs[0][1] if model.body.result.owner in apart else model.body.result
    model = model.replace(body=Body(steps, result))
    body = BodyInstance(found, result, instance.body.type)
    parts = instance.arguments, instance.sizes, instance.inputs, instance.outputs
    modules = {**program.modules, model.name: model}
    return program.replace(modules=modules), Instance(model, *parts, body)


def read_by_outputs(module: Module) -> set[int]:
    """The steps that a module's outputs need."""
    needed = Needed(module)
    for _, ref in module.outputs:
        needed.mark(ref)
    return needed.found
