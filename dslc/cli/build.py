"""`dslc build`: writes the generated project of one backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.cli.common import Call, add_spec_options, command_parser
from dslc.tools.backends import SHIPPED, project

if TYPE_CHECKING:
    from argparse import ArgumentParser


def run(arguments: list[str]) -> int:
    """Runs the command."""
    parser = command_parser(
        "build",
        "Writes the generated project of one backend; it runs without dslc.",
        "dslc build net.yaml --backend torch -o out/",
    )
    parser.add_argument("file", metavar="FILE", help="a spec")
    add_backend_option(parser)
    parser.add_argument("-o", "--output", metavar="DIR", help="the folder; by default NAME-BACKEND")
    parser.add_argument(
        "--io-layout",
        choices=("spec", "native"),
        default="spec",
        help="the axes' order of inputs and outputs: the spec's, or the framework's own",
    )
    parser.add_argument("--force", action="store_true", help="replace files edited by hand")
    add_spec_options(parser)
    options = parser.parse_args(arguments)
    checked = Call(options).load(options.file)
    files = project(options.backend, checked, io_layout=options.io_layout)
    from dslc.files import write_tree
    from dslc.ops.base import snake_case

    folder = options.output or f"{snake_case(checked.program.name)}-{options.backend}"
    write_tree(folder, files, force=options.force)
    for name in sorted(files):
        print(f"{folder.rstrip('/')}/{name}")
    return 0


def add_backend_option(parser: ArgumentParser) -> None:
    """`--backend`: one of those that ship, or another that is installed."""
    parser.add_argument("--backend", required=True, metavar="|".join(SHIPPED), help="the framework")
