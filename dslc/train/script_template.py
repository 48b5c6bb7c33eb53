"""The template of what every `train.py` ends on: its options and its loop.

Above it stand what the spec decides and the backend's `Trainer`; see `dslc.emit.template`.
"""

# Each backend has its own trainer.
# pyright: reportInvalidTypeForm=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportGeneralTypeIssues=false

import argparse
import contextlib
import json
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dslc.train.runtime.checkpoint import Checkpoint, newest, save, to_resume
from dslc.train.runtime.data import Arrays, Column, held_out_rows, split
from dslc.train.runtime.data_learned import Learned, read_learned, write_learned
from dslc.train.runtime.data_order import Batches, average, in_order
from dslc.train.runtime.faults import listed
from dslc.train.runtime.progress import NoNumberError, Progress
from dslc.train.runtime.record import record, spec_text
from dslc.train.runtime.signals import Signals
from dslc.train.runtime.trackers import trackers
from dslc.train.runtime.weights import read, write

ADAPTS = False  # whether only adapters of some matrices move
AVERAGES = False  # whether a moving average of the weights is kept
FILES = True  # whether the data are files, which may lie elsewhere
LATE = False  # whether rows are changed or read batch by batch
LEARNS = False  # whether something is learned from the training rows
MEASURES = True  # whether rows are held out
MOMENTS = True  # whether the optimiser keeps something of each weight
PHASED = False  # whether each step has phases
PLATEAUED = False  # whether the rate falls once a figure gets no better
RISES = False  # whether the figure for early stopping is better where it is larger
SCHEDULED = True  # whether the rate changes
SLACK = False  # whether a figure has to be better by some amount
STOPS = False  # whether a run ends once it gets no better
SCALED = False  # whether the loss is scaled
THAWS = False  # whether weights are frozen at first
STARTED = False  # whether a file beside the script holds weights to start from
STRATIFIED = True  # whether the held-out rows are chosen by class
TURNED = True  # whether the model computes in another layout than the data have
WINDOWS = False  # whether rows are cut from a text, which is learned from as a whole

SPEC = "sha256:0"
RUN: dict[str, Any] = {"spec": SPEC, "backend": "torch"}
PACKAGES = ("torch",)
START = Path(__file__).parent / "start.safetensors"
DATA = "wine"
SOURCE = DATA  # or what the call says
COLUMNS: dict[str, Column] = {}
HOW_READ = COLUMNS  # and where to, if rows stay on disk
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

training: Arrays = {}  # what the rows are split into
held_out: Arrays = {}
Trainer: Any = None  # each backend has its own
Watched: Any = None  # a plateau, or those of the phases
find_fault: Any = None  # likewise
Rows = Any  # those of training, and those held out where there are some


def load(source: str, columns: Mapping[str, Column]) -> Arrays:
    """What training takes; each project's `data.py` has its own."""
    del source, columns
    return {}


def learn(training: Arrays) -> Learned:
    """What the training rows say; likewise."""
    return {name: len(array) for name, array in training.items()}


def prepare(arrays: Arrays, learned: Learned) -> Arrays:
    """Rows with what is done to them by what was learned; likewise."""
    del learned
    return arrays


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


@contextlib.contextmanager
def run_errors(explain: Callable[[NoNumberError], str]) -> Generator[None]:
    """Ends a run with one line where it meets a figure that is no number, or a full disk."""
    try:
        yield
    except NoNumberError as fault:
        where = explain(fault)
        advice = "no checkpoint is written from there on; try a smaller learning rate, or `clip`"
        raise SystemExit(f"train.py: {fault}: {where}; {advice}") from None
    except OSError as error:
        text = f"{error}: the newest checkpoint is whole; --resume goes on from it"
        raise SystemExit(f"train.py: {text}") from None


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
    text = "a Python file whose on_metrics(step, values) gets every figure"
    parser.add_argument("--track", type=Path, metavar="FILE", help=text)
    if MEASURES:
        parser.add_argument(
            "--evaluate",
            nargs="?",
            const="",
            metavar="FILE",
            help="measure the run on its held-out rows, or on all of FILE, and train nothing",
        )
    return parser.parse_args()


def kept_of(trainer: Trainer) -> dict[str, Arrays]:
    """What a checkpoint keeps of a trainer."""
    if ADAPTS or AVERAGES or SCALED:
        found: dict[str, Arrays] = {"weights": trainer.weights()}
        if MOMENTS:
            found["optimizer"] = trainer.moments()
        if ADAPTS:
            found["adapters"] = trainer.kept_adapters()
        if AVERAGES:
            found["averages"] = trainer.kept_averages()
        if SCALED:
            found["scaling"] = trainer.scaling()
        return found
    elif MOMENTS:  # noqa: RET505
        return {"weights": trainer.weights(), "optimizer": trainer.moments()}
    else:
        return {"weights": trainer.weights()}


def load_rows(source: str) -> Arrays:
    """The columns of some data, as the model takes them."""
    if TURNED and not LATE:
        with plain_errors():
            arrays = load(source, HOW_READ)
        return to_native(arrays)
    else:  # noqa: RET505
        with plain_errors():
            return load(source, HOW_READ)


def learned_rows(arguments: argparse.Namespace) -> Rows:
    """The rows, changed by what those that are trained on say; this stays beside the run."""
    training = load_rows(SOURCE)
    if WINDOWS:
        learned = learn(training)  # from all of the text: rows are cut from it
        training = prepare(training, learned)
    if MEASURES:
        training, held_out = split(training, HOW_SPLIT)
    if not WINDOWS:
        learned = learn(training)
        training = prepare(training, learned)
        if MEASURES:
            held_out = prepare(held_out, learned)  # pyright: ignore
    write_learned(arguments.output / "learned.json", learned)  # pyright: ignore
    if MEASURES:
        return training, held_out  # pyright: ignore
    else:  # noqa: RET505
        return training


def state_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """What the checkpoints of a run have in common: to go on with another is refused."""
    spec = spec_text(Path(__file__).parent)
    return {"backend": RUN["backend"], "seed": arguments.seed, "batch": BATCH, "spec": spec}


def open_run(arguments: argparse.Namespace, rows: int) -> tuple[Checkpoint | None, dict[str, Any]]:
    """The checkpoint that a run goes on from, and what all of its checkpoints say."""
    state = {**state_of(arguments), "rows": rows}
    found = to_resume(arguments.output / "checkpoints", SPEC, state, resume=arguments.resume)
    record(arguments.output, RUN, vars(arguments), PACKAGES, found.step if found else None)
    return found, state


def begin(arguments: argparse.Namespace, checkpoint: Checkpoint | None) -> Trainer:
    """The trainer as a run begins, or as a checkpoint has it."""
    trainer = Trainer(arguments.seed, arguments.device)
    if checkpoint:
        trainer.restore(checkpoint)
    elif STARTED:
        trainer.load({**trainer.weights(), **read(START)}, str(START))
    return trainer


def locate(fault: NoNumberError, arguments: argparse.Namespace, batches: Batches) -> str:
    """Trains once more up to a figure that is no number, and says where it comes from."""
    checkpoint = newest(arguments.output / "checkpoints")
    if PLATEAUED:
        plateau = Watched(checkpoint.state["plateau"] if checkpoint else {}, WATCHED)

    def turn(step: int) -> tuple[Arrays, Any]:
        batch = next(batches.epoch(step // batches.steps, start=step % batches.steps))
        if TURNED and LATE:
            batch = to_native(batch)
        if PLATEAUED:
            return batch, plateau.rate(step, arguments.epochs * batches.steps)  # pyright: ignore
        elif SCHEDULED:  # noqa: RET505
            return batch, learning_rate(step, arguments.epochs * batches.steps)
        else:
            return batch, LEARNING_RATE

    trainer = begin(arguments, checkpoint)
    last = fault.step - 1 if fault.in_step else fault.step
    for step in range(checkpoint.step if checkpoint else 0, last):
        if THAWS:
            trainer.thaw(step // batches.steps)
        trainer.step(*turn(step))
    if THAWS:
        trainer.thaw(last // batches.steps)
    place = find_fault(trainer, *turn(last))
    if not fault.in_step:
        return place
    rows = batches.rows(last)
    if MEASURES and WINDOWS:
        learned = read_learned(arguments.output / "learned.json")
        held = held_out_rows(prepare(load_rows(SOURCE), learned), HOW_SPLIT)
        rows = np.flatnonzero(~held)[rows]
    elif MEASURES:
        held = held_out_rows(load_rows(SOURCE), HOW_SPLIT)
        rows = np.flatnonzero(~held)[rows]
    return f"{place}; its batch is of rows {listed(rows.tolist())}"


def evaluate(arguments: argparse.Namespace) -> dict[str, Any]:
    """The figures of a run on the rows that it held out, or on all rows of a file."""
    path = arguments.output / "weights.safetensors"
    with plain_errors():
        rows = load_rows(arguments.evaluate or SOURCE)
        if LEARNS:
            learned = read_learned(arguments.output / "learned.json")
        if WINDOWS:
            rows = prepare(rows, learned)  # pyright: ignore
        if not arguments.evaluate:
            rows = split(rows, HOW_SPLIT)[1]
        if LEARNS and not WINDOWS:
            rows = prepare(rows, learned)  # pyright: ignore
        trainer = Trainer(arguments.seed, arguments.device)
        trainer.load(read(path), str(path))
    count = len(next(iter(rows.values())))
    return {"rows": count, "metrics": average(MEASURE, rows, BATCH)}  # noqa: F821  # pyright: ignore


def held_out_names(found: Mapping[str, float]) -> dict[str, float]:
    """Figures under the names that a run's files have for them."""
    return {f"held_out_{name}": found[name] for name in sorted(found)}


def shown(trainer: Trainer, held_out: Arrays) -> str:  # noqa: ARG001
    """What the page at the run's end shows of the held-out rows."""
    return SHOWN(PREDICT, in_order(held_out, BATCH), TARGET)  # noqa: F821  # pyright: ignore


def train(arguments: argparse.Namespace) -> None:
    """Trains, from the beginning or from the newest checkpoint."""
    checkpoints = arguments.output / "checkpoints"
    with plain_errors():
        PARTS = THE_ROWS  # noqa: F821, F841, N806  # pyright: ignore
        batches = Batches(training, BATCH, arguments.seed)
        checkpoint, state = open_run(arguments, batches.count)
        trainer = begin(arguments, checkpoint)
        step = checkpoint.step if checkpoint else 0
        told = trackers(arguments.output, arguments.track, step)
    total = arguments.epochs * batches.steps
    if STOPS:
        patience = Patience(checkpoint.state if checkpoint else {})
        state |= patience.state
    if PLATEAUED:
        plateau = Watched(checkpoint.state["plateau"] if checkpoint else {}, WATCHED)
        state["plateau"] = plateau.state
    progress = Progress(arguments.output, total, done=step, trackers=told)
    with Signals() as signals, run_errors(lambda fault: locate(fault, arguments, batches)):
        for epoch in range(step // batches.steps, arguments.epochs):
            if STOPS and patience.is_over:  # pyright: ignore
                progress.note(f"held_out_{STOP_METRIC} got no better for {PATIENCE} epochs")
                break
            if THAWS:
                trainer.thaw(epoch)
            for batch in batches.epoch(epoch, start=step % batches.steps):
                if TURNED and LATE:
                    batch = to_native(batch)
                reported = trainer.step(batch, RATE_AT)  # noqa: F821, F841  # pyright: ignore
                step += 1
                progress.step(step, epoch, REPORTED)  # noqa: F821  # pyright: ignore
                if signals.received and step % batches.steps:
                    progress.flush()
                    save(checkpoints, step, kept_of(trainer), state, SPEC)
                    signals.leave(step)
            if MEASURES:
                found = average(MEASURE, held_out, BATCH)  # noqa: F821  # pyright: ignore
                progress.evaluation(step, epoch, **held_out_names(found))
            if STOPS and patience.is_better(found[STOP_METRIC]):  # pyright: ignore
                write(arguments.output / "best.safetensors", trainer.outcome())
            progress.flush()
            if PLATEAUED:
                plateau.look(progress, epoch)  # pyright: ignore
                state["plateau"] = plateau.state  # pyright: ignore
            if STOPS:
                state |= patience.state  # pyright: ignore
            save(checkpoints, step, kept_of(trainer), state, SPEC)
            if signals.received:
                signals.leave(step)
        write(arguments.output / "weights.safetensors", trainer.outcome())
        progress.close(PAGE)  # noqa: F821  # pyright: ignore


def main() -> None:
    """Does what the call says."""
    arguments = parse_arguments()
    if MEASURES and arguments.evaluate is not None:
        print(json.dumps(evaluate(arguments)))
    else:
        train(arguments)
