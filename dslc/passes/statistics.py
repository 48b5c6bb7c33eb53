"""Batch norms in training: each needs more than one value per channel, or nothing is left of it."""

from __future__ import annotations

from dslc.diagnostics import Label
from dslc.ir.dims import substitute
from dslc.ops.base import explain
from dslc.ops.shapes import product
from dslc.passes.doubts import rounds_by_step
from dslc.passes.weights import sites
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dslc.diagnostics import Report
    from dslc.ir.dims import DimLike
    from dslc.ir.facts import Facts
    from dslc.ir.instance import Instance, Iteration
    from dslc.passes.pipeline import Part
    from dslc.passes.weights import Site
    from dslc.source import Span
    from dslc.train.training import Phase


def warn_statistics(part: Part, report: Report) -> None:
    """Warns about a batch norm that only use can compute, whatever the sizes."""
    for site, count in scarce(part.instance, part.facts, {}):
        if count == 1:
            message = (
                "this `batch_norm` has one value per channel, and training leaves nothing of it"
            )
            help = "write `freeze: true` at the step where the net is only used"
            report.warning("W0112", site.step.span, message, help=help)


def check_statistics(phase: Phase, batch: int, place: Span, report: Report) -> None:
    """Reports a batch norm that is not shown to see two values of each channel in training.

    The rows of a step are known here, so only a batch of one row asks anything of the other axes.

    Args:
        phase: The graph that trains.
        batch: The rows of a step.
        place: Where the spec says so.
        report: Takes what is found.
    """
    axes = [size for type in phase.instance.inputs.values() for size in type.shape[:1]]
    known = {str(size): batch for size in axes if not isinstance(size, int)}
    for site, count in scarce(phase.instance, phase.facts, known):
        shown = "one value" if count == 1 else f"{count} values"
        message = f"with a batch of {batch} this `batch_norm` has {shown} per channel"
        help = "train on more rows at a time, or `freeze: true` where the statistics are given"
        code, labels = "E0843", [Label(place, "the rows of a step")]
        if not isinstance(count, int):
            code, message, help = explain(phase.facts, (">=", count, 2), code, message, help)
        report.error(code, site.step.span, message, help=help, labels=labels)


def scarce(
    instance: Instance, facts: Facts, sizes: Mapping[str, DimLike]
) -> Iterator[tuple[Site, DimLike]]:
    """The batch norms that may see one value of each channel, and how many they see.

    A frozen one uses its running statistics. Only where there is one is the model unrolled.
    """
    known: dict[tuple[DimLike, ...], DimLike | None] = {}

    def few(run: Iteration | None) -> DimLike | None:
        """How many values of a channel a batch norm sees, where two are not shown."""
        type = run.inputs[0] if run is not None and run.inputs else None
        if run is None or run.op is None or run.op.name != "batch_norm" or type is None:
            return None
        axes = type.shape[0], *type.shape[2:]
        if axes not in known:
            count = facts.simplify(substitute(product(axes), sizes))
            known[axes] = None if facts.decide(">=", count, 2).shown else count
        return known[axes]

    runs = (run for found in rounds_by_step(instance).values() for run in dict.fromkeys(found))
    if all(few(run) is None for run in runs):
        return
    for site in sites(instance):
        values = few(site.iteration)
        if not site.frozen and values is not None:
            yield site, values
