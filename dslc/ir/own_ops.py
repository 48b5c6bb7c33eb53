"""`ops`: Python files with ops of a user's own, run only where the call allows it."""

from __future__ import annotations

from dslc.ir.graph import OpFile
from dslc.ir.imports import ImportProblem
from dslc.ir.reading import Reader
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from dslc.diagnostics import Report
    from dslc.ir.imports import SourceLoader
    from dslc.source import Source
    from dslc.syntax.tree import Mapping, Node

ALLOW = "read it, and pass `--allow-plugins` if you trust it"


def read_op_files(
    root: Mapping, source: Source, report: Report, loader: SourceLoader
) -> list[OpFile]:
    """The files that a spec names, each run before any of its steps is read."""
    found: list[OpFile] = []
    for node in Reader(report).items(root.get("ops"), "`ops`"):
        file = op_file(node, source, report, loader)
        if file is not None:
            found.append(file)
    return found


def op_file(node: Node, source: Source, report: Report, loader: SourceLoader) -> OpFile | None:
    """One file, run; None after an error."""
    from dslc.plugin import PluginError, has_loaded, is_loaded, run

    reference = Reader(report).text(node, "a file of ops")
    if reference is None:
        return None
    allowed = getattr(loader, "allow_plugins", False)
    if not allowed and not has_loaded():
        return refuse(reference, node, report)
    try:
        file = getattr(loader, "python", loader)(reference, source.path)
        if not allowed and not is_loaded(file):
            return refuse(reference, node, report)
        run(file)
    except ImportProblem as problem:
        code = "E1012" if problem.code == "E1002" else problem.code
        report.error(code, node.span, problem.message, help=problem.help)
        return None
    except PluginError as error:
        report.error("E1012", node.span, str(error))
        return None
    return OpFile(file, node.span)


def refuse(reference: str, node: Node, report: Report) -> None:
    """Reports a file that may not run."""
    message = f"`{reference}` is Python, which would run as the spec is checked"
    report.error("E1011", node.span, message, help=ALLOW)
