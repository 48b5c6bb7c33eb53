"""Scans in Keras: a function of one round, which the helper `scan` runs along time as one layer.

The round is a model of its own, so everything that it reads from around it is handed to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.flow import listed
from dslc.emit.python import Function, Line, Parameter

if TYPE_CHECKING:
    from dslc.emit.classes import ClassWriter
    from dslc.emit.python import Statement
    from dslc.emit.scans import ScanText


def scan(writer: ClassWriter, text: ScanText) -> list[Statement]:
    """A scan's statements: the function of one round, and the layer that runs it."""
    step = writer.body.own_variable(text.function)
    body = list(text.body)
    nexts = text.nexts
    if text.hands_on:
        body += text.assignment()
        nexts = text.carries
    given = [text.out, *nexts] if text.out else nexts
    body.append(Line(f"return {', '.join(given)}"))
    names = [*text.parts, *text.carries, *text.captured]
    tensor = writer.target.tensor
    returns = f"tuple[{', '.join([tensor] * len(given))}]" if len(given) > 1 else tensor
    function = Function(step, [Parameter(name, tensor) for name in names], returns, "", body)
    targets = [text.result] if text.out else []
    targets += [name if name in text.kept else "_" for name in text.carries]
    call = f"{writer.module.helper('scan')}({', '.join(arguments(text, step))})"
    line = f"{', '.join(targets)} = {call}" if len(targets) > 1 else f"{targets[0]} = {call}[0]"
    return [function, Line(line)]


def arguments(text: ScanText, step: str) -> list[str]:
    """What the helper is given."""
    found = [step, listed(text.over), listed(text.starts)]
    found += [listed(text.captured)] if text.captured else []
    found += [f"length={text.times}"] if text.times else []
    return [*found, *(["reverse=True"] if text.reverse else [])]


def stacked(text: ScanText) -> str:
    """The outputs of all rounds: the layer gives them where the spec has them."""
    return text.result
