"""`train.data`: where the columns come from, and which rows are held out.

What the built-in sets hold is known here, so that a column of the wrong type is found before
anything is loaded. Files are checked in the same way when they are read, by the project itself.
"""

from __future__ import annotations

from dslc.diagnostics import nearest
from dslc.ops.attributes import Integer, Maybe, Number
from dslc.syntax.tree import Mapping, Scalar
from dslc.train.choices import Choice, Text
from dslc.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Mapping as ReadOnly

    from dslc.ir.types import TensorType
    from dslc.source import Span
    from dslc.syntax.tree import Node
    from dslc.train.settings import SettingsReader

BUILT_IN: dict[str, dict[str, tuple[str, tuple[int, ...], int | None]]] = {
    "digits": {"image": ("f32", (1, 8, 8), None), "label": ("i64", (), 10)},
    "wine": {"features": ("f32", (13,), None), "label": ("i64", (), 3)},
    "breast_cancer": {"features": ("f32", (30,), None), "label": ("i64", (), 2)},
    "iris": {"features": ("f32", (4,), None), "label": ("i64", (), 3)},
    "diabetes": {"features": ("f32", (10,), None), "target": ("f32", (), None)},
}
"""scikit-learn's sets: each column's dtype, the shape of a row, and the number of classes."""


class Data(Choice):
    """Where the columns come from: a built-in set, or a file or folder below the spec's own."""

    kind = "data"
    source = Text(doc="a built-in set, or the path of an .npz, .npy or .csv file")
    split = Number(0.2, doc="the share of the rows that is held out", minimum=0, below=1)
    split_seed = Integer(
        0, doc="which rows are held out; training's own seed moves none", minimum=0
    )
    stratify = Maybe(Text(doc="a column whose values keep their shares on both sides"))

    @property
    def is_path(self) -> bool:
        """Whether the source is a file or folder and no built-in set."""
        return self.source not in BUILT_IN


@final
class Column:
    """One column: the data's own names for it, its type, and a bound on its integers.

    Attributes:
        source: The column of the data, or several of a table, side by side.
        type: The type of a batch of it; the first axis is the batch.
        below: For class numbers and ids, how many there are; None where any will do.
        span: Where the type was declared.
    """

    __slots__ = ("below", "source", "span", "type")

    def __init__(self, source: str | tuple[str, ...], type: TensorType, span: Span) -> None:
        self.source = source
        self.type = type
        self.below: int | None = None
        self.span = span


class DataReader:
    """Reads `train.data`; the sources of columns wait until the columns' types are known."""

    def __init__(self, reader: SettingsReader, node: Node) -> None:
        self.reader = reader
        self.report = reader.report
        self.node = node
        self.fields = node if isinstance(node, Mapping) else Mapping([], node.span)

    def read(self) -> Data | None:
        """The source and the split; None after an error."""
        node = self.node
        if isinstance(node, Scalar) and node.value is not None:
            self.fields = Mapping([(Scalar("source", "plain", node.span), node)], node.span)
        elif not isinstance(node, Mapping):
            self.report.error("E0603", node.span, "`data` is a source, or a mapping with one")
            return None
        found = self.reader.settings(Data, self.fields, "`data`", ("columns",))
        if found is not None and not self.is_inside(found.source):
            span = self.span("source")
            message = f"the path {found.source!r} leads out of the spec's folder"
            self.report.error("E0811", span, message, help="put the data beside the spec or below")
        return found

    def is_inside(self, source: str) -> bool:
        """Whether a path stays below the spec's folder."""
        parts = source.replace("\\", "/").split("/")
        return bool(parts[0]) and ".." not in parts and ":" not in parts[0]

    def span(self, key: str) -> Span:
        """Where a key's value stands, or the section where it is not given."""
        value = self.fields.get(key)
        return self.fields.span if value is None else value.span

    def sources(self, inputs: ReadOnly[str, object]) -> dict[str, str | tuple[str, ...]]:
        """Which column of the data feeds which input; by default the one of the same name."""
        found: dict[str, str | tuple[str, ...]] = {name: name for name in inputs}
        fields = self.reader.mapping(self.fields.get("columns"), "`columns`")
        for key, value in fields.entries if fields is not None else ():
            if key.text not in inputs:
                close = nearest(key.text, inputs)
                help = f"did you mean `{close}`?" if close else f"there are {', '.join(inputs)}"
                message = f"training has no input `{key.text}`"
                self.report.error("E0812", key.span, message, help=help)
                continue
            nodes = [value] if isinstance(value, Scalar) else self.reader.items(value, "a column")
            texts = [text for item in nodes if (text := self.reader.text(item, "a column"))]
            if isinstance(value, Scalar) and texts:
                found[key.text] = texts[0]
            elif texts:
                found[key.text] = tuple(texts)
        return found

    def check(self, data: Data, columns: dict[str, Column]) -> None:
        """Compares columns of a built-in set with their types, and looks for `stratify`."""
        known = BUILT_IN.get(data.source)
        for name, column in columns.items():
            if known is not None:
                self.check_built_in(data.source, known, name, column)
        if data.stratify is None:
            return
        chosen = columns.get(data.stratify)
        if chosen is None or chosen.type.rank != 1 or chosen.type.dtype[0] not in "iu":
            names = [n for n, c in columns.items() if c.type.rank == 1 and c.type.dtype[0] in "iu"]
            help = f"there is {', '.join(names)}" if names else "leave it out"
            message = f"`stratify` takes a column of class numbers, not `{data.stratify}`"
            self.report.error("E0813", self.span("stratify"), message, help=help)

    def check_built_in(
        self,
        source: str,
        known: dict[str, tuple[str, tuple[int, ...], int | None]],
        name: str,
        column: Column,
    ) -> None:
        """One column against what a built-in set is known to hold."""
        wanted = column.source
        if isinstance(wanted, tuple) or wanted not in known:
            shown = wanted if isinstance(wanted, str) else ", ".join(wanted)
            help = f"it has {', '.join(known)}: `columns: {{{name}: …}}` says which"
            message = f"`{source}` has no column `{shown}`"
            self.report.error("E0812", self.column_span(name, column), message, help=help)
            return
        dtype, shape, classes = known[wanted]
        row = column.type.shape[1:]
        fits = len(row) == len(shape) and all(
            size == other for size, other in zip(row, shape, strict=True) if isinstance(size, int)
        )
        if not fits or (dtype[0] == "f") != (column.type.dtype[0] in "fb"):
            sizes = "".join(f", {size}" for size in shape)
            message = f"`{wanted}` of `{source}` is {dtype}[N{sizes}], not {column.type}"
            self.report.error("E0814", self.column_span(name, column), message)
        elif classes is not None and column.below is not None and column.below < classes:
            message = f"`{wanted}` of `{source}` has {classes} classes, and only {column.below} fit"
            self.report.error("E0814", self.column_span(name, column), message)

    def column_span(self, name: str, column: Column) -> Span:
        """Where a column was chosen, or declared where it was not."""
        fields = self.fields.get("columns")
        value = fields.get(name) if isinstance(fields, Mapping) else None
        return column.span if value is None else value.span
