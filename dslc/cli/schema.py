"""`dslc schema`: the language's JSON Schema, or its reference as Markdown."""

from __future__ import annotations

from dslc.cli.common import command_parser


def run(arguments: list[str]) -> int:
    """Runs the command."""
    parser = command_parser(
        "schema",
        "Prints the language's JSON Schema (draft-07), or the reference of ops and codes.",
        "dslc schema > dslc.schema.json",
    )
    parser.add_argument("--format", choices=("json-schema", "markdown"), default="json-schema")
    options = parser.parse_args(arguments)
    if options.format == "markdown":
        from dslc.tools.reference import codes_page, ops_page

        print(ops_page() + "\n" + codes_page(), end="")
        return 0
    import json

    from dslc.tools.schema import json_schema

    print(json.dumps(json_schema(), indent=2))
    return 0
