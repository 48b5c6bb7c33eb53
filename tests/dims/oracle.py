"""Dims and the texts that they were made from, as z3 sees them; divisors are positive there."""

import ast
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from dslc.ir.dim_normal import Atom, DimLike
from dslc.ir.dims import Constraint

z3: Any = pytest.importorskip("z3", reason="missing: z3")

UNKNOWNS: Mapping[str, Any] = {name: z3.Int(name) for name in ("H", "W", "s")}
PATIENCE = 1000  # milliseconds


def term_of(value: DimLike) -> Any:
    """A dim in its normal form as a term."""
    if isinstance(value, int):
        return z3.IntVal(value)
    total = z3.IntVal(0)
    for monomial, coefficient in value.terms.items():
        product = z3.IntVal(coefficient)
        for factor in monomial:
            product = product * (UNKNOWNS[factor] if isinstance(factor, str) else _atom(factor))
        total = total + product
    return total


def _atom(atom: Atom) -> Any:
    args = [term_of(argument) for argument in atom.args]
    if atom.kind in ("floor", "mod"):
        return _divided(atom.kind, *args)
    return _extreme(atom.kind, args)


def _divided(kind: str, above: Any, below: Any) -> Any:
    """Python's quotient or remainder; z3's own round otherwise where a divisor is negative."""
    quotient = z3.If(below > 0, above / below, -above / -below)
    return quotient if kind == "floor" else above - below * quotient


def _extreme(kind: str, args: list[Any]) -> Any:
    result = args[0]
    for other in args[1:]:
        result = z3.If(other < result if kind == "min" else other > result, other, result)
    return result


def term_of_text(text: str) -> Any:
    """Python text as a term, read by Python's own parser."""
    return _node(ast.parse(text, mode="eval").body)


def _node(node: Any) -> Any:
    if isinstance(node, ast.Constant):
        return z3.IntVal(node.value)
    if isinstance(node, ast.Name):
        return UNKNOWNS[node.id]
    if isinstance(node, ast.UnaryOp):
        return -_node(node.operand)
    if isinstance(node, ast.Call):
        return _extreme(node.func.id, list(map(_node, node.args)))  # pyright: ignore
    left, right = _node(node.left), _node(node.right)
    kinds = {ast.Add: left + right, ast.Sub: left - right, ast.Mult: left * right}
    if type(node.op) in kinds:
        return kinds[type(node.op)]
    return _divided("floor" if isinstance(node.op, ast.FloorDiv) else "mod", left, right)


def claim(op: str, left: Any, right: Any) -> Any:
    """A comparison of two terms."""
    compared = {"==": left == right, "!=": left != right, "<": left < right}
    return compared.get(op, {"<=": left <= right, ">": left > right, ">=": left >= right}.get(op))


def claim_of(fact: Constraint) -> Any:
    """A fact as a claim."""
    return claim(fact.op, term_of(fact.left), term_of(fact.right))


def solver_of(facts: Iterable[Constraint]) -> Any:
    """A solver that knows facts, and the least value of each symbol."""
    facts = list(facts)
    zero = {name for fact in facts if (name := fact.may_be_zero())}
    solver = z3.Solver()
    solver.set("timeout", PATIENCE)
    solver.add(*(term >= (0 if name in zero else 1) for name, term in UNKNOWNS.items()))
    solver.add(*map(claim_of, facts))
    return solver


def sometimes(solver: Any, *claims: Any) -> bool | None:
    """Whether some values fulfil claims; None where z3 does not know."""
    solver.push()
    solver.add(*claims)
    found = solver.check()
    solver.pop()
    return None if found == z3.unknown else found == z3.sat
