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
    multiply,
    single,
)
from dslc.ir.dim_text import replace_names, tighten_powers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dslc.ir.dim_normal import Kind, Monomial, Rename


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

    def replace(factor: Factor) -> DimLike | None:
        if isinstance(factor, str):
            return mapping.get(factor)
        return _substitute_opaque(factor, mapping) if factor.kind == "opaque" else None

    return replace_factors(value, replace)


def rewrite(value: DimLike, mapping: Mapping[str, DimLike]) -> DimLike:
    """Like `substitute`, for proofs: opaque texts keep their names."""
    if isinstance(value, int) or value.symbols().isdisjoint(mapping):
        return value
    return replace_factors(
        value, lambda factor: mapping.get(factor) if isinstance(factor, str) else None
    )


def replace_factors(value: DimLike, replace: Callable[[Factor], DimLike | None]) -> DimLike:
    """A dim with symbols and atoms replaced, also inside other atoms, in normal form.

    Args:
        value: The dim.
        replace: The new value of a factor; None keeps it, and looks into an atom's arguments.
    """
    if isinstance(value, int):
        return value
    kept: dict[Monomial, int] = {}
    changed: DimLike = 0
    for monomial, coefficient in value.terms.items():
        rest: Monomial = ()
        product: DimLike = coefficient
        for factor in monomial:
            new = _replace_factor(factor, replace)
            if new is None:
                rest += (factor,)
            else:
                product = multiply(product, new)
        if len(rest) == len(monomial):
            kept[monomial] = coefficient
        else:
            changed = add(changed, multiply(product, from_terms({rest: 1})))
    if len(kept) == len(value.terms):
        return value
    return add(from_terms(kept), changed)


def _replace_factor(factor: Factor, replace: Callable[[Factor], DimLike | None]) -> DimLike | None:
    new = replace(factor)
    if new is not None or isinstance(factor, str):
        return new
    args = [replace_factors(argument, replace) for argument in factor.args]
    if all(argument is old for argument, old in zip(args, factor.args, strict=True)):
        return None
    return apply(factor.kind, args)


def apply(kind: Kind, args: Sequence[DimLike]) -> DimLike:
    """A division, remainder, `min` or `max` in normal form."""
    if kind == "floor":
        return floor_div(args[0], args[1])
    if kind == "mod":
        return modulo(args[0], args[1])
    return extreme("min" if kind == "min" else "max", args)


def _substitute_opaque(atom: Atom, mapping: Mapping[str, DimLike]) -> DimLike | None:
    replaced = {name: mapping[name] for name in atom.names if name in mapping}
    if not replaced:
        return None
    texts = {name: text_of(value) for name, value in replaced.items()}
    names = atom.names.difference(replaced).union(*map(symbols_of, replaced.values()))
    return opaque(_worked_out(replace_names(atom.source, texts.get)), names)


def _worked_out(text: str) -> str:
    """A text in which numbers stand for names, with their arithmetic done."""
    if not any(character.isdigit() for character in text):
        return text
    from dslc.syntax.expression_folding import folded_text

    return folded_text(text)


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
