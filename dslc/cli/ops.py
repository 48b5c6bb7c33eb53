"""`dslc ops`: the ops by family, or the page of one."""

from __future__ import annotations

from dslc.cli.common import UsageError, command_parser
from dslc.diagnostics import nearest
from dslc.ops import all_ops
from dslc.tools.op_pages import op_page, summary_line


def run(arguments: list[str]) -> int:
    """Runs the command."""
    parser = command_parser("ops", "Lists the ops, or shows the page of one.", "dslc ops conv2d")
    parser.add_argument("name", nargs="?", metavar="NAME", help="an op; none lists all")
    options = parser.parse_args(arguments)
    ops = all_ops()
    if options.name is None:
        print(listing())
        return 0
    if options.name not in ops:
        close = nearest(options.name, ops)
        meant = f"; did you mean `{close}`?" if close else "; `dslc ops` lists them"
        raise UsageError(f"no op is called {options.name!r}{meant}")
    print(op_page(ops[options.name]))
    return 0


def listing() -> str:
    """All ops by family, a line each."""
    families: dict[str, list[str]] = {}
    width = max(map(len, all_ops()))
    for name, op in all_ops().items():
        line = f"  {name.ljust(width)}  {summary_line(op)}"
        families.setdefault(op.family, []).append(line)
    return "\n".join(
        line for family in sorted(families) for line in (f"{family}:", *families[family])
    )
