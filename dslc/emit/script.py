"""What every backend's `train.py` shares: constants, the schedule, options and the loop.

A backend writes `loss_of`, `metrics_of`, the optimiser and its `Trainer`; the rest is the same text
for all of them, so that a run is the same run everywhere.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from dslc.emit.header import header
from dslc.emit.lifting import lift
from dslc.emit.objective import needed_steps
from dslc.emit.python import (
    Blank,
    Function,
    If,
    Line,
    Module,
    Parameter,
    Raw,
    helper_source,
    to_source,
)
from dslc.emit.template import Template
from dslc.emit.units import ModuleWriter
from dslc.passes.weights import sites
from dslc.syntax.expressions import number_text
from dslc.train.gradient import reads
from dslc.train.initial_table import initial_table, path_globs
from dslc.train.paths import frozen_paths

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.emit.python import Statement
    from dslc.emit.target import Target
    from dslc.ops.base import Op
    from dslc.passes.pipeline import Checked
    from dslc.train.training import Training

TEMPLATE = Path(__file__).parents[1] / "train" / "script_template.py"
LOCAL = (
    *("checkpoint", "data", "initial", "model", "portable", "progress"),
    *("training_model", "weights"),
)
"""The modules that lie beside `train.py`."""

DTYPES = {
    **{f"i{bits}": f"int{bits}" for bits in (8, 16, 32, 64)},
    **{f"f{bits}": f"float{bits}" for bits in (16, 32, 64)},
    "u8": "uint8",
    "bool": "bool",
    "bf16": "float32",
}
"""NumPy's names of the dtypes that a column may have."""


class Script:
    """Writes one `train.py`.

    Class attributes:
        stand_in: What the backend's template calls the model.

    Args:
        checked: A spec with a `train` section.
        target: The backend's words.
        model: The name of what makes the model that is trained.
        framework: What the docstring calls the framework.
        devices: What `--device` takes.
    """

    stand_in = "TheModel"

    def __init__(
        self, checked: Checked, target: Target, model: str, framework: str, devices: Sequence[str]
    ) -> None:
        lifted = lift(checked)
        self.checked = lifted.model
        self.program = checked.program
        self.train: Training = lifted.train
        self.home = "model" if lifted.model is checked else "training_model"
        self.target = target
        self.weights = [info for info in self.train.weights() if info.tied is None]
        self.frozen = self.frozen_globs()
        title = f"Trains {self.program.name} with {framework}."
        usage = "`python train.py --help` lists the options; `--resume` goes on after a kill."
        self.writer = ModuleWriter(self.program, target, "")
        self.writer.module = Module(header(self.program, f"{title}\n\n{usage}"), local=LOCAL)
        self.model = model
        self.model_name = f"{model}_" if model in self.reserved() else model
        self.devices = devices
        self.flags = self.flags_of()
        self.settings: list[Statement] = []

    def reserved(self) -> set[str]:
        """Names that the script's own text uses at the top level."""
        return {"Batch", "Trainer", "Progress", "Batches", "Column", "Checkpoint", "Path", "Any"}

    def to_native(self) -> Function:
        """`to_native`: the columns in the layout in which the model computes."""
        found = [
            f'"{name}": np.ascontiguousarray(np.moveaxis(arrays["{name}"], 1, -1))'
            for name in self.turned()
        ]
        return Function(
            "to_native",
            [Parameter("arrays", "Arrays")],
            "Arrays",
            "Images with their channels last, as the model computes: no step has to turn them.",
            [Line(f"return {{**arrays, {', '.join(found)}}}")],
        )

    def frozen_globs(self) -> list[str]:
        """Globs of what `freeze` keeps from training."""
        trained = [info.path for info in self.weights if info.role == "trained"]
        paths = [f"{path}.**" for path in frozen_paths(self.train.instance)]
        return path_globs(paths, trained)

    def flags_of(self) -> dict[str, bool]:
        """What the templates decide on."""
        train, settings = self.train, self.train.optimizer.values
        ops = self.ops()
        roles = {info.role for info in self.weights}
        images = any(len(info.shape) == 4 for info in self.weights)
        return {
            "BF16": train.run.precision == "bf16",
            "CHANCE": any(op.draws for op in ops),
            "COUNTED": train.optimizer.name in ("adam", "adamw"),
            "DECAYS": bool(settings["weight_decay"]),
            "FILES": train.data.is_path,
            "FREEZES": bool(self.frozen),
            "IMAGES": images,
            "KEEPS": bool(settings["no_decay"] and settings["weight_decay"]),
            "MEASURES": train.data.split > 0,
            "MOMENTS": bool(train.optimizer.state),
            "NATIVE": self.target.channels_last and self.has_images(),
            "NORMS": any(op.name == "batch_norm" for op in ops),
            "PARTIAL": bool(roles & {"zeros", "frozen"}),
            "SEVERAL": self.program.has_several,
            "SCHEDULED": self.schedule() is not None,
            "STRATIFIED": train.data.stratify is not None,
            "TURNED": bool(self.turned()),
            "UNREACHED": self.leaves_out(),
        }

    def ops(self) -> list[Op]:
        """Every op of the unrolled graph, the model's among them."""
        found = [site.iteration.op for site in sites(self.train.instance)]
        return [op for op in found if op is not None]

    def has_images(self) -> bool:
        """Whether the model takes or gives images, which have a layout."""
        instance = self.checked.form.instance
        return any(t.rank > 3 for t in (*instance.inputs.values(), *instance.outputs.values()))

    def leaves_out(self) -> bool:
        """Whether the loss reads only some of the model's outputs, so that weights may idle."""
        if self.program.has_several:
            return True
        graph = self.train.graph
        needed = needed_steps(self.train.instance.body, [graph.body.result])
        steps = [step for step in graph.body.steps if step.id in needed]
        read = {ref.slot for step in steps for ref in reads(step)} | {graph.body.result.slot}
        outputs = [name for name, _ in self.checked.instance.module.outputs]
        return not set(outputs[1:]) <= read or (outputs[0] not in read and "" not in read)

    def turned(self) -> list[str]:
        """The columns that the model computes on in another layout than the spec's."""
        if not self.target.channels_last:
            return []
        return [name for name, column in self.train.columns.items() if column.type.rank > 3]

    def template(self, path: Path, **names: str) -> Template:
        """A template with this script's flags, its model's name and other names to write."""
        return Template(path, self.flags, {self.stand_in: self.model_name, **names})

    def add(self, *statements: Statement) -> None:
        """Appends statements to the script."""
        self.writer.classes.extend(statements)

    def set(self, *statements: Statement) -> None:
        """Appends to the settings at the top."""
        self.settings.extend(statements)

    def require(self, *imports: str) -> None:
        """Imports what the script may use; what it does not is dropped."""
        for statement in imports:
            self.writer.require(statement)

    def use(self, template: Template) -> None:
        """Imports what a template imports."""
        self.require(*template.imports())

    def source(self) -> str:
        """The text of the script."""
        shared = self.template(TEMPLATE)
        self.use(shared)
        if self.flags["TURNED"]:
            self.require("import numpy as np")
            self.add(self.to_native())
        alias = "" if self.model_name == self.model else f" as {self.model_name}"
        self.require(f"from {self.home} import {self.model}{alias}")
        helpers = [Raw(text) for text in self.helpers()]
        raw, imports = helper_source(TEMPLATE, "plain_errors")
        self.require(*imports)
        module = self.writer.module
        module.add(*self.constants(), *helpers, *self.writer.classes, Raw(raw))
        module.add(shared.definition("parse_arguments"), shared.definition("main"))
        module.add(If('__name__ == "__main__"', [Line("main()")]))
        module.prune_imports()
        return to_source(module)

    def helpers(self) -> list[str]:
        """The helpers that rules asked for, each once."""
        parts: dict[str, None] = {}
        for source in self.writer.helpers.values():
            parts.update(dict.fromkeys(source.split("\n\n\n")))
        return list(parts)

    def constants(self) -> list[Statement]:
        """The table of settings that the script begins with."""
        train = self.train
        found: list[Statement] = [
            Line(f'SPEC = "sha256:{self.digest()}"', "of the spec and its params"),
            Line(f"DATA = {train.data.source!r}"),
            Line(f"COLUMNS = {self.columns()}"),
        ]
        if self.flags["MEASURES"]:
            share = number_text(train.data.split)
            found.append(Line(f"HELD_OUT = {share}", "the share of the rows"))
            found.append(Line(f"SPLIT_SEED = {train.data.split_seed}"))
        if self.flags["MEASURES"] and self.flags["STRATIFIED"]:
            found.append(Line(f'STRATIFY = "{train.data.stratify}"'))
        rows = "".join(f"({glob!r}, {call}), " for glob, call in initial_table(self.weights))
        found += [Blank(), Line(f"INITIAL = [{rows}]", "the first that matches")]
        for call in sorted({call.partition("(")[0] for _, call in initial_table(self.weights)}):
            self.require(f"from initial import {call}")
        if self.frozen:
            found.append(Line(f"FROZEN = {self.frozen!r}", "never trained"))
        found += [
            Blank(),
            Line(f"EPOCHS = {train.run.epochs}"),
            Line(f"BATCH = {train.run.batch}"),
            Line(f"SEED = {train.run.seed}"),
            Line(f"DEVICES = {tuple(self.devices)!r}"),
        ]
        further = [*self.optimizer_constants(), *self.schedule_constants()]
        return [*found, Blank(), *further, *self.settings]

    def digest(self) -> str:
        """A hash of the spec with its params as they are: a run belongs to both."""
        text = f"{self.program.whole_text}\n{sorted(self.program.values.items())!r}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def columns(self) -> str:
        """The table of columns: names in the data, dtypes, the shape of a row, bounds of ids."""
        rows: list[str] = []
        for name, column in self.train.columns.items():
            dtype = self.target.dtypes.get(column.type.dtype, column.type.dtype)
            sizes = [str(k) if isinstance(k, int) else "None" for k in column.type.shape[1:]]
            shape = f"({', '.join(sizes)},)" if len(sizes) == 1 else f"({', '.join(sizes)})"
            parts = [repr(column.source), f'"{DTYPES[dtype]}"', *([shape] if sizes else [])]
            parts += [f"below={column.below}"] if column.below is not None else []
            rows.append(f'"{name}": Column({", ".join(parts)}), ')
        return "{" + "".join(rows) + "}"

    def optimizer_constants(self) -> list[Statement]:
        """The settings of the optimiser."""
        values = self.train.optimizer.values
        found = [Line(f"LEARNING_RATE = {number_text(values['lr'])}")]
        if values.get("momentum"):
            found.append(Line(f"MOMENTUM = {number_text(values['momentum'])}"))
        if "betas" in values:
            found.append(Line(f"BETAS = ({', '.join(map(number_text, values['betas']))})"))
            found.append(Line(f"EPSILON = {number_text(values['eps'])}"))
        if self.flags["DECAYS"]:
            found.append(Line(f"WEIGHT_DECAY = {number_text(values['weight_decay'])}"))
        if self.flags["KEEPS"]:
            found.append(Line(f"NO_DECAY = {list(values['no_decay'])!r}"))
        return list(found)

    def schedule_constants(self) -> list[Statement]:
        """The settings of the schedule that are used more than once."""
        warmup = self.train.schedule.values["warmup"]
        return [Line(f"WARMUP = {warmup}", "steps")] if warmup else []

    def schedule(self) -> Function | None:
        """`learning_rate`; None where the rate never changes."""
        chosen = self.train.schedule
        values = chosen.values
        if chosen.name == "constant" and not values["warmup"]:
            return None
        body: list[Statement] = []
        if values["warmup"]:
            rise = Line("return LEARNING_RATE * (step + 1) / WARMUP")
            body.append(If("step < WARMUP", [rise]))
        done, total = "step", "total"
        if values["warmup"]:
            done, total = "(step - WARMUP)", "max(1, total - WARMUP)"
        doc, lines = chosen.fall(done, total)
        if not any("total" in line for line in lines):
            body.insert(0, Line("del total"))
        body += [Line(line) for line in lines]
        doc = f"A linear warmup, then {doc[0].lower()}{doc[1:]}" if values["warmup"] else doc
        parameters = [Parameter("step", "int"), Parameter("total", "int")]
        return Function("learning_rate", parameters, "float", doc, body)
