"""Scans in JAX: `jax.lax.scan` over a function of one round, which sees the modules around it.

A function under `jax.lax.scan` may read a module's weights and not change its state. So where a round
draws at random or keeps running statistics it is `nnx.scan`, which carries that state along.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.flattening import all_formal
from dslc.emit.python import Function, Line, Parameter

if TYPE_CHECKING:
    from dslc.emit.classes import ClassWriter
    from dslc.emit.formal import FormalStep
    from dslc.emit.python import Statement
    from dslc.emit.scans import ScanText

STATE = "nnx.StateAxes({(nnx.RngState, nnx.BatchStat): nnx.Carry, ...: None})"


def scan(writer: ClassWriter, text: ScanText) -> list[Statement]:
    """A scan's statements: the function of one round, and the call that runs it over time."""
    step = writer.body.own_variable(text.function)
    carry, parts = packed(text.carries, "carry"), packed(text.parts, "parts")
    body = [*unpacking(carry, text.carries), *unpacking(parts, text.parts), *text.body]
    nexts = list(text.nexts)
    if text.hands_on:
        body += text.assignment()
        nexts = text.carries
    out = text.out or "None"
    body.append(Line(f"return {tupled(nexts)}, {out}"))
    has_state = changes_state(text)
    kinds = annotation(len(text.carries)), annotation(len(text.parts))
    parameters = [Parameter(carry, kinds[0]), Parameter(parts, kinds[1])]
    returns = f"tuple[{kinds[0]}, {'Array' if text.out else 'None'}]"
    decorators: list[str] = []
    if has_state:
        writer.module.require("from flax import nnx")
        parameters.insert(0, Parameter("self"))
        decorators.append(state_scan(text))
    function = Function(step, parameters, returns, "", body, decorators)
    call = state_call(text, step) if has_state else plain_call(text, step)
    last = [name if name in text.kept else "_" for name in text.carries]
    target = tupled(last) if text.kept else "_"
    return [function, Line(f"{target}, {text.result or '_'} = {call}")]


def plain_call(text: ScanText, step: str) -> str:
    """`jax.lax.scan`, which runs along the first axis."""
    turned = [
        f"jnp.swapaxes({x}, 0, 1)" if axis else x
        for x, axis in zip(text.over, text.axes, strict=True)
    ]
    arguments = [step, tupled(text.starts) if text.starts else "None"]
    arguments.append(tupled(turned) if turned else f"length={text.times}")
    arguments += ["reverse=True"] if text.reverse else []
    return f"jax.lax.scan({', '.join(arguments)})"


def state_scan(text: ScanText) -> str:
    """The decorator of a round that changes its module's state."""
    carry = "nnx.Carry" if text.carries else "None"
    axes = tupled([str(axis) for axis in text.axes]) if text.axes else "None"
    options = [f"in_axes=({STATE}, {carry}, {axes})"]
    out = text.out_axis if text.out else 0  # `None` would be an output without an axis
    options.append(f"out_axes=({carry}, {out})")
    options += [f"length={text.times}"] if text.times else []
    options += ["reverse=True"] if text.reverse else []
    return f"nnx.scan({', '.join(options)})"


def state_call(text: ScanText, step: str) -> str:
    """The call of a round under `nnx.scan`."""
    starts = tupled(text.starts) if text.starts else "None"
    return f"{step}(self, {starts}, {tupled(text.over) if text.over else 'None'})"


def stacked(text: ScanText) -> str:
    """The outputs of all rounds, their axis where the spec has it."""
    turned = text.out_axis and not changes_state(text)
    return f"jnp.swapaxes({text.result}, 0, 1)" if turned else text.result


def changes_state(text: ScanText) -> bool:
    """Whether a round changes what its module keeps."""
    return any(keeps_state(found) for found in text.found.bodies[0])


def packed(names: list[str], word: str) -> str:
    """The parameter that holds some values: the value itself where it is one."""
    return names[0] if len(names) == 1 else word if names else "_"


def unpacking(parameter: str, names: list[str]) -> list[Statement]:
    """What takes several values out of their parameter."""
    return [Line(f"{', '.join(names)} = {parameter}")] if len(names) > 1 else []


def tupled(texts: list[str]) -> str:
    """One value as it is, several as a tuple, none as `None`."""
    if len(texts) == 1:
        return texts[0]
    return f"({', '.join(texts)})" if texts else "None"


def annotation(count: int) -> str:
    """The annotation of that many arrays."""
    if count == 1:
        return "Array"
    return f"tuple[{', '.join(['Array'] * count)}]" if count else "None"


def keeps_state(found: FormalStep) -> bool:
    """Whether a step, or one inside it, draws at random or keeps running statistics."""
    for step in all_formal([found]):
        types = [type for type in step.inputs if type is not None]
        op = step.op
        keeps = op is not None and any(weight.role == "buffer" for weight in op.weights(*types))
        if keeps or (op is not None and (op.draws or op.family == "random")):
            return True
        if step.callee is not None and any(keeps_state(inner) for inner in step.callee.steps):
            return True
    return False
