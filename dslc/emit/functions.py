"""Functions for frameworks whose blocks are functions over named native layers, as in Keras.

What a class makes in its constructor and calls in its method is one expression here, so the spec's
steps are written once: `x = conv2d(x, out, 3, name=f"{name}.conv1")`. A layer is called by its
weights' path. Groups are written in place, since a scope needs no object of its own; loops stay
loops, and a `when` is an `if`.
"""

from __future__ import annotations

from itertools import chain, count
from typing import TYPE_CHECKING, final

from dslc.emit.backend import BuildError
from dslc.emit.borders import Borders
from dslc.emit.borrowing import Borrowing
from dslc.emit.classes import words_of
from dslc.emit.flattening import all_formal
from dslc.emit.flow import STREAM
from dslc.emit.formal import formal_modules
from dslc.emit.formal_when import holds_size
from dslc.emit.functions_body import FunctionBody
from dslc.emit.functions_layers import LayerWriter
from dslc.emit.functions_names import Sizes, size_token, texts_of
from dslc.emit.functions_ties import FunctionTies
from dslc.emit.header import header
from dslc.emit.names import snake_name
from dslc.emit.owners import Owners
from dslc.emit.python import Function, Line, Module, Parameter, to_source
from dslc.emit.units import ModuleWriter, Unit
from dslc.emit.unread import Unread, has_weights
from dslc.ir.dims import sym
from dslc.ir.graph import CallModule, Scan
from dslc.ir.walk import free_names_of
from dslc.syntax.expressions import Conditional
from dslc.values import is_integer

if TYPE_CHECKING:
    from dslc.emit.formal import Formal, FormalStep
    from dslc.emit.functions_target import FunctionTarget
    from dslc.emit.python import Class, Statement
    from dslc.ir.graph import Program
    from dslc.passes.pipeline import Checked
    from dslc.syntax.expressions import Expr


@final
class FunctionModule(ModuleWriter):
    """A module of functions; `package` is what its own layer classes are registered under."""

    def __init__(self, program: Program, target: FunctionTarget, doc: str) -> None:
        super().__init__(program, target, doc)
        self.functions_target = target
        self.borrowing = Borrowing(program, lends=False)
        self.layers: dict[str, str] = {}
        self.layer_count = 0
        self.unread = Unread(())
        self.ties = FunctionTies(program)

    def helper(self, name: str) -> str:
        """Puts a helper into the module; its classes are registered under the spec's name."""
        super().helper(name)
        package = f'package="{self.program.name}"'
        self.helpers[name] = self.helpers[name].replace('package="dslc"', package)
        return name

    def function(self, function: Function) -> None:
        """Puts a helper function into the module once."""
        if function.name not in self.helpers:
            self.helpers[function.name] = to_source(Module("", [function])).strip()

    def add_class(self, made: Class) -> None:
        """Puts a layer's class above all functions."""
        self.classes.insert(self.layer_count, made)
        self.layer_count += 1

    def runtime_layer(self, wanted: str, home: str, method: Function, doc: str) -> str:
        """A layer class with one method; two that do the same are one."""
        key = to_source(Module("", [method]))
        if key not in self.layers:
            name = self.layers[key] = self.names.fresh(self.layer_name(wanted, home))
            made = self.functions_target.layer_class(self, name, method, doc)
            self.add_class(made)
        return self.layers[key]

    def layer_name(self, wanted: str, home: str) -> str:
        """A free name for a layer's class, with that of its module before it where it is taken.

        It never ends like the number by which a framework tells its unnamed layers apart: the third
        `Reshape` is called `reshape_2`, as the first `Reshape_2` would be.
        """
        further = (f"{home}{wanted}{number}" for number in count(2))
        names = chain((wanted, f"{home}{wanted}"), further)
        return next(name for name in names if self.names.is_free(name))


def write_functions(checked: Checked, target: FunctionTarget) -> FunctionModule:
    """Writes every function that the main module needs, callees first."""
    program = checked.program
    module = FunctionModule(program, target, header(program))
    formals = formal_modules(checked)
    module.owners = Owners(program, formals, module.ties)
    module.borders = Borders(target, formals)
    module.unread = Unread(formals)
    names = {f.module.name: module.names.fresh(function_name(program, f)) for f in formals}
    target.survey(module, formals)
    for formal in formals:
        FunctionWriter(module, formal, names[formal.module.name]).write()
    target.finish(module)
    return module


def function_name(program: Program, formal: Formal) -> str:
    """What a module's function would like to be called; one of several models makes a model."""
    name = formal.module.name
    is_part = name != program.main and formal.module.is_model
    place = formal.module.place.replace(".", "_")
    return f"{place}_model" if is_part else snake_name(name)


def model_function(module: FunctionModule) -> str:
    """The name of the function that builds the main model."""
    return module.units[module.program.main].name


@final
class FunctionWriter(LayerWriter):
    """Writes one function; what it takes shows while it is written."""

    def __init__(self, module: FunctionModule, formal: Formal, name: str) -> None:
        super().__init__(module, formal)
        self.functions = module
        self.functions_target = module.functions_target
        self.name = name
        self.kept = {}
        self.lists = {}
        self.choices: set[str] = set()
        self.items: dict[str, tuple[Expr, str]] = {}  # of loops: those with sizes of a run
        self.function_body = FunctionBody(self)
        self.body = self.function_body

    def write(self) -> None:
        """Writes the function into the module."""
        self.refuse_moving()
        body = self.function_body
        body.run()
        sizes = Sizes(self.shape_of, self.size_variable)
        statements: list[Statement] = sizes.resolve(body.flow.lines)
        if self.module.owners.owned:
            self.parameters.keep(words_of(t for line in statements for t in texts_of(line)))
        parameters = [*body.signature(), *self.parameters.signature()]
        if body.uses_name:
            parameters.append(Parameter("name", "str", None, "keyword"))
        returns = self.model_type() if body.is_main else body.returns()
        function = Function(self.name, parameters, returns, body.docstring(), statements)
        self.module.classes.append(function)
        self.module.units[self.formal.module.name] = Unit(self.name, self)

    def model_type(self) -> str:
        """The annotation of the model."""
        return self.functions_target.model

    def constructor_name(self, name: str) -> str:
        """A name of the spec: a loop's, a parameter, or a size that a shape gives."""
        if name in self.loop_names:
            return self.loop_names[name]
        if self.parameters.place(name) is None or name in self.module.program.values:
            return self.parameters.use(name)
        if not self.is_static(name):
            reason = f"`{name}` of `{self.formal.module.name}` is known only when the model runs"
            raise BuildError(
                f"{reason}, and is needed when it is built: make it a number or a param"
            )
        return size_token(name)

    def call_name(self, name: str) -> str:
        """The same: a function makes and calls its layers in one place."""
        return self.constructor_name(name)

    def io_layout(self) -> str:
        """The layout of the model's inputs and outputs, which thereby becomes a parameter."""
        self.parameters.io_layout = True
        return "io_layout"

    def is_static(self, name: str) -> bool:
        """Whether a name stands for a value that is known when the model is built."""
        if name in self.items:
            return False
        place = None if name in self.loop_names else self.parameters.place(name)
        if place is None:
            return True
        input, axis = place
        return all(is_integer(i.inputs[input].shape[axis]) for i in self.formal.instances)

    def shape_of(self, symbol: str) -> tuple[str, int]:
        """The variable that holds a size's tensor when the function begins, and the axis there."""
        place = self.parameters.place(symbol)
        assert place is not None
        input, axis = place
        rank = self.formal.inputs[input].rank
        if self.module.borders.input(self.formal, input) == "last" and axis:
            axis = rank - 1 if axis == 1 else axis - 1
        return self.body.inputs[input], axis - rank if axis == rank - 1 else axis

    def size_variable(self, symbol: str) -> str:
        """A variable for a size that is read more than once."""
        return self.parameters.names.fresh(self.parameters.dim_name(symbol))

    def source_of(self, symbol: str, found: FormalStep) -> tuple[int | None, str, int]:
        """Where a step finds a size at run time: its operand or a module's input, and the axis."""
        for position, type in enumerate(found.inputs):
            if type is not None and sym(symbol) in type.shape:
                return position, "", type.shape.index(sym(symbol))
        place = self.parameters.place(symbol)
        assert place is not None
        return None, *place

    def callee_of(self, found: FormalStep) -> FunctionWriter:
        """The function that a step calls."""
        action = found.step.action
        assert isinstance(action, CallModule)
        callee = self.module.units[action.module].writer
        assert isinstance(callee, FunctionWriter)
        return callee

    def has_layers(self, found: FormalStep) -> bool:
        """Whether the function that a step calls makes layers with names, which have weights."""
        return self.callee_of(found).function_body.uses_name

    def call_of(self, found: FormalStep, operands: list[str], *, shared: bool = False) -> str:
        """The call of another block's function, or the layer that all rounds of a loop share."""
        name = self.callee_of(found).name
        texts = [self.arguments_of(found, operands)]
        if self.has_layers(found) or shared:
            texts.append(self.name_of(found))
        text = ", ".join(text for text in texts if text)
        if shared:
            return self.functions_target.shared(self, f"{name}, {text}")
        return f"{name}({text})"

    def name_of(self, found: FormalStep) -> str:
        """The argument that says where the layers of a block are."""
        label = self.function_body.label_of(found)
        return f"name={self.function_body.path_text(label)}"

    def arguments_of(self, found: FormalStep, operands: list[str]) -> str:
        """What a block's function is called with, but for its name."""
        action = found.step.action
        assert isinstance(action, CallModule)
        parameters = self.callee_of(found).parameters
        files = [self.constructor_name(name) for name in parameters.files_used()]
        words = set(parameters.own_params())
        given = {n: self.argument(n, v) for n, v in action.arguments.items() if n in words}
        models = self.body.others_for(found)
        return parameters.call(given, [*operands, *models], files)

    def changing(self, found: FormalStep) -> set[str]:
        """What a block is given that may be another in each round of the loop that shares it."""
        action = found.step.action
        assert isinstance(action, CallModule)
        callee = self.callee_of(found)
        return callee.moving() & {*callee.parameters.own_params()} & action.arguments.keys()

    def rounds_of(self, found: FormalStep) -> str:
        """What makes the layers of a block once, for rounds that give it other numbers."""
        text = f"{self.callee_of(found).name}, {self.name_of(found)}"
        return self.functions_target.shared_rounds(self, text)

    def moving(self) -> set[str]:
        """The params that are other numbers in rounds which have one set of weights."""
        given = [instance.arguments for instance in self.formal.instances]
        return {
            name
            for name in self.parameters.of_runs
            if not any(holds_size(arguments[name]) for arguments in given)
        }

    def refuse_moving(self) -> None:
        """Refuses a layer with weights that would be made otherwise in each round."""
        moving = self.moving()
        for found in all_formal(self.formal.steps) if moving else ():
            inside = found.step.replace(repeat=None, when=None, type=None)
            is_made = found.op is not None or isinstance(found.step.action, Scan)
            names = sorted(free_names_of(inside) & moving) if is_made else []
            if names and has_weights(found):
                reason = f"`{names[0]}` of `{self.formal.module.name}` changes from round to round"
                raise BuildError(f"{reason}, and a layer needs it when it is built", inside.span)

    def model_call(self, found: FormalStep, given: list[str]) -> str:
        """The call of a model, which has the models that it calls itself in its own graph."""
        assert found.callee is not None
        module = found.callee.module
        inputs = dict(zip((item.name for item in module.inputs), given, strict=True))
        return f"{self.body.models[module.name]}({self.functions_target.one_or_named(inputs)})"

    def model_made(self, name: str) -> str:
        """The call of the function that makes one of several models."""
        unit = self.module.units[name]
        parameters = unit.writer.parameters
        models = [self.body.models[other] for other in self.module.needs[name]]
        files = [self.constructor_name(param) for param in parameters.files_used()]
        return f"{unit.name}({parameters.call({}, models, files)})"

    def argument(self, name: str, value: Expr) -> str:
        """An argument of a call; a choice between values is named before the call."""
        text = self.expression(value)
        if not isinstance(value, Conditional) or not self.can_name(name):
            return text
        self.choices.add(name)
        self.function_body.names.reserve(name)
        self.body.flow.lines.append(Line(f"{name} = {text}"))
        return name

    def can_name(self, name: str) -> bool:
        """Whether a choice may have a name: nothing has it, and nothing that stands there is read.

        A loop runs the line again, so that a name which it reads, such as its own or a parameter's,
        would hold the last round's choice.
        """
        flow = self.body.flow
        if name in flow.taken or name in STREAM or name in flow.names.values():
            return False
        return flow.is_free(name) and (name in self.choices or self.parameters.names.is_free(name))
