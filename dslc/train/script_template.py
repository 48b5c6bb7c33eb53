"""The template of what every `train.py` ends on: its options and its loop.

Above it stand what the spec decides and the backend's `Trainer`; see `dslc.emit.template`.
"""

# Each backend has its own trainer.
# pyright: reportInvalidTypeForm=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportGeneralTypeIssues=false

import argparse
import contextlib
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

from dslc.train.runtime.checkpoint import Checkpoint, save, to_resume
from dslc.train.runtime.data import Arrays, Batches, Column, average, load, split
from dslc.train.runtime.progress import Progress
from dslc.train.runtime.weights import read, write

AVERAGES = False  # whether a moving average of the weights is kept
FILES = True  # whether the data are files, which may lie elsewhere
MEASURES = True  # whether rows are held out
MOMENTS = True  # whether the optimiser keeps something of each weight
PHASED = False  # whether each step has phases
PLATEAUED = False  # whether the rate falls once a figure gets no better
RISES = False  # whether the figure for early stopping is better where it is larger
SCHEDULED = True  # whether the rate changes
SLACK = False  # whether a figure has to be better by some amount
STOPS = False  # whether a run ends once it gets no better
STARTED = False  # whether a file beside the script holds weights to start from
STRATIFIED = True  # whether the held-out rows are chosen by class
TURNED = True  # whether the model computes in another layout than the data have

SPEC = "sha256:0"
START = Path(__file__).parent / "start.safetensors"
DATA = "wine"
SOURCE = DATA  # or what the call says
COLUMNS: dict[str, Column] = {}
HELD_OUT = 0.2
SPLIT_SEED = 0
HOW_SPLIT = HELD_OUT  # and with which seed, by which column
STRATIFY = "label"
EPOCHS = 1
BATCH = 1
SEED = 0
LEARNING_RATE = 0.1
STOP_METRIC = "loss"
PATIENCE = 3
MIN_DELTA = 0.1
WATCHED: dict[str, Any] = {"figure": "loss", "patience": 3}  # or those of the phases
DEVICES = ("auto", "cpu")

Trainer: Any = None  # each backend has its own
Watched: Any = None  # a plateau, or those of the phases


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


class Patience:
    """The best figure of held-out rows so far, and for how many epochs there was no better one."""

    def __init__(self, state: Mapping[str, Any]) -> None:
        self.best: float | None = state.get("best")
        self.waited: int = state.get("waited", 0)

    def is_better(self, figure: float) -> bool:
        """Takes the figure of an epoch."""
        if RISES and SLACK:
            better = self.best is None or figure > self.best + MIN_DELTA
        elif RISES:
            better = self.best is None or figure > self.best
        elif SLACK:
            better = self.best is None or figure < self.best - MIN_DELTA
        else:
            better = self.best is None or figure < self.best
        self.best, self.waited = (figure, 0) if better else (self.best, self.waited + 1)
        return better

    @property
    def is_over(self) -> bool:
        """Whether the run has waited for long enough."""
        return self.waited >= PATIENCE

    @property
    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps of it."""
        return {"best": self.best, "waited": self.waited}


class Plateau:
    """A share of the learning rate, which falls once a figure has got no better for some epochs."""

    def __init__(self, state: Mapping[str, Any], how: Mapping[str, Any]) -> None:
        self.how = how
        self.share: float = state.get("share", 1.0)
        self.best: float | None = state.get("best")
        self.waited: int = state.get("waited", 0)

    if not PHASED:

        def rate(self, step: int, total: int) -> float:
            """The rate of a step."""
            if SCHEDULED:
                return self.share * learning_rate(step, total)
            else:  # noqa: RET505
                del step, total
                return self.share * LEARNING_RATE

    def look(self, progress: Progress, epoch: int) -> None:
        """Looks at the figure behind an epoch, if there is one."""
        figure = progress.mean(self.how["figure"], epoch)
        if figure is None:
            return
        gain = 0.0 if self.best is None else self.how["sign"] * (figure - self.best)
        if self.best is None or gain > self.how["min_delta"]:
            self.best, self.waited = figure, 0
        else:
            self.waited += 1
        if self.waited == self.how["patience"]:
            self.share, self.waited = max(self.how["final"], self.share * self.how["factor"]), 0

    @property
    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps of it."""
        return {"share": self.share, "best": self.best, "waited": self.waited}


class Plateaus:
    """The plateaus of the phases that have one."""

    def __init__(self, state: Mapping[str, Any], ways: Mapping[str, Mapping[str, Any]]) -> None:
        self.parts = {name: Plateau(state.get(name, {}), how) for name, how in ways.items()}

    def rate(self, step: int, total: int) -> dict[str, float]:
        """The rate of each phase at a step."""
        if SCHEDULED:
            rates = learning_rate(step, total)
        else:
            del step, total
            rates = LEARNING_RATE
        kept = self.parts
        return {n: kept[n].share * rate if n in kept else rate for n, rate in rates.items()}  # pyright: ignore

    def look(self, progress: Progress, epoch: int) -> None:
        """Looks at the figures behind an epoch."""
        for part in self.parts.values():
            part.look(progress, epoch)

    @property
    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps of them."""
        return {name: part.state for name, part in self.parts.items()}


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


def kept_of(trainer: Trainer) -> dict[str, Arrays]:
    """What a checkpoint keeps of a trainer."""
    if MOMENTS and AVERAGES:
        return {
            "weights": trainer.weights(),
            "optimizer": trainer.moments(),
            "averages": trainer.kept_averages(),
        }
    elif MOMENTS:  # noqa: RET505
        return {"weights": trainer.weights(), "optimizer": trainer.moments()}
    elif AVERAGES:
        return {"weights": trainer.weights(), "averages": trainer.kept_averages()}
    else:
        return {"weights": trainer.weights()}


def started(arguments: argparse.Namespace, checkpoint: Checkpoint | None) -> Trainer:
    """The trainer as it begins, or as a checkpoint left it."""
    trainer = Trainer(arguments.seed, arguments.device)
    if checkpoint:
        trainer.restore(checkpoint)
    elif STARTED:
        trainer.load({**trainer.weights(), **read(START)}, str(START))
    return trainer


def main() -> None:
    """Trains, from the beginning or from the newest checkpoint."""
    arguments = parse_arguments()
    state = {"seed": arguments.seed, "batch": BATCH}
    checkpoints = arguments.output / "checkpoints"
    with plain_errors():
        arrays = load(SOURCE, COLUMNS)
        checkpoint = to_resume(checkpoints, SPEC, state, resume=arguments.resume)
    if TURNED:
        arrays = to_native(arrays)
    if MEASURES:
        arrays, held_out = split(arrays, HOW_SPLIT)
    batches = Batches(arrays, BATCH, arguments.seed)
    total = arguments.epochs * batches.steps
    trainer = started(arguments, checkpoint)
    step = checkpoint.step if checkpoint else 0
    if STOPS:
        patience = Patience(checkpoint.state if checkpoint else {})
    if PLATEAUED:
        plateau = Watched(checkpoint.state["plateau"] if checkpoint else {}, WATCHED)
    progress = Progress(arguments.output, total, done=step)
    for epoch in range(step // batches.steps, arguments.epochs):
        if STOPS and patience.is_over:  # pyright: ignore
            progress.note(f"held_out_{STOP_METRIC} got no better for {PATIENCE} epochs")
            break
        for batch in batches.epoch(epoch, start=step % batches.steps):
            if PLATEAUED:
                reported = trainer.step(batch, plateau.rate(step, total))  # pyright: ignore
            elif SCHEDULED:
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
            progress.evaluation(step, epoch, **{f"held_out_{n}": found[n] for n in sorted(found)})
        if STOPS and patience.is_better(found[STOP_METRIC]):  # pyright: ignore
            write(arguments.output / "best.safetensors", trainer.outcome())
        progress.flush()
        if PLATEAUED:
            plateau.look(progress, epoch)  # pyright: ignore
            state["plateau"] = plateau.state  # pyright: ignore
        if STOPS:
            state |= patience.state  # pyright: ignore
        save(checkpoints, step, kept_of(trainer), state, SPEC)
    write(arguments.output / "weights.safetensors", trainer.outcome())
    progress.close()
