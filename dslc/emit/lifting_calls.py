"""A model that the training graph calls several times, beside steps with weights.

What holds it in training cannot call it as a part: the weights of a spec's only model lie under no
name. So its steps stand there themselves, once, and each further call runs those with weights again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from dslc.emit.lifting import MEND, calls_model, is_heavy, read_by, refuse, swapped
from dslc.ir.graph import MODULE, Body, Ref, Reuse, Scan
from dslc.ir.walk import all_steps, free_names_of, regions, with_regions
from dslc.passes.outline import renamed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dslc.ir.graph import Action, Module, Program, Step
    from dslc.ir.instance import BodyInstance, Instance

CALLED = "the model is called several times beside training steps with weights"
REASON = f"calls the model inside a structure, and {CALLED}: {MEND}"


def opened(program: Program, model: Module, calls: Mapping[int, Instance]) -> Program:
    """The program whose main module has the steps of a model in place of the calls of it.

    Args:
        program: The modules; the main one holds the calls.
        model: The model.
        calls: What each call at the top of the main module is an instance of.

    Raises:
        BuildError: A call stands inside a structure, or the model cannot stand where it is called.
    """
    main = program.modules[program.main]
    last = max(step.id for step in (*all_steps(main.body), *all_steps(model.body)))
    values: dict[Ref, Ref] = {}
    steps: list[Step] = []
    made: dict[int, Step] = {}
    for step in main.body.steps:
        if not calls_model(step, program):
            refuse_calls(step, program)
            steps.append(step)
            continue
        refuse_sizes(step, model, calls[step.id])
        copy = Copy(model, step, calls[step.id], last, made)
        last += max(inner.id for inner in all_steps(model.body)) + 1
        steps += copy.steps
        values |= copy.outputs(step)
        made = copy.made
    body = renamed(Body(tuple(steps), main.body.result), values)
    outputs = tuple((name, swapped(ref, values)) for name, ref in main.outputs)
    main = main.replace(body=body, outputs=outputs)
    return program.replace(modules={**program.modules, main.name: main})


@final
class Copy:
    """The steps of a model where one call of it stands.

    Attributes:
        steps: They, with numbers of their own.
        made: Those of the first call, by the number that each has in the model.
    """

    def __init__(
        self, model: Module, call: Step, instance: Instance, last: int, made: dict[int, Step]
    ) -> None:
        if call.repeat is not None or call.when is not None:
            raise refuse(call, REASON)
        self.model = model
        self.last = last
        self.given = {item.name: ref for item, ref in zip(model.inputs, call.inputs, strict=True)}
        self.heavy = set(heavy(instance.body))
        self.is_first = not made
        self.made = made
        self.steps = self.body(model.body).steps

    def outputs(self, call: Step) -> dict[Ref, Ref]:
        """What the values of the call are here."""
        found = {Ref(call.id, name): self.place(ref) for name, ref in self.model.outputs}
        return {Ref(call.id, ""): self.place(self.model.outputs[0][1]), **found}

    def body(self, body: Body) -> Body:
        """A body's steps."""
        return Body(tuple(self.step(step) for step in body.steps), self.place(body.result))

    def step(self, step: Step) -> Step:
        """One step; a later call runs one with weights again."""
        inputs = tuple(None if ref is None else self.read(ref) for ref in step.inputs)
        exports = tuple((slot, self.place(ref)) for slot, ref in step.exports)
        is_whole = bool(step.label) or not regions(step.action)
        if not self.is_first and step.id in self.heavy and is_whole:
            return self.again(step, inputs)
        made = step.replace(
            id=self.last + step.id, action=self.action(step.action), inputs=inputs, exports=exports
        )
        if self.is_first:
            self.made[step.id] = made
        return made

    def again(self, step: Step, inputs: tuple[Ref | None, ...]) -> Step:
        """A step of the first call once more."""
        if regions(step.action) and read_by(step) != [ref for ref in step.inputs if ref]:
            raise refuse(step, f"reads more than its input, and {CALLED}: {MEND}")
        made = self.made[step.id]
        action = made.action if isinstance(made.action, Reuse) else Reuse(made)
        return made.replace(
            id=self.last + step.id, name=None, action=action, inputs=inputs, type=None
        )

    def action(self, action: Action) -> Action:
        """What a step does."""
        if isinstance(action, Reuse):
            return Reuse(self.made[action.step.id])
        action = with_regions(action, self.body)
        if isinstance(action, Scan):
            return action.replace(next=tuple(self.place(ref) for ref in action.next))
        return action

    def read(self, ref: Ref) -> Ref | None:
        """What an input of a step is here; none where the call gives none."""
        if ref.owner != MODULE:
            return ref.replace(owner=self.last + ref.owner)
        given = self.given[ref.slot]
        return None if given is None else Ref(given.owner, given.slot, ref.span, given.index)

    def place(self, ref: Ref) -> Ref:
        """A value here."""
        found = self.read(ref)
        assert found is not None, "what is no input's value is there"
        return found


def refuse_calls(step: Step, program: Program) -> None:
    """Refuses a structure that calls the model."""
    if any(calls_model(inner, program) for inner in all_steps(Body((step,), Ref(MODULE, "")))):
        raise refuse(step, REASON)


def refuse_sizes(call: Step, model: Module, instance: Instance) -> None:
    """Refuses a model whose steps read a size that is another, or has another name, in a call."""
    used = {name for step in model.body.steps for name in free_names_of(step)}
    for name in sorted(used & instance.sizes.keys()):
        if str(instance.sizes[name]) != name:
            size = f"in which `{name}` is {instance.sizes[name]}"
            raise refuse(call, f"calls the model, whose steps read its sizes, {size}: {MEND}")


def heavy(body: BodyInstance) -> Iterator[int]:
    """The steps of a body, and inside them, that have weights or draw at random."""
    for found in body.steps:
        if is_heavy(found):
            yield found.step.id
        for iteration in found.iterations:
            for part in () if iteration is None else iteration.bodies:
                yield from heavy(part)
