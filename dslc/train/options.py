"""What a section says beside its graphs: an average of the weights, an end, what stays."""

from __future__ import annotations

from dslc.diagnostics import nearest
from dslc.train.places import check_globs, found_below
from dslc.train.thawing import check_thaw, read_frozen
from dslc.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from dslc.diagnostics import Report
    from dslc.syntax.tree import Mapping, Node
    from dslc.train.averaging import Ema
    from dslc.train.lora import Lora
    from dslc.train.settings import SettingsReader
    from dslc.train.stopping import EarlyStopping
    from dslc.train.training import Training

OPTION_KEYS = ("freeze", "lora", "ema", "early_stopping")


@final
class Options:
    """What was chosen.

    Attributes:
        frozen: Globs of weights that are not trained.
        thawing: Globs of weights that are frozen at first, each with how many epochs.
        average: What average of the weights is kept, if one is.
        stopping: When a run ends early, if it may.
        lora: The adapters that alone move, if there are any.
    """

    __slots__ = ("average", "frozen", "lora", "stopping", "thawing")

    def __init__(
        self,
        frozen: tuple[str, ...] = (),
        thawing: tuple[tuple[str, int], ...] = (),
        average: Ema | None = None,
        stopping: EarlyStopping | None = None,
        lora: Lora | None = None,
    ) -> None:
        self.frozen = frozen
        self.thawing = thawing
        self.average = average
        self.stopping = stopping
        self.lora = lora


def read_options(reader: SettingsReader, fields: Mapping) -> Options:
    """The options of a section; what is wrong is reported and left out."""
    return Options(
        *read_frozen(reader, fields.get("freeze")),
        read_average(reader, fields),
        read_stopping(reader, fields),
        read_lora(reader, fields),
    )


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


def read_lora(reader: SettingsReader, fields: Mapping) -> Lora | None:
    """The adapters that alone move, if there are any."""
    key, value = fields.key("lora"), fields.get("lora")
    if key is None or value is None:
        return None
    from dslc.train.lora import Lora

    found = reader.made(Lora, key, value)
    return found if isinstance(found, Lora) else None


def check_options(training: Training, fields: Mapping, report: Report) -> None:
    """Compares globs with the weights that are there, and the stopping figure with the figures."""
    options = training.options
    everything = training.weights()
    candidates = [info for info in everything if info.role in ("trained", "frozen")]
    globs = (*options.frozen, *(glob for glob, _ in options.thawing))
    check_globs(globs, fields.get("freeze"), candidates, report, "weight")
    check_thaw(training, fields.get("freeze"), report)
    if options.lora is not None:
        from dslc.train.lora import check_lora

        check_lora(training, fields, report)
    if training.run.recompute:
        from dslc.train.recomputing import check_recomputed

        check_recomputed(training, fields, report)
    if options.stopping is not None:
        node = fields.get("early_stopping")
        check_figure(training, "early stopping", options.stopping.metric, node, report)


def check_figure(
    training: Training, what: str, metric: str, node: Node | None, report: Report
) -> None:
    """Reports a figure that no evaluation gives; `what` looks at it, and says so at `node`."""
    assert node is not None
    known = figures(training)
    if metric not in known:
        close = nearest(metric, known)
        help = f"did you mean `{close}`?" if close else f"there are {', '.join(known)}"
        message = f"no figure is called `{metric}`"
        at = found_below(node, metric) or node
        report.error("E0825", at.span, message, help=help)
    elif not training.data.split:
        message = f"{what} looks at held-out rows, and `split: 0` holds none out"
        help = "give `data` a `split`, such as 0.2"
        report.error("E0825", node.span, message, help=help)


def figures(training: Training) -> list[str]:
    """The names of what an evaluation gives."""
    found: list[str] = []
    for phase in training.phases:
        before = f"{phase.name}_" if phase.name else ""
        found += [f"{before}{name}" for name, _ in phase.graph.outputs]
    return found
