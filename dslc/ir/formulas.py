"""`expr`: from its text to an op with a formula, and the values that it reads."""

from __future__ import annotations

from dslc.diagnostics import mend, nearest
from dslc.ir.graph import UNKNOWN, ApplyOp, Ref
from dslc.ir.reading import has_dot
from dslc.ir.references import ReferenceReader
from dslc.ops.base import Op
from dslc.syntax.expressions import (
    FUNCTIONS,
    Call,
    ExpressionError,
    Formula,
    Index,
    ListOf,
    Name,
    Operand,
    Option,
    Slice,
    children,
    substitute,
)
from dslc.syntax.tree import Mapping, Scalar, Sequence
from dslc.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from typing import Any

    from dslc.ir.scope import Scope
    from dslc.source import Span
    from dslc.syntax.expressions import Expr
    from dslc.syntax.tree import Node

ELEMENTARY = ("abs", "exp", "log", "sin", "cos", "tanh", "erf")
"""Functions of numbers that formulas know beyond those of all expressions."""


@final
class Operands:
    """The values that a formula may read: `x`, those that `from` names, all others by reference."""

    def __init__(self, own: dict[str, Ref], keeps: bool) -> None:
        self.own = own
        self.inputs: list[Ref] = [own["x"]] if keeps else []
        self.read: set[str] = set()

    def place(self, ref: Ref) -> int:
        """The position of a value among the step's inputs, each standing there once."""
        if ref not in self.inputs:
            self.inputs.append(ref)
        return self.inputs.index(ref)


class FormulaReader(ReferenceReader):
    """Reads `expr` steps."""

    def formula_step(
        self, value: Node | None, keys: dict[str, Node], span: Span, scope: Scope, previous: Ref
    ) -> tuple[ApplyOp | None, tuple[Ref | None, ...]]:
        """The action of an `expr` and its inputs; the first is `x` where the step may be absent."""
        if not isinstance(value, Scalar) or (value.plain and value.value is None):
            help = "write `expr: x * sigmoid(x)`"
            at = span if value is None else value.span
            self.report.error("E0641", at, "`expr` takes a formula", help=help)
            return None, ()
        own = self.own_values(keys.get("from"), scope, previous)
        operands = Operands(own, keeps="when" in keys or "repeat" in keys)
        errors = len(self.report.diagnostics)
        formula = self.formula(value, scope, operands)
        if formula is None or len(self.report.diagnostics) > errors:
            return None, ()
        self.refuse_unread(keys.get("from"), operands)
        if not operands.read:
            help = "refer to one by its name; `constant` makes a value of numbers"
            self.report.error("E0641", value.span, "this formula reads no value", help=help)
            return None, ()
        from dslc.ir.arithmetic import Arithmetic

        return ApplyOp(Arithmetic, {"formula": formula}), tuple(operands.inputs)

    def own_values(self, node: Node | None, scope: Scope, previous: Ref) -> dict[str, Ref]:
        """`x`, and what a mapping under `from` names."""
        if node is None:
            return {"x": previous}
        if isinstance(node, Mapping):
            given = {key.text: self.reference(ref, scope) for key, ref in node.entries}
            return {"x": previous, **{name: ref for name, ref in given.items() if ref is not None}}
        nodes = node.items if isinstance(node, Sequence) else [node]
        refs = [self.reference(item, scope) for item in nodes]
        if len(refs) > 1:
            message = f"{len(refs)} inputs are given, and `from` gives an `expr` its `x`"
            help = "name them: `from: {a: …, b: …}`, or refer to them in the formula"
            self.report.error("E0406", node.span, message, help=help)
        return {"x": (refs[0] if refs else None) or Ref(UNKNOWN, "", node.span)}

    def refuse_unread(self, node: Node | None, operands: Operands) -> None:
        """Reports a value that `from` gives and the formula does not read."""
        if isinstance(node, Mapping):
            for key, _ in node.entries:
                if key.text not in operands.read:
                    message = f"the formula does not read `{key.text}`"
                    self.report.error("E0642", key.span, message, help="take it out of `from`")
        elif node is not None and "x" not in operands.read:
            message = "the formula does not read `x`, which `from` gives it"
            help = "write `x` for this value, or take `from` out"
            self.report.error("E0642", node.span, message, help=help)

    def formula(self, node: Scalar, scope: Scope, operands: Operands) -> Formula | None:
        """The formula in a text, its names looked up."""
        from dslc.syntax.formulas import parse_formula

        def refer(head: str, text: str, span: Span) -> Operand | None:
            ref = operands.own.get(head)
            if ref is not None:
                operands.read.add(head)
                if head != text:
                    ref = self.own_part(head, text, span)
            elif self.names_value(head, scope):
                operands.read.add(text)
                ref = self.reference(Scalar(text, "quoted", span), scope)
            elif head != text and head not in self.imported and not scope.knows(head):
                ref = self.reference(Scalar(text, "quoted", span), scope)  # which reports it
            return None if ref is None else Operand(operands.place(ref), text, span)

        try:
            found = parse_formula(node.text, node.span, refer)
            body = self.meant(found.body, scope)
        except ExpressionError as error:
            self.report.error(error.code, error.span, error.message, help=error.help)
            return None
        known = self.with_imported(body)
        if known is None:
            return None
        self.look_up_formula(known, scope)
        return Formula(known, node.span)

    def names_value(self, name: str, scope: Scope) -> bool:
        """Whether a name stands for a value, which a reference may begin with."""
        return scope.is_value(name)

    def with_imported(self, body: Expr) -> Expr | None:
        """A formula with the values of imported params (`res.width`); None after an error."""
        if not has_dot(body):
            return body
        from dslc.ir.imported_names import imported_params

        known = imported_params(self.report, self.imported, body, body.span)
        values = {name: value for name, value in known.items() if value is not None}
        return substitute(body, values) if len(values) == len(known) else None

    def own_part(self, head: str, text: str, span: Span) -> Ref:
        """Reports a path into `x`, which has a value and no name."""
        message = f"`{text}` leads into `{head}`, which is one value here"
        help = "refer to the step by its own name"
        self.report.error("E0414", span, message, help=help)
        return Ref(UNKNOWN, "", span)

    def look_up_formula(self, body: Expr, scope: Scope) -> None:
        """Reports every name that is neither a value nor a param, where it stands."""
        waiting: list[Expr] = [body]
        while waiting:
            part = waiting.pop()
            waiting += reversed(children(part))
            if not isinstance(part, Name) or scope.knows(part.id) or not part.id[0].islower():
                continue
            close = nearest(part.id, scope.all_names() | scope.all_values() | {"x"})
            help = f"did you mean `{close}`?" if close else "a step above is read by its `name`"
            message = f"no value, param or dim is called `{part.id}` here"
            self.report.error(
                "E0401", part.span, message, help=help, fix=mend(part.span, part.id, close)
            )

    def meant(self, part: Expr, scope: Scope) -> Expr:
        """The part with the calls of ops in it read as their inputs and attributes."""
        from dslc.syntax.formulas import reads_values

        if not children(part):
            return part
        if isinstance(part, ListOf | Index | Slice) and reads_values(part):
            message = "a value of a formula has no `[…]`: it computes with each element alone"
            help = "`slice` and `gather` are steps of their own"
            raise ExpressionError("E0204", message, part.span, help)
        if isinstance(part, Call):
            return self.called(part, scope)
        kind: Any = part.__class__
        fields = (getattr(part, name) for name in part.fields)
        return kind(*(self.meant_field(field, scope) for field in fields), part.span)

    def meant_field(self, field: Any, scope: Scope) -> Any:
        """One field of a node: an expression, several, or a word."""
        if isinstance(field, tuple):
            return tuple(self.meant_field(item, scope) for item in field)  # pyright: ignore[reportUnknownVariableType]
        return self.meant(field, scope) if hasattr(field, "span") else field

    def called(self, call: Call, scope: Scope) -> Call:
        """A call of an op on values, or of a function of numbers."""
        from dslc.ir.arithmetic import function_op
        from dslc.syntax.formulas import reads_values

        plain = tuple(self.meant(arg, scope) for arg in call.args if not isinstance(arg, Option))
        options = [arg for arg in call.args if isinstance(arg, Option)]
        if not any(reads_values(arg) for arg in plain):
            self.check_numbers(call, options)
            return Call(call.function, plain, call.span)
        op = function_op(call.function)
        if op is None:
            raise unknown_function(call)
        if op.inputs[0].variadic:
            inputs, others = plain, ()
        else:
            inputs, others = plain[: len(op.inputs)], plain[len(op.inputs) :]
        if len(inputs) < len(op.inputs):
            names = ", ".join(item.name for item in op.inputs)
            raise ExpressionError("E0203", f"`{op.name}` takes {names}", call.span)
        return Call(call.function, (*inputs, *self.options(op, others, options, call)), call.span)

    def check_numbers(self, call: Call, options: list[Option]) -> None:
        """Refuses a call on numbers of anything but a function of numbers."""
        from dslc.ir.arithmetic import function_op

        name = call.function
        if name not in FUNCTIONS and name not in ELEMENTARY:
            if function_op(name) is None:
                raise unknown_function(call)
            message = f"`{name}` takes a value, and there is none in it"
            raise ExpressionError("E0204", message, call.span, "work the number out")
        fewest, most = FUNCTIONS.get(name, (1, 1))
        if options or not fewest <= len(call.args) <= most:
            expected = "one argument" if most == 1 else f"{fewest} to {most} arguments"
            message = f"`{name}` of numbers takes {expected}"
            raise ExpressionError("E0203", message, call.span)

    def options(
        self, op: type[Op], others: tuple[Expr, ...], named: list[Option], call: Call
    ) -> list[Option]:
        """The attributes in a call: behind the inputs in the op's order, then by name."""
        from dslc.syntax.formulas import reads_values, word_of

        names = list(op.attributes)
        if len(others) > len(names):
            takes = f" and {', '.join(names)}" if names else ""
            inputs = ", ".join(item.name for item in op.inputs)
            raise ExpressionError("E0203", f"`{op.name}` takes {inputs}{takes}", call.span)
        given = [
            Option(name, value, value.span) for name, value in zip(names, others, strict=False)
        ]
        found: dict[str, Option] = {}
        for option in (*given, *named):
            attribute = op.attributes.get(option.name)
            if attribute is None:
                close = nearest(option.name, names)
                takes = ", ".join(names) or "no attributes"
                help = f"did you mean `{close}`?" if close else f"it takes {takes}"
                message = f"`{op.name}` has no attribute `{option.name}`"
                raise ExpressionError("E0502", message, option.span, help)
            if option.name in found:
                message = f"`{option.name}` is given twice"
                raise ExpressionError("E0203", message, option.span)
            if reads_values(option.value):
                message = f"`{option.name}` is known before the model runs, and this is a value"
                raise ExpressionError("E0204", message, option.value.span)
            is_word = attribute.reads == "word"
            value = word_of(option.value) if is_word else option.value
            found[option.name] = Option(option.name, value, option.span)
        return list(found.values())


def unknown_function(call: Call) -> ExpressionError:
    """The error of a call that a formula cannot make."""
    from dslc.ir.arithmetic import WORDS, is_function
    from dslc.ops import all_ops, find

    known = find(call.function)
    if known is not None and not is_function(known):
        message = f"`{known.name}` is no function of each element alone"
        help = "give it a step of its own, and read its value here by `name`"
        return ExpressionError("E0541", message, call.span, help)
    functions = [name for name, op in all_ops().items() if is_function(op)]
    close = nearest(call.function, (*functions, *WORDS, *FUNCTIONS))
    help = f"did you mean `{close}`?" if close else "the ops of elements alone serve: `sigmoid`, …"
    message = f"no function is called `{call.function}`"
    return ExpressionError("E0203", message, call.span, help)
