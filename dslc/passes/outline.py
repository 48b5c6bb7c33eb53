"""Named groups become modules: for backends where a scope of weights is an object of its own.

A `group` with a name (or one that repeats) holds weights under that name, so in PyTorch and Flax it
is a class. This pass turns it into a module and its step into a call; what the group reads from
around it (values, params, indices, dims) becomes the module's further inputs and params.
"""

from __future__ import annotations

from dslc.ir.graph import (
    MODULE,
    REGION_INPUT,
    ApplyOp,
    Body,
    CallModule,
    Group,
    Input,
    Module,
    Parallel,
    Param,
    Ref,
    Reuse,
    Scan,
    plain_step,
)
from dslc.ir.walk import all_steps, ends, free_names_of, with_regions
from dslc.syntax.expressions import Conditional, Literal, Name, free_names
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from dslc.ir.graph import Action, Program, Step


def outline(program: Program, *, shared_only: bool = False) -> Program:
    """The program with every labelled group as a module.

    Args:
        program: The program.
        shared_only: Leaves alone all groups but those whose weights several runs share, for
            backends where only these need an object.
    """
    pass_ = _Outline(program, shared_only=shared_only)
    for name, module in program.modules.items():
        pass_.done = {}
        pass_.modules[name] = module.replace(body=pass_.body(module.body, module))
    modules = {name: pass_.modules[name] for name in (*pass_.made, *program.modules)}
    return program.replace(modules=modules)


class _Outline:
    def __init__(self, program: Program, *, shared_only: bool) -> None:
        self.program = program
        self.shared_only = shared_only
        self.modules: dict[str, Module] = {}
        self.made: list[str] = []
        self.done: dict[int, Step] = {}
        self.reused = {
            step.action.step.id
            for module in program.modules.values()
            for step in all_steps(module.body)
            if isinstance(step.action, Reuse)
        }
        self.last_id = 0

    def body(self, body: Body, owner: Module) -> Body:
        return body.replace(steps=tuple(self.step(step, owner) for step in body.steps))

    def step(self, step: Step, owner: Module) -> Step:
        if isinstance(step.action, Reuse):
            target = self.done[step.action.step.id]
            further = target.inputs[len(step.inputs) :]
            return step.replace(action=Reuse(target), inputs=(*step.inputs, *further), exports=())
        if isinstance(step.action, Parallel):
            step = self.parallel(step, step.action, owner)
        else:
            step = step.replace(action=self.action(step.action, owner))
        shares = step.repeat is not None and step.repeat.share
        shares = shares or step.id in self.reused
        is_region = not isinstance(step.action, ApplyOp | CallModule)
        if step.label and is_region and (shares or not self.shared_only):
            step = self.call(step, owner)
        self.done[step.id] = step
        return step

    def action(self, action: Action, owner: Module) -> Action:
        return with_regions(action, lambda body: self.body(body, owner))

    def parallel(self, step: Step, action: Parallel, owner: Module) -> Step:
        """A parallel region; what is handed out of a branch goes through the branch's module."""
        branches: list[tuple[str, Body]] = []
        exports = dict(step.exports)
        for position, (label, body) in enumerate(action.branches):
            if self.shared_only or not label or not body.steps:
                branch = self.body(body, owner)
            else:
                inner = {s: ref for s, ref in exports.items() if s.startswith(f"{label}.")}
                slots = {slot.partition(".")[2]: ref for slot, ref in inner.items()}
                around = Ref(step.id, REGION_INPUT, body.steps[0].span)
                branch = self.branch(label, body, owner, slots, around)
                place = branch.result.owner
                exports |= {slot: Ref(place, slot.partition(".")[2]) for slot in inner}
            branches.append((label if self.shared_only else "", branch))
            if action.join == "none" and not self.shared_only:
                exports[label or str(position)] = branch.result
        action = action.replace(branches=tuple(branches))
        return step.replace(action=action, exports=tuple(exports.items()))

    def branch(
        self, label: str, body: Body, owner: Module, exports: dict[str, Ref], around: Ref
    ) -> Body:
        """A branch with a name: a scope, so its steps become a module; `around` is what enters."""
        first = body.steps[0]
        region = entries(body)
        start = region[0] if region else first.inputs[0] if first.inputs else around
        self.last_id -= 1
        scope = plain_step(self.last_id, label, Group(body), (start,), first.span)
        entry = {ref: Ref(scope.id, REGION_INPUT, first.span) for ref in region}
        group = Group(renamed(body, entry))
        called = self.step(scope.replace(action=group, exports=tuple(exports.items())), owner)
        return Body((called,), Ref(called.id, "", first.span))

    def call(self, step: Step, owner: Module) -> Step:
        """The call of a new module that holds a region's steps."""
        body, outputs = contents(step, owner)
        if self.shared_only:
            outputs += [(slot, Ref(step.id, slot, step.span)) for slot in branch_slots(step)]
        name = self.fresh_name(step.label, owner)
        captured = captured_values(step, body)
        wanted = self.sizes_wanted(step, body, owner)
        given = {ref.key for ref in (*step.inputs, *captured) if ref is not None}
        captured += [ref for ref in holders(wanted, owner) if ref.key not in given]
        entered = dict(zip(entry_refs(step), entry_names(step), strict=True))
        names = entered | value_names(owner, captured, tuple(entered.values()))
        mapping = {ref: Ref(MODULE, name) for ref, name in names.items()}
        inputs = tuple(Input(name, None, step.span) for name in names.values())
        params = self.params_of(step, body, owner)
        refs = (*step.inputs, *(where_read(ref, body) for ref in captured))
        body = renamed(body, mapping)
        self.made.append(name)
        self.modules[name] = Module(
            name=name,
            doc=step.doc or described(step, owner),
            params=params,
            inputs=inputs,
            where=(),
            body=body,
            outputs=(("", body.result), *outputs),
            is_model=False,
            span=step.span,
        )
        arguments = {param.name: Name(param.name, step.span) for param in params}
        called = CallModule(name, arguments)
        return step.replace(action=called, inputs=refs, exports=(), doc=None)

    def fresh_name(self, label: str, owner: Module) -> str:
        """A class name for a group: its own in CamelCase, behind the owner's where that is taken."""
        name = "".join(part[:1].upper() + part[1:] for part in label.split("_"))
        taken = self.program.modules.keys() | self.modules.keys()
        for candidate in (name, owner.name + name):
            if candidate not in taken:
                return candidate
        number = 2
        while f"{owner.name}{name}{number}" in taken:
            number += 1
        return f"{owner.name}{name}{number}"

    def sizes_wanted(self, step: Step, body: Body, owner: Module) -> list[str]:
        """The sizes that a group's module reads from a value: those by which a scan counts.

        Where no method can be given a number that only a run knows, they are all that it reads.
        """
        action = step.action
        if self.shared_only:
            return [param.name for param in self.params_of(step, body, owner)]
        if not isinstance(action, Scan) or action.times is None:
            return []
        return sorted(free_names(action.times))

    def params_of(self, step: Step, body: Body, owner: Module) -> tuple[Param, ...]:
        """What the group's expressions use from around it, but for the file's params."""
        inside = step.replace(repeat=None, when=None, type=None)
        bound = {
            name
            for other in all_steps(body)
            if other.repeat is not None
            for name in (*other.repeat.names, other.repeat.index)
        }
        used = free_names_of(inside) - bound - self.program.values.keys()
        own = {param.name: param for param in owner.params}
        loop = () if step.repeat is None else (*step.repeat.names, step.repeat.index)
        order = [name for name in (*own, *loop) if name in used]
        order += sorted(used.difference(order))
        kinds = {name: own[name].kind if name in own else "" for name in order}
        return tuple(Param(name, kinds[name], None, None, step.span) for name in order if name)


def described(step: Step, owner: Module) -> str:
    """A docstring for a group that the spec gives none."""
    return f"{'One ' if step.repeat is not None else ''}`{step.label}` of `{owner.name}`"


def contents(step: Step, owner: Module) -> tuple[Body, list[tuple[str, Ref]]]:
    """What a labelled region holds as a module's body, and its outputs beyond the value."""
    action = step.action
    if isinstance(action, Group):
        return action.body, list(step.exports)
    inner = plain_step(step.id, "", action, entry_refs(step), step.span)
    outputs = list(step.exports)
    if isinstance(action, Scan):
        read = slots_read(step, owner)
        outputs += [(name, Ref(step.id, name, step.span)) for name in action.carry if name in read]
    return Body((inner,), Ref(step.id, "", step.span)), outputs


def branch_slots(step: Step) -> list[str]:
    """The outputs of a step that gives one for each branch."""
    action = step.action
    branches = action.branches if isinstance(action, Parallel) and action.join == "none" else ()
    return [label or str(position) for position, (label, _) in enumerate(branches)]


def entry_names(step: Step) -> tuple[str, ...]:
    """What a region's module calls its inputs: a scan has names for them."""
    action = step.action
    return (*action.over, *action.carry) if isinstance(action, Scan) else ("x",)


def entry_refs(step: Step) -> tuple[Ref, ...]:
    """What stands for a region's inputs until they are its module's."""
    count = len(entry_names(step))
    return tuple(Ref(step.id, f"{REGION_INPUT}{k or ''}", step.span) for k in range(count))


def slots_read(step: Step, owner: Module) -> set[str]:
    """Which outputs of a step, or of other runs of it, something in its module reads."""
    runs = {step.id}
    refs = [ref for _, ref in owner.outputs]
    for other in all_steps(owner.body):
        if isinstance(other.action, Reuse) and other.action.step.id == step.id:
            runs.add(other.id)
        refs += [ref for ref in (*other.inputs, *ends(other.action)) if ref is not None]
        refs += [ref for _, ref in other.exports]
    return {ref.slot for ref in (*refs, owner.body.result) if ref.owner in runs}


def entries(body: Body) -> list[Ref]:
    """The references of a body to the value that enters its region."""
    own = {step.id for step in all_steps(body)}
    refs = [ref for step in all_steps(body) for ref in step.inputs if ref is not None]
    return [ref for ref in refs if ref.slot == REGION_INPUT and ref.owner not in own]


def captured_values(step: Step, body: Body) -> list[Ref]:
    """The values from outside that a group's steps read."""
    own = {inner.id for inner in all_steps(body)} | {step.id}
    found: dict[Ref, None] = {}
    for inner in all_steps(body):
        for ref in (*inner.inputs, *ends(inner.action)):
            if ref is not None and ref.owner not in own:
                found[ref] = None
    return list(found)


def where_read(ref: Ref, body: Body) -> Ref:
    """A reference whose index counts where a step is there that reads it, and else means the first."""
    if ref.index is None or isinstance(ref.index, str):
        return ref
    readers = [step for step in all_steps(body) if ref in step.inputs]
    when = readers[0].when if len(readers) == 1 else None
    if when is None or not free_names(when) <= free_names(ref.index):
        return ref
    index = ref.index
    return ref.replace(index=Conditional(when, index, Literal(0, index.span), index.span))


def holders(sizes: list[str], owner: Module) -> list[Ref]:
    """For each size that has one, a value of the owner with an axis of this size."""
    found: dict[Ref, None] = {}
    values = [(Ref(MODULE, item.name, item.span), item.type) for item in owner.inputs]
    values += [(Ref(step.id, "", step.span), step.type) for step in owner.body.steps]
    for name in sizes:
        for ref, type in values:
            dims = () if type is None or type.dims is None else type.dims
            if any(isinstance(dim, Name) and dim.id == name for dim in dims):
                found[ref] = None
                break
    return list(found)


def value_names(owner: Module, captured: list[Ref], taken: tuple[str, ...]) -> dict[Ref, str]:
    """A name for each captured value: the step's or input's own."""
    steps = {step.id: step for step in all_steps(owner.body)}
    names: dict[Ref, str] = {}
    for ref in captured:
        step = steps.get(ref.owner)
        word = ref.slot.rpartition(".")[2].removeprefix("@")
        if ref.owner != MODULE and (not word or word.isdecimal()):
            word = step.name if step and step.name else "value"
        word = word if word != "x" else "outer"
        while word in (*names.values(), *taken):
            word += "_"
        names[ref] = word
    return names


def renamed(body: Body, mapping: dict[Ref, Ref]) -> Body:
    """A body with references replaced."""

    def swap(ref: Ref | None) -> Ref | None:
        return None if ref is None else swapped(ref)

    def swapped(ref: Ref) -> Ref:
        found = mapping.get(ref)
        return ref if found is None else Ref(found.owner, found.slot, ref.span, found.index)

    def swap_action(action: Action) -> Action:
        if isinstance(action, Reuse):
            return Reuse(renamed(Body((action.step,), body.result), mapping).steps[0])
        action = with_regions(action, lambda inner: renamed(inner, mapping))
        if isinstance(action, Scan):
            return action.replace(next=tuple(swapped(ref) for ref in action.next))
        return action

    steps = tuple(
        step.replace(
            inputs=tuple(swap(ref) for ref in step.inputs),
            action=swap_action(step.action),
            exports=tuple((slot, swapped(ref)) for slot, ref in step.exports),
        )
        for step in body.steps
    )
    return Body(steps, swapped(body.result))
