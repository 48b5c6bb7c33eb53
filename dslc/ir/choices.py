"""`$name` for an op: a step whose op a param names, and what the step is with each op.

A param of the file that is compiled has one value, so its step is a plain op from the start. A
block's param has one in each call, and a loop's item one in each round: such a step keeps its
attributes unread until the op is known (`dslc.passes.choosing`).
"""

from __future__ import annotations

from dslc.diagnostics import Report, nearest
from dslc.ir.graph import EVERY, ApplyOp, ChooseOp
from dslc.ir.operations import OperationReader
from dslc.ops import all_ops, find
from dslc.syntax.expressions import ExpressionError, Literal, Name, free_names, parse_expression
from dslc.syntax.tree import Mapping, Scalar, Sequence
from dslc.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dslc.diagnostics import Diagnostic
    from dslc.ir.graph import Step
    from dslc.ir.scope import Scope
    from dslc.ir.steps import StepReader
    from dslc.syntax.expressions import Expr
    from dslc.syntax.tree import Node


@final
class Choices:
    """What stands behind a `$name` of a step: its attributes, to be read by the op that it gets.

    `is_implied` says whether the step reads the previous value without saying so.
    """

    __slots__ = ("is_implied", "key", "known", "reader", "scope", "value")

    def __init__(
        self, reader: StepReader, key: Scalar, value: Node | None, scope: Scope, *, is_implied: bool
    ) -> None:
        self.reader = reader
        self.key = key
        self.value = value
        self.scope = scope
        self.is_implied = is_implied
        self.known: dict[str, tuple[ApplyOp | None, tuple[Diagnostic, ...]]] = {}

    def step(self, step: Step, op: str) -> tuple[Step | None, tuple[Diagnostic, ...]]:
        """The step with an op, and what is wrong with it."""
        if op not in self.known:
            report = Report()
            found = self.inner(report).operation(self.word(op), self.value, self.scope)
            self.known[op] = found, report.diagnostics
        action, problems = self.known[op]
        if action is None:
            return None, problems
        report = Report()
        reader = self.inner(report)
        given = list(step.inputs)
        if self.is_implied and reader.input_names(action) == ():
            given = []
        inputs = reader.fill(given, action, step.span)
        if reader.input_names(action) is not None:
            for ref in inputs:
                if ref is not None and ref.index == EVERY and ref.span is not None:
                    message = f"`*` stands for several values, and `{op}` takes one there"
                    report.error("E0413", ref.span, message)
        defaults = self.reader.defaults.get(op, ({}, {}))[1]
        found = step.replace(action=action, inputs=inputs, init=defaults | dict(step.init))
        return (found if report.ok else None), report.diagnostics

    def inner(self, report: Report) -> OperationReader:
        """A reader of ops that reports by itself: who chooses an op knows the calls that led there."""
        return OperationReader(
            report, self.reader.modules, self.reader.defaults, self.reader.imported
        )

    def word(self, op: str) -> Scalar:
        """An op's name where the `$name` stands."""
        return Scalar(op, "plain", self.key.span)


def choose(
    reader: StepReader, key: Scalar, value: Node | None, scope: Scope, *, from_: Node | None
) -> ApplyOp | ChooseOp | None:
    """The action of a step whose op a param names; None after an error."""
    word = named(reader, key, scope)
    if word is None:
        return None
    if not isinstance(word, Literal):
        if isinstance(from_, Mapping):
            message = f"which op `{key.text}` is decides what its inputs are called"
            help = "list them in the op's order: `from: [a, b]`"
            reader.report.error("E0521", from_.span, message, help=help)
            return None
        names = sorted({*names_in(value), *names_in_defaults(reader)})
        reads = tuple(Name(name, key.span) for name in names if scope.knows(name))
        return ChooseOp(word, Choices(reader, key, value, scope, is_implied=from_ is None), reads)
    op = plain_op(reader, key, scope)
    return None if op is None else reader.operation(op, value, scope)


def plain_op(reader: StepReader, key: Scalar, scope: Scope) -> Scalar | None:
    """The name of the op that `$name` is for the whole file; None after an error."""
    word = named(reader, key, scope)
    if not isinstance(word, Literal):
        return None
    problem = refusal(key.text, word.value)
    if problem is not None:
        reader.report.error("E0520", key.span, problem[0], help=problem[1])
        return None
    return Scalar(str(word.value), "plain", key.span)


def named(reader: StepReader, key: Scalar, scope: Scope) -> Expr | None:
    """What `$name` reads: a constant where the file says it once for all; None after an error."""
    name = key.text[1:]
    if "." in name:
        return reader.word(Scalar(key.text, "plain", key.span), scope)
    if not scope.knows(name) and not name[:1].islower():
        help = "write `$` and the name of a param, as in `- $act`"
        reader.report.error("E0520", key.span, f"`{key.text}` names no param", help=help)
        return None
    if not scope.knows(name):
        place = key.span.part(key.text, 1, len(key.text))
        reader.look_up(Name(name, place), key.span, scope)
        return None
    if scope.is_outermost(name) and reader.constants is not None:  # absent where it was refused
        return Literal(reader.constants[name], key.span) if name in reader.constants else None  # pyright: ignore[reportArgumentType]
    return Name(name, key.span)


def refusal(text: str, value: object) -> tuple[str, str] | None:
    """Why a param's value is no op, and what to do; None where it is one."""
    if isinstance(value, str) and find(value) is not None:
        return None
    if not isinstance(value, str):
        return (
            f"`{text}` is {value}, and an op has a name",
            "give the param a word: `act: str = relu`",
        )
    close = nearest(value, all_ops())
    help = f"did you mean `{close}`?" if close else "`dslc ops` lists the ops"
    return f"`{text}` is `{value}`, and no op is called so", help


def names_in(node: Node | None) -> Iterator[str]:
    """Every name that an attribute may read, whatever its slot makes of the text."""
    if isinstance(node, Sequence):
        for item in node.items:
            yield from names_in(item)
    elif isinstance(node, Mapping):
        for _, item in node.entries:
            yield from names_in(item)
    elif node is not None and node.plain:
        try:
            yield from free_names(parse_expression(node.text.removeprefix("$"), node.span))
        except ExpressionError:
            return


def names_in_defaults(reader: StepReader) -> Iterator[str]:
    """Every name that the defaults of some op read."""
    for attributes, initialisers in reader.defaults.values():
        for value in attributes.values():
            yield from free_names(value)
        for initialiser in initialisers.values():
            for _, value in initialiser.arguments:
                yield from free_names(value)
