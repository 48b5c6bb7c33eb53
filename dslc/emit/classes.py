"""One class for one module: a constructor that makes the layers and a method that runs them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dslc.emit.backend import BuildError
from dslc.emit.bodies import BodyWriter
from dslc.emit.borders import Borders
from dslc.emit.drafts import CarryDraft, Drafts, IfDraft, LoopDraft, texts, uncarried
from dslc.emit.formal import formal_modules
from dslc.emit.header import header
from dslc.emit.methods import add_class
from dslc.emit.owners import Owners
from dslc.emit.parameters import Parameters, lower
from dslc.emit.python import Function, Line, Parameter
from dslc.emit.rounds import rounds_made
from dslc.emit.units import ModuleWriter
from dslc.ir.dims import symbols_of, text_of
from dslc.ir.graph import ApplyOp, CallModule
from dslc.ir.owners import path_text, tie_path
from dslc.ops import tensor
from dslc.syntax.expressions import math_functions, to_python

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dslc.emit.borrowing import Loan
    from dslc.emit.drafts import Draft
    from dslc.emit.formal import Carry, Formal, FormalStep
    from dslc.emit.python import Statement
    from dslc.emit.target import Target
    from dslc.ir.graph import Step, Tie
    from dslc.ir.owners import Owner, Part
    from dslc.ops.base import Op
    from dslc.passes.pipeline import Checked
    from dslc.syntax.expressions import Expr


def write_module(checked: Checked, target: Target) -> ModuleWriter:
    """Writes every class that the main module needs, callees first."""
    program = checked.program
    writer = ModuleWriter(program, target, header(program))
    formals = formal_modules(checked)
    writer.formals = formals
    writer.owners = Owners(program, formals, writer.borrowing)
    writer.borders = Borders(target, formals)
    for formal in formals:
        if formal.module.method is None:
            writer.name_class(formal.module)
    for formal in formals:
        ClassWriter(writer, formal).write()
    for unit in writer.units.values():
        unit.writer.annotate_loans()
    return writer


class ClassWriter:
    """Writes one class; what its constructor takes shows while it is written."""

    def __init__(self, module: ModuleWriter, formal: Formal) -> None:
        self.module = module
        self.target = module.target
        self.formal = formal
        self.parameters = Parameters(module, formal)
        self.drafts: list[Draft] = []
        self.loop_names: dict[str, str] = {}
        self.stored: dict[str, str] = {}
        self.shapes: dict[str, str] = {}
        self.signature: list[Parameter] = []
        self.made: dict[str, str] = {}
        self.body = BodyWriter(self)

    def write(self) -> None:
        """Writes the class into the module."""
        self.body.run()
        modules = self.module.program.modules
        for name in self.body.models if self.parameters.is_main else ():
            if modules[name].method is None:
                self.drafts.append(f"{self.body.models[name]} = {self.model_made(name)}")
        parameters = self.parameters
        parameters.keep(words_of([*texts(self.drafts), *self.stored]))
        target = self.target
        drafts = Drafts(
            self.drafts,
            parameters.names,
            lambda: set(parameters.dims.values()),
            target.listed,
            target.new_list(),
        )
        self.signature = [Parameter("self"), *self.body.signature()]
        run = Function(
            self.formal.module.method or target.call_name,
            self.signature,
            self.body.returns(),
            "" if self.formal.module.method is None else self.body.docstring(),
            self.body.statements(),
        )
        stored = [Line(f"self.{own} = {value}") for value, own in self.stored.items()]
        made = drafts.statements()
        prelude = [Line(text) for text in target.prelude]
        parameters.generates = self.hands_on()
        parameters.refuse_unknown()
        signature = parameters.signature()
        if parameters.is_main and target.generator and not parameters.generates:
            made.append(Line(f"del {target.generator}"))
        body: list[Statement] = [run]
        if stored or made or signature:
            parts = [*prelude, *stored, *made]
            body.insert(0, Function("__init__", [Parameter("self"), *signature], "None", "", parts))
        add_class(self, body)

    def hands_on(self) -> bool:
        """Whether a layer is handed the generator of random numbers, or a stream of it."""
        word = self.target.generator
        return bool(word) and word in words_of(texts(self.drafts))

    def constructor_name(self, name: str) -> str:
        """A name of the spec where layers are made: a loop's, a carried dim's or a parameter."""
        if name in self.loop_names:
            return self.loop_names[name]
        return name if name.startswith("Carry") else self.parameters.use(name)

    def call_name(self, name: str) -> str:
        """A name of the spec where the module runs: a loop's, a size, or a stored parameter."""
        if name in self.body.loop_names:
            return self.body.loop_variable_of(name)
        if self.parameters.place(name) is not None:
            if name not in self.shapes:
                self.shapes[name] = self.body.names.fresh(lower(name))
            return self.shapes[name]
        if name in self.parameters.of_runs:
            return self.body.size(name)
        return f"self.{self.store(self.constructor_name(uncarried(name)), name)}"

    def store(self, value: str, wanted: str) -> str:
        """Keeps a constructor's value on the object under a name near the wanted one."""
        if value not in self.stored:
            self.stored[value] = self.parameters.attributes.fresh(wanted)
        return self.stored[value]

    def require_math(self, expression: Expr) -> None:
        """Imports `math` where an expression needs it."""
        if math_functions(expression):
            self.module.require("import math")

    def expression(self, expression: Expr) -> str:
        """An expression where layers are made."""
        self.require_math(expression)
        return to_python(expression, self.constructor_name)

    def enter_loop(self, found: FormalStep) -> None:
        """Makes a repeat's names known while its layer is written."""
        repeat = found.step.repeat
        if repeat is None:
            return
        for name in (*repeat.names, *((repeat.index,) if repeat.index else ())):
            self.loop_names[name] = self.parameters.names.child().fresh(name)

    def leave_loop(self, found: FormalStep) -> None:
        """Forgets a repeat's names."""
        repeat = found.step.repeat
        if repeat is not None:
            for name in (*repeat.names, *((repeat.index,) if repeat.index else ())):
                del self.loop_names[name]

    def layer(self, found: FormalStep, constructor: str) -> str:
        """Makes a layer for a step, in a list where it repeats; gives the text that calls it."""
        step = found.step
        tie = self.owned_by(found)
        if tie is not None:
            return self.layer_of(found.step, tie)
        own = f"self.{step.label}"
        if found.reused is not None:
            return self.run_again(found)
        self.made[step.label] = constructor.split("(")[0]
        if step.when is not None and self.body.is_optional(found):
            alone = is_alone(found) and not step.tie
            alone = alone and not (found.callee and self.body.others_for(found))
            constructor = self.target.optional(constructor, self.expression(step.when), alone=alone)
        if step.repeat is None or step.repeat.share:
            if step.repeat is not None and found.sometimes and step.when is None:
                times = self.expression(rounds_made(found)[1])
                constructor = self.target.optional(constructor, times, alone=False)
            self.drafts.append(f"{own} = {constructor}")
            return own
        self.drafts.append(self.loop(found, own, constructor))
        return self.body.loop_variable(found)

    def run_again(self, found: FormalStep) -> str:
        """The layers of a step above, run again."""
        step = found.step
        if step.repeat is None or step.repeat.share:
            return self.layers_of(found)
        return self.body.loop_variable(found)

    def layers_of(self, found: FormalStep) -> str:
        """What a step has made: a layer or a list, its own or that of a step around the module."""
        module, label = self.formal.module.name, found.step.label
        if found.reused is None or found.reused in self.module.borrowing.places[module]:
            return f"self.{label}"
        return self.body.loan_text(label)

    def loop(self, found: FormalStep, own: str, constructor: str) -> LoopDraft:
        """A list with a layer for each round of a repeat."""
        assert found.step.repeat is not None
        carries = [self.carry(carry, found.outputs[""].rank) for carry in found.carries]
        known, rounds, times = rounds_made(found)
        index, names = found.step.repeat.index, [self.loop_names[name] for name in known]
        number, text = self.loop_names[index] if index else None, self.expression(rounds)
        return LoopDraft(own, constructor, number, names, text, carries, times=times)

    def carry(self, carry: Carry, rank: int) -> CarryDraft:
        """A dim that the loop being written may carry."""
        loop_names = dict(self.loop_names)

        def name(symbol: str) -> str:
            return loop_names.get(symbol) or self.constructor_name(symbol)

        return CarryDraft(
            carry.symbol,
            "channels" if carry.axis == 1 and rank > 3 else "features",
            lambda: text_of(carry.start, name),
            lambda: text_of(carry.update, name),
            symbols_of(carry.start) | symbols_of(carry.update),
        )

    def constructor_of(self, found: FormalStep) -> str:
        """The call of another class's constructor."""
        action = found.step.action
        assert isinstance(action, CallModule)
        unit = self.module.units[action.module]
        callee = unit.writer.parameters
        types = dict(zip(callee.formal.inputs, found.inputs, strict=True))
        dims: list[str] = []
        for symbol in callee.dims_used():
            name, axis = callee.places[symbol]
            type = types[name]
            assert type is not None
            dims.append(text_of(type.shape[axis], self.constructor_name))
        files = [self.constructor_name(name) for name in callee.files_used()]
        words = set(callee.own_params())
        arguments = {
            name: self.expression(value)
            for name, value in action.arguments.items()
            if name in words
        }
        return f"{unit.name}({callee.call(arguments, dims, files)})"

    def model_call(self, found: FormalStep, given: list[str]) -> str:
        """The call of a model on given inputs: the one at hand, with the models that it needs."""
        assert found.callee is not None
        model = self.body.models[found.callee.module.name]
        return f"{model}({', '.join([*given, *self.body.others_for(found)])})"

    def model_made(self, name: str) -> str:
        """The call of the constructor of one of several models."""
        unit = self.module.units[name]
        callee = unit.writer.parameters
        files = [self.constructor_name(param) for param in callee.files_used()]
        return f"{unit.name}({callee.call({}, [], files)})"

    def owned_by(self, found: FormalStep) -> Tie | None:
        """The tie to another layer that does all of a step."""
        return self.module.owners.owned.get((self.formal.module.name, found.step.id))

    def annotate_loans(self) -> None:
        """Names the classes of the layers that the method is given, now that all are written."""
        loans = self.module.borrowing.of(self.formal.module.name)
        kinds = {self.body.loans[path]: loan for path, loan in loans.items()}  # by argument
        for k, parameter in enumerate(self.signature):
            if parameter.name in kinds:
                kind = self.class_of(kinds[parameter.name])
                self.signature[k] = Parameter(parameter.name, kind)

    def class_of(self, loan: Loan) -> str:
        """The class of a layer that another module has."""
        step = loan.owner.step
        is_list = step.repeat is not None and not step.repeat.share
        if loan.path != loan.owner.path or (is_list and loan.path[-1] == step.label):
            return self.target.new_list().split("(")[0]
        return self.module.units[loan.owner.module].writer.made[step.label]

    def owner(self, step: Step, tie: Tie) -> Owner:
        """The step that owns a tied weight."""
        owner = self.module.borrowing.owner(self.formal.module.name, step, tie)
        if owner is None:
            path = tie_path(tie)
            reason = f"`{path}` is tied inside `{self.formal.module.name}`, where it is not seen"
            raise BuildError(f"{reason}: tie it in the model or block that holds both")
        return owner

    def layer_of(self, step: Step, tie: Tie) -> str:
        """The layer that owns a tied weight."""
        name, borrowing = self.formal.module.name, self.module.borrowing
        path, loan = self.owner(step, tie).path, borrowing.loan(name, step, tie)
        _, tie = borrowing.last(name, step, tie)
        if tie.model is not None:
            return self.body.models[tie.model] + self.attributes_of(path)
        if loan is None:
            return f"self{self.attributes_of(path)}"
        return self.body.loan_text(path_text(loan.path)) + self.attributes_of(
            path[len(loan.path) :]
        )

    def attributes_of(self, path: tuple[Part, ...]) -> str:
        """A path as it stands behind an object."""
        return "".join(
            (f"[{part}]" if part.isdigit() else f".{part}")
            if isinstance(part, str)
            else f"[{self.body.index_text(part)}]"
            for part in path
        )

    def loans_for(self, module: str) -> list[str]:
        """The layers at hand that a module of a call is given."""
        home = self.formal.module.name
        used = self.module.units[module].writer.body.loans_used
        return [
            f"self{self.attributes_of(loan.path)}"
            if loan.home == home
            else self.body.loan_text(path)
            for path, loan in self.module.borrowing.of(module).items()
            if path in used
        ]

    def tied(self, step: Step, tie: Tie) -> tuple[str, str]:
        """The object that owns a tied weight, and the weight's own name, "" for a parameter's."""
        own = self.owner(step, tie).weight or "weight"
        own = "" if self.tied_op(step, tie) is tensor.Parameter else own
        return self.layer_of(step, tie), own

    def tied_op(self, step: Step, tie: Tie) -> type[Op]:
        """The op that owns a tied weight."""
        action = self.owner(step, tie).step.action
        assert isinstance(action, ApplyOp)
        return action.op

    def tied_found(self, step: Step, tie: Tie) -> FormalStep:
        """The step that owns a tied weight, with its op's attributes."""
        owner = self.owner(step, tie)
        return self.module.owners.steps[owner.module, owner.step.id]

    def shared_layer(self, found: FormalStep, constructor: str) -> str:
        """A layer without weights, made once for all steps that would make the same."""
        for draft in self.drafts:
            if isinstance(draft, str) and draft.endswith(f" = {constructor}"):
                return draft.split(" ")[0]
        return self.layer(found, constructor)

    def io_layout(self) -> str:
        """The layout of the model's inputs and outputs, which thereby becomes a parameter."""
        self.stored["io_layout"] = "io_layout"
        self.parameters.io_layout = True
        return "self.io_layout"

    def none_if_absent(self, found: FormalStep) -> None:
        """Lets a step's layer be `None` where its condition does not hold: its call asks for that."""
        own = f"self.{found.step.label}"
        for k, draft in enumerate(self.drafts):
            if isinstance(draft, LoopDraft) and draft.own == own:
                draft.constructor = self.target.none_if_absent(draft.constructor)
            elif isinstance(draft, str) and draft.startswith(f"{own} = "):
                self.drafts[k] = self.target.none_if_absent(draft)

    def conditional(self, condition: str) -> _Conditional:
        """Collects the layers that are only made under a condition."""
        return _Conditional(self, condition)


class _Conditional:
    def __init__(self, writer: ClassWriter, condition: str) -> None:
        self.writer = writer
        self.condition = condition

    def __enter__(self) -> None:
        self.outer = self.writer.drafts
        self.writer.drafts = []

    def __exit__(self, *_: object) -> None:
        inner, self.writer.drafts = self.writer.drafts, self.outer
        if inner:
            self.writer.drafts.append(IfDraft(self.condition, inner))


def words_of(texts: Iterable[str]) -> set[str]:
    """Every name in pieces of code."""
    return set(re.findall(r"[A-Za-z_]\w*", " ".join(texts)))


def is_alone(found: FormalStep) -> bool:
    """Whether a step reads one value, counting inputs that stand for another once."""
    first, *further = found.step.inputs
    given = any(ref is not None for ref in further)
    if found.op is None or not given:
        return not given
    stands = [item.default not in (None, "none") for item in found.op.inputs[1:]]
    pairs = zip(stands, further, strict=False)
    return all(ref is None or (stand and ref == first) for stand, ref in pairs)
