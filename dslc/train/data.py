"""`train.data`: where the columns come from, and which rows are held out.

What the built-in sets hold is known here, so that a column of the wrong type is found before
anything is loaded. Files are checked in the same way when they are read, by the project itself.
"""

from __future__ import annotations

from dslc.diagnostics import nearest
from dslc.ops.attributes import Boolean, Integer, Maybe, Number, Word
from dslc.syntax.tree import Mapping, Scalar
from dslc.train.choices import Choice, Text
from dslc.train.raw import raw_of
from dslc.train.sources import (
    BUILT_IN,
    COLUMNS,
    FORMATS,
    HOLDS_LISTS,
    HOLDS_TEXT,
    ON_DISK,
    format_of,
    suffix_of,
)
from dslc.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Mapping as ReadOnly

    from dslc.ir.types import TensorType
    from dslc.source import Span
    from dslc.syntax.tree import Node
    from dslc.train.changes import Change
    from dslc.train.raw import Raw
    from dslc.train.settings import SettingsReader


class Data(Choice):
    """Where the columns come from: a built-in set, or a file or folder below the spec's own."""

    kind = "data"
    source = Text(doc="a built-in set, or the path of a file or folder")
    format = Maybe(Word(words=tuple(FORMATS), doc="what it is, where its name does not say it"))
    split = Number(0.2, doc="the share of the rows that is held out", minimum=0, below=1)
    split_seed = Integer(
        0, doc="which rows are held out; training's own seed moves none", minimum=0
    )
    stratify = Maybe(Text(doc="a column whose values keep their shares on both sides"))
    shuffle = Boolean(True, doc="whether each epoch has an order of its own; else that of the data")
    cache = Word(
        "memory",
        words=("memory", "disk"),
        doc="where rows are kept once they are read; `disk` for what is larger than memory",
    )
    workers = Integer(
        0, doc="threads that make the next batches while a step runs", minimum=0, maximum=64
    )

    def __init__(self, values: ReadOnly[str, object]) -> None:
        super().__init__(values)
        self.changes: list[Change] = []
        self.raws: dict[str, Raw] = {}

    @property
    def is_path(self) -> bool:
        """Whether the source is a file or folder and no built-in set."""
        return self.source not in BUILT_IN

    @property
    def kind_of_source(self) -> str:
        """The format that is read, or the built-in set's name."""
        if not self.is_path:
            return self.source
        texts = any(raw.form == "text" for raw in self.raws.values())
        images = any(raw.is_image for raw in self.raws.values())
        return format_of(self.source, self.format, images, texts) or "npz"

    @property
    def is_mapped(self) -> bool:
        """Whether columns stay on disk."""
        return self.kind_of_source == "arrays" or self.cache == "disk"


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
        found = self.reader.settings(Data, self.fields, "`data`", ("columns", "transforms"))
        changes = self.changes()
        if found is None or changes is None:
            return None
        found.changes = changes
        if not self.is_inside(found.source):
            self.refuse_outside(found.source, self.span("source"))
        else:
            self.check_source(found)
        for change in changes:
            file = change.transform.values.get("file")
            if file is not None and not self.is_inside(file):
                self.refuse_outside(file, change.span)
        return found

    def refuse_outside(self, path: str, span: Span) -> None:
        """Reports a path that leaves the spec's folder."""
        message = f"the path {path!r} leads out of the spec's folder"
        self.report.error("E0811", span, message, help="put the data beside the spec or below")

    def changes(self) -> list[Change] | None:
        """The transforms; None after an error."""
        node = self.fields.get("transforms")
        if node is None:
            return []
        from dslc.train.changes import read_changes

        return read_changes(self.reader, node)

    def check_source(self, data: Data) -> None:
        """Reports a source whose format nothing tells, and settings that it cannot have."""
        source, span = data.source, self.span("source")
        if data.is_path and data.format is None:
            suffix = suffix_of(source)
            if suffix and format_of(source, None, False, False) is None:
                message = f"what `{source}` is does not follow from its name"
                help = f"`format` says it: {', '.join(FORMATS)}"
                self.report.error("E0853", span, message, help=help)
            elif not suffix and "/" not in source:
                close = nearest(source, BUILT_IN)
                help = f"did you mean `{close}`?" if close else f"there are {', '.join(BUILT_IN)}."
                message = f"no set is called `{source}`"
                help += f" A folder is written `{source}/`"
                self.report.error("E0853", span, message, help=help)
        elif not data.is_path and data.format is not None:
            message = f"`{source}` ships with scikit-learn and has no `format`"
            self.report.error("E0853", self.span("format"), message)

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
        """Goes back through the transforms, and compares what the data have to hold with them."""
        data.raws = {name: raw_of(column) for name, column in columns.items()}
        if data.changes:
            from dslc.train.changes import raw_columns

            raws = raw_columns(data.changes, columns, self.report)
            if raws is None:
                return
            data.raws = raws
        for name, raw in data.raws.items():
            if data.source in BUILT_IN:
                self.check_built_in(data.source, BUILT_IN[data.source], name, columns[name], raw)
            else:
                self.check_format(data.kind_of_source, name, columns[name], raw)
        if data.cache == "disk" and data.kind_of_source not in ON_DISK:
            message = f"the rows of `{data.kind_of_source}` are not kept on disk"
            help = f"that is for {', '.join(ON_DISK)}; `.npy` files are mapped as they are"
            self.report.error("E0853", self.span("cache"), message, help=help)
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
        raw: Raw,
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
        fits = raw.form == "numbers" and len(raw.shape) == len(shape)
        fits = fits and all(
            size in (None, other) for size, other in zip(raw.shape, shape, strict=True)
        )
        if not fits or (dtype[0] == "f") != (raw.dtype[0] in "fb"):
            sizes = "".join(f", {size}" for size in shape)
            taken = column.type if not self.fields.get("transforms") else raw
            message = f"`{wanted}` of `{source}` is {dtype}[N{sizes}], not {taken}"
            self.report.error("E0814", self.column_span(name, column), message)
        elif classes is not None and raw.below is not None and raw.below < classes:
            message = f"`{wanted}` of `{source}` has {classes} classes, and only {raw.below} fit"
            self.report.error("E0814", self.column_span(name, column), message)

    def check_format(self, kind: str, name: str, column: Column, raw: Raw) -> None:
        """One column against what files of a format can hold."""
        span = self.column_span(name, column)
        wanted = column.source
        known = COLUMNS.get(kind)
        if known is not None and wanted not in known:
            shown = wanted if isinstance(wanted, str) else ", ".join(wanted)
            help = f"it has {', '.join(known)}: `columns: {{{name}: …}}` says which"
            self.report.error("E0812", span, f"`{kind}` has no column `{shown}`", help=help)
            return
        fits = {"image": raw.is_image, "class": raw.is_class, "text": raw.form == "text"}
        if known is not None and isinstance(wanted, str) and not fits[wanted]:
            what = {"image": "f32[N, C, H, W]", "class": "i64[N]", "text": "text"}[wanted]
            help = "`transforms: [{tokenise: bytes}]` makes ids of it" if wanted == "text" else None
            self.report.error("E0814", span, f"`{wanted}` is {what}, not {raw}", help=help)
        elif wanted == "image" and known is not None and raw.shape[0] not in (1, 3, 4):
            message = f"images have 1, 3 or 4 channels, and {raw} does not say which"
            self.report.error("E0814", span, message)
        elif (raw.form == "text" and kind not in HOLDS_TEXT) or (
            raw.form == "tokens" and kind not in HOLDS_LISTS
        ):
            message = f"a source of the format `{kind}` holds no {raw.form}, as `{name}` takes"
            self.report.error("E0814", span, message)

    def column_span(self, name: str, column: Column) -> Span:
        """Where a column was chosen, or declared where it was not."""
        fields = self.fields.get("columns")
        value = fields.get(name) if isinstance(fields, Mapping) else None
        return column.span if value is None else value.span
