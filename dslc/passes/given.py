"""The globs of the `weights` section against the weights that the model has."""

from __future__ import annotations

from dslc.diagnostics import mend, nearest
from dslc.ir.given import GivenReader
from dslc.train.globs import matches
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from dslc.diagnostics import Report
    from dslc.ir.given import Given, Glob
    from dslc.ir.graph import Program
    from dslc.passes.pipeline import Checked


def read_given(program: Program, report: Report) -> Given | None:
    """The spec's `weights` section; None where there is none, or after an error."""
    if program.weights is None:
        return None
    return GivenReader(report).read(program.weights)  # pyright: ignore[reportArgumentType]


def check_given(checked: Checked, given: Given, report: Report) -> None:
    """Reports what the section calls weights of the model and are none."""
    paths = [info.path for info in checked.weights()]
    if checked.train is not None:
        paths += [info.path for info in checked.train.weights()]
    for glob in (*given.new, *(target for item in given.rename for target in item.targets)):
        if not any(matches(glob.text, path) for path in paths):
            refuse(glob, paths, report)


def refuse(glob: Glob, paths: Collection[str], report: Report) -> None:
    """Reports a glob that means no weight, with the nearest that does."""
    close = nearest(glob.text, globs_of(paths) if "*" in glob.text else paths)
    help = f"did you mean `{close}`?" if close else "`dslc weights` lists the model's"
    fix = mend(glob.span, glob.text, close)
    report.error("E1105", glob.span, f"no weight of the model is `{glob.text}`", help=help, fix=fix)


def globs_of(paths: Collection[str]) -> set[str]:
    """Globs that mean some of the paths: any instance, any weight of a step, all below a step."""
    found: set[str] = set()
    for path in paths:
        parts = ["*" if part.isdecimal() else part for part in path.split(".")]
        found |= {".".join(parts), ".".join((*parts[:-1], "*"))}
        found |= {".".join((*parts[:end], "**")) for end in range(1, len(parts))}
    return found
