"""`train.py` of the PyTorch project."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from dslc.emit.adapters import adapted_names
from dslc.emit.gradients import summed
from dslc.emit.objective import Objective, places
from dslc.emit.python import Blank, Comment, Function, Line, Parameter, Raw, With, helper_source
from dslc.emit.script import Script
from dslc.emit.template import Template
from dslc.ops.attention import MultiHeadAttention
from dslc.ops.scaled_attention import ScaledDotProductAttention
from dslc.train.recomputing import recomputed_parts
from dslc_torch.optimizers import UNCOUNTED, add_optimizers
from dslc_torch.target import TorchTarget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.emit.gradients import Between
    from dslc.emit.objective import ObjectiveBody
    from dslc.emit.python import Statement
    from dslc.emit.units import ModuleWriter
    from dslc.passes.pipeline import Checked
    from dslc.train.training import Phase

TEMPLATE = Path(__file__).with_name("training_template.py")
PHASES = Path(__file__).with_name("phases_template.py")
RECOMPUTE = Path(__file__).with_name("recompute_template.py")
PARTS = Path(__file__).with_name("parts_template.py")
PACKAGES = ("torch",)
DEVICES = ("auto", "cpu", "cuda", "mps")
KEPT = {
    "sum": "momentum_buffer",
    "mean": "exp_avg",
    "square": "exp_avg_sq",
    "rmsprop.square": "square_avg",
    "adagrad.square": "sum",
    "adafactor.square": "variance",
    "row": "row_var",
    "column": "col_var",
    "step": "step",
}
"""What PyTorch calls the optimiser's state."""
FUSED = "from torch.nn.attention import SDPBackend, sdpa_kernel"
PENALTIES = {"l1": "w.abs().sum()", "l2": "w.square().sum()"}


@final
class TorchObjective(Objective):
    """PyTorch records what it computes, so that a gradient is one call."""

    compiled = False
    mixed = False

    def __init__(self, *words: Any) -> None:
        super().__init__(*words)
        self.under: list[str] = []

    def loss(self, module: ModuleWriter, phase: Phase, name: str) -> Function:
        found = super().loss(module, phase, name)
        return replace(found, decorators=["torch.compile"]) if self.compiled else found

    def call(
        self, called: Sequence[str], arguments: list[str], names: Sequence[str], *, training: bool
    ) -> str:
        if not self.mixed:
            return super().call(called, arguments, names, training=training)
        first, *others = places(called)
        return f"in_half({first})({', '.join([*arguments, *others])})"

    def gradient(self, body: ObjectiveBody, between: Between) -> None:
        source = body.flow.store_ref(between.wrt).text
        wanted = Line(f"{source}.requires_grad_()")

        def write() -> None:
            if wanted not in body.flow.lines:
                body.flow.lines.append(wanted)
            body.steps(between.steps)
            total = summed(body.flow.read(between.of))
            text = f"torch.autograd.grad({total}, {source}, create_graph=True)[0]"
            body.end_gradient(between, text)

        under = self.twice(body, between) if body.objective.is_loss else ["torch.enable_grad()"]
        under = [manager for manager in under if manager not in self.under]
        if not under:
            write()
            return
        self.under += under
        kept = body.block(lambda: (write(), body.flow.store((between.gradient.step.id, ""))))
        if body.objective.is_loss:
            body.flow.lines.append(Comment("with kernels that can be differentiated twice"))
        body.flow.lines.append(With(under, kept))
        del self.under[-len(under) :]

    def twice(self, body: ObjectiveBody, between: Between) -> list[str]:
        """What chooses kernels that have a second derivative, which the loss takes of a gradient."""
        ops = [iteration.op for iteration in between.iterations()]
        managers: list[str] = []
        if any(isinstance(op, MultiHeadAttention | ScaledDotProductAttention) for op in ops):
            body.objective.module.require(FUSED)
            managers.append("sdpa_kernel(SDPBackend.MATH)")
        if any(op is not None and op.family == "recurrent" for op in ops):
            managers.append("torch.backends.cudnn.flags(enabled=False)")
        return managers


def train_source(checked: Checked, model: str) -> str:
    """The text of `train.py`; `model` is the class in `model.py`."""
    script = Script(checked, TorchTarget(), TEMPLATE.parent, model, "PyTorch", DEVICES, PACKAGES)
    objective = TorchObjective(script.target, script.model_name, "Batch", "Tensor", "Batch")
    flags = script.flags
    objective.compiled = flags["COMPILES"]
    objective.mixed = flags["MIXED"]
    half = {"bf16": "torch.bfloat16", "f16": "torch.float16"}.get(
        script.train.run.precision, "HALF"
    )
    template, phased = script.template(TEMPLATE, **adapted_names(script)), script.template(PHASES)
    parts = script.template(PARTS, HALF=half)
    script.use(template)
    script.use(parts)
    script.flags["COUNTED"] = any(
        turn.phase.optimizer.name not in UNCOUNTED for turn in script.turns
    )
    script.set_kept(KEPT, "what PyTorch calls it")
    script.set(Blank(), Line("Batch = dict[str, Tensor]"))
    script.add_objectives(objective)
    script.add_penalty(PENALTIES, "Mapping[str, Tensor]", "Tensor")
    script.add_schedules()
    script.require("import math")
    add_optimizers(script)
    if script.train.is_phased:
        script.use(phased)
        script.add(phased.definition("Phase"), *phases(script, phased))
    script.add_trainer(template, phased)
    own_states = flags["MOMENTS"] and (flags["PHASED"] or flags["THAWS"] or flags["SCALED"])
    for wanted, names in (
        (flags["MIXED"], ("in_half",)),
        (flags["THAWS"], ("thawed_at",)),
        (own_states, ("moment_of",)),
        (flags["SCALED"], ("make_scaler", "scaling_of", "restore_scaler")),
        (flags["SEEDED"], ("seed_draws",)),
        (True, ("pick_device",)),
    ):
        script.add(*(parts.definition(name) for name in names if wanted))
    if flags["RECOMPUTES"]:
        add_recompute(script)
    return script.source()


def add_recompute(script: Script) -> None:
    """What recomputes parts of the model in the backward pass."""
    parts = recomputed_parts(script.train)
    adapted = [info.path for info in script.train.adapted()]
    adapts = any(path.startswith(f"{part}.") for path in adapted for part in parts)
    template = Template(RECOMPUTE, {**script.flags, "ADAPTS": adapts})
    script.use(template)
    script.add(template.definition("recompute"))
    if script.flags["STATEFUL"] or adapts:
        script.add(template.definition("recomputed"))
    if adapts:
        script.add(template.definition("with_weights"))
        script.add(Raw(helper_source(RECOMPUTE, "Held")[0]))
    if script.flags["STATEFUL"]:
        script.add(Raw(helper_source(RECOMPUTE, "WithBuffers")[0]))


def phases(script: Script, template: Template) -> list[Statement]:
    """`make_phases`, and what finds the weights of each."""
    lines: list[Line] = []
    parts: list[str] = []
    for turn in script.turns:
        weights, name = "weights", turn.phase.name
        if (chosen := turn.chosen("weights")) is not None:
            lines.append(chosen)
            weights = name
        parts.append(f'Phase("{name}", {name}_loss, {weights}, {name}_optimizer({weights})')
        parts[-1] += f"{script.phase_options(turn)})"
    made = Function(
        "make_phases",
        [Parameter("weights", "dict[str, Tensor]")],
        "list[Phase]",
        "The phases in turn, each with the weights that it moves.",
        [*lines, Line(f"return [{', '.join(parts)}]")],
    )
    choices = ("below", "without")
    used = [word for word in choices if any(f" = {word}(" in line.code for line in lines)]
    return [*map(template.definition, used), made]
