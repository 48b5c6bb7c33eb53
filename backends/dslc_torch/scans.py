"""Scans in PyTorch: a plain loop, whose outputs are stacked behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.python import For, Line

if TYPE_CHECKING:
    from dslc.emit.python import Statement
    from dslc.emit.scans import ScanText


def scan(text: ScanText) -> list[Statement]:
    """A scan's statements."""
    before = [
        Line(f"{carry} = {start}")
        for carry, start in zip(text.carries, text.starts, strict=True)
        if carry != start
    ]
    append = [Line(f"{text.result}.append({text.out})")] if text.out else []
    after = [*text.assignment(), *append] if text.hands_on else [*append, *text.assignment()]
    if text.out:
        before.append(Line(f"{text.result} = []"))
    target, iterable = header(text)
    return [*before, For(target, iterable, [*text.body, *after])]


def header(text: ScanText) -> tuple[str, str]:
    """What the loop binds, and what it runs over."""
    if not text.over:
        return "_", f"range({text.times})"
    steps = [f"{x}.unbind({axis})" for x, axis in zip(text.over, text.axes, strict=True)]
    if text.reverse:
        steps = [f"reversed({step})" for step in steps]
    iterable = steps[0] if len(steps) == 1 else f"zip({', '.join(steps)}, strict=True)"
    return ", ".join(text.parts), iterable


def stacked(text: ScanText) -> str:
    """The outputs of all rounds, in the order of time."""
    order = "[::-1]" if text.reverse else ""
    return f"torch.stack({text.result}{order}, dim={text.out_axis})"
