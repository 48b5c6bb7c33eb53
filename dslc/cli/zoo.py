"""`dslc zoo`: the specs that ship."""

from __future__ import annotations

from dslc.cli.common import UsageError, command_parser
from dslc.tools.library import doc_of, templates, zoo


def run(arguments: list[str]) -> int:
    """Runs the command."""
    parser = command_parser(
        "zoo", "Lists the specs that ship, or prints one.", "dslc zoo resnet50 > net.yaml"
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="a spec; none lists all")
    options = parser.parse_args(arguments)
    found = zoo()
    if options.name is None:
        width = max(map(len, found), default=0)
        for name, path in found.items():
            print(f"{name.ljust(width)}  {doc_of(path)}")
        return 0
    if options.name not in found:
        names = ", ".join(found)
        also = " (a template: `dslc init` writes it)" if options.name in templates() else ""
        raise UsageError(f"the zoo has no {options.name!r}{also}; it has {names}")
    print(found[options.name].read_text(encoding="utf-8"), end="")
    return 0
