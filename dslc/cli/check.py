"""`dslc check`: parses, types and shape-checks specs."""

from __future__ import annotations

import os
import sys

from dslc.cli.common import Call, UsageError, add_spec_options, command_parser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dslc.diagnostics import Diagnostic
    from dslc.passes.pipeline import Checked

    Found = list[tuple[str, tuple[Diagnostic, ...], tuple[str, ...], Checked | None]]

FORMATS = ("human", "json", "sarif", "github")
ENDINGS = (".yaml", ".yml")


def run(arguments: list[str]) -> int:
    """Runs the command."""
    parser = command_parser(
        "check",
        "Parses, types and shape-checks specs, for every size that their facts allow.",
        "dslc check net.yaml --set classes=100",
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="a spec, or a folder of specs")
    parser.add_argument(
        "--format", choices=FORMATS, default="human", help="how to print what was found"
    )
    parser.add_argument("--strict", action="store_true", help="warnings count as errors")
    parser.add_argument("--fix", action="store_true", help="apply the mends that are mechanical")
    add_spec_options(parser)
    options = parser.parse_args(arguments)
    call = Call(options)
    found: Found = []
    for path, root in spec_files(options.files):
        if options.fix:
            from dslc.cli.fix import fix_file

            print(f"{path}: {fix_file(call, path, root)} mended", file=sys.stderr)
        diagnostics = call.check(path, root)[1]
        if options.strict:
            diagnostics = tuple(item.as_error() for item in diagnostics)
        found.append((path, diagnostics, call.facts, call.checked))
    show(call, found, options.format)
    severities = {item.severity for _, diagnostics, *_ in found for item in diagnostics}
    return 1 if "error" in severities else 0


def show(call: Call, found: Found, form: str) -> None:
    """Prints the results: errors for people to standard error, all other forms to standard output."""
    if form == "human":
        for path, diagnostics, *_ in found:
            call.show(diagnostics)
            errors = sum(1 for item in diagnostics if item.severity == "error")
            if not errors:
                print(f"{path}: ok")
        report_count(found)
    elif form == "json":
        from dslc.diagnostics import render_json

        for path, diagnostics, facts, checked in found:
            print(render_json(path, diagnostics, facts, params_of(checked)))
    elif form == "sarif":
        from dslc.diagnostics.as_sarif import render_sarif

        print(render_sarif([item for _, diagnostics, *_ in found for item in diagnostics]))
    else:
        from dslc.diagnostics.as_github import render_github

        print(render_github(item for _, diagnostics, *_ in found for item in diagnostics), end="")


def params_of(checked: Checked | None) -> list[dict[str, object]]:
    """What a right spec says about its params."""
    if checked is None or not any(param.doc for param in checked.program.params):
        return []
    from dslc.tools.param_docs import documented_params

    return documented_params(checked.program)


def report_count(found: Found) -> None:
    """Ends on how many mistakes there are, where there are some."""
    every = [item for _, diagnostics, *_ in found for item in diagnostics]
    errors = sum(1 for item in every if item.severity == "error")
    if errors:
        word = "error" if errors == 1 else "errors"
        print(f"\n{errors} {word}; `dslc explain {every[0].code}` says more", file=sys.stderr)


def spec_files(paths: Sequence[str]) -> list[tuple[str, str | None]]:
    """The files to check: each file as given, and every spec below each folder, with that folder."""
    files: list[tuple[str, str | None]] = []
    for path in paths:
        if not os.path.isdir(path):
            files.append((path, None))
            continue
        from pathlib import Path

        below = sorted(file for file in Path(path).rglob("*") if is_spec(file))
        if not below:
            raise UsageError(f"{path} holds no spec (a YAML file with `dslc:`)")
        files += [(str(file), path) for file in below]
    return files


def is_spec(path: Path) -> bool:
    """Whether a file is YAML and one of its lines begins with `dslc:`."""
    if path.suffix not in ENDINGS or not path.is_file():
        return False
    with path.open(encoding="utf-8", errors="replace") as file:
        return any(line.startswith("dslc:") for line in file)
