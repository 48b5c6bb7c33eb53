"""What dims are for given symbols: values, substitution, and helpers that also take ints."""

from __future__ import annotations

from dslc.ir.dim_division import floor_div, modulo
from dslc.ir.dim_normal import (
    Atom,
    Dim,
    DimLike,
    Factor,
    add,
    extreme,
    from_terms,
    join,
    multiply,
    single,
)
from dslc.ir.dim_text import replace_names, tighten_powers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from dslc.ir.dim_normal import Rename


def sym(name: str) -> Dim:
    """The dim that is one symbol."""
    return Dim({(name,): 1})


def opaque(text: str, names: frozenset[str]) -> DimLike:
    """A dim known by its Python text alone, such as `2**i` or `depths[i]`.

    Args:
        text: The expression as our own printer writes it; never text of a spec as it stands.
        names: The names in it that are symbols, so that they can be replaced.
    """
    text = tighten_powers(text)
    if text in names:
        return sym(text)
    if not names:
        constant = _constant(text)
        if constant is not None:
            return constant
    return single(Atom("opaque", (), text, names))


def _constant(text: str) -> int | None:
    """The value of an integer or of a small power of two integers."""
    base, _, exponent = text.partition("**")
    if not (base.isdecimal() and (exponent.isdecimal() or "**" not in text)):
        return None
    if not exponent:
        return int(base) if len(base) < 20 else None
    small = len(base) < 6 and len(exponent) < 3
    return int(base) ** int(exponent) if small else None


def symbols_of(value: DimLike) -> frozenset[str]:
    """The symbols of a dim; none of an int."""
    return frozenset() if isinstance(value, int) else value.symbols()


def text_of(value: DimLike, rename: Rename = None) -> str:
    """Python code for a dim or an int, spaced as the formatter leaves it."""
    return str(value) if isinstance(value, int) else value.text(rename)


def substitute(value: DimLike, mapping: Mapping[str, DimLike]) -> DimLike:
    """A dim with symbols replaced, all at once, in normal form."""
    if isinstance(value, int) or value.symbols().isdisjoint(mapping):
        return value
    result: DimLike = 0
    for monomial, coefficient in value.terms.items():
        kept: tuple[Factor, ...] = ()
        product: DimLike = coefficient
        for factor in monomial:
            new = _substitute_factor(factor, mapping)
            if new is None:
                kept = join(kept, (factor,))
            else:
                product = multiply(product, new)
        if kept:
            product = multiply(product, from_terms({kept: 1}))
        result = add(result, product)
    return result


def _substitute_factor(factor: Factor, mapping: Mapping[str, DimLike]) -> DimLike | None:
    """The new value of a factor; None where it stays as it is."""
    if isinstance(factor, str):
        return mapping.get(factor)
    if factor.kind == "opaque":
        return _substitute_opaque(factor, mapping)
    if all(symbols_of(argument).isdisjoint(mapping) for argument in factor.args):
        return None
    args = [substitute(argument, mapping) for argument in factor.args]
    if factor.kind == "floor":
        return floor_div(args[0], args[1])
    if factor.kind == "mod":
        return modulo(args[0], args[1])
    return extreme(factor.kind, args)


def _substitute_opaque(atom: Atom, mapping: Mapping[str, DimLike]) -> DimLike | None:
    replaced = {name: mapping[name] for name in atom.names if name in mapping}
    if not replaced:
        return None
    texts = {name: text_of(value) for name, value in replaced.items()}
    names = atom.names.difference(replaced).union(*map(symbols_of, replaced.values()))
    return opaque(replace_names(atom.source, texts.get), names)


def evaluate(value: DimLike, env: Mapping[str, int]) -> int:
    """The value of a dim for given symbols; an int is its own value.

    Raises:
        ValueError: If an opaque expression is in the way.
        KeyError: If a symbol has no value.
        ZeroDivisionError: If a divisor is zero for these values.
    """
    if isinstance(value, int):
        return value
    total = 0
    for monomial, product in value.terms.items():
        for factor in monomial:
            product *= env[factor] if isinstance(factor, str) else _evaluate_atom(factor, env)
        total += product
    return total


def _evaluate_atom(atom: Atom, env: Mapping[str, int]) -> int:
    if atom.kind == "opaque":
        raise ValueError(f"`{atom.source}` has no value before the block is called")
    values = [evaluate(argument, env) for argument in atom.args]
    if atom.kind == "floor":
        return values[0] // values[1]
    if atom.kind == "mod":
        return values[0] % values[1]
    return min(values) if atom.kind == "min" else max(values)


def dim_min(*values: DimLike) -> DimLike:
    """The least of the values in normal form.

    Raises:
        ValueError: If there are no values.
    """
    return extreme("min", values)


def dim_max(*values: DimLike) -> DimLike:
    """The greatest of the values in normal form.

    Raises:
        ValueError: If there are no values.
    """
    return extreme("max", values)


def ceil_div(numerator: DimLike, denominator: DimLike) -> DimLike:
    """The quotient rounded up, as `(numerator + denominator - 1)//denominator`.

    Raises:
        ZeroDivisionError: If the denominator is the constant zero.
    """
    if isinstance(denominator, int) and denominator < 0:
        return ceil_div(multiply(numerator, -1), -denominator)
    return floor_div(add(add(numerator, denominator), -1), denominator)
