"""`data.py` of a project: what a spec's data need of the runtime, and its own reading and changing.

The runtime's files are real modules, typed and tested as they stand. From them come the definitions that
the project reaches, with their flags decided; the rest is left out.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, final

from dslc.emit.backend import BuildError
from dslc.emit.data_steps import TOKENS, Stages
from dslc.emit.header import header
from dslc.emit.name_uses import used_names
from dslc.emit.python import Function, Line, Module, Parameter, Raw, names_below, to_source
from dslc.emit.template import Template
from dslc.syntax.expressions import number_text
from dslc.train.sources import suffix_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dslc.emit.python import Statement
    from dslc.train.changes import Change
    from dslc.train.training import Training

RUNTIME = Path(__file__).parents[1] / "train" / "runtime"
PARTS = (
    "data_disk",
    "data",
    "data_order",
    "data_files",
    "data_text_files",
    "data_arrow",
    "data_images",
    "data_text",
    "data_learned",
)
"""The files that `data.py` is made from, in the order in which it has their parts."""

DOC = """The data: read with their types checked, split, and in an order that can be repeated.

The order depends on a seed alone: step k of an epoch takes its k-th batch. So every
framework and every number of devices see the same batches. The split has a seed of its own."""


@final
class DataFile:
    """Writes one `data.py`.

    Args:
        train: The section.
        path: The spec's file, named in the header.
        used: The names that the project's other files import from it.
    """

    def __init__(self, train: Training, used: Iterable[str]) -> None:
        self.train = train
        self.data = train.data
        self.used = set(used)
        self.stages = Stages(train.data)
        stages = self.stages
        self.flags = {
            "AHEAD": self.data.workers > 0,
            "BUCKETS": stages.bucket is not None,
            "CHANGES": bool(stages.late),
            "JOINED": self.data.is_mapped
            and any(isinstance(column.source, tuple) for column in train.columns.values()),
            "LISTS": any(raw.form == "tokens" for raw in self.data.raws.values()),
            "MAPPED": self.data.is_mapped,
            "MIXES": stages.mixes is not None,
            "PLAIN": stages.is_plain,
            "SETTLES": bool(stages.settled),
            "SHUFFLES": self.data.shuffle,
            "TEXTS": any(raw.form == "text" for raw in self.data.raws.values()),
        }

    def source(self) -> str:
        """The text of the file."""
        own = self.own()
        module = Module(f"{header(self.train.program, DOC)}")
        wanted = reached(self.flags, {*self.used, *used_names(own.values())} - own.keys())
        constants = [part for part in wanted if isinstance(part, Line)]
        for path in map(part_path, PARTS):
            for statement in Template(path, {}).imports():
                if not statement.startswith("from data "):
                    module.require(statement)
        module.add(*constants)
        if self.flags["AHEAD"]:
            module.add(Line(f"WORKERS = {self.data.workers}", "threads that make batches"))
        module.add(*(part for part in wanted if not isinstance(part, Line)), *own.values())
        module.prune_imports()
        return to_source(module)

    def own(self) -> dict[str, Function]:
        """The functions that the spec's data decide."""
        stages = self.stages
        arrays, learned = Parameter("arrays", "Arrays"), Parameter("learned", "Learned")
        batch, draws = Parameter("batch", "Arrays"), Parameter("draws", "Draws")
        found = [self.load()]
        if stages.learned:
            found.append(self.learn())
            doc = "Rows with what is done to them once, by what was learned."
            found.append(
                self.changed("prepare", [arrays, learned], doc, stages.prepared, draws=False)
            )
        if stages.late:
            doc = "The rows of a training batch with what is done to them anew in every epoch."
            found.append(self.changed("augment", [batch, draws], doc, stages.late, draws=True))
        if stages.settled:
            found.append(self.settle())
        if stages.mixes is not None:
            found.append(self.mix())
        if stages.bucket is not None:
            found += self.buckets()
        return {function.name: function for function in found}

    def changed(
        self,
        name: str,
        parameters: list[Parameter],
        doc: str,
        changes: list[Change],
        *,
        draws: bool,
    ) -> Function:
        """A function that changes columns."""
        lines: list[Statement] = [Line(f"found = {{**{parameters[0].name}}}")]
        lines += self.stages.lines(changes, "found", draws=draws)
        return Function(name, parameters, "Arrays", doc, [*lines, Line("return found")])

    def load(self) -> Function:
        """`load`: reads, checks, and does what needs nothing else."""
        parameters = [Parameter("source", "str"), Parameter("columns", "Mapping[str, Column]")]
        if self.data.cache == "disk":
            parameters.append(Parameter("store", "Path"))
        read = f"checked(source, {self.reading()}, columns)"
        doc = "Reads what training takes, and checks its types."
        if self.data.cache == "disk":
            doc = "Reads what training takes into files in `store`, and checks its types."
        lines: list[Statement] = [Line(f"return {read}")]
        changes = self.stages.loaded
        sized = [name for name in self.data.raws if self.reads_resized(name)]
        changes = [c for c in changes if c.transform.name != "resize" or c.columns[0] not in sized]
        if changes or self.stages.crops():
            lines = [Line(f"found = {read}")]
            lines += self.stages.lines(changes, "found", draws=False)
            for column, crop in self.stages.crops():
                if crop.values["random"]:
                    size = f"{crop.values['to']}, {crop.values['padding']}"
                    lines.append(Line(f"check_room(found[{column!r}], {size})"))
            lines.append(Line("return found"))
        return Function("load", parameters, "Arrays", doc, lines)

    def reads_resized(self, name: str) -> bool:
        """Whether images are brought to their size as they are read."""
        is_image = self.data.kind_of_source == "images"
        return is_image and self.stages.decoded_size(name) is not None

    def reading(self) -> str:
        """The call that reads the data's own columns."""
        kind, path = self.data.kind_of_source, "Path(source)"
        store = ", store" if self.data.cache == "disk" else ""
        if not self.data.is_path:
            return "read_digits()" if kind == "digits" else "read_table(source)"
        if kind == "npz":
            return f"read_numpy({path})"
        if kind == "arrays":
            return f"read_mapped({path})"
        if kind == "csv":
            texts = self.texts()
            if store:
                rest = f", {texts!r}" if texts else ""
                return f"read_csv_to_disk({path}, sources_of(columns){store}{rest})"
            if texts:
                return f"read_csv_with_texts({path}, sources_of(columns), {texts!r})"
            return f"read_csv({path}, sources_of(columns))"
        if kind in ("parquet", "dataset"):
            uneven = [*self.texts(), *self.texts("tokens")] if store else []
            rest = f", {uneven!r}" if uneven else ""
            return f"read_{kind}({path}, sources_of(columns){store}{rest})"
        if kind == "images":
            return self.reading_images(store)
        if suffix_of(self.data.source) == ".txt":
            read = "whole" if self.stages.has_windows else "lines"
            return f"read_{read}_to_disk({path}{store})" if store else f"read_{read}({path})"
        return f"read_texts({path}{store})"

    def reading_images(self, store: str) -> str:
        """The call that reads images by class."""
        name = next((n for n, raw in self.data.raws.items() if raw.is_image), None)
        if name is None:
            raise BuildError("no input takes the images of the data")
        size = self.stages.decoded_size(name)
        options = f", {size}" if size is not None else ", None" if store else ""
        return f"read_images(Path(source), {self.data.raws[name].shape[0]}{options}{store})"

    def texts(self, form: str = "text") -> list[str]:
        """The columns of the data that hold texts, or tokens."""
        found: list[str] = []
        for name, raw in self.data.raws.items():
            column = self.train.columns[name].source
            if raw.form == form and isinstance(column, str):
                found.append(column)
        return found

    def learn(self) -> Function:
        """`learn`: what the training rows say."""
        rows: list[str] = []
        for change in self.stages.learned:
            (column,), values = change.columns, change.transform.values
            rows_of = f"training[{column!r}]"
            name, key = change.transform.name, column
            if name == "normalise":
                text = f"statistics({rows_of})"
            elif name == "weigh":
                key, text = values["to"], f"class_weights({rows_of}, {change.classes})"
            elif values["file"] is not None:
                file = f'Path(__file__).with_name("{column}.vocabulary.txt")'
                text = f"read_vocabulary({file})"
            else:
                text = f"vocabulary_of(map({TOKENS[values['by']]}, {rows_of}), {values['size']})"
            rows.append(f"{key!r}: {text}")
        whole = self.stages.before_split
        doc = "What the text says." if whole else "What the training rows alone say."
        lines = [Line(f"return {{{', '.join(rows)}}}")]
        return Function("learn", [Parameter("training", "Arrays")], "Learned", doc, lines)

    def settle(self) -> Function:
        """`settle`: held-out rows as they are measured."""
        doc = "Held-out rows as they are measured: the same in every epoch."
        parameters = [Parameter("batch", "Arrays"), Parameter("draws", "Draws")]
        changes = self.stages.settled
        masks = any(change.transform.name == "mask" for change in changes)
        lines: list[Statement] = [] if masks else [Line("del draws", "nothing is drawn")]
        lines.append(Line("found = {**batch}"))
        for change in changes:
            drawn = change.transform.name == "mask"
            lines += self.stages.lines([change], "found", draws=drawn)
        return Function("settle", parameters, "Arrays", doc, [*lines, Line("return found")])

    def mix(self) -> Function:
        """`mix`: two batches as one."""
        change = self.stages.mixes
        assert change is not None
        alpha = number_text(change.transform.values["alpha"])
        parts = [
            f"{name!r}: mixed(batch[{name!r}], others[{name!r}], draws, {alpha})"
            for name in change.columns
        ]
        parameters = [Parameter(name, "Arrays") for name in ("batch", "others")]
        return Function(
            "mix",
            [*parameters, Parameter("draws", "Draws")],
            "Arrays",
            "Rows mixed with others.",
            [Line(f"return {{**batch, {', '.join(parts)}}}")],
        )

    def buckets(self) -> list[Function]:
        """`bucket_of` and `cut`: the length that a row has in a batch."""
        change = self.stages.bucket
        assert change is not None
        (name,), values = change.columns, change.transform.values
        sizes = values["sizes"]
        find = f"bucket_number(arrays[{name!r}], {values['value']}, {sizes})"
        if self.data.is_mapped:
            parts = f"bucket_number(rows, {values['value']}, {sizes})"
            find = f"np.concatenate([{parts} for rows in chunks(arrays[{name!r}])])"
        return [
            Function(
                "bucket_of",
                [Parameter("arrays", "Arrays")],
                "Array",
                "The length that each row has in a batch.",
                [Line(f"return {find}")],
            ),
            Function(
                "cut",
                [Parameter("batch", "Arrays"), Parameter("length", "int")],
                "Arrays",
                "Rows up to a length.",
                [Line(f"return {{**batch, {name!r}: batch[{name!r}][:, :length]}}")],
            ),
        ]


def data_source(train: Training, sources: Iterable[str]) -> str:
    """The text of `data.py` for a project.

    Args:
        train: The section.
        sources: The project's other files, of which some import from it.
    """
    used = {
        alias.name
        for text in sources
        if "from data import" in text
        for node in ast.parse(text).body
        if isinstance(node, ast.ImportFrom) and node.module == "data"
        for alias in node.names
    }
    return DataFile(train, used).source()


def part_path(name: str) -> Path:
    """A file of the runtime."""
    return RUNTIME / f"{name}.py"


def reached(flags: Mapping[str, bool], roots: set[str]) -> list[Statement]:
    """The definitions of the runtime that names lead to, in order."""
    known = definitions(tuple(sorted(flags.items())))
    wanted: dict[str, Statement] = {}
    pending = [*roots]
    while pending:
        name = pending.pop()
        if name in known and name not in wanted:
            wanted[name], names = known[name].made()
            pending += names
    return [wanted[name] for name in known if name in wanted]


@cache
def definitions(flags: tuple[tuple[str, bool], ...]) -> dict[str, Definition]:
    """Every definition of the runtime's files."""
    found: dict[str, Definition] = {}
    for path in map(part_path, PARTS):
        template = Template(path, dict(flags))
        for node in template.tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found[node.name] = Definition(template, node)
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
                if name not in template.flags and name != "WORKERS":
                    found[name] = Definition(template, node)
    return found


class Definition(NamedTuple):
    """A function, class or constant of the runtime."""

    template: Template
    node: ast.FunctionDef | ast.ClassDef | ast.Assign

    def made(self) -> tuple[Statement, set[str]]:
        """What stands for it, its flags decided, and the names that it uses."""
        template, node = self
        names = names_below(node)
        if isinstance(node, ast.Assign):
            return Line(template.code(node)), names
        if not names.intersection(template.flags):
            return Raw(template.segment(node)), names | quoted(node)
        statement = template.definition(node.name)
        return statement, used_names([statement]) | quoted(node)


def quoted(node: ast.AST) -> set[str]:
    """The classes that annotations name in quotes."""
    return {
        part.value
        for part in ast.walk(node)
        if isinstance(part, ast.Constant)
        and isinstance(part.value, str)
        and part.value.isidentifier()
    }
