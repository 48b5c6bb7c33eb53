"""Runs one script whole, and again killed at random moments and resumed; all from one import of it.

A process of its own, so that the framework is imported once and each run is a fork of that. Call it
as `python -m tests.train.killing FOLDER SEED SIGNAL…`: `whole` and `broken` are put into FOLDER.
"""

import contextlib
import importlib
import os
import random
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

KILLS = 3


def begin(output: Path, wait: int | None = None) -> tuple[int, int]:
    """Starts a run in a process of its own; gives its number and a pipe with a byte for each step.

    Each step then waits for a byte of `wait`, where one is given: a step that goes on by itself might
    be past the last one before this process has its turn.
    """
    told, tell = os.pipe()
    pid = os.fork()
    if pid:
        os.close(tell)
        return pid, told
    script: Any = sys.modules["train"]
    step = script.Progress.step

    def telling(*args: Any, **losses: Any) -> None:
        os.write(tell, b".")
        if wait is not None:
            os.read(wait, 1)
        step(*args, **losses)

    script.Progress.step = telling
    sys.argv = ["train.py", "--device=cpu", "--resume", "-o", str(output)]
    try:
        script.main()
        os._exit(0)
    except SystemExit as error:
        print(error, file=sys.stderr)
        os._exit(error.code if isinstance(error.code, int) else 1)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def run(output: Path) -> None:
    """A run to its end."""
    pid, _ = begin(output)
    assert os.waitpid(pid, 0)[1] == 0


def kill(output: Path, steps: int, delay: float) -> None:
    """A run that is killed some time after a number of steps."""
    pid, told = begin(output)
    for _ in range(steps):
        if not os.read(told, 1):
            break
    time.sleep(delay)
    os.kill(pid, signal.SIGKILL)
    assert os.waitpid(pid, 0)[1] == signal.SIGKILL, "the run ended before it was killed"


def stop(output: Path, kind: signal.Signals) -> int:
    """A run that is asked to end after its first step; gives its status."""
    wait, go = os.pipe()
    pid, told = begin(output, wait)
    os.read(told, 1)
    os.kill(pid, kind)
    os.write(go, b"." * 100)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main(folder: Path, seed: str, *asked: str) -> None:
    """One whole run, then one that is killed, asked to end and resumed."""
    with contextlib.chdir(folder):
        sys.path.insert(0, str(folder))
        # what would be imported at the first step, in each fork anew
        late = ["torch._dynamo"] if "torch" in (folder / "train.py").read_text() else []
        for name in ("train", "sklearn.datasets", *late):
            importlib.import_module(name)
        run(folder / "whole")
        moments = random.Random(seed)
        for _ in range(KILLS):
            kill(folder / "broken", moments.randint(1, 11), moments.uniform(0, 0.02))
        for name in asked:
            print(name, stop(folder / "broken", signal.Signals[name]), flush=True)
        run(folder / "broken")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
