"""What a rule asks of its target."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dslc.emit.context import OpContext
    from dslc_keras.survey import Survey


def survey_of(c: OpContext) -> Survey:
    """What the whole module uses."""
    from dslc_keras.target import KerasTarget

    target = c.writer.target
    assert isinstance(target, KerasTarget)
    return target.uses
