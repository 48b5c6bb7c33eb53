"""Random expressions over sizes, each as a dim and as the Python text that it was made from."""

from collections.abc import Iterator, Mapping
from itertools import product

from hypothesis import strategies as st

from dslc.ir.dims import Constraint, Dim, DimLike, dim_max, dim_min, evaluate, sym, symbols_of

NAMES = ("H", "W", "s")


class Source:
    """A dim and the text of the same expression as written."""

    def __init__(self, text: str, dim: DimLike) -> None:
        self.text = text
        self.dim = dim
        self.code = compile(text, text, "eval")

    def __repr__(self) -> str:
        return f"{self.text} -> {self.dim}"

    def python(self, env: Mapping[str, int]) -> int | None:
        """What Python makes of the text; None for a division by zero."""
        try:
            return eval(self.code, {}, {**env, "min": min, "max": max})
        except ZeroDivisionError:
            return None


def leaves(names: tuple[str, ...] = NAMES) -> st.SearchStrategy[Source]:
    symbols = st.sampled_from(names).map(lambda name: Source(name, sym(name)))
    numbers = st.integers(-6, 12).map(lambda value: Source(f"({value})", value))
    return st.one_of(symbols, symbols, numbers)


def _combine(children: st.SearchStrategy[Source]) -> st.SearchStrategy[Source]:
    return st.one_of(
        st.builds(_binary, st.sampled_from("+-*"), children, children),
        st.builds(_divide, st.sampled_from(("//", "%")), children, st.sampled_from(DIVISORS)),
        st.builds(_divide, st.sampled_from(("//", "%")), children, st.sampled_from(NAMES)),
        st.builds(_extreme, st.sampled_from(("min", "max")), children, children),
    )


DIVISORS = ("1", "2", "3", "4", "8", "(-2)", "(2*s)", "(W + 1)")


def _binary(op: str, left: Source, right: Source) -> Source:
    made = {"+": lambda: left.dim + right.dim, "-": lambda: left.dim - right.dim}
    made["*"] = lambda: left.dim * right.dim
    return Source(f"({left.text} {op} {right.text})", made[op]())


def _divide(op: str, left: Source, divisor: str) -> Source:
    right = eval(divisor, {name: sym(name) for name in NAMES})
    dim = left.dim // right if op == "//" else left.dim % right
    return Source(f"({left.text} {op} {divisor})", dim)


def _extreme(name: str, left: Source, right: Source) -> Source:
    function = dim_min if name == "min" else dim_max
    return Source(f"{name}({left.text}, {right.text})", function(left.dim, right.dim))


SOURCES = st.recursive(leaves(), _combine, max_leaves=6)


def small(text: str, **dims: DimLike) -> DimLike:
    """A dim from Python text, with any symbols."""
    names = {
        name: sym(name) for name in ("H", "W", "T", "C", "P", "D", "stride", "planes", "heads")
    }
    return eval(text, {**names, **dims, "min": dim_min, "max": dim_max})


def fact(text: str) -> Constraint:
    """A constraint from text such as `H % 32 == 0`."""
    for op in ("==", "!=", "<=", ">=", "<", ">"):
        left, found, right = text.partition(f" {op} ")
        if found:
            return Constraint(op, small(left), small(right))
    raise AssertionError(text)


def values(*dims: DimLike, upto: int, least: int = 1) -> Iterator[dict[str, int]]:
    """All values of the symbols of some dims."""
    names = sorted(frozenset().union(*map(symbols_of, dims)))
    for row in product(range(least, upto + 1), repeat=len(names)):
        yield dict(zip(names, row, strict=True))


def value_of(dim: DimLike, env: Mapping[str, int]) -> int | None:
    """The value of a dim; None for a division by zero."""
    try:
        return evaluate(dim, env)
    except ZeroDivisionError:
        return None


__all__ = ["NAMES", "SOURCES", "Dim", "Source", "fact", "leaves", "small", "value_of", "values"]
