"""`dslc predict`: what a run's model gives for the rows of a file."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING

from dslc.cli.common import (
    Call,
    SpecFailedError,
    UsageError,
    add_model_option,
    add_spec_options,
    command_parser,
    picked,
)
from dslc.tools.runs import SPEC, WEIGHTS, find_run

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from dslc.passes.pipeline import Checked

KINDS = (".npz", ".csv", ".parquet")


def run(arguments: list[str]) -> int:
    """Runs the command."""
    options = parser_of().parse_args(arguments)
    kind = os.path.splitext(options.output)[1]
    if kind not in KINDS:
        raise UsageError(f"-o {options.output}: the file ends on {', '.join(KINDS)}")
    if kind == ".parquet" and find_spec("pyarrow") is None:
        raise UsageError("parquet needs pyarrow: pip install pyarrow")
    if options.batch < 1:
        raise UsageError(f"--batch {options.batch}: at least 1")
    if os.path.exists(options.output) and not options.force:
        raise UsageError(f"{options.output} exists; --force replaces it")
    try:
        found = find_run(options.run)
    except ValueError as error:
        raise UsageError(str(error)) from None
    checked = picked(spec_of(found.path(SPEC), options), options)
    if checked.whole is None and checked.program.has_several:
        names = ", ".join(checked.program.models)
        raise UsageError(f"--model says which of several models predicts: {names}")
    from pathlib import Path

    from dslc.files import write_atomic
    from dslc.tools.predictions import PredictionError, encoded, predict, read_inputs

    try:
        inputs = read_inputs(checked, options.data, Path(options.run))
        outputs = predict(checked, found.backend, found.path(WEIGHTS), inputs, options)
        content = encoded(outputs, kind)
    except PredictionError as error:
        raise UsageError(str(error)) from None
    except ValueError as error:
        import sys

        print(f"dslc: {error}", file=sys.stderr)
        raise SpecFailedError from None
    write_atomic(options.output, content, force=options.force)
    print(f"wrote {options.output}")
    return 0


def spec_of(path: str, options: Namespace) -> Checked:
    """The spec of a run, which was checked before it trained: only errors are shown."""
    call = Call(options)
    checked, diagnostics = call.check(path)
    if checked is None:
        call.show(diagnostics)
        raise SpecFailedError
    return checked


def parser_of() -> ArgumentParser:
    """The command's parser."""
    parser = command_parser(
        "predict",
        "Writes what a run's model gives for the rows of a file: its outputs by name.",
        "dslc predict runs/first --data new.npz -o out.npz",
    )
    parser.add_argument("run", metavar="RUN", help="the folder of a run that has ended")
    parser.add_argument(
        "--data", required=True, metavar="FILE", help="its columns, named as in training"
    )
    parser.add_argument(
        "-o", "--output", required=True, metavar="FILE", help="a .npz, .csv or .parquet"
    )
    parser.add_argument("--batch", type=int, default=256, metavar="N", help="rows at a time")
    parser.add_argument("--device", choices=("cpu", "cuda", "tpu", "mps"), default="cpu")
    parser.add_argument("--force", action="store_true", help="replace a file that exists")
    add_model_option(parser)
    add_spec_options(parser)
    return parser
