"""What a section says beside its graphs: an average of the weights, an end, what stays, what is dear."""

from __future__ import annotations

from dslc.diagnostics import nearest
from dslc.syntax.tree import Mapping, Scalar, Sequence
from dslc.train.globs import matches
from dslc.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dslc.diagnostics import Report
    from dslc.passes.weights import WeightInfo
    from dslc.syntax.tree import Node
    from dslc.train.averaging import Ema
    from dslc.train.regularizers import Regularizer
    from dslc.train.settings import SettingsReader
    from dslc.train.stopping import EarlyStopping
    from dslc.train.training import Training

OPTION_KEYS = ("regularize", "freeze", "ema", "early_stopping")


@final
class Options:
    """What was chosen; `frozen` are globs of weights that are not trained."""

    __slots__ = ("average", "frozen", "regularizers", "stopping")

    def __init__(
        self,
        regularizers: tuple[Regularizer, ...] = (),
        frozen: tuple[str, ...] = (),
        average: Ema | None = None,
        stopping: EarlyStopping | None = None,
    ) -> None:
        self.regularizers = regularizers
        self.frozen = frozen
        self.average = average
        self.stopping = stopping


def read_options(reader: SettingsReader, fields: Mapping) -> Options:
    """The options of a section; what is wrong is reported and left out."""
    return Options(
        read_regularizers(reader, fields.get("regularize")),
        tuple(item.text for item in texts(fields.get("freeze"), reader)),
        read_average(reader, fields),
        read_stopping(reader, fields),
    )


def read_regularizers(reader: SettingsReader, node: Node | None) -> tuple[Regularizer, ...]:
    """What is added to the loss for weights, one or a list."""
    if node is None:
        return ()
    from dslc.train.regularizers import Regularizer

    nodes = node.items if isinstance(node, Sequence) else [node]
    found = [reader.choice(Regularizer, item) for item in nodes]
    return tuple(part for part in found if part is not None)


def read_average(reader: SettingsReader, fields: Mapping) -> Ema | None:
    """The average of the weights, if one is kept."""
    key, value = fields.key("ema"), fields.get("ema")
    if key is None or value is None:
        return None
    from dslc.train.averaging import Ema

    found = reader.made(Ema, key, value)
    return found if isinstance(found, Ema) else None


def read_stopping(reader: SettingsReader, fields: Mapping) -> EarlyStopping | None:
    """When training ends before its last epoch, if it may."""
    key, value = fields.key("early_stopping"), fields.get("early_stopping")
    if key is None or value is None:
        return None
    from dslc.train.stopping import EarlyStopping

    found = reader.made(EarlyStopping, key, value)
    return found if isinstance(found, EarlyStopping) else None


def texts(node: Node | None, reader: SettingsReader) -> Iterator[Scalar]:
    """The globs of a list, or one alone."""
    if node is None:
        return
    for item in node.items if isinstance(node, Sequence) else [node]:
        if reader.text(item, "a glob of weights") is not None and isinstance(item, Scalar):
            yield item


def check_options(training: Training, fields: Mapping, report: Report) -> None:
    """Compares globs with the weights that are there, and the stopping figure with the figures."""
    options = training.options
    everything = training.weights()
    candidates = [info for info in everything if info.role in ("trained", "frozen")]
    check_globs(options.frozen, fields.get("freeze"), candidates, report, "weight")
    trained = [info for info in everything if info.role == "trained" and info.tied is None]
    for regularizer in options.regularizers:
        check_globs(regularizer.of, fields.get("regularize"), trained, report)
    if options.stopping is not None:
        check_stopping(training, options.stopping, fields, report)


def check_stopping(
    training: Training, stopping: EarlyStopping, fields: Mapping, report: Report
) -> None:
    """Reports a figure that no evaluation gives."""
    node = fields.get("early_stopping")
    assert node is not None
    known = figures(training)
    if stopping.metric not in known:
        close = nearest(stopping.metric, known)
        help = f"did you mean `{close}`?" if close else f"there are {', '.join(known)}"
        message = f"no figure is called `{stopping.metric}`"
        at = found_below(node, stopping.metric) or node
        report.error("E0825", at.span, message, help=help)
    elif not training.data.split:
        message = "early stopping looks at held-out rows, and `split: 0` holds none out"
        help = "give `data` a `split`, such as 0.2"
        report.error("E0825", node.span, message, help=help)


def figures(training: Training) -> list[str]:
    """The names of what an evaluation gives."""
    found: list[str] = []
    for phase in training.phases:
        before = f"{phase.name}_" if phase.name else ""
        found += [f"{before}{name}" for name, _ in phase.graph.outputs]
    return found


def check_globs(
    globs: Iterable[str],
    node: Node | None,
    weights: list[WeightInfo],
    report: Report,
    what: str = "trained weight",
) -> None:
    """Reports each glob that matches no weight, where it stands."""
    for glob in globs:
        if glob == "**" or any(matches(glob, info.path) for info in weights):
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
    parts = node.items if isinstance(node, Sequence) else [value for _, value in node.entries]
    return next((found for part in parts if (found := found_below(part, text))), None)
