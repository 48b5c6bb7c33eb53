"""What a rule asks of its target."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dslc.emit.functions_context import FunctionContext
    from dslc_keras.survey import Survey


def survey_of(c: FunctionContext) -> Survey:
    """What the whole module uses."""
    from dslc_keras.target import KerasTarget

    target = c.function.target
    assert isinstance(target, KerasTarget)
    return target.uses
