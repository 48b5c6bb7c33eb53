"""Shapes in comments and docstrings, in the spec's order or with the channels last."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from dslc.emit.print_text import WIDTH
from dslc.ir.dims import symbols_of

if TYPE_CHECKING:
    from dslc.emit.borders import Borders
    from dslc.emit.formal import Formal
    from dslc.emit.target import Target
    from dslc.ir.types import TensorType


def boundary_layout(target: Target, type: TensorType) -> str:
    """The layout in which a model takes and gives images: channels last, where it has one."""
    return "last" if target.channels_last and type.rank > 3 else "spec"


def shape_text(type: TensorType, layout: str) -> str:
    """A shape as a comment shows it."""
    shape = list(type.shape)
    if layout == "last" and len(shape) > 2:
        shape = [shape[0], *shape[2:], shape[1]]
    return "[" + ", ".join(str(dim) for dim in shape) + "]"


def type_text(type: TensorType, layout: str, target: Target) -> str:
    """A type as a docstring shows it, its dtype as the framework has it."""
    return target.dtypes.get(type.dtype, type.dtype) + shape_text(type, layout)


def docstring_of(formal: Formal, borders: Borders, is_main: bool) -> str:
    """The spec's doc, or the module's name in words, and the types of inputs and outputs."""
    module, target = formal.module, borders.target
    doc = (module.doc or words(module.name)).strip()
    first, _, rest = doc.partition("\n")
    first = first.rstrip(".") + "."
    inputs = formal.inputs
    outputs = formal.outputs if module.is_model else {"": formal.outputs[""]}
    outputs = {name: type.substitute(formal.closed) for name, type in outputs.items()}
    carried = any("Carry" in s for t in outputs.values() for d in t.shape for s in symbols_of(d))
    if carried or any(looks_made(symbol) for symbol, _, _ in formal.bindings):
        return "\n".join(part for part in (first, rest.strip()) if part)

    taken = {name: (type, borders.input(formal, name)) for name, type in inputs.items()}
    given = {name: (type, borders.output(formal, name)) for name, type in outputs.items()}

    def listing(values: dict[str, tuple[TensorType, str]], *, native: bool) -> str:
        texts: list[str] = []
        for name, (type, own) in values.items():
            shown = name if module.is_model or len(values) > 1 else ""
            layout = own if native else "spec"
            texts.append(f"{shown} {type_text(type, layout, target)}".strip())
        return ", ".join(texts)

    lines = [first, "", rest.strip(), ""] if rest.strip() else [first, ""]
    native = not is_main or target.io_layout == "native"
    lines.append(f"{listing(taken, native=native)} -> {listing(given, native=native)}")
    images = {n: value for n, value in {**taken, **given}.items() if value[1] == "last"}
    if is_main and images:
        other = "spec" if native else "native"
        lines.append(f'With io_layout="{other}": {listing(images, native=not native)}')
    return "\n".join(lines)


def with_arguments(text: str, docs: list[tuple[str, str]]) -> str:
    """A docstring with what the spec says about params."""
    if not docs:
        return text
    lines = [hanging(f"{name}: {sentence(doc)}") for name, doc in docs]
    return "\n".join((text, "", "Args:", *lines))


def hanging(text: str) -> str:
    """An entry of a docstring's list, its further lines indented once more."""
    return textwrap.fill(text, WIDTH - 4, initial_indent=" " * 4, subsequent_indent=" " * 8)


def sentence(doc: str) -> str:
    """A doc as one sentence."""
    text = " ".join(doc.split())
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def holder_docstring(formal: Formal) -> str:
    """The docstring of what holds the models of a spec."""
    doc = (formal.module.doc or words(formal.module.name)).strip().rstrip(".")
    if any(step.callee is None or not step.callee.module.is_model for step in formal.steps):
        return f"{doc}.\n\nIt holds the models, each once, and the steps that only training has."
    call = "runs all of them, and gives their outputs by name"
    if len(formal.steps) == 1 and formal.steps[0].callee is not None:
        call = f"runs `{formal.steps[0].callee.module.name}`"
    return f"{doc}.\n\nIt holds the models, each once. A call {call}."


def looks_made(symbol: str) -> bool:
    """Whether a dim's name is one of ours (`X_1`), not the spec's."""
    return "_" in symbol


def words(name: str) -> str:
    """`GlobalPool` → `Global pool`; what is all capitals stays."""
    if name.isupper():
        return name
    letters = [f" {c.lower()}" if c.isupper() and k else c for k, c in enumerate(name)]
    return "".join(letters)
