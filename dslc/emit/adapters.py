"""What a script says of adapters of low rank."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dslc.emit.python import Line
from dslc.syntax.expressions import number_text
from dslc.train.initial_table import path_globs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.emit.python import Class, Statement
    from dslc.emit.script import Script
    from dslc.emit.template import Template
    from dslc.passes.weights import WeightInfo
    from dslc.train.lora import Lora

ADAPTERS = Path(__file__).parents[1] / "train" / "adapters_template.py"


def adapted_names(script: Script) -> dict[str, str]:
    """What a trainer calls its model, the parameters of this, and itself."""
    adapts = script.flags["ADAPTS"]
    return {
        "MODEL": "self.adapted" if adapts else "self.model",
        "OWN": "self.own_params" if adapts else "self.params",
        "LEAVES": "partial(self.unchanged, rest)" if adapts else "jax.tree.leaves",
        "ADAPTING": "self",
    }


def beside_adapters(lora: Lora, weights: Sequence[WeightInfo]) -> list[str]:
    """Globs of everything that stays under adapters."""
    trained = [info.path for info in weights if info.role == "trained"]
    if not trained:
        return ["**"]
    others = [info.path for info in weights if info.role != "trained"]
    return path_globs([path for path in others if not lora.trains(path)], trained)


def add_adapters(script: Script, template: Template) -> Class:
    """Adds what makes adapters; gives the trainer with what it does with them."""
    for path in (ADAPTERS, script.templates / ADAPTERS.name):
        script.use(script.template(path))
    script.add(script.template(ADAPTERS).definition("make_adapters"))
    own = script.template(script.templates / ADAPTERS.name)
    return template.class_with("Trainer", own, "AdaptedTrainer")


def adapter_constants(script: Script) -> list[Statement]:
    """What is adapted, and the sizes and the weight of what is added."""
    lora = script.train.options.lora
    if lora is None:
        return []
    names = {info.path for info in script.train.adapted()}
    others = [info.path for info in script.weights if info.path not in names]
    rank, alpha = lora.values["rank"], number_text(lora.values["alpha"])
    return [
        Line(f"LORA = {sorted(path_globs(sorted(names), others))!r}", "what has adapters"),
        Line(f"RANK = {rank}"),
        Line(f"SCALE = {alpha} / {rank}", "of their product"),
    ]
