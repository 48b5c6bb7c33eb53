"""Whose weight a tie means: another model's, where its path begins with its name, or a step's."""

from __future__ import annotations

from dslc.ir.graph import ApplyOp, CallModule, Parallel
from dslc.ir.walk import regions
from dslc.syntax.expressions import to_spec
from dslc.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dslc.ir.graph import Body, Module, Program, Step, Tie
    from dslc.syntax.expressions import Expr

    Part = str | Expr


@final
class Owner:
    """The step that owns a tied weight: its module, and the weight's own name, "" where none is said.

    `path` are the parts of the path to it in its model.
    """

    __slots__ = ("module", "path", "step", "weight")

    def __init__(self, module: str, step: Step, path: tuple[Part, ...], weight: str) -> None:
        self.module = module
        self.step = step
        self.path = path
        self.weight = weight


def tie_path(tie: Tie) -> str:
    """A tied weight's path as the spec writes it."""
    return path_text(tie.path)


def path_text(path: tuple[Part, ...]) -> str:
    """A path as the spec writes it."""
    parts = (f".{part}" if isinstance(part, str) else f"[{to_spec(part)}]" for part in path)
    return "".join(parts)[1:]


def owner_of(program: Program, tie: Tie, module: Module | None = None) -> Owner | None:
    """The owner of a tied weight; None where the path leads to no op.

    Args:
        program: The program.
        tie: The tie.
        module: Whose scope the tie stands in; without it, only ties across models are followed.
    """
    parts = tie.path
    if tie.model is not None:
        module, parts = program.modules.get(tie.model), parts[1:]
    if module is None:
        return None
    found = _find(program, module.name, module.body, parts)
    if found is None:
        return None
    name, step, rest = found
    if not all(isinstance(part, str) for part in rest):
        return None
    return Owner(name, step, parts[: len(parts) - len(rest)], ".".join(map(str, rest)))


def owner_behind_call(program: Program, module: Module, tie: Tie) -> tuple[Step, Owner] | None:
    """The call behind which a tied weight lies, and its owner; None where it is beside the tie.

    Args:
        program: The program.
        module: Where the step stands whose weight is tied.
        tie: The tie, which leads to no other model.
    """
    found = _find(program, module.name, module.body, tie.path)
    call = _call_along(module.body, tie.path)
    if found is None or call is None or found[0] == module.name:
        return None
    name, step, rest = found
    path = tie.path[: len(tie.path) - len(rest)]
    return call, Owner(name, step, path, ".".join(map(str, rest)))


def _call_along(body: Body, parts: tuple[Part, ...]) -> Step | None:
    """The first step on a path that calls a module."""
    for step in body.steps:
        if step.label and (not parts or parts[0] != step.label):
            continue
        rest = parts[1:] if step.label else parts
        if isinstance(step.action, CallModule):
            return step
        for label, inner in _branches(step):
            if not label or (rest and rest[0] == label):
                found = _call_along(inner, rest[1:] if label else rest)
                if found is not None:
                    return found
    return None


def _find(
    program: Program, module: str, body: Body, parts: tuple[Part, ...]
) -> tuple[str, Step, tuple[Part, ...]] | None:
    """The op at a path below a body, with its module and what is left of the path."""
    for step in body.steps:
        rest = parts
        if step.label:
            if not parts or parts[0] != step.label:
                continue
            rest = parts[1:]
            if step.repeat is not None and not step.repeat.share:
                rest = rest[1:]
        action = step.action
        if isinstance(action, ApplyOp):
            return module, step, rest
        if isinstance(action, CallModule):
            called = program.modules[action.module]
            if called.home is None:
                return _find(program, called.name, called.body, rest)
            continue
        for label, inner in _branches(step):
            if label and (not rest or rest[0] != label):
                continue
            found = _find(program, module, inner, rest[1:] if label else rest)
            if found is not None:
                return found
    return None


def _branches(step: Step) -> Iterable[tuple[str, Body]]:
    """The bodies of a region, each with what it adds to paths."""
    if isinstance(step.action, Parallel):
        return step.action.branches
    return [("", body) for body in regions(step.action)]
