"""What the columns of the data must fulfil: one batch axis, and integers that are in range."""

from __future__ import annotations

from dslc.ir.graph import MODULE, CallModule
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from dslc.diagnostics import Report
    from dslc.ir.instance import BodyInstance, Instance
    from dslc.train.data import Column


def check_batch_axis(columns: dict[str, Column], report: Report) -> None:
    """Reports a column whose first axis is not the batch that all share."""
    batch: object = None
    for name, column in columns.items():
        shape = column.type.shape
        first = shape[0] if shape else None
        if batch is None and first is not None and not isinstance(first, int):
            batch = first
        if first is None or isinstance(first, int) or first != batch:
            message = f"the first axis of `{name}` is not the batch: it is {column.type}"
            help = "write the batch as a symbol of its own in front, the same for every column"
            report.error("E0809", column.span, message, help=help)


def find_ceilings(instance: Instance, columns: dict[str, Column]) -> None:
    """Finds how many classes or ids the columns of integers may hold, from the ops they reach."""
    _visit(instance.body, {(MODULE, name): name for name in columns}, columns)


def _visit(
    body: BodyInstance, known: dict[tuple[int, str], str], columns: dict[str, Column]
) -> None:
    """Follows columns through the ops and calls of a body; regions' inputs are left alone."""
    for found in body.steps:
        for iteration in found.iterations:
            if iteration is None:
                continue
            refs = [ref for ref in found.step.inputs if ref is not None]
            names = [known.get((ref.owner, ref.slot)) for ref in refs]
            if iteration.op is not None:
                types = tuple(type for type in iteration.inputs if type is not None)
                for name, ceiling in zip(names, iteration.op.ceilings(*types), strict=False):
                    if name is not None and isinstance(ceiling, int):
                        below = columns[name].below
                        columns[name].below = ceiling if below is None else min(below, ceiling)
                if iteration.op.moves and names[0] is not None:
                    known |= {(found.step.id, slot): names[0] for slot in iteration.outputs}
            elif iteration.call is not None and isinstance(found.step.action, CallModule):
                inputs = [item.name for item in iteration.call.module.inputs]
                inner = {
                    (MODULE, own): name
                    for own, name in zip(inputs, names, strict=False)
                    if name is not None
                }
                if inner:
                    _visit(iteration.call.body, inner, columns)
            for inside in iteration.bodies:
                _visit(inside, known, columns)
