"""What must hold of every program, after every pass.

A pass that breaks one of these rules has a bug; the message names the rule, the module and the
step. Nothing a spec can say reaches this: what is wrong in a spec has been reported before.
"""

from __future__ import annotations

from dslc.ir.graph import MODULE, REGION_INPUT, ApplyOp, CallModule, Reuse, Scan, round_slot
from dslc.ir.walk import all_steps, ends, regions
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dslc.ir.graph import Body, Module, Program, Ref, Step


class InvalidProgram(Exception):
    """A program that breaks the IR's rules."""


def verify_program(program: Program) -> None:
    """Raises `InvalidProgram` with every rule that is broken."""
    problems = list(_program_problems(program))
    if problems:
        raise InvalidProgram("\n".join(problems))


def _program_problems(program: Program) -> Iterator[str]:
    if program.main not in program.modules:
        yield f"the main model {program.main} is not among the modules"
    for name, module in program.modules.items():
        if module.name != name:
            yield f"the module {module.name} is filed as {name}"
        for problem in _Verifier(program, module).problems():
            yield f"{name}: {problem}"


class _Verifier:
    def __init__(self, program: Program, module: Module) -> None:
        self.program = program
        self.module = module
        self.known: set[tuple[int, str]] = {(MODULE, item.name) for item in module.inputs}
        self.made: dict[int, Step] = {}

    def problems(self) -> Iterator[str]:
        identifiers = [step.id for step in all_steps(self.module.body)]
        if len(set(identifiers)) < len(identifiers) or MODULE in identifiers:
            yield "two steps have one number"
        yield from self.body(self.module.body)
        yield from self.reference(self.module.body.result, "the module's end")
        for name, ref in self.module.outputs:
            yield from self.reference(ref, f"output {name}")

    def is_own(self, step: Step) -> bool:
        """Whether no other module has a step; where a group is a module, it may run one around it."""
        others = (other for other in self.program.modules.values() if other is not self.module)
        return not any(step.id == own.id for other in others for own in all_steps(other.body))

    def body(self, body: Body) -> Iterator[str]:
        for step in body.steps:
            yield from self.step(step)

    def step(self, step: Step) -> Iterator[str]:
        where = f"%{step.id}"
        for ref in step.inputs:
            if ref is not None:
                yield from self.reference(ref, where)
        yield from self.action(step, where)
        self.known.add((step.id, REGION_INPUT))
        if isinstance(step.action, Scan):
            names = (*step.action.over, *step.action.carry)
            self.known.update((step.id, round_slot(name)) for name in names)
        for inner in regions(step.action):
            yield from self.body(inner)
        for ref in ends(step.action):
            yield from self.reference(ref, f"{where}'s end")
        self.made[step.id] = step
        for slot, ref in step.exports:
            yield from self.reference(ref, f"{where} export {slot}")

    def action(self, step: Step, where: str) -> Iterator[str]:
        action = step.action
        if isinstance(action, ApplyOp):
            for name in action.attributes.keys() - action.op.attributes.keys():
                yield f"{where}: {action.op.name} has no attribute {name}"
            for name, attribute in action.op.attributes.items():
                if attribute.required and name not in action.attributes:
                    yield f"{where}: {action.op.name} lacks {name}"
        elif isinstance(action, CallModule):
            callee = self.program.modules.get(action.module)
            if callee is None:
                yield f"{where}: {action.module} is not among the modules"
            elif len(step.inputs) != len(callee.inputs):
                yield f"{where}: {action.module} takes {len(callee.inputs)} inputs"
        elif isinstance(action, Reuse):
            if action.step.id not in self.made and self.is_own(action.step):
                yield f"{where}: what it runs again is not above it"
        elif step.repeat is not None and not step.label:
            yield f"{where}: a repeated region has no label"
        elif isinstance(action, Scan):
            yield from self.scan(step, action, where)

    def scan(self, step: Step, action: Scan, where: str) -> Iterator[str]:
        """A scan's names, inputs and next carries fit each other, and something says how often."""
        names = (*action.over, *action.carry)
        if len(set(names)) < len(names):
            yield f"{where}: two things in a scan have one name"
        if len(step.inputs) != len(names) or len(action.next) != len(action.carry):
            yield f"{where}: a scan lacks an input or a next carry"
        if bool(action.over) == (action.times is not None):
            yield f"{where}: either `over` or `times` says how often a scan runs"

    def reference(self, ref: Ref, where: str) -> Iterator[str]:
        """A reference points at an input, a region around it, or a step above."""
        if (ref.owner, ref.slot) not in self.known and ref.owner not in self.made:
            yield f"{where} reads %{ref.owner}{ref.slot}, which is not above it"
        elif ref.index is not None and ref.slot not in self.made[ref.owner].kept:
            yield f"{where} reads instances of %{ref.owner}{ref.slot}, which are not kept"
