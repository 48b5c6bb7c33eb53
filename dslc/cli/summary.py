"""`dslc summary`: layers, shapes, parameters, FLOPs, activation memory, receptive field."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.cli.common import (
    Call,
    UsageError,
    add_model_option,
    add_spec_options,
    command_parser,
    picked,
    split_pair,
)

if TYPE_CHECKING:
    from dslc.ir.dims import DimLike
    from dslc.passes.pipeline import Checked
    from dslc.tools.summary import Summary


def run(arguments: list[str]) -> int:
    """Runs the command."""
    parser = command_parser(
        "summary",
        "Shows layers, shapes, parameters, FLOPs (a multiply-add counts two), memory.",
        "dslc summary net.yaml --input image=1,3,224,224",
    )
    parser.add_argument("file", metavar="FILE", help="a spec")
    parser.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="NAME=SIZES",
        help="an input's sizes, such as image=1,3,224,224; may be repeated",
    )
    add_model_option(parser)
    parser.add_argument("--format", choices=("table", "json"), default="table")
    add_spec_options(parser)
    options = parser.parse_args(arguments)
    checked = picked(Call(options).load(options.file), options)
    sizes: dict[str, DimLike] = {}
    for text in options.input:
        bind_input(checked, text, sizes)
    refuse_broken_facts(checked, sizes)
    from dslc.tools.summary import Summary

    summary = Summary(checked, sizes)
    if options.format == "json":
        import json

        print(json.dumps(summary.as_dict()))
    else:
        print(table(summary))
    return 0


def bind_input(checked: Checked, text: str, sizes: dict[str, DimLike]) -> None:
    """Binds the symbols of an input to the sizes that `--input` gives it."""
    from dslc.ir.dims import substitute

    name, value = split_pair("--input", text)
    type = checked.instance.inputs.get(name)
    if type is None:
        raise UsageError(f"--input {text}: the inputs are {', '.join(checked.instance.inputs)}")
    parts = value.split(",")
    if not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
        raise UsageError(f"--input {text}: sizes are positive integers with commas between them")
    if len(parts) != type.rank:
        raise UsageError(f"--input {text}: {len(parts)} sizes are given, and `{name}` is {type}")
    numbers = [int(part) for part in parts]
    for dim, size in zip(type.shape, numbers, strict=True):
        if not isinstance(dim, int) and str(dim).isidentifier():
            sizes.setdefault(str(dim), size)
    for dim, size in zip(type.shape, numbers, strict=True):
        if substitute(dim, sizes) != size:
            message = f"--input {text}: an axis of `{name}` is {dim}, and {size} is given"
            raise UsageError(message)


def refuse_broken_facts(checked: Checked, sizes: dict[str, DimLike]) -> None:
    """Refuses sizes that the spec's `where` rules out."""
    known = {name: size for name, size in sizes.items() if isinstance(size, int)}
    for fact in checked.facts.constraints:
        if fact.symbols() <= known.keys() and not fact.holds(known):
            raise UsageError(f"these sizes break the spec's `where`: {fact}")


def table(summary: Summary) -> str:
    """The summary as a table with totals below."""
    head = ("layer", "op", "output", "parameters", "FLOPs")
    rows = [
        (
            layer.path or "·",
            layer.op,
            str(layer.output),
            f"{layer.parameters:,}" if layer.parameters else "",
            figure(layer.flops) if layer.flops != 0 else "",
        )
        for layer in summary.layers
    ]
    widths = [min(48, max(len(row[k]) for row in (head, *rows))) for k in range(len(head))]
    inputs = ", ".join(f"{name}: {type}" for name, type in summary.inputs.items())
    outputs = ", ".join(f"{name}: {type}" for name, type in summary.outputs.items())
    lines = [f"{summary.name}({inputs}) -> {outputs}", "", line(head, widths)]
    lines += [line(tuple("-" * width for width in widths), widths)]
    lines += [line(row, widths) for row in rows]
    params = params_table(summary)
    return "\n".join([*lines, "", *totals(summary), *(["", *params] if params else [])])


def params_table(summary: Summary) -> list[str]:
    """A line for each param that the spec says something about."""
    from dslc.diagnostics.text import escape

    rows = [
        (escape(f"{item['name']} = {item['value']}"), escape(" ".join(str(item["doc"]).split())))
        for item in summary.params
    ]
    width = max((len(name) for name, _ in rows), default=0)
    return [f"{name.ljust(width)}  {doc}" for name, doc in rows]


def line(cells: tuple[str, ...], widths: list[int]) -> str:
    """One row: texts to the left, figures to the right."""
    left = [cell.ljust(width) for cell, width in zip(cells[:3], widths, strict=False)]
    right = [cell.rjust(width) for cell, width in zip(cells[3:], widths[3:], strict=True)]
    return "  ".join([*left, *right]).rstrip()


def totals(summary: Summary) -> list[str]:
    """The lines below the table."""
    frozen = summary.parameters - summary.trainable
    parts = [f"{summary.trainable:,} trained"]
    parts += [f"{frozen:,} frozen"] if frozen else []
    parts += [f"{summary.buffers:,} in running statistics besides"] if summary.buffers else []
    lines = [
        f"parameters       {summary.parameters:,} ({', '.join(parts)})",
        f"FLOPs            {figure(summary.flops)}",
        f"activations      {figure(summary.activation_bytes)} bytes, all layers' outputs together",
    ]
    if summary.receptive_field:
        lines.append(f"receptive field  {' × '.join(map(str, summary.receptive_field))}")
    return lines


def figure(value: DimLike) -> str:
    """A number with its thousands set apart, or an expression."""
    return f"{value:,}" if isinstance(value, int) else str(value)
