"""`dslc weights`: what a file's weights are in a model, and the same weights in the portable form."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dslc.cli.common import Call, UsageError, add_spec_options, command_parser
from dslc.source import SourceError

if TYPE_CHECKING:
    from dslc.passes.weights import WeightInfo
    from dslc.weights.matching import Matching


def run(arguments: list[str]) -> int:
    """Runs the command."""
    parser = command_parser(
        "weights",
        "Puts a file's weights at a spec's names: what matched, what is new, what does not fit.\n"
        "The file is safetensors (such as a PyTorch state_dict), Keras's .weights.h5 or .keras,\n"
        "or a folder that orbax wrote; without one it is that of the spec's `weights`.",
        "dslc weights net.yaml model.keras -o w.safetensors",
    )
    parser.add_argument("file", metavar="FILE", help="a spec")
    parser.add_argument("source", nargs="?", metavar="WEIGHTS", help="a file of weights")
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="writes the portable safetensors file"
    )
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of what is new")
    parser.add_argument("--force", action="store_true", help="replace a file that exists")
    add_spec_options(parser)
    options = parser.parse_args(arguments)
    call = Call(options)
    checked = call.load(options.file)
    from dslc.tools.given_weights import file_of, infos_of, matching, section_of

    given, infos = section_of(checked), infos_of(checked)
    if options.source is not None:
        path = Path(options.source)
        if not path.exists():
            raise SourceError(options.source, "no such file")
    elif given is not None:
        path = file_of(checked, given)
    elif options.output is not None:
        raise UsageError("there is no file of weights: name one, or write `weights` in the spec")
    else:
        print(listing(infos))
        return 0
    found = matching(checked, path, given, call.limits)
    print(as_json(found, path) if options.format == "json" else report(found, infos, str(path)))
    if found.faults:
        if options.format != "json":
            from dslc.tools.weights import WeightsError
            from dslc.weights.matching import fault_text

            raise WeightsError(fault_text(found.faults, str(path)))
        return 1
    if options.output is not None:
        write(found, infos, options.output, options.seed, force=options.force)
        if options.format != "json":
            print(f"wrote {options.output}")
    return 0


def write(found: Matching, infos: list[WeightInfo], output: str, seed: int, *, force: bool) -> None:
    """Writes every weight of the model, those that are new with their initial values."""
    from safetensors.numpy import save

    from dslc.files import write_atomic
    from dslc.weights.starting import starting_weights

    first = starting_weights(infos, seed)
    arrays = {name: found.arrays.get(name, array) for name, array in first.items()}
    write_atomic(output, save(arrays), force=force)


def listing(infos: list[WeightInfo]) -> str:
    """The model's weights with their shapes."""
    return columns([(info.path, sizes(info), note(info)) for info in infos])


def report(found: Matching, infos: list[WeightInfo], source: str) -> str:
    """Where each weight of the model comes from, and what of the file is not used."""
    from dslc.diagnostics.text import cut

    rows = [(info.path, sizes(info), cut(origin(found, info))) for info in infos]
    given = len(found.origins)
    lines = [f"{source}: {given} of {len(infos)} weights given, {len(found.fresh)} new", ""]
    lines.append(columns(rows))
    if found.dropped:
        lines += ["", f"not used: {cut(', '.join(found.dropped))}"]
    return "\n".join(lines)


def origin(found: Matching, info: WeightInfo) -> str:
    """Where one weight comes from."""
    if info.path in found.origins:
        return str(found.origins[info.path])
    return "new" if info.path in found.fresh else note(info) or "missing"


def note(info: WeightInfo) -> str:
    """What else there is to say of a weight."""
    if info.tied is not None:
        return f"tied to {info.tied}"
    return {"zeros": "zero", "buffer": "running statistic", "frozen": "frozen"}.get(info.role, "")


def sizes(info: WeightInfo) -> str:
    """A weight's shape."""
    return f"[{', '.join(map(str, info.shape))}]"


def columns(rows: list[tuple[str, str, str]]) -> str:
    """Rows with their first two columns as wide as they need to be."""
    widths = [max((len(row[k]) for row in rows), default=0) for k in range(2)]
    lines = [f"{a.ljust(widths[0])}  {b.ljust(widths[1])}  {c}".rstrip() for a, b, c in rows]
    return "\n".join(lines)


def as_json(found: Matching, path: Path) -> str:
    """The report as one object."""
    import json

    record = {
        "file": str(path),
        "ok": not found.faults,
        "weights": {name: str(origin) for name, origin in found.origins.items()},
        "new": found.fresh,
        "zeros": found.zeros,
        "unused": found.dropped,
        "faults": found.faults,
    }
    return json.dumps(record)
