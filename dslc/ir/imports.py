"""`imports`: other specs, read once each however many files import them.

The core opens no file. Who calls it hands in a `SourceLoader`, which gives the text behind a
reference or raises `ImportProblem`; the command line's reads files, an editor's may give texts that
are not saved yet.
"""

from __future__ import annotations

from dslc.diagnostics import Label, Report, SpecError
from dslc.ir.elaborate import Elaborator
from dslc.ir.file_params import unit_of
from dslc.ir.graph import Import
from dslc.ir.reading import Reader, is_snake
from dslc.syntax.reader import read
from dslc.syntax.tree import Mapping, Scalar, Sequence
from dslc.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dslc.ir.graph import OpFile
    from dslc.ir.imported_names import Unit
    from dslc.limits import Limits
    from dslc.source import Source, Span
    from dslc.syntax.tree import Node

    SourceLoader = Callable[[str, str], Source]
    """Gives the spec that a reference means in a file: `load("./blocks.yaml", "nets/net.yaml")`.

    The path of what it gives names the file in messages and tells files apart: one file has one
    path, whichever way it is reached. Raises `ImportProblem` where there is no such spec, and
    `SpecError` where the file is no text.
    """


class ImportProblem(Exception):
    """Why a reference leads to no spec: a code of the catalogue, a message, and what to do."""

    def __init__(self, code: str, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.help = help


def no_loader(reference: str, importer: str) -> Source:
    """The loader of a text that belongs to no folder."""
    del importer
    message = f"`{reference}` cannot be read: this spec is a text without a folder"
    raise ImportProblem("E1002", message, "write it to a file, and check that")


@final
class Imports:
    """All files that one spec reaches.

    Attributes:
        found: The lines of their `imports` sections, each behind those of the file it brings.
        op_files: The Python files with ops that they name.
        units: What each file is to those that import it, by path; None where it is no spec.
    """

    def __init__(self, source: Source, loader: SourceLoader | None, limits: Limits) -> None:
        self.load = loader or no_loader
        self.limits = limits
        self.units: dict[str, Unit | None] = {}
        self.found: list[Import] = []
        self.op_files: list[OpFile] = []
        self.open: list[str] = [source.path]
        self.spans: list[Span] = []

    def read(self, root: Mapping, source: Source, report: Report) -> dict[str, Unit | None]:
        """The specs that a file imports, by the name that it gives them."""
        if "ops" in root:
            from dslc.ir.own_ops import read_op_files

            self.op_files += read_op_files(root, source, report, self.load)
        reader = Reader(report)
        fields = reader.mapping(root.get("imports"), "`imports`")
        found: dict[str, Unit | None] = {}
        spoken = prefixes(root) if fields else frozenset[str]()
        for key, value in fields.entries if fields else ():
            if not is_snake(key.text):
                message = "the name of an import is in snake_case, such as `res`"
                report.error("E1007", key.span, message)
                found[key.text] = None  # what is called by that name has been reported here
                continue
            found[key.text] = None
            reference = reader.text(value, "an import")
            brought = None if reference is None else self.source(reference, value, source, report)
            if brought is None:
                continue
            found[key.text] = self.unit(brought, value.span, report)
            used = key.text in spoken
            self.found.append(Import(key.text, brought, value.span, used))
        return found

    def source(self, reference: str, node: Node, source: Source, report: Report) -> Source | None:
        """The text behind a reference; None after an error."""
        try:
            return self.load(reference, source.path)
        except ImportProblem as problem:
            report.error(problem.code, node.span, problem.message, help=problem.help)
        except SpecError as error:
            adopt(report, error.diagnostics, node.span)
        return None

    def unit(self, source: Source, span: Span, report: Report) -> Unit | None:
        """What a file is to those that import it."""
        if source.path in self.open:
            self.refuse_cycle(source, span, report)
            return None
        if source.path not in self.units:
            if len(self.units) == self.limits.imports:
                message = f"more than {self.limits.imports} files are imported"
                help = "`--limit imports=…` allows more"
                report.error("E0909", span, message, help=help)
                return None
            self.units[source.path] = None
            inner = Report()
            self.open.append(source.path)
            self.spans.append(span)
            self.units[source.path] = self.elaborated(source, inner)
            self.open.pop()
            self.spans.pop()
            adopt(report, inner.diagnostics, span)
        return self.units[source.path]

    def elaborated(self, source: Source, report: Report) -> Unit | None:
        """A file read, with all that it imports itself."""
        root = read(source, report, self.limits)
        if root is None:
            return None
        program = Elaborator(source, report, None, self).program(root)
        return None if program is None else unit_of(program, report)

    def refuse_cycle(self, source: Source, span: Span, report: Report) -> None:
        """Reports files that import each other without end."""
        start = self.open.index(source.path)
        chain = [*self.open[start:], source.path]
        message = f"files import each other without end: {' → '.join(chain)}"
        labels = [
            Label(at, f"imports {path}")
            for at, path in zip(self.spans[start:], self.open[start + 1 :], strict=True)
        ]
        help = "move what both need to a third file, and import that"
        report.error("E1004", span, message, help=help, labels=labels)


def adopt(report: Report, found: tuple[object, ...], span: Span) -> None:
    """Adds an imported file's diagnostics to a report, each with the line that imports it."""
    from dslc.diagnostics import Diagnostic

    for item in found:
        assert isinstance(item, Diagnostic)
        if item.severity == "error":
            item.notes = (*item.notes, f"imported at {span}")
            report.add(item)


def prefixes(root: Mapping) -> frozenset[str]:
    """Every word in a file that stands before a dot."""
    return frozenset(
        part.rstrip().rpartition(" ")[2]
        for text in texts(root)
        if "." in text
        for part in split_words(text)
    )


def split_words(text: str) -> list[str]:
    """The parts of a text before each dot, with anything but words as blanks."""
    plain = "".join(c if c.isalnum() or c in "_." else " " for c in text)
    return plain.split(".")[:-1]


def texts(node: Node) -> Iterator[str]:
    """Every text in a piece of the tree, keys too."""
    if isinstance(node, Scalar):
        yield node.text
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from texts(item)
    else:
        for key, value in node.entries:
            yield key.text
            yield from texts(value)
