"""The `weights` section: a file to start from, and how its names become the model's.

It is read without the file, which may lie on another machine; `dslc.weights.matching` compares the
two. Globs are those of weight paths: `*` is one part or some of one, `**` any number of parts.
"""

from __future__ import annotations

from dslc.diagnostics import quote
from dslc.ir.reading import Reader
from dslc.ir.record import Record
from dslc.syntax.tree import Mapping, Scalar, Sequence
from dslc.train.globs import wildcards
from dslc.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from dslc.source import Span
    from dslc.syntax.tree import Node

KEYS = ("file", "rename", "new", "drop", "transpose")
FUSED_KEYS = ("to", "split")
MOST_PARTS, MOST_STARS = 64, 16


@final
class Glob(Record):
    """A glob of weight paths, and where it stands."""

    unlike = ("span",)
    text: str
    span: Span


@final
class Rename(Record):
    """What some of the file's names are in the model; several targets are the parts of a split.

    `split` is the axis along which an array is cut into its targets; None where there is one.
    """

    source: Glob
    targets: tuple[Glob, ...]
    split: int | None = None


@final
class Given(Record):
    """A whole section: `drop`, `transpose` and the sources are the file's names, `new` the model's."""

    file: str
    span: Span
    rename: tuple[Rename, ...] = ()
    new: tuple[Glob, ...] = ()
    drop: tuple[Glob, ...] = ()
    transpose: tuple[Glob, ...] = ()


class GivenReader(Reader):
    """Reads the section."""

    def read(self, node: Node) -> Given | None:
        """The section; None where it has no file to speak of, which is reported."""
        fields = node if isinstance(node, Mapping) else Mapping([], node.span)
        if isinstance(node, Scalar) and node.text and node.value is not None:
            fields = Mapping([(Scalar("file", "plain", node.span), node)], node.span)
        elif isinstance(node, Sequence):
            help = "write `weights: {file: start.safetensors}`"
            message = "`weights` is a file, or a mapping with one"
            self.report.error("E0603", node.span, message, help=help)
            return None
        self.only_keys(fields, KEYS, "`weights`")
        file = self.file(fields)
        renames = self.mapping(fields.get("rename"), "`rename`")
        entries = renames.entries if renames is not None else []
        found = [self.rename(key, value) for key, value in entries]
        globs = {name: self.globs(fields, name) for name in ("new", "drop", "transpose")}
        if file is None:
            return None
        return Given(file, fields.span, tuple(item for item in found if item is not None), **globs)

    def file(self, fields: Mapping) -> str | None:
        """The path of the file, which stays below the spec's folder."""
        node = fields.get("file")
        if node is None or (isinstance(node, Scalar) and not node.text):
            help = "write `weights: {file: start.safetensors}`"
            if not any(key.text not in KEYS for key, _ in fields.entries):
                self.report.error("E1101", fields.span, "`weights` names no file", help=help)
            return None
        path = self.text(node, "`file`")
        parts = (path or "").replace("\\", "/").split("/")
        if path is not None and (not parts[0] or ".." in parts or ":" in parts[0]):
            message = f"the path {path!r} leads out of the spec's folder"
            self.report.error(
                "E1102", node.span, message, help="put the file beside the spec or below"
            )
            return None
        return path

    def globs(self, fields: Mapping, name: str) -> tuple[Glob, ...]:
        """A list of globs, or one alone."""
        node = fields.get(name)
        nodes = [node] if isinstance(node, Scalar) and node.text else self.items(node, f"`{name}`")
        found = [self.glob(item) for item in nodes]
        return tuple(item for item in found if item is not None)

    def glob(self, node: Node) -> Glob | None:
        """One glob."""
        text = self.text(node, "a glob of weight paths")
        if text is None:
            return None
        parts = text.split(".")
        if (
            not all(parts)
            or "***" in text
            or len(parts) > MOST_PARTS
            or text.count("*") > MOST_STARS
        ):
            message = f"{quote(text)} is no glob of weight paths"
            help = "parts stand between dots: `layer.*.weight`, `head.**`"
            self.report.error("E1103", node.span, message, help=help)
            return None
        return Glob(text, node.span)

    def rename(self, key: Scalar, value: Node) -> Rename | None:
        """`from: to`, or `from: {to: [a, b], split: axis}`."""
        source = self.glob(key)
        targets, split = [value], None
        if isinstance(value, Mapping):
            self.only_keys(value, FUSED_KEYS, f"the rename of `{key.text}`")
            targets, split = self.items(value.get("to"), "`to`"), self.axis(value, key)
            if not targets and not isinstance(value.get("to"), Scalar):
                help = "write `{to: [layer.*.query.weight, layer.*.key.weight], split: 0}`"
                message = "a split names what its parts become"
                self.report.error("E1104", value.span, message, help=help)
        found = [self.glob(node) for node in targets]
        known = tuple(item for item in found if item is not None)
        if source is None or len(known) < len(found) or not known:
            return None
        for target in known:
            if wildcards(target.text) != wildcards(source.text):
                message = f"`{target.text}` has other wildcards than `{source.text}`"
                help = "each `*` and `**` is kept in its place, so both sides have the same ones"
                self.report.error("E1103", target.span, message, help=help)
                return None
        return Rename(source, known, split)

    def axis(self, fields: Mapping, key: Scalar) -> int | None:
        """The axis of a split, 0 unless another is given."""
        node = fields.get("split")
        value = node.value if isinstance(node, Scalar) else 0
        if node is not None and (type(value) is not int or not 0 <= value < 8):
            message = f"`split` is the axis along which `{key.text}` is cut, 0 for its rows"
            self.report.error("E1104", node.span, message)
            return 0
        return value if isinstance(value, int) else 0
