"""Leaving a run in good order: SIGTERM and Ctrl-C are remembered; the loop saves before it ends.

A second signal ends the program at once, as it would have without this.
"""

import signal
import sys
from types import FrameType
from typing import Any, NoReturn, Self

_KINDS = (signal.SIGTERM, signal.SIGINT)


class Signals:
    """Remembers a signal that asks the program to end, while it is entered."""

    def __init__(self) -> None:
        self.received: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self._before = {kind: signal.signal(kind, self._take) for kind in _KINDS}
        return self

    def __exit__(self, *_: object) -> None:
        for kind, handler in self._before.items():
            signal.signal(kind, handler)

    def leave(self, step: int) -> NoReturn:
        """Ends the program after a checkpoint, with the status that a shell gives the signal."""
        assert self.received is not None
        name = signal.Signals(self.received).name
        print(f"train.py: {name}: saved at step {step}; --resume goes on", file=sys.stderr)
        raise SystemExit(128 + self.received)

    def _take(self, kind: int, _: FrameType | None) -> None:
        self.received = kind
        for each, handler in self._before.items():
            signal.signal(each, handler)
