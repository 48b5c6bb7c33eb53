"""The facts that a net needs of its inputs' sizes, found by checking it again under each remedy.

A single mistake of sizes has its own remedy; a net often needs one after the other (each level of a
U-Net halves what is left). So the remedies of one check are taken as given in the next, until the
net passes; of what was gathered only what does not follow from the rest is told.
"""

from __future__ import annotations

from dslc.diagnostics import Report
from dslc.ir.facts import Facts
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dslc.ir.facts import Constraint

    Check = Callable[[Report, Sequence[Constraint]], Facts | None]

MOST_ROUNDS = 24


def infer_facts(check: Check, given: Sequence[Constraint]) -> tuple[Constraint, ...]:
    """The facts with which a net passes, beside those given; empty where none were found.

    Args:
        check: Checks the net under further facts and gives all facts behind the check.
        given: The facts that the spec states.
    """
    found: list[Constraint] = []
    for _ in range(MOST_ROUNDS):
        report = Report()
        facts = check(report, found)
        if facts is None:
            return ()
        if report.ok:
            return without_implied(found, given)
        new = [constraint for constraint in facts.wanted if constraint not in found]
        if not new:
            return ()
        found += new
    return ()


def without_implied(
    found: Sequence[Constraint], given: Sequence[Constraint]
) -> tuple[Constraint, ...]:
    """The facts that do not follow from the others."""
    kept = list(found)
    for constraint in found:
        others = [other for other in kept if other is not constraint]
        if Facts([*given, *others]).proves(constraint.op, constraint.left, constraint.right):
            kept = others
    return tuple(sorted(kept, key=str))
