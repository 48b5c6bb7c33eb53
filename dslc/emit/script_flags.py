"""What the templates of a script decide on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.data_steps import Stages
from dslc.emit.options import rises

if TYPE_CHECKING:
    from dslc.emit.script import Script


def flags_of(script: Script) -> dict[str, bool]:
    """What the templates decide on."""
    return {**flags_of_phases(script), **flags_of_run(script)}


def flags_of_phases(script: Script) -> dict[str, bool]:
    """What depends on the phases and their optimisers."""
    turns = script.turns
    return {
        "ACCUMULATES": any(turn.phase.accumulate > 1 for turn in turns),
        "AXES": any(turn.takes_axes for turn in turns),
        "CLIPS": any(turn.clips is not None for turn in turns),
        "COUNTED": any(turn.counts for turn in turns),
        "COUNTS_EACH": any(turn.counts_each for turn in turns),
        "DECAYS": any(turn.decays for turn in turns),
        "EVERY": any(turn.phase.every > 1 for turn in turns),
        "GROUPED": any(turn.groups for turn in turns),
        "KEEPS": any(turn.keeps or turn.groups for turn in turns),
        "MOMENTS": any(turn.state for turn in turns),
        "PLATEAUED": any(turn.phase.schedule.name == "plateau" for turn in turns),
        "RATED": any(turn.phase.optimizer.name == "adafactor" for turn in turns),
        "REGULAR": any(turn.phase.regularizers for turn in turns),
        "SCHEDULED": any(turn.is_scheduled for turn in turns),
        "UNREACHED": any(script.leaves_out(turn.phase) for turn in turns),
    }


def flags_of_run(script: Script) -> dict[str, bool]:
    """What depends on the model, the data and the run."""
    train, ops = script.train, script.ops()
    roles = {info.role for info in script.weights}
    images = any(len(info.shape) == 4 for info in script.weights)
    options, stopping = train.options, train.options.stopping
    stages = Stages(train.data)
    seeded = train.run.deterministic and any(op.draws for op in ops)
    late = bool(stages.late or stages.learned or stages.mixes) or train.data.is_mapped
    return {
        "ADAPTS": options.lora is not None,
        "AVERAGES": options.average is not None,
        "CHANCE": any(op.draws for op in ops),
        "COMPILES": train.run.compile is True,
        "DRAWS": bool(script.draws),
        "EAGER": train.run.compile is False,
        "FILES": train.data.is_path,
        "LATE": late,
        "STORED": train.data.cache == "disk",
        "LEARNS": bool(stages.learned),
        "FREEZES": bool(script.frozen),
        "HELD": bool(script.frozen) or bool(options.thawing),
        "IMAGES": images,
        "MEASURES": train.data.split > 0,
        "MIXED": train.run.precision != "f32",
        "NATIVE": script.target.channels_last and script.has_images(),
        "NORMS": any(op.name == "batch_norm" for op in ops),
        "PARTIAL": bool(roles & {"zeros", "frozen"}),
        "PHASED": train.is_phased,
        "RISES": stopping is not None and rises(train, stopping.metric),
        "RECOMPUTES": bool(train.run.recompute),
        "SCALED": train.run.precision == "f16",
        "SEVERAL": script.program.has_several,
        "SHOWS": script.shown is not None,
        "SLACK": stopping is not None and stopping.min_delta > 0,
        "STOPS": stopping is not None,
        "STATEFUL": any(info.role == "buffer" for info in script.weights) or seeded,
        "SEEDED": seeded,
        "STARTED": script.program.weights is not None,
        "STRATIFIED": train.data.stratify is not None,
        "THAWS": bool(options.thawing),
        "TURNED": bool(script.turned()),
        "WINDOWS": stages.before_split,
    }
