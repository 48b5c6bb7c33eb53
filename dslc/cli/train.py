"""`dslc train`: builds a project into a folder and trains there."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dslc.cli.build import add_backend_option
from dslc.cli.common import Call, SpecFailedError, UsageError, add_spec_options, command_parser
from dslc.files import write_tree
from dslc.ops.base import snake_case
from dslc.tools.backends import find_backend, project, require

if TYPE_CHECKING:
    from collections.abc import Generator

PASSED_ON = ("device", "epochs", "seed")


def run(arguments: list[str]) -> int:
    """Runs the command."""
    parser = command_parser(
        "train",
        "Builds the generated project into a folder and trains there.",
        "dslc train net.yaml --backend torch -o runs/first --epochs 5",
    )
    parser.add_argument("file", metavar="FILE", help="a spec with a `train` section")
    add_backend_option(parser)
    parser.add_argument("-o", "--output", metavar="RUN", help="the folder; by default NAME-BACKEND")
    parser.add_argument("--device", choices=("cpu", "cuda", "tpu", "mps", "auto"))
    parser.add_argument("--epochs", type=int, metavar="N", help="instead of the spec's")
    parser.add_argument("--seed", type=int, metavar="S", help="of weights, order and dropout")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    parser.add_argument(
        "--track", metavar="FILE", help="a Python file whose on_metrics(step, values) is told"
    )
    parser.add_argument("--force", action="store_true", help="replace files edited by hand")
    add_spec_options(parser)
    options = parser.parse_args(arguments)
    if options.track is not None and not Path(options.track).is_file():
        raise UsageError(f"--track {options.track}: no such file")
    checked = Call(options).load(options.file)
    require(options.backend, find_backend(options.backend))
    files = project(options.backend, checked)
    if "train.py" not in files:
        reason = "has no `train` section" if checked.program.train is None else "cannot be trained"
        print(f"dslc: {options.file} {reason} with {options.backend}", file=sys.stderr)
        raise SpecFailedError
    folder = Path(options.output or f"{snake_case(checked.program.name)}-{options.backend}")
    write_tree(folder, files, force=options.force)
    passed = [
        f"--{name}={value}" for name in PASSED_ON if (value := getattr(options, name)) is not None
    ]
    if options.track is not None:
        passed.append(f"--track={Path(options.track).resolve()}")
    if checked.train is not None and checked.train.data.is_path:
        passed.append(f"--data={Path(options.file).resolve().parent / checked.train.data.source}")
    home = Path(options.file).resolve().parent
    return train_in(folder, [*passed, *(["--resume"] if options.resume else [])], home)


def train_in(folder: Path, arguments: list[str], home: Path | None = None) -> int:
    """Runs a project's `train.py`, its output passed through.

    Args:
        folder: The project's.
        arguments: What the call says.
        home: The folder in which it runs, whose git commit its record has; by default its own.
    """
    script = folder.resolve() / "train.py"
    if not script.is_file():
        raise UsageError(f"{script} is not there")
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, str(script), *arguments]
    process = subprocess.Popen(command, cwd=home or folder, env=environment)
    with passed_on(process):
        status = process.wait()
    if status < 0:
        return 128 - status
    return status if status in (0, 1) or status > 128 else 1


@contextlib.contextmanager
def passed_on(process: subprocess.Popen[bytes]) -> Generator[None]:
    """Lets a process save before it ends: it gets SIGTERM too, and Ctrl-C from the terminal."""
    before = {
        signal.SIGTERM: signal.signal(signal.SIGTERM, lambda kind, _: process.send_signal(kind)),
        signal.SIGINT: signal.signal(signal.SIGINT, signal.SIG_IGN),
    }
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
