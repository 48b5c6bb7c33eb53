"""Random Python expressions, as text that parses."""

import ast
import random

NAMES = ("x", "stride", "in_channels", "width", "self", "hidden_size", "F", "nn", "kernel_size")
ATOMS = ("1", "2.5", "1e-5", "'text'", "None", "True", "...", "b'ab'", 'f"{x}.conv{i:02d}"')
BINARY = ("+", "-", "*", "/", "//", "%", "**", "@", "|", "&", "^", "<<", ">>")
COMPARE = ("==", "!=", "<", ">=", "is not", "not in", "in", "is")


def expression(random_: random.Random, depth: int) -> str:
    """An expression of at most a depth; every operand is in parentheses of its own or an atom."""
    if depth == 0 or random_.random() < 0.12:
        return random_.choice(NAMES + ATOMS)
    return random_.choice(FORMS)(random_, depth - 1)


def _name(r: random.Random) -> str:
    return "_".join(r.choice(NAMES) for _ in range(r.randint(1, 3)))


def _parts(r: random.Random, depth: int, least: int) -> str:
    return ", ".join(_group(r, depth) for _ in range(r.randint(least, 4)))


def _group(r: random.Random, depth: int) -> str:
    return f"({expression(r, depth)})"


def _binary(r: random.Random, depth: int) -> str:
    return f"{_group(r, depth)} {r.choice(BINARY)} {_group(r, depth)}"


def _chain(r: random.Random, depth: int) -> str:
    word = f" {r.choice((*BINARY[:5], *COMPARE[:4], 'and', 'or'))} "
    return word.join(_group(r, min(depth, 1)) for _ in range(r.randint(2, 6)))


def _unary(r: random.Random, depth: int) -> str:
    return f"{r.choice(('-', 'not ', '~'))}{_group(r, depth)}"


def _call(r: random.Random, depth: int) -> str:
    values = [_group(r, depth) for _ in range(r.randint(0, 3))]
    starred = [f"*{_group(r, depth)}"] if r.random() < 0.1 else []
    words = [f"{_name(r)}{i}={_group(r, depth)}" for i in range(r.randint(0, 3))]
    stars = [f"**{_group(r, depth)}"] if r.random() < 0.1 else []
    return f"{_callee(r, depth)}({', '.join(values + starred + words + stars)})"


def _callee(r: random.Random, depth: int) -> str:
    return f"{_name(r)}.{_name(r)}" if r.random() < 0.7 else _group(r, depth)


def _method(r: random.Random, depth: int) -> str:
    links = [f".{_name(r)}({_parts(r, min(depth, 1), 0)})" for _ in range(r.randint(1, 4))]
    return _group(r, depth) + "".join(links)


def _attribute(r: random.Random, depth: int) -> str:
    return f"{_group(r, depth)}.{_name(r)}"


def _subscript(r: random.Random, depth: int) -> str:
    index = r.choice((_group(r, depth), f"{_group(r, depth)}:{_group(r, 0)}", "::2", "..., None"))
    return f"{_group(r, depth)}[{index}]"


def _tuple(r: random.Random, depth: int) -> str:
    return f"({_parts(r, depth, 1)},)"


def _list(r: random.Random, depth: int) -> str:
    return f"[{_parts(r, depth, 0)}]"


def _dict(r: random.Random, depth: int) -> str:
    items = [f"{_group(r, depth)}: {_group(r, depth)}" for _ in range(r.randint(0, 3))]
    return f"{{{', '.join(items)}}}"


def _conditional(r: random.Random, depth: int) -> str:
    return f"{_group(r, depth)} if {_group(r, depth)} else {_group(r, depth)}"


def _lambda(r: random.Random, depth: int) -> str:
    return f"lambda {_name(r)}, y=1: {_group(r, depth)}"


def _comprehension(r: random.Random, depth: int) -> str:
    left, right = r.choice(("()", "[]", "{}"))
    test = f" if {_group(r, depth)}" if r.random() < 0.5 else ""
    return f"{left}{_group(r, depth)} for a, b in {_group(r, depth)}{test}{right}"


FORMS = (
    _binary,
    _binary,
    _chain,
    _chain,
    _unary,
    _call,
    _call,
    _method,
    _attribute,
    _subscript,
    _tuple,
    _list,
    _dict,
    _conditional,
    _lambda,
    _comprehension,
)


def statement(random_: random.Random) -> str:
    """A simple statement or a header with `pass`."""
    value = expression(random_, random_.randint(1, 4))
    name = _name(random_)
    return random_.choice(
        (
            f"{name} = {value}",
            f"self.{name} = {value}",
            f"self.{name}[{_group(random_, 1)}] = {value}",
            f"{name}, y = z = {value}",
            f"return {value}",
            f"return {value}, {_group(random_, 2)}",
            f"({value})",
            f"{name}: {name}[int, str] = {value}",
            f"{name} += {value}",
            f"assert {value}, {_group(random_, 1)}",
            f"raise {name}({value}) from {name}",
            f"if {value}:\n    pass",
            f"while {value}:\n    pass",
            f"for a, b in {value}:\n    pass",
            f"with {name}({value}) as {name}:\n    pass",
            f"def {name}(a: int, b=({value}), *, c: {name} = 1) -> {name}[{name}]:\n    pass",
            f"class {name.title()}({name}.{name}, key=({value})):\n    pass",
        )
    )


def same(left: str, right: str) -> bool:
    """Whether two sources have the same syntax tree."""
    return ast.dump(ast.parse(left)) == ast.dump(ast.parse(right))
