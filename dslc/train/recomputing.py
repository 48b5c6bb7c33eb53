"""What is computed once more in the backward pass: parts of the model, by name.

A part is a block's call, a named structure, or a branch of one. Of a part that is recomputed nothing is
kept for the backward pass but what it takes; losses and gradients are the same, and memory is traded
for time (Chen et al. 2016, arXiv:1604.06174).
"""

from __future__ import annotations

from dslc.diagnostics import nearest
from dslc.ir.graph import Reuse, Scan
from dslc.passes.weights import branch_labels, call_path, iteration_path, join
from dslc.train.globs import matches
from dslc.train.places import found_below
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dslc.diagnostics import Report
    from dslc.ir.instance import BodyInstance, Instance, StepInstance
    from dslc.syntax.tree import Mapping
    from dslc.train.training import Training


def parts_of(training: Training) -> dict[str, str]:
    """The parts of the model and of training's own steps: the block of each, if any, by its path."""
    found: dict[str, str] = {}
    for instance in training.instances:
        found |= dict(_parts(instance.body, ""))
    return found


def recomputed_parts(training: Training) -> list[str]:
    """The paths of what is recomputed: the outermost of what a name or glob means."""
    globs = training.run.recompute
    chosen = [
        path
        for path, block in parts_of(training).items()
        if any(means(glob, path, block) for glob in globs)
    ]
    return [path for path in chosen if not any(path.startswith(f"{a}.") for a in chosen)]


def means(glob: str, path: str, block: str) -> bool:
    """Whether a name or glob means a part: its block, its path, or that of a repeat."""
    scope, _, last = path.rpartition(".")
    return glob == block or matches(glob, path) or (last.isdigit() and matches(glob, scope))


def check_recomputed(training: Training, fields: Mapping, report: Report) -> None:
    """Reports what means no part of the model, and what does not go with it."""
    node, key = fields.get("recompute"), fields.key("recompute")
    globs = training.run.recompute
    if node is None or key is None or not globs:
        return
    parts = parts_of(training)
    for glob in globs:
        if any(means(glob, path, block) for path, block in parts.items()):
            continue
        repeats = [path.rpartition(".")[0] for path in parts if path[-1].isdigit()]
        close = nearest(glob, [name for name in (*parts.values(), *parts, *repeats) if name])
        known = ", ".join(f"`{name}`" for name in dict.fromkeys([*parts.values()]) if name)
        help = f"blocks here: {known}" if known else "name a structure, or make a block of it"
        help = f"did you mean `{close}`?" if close else help
        at = found_below(node, glob) or node
        report.error("E0829", at.span, f"no block, group or repeat is {glob!r}", help=help)


def _parts(body: BodyInstance, prefix: str) -> Iterator[tuple[str, str]]:
    """The parts of a body with the names of their blocks, "" for a structure."""
    for found in body.steps:
        yield from _step_parts(found, prefix)


def _step_parts(found: StepInstance, prefix: str) -> Iterator[tuple[str, str]]:
    """The parts of a step, those of each round."""
    step = found.step
    if isinstance(step.action, Reuse):
        return
    for k, iteration in enumerate(found.iterations):
        if iteration is None:
            continue
        path = iteration_path(prefix, step, k)
        if iteration.call is not None:
            yield from _called(iteration.call, call_path(iteration, path))
        elif iteration.bodies and not isinstance(step.action, Scan):
            labels = branch_labels(step)
            if path != prefix and labels.count("") == len(labels):
                yield path, ""
            for label, inner in zip(labels, iteration.bodies, strict=False):
                if label:
                    yield join(path, label), ""
                yield from _parts(inner, join(path, label))


def _called(call: Instance, path: str) -> Iterator[tuple[str, str]]:
    """What is called, if it is no spec's only model, with the parts inside it."""
    if path:
        yield path, call.module.name
    yield from _parts(call.body, path)
