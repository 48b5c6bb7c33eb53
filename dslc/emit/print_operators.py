"""What the printer knows of Python's operators: precedence, and which operands need parentheses."""

import ast
from typing import Final

# How tightly an expression binds; an operand that binds less than its place asks is parenthesised.
TEST: Final = 1
OR: Final = 2
NOT: Final = 4
COMPARISON: Final = 5
BIT_OR: Final = 6
UNARY: Final = 12
POWER: Final = 13
AWAIT: Final = 14
ATOM: Final = 15

_BINARY: Final[dict[type[ast.operator], tuple[str, int]]] = {
    ast.BitOr: ("|", 6),
    ast.BitXor: ("^", 7),
    ast.BitAnd: ("&", 8),
    ast.LShift: ("<<", 9),
    ast.RShift: (">>", 9),
    ast.Add: ("+", 10),
    ast.Sub: ("-", 10),
    ast.Mult: ("*", 11),
    ast.MatMult: ("@", 11),
    ast.Div: ("/", 11),
    ast.Mod: ("%", 11),
    ast.FloorDiv: ("//", 11),
    ast.Pow: ("**", POWER),
}
_COMPARISONS: Final[dict[type[ast.cmpop], str]] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}
_UNARY: Final[dict[type[ast.unaryop], str]] = {
    ast.Not: "not ",
    ast.Invert: "~",
    ast.UAdd: "+",
    ast.USub: "-",
}

# Where a chain of operators breaks first: the loosest one. Also the order in which an expression
# prefers parentheses around itself.
SPLIT_ATTRIBUTE: Final = 1
SPLIT_INVERT: Final = 3
SPLIT_COMPARISON: Final = 20
SPLIT_BOOLEAN: Final = 21
SPLIT_CONDITIONAL: Final = 22


def binary_symbol(operator: ast.operator) -> str:
    """The text of a binary operator."""
    return _BINARY[type(operator)][0]


def unary_symbol(operator: ast.unaryop) -> str:
    """The text of a unary operator, with its space where it is a word."""
    return _UNARY[type(operator)]


def comparison_symbol(operator: ast.cmpop) -> str:
    """The text of a comparison."""
    return _COMPARISONS[type(operator)]


def split_rank(operator: ast.operator) -> int:
    """How early a binary operator breaks: the larger, the earlier."""
    binding = _BINARY[type(operator)][1]
    return 2 if binding == POWER else 15 - binding


def binding(node: ast.expr) -> int:
    """How tightly an expression binds."""
    if isinstance(node, (ast.NamedExpr, ast.Yield, ast.YieldFrom, ast.Starred)):
        return 0
    if isinstance(node, (ast.Lambda, ast.IfExp)):
        return TEST
    if isinstance(node, ast.BoolOp):
        return OR if isinstance(node.op, ast.Or) else OR + 1
    if isinstance(node, ast.Compare):
        return COMPARISON
    if isinstance(node, ast.BinOp):
        return _BINARY[type(node.op)][1]
    if isinstance(node, ast.UnaryOp):
        return NOT if isinstance(node.op, ast.Not) else UNARY
    return AWAIT if isinstance(node, ast.Await) else ATOM


def operands(node: ast.AST) -> list[tuple[ast.expr, int]]:
    """The parts of a node that its operators bind, each with the binding that its place asks."""
    if isinstance(node, ast.BinOp):
        own = binding(node)
        if own == POWER:
            return [(node.left, AWAIT), (node.right, UNARY)]
        return [(node.left, own), (node.right, own + 1)]
    if isinstance(node, ast.BoolOp):
        return [(value, binding(node) + 1) for value in node.values]
    if isinstance(node, ast.Compare):
        return [(value, BIT_OR) for value in [node.left, *node.comparators]]
    if isinstance(node, ast.UnaryOp):
        # `-a**b` is written `-(a**b)`, which says what it means.
        power = isinstance(node.operand, ast.BinOp) and isinstance(node.operand.op, ast.Pow)
        return [(node.operand, ATOM if power else binding(node))]
    if isinstance(node, ast.IfExp):
        return [(node.body, OR), (node.test, OR), (node.orelse, TEST)]
    if isinstance(node, ast.Lambda):
        return [(node.body, TEST)]
    if isinstance(node, (ast.Attribute, ast.Subscript, ast.Await)):
        return [(node.value, ATOM)]
    return _places(node)


def _places(node: ast.AST) -> list[tuple[ast.expr, int]]:
    if isinstance(node, ast.Call):
        stars = [
            (keyword.value, BIT_OR if keyword.arg is None else TEST) for keyword in node.keywords
        ]
        return [(node.func, ATOM), *((value, TEST) for value in node.args), *stars]
    if isinstance(node, ast.Starred):
        return [(node.value, BIT_OR)]
    if isinstance(node, ast.Dict):
        keys = [(key, TEST) for key in node.keys if key is not None]
        values = zip(node.keys, node.values, strict=True)
        return keys + [(value, BIT_OR if key is None else TEST) for key, value in values]
    if isinstance(node, ast.comprehension):
        return [(node.iter, OR), *((test, OR) for test in node.ifs)]
    children = ast.iter_child_nodes(node)
    return [(child, TEST) for child in children if isinstance(child, ast.expr)]


def wrapped(root: ast.AST) -> set[int]:
    """The identities of all expressions below a node that must be parenthesised."""
    found: set[int] = set()
    pending: list[ast.AST] = [root]
    while pending:
        node = pending.pop()
        pending.extend(ast.iter_child_nodes(node))
        if isinstance(node, (ast.JoinedStr, ast.FormattedValue, ast.stmt)):
            continue
        for child, wanted in operands(node):
            if binding(child) < wanted and not isinstance(child, ast.Starred):
                found.add(id(child))
        if isinstance(node, ast.Attribute) and _is_decimal(node.value):
            found.add(id(node.value))
    return found


def _is_decimal(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)
