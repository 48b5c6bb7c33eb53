"""`dslc verify`: the same weights and inputs through every backend, compared."""

from __future__ import annotations

import sys

from dslc.cli.common import Call, UsageError, add_spec_options, command_parser
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
    parser.add_argument(
        "--device", choices=("cpu", "cuda", "tpu", "mps"), default="cpu", help="of the backends"
    )
    parser.add_argument("--format", choices=("table", "json"), default="table")
    add_spec_options(parser)
    options = parser.parse_args(arguments)
    checked = Call(options).load(options.file)
    names = [name.strip() for name in options.backends.split(",") if name.strip()]
    for name in dict.fromkeys([*names, "torch"]):  # PyTorch in float64 is the reference
        require(name, find_backend(name))
    require_device(names, options.device)
    from dslc.tools.verify import verify

    result = verify(
        checked,
        names,
        train_steps=options.train_steps,
        seed=options.seed,
        device=options.device,
    )
    print(result.as_json() if options.format == "json" else result.as_table())
    if not result.ok:
        print("dslc: the backends differ by more than the tolerance", file=sys.stderr)
    return 0 if result.ok else 1


def require_device(names: list[str], device: str) -> None:
    """Raises `UsageError` where a backend sees no device of a kind."""
    for name in names:
        if device != "cpu" and not find_backend(name).has_device(device):
            raise UsageError(f"the {name} backend sees no {device} device here")
