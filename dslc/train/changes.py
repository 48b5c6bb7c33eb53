"""The plan of a section's transforms: on which columns each works, and what the data have to hold."""

from __future__ import annotations

from dslc.diagnostics import nearest
from dslc.train.raw import raw_of
from dslc.train.transforms import Misfit, Transform
from dslc.train.transforms_images import Mixup, Normalise, OneHot, Scale
from dslc.train.transforms_text import Bucket, Shift, Window
from dslc.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dslc.diagnostics import Report
    from dslc.source import Span
    from dslc.syntax.tree import Node
    from dslc.train.data import Column
    from dslc.train.raw import Raw
    from dslc.train.settings import SettingsReader

LATE = (Normalise, OneHot, Scale, Shift)
"""What may also be done with the rows of a batch, behind what is random."""


@final
class Change:
    """A transform of a section.

    Attributes:
        transform: It with its settings.
        columns: The inputs that it works on.
        span: Where it stands.
        late: Whether it is done with each batch, behind what draws at random.
        after: What the first of its columns is declared as.
        classes: How many classes its column has, where that is known.
    """

    __slots__ = ("after", "classes", "columns", "late", "span", "transform")

    def __init__(self, transform: Transform, span: Span) -> None:
        self.transform = transform
        self.span = span
        self.columns: tuple[str, ...] = ()
        self.late = False
        self.after: Raw | None = None
        self.classes: int | None = None

    @property
    def made(self) -> dict[str, str]:
        """The inputs that it makes, by the setting that names each."""
        values = self.transform.values
        return {key: values[key] for key in self.transform.makes if values[key] is not None}


def read_changes(reader: SettingsReader, node: Node | None) -> list[Change] | None:
    """The transforms in order; None after an error."""
    found: list[Change] = []
    items = reader.items(node, "`transforms`")
    for item in items:
        transform = reader.choice(Transform, item)
        if transform is not None:
            found.append(Change(transform, item.span))
    return found if len(found) == len(items) else None


def raw_columns(
    changes: Sequence[Change], columns: Mapping[str, Column], report: Report
) -> dict[str, Raw] | None:
    """What each column of the data has to hold, found from the graph's inputs; None after an error."""
    raws = {name: raw_of(column) for name, column in columns.items()}
    for change in reversed(changes):
        try:
            step_back(change, raws, columns)
        except Misfit as misfit:
            report.error(misfit.code, change.span, misfit.message, help=misfit.help)
            return None
    return raws if check_order(changes, raws, report) else None


def step_back(change: Change, raws: dict[str, Raw], columns: Mapping[str, Column]) -> None:
    """Goes from what is behind a transform to what is in front of it."""
    transform = change.transform
    made = change.made
    new = {key: take_away(name, raws, columns) for key, name in made.items()}
    change.columns = chosen(change, raws, columns)
    for name in change.columns:
        raw = raws[name]
        if not transform.fits(raw):
            raise Misfit(f"`{transform.name}` gives {transform.wants}, and `{name}` is {raw} here")
        raws[name] = transform.before(raw)
        change.classes = raws[name].below
    change.after = raw = raws_behind(change, raws, columns)
    for key, found in new.items():
        wanted = transform.made(raw)
        if not alike(found, wanted):
            raise Misfit(f"`{transform.name}` makes `{made[key]}` of type {wanted}, not {found}")


def raws_behind(change: Change, raws: Mapping[str, Raw], columns: Mapping[str, Column]) -> Raw:
    """What the first column of a transform is declared as, with the sizes that it has in front."""
    name = change.columns[0]
    declared = raw_of(columns[name])
    raw = raws[name]
    return raw if raw.form == declared.form and len(raw.shape) == len(declared.shape) else declared


def take_away(name: str, raws: dict[str, Raw], columns: Mapping[str, Column]) -> Raw:
    """An input that a transform makes, so that the data need not hold it."""
    if name in raws:
        return raws.pop(name)
    if name in columns:
        raise Misfit(f"`{name}` is made twice")
    raise unknown(name, columns)


def unknown(name: str, columns: Mapping[str, Column]) -> Misfit:
    """The error for a name that no input has."""
    close = nearest(name, columns)
    help = f"did you mean `{close}`?" if close else f"there are {', '.join(columns)}"
    return Misfit(f"training has no input `{name}`", help, "E0812")


def chosen(
    change: Change, raws: Mapping[str, Raw], columns: Mapping[str, Column]
) -> tuple[str, ...]:
    """The inputs that a transform works on."""
    transform = change.transform
    given = transform.values["of"]
    names = (given,) if isinstance(given, str) else tuple(given or ())
    for name in names:
        if name not in columns:
            raise unknown(name, columns)
        if name not in raws:
            raise Misfit(f"`{name}` is made further down, and not there yet")
    if names:
        return names
    fitting = tuple(name for name, raw in raws.items() if transform.fits(raw))
    if isinstance(transform, Mixup):
        left = [name for name in raws if name not in fitting]
        if left:
            help = f"`one_hot: {{of: {left[0]}}}` and an input of floats, or `of`"
            raise Misfit(f"`mixup` mixes floats, and `{left[0]}` is {raws[left[0]]}", help)
        return fitting
    if len(fitting) != 1:
        names = [f"`{name}` ({raw})" for name, raw in raws.items()]
        what = "no input fits" if not fitting else f"{len(fitting)} inputs fit"
        message = f"{what} `{transform.name}`, which gives {transform.wants}"
        which = "`of` says which; here" if fitting else "here"
        raise Misfit(message, f"{which} there are {', '.join(names)}")
    return fitting


def alike(found: Raw, wanted: Raw) -> bool:
    """Whether an input is declared as what a transform makes."""
    same = (found.form, found.dtype, len(found.shape)) == (
        wanted.form,
        wanted.dtype,
        len(wanted.shape),
    )
    pairs = zip(found.shape, wanted.shape, strict=False)
    return same and all(None in pair or pair[0] == pair[1] for pair in pairs)


def check_order(changes: Sequence[Change], data_columns: Mapping[str, Raw], report: Report) -> bool:
    """Marks what comes behind a random transform, and reports what cannot."""
    drawn: dict[str, str] = {}
    bucketed: set[str] = set()
    ok = True
    for change in changes:
        transform = change.transform
        before = next((drawn[name] for name in change.columns if name in drawn), None)
        random = is_random(transform)
        change.late = random or before is not None
        if isinstance(transform, Window) and len(change.columns) < len(data_columns):
            message = "`window` makes other rows of the text, which further inputs would not follow"
            report.error("E0852", change.span, message, help="train on the text alone")
            ok = False
        if isinstance(transform, Bucket):
            bucketed.update(change.columns)
        elif isinstance(transform, Shift) and bucketed.intersection(change.columns):
            message = "`shift` comes behind `bucket`, whose rows have no one length"
            report.error("E0852", change.span, message, help="use `pad` or `window`")
            ok = False
        elif isinstance(transform, Mixup) and bucketed:
            message = "`mixup` comes with `bucket`, whose rows have no one length"
            report.error("E0852", change.span, message, help="use `pad`")
            ok = False
        if before is not None and not random:
            learns = isinstance(transform, LATE) and not transform.learns
            if before == "mixup" or not learns:
                message = f"`{transform.name}` comes behind `{before}`, which draws in every epoch"
                help = f"put it before `{before}`"
                if isinstance(transform, Normalise) and before != "mixup":
                    help += ", or give `mean` and `std`"
                report.error("E0852", change.span, message, help=help)
                ok = False
        elif before == "mixup":
            message = f"`{transform.name}` comes behind `mixup`"
            report.error("E0852", change.span, message, help="put `mixup` last")
            ok = False
        if random:
            drawn.update(dict.fromkeys((*change.columns, *change.made.values()), transform.name))
    return ok


def is_random(transform: Transform) -> bool:
    """Whether a transform draws anew in every epoch."""
    return transform.is_random or bool(transform.values.get("random") is True)
