"""`dslc export`: lowers the IR straight to an ONNX file, without any framework."""

from __future__ import annotations

from pathlib import Path

from dslc.cli.common import Call, add_model_option, add_spec_options, command_parser, picked
from dslc.source import SourceError
from dslc.tools.backends import find_backend, require


def run(arguments: list[str]) -> int:
    """Runs the command."""
    parser = command_parser(
        "export",
        "Writes an ONNX file, with given weights or the initial ones.",
        "dslc export net.yaml -o model.onnx --weights w.safetensors",
    )
    parser.add_argument("file", metavar="FILE", help="a spec")
    parser.add_argument("-o", "--output", default="model.onnx", metavar="FILE", help="model.onnx")
    parser.add_argument(
        "--weights", metavar="FILE", help="a safetensors file of this spec's weights"
    )
    parser.add_argument(
        "--opset",
        type=int,
        choices=range(17, 24),
        default=20,
        metavar="N",
        help="17 to 23; by default 20",
    )
    add_model_option(parser)
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the initial weights")
    parser.add_argument("--force", action="store_true", help="replace a file that exists")
    add_spec_options(parser)
    options = parser.parse_args(arguments)
    call = Call(options)
    checked = picked(call.load(options.file), options)
    if options.weights is not None and not Path(options.weights).is_file():
        raise SourceError(options.weights, "no such file")
    backend = find_backend("onnx")
    require("onnx", backend)
    weights = None
    if options.weights is not None:
        from dslc.tools.weights import read_weights

        weights = read_weights(options.weights)
    elif checked.program.weights is not None:
        from dslc.tools.given_weights import first_weights

        weights = first_weights(checked, options.seed, call.limits)
    backend.save(
        checked,
        weights,
        options.output,
        force=options.force,
        opset=options.opset,
        seed=options.seed,
        limits=call.limits,
    )
    print(f"wrote {options.output}")
    return 0
