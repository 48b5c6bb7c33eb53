"""What an op is: one class with its attributes, shape rule, weights, cost and documentation.

Declaring a subclass of `Op` with a `family` registers it under its name in snake_case. An op never
handles positions in the spec: it raises `OpError` with the attribute or input at fault, and the
checker points at the text.
"""

from __future__ import annotations

from dslc.ir.dim_values import evaluate
from dslc.ir.types import FLOATS, INTEGERS
from dslc.ops.attributes import Attribute, Fields
from dslc.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any, ClassVar, Literal

    from dslc.ir.dims import DimLike
    from dslc.ir.facts import Facts
    from dslc.ir.types import TensorType

    Comparison = Literal["==", "!=", "<", "<=", ">", ">="]

REGISTRY: dict[str, type[Op]] = {}
"""Every op by name; filled as the families are imported, read through `dslc.ops.find`."""


class OpError(Exception):
    """A use of an op that its types or attributes forbid.

    `attribute` or `input` names what is at fault (an input by its position), `axis` the axis of
    that input that differs, and `help` what to write instead.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        attribute: str | None = None,
        input: int | None = None,
        axis: int | None = None,
        help: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.attribute = attribute
        self.input = input
        self.axis = axis
        self.help = help


@final
class Input:
    """One input of an op: its name, what it holds, and what stands in where it is left out.

    `holds` is "float", "integer", "number", "bool" or "any". `default` names another input, or is
    "none" where the op does without. A variadic input takes one or more values.
    """

    __slots__ = ("default", "holds", "name", "variadic")

    def __init__(
        self,
        name: str,
        holds: str = "float",
        *,
        default: str | None = None,
        variadic: bool = False,
    ) -> None:
        self.name = name
        self.holds = holds
        self.default = default
        self.variadic = variadic

    def takes(self, dtype: str) -> bool:
        """Whether values of a dtype may come in."""
        if self.holds == "any":
            return True
        if self.holds == "bool":
            return dtype == "bool"
        floats = self.holds in ("float", "number") and dtype in FLOATS
        return floats or (self.holds in ("integer", "number") and dtype in INTEGERS)


@final
class Weight:
    """A tensor that an op owns: its name, shape, default initialiser and role.

    `role` is "trained", "buffer" (a running statistic: saved, never trained) or "zeros" (present
    in the file for other tools, always zero). `initialiser` is a kind of
    `dslc.train.runtime.weights` with its numbers.
    """

    __slots__ = ("initialiser", "name", "role", "shape")

    def __init__(
        self,
        name: str,
        shape: tuple[DimLike, ...],
        initialiser: tuple[object, ...],
        role: Literal["trained", "buffer", "zeros"] = "trained",
    ) -> None:
        self.name = name
        self.shape = shape
        self.initialiser = initialiser
        self.role = role


class Check:
    """What `infer` asks about dims: each question has the facts of the net behind it.

    With `facts` None (while code is generated, after every instance has been checked) whatever is
    symbolic holds; `ones` then says of how many instances a size is 1.
    """

    __slots__ = ("facts", "ones")

    def __init__(self, facts: Facts | None, ones: Mapping[DimLike, int] | None = None) -> None:
        self.facts = facts
        self.ones: Mapping[DimLike, int] = ones or {}

    def holds(self, op: Comparison, left: DimLike, right: DimLike) -> bool:
        """Whether a comparison is shown for every size."""
        if self.facts is None:
            if isinstance(left, int) and isinstance(right, int):
                return compare(op, left, right)
            return True
        return self.facts.decide(op, left, right).kind == "shown"

    def require(
        self,
        op: Comparison,
        left: DimLike,
        right: DimLike,
        message: str,
        *,
        code: str = "E0301",
        attribute: str | None = None,
        input: int | None = None,
        axis: int | None = None,
        help: str | None = None,
    ) -> None:
        """Raises `OpError` unless the comparison is shown, with what would have to hold."""
        if self.holds(op, left, right):
            return
        assert self.facts is not None or isinstance(left, int)
        if self.facts is not None and not (isinstance(left, int) and isinstance(right, int)):
            code, message, help = explain(self.facts, (op, left, right), code, message, help)
        raise OpError(code, message, attribute=attribute, input=input, axis=axis, help=help)

    def require_some(self, op: Op, type: TensorType, axes: Iterable[int], input: int = 0) -> None:
        """Raises `OpError` unless the axes of an input are shown to be no smaller than 1."""
        for axis in axes:
            size = type.shape[axis]
            message = f"`{op.name}` needs at least one place on axis {axis}, {size}"
            self.require(">=", size, 1, message, code="E0324", input=input, axis=axis)


def compare(op: str, left: int, right: int) -> bool:
    """A comparison of two integers by its operator's text."""
    match op:
        case "==":
            return left == right
        case "!=":
            return left != right
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case _:
            return left >= right


def explain(
    facts: Facts,
    claim: tuple[Comparison, DimLike, DimLike],
    code: str,
    message: str,
    help: str | None,
) -> tuple[str, str, str | None]:
    """Adds the counterexample and the fact that mends it; "cannot be shown" has its own code."""
    verdict = facts.decide(*claim)
    op, left, right = claim
    remedy = facts.remedy(*claim)
    if verdict.kind == "refuted":
        sizes = ", ".join(f"{name}={size}" for name, size in verdict.counterexample.items())
        if sizes and not verdict.always_false:
            message = f"{message}: for {sizes} {_instead(claim, verdict.counterexample)}"
    else:
        code, message = "E0302", f"{message}: it cannot be shown that {left} {op} {right}"
    if remedy:
        help = f"this holds with `where: [{', '.join(remedy)}]`"
    return code, message, help


def _instead(claim: tuple[Comparison, DimLike, DimLike], sizes: Mapping[str, int]) -> str:
    """What a claim's sides come to where it fails."""
    op, left, right = claim
    try:
        found = evaluate(left, sizes)
    except (KeyError, ValueError, ZeroDivisionError):
        return "this fails"
    if isinstance(right, int):
        return f"{left} is {found}"
    return f"they are {found} and {evaluate(right, sizes)}" if op == "==" else "this fails"


class Op:
    """The base of every op; a subclass declares attributes, inputs and what follows from them.

    Class attributes:
        name: The op's name in a spec; the class's name in snake_case unless given.
        family: The file's group, as in the language reference.
        primary: The attribute that a bare scalar or list sets.
        inputs: The inputs in order.
        outputs: The names of several outputs, the first being the step's value; else empty.
        layout: How the op meets a channels-last backend: "channels" wants them last in its first input,
            "elementwise" takes any layout, "axes" maps its axes, "spec" wants the spec's order.
        chance: The attributes that say how much of it is drawn at random, in training or always.
        always_draws: Whether that is so in use as well.
        settled: What those are where nothing is drawn, if not 0.
        moves: Whether every output holds elements of the first input and nothing else.
        passes_gradient: Whether its outputs have a gradient by any input that is not zero everywhere.
        falls: Whether a metric is the better the smaller it is, as a loss is.
        log_odds: Whether the first input of a loss is log-odds, which are above 0 where yes is likelier.
        takes_empty: Whether an axis of an input may have size 0, where a fact such as `P >= 0`
            lets a symbol be zero. Frameworks refuse most of what has no elements.
    """

    name: ClassVar[str] = ""
    family: ClassVar[str] = ""
    primary: ClassVar[str | None] = None
    inputs: ClassVar[tuple[Input, ...]] = (Input("x"),)
    outputs: ClassVar[tuple[str, ...]] = ()
    layout: ClassVar[Literal["channels", "elementwise", "axes", "spec"]] = "spec"
    chance: ClassVar[tuple[str, ...]] = ()
    always_draws: ClassVar[bool] = False
    settled: ClassVar[Mapping[str, int | bool]] = {}
    moves: ClassVar[bool] = False
    passes_gradient: ClassVar[bool] = True
    falls: ClassVar[bool] = False
    log_odds: ClassVar[bool] = False
    takes_empty: ClassVar[bool] = False
    attributes: ClassVar[Mapping[str, Attribute]] = {}

    __slots__ = ("values",)
    values: dict[str, Any]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        own: dict[str, Attribute] = {}
        for item in [item for item in vars(cls).values() if isinstance(item, Attribute)]:
            own[item.name] = item
            if isinstance(item, Fields):
                own |= {field.name: field for field in item.fields.values()}
        cls.attributes = {**cls.attributes, **own}
        if "family" not in vars(cls):
            return
        if "name" not in vars(cls):
            cls.name = snake_case(cls.__name__)
        if REGISTRY.setdefault(cls.name, cls) is not cls:
            raise TypeError(f"two ops are called {cls.name!r}")

    def __init__(self, values: Mapping[str, object]) -> None:
        """Makes an op from evaluated attributes; raises `InvalidAttribute` where one is wrong."""
        self.values = {}
        for name, attribute in self.attributes.items():
            if name in values:
                self.values[name] = attribute.check(values[name])
            elif attribute.required:
                self.values[name] = None
            else:
                self.values[name] = attribute.check(attribute.default)

    def output_names(self) -> tuple[str, ...]:
        """The names of its outputs where there are several, else nothing."""
        return self.outputs

    @property
    def draws(self) -> bool:
        """Whether something of it is drawn at random."""
        return any(self.values[name] != self.settled.get(name, 0) for name in self.chance)

    def infer(self, check: Check, *types: TensorType) -> TensorType | tuple[TensorType, ...]:
        """Output types from input types; raises `OpError` where they do not fit."""
        raise TypeError(f"{type(self).__name__} has no shape rule")

    def weights(self, *types: TensorType) -> tuple[Weight, ...]:
        """The weights it owns, from the types of its inputs."""
        del types
        return ()

    def ceilings(self, *types: TensorType) -> tuple[DimLike | None, ...]:
        """For each input of integers the number that all lie below, None where any will do."""
        return (None,) * len(types)

    def floors(self, *types: TensorType) -> tuple[int, ...]:
        """For each input of integers the least that may be in it."""
        return (0,) * len(types)

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        """Floating-point operations of one forward pass, a multiply-add counting two."""
        del types
        return outputs[0].elements


def snake_case(name: str) -> str:
    """`Conv2d` → `conv2d`, `BatchNorm` → `batch_norm`."""
    letters = [f"_{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(name)]
    return "".join(letters)
