"""Globs of a section against the weights that are there, and where they stand in the spec."""

from __future__ import annotations

from dslc.diagnostics import nearest
from dslc.syntax.tree import Mapping, Scalar, Sequence
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dslc.diagnostics import Report
    from dslc.passes.weights import WeightInfo
    from dslc.syntax.tree import Node


def check_globs(
    globs: Iterable[str],
    node: Node | None,
    weights: list[WeightInfo],
    report: Report,
    what: str = "trained weight",
) -> None:
    """Reports each glob that matches no weight, where it stands."""
    narrow = [glob for glob in globs if glob != "**"]
    if not narrow:
        return
    from dslc.train.globs import matches

    for glob in narrow:
        if any(matches(glob, info.path) for info in weights):
            continue
        assert node is not None
        paths = [info.path for info in weights]
        ends = [f"**.{path.rpartition('.')[2]}" for path in paths]
        heads = [f"{path.partition('.')[0]}.**" for path in paths]
        close = nearest(glob, [*paths, *ends, *heads])
        help = f"did you mean `{close}`?" if close else "`**` is any number of parts: `**.bias`"
        at = found_below(node, glob) or node
        report.error("E0815", at.span, f"no {what} matches {glob!r}", help=help)


def found_below(node: Node, text: str) -> Scalar | None:
    """Where a text stands in a piece of the tree."""
    if isinstance(node, Scalar):
        return node if node.text == text else None
    if (key := key_below(node, text)) is not None:
        return key
    parts = node.items if isinstance(node, Sequence) else [value for _, value in node.entries]
    return next((found for part in parts if (found := found_below(part, text))), None)


def key_below(node: Node, text: str) -> Scalar | None:
    """Where a key stands in a piece of the tree."""
    if isinstance(node, Sequence):
        return next((found for item in node.items if (found := key_below(item, text))), None)
    keys = [key for key, _ in node.entries] if isinstance(node, Mapping) else []
    return next((key for key in keys if key.text == text), None)
