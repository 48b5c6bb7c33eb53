"""A module with all its types in its own names, as data."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from dslc.ir.dims import DimLike
    from dslc.ir.graph import Module, Step
    from dslc.ir.instance import Instance, Iteration
    from dslc.ir.types import TensorType
    from dslc.ops.base import Op

    Values = dict[tuple[int, str], TensorType]


@final
class Carry:
    """A dim that changes over a loop: its symbol, its value before, and after each round."""

    __slots__ = ("axis", "start", "symbol", "update")

    def __init__(self, symbol: str, axis: int, start: DimLike, update: DimLike) -> None:
        self.symbol = symbol
        self.axis = axis
        self.start = start
        self.update = update


@final
class FormalStep:
    """A step with its types in the module's names.

    `op` holds symbolic attributes; `samples` are the iterations of all instances; `absent` says
    that no instance has the step, `sometimes` that only some have it. `rounds` are the outputs of one
    round of a repeat; `reused` is the step whose weights it runs on again.
    """

    __slots__ = (
        "bodies",
        "callee",
        "carries",
        "inputs",
        "op",
        "outputs",
        "reused",
        "rounds",
        "samples",
        "sometimes",
        "step",
    )

    def __init__(self, step: Step, samples: list[Iteration], *, sometimes: bool) -> None:
        self.step = step
        self.samples = samples
        self.sometimes = sometimes
        self.op: Op | None = None
        self.callee: Formal | None = None
        self.inputs: tuple[TensorType | None, ...] = ()
        self.outputs: dict[str, TensorType] = {}
        self.bodies: tuple[list[FormalStep], ...] = ()
        self.carries: list[Carry] = []
        self.rounds: dict[str, TensorType] = {}
        self.reused: int | None = None

    @property
    def absent(self) -> bool:
        """Whether no instance has it."""
        return not self.samples


@final
class Formal:
    """A module with all its types in its own names.

    `bindings` lists every dim that an input binds as (symbol, input, axis); `closed` gives a carried
    dim's value after its loop where that can be said in one expression; `of_runs` are the params that
    only a run knows.
    """

    __slots__ = (
        "bindings",
        "closed",
        "inputs",
        "instances",
        "module",
        "of_runs",
        "outputs",
        "steps",
        "values",
    )

    def __init__(self, module: Module, instances: list[Instance]) -> None:
        self.module = module
        self.instances = instances
        self.inputs: dict[str, TensorType] = {}
        self.bindings: list[tuple[str, str, int]] = []
        self.closed: dict[str, DimLike] = {}
        self.steps: list[FormalStep] = []
        self.values: Values = {}
        self.outputs: dict[str, TensorType] = {}
        self.of_runs: frozenset[str] = frozenset()
