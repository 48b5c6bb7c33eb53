"""Progress of a training run: a line on the terminal, metrics as JSON lines and CSV, and curves.

`metrics.jsonl` gets one row per step and per evaluation. A resumed run first drops the rows that
came after its checkpoint, so that the file is the same as that of a run that was never stopped.
"""

import csv
import html
import itertools
import json
import math
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, SupportsFloat, TextIO

Row = dict[str, Any]


class NoNumberError(Exception):
    """A loss or a metric is no number; the message says which one, and where.

    Attributes:
        step: steps done when it was found, its own among them.
        in_step: whether it is the loss of that step; else it was measured after it.
    """

    def __init__(self, message: str, step: int, *, in_step: bool) -> None:
        super().__init__(message)
        self.step = step
        self.in_step = in_step


class Progress:
    """Shows and records a run.

    Args:
        folder: where `metrics.jsonl`, `metrics.csv` and `curves.html` go.
        total: steps of the whole run.
        done: steps done already, where the run is resumed.
        stream: where progress is shown; a terminal gets a line that moves, a file plain lines.
        trackers: functions of a step and its figures by name; one that fails is asked no more.
    """

    def __init__(
        self,
        folder: Path,
        total: int,
        done: int = 0,
        stream: TextIO | None = None,
        trackers: Sequence[Callable[[int, Mapping[str, float]], object]] = (),
    ) -> None:
        self._trackers = list(trackers)
        self._folder = folder
        self._total = total
        self._first = done
        self._started = time.monotonic()
        self._shown = self._printed = self._started
        self._pending: list[tuple[int, int, dict[str, SupportsFloat]]] = []
        self._stream = stream or sys.stderr
        self._moving = self._stream.isatty()
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "metrics.jsonl"
        self._rows = [row for row in read_rows(path) if row["step"] <= done]
        _replace(path, "".join(_line(row) for row in self._rows))
        self._file = path.open("a", encoding="utf-8")

    def step(self, step: int, epoch: int, **losses: SupportsFloat) -> None:
        """Records the losses of a step.

        They are read some steps later, in a bunch, so that a device need not be waited for.
        """
        self._pending.append((step, epoch, losses))
        if len(self._pending) >= 50 or time.monotonic() - self._shown > 0.5:
            self._settle()

    def evaluation(self, step: int, epoch: int, **metrics: float) -> None:
        """Records metrics on held-out data and prints them."""
        self._settle()
        row = {"step": step, "epoch": epoch, **metrics}
        self._record([row])
        self._refuse_no_number(row, in_step=False)
        text = "  ".join(f"{name} {value:.4f}" for name, value in metrics.items())
        self._print(f"epoch {epoch}  step {step}/{self._total}  {text}")

    def mean(self, name: str, epoch: int) -> float | None:
        """The mean of a figure over an epoch; None where nothing reported it."""
        self._settle()
        own = itertools.takewhile(lambda row: row["epoch"] == epoch, reversed(self._rows))
        found = [row[name] for row in own if name in row]
        return sum(found) / len(found) if found else None

    def note(self, text: str) -> None:
        """Prints a line about the run."""
        self._settle()
        self._print(text)

    def flush(self) -> None:
        """Brings the rows to the disk: call it before a checkpoint that counts on them."""
        self._settle()
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self, more: str = "") -> None:
        """Writes the table and the page of curves; `more` stands on the page below them."""
        self.flush()
        self._file.close()
        write_table(self._folder / "metrics.csv", self._rows)
        _replace(self._folder / "curves.html", curves(self._rows, more))
        if self._moving:
            self._stream.write("\r\x1b[K")

    def _record(self, rows: list[Row]) -> None:
        self._rows += rows
        self._file.write("".join(_line(row) for row in rows))
        for row in rows:
            self._tell(row)

    def _tell(self, row: Row) -> None:
        """Tells the trackers; none of them may end a run."""
        values = {name: value for name, value in row.items() if name not in ("step", "epoch")}
        for tracker in tuple(self._trackers):
            try:
                tracker(row["step"], values)
            except Exception as error:
                self._trackers.remove(tracker)
                text = f"a tracker failed and is asked no more: {type(error).__name__}: {error}"
                self._print(text)

    def _settle(self) -> None:
        """Reads the losses that are pending."""
        if not self._pending:
            return
        pending, self._pending = self._pending, []
        rows: list[Row] = [
            {"step": step, "epoch": epoch} | {name: float(x) for name, x in losses.items()}
            for step, epoch, losses in pending
        ]
        self._record(rows)
        for row in rows:
            self._refuse_no_number(row)
        self._shown = time.monotonic()
        if self._moving or self._shown - self._printed > 10:
            self._printed = self._shown
            self._show(rows[-1])

    def _refuse_no_number(self, row: Row, *, in_step: bool = True) -> None:
        """Ends the run where a figure is no number: the weights are none from there on."""
        for name, value in row.items():
            if not math.isfinite(value) and (in_step or name.endswith("loss")):
                self._file.close()
                where = f"step {row['step']} of {self._total}, in epoch {row['epoch']}"
                if not in_step:
                    where = f"held-out rows after {where}"
                raise NoNumberError(f"`{name}` is {value} at {where}", row["step"], in_step=in_step)

    def _show(self, row: Row) -> None:
        step = row["step"]
        rate = (step - self._first) / max(self._shown - self._started, 1e-9)
        left = int((self._total - step) / max(rate, 1e-9))
        losses = "".join(f"  {name} {x:.4f}" for name, x in row.items() if name.endswith("loss"))
        numbers = f"{step}/{self._total}{losses}  {rate:.1f} steps/s  {_clock(left)} left"
        if self._moving:
            filled = 30 * step // max(self._total, 1)
            self._stream.write(f"\r\x1b[K{'━' * filled}{' ' * (30 - filled)}  {numbers}")
            self._stream.flush()
        else:
            self._print(f"step {numbers}")

    def _print(self, text: str) -> None:
        self._stream.write(f"\r\x1b[K{text}\n" if self._moving else f"{text}\n")
        self._stream.flush()


def read_rows(path: Path) -> list[Row]:
    """The rows of a metrics file; a line that a kill cut short ends them."""
    rows: list[Row] = []
    if path.exists():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                row: Any = json.loads(line)
            except ValueError:
                break
            if not isinstance(row, dict) or not isinstance(row.get("step"), int):
                break
            rows.append(row)
    return rows


def write_table(path: Path, rows: list[Row]) -> None:
    """Writes the rows as CSV, with a column for every name that occurs."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
    temporary.replace(path)


def curves(rows: list[Row], more: str = "") -> str:
    """One self-contained page with a curve for every metric over the steps, and what is given."""
    names = dict.fromkeys(name for row in rows for name in row if name not in ("step", "epoch"))
    figures = [
        _figure(name, [(row["step"], row[name]) for row in rows if name in row]) for name in names
    ]
    return _PAGE.replace("FIGURES", "\n".join([*figures, more]))


def _figure(name: str, points: list[tuple[int, float]]) -> str:
    finite = [(step, value) for step, value in points if abs(value) < float("inf")]
    if not finite:
        return ""
    stride = max(1, len(finite) // 2000)  # more points than pixels say nothing
    finite = finite[::stride] + finite[-1:]
    low, high = min(v for _, v in finite), max(v for _, v in finite)
    last = max(finite[-1][0], 1)
    scale = 180 / (high - low) if high > low else 0.0
    path = " ".join(f"{600 * s / last:.1f},{190 - (v - low) * scale:.1f}" for s, v in finite)
    mark = f'<circle cx="600" cy="{path.rpartition(",")[2]}" r="3"/>'
    return (
        f"<figure><figcaption>{html.escape(name)}: {finite[-1][1]:.5g}</figcaption>"
        f'<svg viewBox="-60 0 680 215"><polyline points="{path}"/>{mark}'
        f'<text x="-5" y="14" text-anchor="end">{high:.4g}</text>'
        f'<text x="-5" y="194" text-anchor="end">{low:.4g}</text>'
        f'<text x="0" y="210">0</text><text x="600" y="210" text-anchor="end">{last}</text>'
        "</svg></figure>"
    )


def _line(row: Row) -> str:
    return json.dumps(row) + "\n"


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def _clock(seconds: int) -> str:
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Training curves</title>
<style>
  body { font: 15px system-ui, sans-serif; margin: 2rem auto; max-width: 46rem; color: #223; }
  figure { margin: 0 0 2rem; }
  polyline { fill: none; stroke: #2563a8; stroke-width: 1.5; }
  circle { fill: #2563a8; }
  text { font-size: 12px; fill: #667; }
  table { border-collapse: collapse; font-size: 13px; }
  th, td { padding: 3px 6px; text-align: right; min-width: 1.6em; }
  th { color: #667; font-weight: normal; }
  ul.examples { display: grid; grid-template-columns: repeat(4, 1fr); gap: 1rem; padding: 0; }
  ul.examples { list-style: none; }
  .examples li { border-left: 3px solid #2563a8; padding-left: 8px; overflow-wrap: anywhere; }
  .examples li.wrong { border-color: #c2410c; }
  .examples span { display: block; }
  .examples img { width: 72px; image-rendering: pixelated; vertical-align: middle; }
  .examples code { display: block; font-size: 11px; color: #667; }
</style>
<h1>Training curves</h1>
FIGURES
</html>
"""
