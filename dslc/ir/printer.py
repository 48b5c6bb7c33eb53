"""The stable text form of the IR: what tests compare and `dslc build --emit ir` would show.

One line a step: its number, label, what it does with the spec's own expressions, its inputs, and
its type in the module's own names where a table of types is given.
"""

from __future__ import annotations

from dslc.ir.graph import (
    EVERY,
    MODULE,
    REGION_INPUT,
    ApplyOp,
    CallModule,
    ChooseOp,
    Group,
    Parallel,
    Residual,
    Reuse,
    Scan,
)
from dslc.ir.owners import tie_path
from dslc.syntax.expressions import to_spec
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dslc.ir.graph import Body, Module, Param, Program, Ref, Step
    from dslc.ir.types import TensorType


def print_program(
    program: Program, types: Mapping[str, Mapping[tuple[int, str], TensorType]] | None = None
) -> str:
    """The text of a program, its modules in order; `types` are values' types by module."""
    lines = [f"program {program.name}"]
    values = program.values
    lines += [f"  param {p.name} = {values[p.name]!r}" for p in program.params if p.name in values]
    for module in program.modules.values():
        lines += ["", *_Printer((types or {}).get(module.name, {})).module(module)]
    return "\n".join(lines) + "\n"


class _Printer:
    def __init__(self, types: Mapping[tuple[int, str], TensorType]) -> None:
        self.types = types

    def module(self, module: Module) -> list[str]:
        params = ", ".join(_param(param) for param in module.params)
        kind = "model" if module.is_model else "block"
        lines = [f"{kind} {module.name}({params})"]
        for declared in module.inputs:
            found = self.types.get((MODULE, declared.name))
            stated = declared.type or found or "any"
            lines.append(f"  input {declared.name}: {stated}")
        lines += [f"  where {to_spec(fact)}" for fact in module.where]
        lines += self.body(module.body, "  ")
        lines += [f"  output {name or 'value'} = {_ref(ref)}" for name, ref in module.outputs]
        return lines

    def body(self, body: Body, indent: str) -> list[str]:
        return [line for step in body.steps for line in self.step(step, indent)]

    def step(self, step: Step, indent: str) -> list[str]:
        label = f" {step.label}" if step.label else ""
        type = self.types.get((step.id, ""))
        tail = f": {type}" if type is not None else ""
        parts = [f"{indent}%{step.id}{label} = {self.head(step)}{tail}", *_clauses(step)]
        lines = [" ".join(parts)]
        action = step.action
        inner = indent + "  "
        if isinstance(action, Group):
            lines += self.body(action.body, inner)
        elif isinstance(action, Scan):
            lines += self.body(action.body, inner)
            nexts = zip(action.carry, action.next, strict=True)
            lines += [f"{inner}next {name} = {_ref(ref)}" for name, ref in nexts]
            lines += [f"{inner}out = {_ref(action.body.result)}"]
        elif isinstance(action, Residual):
            lines += [f"{inner}main -> {_ref(action.main.result)}"]
            lines += self.body(action.main, inner + "  ")
            lines += [f"{inner}shortcut -> {_ref(action.shortcut.result)}"]
            lines += self.body(action.shortcut, inner + "  ")
        elif isinstance(action, Parallel):
            for name, branch in action.branches:
                lines += [f"{inner}branch{f' {name}' if name else ''} -> {_ref(branch.result)}"]
                lines += self.body(branch, inner + "  ")
        return [*lines, *(f"{inner}export {slot} = {_ref(ref)}" for slot, ref in step.exports)]

    def head(self, step: Step) -> str:
        action = step.action
        inputs = ", ".join("none" if ref is None else _ref(ref) for ref in step.inputs)
        if isinstance(action, ApplyOp):
            return f"{action.op.name}({inputs}){_fields(action.attributes)}"
        if isinstance(action, CallModule):
            return f"{action.module}({inputs}){_fields(action.arguments)}"
        if isinstance(action, ChooseOp):
            return f"${to_spec(action.word)}({inputs})"
        if isinstance(action, Parallel):
            return f"parallel({inputs}) {{join: {action.join}, axis: {to_spec(action.axis)}}}"
        if isinstance(action, Reuse):
            return f"reuse({inputs}) of %{action.step.id}"
        if isinstance(action, Scan):
            return _scan(step, action)
        return f"{'group' if isinstance(action, Group) else 'residual'}({inputs})"


def _clauses(step: Step) -> list[str]:
    found: list[str] = []
    repeat = step.repeat
    if repeat is not None:
        count = repeat.over if repeat.times is None else repeat.times
        text = f"{'over' if repeat.times is None else 'times'} {to_spec(count) if count else '?'}"
        text += f" as {', '.join(repeat.names)}" if repeat.names else ""
        text += f" index {repeat.index}" if repeat.index else ""
        found.append(f"repeat({text}{' share' if repeat.share else ''})")
    if step.when is not None:
        found.append(f"when({to_spec(step.when)})")
    for name, initialiser in step.init.items():
        numbers = ", ".join(f"{key}: {to_spec(value)}" for key, value in initialiser.arguments)
        found.append(f"init({name}: {initialiser.kind}{f' {{{numbers}}}' if numbers else ''})")
    found += [f"tie({name}: {tie_path(tie)})" for name, tie in step.tie.items()]
    found += [f"kept({slot or 'value'})" for slot in step.kept]
    return [*found, *(["freeze"] if step.freeze else [])]


def _scan(step: Step, action: Scan) -> str:
    """A scan's head: what it runs over and from where its carries start."""
    names = [*(f"over {name}" for name in action.over), *(f"carry {n}" for n in action.carry)]
    parts = [f"{name} = {_ref(ref)}" for name, ref in zip(names, step.inputs, strict=True) if ref]
    parts += [] if action.times is None else [f"times {to_spec(action.times)}"]
    return f"scan({', '.join([*parts, *(['reverse'] if action.reverse else [])])})"


def _fields(fields: Mapping[str, object]) -> str:
    texts = [f"{name}: {to_spec(value)}" for name, value in fields.items()]  # pyright: ignore[reportArgumentType]
    return f" {{{', '.join(texts)}}}" if texts else ""


def _param(param: Param) -> str:
    default = f" = {to_spec(param.default)}" if param.default is not None else ""
    return f"{param.name}: {param.kind or 'any'}{default}"


def _ref(ref: Ref) -> str:
    if ref.owner == MODULE:
        return ref.slot
    named = ref.slot if ref.slot.startswith("@") else f".{ref.slot}"
    slot = {"": "", REGION_INPUT: ".input"}.get(ref.slot, named)
    index = "" if ref.index is None else f"[{EVERY if ref.index == EVERY else to_spec(ref.index)}]"
    return f"%{ref.owner}{index}{slot}"
