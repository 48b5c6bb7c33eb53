"""Evaluation under the facts: expressions, stated types, arguments, and where an error happened."""

from __future__ import annotations

from contextlib import contextmanager

from dslc.diagnostics import Label, nearest
from dslc.ir.bounds import bound_problem
from dslc.ir.dims import Dim, sym
from dslc.ir.facts import Constraint
from dslc.ir.params import kind_problem
from dslc.ir.types import TensorType
from dslc.ops.base import explain
from dslc.ops.shapes import count_axes
from dslc.syntax.expressions import (
    Boolean,
    Compare,
    ExpressionError,
    Name,
    evaluate,
    free_names,
    to_spec,
)
from dslc.syntax.types import ELLIPSIS
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from dslc.diagnostics import Edit, Report
    from dslc.ir.dims import DimLike
    from dslc.ir.facts import Facts
    from dslc.ir.graph import CallModule, Module
    from dslc.ops.base import Comparison
    from dslc.source import Span
    from dslc.syntax.expressions import Expr
    from dslc.syntax.types import TypeExpr

Environment = dict[str, object]


FOLLOWS = ""
"""The code of an error that follows from one that has been reported."""


class Undecided(ExpressionError):
    """A comparison of dims that the facts do not decide."""


class Binder:
    """Evaluates expressions and matches types; errors name the calls that led there."""

    def __init__(self, report: Report, facts: Facts) -> None:
        self.report = report
        self.facts = facts
        self.chain: list[tuple[str, Span]] = []
        self.unknown: set[str] = set()  # symbols that steps which failed would have bound

    def error(
        self,
        code: str,
        span: Span | None,
        message: str,
        *,
        help: str | None = None,
        labels: Sequence[tuple[Span, str]] = (),
        fix: Sequence[Edit] = (),
    ) -> None:
        """Reports an error with the chain of calls behind it; one that follows from another, not."""
        if code == FOLLOWS:
            return
        notes = [
            f"in `{name}` as called at {at.file}:{at.line}:{at.column}"
            for name, at in reversed(self.chain[-3:])
        ]
        assert span is not None
        if code == "E0202" and help is None:
            help = "an input's type names a dim, such as C in `f32[N, C]`"
        found = [Label(at, text) for at, text in labels]
        self.report.error(code, span, message, help=help, labels=found, notes=notes, fix=fix)

    @contextmanager
    def inside(self, name: str, at: Span) -> Generator[None]:
        """Marks errors inside as coming from a call of a block, or another run of a step."""
        self.chain.append((name, at))
        try:
            yield
        finally:
            self.chain.pop()

    def evaluate(self, expression: Expr, environment: Environment) -> object:
        """An expression's value; raises `ExpressionError` where it has none."""

        def decide(op: str, left: object, right: object) -> bool:
            return self.decide(order(op, expression.span), left, right, expression.span)

        try:
            return evaluate(expression, environment, decide)
        except ExpressionError as error:
            if error.code == "E0202" and self.unknown & (free_names(expression) - {*environment}):
                raise ExpressionError(FOLLOWS, error.message, error.span) from None
            raise

    def decide(self, op: Comparison, left: object, right: object, span: Span) -> bool:
        """A comparison of dims that must come out the same for every size."""
        assert isinstance(left, int | Dim)
        assert isinstance(right, int | Dim)
        verdict = self.facts.decide(op, left, right)
        if verdict.kind == "shown":
            return True
        if verdict.always_false:
            return False
        help = "state a fact in `where` that decides it, or use a param"
        message = f"`{left} {op} {right}` is not the same for every size"
        raise Undecided("E0309", message, span, help)

    def condition(self, expression: Expr, environment: Environment) -> bool:
        """A `when`; anything but a truth value is an error."""
        value = self.evaluate(expression, environment)
        if not isinstance(value, bool):
            message = f"`when` takes a condition, and this is {value}"
            raise ExpressionError("E0617", message, expression.span, None)
        return value

    def constraints(self, fact: Expr, environment: Environment) -> list[Constraint]:
        """The comparisons that a fact states; raises `ExpressionError` where it states none."""
        if isinstance(fact, Boolean) and fact.op == "and":
            return [c for part in fact.operands for c in self.constraints(part, environment)]
        if not isinstance(fact, Compare):
            help = "a fact compares sizes: `H % 2 == 0`, `T <= 512`"
            raise ExpressionError("E0310", "this states no fact", fact.span, help)
        values = [self.evaluate(side, environment) for side in (fact.left, *fact.rights)]
        found: list[Constraint] = []
        for op, left, right in zip(fact.ops, values, values[1:], strict=False):
            if not isinstance(left, int | Dim) or not isinstance(right, int | Dim):
                raise ExpressionError("E0310", "a fact compares sizes", fact.span, None)
            found.append(Constraint(order(op, fact.span), left, right))
        return found

    def require_fact(self, fact: Expr, environment: Environment, kind: str) -> bool:
        """Reports a `where` of a block or model that its caller does not fulfil; whether it does."""
        good = True
        try:
            for claim in self.constraints(fact, environment):
                if self.facts.decide(claim.op, claim.left, claim.right).kind != "shown":
                    remedy = self.facts.remedy(claim.op, claim.left, claim.right)
                    help = f"this holds with `where: [{', '.join(remedy)}]`" if remedy else None
                    message = f"the {kind} needs {claim.left} {claim.op} {claim.right}"
                    self.error("E0311", fact.span, message, help=help)
                    good = False
        except ExpressionError as error:
            self.error(error.code, error.span, error.message, help=error.help)
            return False
        return good

    def match(
        self, stated: TypeExpr, actual: TensorType, environment: Environment, span: Span
    ) -> bool:
        """Checks a type against what is stated, binding symbols that are new; whether it fits."""
        if stated.dtype != actual.dtype:
            message = f"{stated.dtype} is stated here, and the value is {actual}"
            self.error("E0316", span, message)
            return False
        if stated.dims is None:
            return True
        pairs = pair_axes(stated, actual)
        if pairs is None:
            known = sum(1 for dim in stated.dims if dim is not ELLIPSIS)
            message = f"{count_axes(known)} are stated here, and the value is {actual}"
            self.error("E0316", span, message)
            return False
        found = [self.match_dim(*pair, actual, environment, span) for pair in pairs]
        return all(found)

    def match_dim(
        self,
        axis: int,
        dim: Expr,
        size: DimLike,
        actual: TensorType,
        environment: Environment,
        span: Span,
    ) -> bool:
        """Binds a new symbol to a size, or shows that the stated size is the found one."""
        if isinstance(dim, Name) and dim.id not in environment and dim.id[0].isupper():
            environment[dim.id] = size
            return True
        try:
            wanted = self.evaluate(dim, environment)
        except ExpressionError as error:
            self.error(error.code, error.span, error.message, help=error.help)
            return False
        code, help = "E0316", None
        message = f"axis {axis} is stated as {wanted}, and the value is {actual}"
        if isinstance(wanted, int | Dim):
            if self.facts.decide("==", size, wanted).kind == "shown":
                return True
            _, message, help = explain(self.facts, ("==", size, wanted), code, message, help)
        self.error(code, span, message, help=help)
        return False

    def arguments(
        self, module: Module, action: CallModule, environment: Environment
    ) -> Environment | None:
        """The values of a module's params in a call; None after an error."""
        values: Environment = {}
        for param in module.params:
            given = action.arguments.get(param.name)
            if given is not None:
                value = self.evaluate(given, environment)
            elif param.default is not None:
                value = self.evaluate(param.default, {**self.file_values(), **values})
            else:
                return None
            problem = kind_problem(param, value)
            span = given.span if given is not None else param.span
            if problem:
                self.error("E0706", span, problem)
                return None
            if (bound := bound_problem(param, value)) is not None:
                self.error("E0721", span, bound[0], help=bound[1])
                return None
            values[param.name] = value
        return values

    def file_values(self) -> Environment:
        """The file's params."""
        return {}


def computed_axis(dim: Expr, symbols: list[str]) -> ExpressionError:
    """The error that a model's input computes an axis from symbols, which nobody would check."""
    text = to_spec(dim)
    free = next(name for name in "SABDKLMPQRUVXYZ" if name not in symbols)
    help = f"call the axis `{free}` and state `where: [{free} == {text}]`: the model checks it"
    return ExpressionError("E0325", f"`{text}` is no size that an input has", dim.span, help)


def order(op: str, span: Span) -> Comparison:
    """A comparison that sizes know; raises `ExpressionError` for `in` and its like."""
    if op not in ("==", "!=", "<", "<=", ">", ">="):
        raise ExpressionError("E0310", f"sizes are not compared by `{op}`", span, None)
    return op


def pair_axes(stated: TypeExpr, actual: TensorType) -> list[tuple[int, Expr, DimLike]] | None:
    """Each stated dim with the axis and size that it speaks of; None where the ranks differ."""
    assert stated.dims is not None
    dims = list(stated.dims)
    if ELLIPSIS in dims:
        gap = dims.index(ELLIPSIS)
        missing = actual.rank - (len(dims) - 1)
        if missing < 0:
            return None
        axes = [*range(gap), *range(gap + missing, actual.rank)]
        dims.remove(ELLIPSIS)
    else:
        axes = list(range(len(dims)))
    if len(axes) != len(dims) or (len(dims) != actual.rank and ELLIPSIS not in stated.dims):
        return None
    return [(axis, dim, actual.shape[axis]) for axis, dim in zip(axes, dims, strict=True)]  # pyright: ignore[reportReturnType]


def input_type(stated: TypeExpr, environment: Environment, binder: Binder) -> TensorType:
    """The type of a model's input: its capital names are symbols, each any positive integer."""
    shape: list[DimLike] = []
    for dim in stated.dims or ():
        if dim is ...:
            help = "write a symbol or a number for each axis, as in `f32[N, T, 8]`"
            raise ExpressionError("E0314", "a model's input states every axis", stated.span, help)
        symbols = [name for name in sorted(free_names(dim)) if name[0].isupper()]
        if isinstance(dim, Name) and not symbols and dim.id not in environment:
            close = nearest(dim.id, environment)
            meant = f"did you mean `{close}`? " if close else ""
            help = f"{meant}a symbol begins with a capital letter (`{dim.id.capitalize()}`)"
            raise ExpressionError("E0202", f"no param is called `{dim.id}`", dim.span, help)
        if symbols and not isinstance(dim, Name):
            raise computed_axis(dim, symbols)
        for name in symbols:
            environment.setdefault(name, sym(name))
        size = binder.evaluate(dim, environment)
        if isinstance(size, bool) or not isinstance(size, int | Dim):
            raise ExpressionError("E0315", f"a size is an integer, not {size}", dim.span, None)
        if isinstance(size, int) and size < 1:
            raise ExpressionError("E0315", f"a size is at least 1, not {size}", dim.span, None)
        shape.append(size)
    return TensorType(stated.dtype, tuple(shape))
