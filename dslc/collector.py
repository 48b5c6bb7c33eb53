"""Pauses Python's cycle collector while a spec is read and checked.

Trees and the IR make no cycles that matter, and looking for some again and again takes about a
tenth of the time of a check. What is released without a cycle is freed at once all the same.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator


@contextmanager
def collector_paused() -> Generator[None]:
    """Runs without looking for cycles; afterwards it is as it was before."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
