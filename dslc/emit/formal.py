"""Types in a module's own names: what generated code can say about sizes without numbers.

Checking types an instance with the sizes that its caller brings. To print a class that serves all
instances, the same shape rules run once more with the module's params, bound dims and indices as
symbols: a block's output has `4 * planes` channels, and a dim that changes over a loop is carried
in a variable. Whatever is no polynomial stays as text (`width * 2**i`). Every instance has been
checked before, so nothing is decided here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.backend import at_step
from dslc.emit.formal_regions import joined, type_scan
from dslc.emit.formal_runs import params_of_runs
from dslc.emit.formal_types import Carry, Formal, FormalStep
from dslc.emit.formal_when import merged, of_runs
from dslc.emit.instances import (
    accumulated,
    instance_types,
    known_outputs,
    last_round,
    type_of_call,
    unrolled,
)
from dslc.emit.named_sizes import NamedSizes
from dslc.emit.samples import all_iterations, collect_instances, ones_of, samples_by_step
from dslc.emit.varying import op_in_own_names
from dslc.ir.dims import Dim, opaque, substitute, sym, symbols_of
from dslc.ir.graph import (
    EVERY,
    MODULE,
    REGION_INPUT,
    ApplyOp,
    CallModule,
    Group,
    Parallel,
    Residual,
    Reuse,
    Scan,
)
from dslc.ir.types import TensorType
from dslc.ops.base import Check
from dslc.syntax.expressions import (
    Binary,
    Expr,
    Index,
    ListOf,
    Literal,
    Name,
    Unary,
    free_names,
    to_python,
)
from dslc.syntax.types import ELLIPSIS
from dslc.values import is_integer, is_list

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeGuard

    from dslc.ir.dims import DimLike
    from dslc.ir.graph import Body, Program, Ref, Step
    from dslc.passes.pipeline import Checked

__all__ = ["Carry", "Formal", "FormalStep", "collect_instances", "formal_modules"]


def formal_modules(checked: Checked) -> list[Formal]:
    """Every module that the main module or one of several models uses, callees first."""
    program, main = checked.program, checked.instance
    parts = [checked.parts[name].instance for name in program.held]
    instances = collect_instances(main, *parts)
    of_runs = params_of_runs(program, instances)
    found: dict[str, Formal] = {}

    def visit(name: str) -> None:
        if name in found or name not in instances:
            return
        for instance in instances[name]:
            for iteration in all_iterations(instance.body):
                if iteration.call is not None:
                    visit(iteration.call.module.name)
        formal = Formal(program.modules[name], instances[name])
        formal.of_runs = of_runs[name]
        Inference(program, formal, found).run()
        found[name] = formal

    for instance in (*parts, main):
        visit(instance.module.name)
    return list(found.values())


class Inference:
    """Types one module in its own names; `found` are its steps by number."""

    def __init__(self, program: Program, formal: Formal, callees: Mapping[str, Formal]) -> None:
        self.program = program
        self.formal = formal
        self.module = formal.module
        self.callees = callees
        self.samples = samples_by_step(formal.instances)
        self.values = formal.values
        self.loops: list[str] = []
        self.named = NamedSizes()
        self.found: dict[int, FormalStep] = {}
        sample = formal.instances[0]
        known = {**program.values, **sample.arguments}
        self.integers = {name for name, value in known.items() if is_size(value)}

    def run(self) -> None:
        sample = self.formal.instances[0]
        for declared in self.module.inputs:
            actual = sample.inputs[declared.name]
            type = self.input_type(declared.name, actual)
            self.formal.inputs[declared.name] = type
            self.values[MODULE, declared.name] = type
        self.formal.steps = self.body(self.module.body)
        for name, ref in self.module.outputs:
            self.formal.outputs[name] = self.seen_outside(ref)
        if not self.module.is_model:
            self.formal.outputs[""] = self.seen_outside(self.module.body.result)

    def seen_outside(self, ref: Ref) -> TensorType:
        """An output's type without the dims that loops inside carry, as far as they have a form."""
        type = self.types_of(ref)[0]
        for _ in self.formal.closed:
            type = type.substitute(self.formal.closed)
        return type

    def input_type(self, name: str, actual: TensorType) -> TensorType:
        """An input's type: declared dims by their names, others by names of our own."""
        declared = next(item.type for item in self.module.inputs if item.name == name)
        dims: list[object] = [None] * actual.rank
        if declared is not None and declared.dims is not None:
            dims = list(declared.dims)
            if ELLIPSIS in dims:
                gap = dims.index(ELLIPSIS)
                dims[gap : gap + 1] = [None] * (actual.rank - len(dims) + 1)
        shape: list[DimLike] = []
        bound = {symbol for symbol, _, _ in self.formal.bindings}
        for axis, dim in enumerate(dims):
            size = self.size(dim) if isinstance(dim, Expr) else sym(self.dim_name(name, axis))
            if isinstance(size, Dim) and str(size) not in bound and str(size)[0].isupper():
                self.formal.bindings.append((str(size), name, axis))
                bound.add(str(size))
            shape.append(size)
        return TensorType(actual.dtype, tuple(shape))

    def dim_name(self, input: str, axis: int) -> str:
        """A name for an axis: the param's that is the same size of a run, else one of our own."""
        for param in self.module.params:
            pairs = [
                (instance.arguments[param.name], instance.inputs[input].shape[axis])
                for instance in self.formal.instances
            ]
            if all(isinstance(value, Dim) and value == size for value, size in pairs):
                return param.name
        return f"{input.upper()}_{axis}"

    def size(self, expression: Expr) -> DimLike:
        """A size in the module's names."""
        found = self.value(expression)
        return found if is_size(found) else self.text(expression)

    def text(self, expression: Expr) -> DimLike:
        """An expression as opaque text."""
        return opaque(to_python(expression), free_names(expression))

    def value(self, expression: Expr) -> object:
        """An expression's value as far as it is a polynomial, a list of such, or a constant."""
        if isinstance(expression, Literal):
            return expression.value
        if isinstance(expression, ListOf):
            return tuple(self.value(item) for item in expression.items)
        if isinstance(expression, Name):
            if expression.id in self.loops:
                return self.text(expression)
            known = expression.id in self.integers or expression.id[0].isupper()
            return sym(expression.id) if known else self.text(expression)
        if isinstance(expression, Unary) and expression.op == "-":
            operand = self.value(expression.operand)
            return 0 - operand if is_size(operand) else self.text(expression)
        if isinstance(expression, Binary):
            return self.binary(expression)
        if isinstance(expression, Index):
            items, place = self.value(expression.base), self.value(expression.index)
            if is_list(items) and is_integer(place) and 0 <= place < len(items):
                return items[place]
            return self.text(expression)
        return self.text(expression)

    def binary(self, expression: Binary) -> object:
        """Arithmetic where both sides are sizes, else text."""
        left, right = self.value(expression.left), self.value(expression.right)
        if not is_size(left) or not is_size(right):
            return self.text(expression)
        match expression.op:
            case "+":
                return left + right
            case "-":
                return left - right
            case "*":
                return left * right
            case "//" if right != 0:
                return left // right
            case "%" if right != 0:
                return left % right
            case "**" if isinstance(left, int) and isinstance(right, int) and 0 <= right < 64:
                return left**right
            case _:
                return self.text(expression)

    def body(self, body: Body) -> list[FormalStep]:
        found: list[FormalStep] = []
        for step in body.steps:
            with at_step(step.span):
                found.append(self.step(step))
        return found

    def step(self, step: Step) -> FormalStep:
        """One step; a repeat carries the dims that change from round to round."""
        samples = self.samples.get(step.id, [])
        present = [sample for sample in samples if sample is not None]
        reused = None
        if isinstance(step.action, Reuse):
            reused = step.action.step.id
            step = step.replace(action=step.action.step.action)
        step = self.named.resolved(step)
        sometimes = len(present) < len(samples)
        if step.when is not None and not sometimes and any(map(of_runs(step.when), present)):
            step = step.replace(when=None)  # the facts say so: a run has nothing to decide
        found = FormalStep(step, present, sometimes=sometimes)
        found.reused = reused
        self.found[step.id] = found
        first = self.start_of(step)
        if found.absent:
            if first is not None:
                self.values[step.id, ""] = first
            return found
        if step.repeat is None:
            self.round(found, first)
        else:
            self.repeated(found, first)
        outputs = dict(found.outputs)
        if step.when is not None and found.sometimes and first is not None:
            outputs[""] = merged(step.when, outputs[""], first, self.value)
        for slot, type in outputs.items():
            self.values[step.id, slot] = type
        bound = [symbol for symbol, _, _ in self.formal.bindings]
        self.named.learn(step, outputs.get(""), bound)
        return found

    def repeated(self, found: FormalStep, first: TensorType | None) -> None:
        """A loop: runs the body until every dim that changes has a symbol of its own."""
        repeat = found.step.repeat
        assert repeat is not None
        names = [*repeat.names, *((repeat.index,) if repeat.index else ())]
        self.loops.extend(names)
        current = first
        symbols: dict[int, str] = {}
        while True:
            self.round(found, current)
            after = found.outputs[""]
            if current is None or first is None or after.rank != current.rank:
                break
            pairs = enumerate(zip(after.shape, current.shape, strict=True))
            new = [axis for axis, (left, right) in pairs if left != right and axis not in symbols]
            if not new:
                break
            symbols |= {axis: f"Carry{found.step.id}_{axis}" for axis in new}
            shape = (sym(symbols[k]) if k in symbols else dim for k, dim in enumerate(first.shape))
            current = first.with_shape(*shape)
        del self.loops[len(self.loops) - len(names) :]
        after = found.outputs[""]
        found.rounds = dict(found.outputs)
        if repeat.share and symbols:
            self.round(found, first)  # what all rounds share is made once, for the first one
        final = list(after.shape)
        always = not found.sometimes
        for axis, symbol in symbols.items():
            assert first is not None
            update = after.shape[axis]
            found.carries.append(Carry(symbol, axis, first.shape[axis], update))
            free = symbols_of(update) & {*names, *symbols.values()}
            closed = None
            if always and not symbols_of(update) & set(symbols.values()):
                closed = substitute(update, last_round(self, repeat))
            elif always and not symbols_of(update - sym(symbol)) & set(symbols.values()):
                closed = accumulated(self, repeat, first.shape[axis], update - sym(symbol))
            if closed is not None:
                self.formal.closed[symbol] = closed
            final[axis] = update if always and not free else sym(symbol)
        for axis, size in (unrolled(self, found) if always else {}).items():
            final[axis] = size
        found.outputs[""] = after.with_shape(*final)

    def types_of(self, ref: Ref) -> list[TensorType]:
        """The type of a referenced value; of every instance's where all are meant."""
        if ref.index is not None:
            return instance_types(self, ref)
        return [self.values[ref.owner, ref.slot]]

    def start_of(self, step: Step) -> TensorType | None:
        """The type of the first input; None where there is none, or no value there."""
        first = step.inputs[0] if step.inputs else None
        if first is None or (first.index is None and first.key not in self.values):
            return None
        return self.types_of(first)[0]

    def round(self, found: FormalStep, first: TensorType | None) -> None:
        """One iteration on a first input of a type."""
        step, action = found.step, found.step.action
        inputs: list[TensorType | None] = []
        for position, ref in enumerate(step.inputs):
            if ref is None:
                inputs.append(None)
            elif position == 0 and ref.index != EVERY:
                inputs.append(first)
            elif ref.index is None:
                inputs.append(self.values.get(ref.key))
            else:
                inputs += self.types_of(ref)
        found.inputs = tuple(inputs)
        types = tuple(type for type in found.inputs if type is not None)
        if isinstance(action, ApplyOp):
            found.op = op_in_own_names(action, found.samples, self.value, self.module.name, step.id)
            given = [sample.inputs for sample in found.samples]
            result = found.op.infer(Check(None, ones_of(found.inputs, given)), *types)
            if isinstance(result, tuple):
                names = found.op.output_names()
                found.outputs = {"": result[0], **dict(zip(names, result, strict=True))}
            else:
                found.outputs = {"": result}
        elif isinstance(action, CallModule):
            found.callee = self.callees[action.module]
            outputs = known_outputs(found, found.callee)
            found.outputs = self.call(action, found.callee, outputs, types)
        else:
            self.region(found, types[0])

    def region(self, found: FormalStep, first: TensorType) -> None:
        """A group, residual or parallel region."""
        action = found.step.action
        if isinstance(action, Scan):
            type_scan(self, found, action)
            return
        self.values[found.step.id, REGION_INPUT] = first
        if isinstance(action, Group):
            found.bodies = (self.body(action.body),)
            found.outputs = {"": self.result(action.body.result)}
        elif isinstance(action, Residual):
            found.bodies = (self.body(action.main), self.body(action.shortcut))
            main, short = self.result(action.main.result), self.result(action.shortcut.result)
            found.outputs = {"": main if action.main.steps else short}
        else:
            assert isinstance(action, Parallel)
            found.bodies = tuple(self.body(body) for _, body in action.branches)
            types = [self.result(body.result) for _, body in action.branches]
            found.outputs = joined(self, found, action, types)
        for slot, ref in found.step.exports:
            found.outputs[slot] = self.types_of(ref)[0]

    def result(self, ref: Ref) -> TensorType:
        return self.values[ref.owner, ref.slot]

    def call(
        self,
        action: CallModule,
        callee: Formal,
        outputs: dict[str, TensorType],
        types: tuple[TensorType, ...],
    ) -> dict[str, TensorType]:
        """A call's outputs: those given in the callee's own names, with the caller's in their place."""
        mapping: dict[str, DimLike] = {}
        for param in callee.module.params:
            given = action.arguments.get(param.name)
            if given is not None:
                mapping[param.name] = self.size(given)
            elif param.default is not None:
                inner = Inference(self.program, callee, self.callees)
                mapping[param.name] = substitute(inner.size(param.default), mapping)
        order = {item.name: position for position, item in enumerate(callee.module.inputs)}
        for symbol, name, axis in callee.bindings:
            mapping[symbol] = types[order[name]].shape[axis]
        defaults = {p.name: p.default for p in callee.module.params if p.default is not None}
        closed = {name: value for name, value in defaults.items() if not free_names(value)}
        given = {**closed, **action.arguments}
        lists = {n: v for n, v in given.items() if isinstance(self.value(v), tuple)}
        found = {s: type_of_call(self, t, mapping, lists) for s, t in outputs.items()}
        if callee.module.is_model:
            return {"": next(iter(found.values())), **found}
        return found


def is_size(value: object) -> TypeGuard[DimLike]:
    """Whether a value is an integer or a dim."""
    return is_integer(value) or isinstance(value, Dim)
