"""`dslc explain`: the story of an error code, with an example and its mend."""

from __future__ import annotations

from dslc.cli.common import UsageError, command_parser
from dslc.diagnostics.catalogue import codes, lookup


def run(arguments: list[str]) -> int:
    """Runs the command."""
    parser = command_parser("explain", "Tells the story of an error code.", "dslc explain E0304")
    parser.add_argument("code", nargs="?", metavar="CODE", help="such as E0304; none lists them")
    options = parser.parse_args(arguments)
    if options.code is None:
        for code in codes():
            print(f"{code}  {lookup(code).title}")
        return 0
    code = options.code.upper()
    if code not in codes():
        raise UsageError(f"no code is called {options.code!r}; `dslc explain` lists them")
    print(page(code))
    return 0


def page(code: str) -> str:
    """A code's entry as text."""
    import textwrap

    entry = lookup(code)
    parts = [f"{code}: {entry.title}", textwrap.fill(entry.explanation, 88)]
    if entry.bad:
        parts += ["This is wrong:", indented(entry.bad), "This is right:", indented(entry.good)]
    return "\n\n".join(parts)


def indented(text: str) -> str:
    """An example, four columns in."""
    return "\n".join(f"    {line}".rstrip() for line in text.rstrip("\n").split("\n"))
