"""What every backend's `train.py` shares: constants, the schedule, options and the loop.

A backend writes `loss_of`, `metrics_of`, the optimiser and its `Trainer`; the rest is the same text
for all of them, so that a run is the same run everywhere.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from dslc.emit.adapters import adapted_names, adapter_constants, add_adapters, beside_adapters
from dslc.emit.draws import DrawWriter, refuse_pieces
from dslc.emit.header import header
from dslc.emit.lifting import lift
from dslc.emit.objective import needed_steps
from dslc.emit.options import option_constants, penalty, penalty_constants
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
from dslc.emit.script_flags import flags_of
from dslc.emit.script_loop import facts, loop_names, loop_parts
from dslc.emit.shown import shown
from dslc.emit.template import Template, template_text
from dslc.emit.turns import Turn, learning_rates, leaves_out_of_models
from dslc.emit.units import ModuleWriter
from dslc.passes.weights import sites
from dslc.syntax.expressions import number_text
from dslc.train.gradient import reads
from dslc.train.initial_table import initial_table, path_globs
from dslc.train.paths import frozen_paths

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dslc.emit.objective import Objective
    from dslc.emit.python import Statement
    from dslc.emit.target import Target
    from dslc.ops.base import Op
    from dslc.passes.pipeline import Checked
    from dslc.train.training import Phase, Training

TEMPLATE = Path(__file__).parents[1] / "train" / "script_template.py"
PLATEAU = TEMPLATE.with_name("plateau_template.py")
LOCAL = (
    *("checkpoint", "data", "faults", "initial", "model", "page", "portable", "progress", "record"),
    *("signals", "trackers", "training_model", "watching", "weights"),
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
FORMS = {"text": "str", "tokens": "tokens"}
"""What a column's dtype is called where it holds no numbers of one shape."""


class Script:
    """Writes one `train.py`.

    Class attributes:
        stand_in: What the backend's template calls the model.

    Args:
        checked: A spec with a `train` section.
        target: The backend's words.
        templates: The folder of the backend's templates.
        model: The name of what makes the model that is trained.
        framework: What the docstring calls the framework.
        devices: What `--device` takes.
        packages: What a run's record keeps the versions of; the first is the backend's own.
    """

    stand_in = "TheModel"

    def __init__(
        self,
        checked: Checked,
        target: Target,
        templates: Path,
        model: str,
        framework: str,
        devices: Sequence[str],
        packages: Sequence[str],
    ) -> None:
        self.templates = templates
        lifted = lift(checked)
        self.checked = lifted.model
        self.program = checked.program
        self.train: Training = lifted.train
        self.draws = lifted.draws
        refuse_pieces(lifted.draws, lifted.train)
        self.shown = shown(lifted.train, {found.column for found in lifted.draws})
        self.turns = [Turn(self.train, phase) for phase in self.train.phases]
        self.home = "model" if lifted.model is checked else "training_model"
        self.target = target
        self.weights = [info for info in self.train.weights() if info.tied is None]
        self.frozen = self.frozen_globs()
        title = f"Trains {self.program.name} with {framework}."
        usage = "`python train.py --help` lists the options; `--resume` goes on after a kill."
        self.writer = ModuleWriter(self.program, target, "")
        self.writer.module = Module(header(self.program, f"{title}\n\n{usage}"), local=LOCAL)
        self.model = model
        self.model_name = f"{model}_" if self.is_reserved(model) else model
        self.devices = devices
        self.packages = (*packages, "numpy", "safetensors")
        self.flags = flags_of(self)
        self.settings: list[Statement] = []

    def is_reserved(self, name: str) -> bool:
        """Whether the script's own text may use a name at the top level."""
        paths = (TEMPLATE, PLATEAU, *self.templates.glob("*_template.py"))
        near = [path for path in paths if name in template_text(path)]
        return name != self.stand_in and any(name in Template(path, {}).names() for path in near)

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
        found = frozen_paths(self.train.model)
        for phase in self.train.phases:
            found += frozen_paths(phase.instance, phase.own)
        globs = path_globs([f"{path}.**" for path in dict.fromkeys(found)], trained)
        if self.train.options.lora is not None:
            return beside_adapters(self.train.options.lora, self.weights)
        return list(dict.fromkeys((*globs, *self.train.options.frozen)))

    def ops(self) -> list[Op]:
        """Every op of the unrolled graphs, the model's among them."""
        found = [site.iteration.op for one in self.train.instances for site in sites(one)]
        return [op for op in found if op is not None]

    def has_images(self) -> bool:
        """Whether the model takes or gives images, which have a layout."""
        instance = self.checked.form.instance
        return any(t.rank > 3 for t in (*instance.inputs.values(), *instance.outputs.values()))

    def leaves_out(self, phase: Phase) -> bool:
        """Whether a loss reads only some of what its models give, so that weights may idle."""
        if self.train.is_phased:
            return leaves_out_of_models(self.train, phase)
        if self.program.has_several:
            return True
        graph = phase.graph
        needed = needed_steps(phase.instance.body, [graph.body.result])
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

    def add_trainer(self, template: Template, phased: Template) -> None:
        """The trainer, with what phases have otherwise, and what predicts for the page."""
        found = template.definition("Trainer")
        if self.train.is_phased:
            found = template.class_with("Trainer", phased, "PhasedTrainer")
        if self.flags["ADAPTS"]:
            found = add_adapters(self, template)
        if self.shown is not None:
            page = self.template(self.templates / "page_template.py", **adapted_names(self))
            self.use(page)
            found = page.extended(found, "ShowingTrainer")
        self.add(found)

    def source(self) -> str:
        """The text of the script."""
        self.require("from data import learn, load, prepare")
        shared = self.template(TEMPLATE, **loop_names(self.flags), **self.page_names())
        self.use(shared)
        if self.flags["TURNED"]:
            self.require("import numpy as np")
            self.add(self.to_native())
        if self.draws:
            self.require("import numpy as np", "from initial import random_numbers")
            writer = DrawWriter(self.draws, self.train.columns, self.target)
            self.add(writer.function())
        alias = "" if self.model_name == self.model else f" as {self.model_name}"
        self.require(f"from {self.home} import {self.model}{alias}")
        helpers = [Raw(text) for text in self.helpers()]
        self.require("from watching import find_fault")
        module = self.writer.module
        module.add(*self.constants(), *helpers, *self.writer.classes)
        for name in ("plain_errors", "run_errors"):
            module.add(Raw(helper_source(TEMPLATE, name)[0]))
        if self.flags["PLATEAUED"]:
            plateau = self.template(PLATEAU, **loop_names(self.flags))
            self.use(plateau)
            parts = ("Plateau", "Plateaus") if self.flags["PHASED"] else ("Plateau",)
            module.add(*(plateau.definition(name) for name in parts))
        for name in loop_parts(self.flags):
            module.add(shared.definition(name))
        module.add(If('__name__ == "__main__"', [Line("main()")]))
        module.prune_imports()
        return to_source(module)

    def page_names(self) -> dict[str, str]:
        """What the page's text stands for."""
        if self.shown is None:
            return {}
        return {"SHOWN": self.shown.function, "TARGET": f'"{self.shown.target}"'}

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
            Line(
                f"RUN = {facts(self.program, self.packages[0])}",
                "what its record says beside the call",
            ),
            Line(f"PACKAGES = {self.packages!r}"),
            Line(f"DATA = {train.data.source!r}"),
            Line(f"COLUMNS = {self.columns()}"),
        ]
        if self.flags["MEASURES"]:
            share = number_text(train.data.split)
            found.append(Line(f"HELD_OUT = {share}", "the share of the rows"))
            found.append(Line(f"SPLIT_SEED = {train.data.split_seed}"))
        if self.flags["MEASURES"] and self.flags["STRATIFIED"]:
            found.append(Line(f'STRATIFY = "{train.data.stratify}"'))
        if self.flags["STARTED"]:
            found.append(Line('START = Path(__file__).parent / "start.safetensors"'))
        table = initial_table(self.weights)
        rows = "".join(f"({glob!r}, {call}), " for glob, call in table)
        found += [Blank(), Line(f"INITIAL = [{rows}]", "the first that matches")]
        for call in sorted({call.partition("(")[0] for _, call in table}):
            self.require(f"from initial import {call}")
        if self.frozen:
            found.append(Line(f"FROZEN = {self.frozen!r}", "never trained"))
        found += adapter_constants(self)
        if self.flags["THAWS"]:
            what = "the epochs in which weights are frozen; the first glob counts"
            found.append(Line(f"THAWED = {dict(train.options.thawing)!r}", what))
        found += [
            Blank(),
            Line(f"EPOCHS = {train.run.epochs}"),
            Line(f"BATCH = {train.run.batch}"),
            *option_constants(train),
            Line(f"SEED = {train.run.seed}"),
            Line(f"DEVICES = {tuple(self.devices)!r}"),
        ]
        for turn in self.turns:
            found += [Blank(), *turn.constants(), *penalty_constants(turn)]
        return [*found, *self.settings]

    def digest(self) -> str:
        """A hash of the spec with its params as they are: a run belongs to both."""
        text = f"{self.program.whole_text}\n{sorted(self.program.values.items())!r}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def columns(self) -> str:
        """The table of columns: names in the data, dtypes, the shape of a row, bounds of ids."""
        rows: list[str] = []
        for name, raw in self.train.data.raws.items():
            dtype = self.target.dtypes.get(raw.dtype, raw.dtype)
            dtype = FORMS.get(raw.form, DTYPES[dtype])
            sizes = [str(size) for size in raw.shape]
            shape = f"({', '.join(sizes)},)" if len(sizes) == 1 else f"({', '.join(sizes)})"
            source = self.train.columns[name].source
            parts = [repr(source), f'"{dtype}"', *([shape] if sizes else [])]
            parts += [f"below={raw.below}"] if raw.below is not None else []
            rows.append(f'"{name}": Column({", ".join(parts)}), ')
        return "{" + "".join(rows) + "}"

    def set_kept(self, names: Mapping[str, str], comment: str) -> None:
        """What the framework calls what optimisers keep of each weight; of each phase apart.

        Args:
            names: Its names by kind, `square`, or by optimiser and kind, `adagrad.square`.
            comment: What stands beside them.
        """
        if not self.flags["MOMENTS"]:
            return
        kept = {
            turn.phase.name: {
                kind: names.get(f"{turn.phase.optimizer.name}.{kind}", names[kind])
                for kind in turn.state
            }
            for turn in self.turns
        }
        found = kept if self.train.is_phased else kept[""]
        self.set(Line(f"KEPT = {found!r}", comment))

    def add_objectives(self, objective: Objective) -> None:
        """The losses and the metrics of all phases."""
        for turn in self.turns:
            name = turn.function("loss_of", "loss")
            self.add(objective.loss(self.writer, turn.phase, name))
        if not self.flags["MEASURES"]:
            return
        names = [turn.function("metrics_of", "metrics") for turn in self.turns]
        for turn, name in zip(self.turns, names, strict=True):
            self.add(objective.metrics(self.writer, turn.phase, name))
        if self.shown is not None:
            self.add(objective.shown(self.writer, self.shown))
            self.require(f"from page import {self.shown.function}")
        if self.train.is_phased:
            parts = ", ".join(f"**{name}(model, batch)" for name in names)
            parameters = [
                Parameter("model", objective.model),
                Parameter("batch", objective.batch),
            ]
            doc = "The losses and the metrics of all phases."
            lines = [Line(f"return {{{parts}}}")]
            self.add(Function("metrics_of", parameters, objective.results, doc, lines))

    def add_penalty(self, words: Mapping[str, str], weights: str, result: str) -> None:
        """What regularisers add to the loss of each phase."""
        turns = [turn for turn in self.turns if turn.phase.regularizers]
        self.add(*(penalty(turn, words, weights, result) for turn in turns))

    def given(self) -> str:
        """What the optimiser of a section without phases is made from, as arguments."""
        if self.flags["AXES"] and self.flags["ADAPTS"]:
            adapters = "dict.fromkeys(self.adapters, ((0,), (1,)))"
            return f"self.names, {{**axes_of(self.model), **{adapters}}}"
        if self.flags["AXES"]:
            return "self.names, axes_of(self.model)"
        return "self.names" if self.flags["KEEPS"] else ""

    def phase_options(self, turn: Turn) -> str:
        """What a phase is made with where it has it, as further arguments."""
        phase, text = turn.phase, ""
        text += f", every={phase.every}" if phase.every > 1 else ""
        text += f", pieces={phase.accumulate}" if phase.accumulate > 1 else ""
        name = turn.function("", "penalty")
        return f"{text}, penalty_of={name}" if phase.regularizers else text

    def add_schedules(self) -> None:
        """What the rates are at each step, where they change."""
        for turn in self.turns:
            schedule = turn.schedule()
            if schedule is not None:
                self.add(schedule)
        if self.train.is_phased:
            rates = learning_rates(self.turns)
            if isinstance(rates, Function):
                self.add(rates)
            else:
                self.set(rates)
