"""`dslc eval`: the figures of a run on the rows that it held out, or on another file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from dslc.cli.common import SpecFailedError, UsageError, command_parser
from dslc.tools.runs import find_run

if TYPE_CHECKING:
    from dslc.tools.runs import Run


def run(arguments: list[str]) -> int:
    """Runs the command."""
    parser = command_parser(
        "eval",
        "Measures a run on the rows that it held out, or on all rows of a file.",
        "dslc eval runs/first --format json",
    )
    parser.add_argument("run", metavar="RUN", help="the folder of a run that has ended")
    parser.add_argument("--data", metavar="FILE", help="measure on all rows of this file")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.add_argument("--device", choices=("cpu", "cuda", "tpu", "mps", "auto"), default="auto")
    options = parser.parse_args(arguments)
    try:
        found = find_run(options.run)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if options.data is not None and not os.path.exists(options.data):
        raise UsageError(f"{options.data}: no such file or folder")
    measured = measure(found, options.data, options.device)
    if options.format == "json":
        print(json.dumps({"run": options.run, "data": options.data, **measured}))
        return 0
    where = "held-out rows" if options.data is None else f"rows of {options.data}"
    print(f"{options.run}: {measured['rows']} {where}")
    width = max(map(len, measured["metrics"]))
    for name, value in sorted(measured["metrics"].items()):
        print(f"  {name.ljust(width)}  {value:.6g}")
    return 0


def measure(found: Run, data: str | None, device: str) -> dict[str, dict[str, float]]:
    """What the run's own script measures: the same code that trained."""
    script = os.path.join(found.folder, "train.py")
    with open(script, encoding="utf-8") as file:
        if '"--evaluate"' not in file.read():
            message = f"{found.folder}: its `train.py` measures nothing, as its spec holds no rows"
            raise UsageError(f"{message} out: give `data` a `split`")
    asked = "--evaluate" if data is None else f"--evaluate={os.path.abspath(data)}"
    command = [sys.executable, script, asked, f"--device={device}", f"--output={found.folder}"]
    source = found.record.get("options", {}).get("data")
    if source is not None:
        command.append(f"--data={source}")
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SpecFailedError
    return json.loads(done.stdout.splitlines()[-1])
