"""Lists of sizes that only a run knows, for backends whose blocks are functions that build a graph.

A class's method takes such a list as it takes a tensor. A function that builds a graph cannot: there
is no number yet when it is called. What it can take is a tensor that has the size. So a block that a
call gives such a list becomes a module in which the list stands where the block reads its param, of
sizes of the block's own inputs, or of one more input where none has them.
"""

from __future__ import annotations

from itertools import chain, count
from typing import TYPE_CHECKING, final

from dslc.emit.formal_when import holds_size
from dslc.emit.samples import collect_instances, samples_by_step
from dslc.ir.graph import MODULE, CallModule, Input, Param, Ref, Reuse
from dslc.ir.replacing import with_names
from dslc.ir.walk import all_steps, free_names_of, with_regions
from dslc.passes.choosing import callers_first
from dslc.syntax.expressions import Literal, Name, free_names, substitute
from dslc.syntax.types import ELLIPSIS, TypeExpr
from dslc.values import is_list

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import EllipsisType

    from dslc.ir.graph import Body, Module, Program, Step
    from dslc.ir.instance import Instance
    from dslc.syntax.expressions import Expr

    Values = Mapping[str, object]
    Run = tuple[Values, Instance]

KINDS: dict[type, str] = {bool: "bool", int: "int", float: "float", str: "str", tuple: "list"}
"""What the kinds of params are called, by the type of the value."""


def without_size_lists(program: Program, *roots: Instance) -> Program:
    """The program in which no call gives a block a list of sizes of a run; itself where none does."""
    instances = collect_instances(*roots)
    if not any(lists_of_runs(instance) for known in instances.values() for instance in known):
        return program
    return SizeLists(program, instances).written()


@final
class Form:
    """A module for some calls of a block: what stands for its params, and what it is given more.

    Attributes:
        lists: The lists that stand for params, of sizes under the block's own names.
        params: Further params that the lists read: their kinds, and what the call gives them.
        inputs: Further inputs that have the sizes, and what the call gives them.
        names: The names that are new in the block, with the caller's for them.
        instances: The block's instances that it serves, with what the new names are there.
    """

    def __init__(self, block: Module) -> None:
        self.block = block
        self.lists: dict[str, Expr] = {}
        self.params: dict[str, tuple[str, Expr]] = {}
        self.inputs: dict[Input, Ref] = {}
        self.names: dict[str, str] = {}
        self.instances: dict[int, tuple[Instance, Values]] = {}

    @property
    def key(self) -> object:
        """What tells the forms of a block apart."""
        kinds = tuple((name, kind) for name, (kind, _) in self.params.items())
        types = tuple((item.name, item.type) for item in self.inputs)
        return tuple(self.lists.items()), kinds, types

    def module(self) -> Module:
        """The block with lists in place of params."""
        block, span = self.block, self.block.span
        kept = [param for param in block.params if param.name not in self.lists]
        more = [Param(name, kind, None, None, span) for name, (kind, _) in self.params.items()]
        found = block.replace(params=(*kept, *more), inputs=(*block.inputs, *self.inputs))
        return with_names(found, self.lists) if self.lists else found

    def call(self, step: Step, action: CallModule, name: str) -> Step:
        """A call of it, under its name, in place of one of the block."""
        given = {name: value for name, value in action.arguments.items() if name not in self.lists}
        given |= {name: value for name, (_, value) in self.params.items()}
        inputs = (*step.inputs, *self.inputs.values())
        return step.replace(action=CallModule(name, given), inputs=inputs)


@final
class SizeLists:
    """Makes the forms of every block, callers first, and a module of each.

    Attributes:
        forms: By block, its forms by their keys.
        names: The names of the forms' modules, by block and key.
    """

    def __init__(self, program: Program, instances: dict[str, list[Instance]]) -> None:
        self.program = program
        self.instances = instances
        self.forms: dict[str, dict[object, Form]] = {name: {} for name in instances}
        self.names: dict[tuple[str, object], str] = {}

    def written(self) -> Program:
        """The program of the modules that are needed."""
        modules = {n: m for n, m in self.program.modules.items() if n not in self.instances}
        for name in callers_first(self.instances):
            block = self.program.modules[name]
            if not self.forms[name]:  # nothing calls it
                self.add(Form(block), [({}, instance) for instance in self.instances[name]])
            for form in self.forms[name].values():
                new = self.name(form)
                modules[new] = Caller(self, form).module().replace(name=new)
        order = dict.fromkeys((*self.program.modules, *modules))
        return self.program.replace(modules={name: modules[name] for name in order})

    def add(self, form: Form, runs: list[Run]) -> Form:
        """A form with the instances that it serves; one that is there already serves them too."""
        found = self.forms[form.block.name].setdefault(form.key, form)
        for around, instance in runs:
            values = {own: around[name] for own, name in form.names.items()}
            found.instances.setdefault(id(instance), (instance, values))
        return found

    def name(self, form: Form) -> str:
        """The name of a form's module: the block's own for the first."""
        block = form.block.name
        if (block, form.key) not in self.names:
            names = chain((block,), (f"{block}{number}" for number in count(2)))
            others = {*self.program.modules} - {block} | {*self.names.values()}
            self.names[block, form.key] = next(name for name in names if name not in others)
        return self.names[block, form.key]


@final
class Caller:
    """One form's module, whose calls are of the forms that they need."""

    def __init__(self, lists: SizeLists, form: Form) -> None:
        self.lists = lists
        self.made = form.module()
        steps = list(all_steps(self.made.body))
        again = {s.id: s.action.step.id for s in steps if isinstance(s.action, Reuse)}
        self.calls: dict[int, list[Run]] = {}
        for instance, values in form.instances.values():
            for number, samples in samples_by_step([instance]).items():
                runs = self.calls.setdefault(again.get(number, number), [])
                found = (sample for sample in samples if sample is not None)
                runs += [({**values, **f.environment}, f.call) for f in found if f.call is not None]
        self.holders = [(Ref(MODULE, item.name, item.span), item.type) for item in self.made.inputs]
        self.holders += [(Ref(step.id, "", step.span), step.type) for step in self.made.body.steps]

    def word(self, ref: Ref) -> str:
        """What a value that has a size is called."""
        steps = {step.id: step.name or "" for step in self.made.body.steps}
        return ref.slot if ref.owner == MODULE else steps[ref.owner]

    def module(self) -> Module:
        """The module."""
        return self.made.replace(body=self.body(self.made.body))

    def body(self, body: Body) -> Body:
        """A body whose calls are of forms."""
        return body.replace(steps=tuple(self.step(step) for step in body.steps))

    def step(self, step: Step) -> Step:
        """A step that calls a form where it called a block."""
        if isinstance(step.action, Reuse):
            again = step.action.step
            target = self.step(again)
            further = target.inputs[len(again.inputs) :]
            return step.replace(action=Reuse(target), inputs=(*step.inputs, *further))
        if not isinstance(step.action, CallModule):
            return step.replace(action=with_regions(step.action, self.body))
        runs = self.calls.get(step.id)
        if not runs:
            return step
        block = self.lists.program.modules[step.action.module]
        form = FormOfCall(self, block, step.action, runs).found() or Form(block)
        served = self.lists.add(form, runs)
        return form.call(step, step.action, self.lists.name(served))


@final
class FormOfCall:
    """Finds what a call's lists are in the block that it calls."""

    def __init__(self, caller: Caller, block: Module, action: CallModule, runs: list[Run]) -> None:
        self.caller = caller
        self.block = block
        self.action = action
        self.runs = runs
        self.form = Form(block)
        self.sizes: dict[str, str] = {}  # of the caller, by which a further input is typed
        dims = [dim for item in block.inputs if item.type for dim in item.type.dims or ()]
        self.symbols = [d.id for d in dims if isinstance(d, Name) and d.id[0].isupper()]
        self.taken = {*self.symbols, *names_in_module(block)}

    def found(self) -> Form | None:
        """The form; None where no list has sizes of a run, or one has what nothing brings there."""
        of_runs = {name for _, instance in self.runs for name in lists_of_runs(instance)}
        if not of_runs or self.block.is_model or self.block.once:
            return None
        given: dict[str, Expr] = {}
        for param in self.block.params:
            default = None if param.default is None else substitute(param.default, given)
            given[param.name] = self.action.arguments.get(param.name) or default or Name(param.name)
        lists = {name: given[name] for name in sorted(of_runs)}
        inside: dict[str, Expr] = {}
        for name in sorted({name for value in lists.values() for name in free_names(value)}):
            own = self.inside(name)
            if own is None:
                return None
            inside[name] = Name(own, self.block.span)
        self.form.lists = {name: substitute(value, inside) for name, value in lists.items()}
        return self.form

    def inside(self, name: str) -> str | None:
        """What a name of the caller's is in the block; None where nothing brings it there."""
        if name in self.caller.lists.program.values:
            return None if name in self.taken else name
        values = [around[name] for around, _ in self.runs]
        for symbol in self.symbols if name[0].isupper() else ():
            if [instance.sizes[symbol] for _, instance in self.runs] == values:
                return symbol
        if any(map(holds_size, values)):
            return self.sizes.get(name) or self.size_of_input(name)
        own = self.named(name, name.lower())
        self.form.params[own] = (KINDS[type(values[0])], Name(name, self.block.span))
        return own

    def size_of_input(self, name: str) -> str | None:
        """The symbol of a size in the block, which one more input has."""
        for ref, type in self.caller.holders:
            dims = () if type is None or type.dims is None else type.dims
            if type is None or Name(name) not in dims:
                continue
            own = TypeExpr(type.dtype, tuple(map(self.dim, dims)), self.block.span)
            word = self.caller.word(ref)
            word = "like" if word in self.taken or word in ("", "x") else word
            self.form.inputs[Input(self.fresh(word), own, self.block.span)] = ref
            return self.sizes[name]
        return None

    def dim(self, dim: Expr | EllipsisType) -> Expr | EllipsisType:
        """An axis of a further input under a name of the block's."""
        if dim is ELLIPSIS or isinstance(dim, Literal):
            return dim
        if not isinstance(dim, Name):
            return Name(self.fresh("S"), self.block.span)
        if dim.id not in self.sizes:
            self.sizes[dim.id] = self.named(dim.id, dim.id.capitalize())
        return Name(self.sizes[dim.id], self.block.span)

    def named(self, name: str, wanted: str) -> str:
        """A new name in the block for one of the caller's."""
        own = self.fresh(wanted)
        self.form.names[own] = name
        return own

    def fresh(self, wanted: str) -> str:
        """A name that nothing in the block has."""
        names = chain((wanted,), (f"{wanted}{number}" for number in count(2)))
        name = next(name for name in names if name not in self.taken)
        self.taken.add(name)
        return name


def names_in_module(module: Module) -> Iterator[str]:
    """The names of a module's params, inputs, steps and loops, and of all that it reads."""
    yield from (item.name for item in (*module.params, *module.inputs))
    for step in all_steps(module.body):
        yield from free_names_of(step)
        if step.name is not None:
            yield step.name
        if step.repeat is not None:
            yield from (name for name in (*step.repeat.names, step.repeat.index) if name)


def lists_of_runs(instance: Instance) -> list[str]:
    """The params to which a call gives lists with sizes that only a run knows."""
    given = instance.arguments.items()
    return [name for name, value in given if is_list(value) and holds_size(value)]
