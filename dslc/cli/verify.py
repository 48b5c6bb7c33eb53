"""`dslc verify`: the same weights and inputs through every backend, compared."""

from __future__ import annotations

import sys
from typing import Any

from dslc.cli.common import Call, add_spec_options, command_parser
from dslc.tools.backends import SHIPPED, find_backend, require


def run(arguments: list[str]) -> int:
    """Runs the command."""
    parser = command_parser(
        "verify",
        "Compares forward, gradients and training steps of the backends with the reference.",
        "dslc verify net.yaml --backends torch,onnx --train-steps 10",
    )
    parser.add_argument("file", metavar="FILE", help="a spec")
    parser.add_argument(
        "--backends", default=",".join(SHIPPED), metavar="A,B", help="by default all four"
    )
    parser.add_argument("--train-steps", type=int, default=0, metavar="N", help="steps to train")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of weights and inputs")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    add_spec_options(parser)
    options = parser.parse_args(arguments)
    checked = Call(options).load(options.file)
    names = [name.strip() for name in options.backends.split(",") if name.strip()]
    for name in dict.fromkeys([*names, "torch"]):  # PyTorch in float64 is the reference
        require(name, find_backend(name))
    from dslc.tools.verify import verify

    result: Any = verify(checked, names, train_steps=options.train_steps, seed=options.seed)
    if options.format == "json":
        import json

        print(json.dumps(result))
    else:
        print(table(result))
    if not result["ok"]:
        print("dslc: the backends differ by more than the tolerance", file=sys.stderr)
    return 0 if result["ok"] else 1


def table(result: Any) -> str:
    """The comparison as a table, a row for each backend."""
    head = ("backend", "forward", "gradient", "training", "")
    rows = [head]
    for name, found in result["backends"].items():
        cells = [figure(found.get(part)) for part in ("forward", "gradient", "train")]
        rows.append((name, *cells, "ok" if found["ok"] else "differs"))
    widths = [max(len(row[k]) for row in rows) for k in range(len(head))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([*lines, "", f"largest relative differences from {result['reference']}"])


def figure(found: Any) -> str:
    """The largest relative difference of one comparison, or a dash where there was none."""
    return f"{found['max_rel']:.1e}" if found and found.get("max_rel") is not None else "–"
