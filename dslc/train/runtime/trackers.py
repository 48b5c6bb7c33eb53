"""Who else is told of a run's figures: TensorBoard where it is installed, a function of your own.

A tracker is a function `on_metrics(step, values)`. It gets every row of `metrics.jsonl`: a step's
losses, and what is measured on held-out rows. A run that is resumed does some steps again, and
tells of them again.
"""

import importlib
import importlib.util
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Tracker = Callable[[int, Mapping[str, float]], object]


def trackers(folder: Path, file: Path | None, done: int) -> list[Tracker]:
    """The trackers of a run.

    Args:
        folder: the run's folder; events for TensorBoard go below it.
        file: a Python file that defines `on_metrics`, if there is one.
        done: steps done already, where the run is resumed.

    Raises:
        ValueError: The file cannot be run, or defines no such function.
    """
    found = [] if file is None else [own(file)]
    if importlib.util.find_spec("tensorboard") is not None:
        found.append(tensorboard(folder / "tensorboard", done))
    return found


def own(file: Path) -> Tracker:
    """`on_metrics` of a file."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if not file.is_file() or spec is None or spec.loader is None:
        raise ValueError(f"--track {file}: no Python file")
    module: Any = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ValueError(f"--track {file}: {type(error).__name__}: {error}") from None
    if not callable(getattr(module, "on_metrics", None)):
        raise ValueError(f"--track {file}: it defines no on_metrics(step, values)")
    return module.on_metrics


def tensorboard(folder: Path, done: int) -> Tracker:
    """Writes events for TensorBoard, which forgets those after the step that a run goes on from."""
    events: Any = importlib.import_module("tensorboard.compat.proto.event_pb2")
    summaries: Any = importlib.import_module("tensorboard.compat.proto.summary_pb2")
    files: Any = importlib.import_module("tensorboard.summary.writer.event_file_writer")
    writer = files.EventFileWriter(str(folder))
    if done:
        again = events.SessionLog(status=events.SessionLog.START)
        writer.add_event(events.Event(wall_time=time.time(), step=done + 1, session_log=again))

    def on_metrics(step: int, values: Mapping[str, float]) -> None:
        parts = [
            summaries.Summary.Value(tag=name, simple_value=value) for name, value in values.items()
        ]
        summary = summaries.Summary(value=parts)
        writer.add_event(events.Event(wall_time=time.time(), step=step, summary=summary))
        if any(name.startswith("held_out_") for name in values):
            writer.flush()

    return on_metrics
