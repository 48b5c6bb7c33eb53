"""Repeats that take no input, such as of a learned tensor: each round makes a value of its own.

Nothing is passed on, so the value of the repeat is that of its last round.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.backend import BuildError
from dslc.emit.calls import call_outputs, variables_in
from dslc.emit.flow import Value
from dslc.emit.python import For, Line

if TYPE_CHECKING:
    from dslc.emit.bodies import BodyWriter
    from dslc.emit.formal import FormalStep
    from dslc.emit.python import Statement


def write_alone(body: BodyWriter, found: FormalStep) -> None:
    """Writes such a repeat: its layers as they are, a list of what they make, or a loop."""
    refuse_absent(found)
    body.enter(found)
    outer, body.flow.lines = body.flow.lines, []
    texts = round_alone(body, found)
    lines, body.flow.lines = body.flow.lines, outer
    header = body.loop_header(found)
    body.loop_names, body.loop_reads = {}, set()
    if lines or len(texts) > 1:
        texts = in_loop(body, found, texts, For(*header, lines))
    else:
        texts = {"": in_one(body, found, texts[""], f"for {header[0]} in {header[1]}")}
    body.finish(found, [], texts, heavy=False)


def in_one(
    body: BodyWriter, found: FormalStep, made: tuple[str, str], header: str
) -> tuple[str, str]:
    """The last value of rounds that are one expression each, and its layout; lists them if kept."""
    flow, key, (text, layout) = body.flow, (found.step.id, "[]"), made
    kept = flow.values[key] if found.step.kept else None
    layer = body.loop_variables.get(found.step.id, "")
    behind = text.removeprefix(layer)
    in_layers = bool(layer) and text.startswith(layer) and not variables_in(text) - {layer}
    if kept is not None and in_layers and not behind and kept.layout == layout:
        flow.values[key] = Value(
            body.writer.layers_of(found), frozenset(), kept.type, layout=layout
        )
    elif kept is not None or (not in_layers and not header.startswith("for _ ")):
        name = body.fresh_variable("rounds") if kept is None else kept.text
        value = Value(text, variables_in(text), found.outputs[""], layout=layout)
        item = value if kept is None else body.in_layout(value, kept.layout)
        flow.lines.append(Line(f"{name} = [{item.text} {header}]"))
        return f"{name}[-1]", item.layout
    return f"{body.writer.layers_of(found)}[-1]{behind}" if in_layers else text, layout


def in_loop(
    body: BodyWriter, found: FormalStep, made: dict[str, tuple[str, str]], loop: For
) -> dict[str, tuple[str, str]]:
    """What rounds of several lines leave in variables; lists what is kept of each."""
    flow, step = body.flow, found.step
    lines, before, texts = [*loop.body], list[Statement](), dict[str, tuple[str, str]]()
    for slot, (text, layout) in made.items():
        name = text if text.isidentifier() else body.fresh_variable(step.name or "value")
        lines += [] if name == text else [Line(f"{name} = {text}")]
        texts[slot] = name, layout
        if slot in step.kept:
            kept = flow.values[step.id, f"{slot}[]"]
            value = Value(name, frozenset((name,)), kept.type, layout=layout)
            before.append(Line(f"{kept.text} = []"))
            lines.append(Line(f"{kept.text}.append({body.in_layout(value, kept.layout).text})"))
    flow.lines += [*before, For(loop.target, loop.iterable, lines)]
    return texts


def round_alone(body: BodyWriter, found: FormalStep) -> dict[str, tuple[str, str]]:
    """What one round makes: expression and layout by output."""
    if found.op is not None:
        return body.apply(found, [])
    layer = body.writer.layer(found, body.writer.constructor_of(found))
    text = f"{layer}({', '.join(body.others_for(found))})"
    slots, layouts = call_outputs(found), body.layouts_from(found)
    if len(slots) == 1:
        return {"": (text, layouts[slots[0]])}
    names = body.output_names(found, slots)
    body.flow.lines.append(Line(f"{', '.join(names.values())} = {text}"))
    return {slot: (name, layouts[slot]) for slot, name in names.items()}


def refuse_absent(found: FormalStep) -> None:
    """Refuses such a repeat in which a round may be absent: there is nothing in its place."""
    if found.sometimes or found.step.when is not None:
        reason = f"`{found.step.label}` repeats, takes no input, and is absent in some round"
        raise BuildError(f"{reason}: write its steps one by one", found.step.span)
