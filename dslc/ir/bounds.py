"""What a param's values are bounded by: `min`, `max` and `choices`; of a list, for each item."""

from __future__ import annotations

from dslc.diagnostics import nearest
from dslc.ops.attributes import show
from dslc.syntax.expressions import ExpressionError, evaluate
from dslc.syntax.tree import Sequence
from dslc.typed import TYPE_CHECKING
from dslc.values import is_list

if TYPE_CHECKING:
    from dslc.ir.graph import Param
    from dslc.ir.reading import Reader
    from dslc.syntax.expressions import Expr
    from dslc.syntax.tree import Mapping, Node

BOUNDS = ("min", "max", "choices")


def read_bounds(reader: Reader, fields: Mapping, kind: str) -> dict[str, object]:
    """The bounds that a param's declaration gives, by the names of its fields."""
    least, most = (number(reader, name, fields.get(name), kind) for name in ("min", "max"))
    node = fields.get("choices")
    if least is not None and most is not None and least > most:
        key = fields.key("min")
        assert key is not None
        message = f"`min`, {show(least)}, is above `max`, {show(most)}"
        reader.report.error("E0722", key.span, message)
    choices = () if node is None else read_choices(reader, node, kind)
    return {"minimum": least, "maximum": most, "choices": choices}


def number(reader: Reader, name: str, node: Node | None, kind: str) -> float | None:
    """A bound, a number that stands for itself."""
    if node is None:
        return None
    value = constant(reader, reader.expression(node))
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or kind in ("str", "bool"):
        message = f"`{name}` is a number, and bounds numbers"
        reader.report.error("E0722", node.span, message, help="`choices` lists words")
        return None
    assert isinstance(value, int | float)
    return value


def read_choices(reader: Reader, node: Node, kind: str) -> tuple[object, ...]:
    """The values that a param may have."""
    if not isinstance(node, Sequence) or not node.items:
        message = "`choices` lists the values that the param may have"
        reader.report.error("E0722", node.span, message, help="write `choices: [16, 32]`")
        return ()
    read = reader.word if kind == "str" else reader.expression
    return tuple(constant(reader, read(item)) for item in node.items)


def constant(reader: Reader, expression: Expr | None) -> object:
    """The value of an expression that uses no names."""
    if expression is None:
        return None
    try:
        return evaluate(expression, {})
    except ExpressionError as error:
        reader.report.error(error.code, error.span, error.message, help=error.help)
        return None


def bound_problem(param: Param, value: object) -> tuple[str, str | None] | None:
    """What is wrong with a value that is out of bounds, and the help; None where nothing is."""
    for item in value if is_list(value) else (value,):
        problem = _problem(param, item)
        if problem is not None:
            return problem
    return None


def _problem(param: Param, value: object) -> tuple[str, str | None] | None:
    if param.choices and value not in param.choices:
        words = [show(choice) for choice in param.choices]
        close = nearest(value, words) if isinstance(value, str) else None
        help = f"did you mean `{close}`?" if close else None
        return f"the param `{param.name}` is one of {', '.join(words)}, not {show(value)}", help
    if not isinstance(value, int | float):
        return None
    if param.minimum is not None and value < param.minimum:
        return (
            f"the param `{param.name}` is at least {show(param.minimum)}, not {show(value)}",
            None,
        )
    if param.maximum is not None and value > param.maximum:
        return f"the param `{param.name}` is at most {show(param.maximum)}, not {show(value)}", None
    return None
