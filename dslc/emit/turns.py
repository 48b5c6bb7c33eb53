"""What a script says of one phase: its constants, its schedule and the names of its functions.

Where a section has no phases, its only one has the plain names: `LEARNING_RATE`, `loss_of`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from dslc.emit.python import For, Function, If, Line, Parameter
from dslc.ir.graph import CallModule
from dslc.syntax.expressions import number_text
from dslc.train.gradient import reads
from dslc.train.updates import steps_behind

if TYPE_CHECKING:
    from dslc.emit.python import Statement
    from dslc.train.training import Phase, Training


NUMBERS = {
    "momentum": "MOMENTUM",
    "beta": "BETA",
    "power": "POWER",
    "floor": "FLOOR",
    "longest": "LONGEST",
}
"""The constants of settings that are numbers."""


@final
class Turn:
    """A phase as a script writes it.

    Attributes:
        phase: The phase.
        homes: Where what it updates has its weights; empty for everything.
        others: Where other phases have weights of their own, if `homes` are not enough to say so.
        counts_each: Whether its optimiser counts the steps of each weight, which may differ.
        in_pairs: Whether it clips each weight's gradient, and two weights may be one variable.
    """

    def __init__(self, training: Training, phase: Phase) -> None:
        self.phase = phase
        self.in_pairs = False
        differ = bool(training.options.thawing) or training.run.precision == "f16"
        self.counts_each = differ and phase.optimizer.counts
        modules = training.program.modules
        self.homes = [home for name in phase.update if (home := modules[name].home)]
        if self.homes and any(module.home == phase.own for module in modules.values()):
            self.homes.append(phase.own)
        self.others = others_apart(training, phase)

    def chosen(self, whole: str) -> Line | None:
        """The line that takes what it moves out of all that there is; none where that is all."""
        word, homes = ("without", self.others) if self.others else ("below", self.homes)
        names = "".join(f', "{home}"' for home in homes)
        return Line(f"{self.phase.name} = {word}({whole}{names})") if names else None

    def constant(self, name: str) -> str:
        """The name of one of its constants."""
        return f"{self.phase.name.upper()}_{name}" if self.phase.name else name

    def function(self, alone: str, suffix: str) -> str:
        """The name of one of its functions: `alone` where there are no phases."""
        return f"{self.phase.name}_{suffix}" if self.phase.name else alone

    @property
    def decays(self) -> bool:
        """Whether weights decay."""
        values = self.phase.optimizer.values
        return bool(values["weight_decay"]) or any(part.weight_decay for part in values["groups"])

    @property
    def keeps(self) -> bool:
        """Whether some weights do not decay."""
        return self.decays and bool(self.phase.optimizer.values["no_decay"])

    @property
    def groups(self) -> bool:
        """Whether some weights have a rate or decay of their own."""
        return bool(self.phase.optimizer.values["groups"])

    @property
    def settings_of(self) -> str:
        """The function that gives a weight's rate and decay."""
        return self.function("settings_of", "settings")

    def settings(self) -> Function:
        """That function."""
        rate, decay = self.constant("LEARNING_RATE"), "0.0"
        if self.phase.optimizer.values["weight_decay"]:
            decay = self.constant("WEIGHT_DECAY")
        body: list[Statement] = [
            For(
                "globs, rate, decay",
                self.constant("GROUPS"),
                [If("matches(globs, name)", [Line("return rate, decay")])],
            ),
            Line(f"return {rate}, {decay}"),
        ]
        if self.keeps:
            groups = self.constant("GROUPS")
            found = f"((rate, decay) for globs, rate, decay in {groups} if matches(globs, name))"
            kept = f"matches({self.constant('NO_DECAY')}, name)"
            body = [
                Line(f"rate, decay = next({found}, ({rate}, {decay}))"),
                Line(f"return rate, 0.0 if {kept} else decay"),
            ]
        doc = "The learning rate and the decay of a weight: of the first group that it is in."
        return Function(
            self.settings_of, [Parameter("name", "str")], "tuple[float, float]", doc, body
        )

    def group_table(self) -> str:
        """The groups as a table: globs, rates, decays."""
        values = self.phase.optimizer.values
        rows: list[str] = []
        for part in values["groups"]:
            rate = values["lr"] if part.lr is None else part.lr
            decay = values["weight_decay"] if part.weight_decay is None else part.weight_decay
            rows.append(f"({list(part.of)!r}, {number_text(rate)}, {number_text(decay)})")
        return f"[{', '.join(rows)}]"

    @property
    def counts(self) -> bool:
        """Whether the optimiser counts its steps."""
        return self.phase.optimizer.counts

    @property
    def sees_axes(self) -> bool:
        """Whether the optimiser treats matrices otherwise than vectors."""
        return self.phase.optimizer.sees_axes

    @property
    def takes_axes(self) -> bool:
        """Whether the optimiser is told which axes of a variable are a weight's."""
        return self.sees_axes or self.in_pairs

    @property
    def state(self) -> tuple[str, ...]:
        """What the optimiser keeps of each weight."""
        kept = self.phase.optimizer.state
        return (*kept, "step") if self.counts_each else kept

    @property
    def clips(self) -> str | None:
        """How gradients are clipped: "norm", "value", or not at all."""
        chosen = self.phase.clipping
        return None if chosen is None else chosen.name

    @property
    def bound(self) -> str:
        """The name of the bound of gradients that are clipped."""
        return self.constant(f"CLIP_{self.clips}".upper())

    @property
    def is_scheduled(self) -> bool:
        """Whether the rate changes."""
        chosen = self.phase.schedule
        return chosen.name not in ("constant", "plateau") or bool(chosen.values["warmup"])

    def constants(self) -> list[Statement]:
        """The settings of the optimiser, and those of the schedule that are used more than once."""
        values = self.phase.optimizer.values
        found = {"LEARNING_RATE": number_text(values["lr"])}
        for name, constant in NUMBERS.items():
            if values.get(name) or (name in values and name != "momentum"):
                found[constant] = number_text(values[name])
        if "betas" in values:
            found["BETAS"] = f"({', '.join(map(number_text, values['betas']))})"
        if "eps" in values:
            found["EPSILON"] = number_text(values["eps"])
        if values["weight_decay"]:
            found["WEIGHT_DECAY"] = number_text(values["weight_decay"])
        if values.get("adamw"):
            found["BY_ADAMW"] = repr(list(values["adamw"]))
        if self.keeps:
            found["NO_DECAY"] = repr(list(values["no_decay"]))
        lines: list[Statement] = [Line(f"{self.constant(k)} = {v}") for k, v in found.items()]
        if self.groups:
            what = "weights, their rate, their decay; the first counts"
            lines.append(Line(f"{self.constant('GROUPS')} = {self.group_table()}", what))
        if self.phase.clipping is not None:
            most = number_text(self.phase.clipping.values["max"])
            lines.append(Line(f"{self.bound} = {most}", "of gradients"))
        warmup = self.phase.schedule.values["warmup"]
        return [*lines, Line(f"{self.constant('WARMUP')} = {warmup}", "steps")] if warmup else lines

    def schedule(self) -> Function | None:
        """The rate as a function of the step; None where it never changes."""
        if not self.is_scheduled:
            return None
        chosen = self.phase.schedule
        rate, warmup = self.constant("LEARNING_RATE"), self.constant("WARMUP")
        body: list[Statement] = []
        done, total = "step", "total"
        if chosen.values["warmup"]:
            body.append(If(f"step < {warmup}", [Line(f"return {rate} * (step + 1) / {warmup}")]))
            done, total = f"(step - {warmup})", f"max(1, total - {warmup})"
        doc, lines = chosen.fall(done, total)
        if not any("total" in line for line in lines):
            body.insert(0, Line("del total"))
        body += [Line(line.replace("LEARNING_RATE", rate)) for line in lines]
        if chosen.values["warmup"]:
            doc = f"A linear warmup, then {doc[0].lower()}{doc[1:]}"
        parameters = [Parameter("step", "int"), Parameter("total", "int")]
        return Function(self.function("learning_rate", "rate"), parameters, "float", doc, body)


def learning_rates(turns: list[Turn]) -> Function | Line:
    """The rate of every phase: of each step, or of all steps where none changes."""
    plain = {turn.phase.name: turn.constant("LEARNING_RATE") for turn in turns}
    if not any(turn.is_scheduled for turn in turns):
        return Line(f"LEARNING_RATES = {table(plain)}")
    for turn in turns:
        if turn.is_scheduled:
            plain[turn.phase.name] = f"{turn.function('', 'rate')}(step, total)"
    parameters = [Parameter("step", "int"), Parameter("total", "int")]
    doc = "The rate of each phase."
    lines = [Line(f"return {table(plain)}")]
    return Function("learning_rates", parameters, "dict[str, float]", doc, lines)


def others_apart(training: Training, phase: Phase) -> list[str]:
    """Where the steps of other phases have weights, beside a spec's only model."""
    if training.program.has_several:
        return []
    homes = {module.home for module in training.program.modules.values()}
    return [other.own for other in training.phases if other.own != phase.own and other.own in homes]


def leaves_out_of_models(training: Training, phase: Phase) -> bool:
    """Whether weights that a phase updates may get no gradient.

    A model that the loss reads in full gives one to all of its weights, as far as anything does.
    """
    behind = steps_behind(phase.instance.body, phase.graph.body.result)
    refs = [phase.graph.body.result, *(ref for found in behind for ref in reads(found.step))]
    read = {ref.key for ref in refs}
    if any(module.home == phase.own for module in training.program.modules.values()):
        return True  # a step with weights may serve a metric alone
    for name in phase.update:
        first, *others = [output for output, _ in training.program.modules[name].outputs]
        calls = [
            found.step.id
            for found in behind
            if isinstance(found.step.action, CallModule) and found.step.action.module == name
        ]
        given = {slot for owner, slot in read if owner in calls}
        if not (given & {"", first}) or not given.issuperset(others):
            return True
    return False


def table(entries: dict[str, str]) -> str:
    """A dictionary in text, from names to code."""
    return "{" + ", ".join(f'"{name}": {code}' for name, code in entries.items()) + "}"
