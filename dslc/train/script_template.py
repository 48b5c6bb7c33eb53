"""The template of what every `train.py` ends on: its options and its loop.

Above it stand what the spec decides and the backend's `Trainer`; see `dslc.emit.template`.
"""

import argparse
import contextlib
from collections.abc import Generator
from pathlib import Path
from typing import Any

from dslc.train.runtime.checkpoint import save, to_resume
from dslc.train.runtime.data import Arrays, Batches, Column, average, load, split
from dslc.train.runtime.progress import Progress
from dslc.train.runtime.weights import read, write

FILES = True  # whether the data are files, which may lie elsewhere
MEASURES = True  # whether rows are held out
MOMENTS = True  # whether the optimiser keeps something of each weight
PHASED = False  # whether each step has phases
SCHEDULED = True  # whether the rate changes
STARTED = False  # whether a file beside the script holds weights to start from
STRATIFIED = True  # whether the held-out rows are chosen by class
TURNED = True  # whether the model computes in another layout than the data have

SPEC = "sha256:0"
START = Path(__file__).parent / "start.safetensors"
DATA = "wine"
COLUMNS: dict[str, Column] = {}
HELD_OUT = 0.2
SPLIT_SEED = 0
STRATIFY = "label"
EPOCHS = 1
BATCH = 1
SEED = 0
LEARNING_RATE = 0.1
DEVICES = ("auto", "cpu")

Trainer: Any = None  # each backend has its own


def learning_rate(step: int, total: int) -> float:
    """The schedule."""
    return LEARNING_RATE * (1 - step / total)


def to_native(arrays: Arrays) -> Arrays:
    """The layout in which the model computes."""
    return arrays


@contextlib.contextmanager
def plain_errors() -> Generator[None]:
    """Ends the program with one line where files are not what they should be."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise SystemExit(f"train.py: {error}") from None


def parse_arguments() -> argparse.Namespace:
    """What the call says."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    here = Path(__file__).parent
    parser.add_argument("-o", "--output", type=Path, default=here, metavar="RUN")
    if FILES:
        parser.add_argument("--data", default=DATA, help=f"instead of {DATA}")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help=f"instead of {EPOCHS}")
    parser.add_argument("--seed", type=int, default=SEED, help="of initial weights and order")
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument("--resume", action="store_true", help="go on from the newest checkpoint")
    return parser.parse_args()


def main() -> None:
    """Trains, from the beginning or from the newest checkpoint."""
    arguments = parse_arguments()
    state = {"seed": arguments.seed, "batch": BATCH}
    checkpoints = arguments.output / "checkpoints"
    with plain_errors():
        if FILES:
            arrays = load(arguments.data, COLUMNS)
        else:
            arrays = load(DATA, COLUMNS)
        checkpoint = to_resume(checkpoints, SPEC, state, resume=arguments.resume)
    if TURNED:
        arrays = to_native(arrays)
    if MEASURES and STRATIFIED:
        training, held_out = split(arrays, HELD_OUT, SPLIT_SEED, STRATIFY)
    elif MEASURES:
        training, held_out = split(arrays, HELD_OUT, SPLIT_SEED)
    else:
        training = arrays
    batches = Batches(training, BATCH, arguments.seed)
    total = arguments.epochs * batches.steps
    trainer = Trainer(arguments.seed, arguments.device)
    if checkpoint:
        trainer.restore(checkpoint)
    elif STARTED:
        trainer.load({**trainer.weights(), **read(START)}, str(START))
    step = checkpoint.step if checkpoint else 0
    progress = Progress(arguments.output, total, done=step)
    for epoch in range(step // batches.steps, arguments.epochs):
        for batch in batches.epoch(epoch, start=step % batches.steps):
            if SCHEDULED:
                reported = trainer.step(batch, learning_rate(step, total))
            else:
                reported = trainer.step(batch, LEARNING_RATE)
            step += 1
            if PHASED:
                progress.step(step, epoch, **reported)
            else:
                progress.step(step, epoch, loss=reported)
        if MEASURES:
            found = average(trainer.measure, held_out, BATCH)  # pyright: ignore
            figures = {f"held_out_{name}": found[name] for name in sorted(found)}
            progress.evaluation(step, epoch, **figures)
        progress.flush()
        if MOMENTS:
            kept = {"weights": trainer.weights(), "optimizer": trainer.moments()}
        else:
            kept = {"weights": trainer.weights()}
        save(checkpoints, step, kept, state, SPEC)
    write(arguments.output / "weights.safetensors", trainer.weights())
    progress.close()
