"""What is frozen: for good, or in the first epochs of a run."""

from __future__ import annotations

from dslc.ops.attributes import Integer
from dslc.syntax.tree import Mapping, Sequence
from dslc.train.choices import Choice
from dslc.train.places import key_below
from dslc.train.settings import Unread
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from dslc.diagnostics import Report
    from dslc.syntax.tree import Node
    from dslc.train.settings import SettingsReader
    from dslc.train.training import Training


class Thaw(Choice):
    """When frozen weights begin to move."""

    kind = "thaw"
    epochs = Integer(doc="the epochs in which they are frozen", minimum=1)


def read_frozen(
    reader: SettingsReader, node: Node | None
) -> tuple[tuple[str, ...], tuple[tuple[str, int], ...]]:
    """The globs of what is frozen for good, and those of what thaws after some epochs."""
    frozen: list[str] = []
    thawing: list[tuple[str, int]] = []
    if node is None:
        return (), ()
    for item in node.items if isinstance(node, Sequence) else [node]:
        if not isinstance(item, Mapping):
            if (glob := reader.text(item, "a glob of weights")) is not None:
                frozen.append(glob)
            continue
        for key, value in item.entries:
            try:
                epochs = reader.value(Thaw.attributes["epochs"], value)
            except Unread:
                continue
            assert isinstance(epochs, int)
            if key.text not in dict(thawing):
                thawing.append((key.text, epochs))
    return tuple(frozen), tuple(thawing)


def thaws_at(thawing: tuple[tuple[str, int], ...], path: str) -> int:
    """The epoch from which on a weight moves: that of the first glob that matches it."""
    if not thawing:
        return 0
    from dslc.train.globs import matches

    return next((epochs for glob, epochs in thawing if matches(glob, path)), 0)


def check_thaw(training: Training, node: Node | None, report: Report) -> None:
    """Reports weights that would move only after the last epoch of a run."""
    last = training.run.epochs
    for glob, epochs in training.options.thawing:
        if epochs >= last:
            assert node is not None
            message = f"{glob!r} is frozen for {epochs} epochs, and the run has {last}"
            help = f"to freeze it for good, write the glob alone: `freeze: [{glob!r}]`"
            at = key_below(node, glob) or node
            report.error("E0826", at.span, message, help=help)
