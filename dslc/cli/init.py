"""`dslc init`: writes a spec to start from."""

from __future__ import annotations

from dslc.cli.common import UsageError, command_parser
from dslc.tools.library import doc_of, templates, zoo


def run(arguments: list[str]) -> int:
    """Runs the command."""
    parser = command_parser(
        "init",
        "Writes a spec to start from: a template, or a network of the zoo.",
        "dslc init classifier -o net.yaml",
    )
    parser.add_argument("template", nargs="?", metavar="TEMPLATE", help="none lists them")
    parser.add_argument("-o", "--output", default="net.yaml", metavar="FILE", help="net.yaml")
    parser.add_argument("--force", action="store_true", help="replace a file that exists")
    options = parser.parse_args(arguments)
    found = templates() | zoo()
    if options.template is None:
        width = max(map(len, found))
        for name, path in found.items():
            print(f"{name.ljust(width)}  {doc_of(path)}")
        return 0
    if options.template not in found:
        raise UsageError(
            f"no template is called {options.template!r}; there are {', '.join(found)}"
        )
    from dslc.files import write_atomic

    text = found[options.template].read_text(encoding="utf-8")
    write_atomic(options.output, text, force=options.force)
    print(f"wrote {options.output}; next: dslc check {options.output}")
    return 0
