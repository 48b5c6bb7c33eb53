"""Types and sizes: every distinct instance of every module, checked once.

The main model's symbols stay symbolic; a block's dims are bound to what its caller brings. A value
whose step failed has an unknown type (None) and what reads it is passed over, so that one mistake
makes one error.
"""

from __future__ import annotations

from dslc.ir.dims import DimTooLargeError
from dslc.ir.graph import (
    MODULE,
    ApplyOp,
    CallModule,
    ChooseOp,
    Reuse,
)
from dslc.ir.instance import BodyInstance, Instance, Iteration, StepInstance
from dslc.ir.walk import free_names_of
from dslc.passes.applying import OpApplier
from dslc.passes.joins import run_region
from dslc.passes.values import Failed, Values
from dslc.syntax.expressions import ExpressionError, Name, describe
from dslc.typed import TYPE_CHECKING
from dslc.values import exact, is_list

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dslc.diagnostics import Report
    from dslc.ir.facts import Facts
    from dslc.ir.graph import Body, Module, Program, Step
    from dslc.ir.types import TensorType
    from dslc.limits import Limits

Environment = dict[str, object]


class Instantiator(OpApplier):
    """Makes instances; a memo by arguments and input types makes each once."""

    def __init__(self, program: Program, report: Report, limits: Limits, facts: Facts) -> None:
        super().__init__(report, facts, limits)
        self.program = program
        self.broken: set[str] = set()  # modules whose faults are known: calls give unknown values
        self.memo: dict[tuple[object, ...], Instance | None] = {}
        self.count = 0
        self.passed_over = False  # a step was, which no error may explain

    def take_over(self, other: Instantiator) -> None:
        """Knows what another one found under the same facts, of the modules that both have."""
        own, theirs = self.program.modules, other.program.modules
        same = {name for name, module in own.items() if theirs.get(name) is module}
        self.memo |= {key: found for key, found in other.memo.items() if key[0] in same}

    def instance(
        self,
        module: Module,
        arguments: Mapping[str, object],
        inputs: tuple[TensorType, ...],
        sizes: Mapping[str, object],
    ) -> Instance | None:
        """The instance of a module for arguments and input types; None after an error."""
        key = (module.name, *map(exact, arguments.values()), inputs)
        if key not in self.memo:
            if len(self.memo) > self.limits.instances:
                message = f"more than {self.limits.instances} distinct instances of blocks"
                help = "`--limit instances=…` allows more"
                self.error("E0906", module.span, message, help=help)
                return None
            self.memo[key] = None
            try:
                self.memo[key] = self.make(module, arguments, inputs, sizes)
            except ExpressionError as error:
                self.error(error.code, error.span, error.message, help=error.help)
        return self.memo[key]

    def make(
        self,
        module: Module,
        arguments: Mapping[str, object],
        inputs: tuple[TensorType, ...],
        sizes: Mapping[str, object],
    ) -> Instance | None:
        """Types one instance."""
        environment = {**self.program.values, **arguments, **sizes}
        values = Values()
        is_called = not module.is_model or not sizes
        fits = True
        for declared, type in zip(module.inputs, inputs, strict=True):
            if declared.type is not None and is_called:
                fits &= self.match(declared.type, type, environment, declared.span)
            values[MODULE, declared.name] = type
        if not fits:
            return None
        bound = {
            name: environment[name] for name in environment.keys() - self.program.values.keys()
        }
        bound = {name: bound[name] for name in sorted(bound.keys() - arguments.keys())}
        facts = module.where if is_called else ()
        kind = "model" if module.is_model else "block"
        shown = [self.require_fact(fact, environment, kind) for fact in facts]
        if not all(shown):
            return None
        body = self.body(module.body, environment, values, needed=not module.is_model)
        known = self.outputs_of(module, values, environment)
        if module.is_model:
            known = {name: self.simple(type) for name, type in known.items()}
        elif body.type is not None:
            known[""] = body.type
        names = (item.name for item in module.inputs)
        return Instance(
            module, arguments, bound, dict(zip(names, inputs, strict=True)), known, body
        )

    def simple(self, type: TensorType) -> TensorType:
        """A type as the facts let a reader see it: `H` for `16*(H//16)`."""
        return type.with_shape(*map(self.facts.simplify, type.shape))

    def body(
        self, body: Body, environment: Environment, values: Values, *, needed: bool = True
    ) -> BodyInstance:
        """Types the steps of a body in order; its value may be absent where it is not needed."""
        steps = tuple(self.step(step, environment, values) for step in body.steps)
        has_none = not needed and body.result.owner in values.absent
        type = None if has_none else self.value(body.result, values, environment)
        return BodyInstance(steps, body.result, type)

    def step(self, step: Step, environment: Environment, values: Values) -> StepInstance:
        """Types one step in all its iterations."""
        try:
            return self.iterate(step, environment, values)
        except ExpressionError as error:
            self.error(error.code, error.span, error.message, help=error.help)
        except DimTooLargeError:
            message = "the sizes here are longer expressions than any network needs"
            self.error("E0908", step.span, message, help="give some sizes as numbers or params")
        except Failed:
            self.passed_over = self.passed_over or not self.broken
        values[step.id, ""] = None
        if step.type is not None:
            names = (dim.id for dim in step.type.dims or () if isinstance(dim, Name))
            self.unknown.update(name for name in names if name[0].isupper())
        return StepInstance(step, ())

    def iterate(self, step: Step, environment: Environment, values: Values) -> StepInstance:
        """The iterations of a step, each reading the value of the one before."""
        first = step.inputs[0] if step.inputs else None
        has_none = first is None or first.owner in values.absent
        current = None if has_none else self.value(first, values, environment)
        rounds: list[Iteration | None] = []
        outputs: dict[str, TensorType | None] = {"": current}
        known: dict[object, Iteration | None] = {}
        bindings = self.rounds(step, environment)
        names = free_names_of(step) if len(bindings) > 1 else frozenset[str]()
        for position, binding in enumerate(bindings):
            before = current
            varying = [exact(value) for name, value in binding.items() if name in names]
            key = (current, *varying)
            if key not in known:
                self.count_step(step)
                inner = {**environment, **binding} if binding else environment
                known[key] = self.round(step, inner, current, values)
            iteration = known[key]
            rounds.append(iteration)
            if iteration is not None:
                outputs = {**iteration.outputs}
                current = outputs.get("")
            values.keep(step, position, {"": current} if iteration is None else outputs)
            if not varying and not step.kept and current == before:
                rounds += [iteration] * (len(bindings) - len(rounds))
                break
        values.counts[step.id] = len(bindings)
        if has_none and not any(rounds):
            values.absent[step.id] = step
        else:
            values.absent.pop(step.id, None)
            for slot, type in outputs.items():
                values[step.id, slot] = type
        return StepInstance(step, tuple(rounds))

    def count_step(self, step: Step) -> None:
        """Counts a step against the limit."""
        self.count += 1
        if self.count > self.limits.steps:
            message = f"more than {self.limits.steps} steps after repeats"
            self.error("E0905", step.span, message, help="`--limit steps=…` allows more")
            raise Failed

    def rounds(self, step: Step, environment: Environment) -> list[Environment]:
        """What each iteration binds: one empty binding where the step does not repeat."""
        repeat = step.repeat
        if repeat is None:
            return [{}]
        if repeat.over is None and repeat.times is None:
            raise Failed  # the reader has said so, or that a key is misspelt
        if repeat.times is not None and repeat.over is None:
            times = self.evaluate(repeat.times, environment)
            if isinstance(times, bool) or not isinstance(times, int) or times < 0:
                self.error(
                    "E0616",
                    repeat.times.span,
                    f"`repeat` counts 0, 1, 2, …, and this is {describe(times)}",
                )
                raise Failed
            if times > self.limits.steps:
                self.count = times
                self.count_step(step)
            items: list[Environment] = [{} for _ in range(times)]
        else:
            items = self.items(step, environment)
        if repeat.index:
            items = [{**item, repeat.index: k} for k, item in enumerate(items)]
        return items

    def items(self, step: Step, environment: Environment) -> list[Environment]:
        """The bindings of `over`, one for each item."""
        repeat = step.repeat
        assert repeat is not None
        assert repeat.over is not None
        found = self.evaluate(repeat.over, environment)
        if not is_list(found):
            self.error("E0621", repeat.over.span, f"`over` takes a list, not {describe(found)}")
            raise Failed
        items: list[Environment] = []
        for item in found:
            if len(repeat.names) < 2:
                items.append({name: item for name in repeat.names})  # noqa: C420 - a dict of objects
            elif is_list(item) and len(item) == len(repeat.names):
                items.append(dict(zip(repeat.names, item, strict=True)))
            else:
                message = f"an item of `over` does not have {len(repeat.names)} parts, as `as` says"
                self.error("E0621", repeat.over.span, message)
                raise Failed
        return items

    def round(
        self, step: Step, environment: Environment, current: TensorType | None, values: Values
    ) -> Iteration | None:
        """One iteration; None where `when` says that it is absent."""
        if step.when is not None and not self.condition(step.when, environment):
            return None
        if isinstance(step.action, ChooseOp | Reuse):
            from dslc.passes.choosing import settled

            step = settled(self, step, environment)
        try:
            inputs = self.inputs(step, current, values, environment)
        except Failed:
            from dslc.passes.unfed import check_unfed

            check_unfed(self, step, environment)
            raise
        iteration = self.run(step, environment, inputs, values)
        if step.type is not None:
            if "" not in iteration.outputs:
                raise Failed
            self.match(step.type, iteration.outputs[""], environment, step.type.span)
        return iteration

    def run(
        self,
        step: Step,
        environment: Environment,
        inputs: tuple[TensorType | None, ...],
        values: Values,
    ) -> Iteration:
        """What a step's action makes of its inputs."""
        action = step.action
        if isinstance(action, Reuse):
            target = action.step.replace(inputs=step.inputs, exports=step.exports)
            with self.inside(target.name or "", step.span):
                return self.run(target, environment, inputs, values)
        if isinstance(action, ApplyOp):
            return self.apply(step, action, environment, inputs)
        if isinstance(action, CallModule):
            return self.call(step, action, environment, inputs)
        inner = environment if not step.label else dict(environment)
        bodies, outputs = run_region(self, step, inner, inputs, values)
        for slot, ref in step.exports:
            type = self.value(ref, values, inner)
            if type is not None:
                outputs[slot] = type
        return Iteration(inputs, outputs, inner, bodies=bodies)

    def call(
        self,
        step: Step,
        action: CallModule,
        environment: Environment,
        inputs: tuple[TensorType | None, ...],
    ) -> Iteration:
        """A call of a module: its instance for the arguments and input types."""
        module = self.program.modules.get(action.module)
        types = tuple(type for type in inputs if type is not None)
        if module is None or len(types) < len(module.inputs) or module.name in self.broken:
            raise Failed
        arguments = self.arguments(module, action, environment)
        if arguments is None:
            raise Failed
        with self.inside(module.name, step.span):
            instance = self.instance(module, arguments, types, {})
        if instance is None or not instance.outputs:
            raise Failed
        outputs = instance.outputs
        if module.is_model:
            outputs = {"": next(iter(outputs.values())), **outputs}
        elif "" not in outputs:
            raise Failed
        return Iteration(inputs, outputs, environment, call=instance)

    def file_values(self) -> Environment:
        return dict(self.program.values)
