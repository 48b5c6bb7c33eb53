"""What a class's constructor takes: bound dims, params of the file, its own params.

What a param brings that only a run knows (a size of a value elsewhere) is no argument of the
constructor: the method takes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.backend import BuildError
from dslc.emit.context import literal
from dslc.emit.python import Parameter
from dslc.ir.dims import Dim
from dslc.syntax.expressions import ListOf, Literal, evaluate, to_python
from dslc.values import is_list

if TYPE_CHECKING:
    from dslc.emit.formal import Formal, FormalStep
    from dslc.emit.units import ModuleWriter
    from dslc.ir.graph import Param
    from dslc.ops.base import Op
    from dslc.syntax.expressions import Expr

DIM_NAMES = {"C": "in_channels", "D": "dim", "F": "in_features"}
ANNOTATIONS = {"int": "int", "float": "float", "bool": "bool", "str": "str"}


class Parameters:
    """The names that a constructor knows; only those that it uses become parameters."""

    def __init__(self, module: ModuleWriter, formal: Formal) -> None:
        self.module = module
        self.formal = formal
        self.is_main = formal.module.name == module.program.main
        self.names = module.names.child()
        self.names.reserve(module.target.generator, "io_layout")
        self.places = {symbol: (name, axis) for symbol, name, axis in formal.bindings}
        params = [p.name for p in formal.module.params if p.name not in self.places]
        self.own = {name: self.names.fresh(lower(name)) for name in params}
        self.of_runs = [name for name in params if name in formal.of_runs]
        self.used: set[str] = set()
        self.files: dict[str, str] = {}
        self.dims: dict[str, str] = {}
        self.attributes = module.names.child()
        seeded = module.program.deterministic
        labels = layer_labels(formal.steps, module.target.layer_ops, seeded=seeded)
        self.attributes.reserve("io_layout", *labels)
        self.io_layout = False
        self.generates = False

    def use(self, name: str) -> str:
        """The Python name of a param or bound dim, which thereby becomes a parameter."""
        if name in self.own:
            self.used.add(name)
            return self.own[name]
        if name in self.places:
            if name not in self.dims:
                self.dims[name] = self.names.fresh(self.free_dim_name(name))
            return self.dims[name]
        if name not in self.module.program.values:
            raise BuildError(f"`{name}` is not known where `{self.formal.module.name}` is built")
        if name not in self.files:
            self.files[name] = self.names.fresh(name)
        return self.files[name]

    def keep(self, words: set[str]) -> None:
        """Forgets the params and dims whose names are not among the words of what was written."""
        self.dims = {name: own for name, own in self.dims.items() if own in words}
        self.files = {name: own for name, own in self.files.items() if own in words}
        self.used = {name for name in self.used if self.own[name] in words}

    def place(self, name: str) -> tuple[str, int] | None:
        """The input and axis of a bound dim or, in a model, of a symbol."""
        if name in self.places:
            return self.places[name]
        for input, type in self.formal.inputs.items():
            for axis, dim in enumerate(type.shape):
                if str(dim) == name:
                    return input, axis
        return None

    def free_dim_name(self, symbol: str) -> str:
        """What a reader calls a dim; with the input's name where the plain word is taken."""
        name = self.dim_name(symbol)
        if self.names.is_free(name):
            return name
        return f"{self.places[symbol][0]}_{name.removeprefix('in_')}"

    def dim_name(self, symbol: str) -> str:
        """What a reader calls a dim: `C` is `in_channels`, `D` is `dim`."""
        if symbol in DIM_NAMES:
            return DIM_NAMES[symbol]
        name, axis = self.places[symbol]
        rank = self.formal.inputs[name].rank
        if "_" not in symbol:
            return lower(symbol)
        if axis == 1 and rank > 3:
            return "in_channels"
        return "in_features" if axis == rank - 1 else f"size_{axis}"

    def dims_used(self) -> list[str]:
        """The bound dims among the parameters, in the order of the inputs."""
        return [symbol for symbol in self.places if symbol in self.dims]

    def refuse_unknown(self) -> None:
        """Refuses a model whose layers need a size that only a run knows."""
        dims = self.dims_used()
        if dims and self.formal.module.is_model:
            reason = f"`{dims[0]}` of `{self.formal.module.name}` is known only when the model runs"
            raise BuildError(f"{reason}, and a layer needs it when it is built")

    def files_used(self) -> list[str]:
        """The file's params among the parameters, in the order of the file."""
        return [param.name for param in self.module.program.params if param.name in self.files]

    def own_params(self) -> list[str]:
        """Its own params as far as it uses them: the required ones, then those with a default."""
        params = [param for param in self.formal.module.params if param.name in self.used]
        required = [param.name for param in params if param.default is None]
        return required + [param.name for param in params if param.default is not None]

    def signature(self) -> list[Parameter]:
        """The parameters of the constructor after `self`."""
        found = [Parameter(self.dims[symbol], "int") for symbol in self.dims_used()]
        for name in self.files_used():
            value = self.module.program.values[name]
            default = python_value(value) if self.formal.module.is_model else None
            found.append(Parameter(self.files[name], annotation(value), default))
        params = {param.name: param for param in self.formal.module.params}
        found += [self.own_parameter(params[name]) for name in self.own_params()]
        target = self.module.target
        if self.io_layout:
            self.module.require("from typing import Literal")
            kind, default = 'Literal["spec", "native"]', f'"{target.io_layout}"'
            found.append(Parameter("io_layout", kind, default, "keyword"))
        if target.generator and (self.generates or self.is_main):
            found.append(Parameter(target.generator, target.generator_type, None, "keyword"))
        return found

    def kind(self, name: str) -> str:
        """The annotation of one of its own params."""
        param = next(param for param in self.formal.module.params if param.name == name)
        return ANNOTATIONS.get(param.kind) or annotation(self.formal.instances[0].arguments[name])

    def docs(self) -> list[tuple[str, str]]:
        """What the spec says about the params among the parameters, in their order."""
        params = {param.name: param for param in self.formal.module.params}
        files = {param.name: param for param in self.module.program.params}
        found = [(self.files[name], files[name].doc) for name in self.files_used()]
        found += [(self.own[name], params[name].doc) for name in self.own_params()]
        return [(name, doc) for name, doc in found if doc]

    def own_parameter(self, param: Param) -> Parameter:
        """One of the module's own params."""
        if param.name in self.of_runs and not self.module.target.builds_runs:
            reason = f"`{param.name}` of `{self.formal.module.name}` is known only when it runs"
            raise BuildError(f"{reason}, and a layer needs it when it is built")
        default = None if param.default is None else self.default(param.default)
        return Parameter(self.own[param.name], self.kind(param.name), default)

    def default(self, expression: Expr) -> str:
        """A default value, as far as it is a constant."""
        if isinstance(expression, ListOf):
            return python_value(evaluate(expression, self.module.program.values))
        if isinstance(expression, Literal):
            return literal(expression.value)
        return to_python(expression, self.constant)

    def constant(self, name: str) -> str:
        """The value of a file's param inside a default."""
        return python_value(self.module.program.values[name])

    def call(self, arguments: dict[str, str], dims: list[str], files: list[str]) -> str:
        """The arguments of a constructor: dims and required params by place, others by name."""
        params = {param.name: param for param in self.formal.module.params}
        own = [name for name in self.own_params() if name in arguments]
        texts = [*dims, *files]
        by_name = False
        for name in own:
            by_name = by_name or params[name].default is not None
            texts.append(f"{self.own[name]}={arguments[name]}" if by_name else arguments[name])
        if self.generates:
            generator = self.module.target.generator
            texts.append(f"{generator}={generator}")
        return ", ".join(texts)


def lower(symbol: str) -> str:
    """A symbol as a variable; an `l` alone looks like a one."""
    return "length" if symbol == "L" else symbol.lower()


def annotation(value: object) -> str:
    """The annotation of a compile-time value."""
    if is_list(value):
        kinds = sorted({annotation(item) for item in value}) or ["int"]
        return f"tuple[{' | '.join(kinds)}, ...]"
    return "int" if isinstance(value, Dim) else type(value).__name__


def python_value(value: object) -> str:
    """A compile-time value as Python."""
    if is_list(value):
        return "(" + "".join(f"{python_value(item)}, " for item in value) + ")"
    return literal(value)


def layer_labels(
    steps: list[FormalStep], ops: tuple[type[Op], ...], *, seeded: bool = False
) -> set[str]:
    """The labels of the steps that are layers: calls, ops with weights, and these other ops.

    What is `seeded` has a layer for whatever draws at random.
    """
    found: set[str] = set()
    for step in steps:
        types = [type for type in step.inputs if type is not None]
        has_weights = step.op is not None and bool(step.op.weights(*types))
        draws = seeded and step.op is not None and bool(step.op.chance)
        if step.callee is not None or has_weights or draws or isinstance(step.op, ops):
            found.add(step.step.label)
        for inner in step.bodies:
            found |= layer_labels(inner, ops, seeded=seeded)
    return found
