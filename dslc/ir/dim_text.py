"""The text of a dim, for people (`4*planes`) and for generated Python (`4 * planes`).

Both forms are valid Python and print the same normal form; the second is spaced as `ruff format`
leaves it, so that generated code needs no formatter. Nothing here builds dims, so that the normal
form can import this module.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    from dslc.ir.dim_normal import Atom, Dim, DimLike, Factor, Monomial, Rename

_IDENTIFIER = r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|(?<![\w.])[A-Za-z_]\w*"
_LOOSE_POWER = r"(?<![\w.)\]])([\w.]+) ?\*\* ?(-?[\w.]+)(?![\w.(\[])"


def factor_order(factor: Factor) -> str:
    """Sorts factors: symbols by name, then atoms as written."""
    return factor if isinstance(factor, str) else "~" + factor.text


def monomial_order(monomial: Monomial) -> tuple[int, tuple[str, ...]]:
    """Sorts monomials by falling degree, then as written; the constant comes last."""
    return -len(monomial), tuple(map(factor_order, monomial))


def tightness(text: str) -> int:
    """How tightly an expression's text holds: 2 as one operand, 1 as a power, 0 loosely."""
    depth = 0
    level = 2
    for position, character in enumerate(text):
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif depth == 0 and character in " +-%/<>=!":
            return 0
        elif depth == 0 and character == "*":
            if text[position - 1 : position + 1] != "**" and text[position : position + 2] != "**":
                return 0
            level = 1
    return level


def tighten_powers(text: str) -> str:
    """Writes `2 ** i` as `2**i`, as the formatter does where both operands are simple."""
    if "**" not in text:
        return text
    import re

    return re.sub(_LOOSE_POWER, r"\1**\2", text)


def replace_names(text: str, replacement: Callable[[str], str | None]) -> str:
    """Replaces whole identifiers outside string literals; None leaves one as it is."""
    import re

    def replace(match: re.Match[str]) -> str:
        word = match.group()
        if word[0] in "'\"":
            return word
        new = replacement(word)
        if new is None:
            return word
        return new if tightness(new) == 2 else f"({new})"

    return tighten_powers(re.sub(_IDENTIFIER, replace, text))


class Printer:
    """Prints dims in one style, with symbols renamed.

    Args:
        rename: New names (any Python expression) of symbols; None keeps them.
        spaced: Whether operators are spaced as in formatted Python code.
    """

    __slots__ = ("_rename", "_spaced")

    def __init__(self, rename: Rename, *, spaced: bool) -> None:
        self._rename = rename
        self._spaced = spaced

    def dim(self, value: DimLike) -> str:
        """The text of a whole dim, without parentheses around it."""
        if isinstance(value, int):
            return str(value)
        terms = list(value.terms.items())
        if len(terms) == 1:
            (monomial, coefficient) = terms[0]
            if coefficient == 1 and len(monomial) == 1:
                return self._factor(monomial[0])[0]
        else:
            terms.sort(key=lambda term: monomial_order(term[0]))
        first = next((i for i, (_, coefficient) in enumerate(terms) if coefficient > 0), 0)
        terms.insert(0, terms.pop(first))
        parts: list[str] = []
        for monomial, coefficient in terms:
            negative = coefficient < 0
            if parts:
                parts.append(" - " if negative else " + ")
            elif negative:
                parts.append("-")
            after_minus = negative and len(parts) == 1
            parts.append(self._term(monomial, abs(coefficient), after_minus=after_minus))
        return "".join(parts)

    def atom(self, atom: Atom) -> str:
        """The text of one atom, without parentheses around it."""
        return self._factor(atom)[0]

    def _term(self, monomial: Monomial, coefficient: int, *, after_minus: bool) -> str:
        if not monomial:
            return str(coefficient)
        if len(monomial) == 1 and coefficient == 1 and not after_minus:
            text, level = self._factor(monomial[0])
            return text if level >= 0 else f"({text})"
        factors: list[str] = [] if coefficient == 1 else [str(coefficient)]
        position = 0
        while position < len(monomial):
            factor = monomial[position]
            power = monomial.count(factor)
            position += power
            factors.append(self._power(factor, power))
        return (" * " if self._spaced else "*").join(factors)

    def _power(self, factor: Factor, power: int) -> str:
        text, level = self._factor(factor)
        if level < 1 or (power > 1 and level < 2):
            text = f"({text})"
        if power == 1:
            return text
        simple = not self._spaced or all(part.isidentifier() for part in text.split("."))
        return f"{text}**{power}" if simple else f"{text} ** {power}"

    def _factor(self, factor: Factor) -> tuple[str, int]:
        """Text and tightness: 2 operand, 1 power, 0 division, -1 looser than a sum."""
        if isinstance(factor, str):
            text = self._name(factor)
            return (text, 2) if tightness(text) == 2 else (f"({text})", 2)
        if factor.kind == "opaque":
            text = factor.source
            if self._rename is not None:
                names = factor.names
                text = replace_names(text, lambda word: self._name(word) if word in names else None)
            return text, tightness(text) or -1
        if factor.kind in ("min", "max"):
            return f"{factor.kind}({', '.join(map(self.dim, factor.args))})", 2
        return self._division(factor), 0

    def _division(self, atom: Atom) -> str:
        numerator, denominator = atom.args
        left = self.dim(numerator)
        if isinstance(numerator, int):
            left = f"({left})" if numerator < 0 else left
        elif not self._stands_left_of_division(numerator):
            left = f"({left})"
        right = self.dim(denominator)
        if not isinstance(denominator, int) and self._level(denominator) < 1:
            right = f"({right})"
        if atom.kind == "mod":
            return f"{left} % {right}"
        return f"{left} // {right}" if self._spaced else f"{left}//{right}"

    def _stands_left_of_division(self, dim: Dim) -> bool:
        if len(dim.terms) != 1:
            return False
        (monomial, coefficient) = next(iter(dim.terms.items()))
        return coefficient > 1 or (coefficient == 1 and (len(monomial) > 1 or self._level(dim) > 0))

    def _level(self, dim: Dim) -> int:
        if len(dim.terms) != 1:
            return -1
        (monomial, coefficient) = next(iter(dim.terms.items()))
        if coefficient != 1 or len(set(monomial)) != 1:
            return -1
        factor, *others = monomial
        return 1 if others else self._factor(factor)[1]

    def _name(self, name: str) -> str:
        rename = self._rename
        if rename is None:
            return name
        return rename(name) if callable(rename) else rename.get(name, name)
