"""A module whose instances no one class can serve becomes one module for each form of them.

Generated code serves all instances of a module with one class, in which sizes have names. Where the
number of axes itself differs there is no such name, nor where the code depends on a word or a choice
that callers give, or whether a step is there on a size that only runs know of some calls. So here the
module is split, once for every combination of its inputs' ranks, of such values and conditions, and of
the forms of what it calls; each call goes to the part that it means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from dslc.emit.backend import BuildError
from dslc.emit.formal_when import holds_size
from dslc.emit.samples import collect_instances, samples_by_step
from dslc.ir.graph import MODULE, CallModule, Reuse
from dslc.ir.walk import all_steps, ends, with_regions
from dslc.syntax.expressions import free_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dslc.ir.graph import Action, Body, Module, Program, Step
    from dslc.ir.instance import Instance
    from dslc.ops.base import Op

Ranks = tuple[int, ...]
Decisive = tuple[str, int, str]
"""A module, a step in it, and an attribute of that step on which code depends."""

Form = tuple[Ranks, tuple[tuple[str, str], ...], frozenset[object]]
"""Ranks of inputs, what else decides with its values, and the forms of the calls by step."""


def split_by_form(program: Program, *roots: Instance, decisive: Decisive | None = None) -> Program:
    """The program with a module for every form of its instances; itself where none differs.

    Args:
        program: The program.
        roots: The instances that are built.
        decisive: An attribute on which code depends, where there is one.

    Raises:
        BuildError: One step would need several forms at once.
    """
    forms = Forms(collect_instances(*roots), decisive)
    if all(len(found) == 1 for found in forms.parts.values()):
        return program
    names = part_names(forms.parts)
    modules = dict(program.modules)
    for name, found in forms.parts.items():
        for form, own in found.items():
            called = _calls(own, names, forms)
            module = program.modules[name]
            new = names[name, form]
            modules[new] = module.replace(name=new, body=_body(module.body, called))
    return program.replace(modules=modules)


@final
class Forms:
    """The instances of every module by their form, in `parts`."""

    def __init__(self, instances: Mapping[str, list[Instance]], decisive: Decisive | None) -> None:
        self.instances = instances
        self.decisive = decisive
        self.known: dict[int, Form] = {}
        self.parts: dict[str, dict[Form, list[Instance]]] = {name: {} for name in instances}
        for name in instances:
            self.divide(name)

    def of(self, instance: Instance) -> Form:
        """The form of an instance."""
        return self.known[id(instance)]

    def divide(self, name: str) -> None:
        """Divides the instances of a module, those that they call first."""
        if self.parts[name]:
            return
        optional = decided_by_runs(self.instances[name])
        for instance in self.instances[name]:
            form = self.found(instance, optional)
            self.known[id(instance)] = form
            self.parts[name].setdefault(form, []).append(instance)

    def found(self, instance: Instance, optional: Mapping[int, str]) -> Form:
        """An instance's form; a call counts where what it calls has several.

        Args:
            instance: The instance.
            optional: The steps on whose presence code depends, with their names.
        """
        read = inputs_read(instance.module)
        ranks = tuple(t.rank if n in read else 0 for n, t in instance.inputs.items())
        words: dict[str, str] = {}
        calls: set[object] = set()
        for step, samples in samples_by_step([instance]).items():
            if step in optional:
                words[optional[step]] = str(any(samples))
            for sample in samples:
                if sample is not None and sample.call is not None:
                    own = sample.call.module.name
                    self.divide(own)
                    if len(self.parts[own]) > 1:
                        calls.add((step, self.of(sample.call)))
                elif sample is not None and sample.op is not None:
                    self.note(instance, step, sample.op, words)
        return ranks, tuple(words.items()), frozenset(calls)

    def note(self, instance: Instance, step: int, op: Op, words: dict[str, str]) -> None:
        """Keeps the value of an attribute on which code depends."""
        if self.decisive is None or self.decisive[:2] != (instance.module.name, step):
            return
        name = self.decisive[2]
        value = op.attributes[name].decisive(op.values[name])
        if words.setdefault(name, value) != value:
            message = f"`{name}` differs among the rounds of a repeat in `{instance.module.name}`"
            help = "write the steps one by one"
            raise BuildError(f"{message}, and code depends on it: {help}", instance.module.span)


def inputs_read(module: Module) -> set[str]:
    """The inputs that something in a module reads, or that it hands out."""
    steps = list(all_steps(module.body))
    refs = [ref for step in steps for ref in (*step.inputs, *ends(step.action)) if ref is not None]
    refs += [ref for step in steps for _, ref in step.exports]
    refs += [module.body.result, *(ref for _, ref in module.outputs)]
    return {ref.slot for ref in refs if ref.owner == MODULE}


def decided_by_runs(instances: Sequence[Instance]) -> dict[int, str]:
    """The steps that only some instances have, by a condition on a size that only runs know."""
    samples = [samples_by_step([instance]) for instance in instances]
    known = [{**instance.arguments, **instance.sizes} for instance in instances]
    found: dict[int, str] = {}
    for step in all_steps(instances[0].module.body):
        names = () if step.when is None else free_names(step.when)
        reads = any(holds_size(values.get(name)) for values in known for name in names)
        if reads and len({any(found.get(step.id, ())) for found in samples}) > 1:
            found[step.id] = step.label or "steps"
    return found


def part_names(
    parts: Mapping[str, Mapping[Form, object]],
) -> dict[tuple[str, Form], str]:
    """A name for each part: the module's own for the first, with what differs behind for others."""
    found: dict[tuple[str, Form], str] = {}
    taken = set(parts)
    for name, by_form in parts.items():
        first = next(iter(by_form))
        for position, form in enumerate(by_form):
            new = name if position == 0 else name + difference(form, first)
            plain, number = new, 2
            while position and new in taken:
                new = f"{plain}{number}"
                number += 1
            taken.add(new)
            found[name, form] = new
    return found


def difference(form: Form, first: Form) -> str:
    """What tells a form from the first one, as the end of a class's name."""
    if form[0] != first[0]:
        return f"Rank{form[0][0] if form[0] else 0}"
    words: list[str] = []
    for name, value in form[1]:
        if (name, value) in first[1]:
            continue
        camel = "".join(part[:1].upper() + part[1:] for part in name.split("_"))
        if value in ("True", "False"):
            words.append(f"{'With' if value == 'True' else 'Without'}{camel}")
        elif value.isidentifier():
            words.append("".join(part[:1].upper() + part[1:] for part in value.split("_")))
    return "".join(words)


def _calls(
    instances: list[Instance], names: Mapping[tuple[str, Form], str], forms: Forms
) -> dict[int, str]:
    """The module that each calling step of some instances means."""
    found: dict[int, str] = {}
    for step, samples in samples_by_step(instances).items():
        for sample in samples:
            if sample is None or sample.call is None:
                continue
            name = names[sample.call.module.name, forms.of(sample.call)]
            if found.setdefault(step, name) != name:
                own = sample.call.module.name
                message = f"one step calls `{own}` in several forms (ranks, words or choices)"
                raise BuildError(f"{message}: write the calls as steps of their own")
    return found


def _body(body: Body, called: Mapping[int, str]) -> Body:
    return body.replace(steps=tuple(_step(step, called) for step in body.steps))


def _step(step: Step, called: Mapping[int, str]) -> Step:
    return step.replace(action=_action(step, step.action, called))


def _action(step: Step, action: Action, called: Mapping[int, str]) -> Action:
    if isinstance(action, CallModule):
        return action.replace(module=called.get(step.id, action.module))
    if isinstance(action, Reuse):
        return Reuse(_step(action.step, called))
    return with_regions(action, lambda body: _body(body, called))
