"""Every weight of a checked model: path, shape, initialiser, role; shared ones once."""

from __future__ import annotations

from dslc.ir.graph import Group, Parallel, Reuse, Scan
from dslc.syntax.expressions import evaluate
from dslc.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dslc.ir.dims import DimLike
    from dslc.ir.graph import Initialiser, Step, Tie
    from dslc.ir.instance import BodyInstance, Instance, Iteration, StepInstance
    from dslc.ir.types import TensorType
    from dslc.ops.base import Op
    from dslc.source import Span


@final
class WeightInfo:
    """One weight in the portable file.

    `path` is its name there, `own` its name in the op; `role` is "trained", "frozen", "buffer" or
    "zeros"; `initialiser` a kind with its numbers; `tied` the path of the weight that it is.
    """

    __slots__ = (
        "dtype",
        "initialiser",
        "op",
        "own",
        "path",
        "role",
        "shape",
        "span",
        "tie_span",
        "tied",
    )

    def __init__(
        self,
        path: str,
        own: str,
        shape: tuple[DimLike, ...],
        dtype: str,
        initialiser: tuple[object, ...],
        role: str,
        op: Op,
        span: Span,
        tied: str | None,
        tie_span: Span | None,
    ) -> None:
        self.path = path
        self.own = own
        self.shape = shape
        self.dtype = dtype
        self.initialiser = initialiser
        self.role = role
        self.op = op
        self.span = span
        self.tied = tied
        self.tie_span = tie_span

    @property
    def count(self) -> int:
        """The number of elements."""
        total = 1
        for size in self.shape:
            assert isinstance(size, int)
            total *= size
        return total


@final
class Site:
    """One place where an op runs in the unrolled model: its path, op and types."""

    __slots__ = ("frozen", "iteration", "path", "step")

    def __init__(self, path: str, step: Step, iteration: Iteration, *, frozen: bool) -> None:
        self.path = path
        self.step = step
        self.iteration = iteration
        self.frozen = frozen


def join(*parts: str) -> str:
    """A path from its parts, leaving out empty ones."""
    return ".".join(filter(None, parts))


def sites(
    instance: Instance,
    prefix: str = "",
    *,
    frozen: bool = False,
    around: Mapping[int, tuple[str, bool]] | None = None,
) -> Iterator[Site]:
    """Every run of an op in the unrolled model, in order; a model's own wherever it is called.

    Args:
        instance: The model, or what a step calls.
        prefix: The path of that step.
        frozen: Whether nothing in it is trained.
        around: Where the steps around it have their weights.
    """
    yield from _body_sites(instance.body, prefix, frozen, dict(around or {}))


def step_sites(found: StepInstance) -> Iterator[Site]:
    """Every run of an op in one step, but for those in models that it calls."""
    for iteration in found.iterations:
        if iteration is None or (iteration.call is not None and iteration.call.module.is_model):
            return
    yield from _step_sites(found, "", found.step.freeze, {})


def _body_sites(
    body: BodyInstance, prefix: str, frozen: bool, homes: dict[int, tuple[str, bool]]
) -> Iterator[Site]:
    for step in body.steps:
        yield from _step_sites(step, prefix, frozen, homes)


def _step_sites(
    found: StepInstance, prefix: str, frozen: bool, homes: dict[int, tuple[str, bool]]
) -> Iterator[Site]:
    """The runs of one step; `homes` are where the steps so far have their weights."""
    step = found.step
    if isinstance(step.action, Reuse):
        again = step.action.step  # where it is not among these, it stands at the top
        prefix, frozen = homes.get(again.id, ("", again.freeze))
    elif step.name is not None:
        homes[step.id] = prefix, frozen
    frozen = frozen or step.freeze
    for k, iteration in enumerate(found.iterations):
        if iteration is None:
            continue
        path = iteration_path(prefix, step, k)
        if iteration.op is not None:
            yield Site(path, step, iteration, frozen=frozen)
        elif iteration.call is not None:
            home = iteration.call.module.home
            if home is None:
                yield from sites(iteration.call, path, frozen=frozen, around=homes)
            else:  # a model's weights are its own
                yield from sites(iteration.call, home)
        for label, body in zip(branch_labels(step), iteration.bodies, strict=False):
            yield from _body_sites(body, join(path, label), frozen, homes)


def call_path(iteration: Iteration, path: str) -> str:
    """The path of what a step calls: a model's own, else the step's."""
    home = None if iteration.call is None else iteration.call.module.home
    return path if home is None else home


def iteration_path(prefix: str, step: Step, iteration: int) -> str:
    """The path of one iteration of a step."""
    number = str(iteration) if step.repeat is not None and not step.repeat.share else ""
    return join(prefix, step.label, number)


def branch_labels(step: Step) -> tuple[str, ...]:
    """What each body of a region adds to paths."""
    action = step.action.step.action if isinstance(step.action, Reuse) else step.action
    if isinstance(action, Parallel):
        return tuple(label for label, _ in action.branches)
    return ("",) if isinstance(action, Group | Scan) else ("", "")


def weights_of(instance: Instance, prefix: str = "") -> list[WeightInfo]:
    """Every weight of the unrolled model in order, shared ones once; tied ones name their target."""
    found: dict[str, WeightInfo] = {}
    for site in sites(instance, prefix):
        op = site.iteration.op
        assert op is not None
        types = tuple(type for type in site.iteration.inputs if type is not None)
        for weight in op.weights(*types):
            path = join(site.path, weight.name)
            if path in found:
                continue
            tie = site.step.tie.get(weight.name or "weight")
            own = site.step.init.get(weight.name or "weight")
            initialiser = weight.initialiser
            if own is not None:
                initialiser = evaluated(own, site.iteration.environment)
            role = weight.role
            if role == "trained" and site.frozen:
                role = "frozen"
            found[path] = WeightInfo(
                path,
                weight.name,
                weight.shape,
                weight_dtype(types),
                initialiser,
                role,
                op,
                site.step.span,
                None if tie is None else tied_path(tie, site, found),
                None if tie is None else tie.span,
            )
    return list(found.values())


def tied_path(tie: Tie, site: Site, known: Mapping[str, WeightInfo]) -> str:
    """The path that a tie means, looked up from the inner scope outwards, or that of a model."""
    environment = site.iteration.environment
    parts = [part if isinstance(part, str) else evaluate(part, environment) for part in tie.path]
    target = ".".join(map(str, parts))
    scope = site.path.split(".") if tie.model is None else [""]
    while scope:
        scope.pop()
        candidate = join(".".join(scope), target)
        for option in (candidate, candidate.removesuffix(".weight")):
            if option in known:
                return known[option].tied or option
    return target


def weight_dtype(types: tuple[TensorType, ...]) -> str:
    """The dtype of an op's weights: its first float input's, else f32."""
    for type in types:
        if type.dtype in ("f16", "bf16", "f32", "f64"):
            return type.dtype
    return "f32"


def evaluated(initialiser: Initialiser, environment: Mapping[str, object]) -> tuple[object, ...]:
    """An initialiser as a kind with numbers."""
    numbers = {name: evaluate(value, environment) for name, value in initialiser.arguments}
    return (initialiser.kind, *numbers.items())
