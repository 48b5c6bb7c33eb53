"""What a project's `data.py` does with rows: the spec's transforms as statements.

What is fixed is done once: in `load`, and behind what training rows have to say in `prepare`. What is
drawn, and what stands behind it, is done with each batch: in `augment`, with held-out rows in `settle`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from dslc.emit.python import Line
from dslc.syntax.expressions import number_text
from dslc.train.changes import is_random
from dslc.train.transforms_images import Crop, Mixup, Resize
from dslc.train.transforms_text import Bucket, Window

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dslc.emit.python import Statement
    from dslc.train.changes import Change
    from dslc.train.data import Data

    Write = Callable[["Place", Change], list[str]]

INTEGERS = {f"i{bits}": f"int{bits}" for bits in (8, 16, 32, 64)} | {"u8": "uint8"}
TOKENS = {"words": "words_of", "characters": "list"}


@final
class Place:
    """Where a change is written: the column, and the names of what is at hand there.

    Attributes:
        column: The input.
        arrays: The variable that holds the columns.
        draws: Whether random numbers are at hand, as `draws`.
    """

    def __init__(self, column: str, arrays: str, *, draws: bool, mapped: bool) -> None:
        self.column = column
        self.arrays = arrays
        self.draws = draws
        self.mapped = mapped

    @property
    def value(self) -> str:
        """The column."""
        return self.of(self.column)

    def of(self, name: str) -> str:
        """A column by name."""
        return f"{self.arrays}[{name!r}]"

    def becomes(self, call: Callable[[str], str], name: str | None = None) -> str:
        """A statement that sets a column to what becomes of this one, at once or when it is read."""
        target = self.of(name or self.column)
        if self.mapped and not self.draws:
            return f"{target} = each({self.value}, lambda rows: {call('rows')})"
        return f"{target} = {call(self.value)}"


def resize(place: Place, change: Change) -> list[str]:
    """Images of one size."""
    return [place.becomes(lambda x: f"resized({x}, {change.transform.values['to']})")]


def crop(place: Place, change: Change) -> list[str]:
    """Parts of images."""
    values = change.transform.values
    tail = f"{values['to']}, {values['padding']}"
    if place.draws and values["random"]:
        return [place.becomes(lambda x: f"cropped({x}, draws, {tail})")]
    return [place.becomes(lambda x: f"centred({x}, {tail})")]


def flip(place: Place, change: Change) -> list[str]:
    """Mirrored images."""
    axis = {"height": 2, "width": 3}[change.transform.values["axis"]]
    share = number_text(change.transform.values["share"])
    return [place.becomes(lambda x: f"flipped({x}, draws, {axis}, {share})")]


def color(place: Place, change: Change) -> list[str]:
    """Images of other colours."""
    values = change.transform.values
    amounts = [number_text(values[name]) for name in ("brightness", "contrast", "saturation")]
    return [place.becomes(lambda x: f"recoloured({x}, draws, ({', '.join(amounts)}))")]


def scale(place: Place, change: Change) -> list[str]:
    """Numbers times a factor."""
    return [place.becomes(lambda x: f"{x} * {number_text(change.transform.values['by'])}")]


def normalise(place: Place, change: Change) -> list[str]:
    """Numbers of mean 0 and deviation 1."""
    values = change.transform.values
    if change.transform.learns:
        return [place.becomes(lambda x: f"normalised({x}, **learned[{place.column!r}])")]
    mean, std = ([float(item) for item in values[name]] for name in ("mean", "std"))
    return [place.becomes(lambda x: f"normalised({x}, {mean}, {std})")]


def one_hot(place: Place, change: Change) -> list[str]:
    """Rows with a one."""
    assert change.classes is not None
    return [place.becomes(lambda x: f"one_hot({x}, {change.classes})")]


def weigh(place: Place, change: Change) -> list[str]:
    """The weights of classes, row by row."""
    to = change.transform.values["to"]
    return [place.becomes(lambda x: f"weights_of({x}, learned[{to!r}])", to)]


def tokenise(place: Place, change: Change) -> list[str]:
    """Ids of texts."""
    by = change.transform.values["by"]
    known = f"learned[{place.column!r}]"
    if place.mapped:
        call = f"ids_to_disk({place.value}, {TOKENS.get(by)}, {known})"
        return [f"{place.value} = {call if by != 'bytes' else f'as_bytes({place.value})'}"]
    if by == "bytes":
        return [place.becomes(lambda x: f"rows_of(map(bytes_of, {x}))")]
    return [place.becomes(lambda x: f"token_ids(map({TOKENS[by]}, {x}), {known})")]


def window(place: Place, change: Change) -> list[str]:
    """Rows cut from one long one."""
    length = change.transform.values["length"]
    if place.mapped:
        call = f'windows_on_disk({place.value}, {length}, "{integers(change)}")'
        return [f"{place.value} = {call}"]
    return [place.becomes(lambda x: f'windows({x}, {length}, "{integers(change)}")')]


def pad(place: Place, change: Change) -> list[str]:
    """Rows of one length."""
    values = change.transform.values
    longest = values["sizes"][-1] if isinstance(change.transform, Bucket) else values["to"]
    dtype = integers(change)
    lines: list[str] = []
    if values["lengths"] is not None:
        call = f'lengths_of({place.value}, {longest}, "{dtype}")'
        lines.append(f"{place.of(values['lengths'])} = {call}")
    fill = f'{longest}, {values["value"]}, "{dtype}"'
    return [*lines, place.becomes(lambda x: f"filled({x}, {fill})")]


def shift(place: Place, change: Change) -> list[str]:
    """What comes next."""
    to = change.transform.values["to"]
    later, earlier = (
        place.becomes(lambda x, part=part: f"{x}[:, {part}]", name)
        for part, name in (("1:", to), (":-1", None))
    )
    return [later, earlier]


def mask(place: Place, change: Change) -> list[str]:
    """Hidden ids, and what they were."""
    values = change.transform.values
    rate, first = number_text(values["rate"]), values["first"]
    others = f"({number_text(values['random'])}, {number_text(values['keep'])})"
    to, x = place.of(values["to"]), place.value
    return [
        f"{to} = sought({x}, draws, {rate}, {first}, {values['ignore']})",
        f"{x} = masked({x}, draws, {rate}, {values['id']}, {others}, {first})",
    ]


def integers(change: Change) -> str:
    """NumPy's name of the dtype of a column of ids."""
    assert change.after is not None
    return INTEGERS[change.after.dtype]


WRITERS: Mapping[str, Write] = {
    "resize": resize,
    "crop": crop,
    "flip": flip,
    "color": color,
    "scale": scale,
    "normalise": normalise,
    "one_hot": one_hot,
    "weigh": weigh,
    "tokenise": tokenise,
    "window": window,
    "pad": pad,
    "bucket": pad,
    "shift": shift,
    "mask": mask,
}
"""How each transform is written; `mixup` takes two batches and is written apart."""


@final
class Stages:
    """The transforms of a section by when they are done.

    Attributes:
        loaded: As soon as rows are read.
        prepared: With what the training rows say.
        late: With each batch.
        mixes: The columns that are mixed, and how evenly; None where none are.
    """

    def __init__(self, data: Data) -> None:
        self.data = data
        self.loaded: list[Change] = []
        self.prepared: list[Change] = []
        self.late: list[Change] = []
        self.mixes: Change | None = None
        learned: set[str] = set()
        for change in data.changes:
            if isinstance(change.transform, Mixup):
                self.mixes = change
            elif change.late:
                self.late.append(change)
            elif change.transform.learns or learned.intersection(change.columns):
                learned.update(change.columns)
                self.prepared.append(change)
            else:
                self.loaded.append(change)

    @property
    def learned(self) -> list[Change]:
        """What needs something of the training rows."""
        return [change for change in self.prepared if change.transform.learns]

    @property
    def before_split(self) -> bool:
        """Whether the rows that are split are windows, so that all of the text is learned from."""
        return any(isinstance(change.transform, Window) for change in self.prepared)

    @property
    def is_plain(self) -> bool:
        """Whether the rows of a batch are as they are."""
        return not self.late and self.mixes is None and self.bucket is None

    @property
    def has_windows(self) -> bool:
        """Whether rows are cut from the whole text."""
        return any(isinstance(change.transform, Window) for change in self.data.changes)

    @property
    def bucket(self) -> Change | None:
        """What gives the rows of a batch one length."""
        changes = self.data.changes
        return next((c for c in changes if isinstance(c.transform, Bucket)), None)

    @property
    def settled(self) -> list[Change]:
        """What is done with held-out rows when they are read."""
        return [
            c
            for c in self.late
            if c.transform.name in ("crop", "mask") or not is_random(c.transform)
        ]

    def decoded_size(self, column: str) -> tuple[int, int] | None:
        """The size to which images are brought as they are read."""
        first = next((c for c in self.data.changes if column in c.columns), None)
        is_first = first is not None and isinstance(first.transform, Resize)
        return first.transform.values["to"] if is_first and first is not None else None

    def lines(self, changes: list[Change], arrays: str, *, draws: bool) -> list[Statement]:
        """Changes as statements."""
        found: list[Statement] = []
        for change in changes:
            for column in change.columns:
                place = Place(column, arrays, draws=draws, mapped=self.data.is_mapped)
                found += map(Line, WRITERS[change.transform.name](place, change))
        return found

    def crops(self) -> list[tuple[str, Any]]:
        """Columns with the sizes that are cropped from them."""
        return [
            (column, change.transform)
            for change in self.data.changes
            if isinstance(change.transform, Crop)
            for column in change.columns
        ]
