"""Reading what a spec imports: files below the folder of the spec, and the specs that ship."""

from __future__ import annotations

import os

from dslc.source import Source, SourceError, read_source
from dslc.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dslc.ir.imports import ImportProblem
    from dslc.limits import Limits

ZOO = "zoo:"
"""How a reference to a spec that ships begins."""


class ZooLoader:
    """Reads the specs that ship, and nothing else.

    Args:
        limits: `file_bytes` bounds each file.
    """

    allow_plugins = False
    """Whether Python files that a spec names may run."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.sources: dict[str, Source] = {}

    def __call__(self, reference: str, importer: str) -> Source:
        """The spec that a reference means in a file.

        Raises:
            ImportProblem: It means none that may be read.
            SpecError: The file is not UTF-8.
        """
        if reference.startswith(ZOO):
            return self.shipped(reference)
        if not is_path(reference):
            raise no_reference(reference)
        if importer.startswith(ZOO):
            message = "a spec that ships imports only specs that ship"
            raise problem("E1001", message, "write `zoo:name`")
        return self.file(reference, importer)

    def python(self, reference: str, importer: str) -> Source:
        """The Python file that a reference means, to be read as any other and run by nobody here."""
        if not is_path(reference) or not reference.endswith(".py"):
            help = "it begins at the file that names it: `./my_ops.py`"
            raise problem("E1012", f"`{reference}` is no path of a Python file", help)
        return self.file(reference, importer)

    def file(self, reference: str, importer: str) -> Source:
        """The file behind a path."""
        message = f"`{reference}` is a path, and `{importer}` belongs to no folder"
        raise problem("E1002", message, "write the spec to a file, and check that")

    def shipped(self, reference: str) -> Source:
        """A spec of the zoo."""
        if reference not in self.sources:
            from dslc.diagnostics import nearest
            from dslc.tools.library import zoo

            found, name = zoo(), reference.removeprefix(ZOO)
            if name not in found:
                close = nearest(name, found)
                help = f"did you mean `{ZOO}{close}`?" if close else f"it has {', '.join(found)}"
                raise problem("E1002", f"the zoo has no spec `{name}`", help)
            text = read_source(found[name], self.limits).text
            self.sources[reference] = Source(reference, text)
        return self.sources[reference]


@final
class FolderLoader(ZooLoader):
    """Reads the specs that a spec imports, files below its folder among them.

    Args:
        source: The spec that is compiled.
        limits: `file_bytes` bounds each file.
        root: The folder that no import may leave; by default that of the spec.
        unsaved: Texts to take in place of files, by absolute path.
        allow_plugins: Whether Python files that a spec names may run.
    """

    def __init__(
        self,
        source: Source,
        limits: Limits,
        root: str | None = None,
        unsaved: Mapping[str, str] | None = None,
        *,
        allow_plugins: bool = False,
    ) -> None:
        super().__init__(limits)
        self.allow_plugins = allow_plugins
        self.root = os.path.dirname(source.path) if root is None else root
        self.unsaved = unsaved or {}
        self.sources = {os.path.realpath(source.path): source}

    def file(self, reference: str, importer: str) -> Source:
        """The file behind a path, read once whichever way it is reached."""
        path = os.path.normpath(os.path.join(os.path.dirname(importer), reference))
        place = os.path.abspath(path)
        if not is_below(place, os.path.abspath(self.root)):
            message = f"`{reference}` leaves the project's folder, which is that of the main spec"
            raise problem("E1003", message, "move the file below it, or the main spec above both")
        real = os.path.realpath(place)
        if not is_below(real, os.path.realpath(self.root)):
            message = f"`{reference}` leaves the project's folder through a symbolic link"
            raise problem("E1003", message, "put the file itself there")
        if real not in self.sources:
            self.sources[real] = self.read(path, place, reference)
        return self.sources[real]

    def read(self, path: str, place: str, reference: str) -> Source:
        """The text of a file, or what stands for it."""
        if place in self.unsaved:
            return Source(path, self.unsaved[place])
        try:
            return read_source(path, self.limits)
        except SourceError as error:
            near = near_file(place, reference)
            help = f"did you mean `{near}`?" if near else None
            raise problem("E1002", f"cannot read {path}: {error.reason}", help) from None


def is_path(reference: str) -> bool:
    """Whether a reference is a path that begins at the file with it."""
    return reference.startswith(("./", "../")) and "\\" not in reference and "\0" not in reference


def is_below(path: str, folder: str) -> bool:
    """Whether an absolute path lies in a folder, at any depth."""
    return os.path.commonpath((path, folder)) == folder


def near_file(place: str, reference: str) -> str | None:
    """A reference to a spec beside the missing one whose name is nearly the same."""
    from dslc.diagnostics import nearest

    folder, name = os.path.split(place)
    try:
        names = [item for item in os.listdir(folder)[:1000] if item.endswith((".yaml", ".yml"))]
    except OSError:
        return None
    close = nearest(name, names)
    return f"{reference.removesuffix(name)}{close}" if close and close != name else None


def no_reference(reference: str) -> ImportProblem:
    """The problem of a reference that is neither a path nor a name in the zoo."""
    message = f"`{reference}` is neither a path nor `zoo:name`"
    help = "a path begins at the file that imports: `./blocks.yaml`"
    if reference.endswith((".yaml", ".yml")) and is_path(f"./{reference}") and ":" not in reference:
        help = f"write `./{reference}`" if not reference.startswith("/") else help
    return problem("E1001", message, help)


def problem(code: str, message: str, help: str | None) -> ImportProblem:
    """An `ImportProblem`; its module is loaded by then."""
    from dslc.ir.imports import ImportProblem

    return ImportProblem(code, message, help)
