"""A model has one set of weights: imported models that would have several are reported.

A model of an imported file is called like a block, its weights under the step that calls it. So it
is called by one step, which does not repeat, in something of which there is one.
"""

from __future__ import annotations

from dslc.diagnostics import Label
from dslc.ir.graph import CallModule
from dslc.ir.walk import actions
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from dslc.diagnostics import Report
    from dslc.ir.graph import Program, Step


def refuse_second_sets(program: Program, report: Report) -> None:
    """Reports each imported model that would have several sets of weights."""
    modules = program.modules
    calls: dict[str, list[tuple[str, Step]]] = {}
    for name, module in modules.items():
        for step, action in actions(module.body):
            if isinstance(action, CallModule):
                calls.setdefault(action.module, []).append((name, step))
    counts = {name: int(module.is_model) for name, module in modules.items() if module.is_model}

    def count(name: str) -> int:
        """How often a module has weights: never, once, or several times (2)."""
        if name not in counts:
            counts[name] = 0  # blocks that call each other have been reported
            found = (count(at) * (2 if is_many(step) else 1) for at, step in calls.get(name, ()))
            counts[name] = min(2, sum(found))
        return counts[name]

    for name, module in modules.items():
        if module.once and count(name) > 1:
            used = [(at, step) for at, step in calls[name] if count(at)]
            refuse(name.rpartition(":")[2], used, report)


def is_many(step: Step) -> bool:
    """Whether a step has a set of weights for each of several runs."""
    return step.repeat is not None and not step.repeat.share


def refuse(name: str, calls: list[tuple[str, Step]], report: Report) -> None:
    """Reports a model at the call that makes a second set of it."""
    (block, first), *others = calls
    message = f"`{name}` is a model of another spec, which has one set of weights"
    help = "call it once, name that step, and run it again with `reuse: name`"
    labels: list[Label] = []
    at = first
    if others:
        at = others[0][1]
        message += "; this is a second call"
        labels = [Label(first.span, "the first call")]
    elif is_many(first):
        message += "; this repeats it"
        help = "add `share: true`, or import its blocks"
    else:
        message += f"; `{block}`, which calls it, is called several times"
        help = "call the model once and hand its value to the block, or import its blocks"
    report.error("E1010", at.span, message, help=help, labels=labels)
