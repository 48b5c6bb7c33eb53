"""What a checked model is made of: layers, shapes, parameters, FLOPs, memory, receptive field.

Everything is exact. Where a size is symbolic the figures are expressions in the symbols, unless
`sizes` gives them numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from dslc.ir.dims import substitute
from dslc.ir.graph import Parallel, Residual, Reuse, Scan
from dslc.ir.types import BYTES
from dslc.ops import find
from dslc.passes.scans import time_axis
from dslc.passes.weights import branch_labels, call_path, iteration_path, join
from dslc.tools.param_docs import documented_params
from dslc.tools.receptive_field import receptive_field

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dslc.ir.dims import DimLike
    from dslc.ir.facts import Facts
    from dslc.ir.instance import BodyInstance, Iteration, StepInstance
    from dslc.ir.types import TensorType
    from dslc.passes.pipeline import Checked


@final
class Layer:
    """One op in the unrolled model, or the place where paths meet; `rounds` is how often it runs."""

    __slots__ = ("flops", "op", "output", "parameters", "path", "rounds")

    def __init__(
        self, path: str, op: str, output: TensorType, parameters: int, flops: DimLike
    ) -> None:
        self.path = path
        self.op = op
        self.output = output
        self.parameters = parameters
        self.flops = flops
        self.rounds: DimLike = 1

    def repeated(self, rounds: DimLike) -> Layer:
        """The same layer inside a scan of that many rounds."""
        found = Layer(self.path, self.op, self.output, self.parameters, self.flops * rounds)
        found.rounds = self.rounds * rounds
        return found

    def simplified(self, facts: Facts, sizes: Mapping[str, DimLike]) -> Layer:
        """The same layer with its sizes as the facts let them be written, or as numbers."""

        def simple(size: DimLike) -> DimLike:
            return substitute(facts.simplify(size), sizes)

        output = self.output.with_shape(*map(simple, self.output.shape))
        found = Layer(self.path, self.op, output, self.parameters, simple(self.flops))
        found.rounds = simple(self.rounds)
        return found


@final
class Summary:
    """The figures of one model.

    Attributes:
        parameters: Trained and frozen weights; running statistics and an LSTM's zero bias apart.
        trainable: Those of them that are trained.
        buffers: Elements of running statistics.
        flops: One forward pass, a multiply-add counting two; a number or an expression.
        activation_bytes: The outputs of all layers together, which training keeps.
        params: What the spec says about its params, those that have a `doc`.
        receptive_field: For each input with axes of places, how many of them the last layer that
            still has such axes sees, axis by axis.
    """

    __slots__ = (
        "activation_bytes",
        "buffers",
        "flops",
        "inputs",
        "layers",
        "name",
        "outputs",
        "parameters",
        "params",
        "receptive_field",
        "trainable",
    )

    def __init__(self, checked: Checked, sizes: Mapping[str, DimLike] | None = None) -> None:
        given = dict(sizes or {})
        instance = checked.instance
        self.name = checked.program.chosen or checked.program.name
        self.params = documented_params(checked.program)
        weights = checked.weights()
        own = [weight for weight in weights if weight.tied is None]
        self.parameters = sum(w.count for w in own if w.role in ("trained", "frozen"))
        self.trainable = sum(w.count for w in own if w.role == "trained")
        self.buffers = sum(w.count for w in own if w.role == "buffer")
        self.inputs = {name: type.substitute(given) for name, type in instance.inputs.items()}
        self.outputs = {name: type.substitute(given) for name, type in instance.outputs.items()}
        counts: dict[str, int] = {}
        for weight in own:
            if weight.role in ("trained", "frozen"):
                site = weight.path.removesuffix(weight.own).removesuffix(".")
                counts[site] = counts.get(site, 0) + weight.count
        layers = _body_layers(instance.body, "", counts)
        self.layers = [layer.simplified(checked.facts, given) for layer in layers]
        self.flops: DimLike = 0
        self.activation_bytes: DimLike = 0
        for layer in self.layers:
            self.flops = self.flops + layer.flops
            size = layer.output.elements * BYTES[layer.output.dtype] * layer.rounds
            self.activation_bytes = self.activation_bytes + size
        self.receptive_field = receptive_field(instance)

    def as_dict(self) -> dict[str, object]:
        """The object that `dslc summary --format json` prints."""
        return {
            "name": self.name,
            "parameters": {
                "total": self.parameters,
                "trainable": self.trainable,
                "buffers": self.buffers,
            },
            "flops": number_or_text(self.flops),
            "inputs": {name: str(type) for name, type in self.inputs.items()},
            "outputs": {name: str(type) for name, type in self.outputs.items()},
            "layers": [
                {
                    "path": layer.path,
                    "op": layer.op,
                    "output": str(layer.output),
                    "parameters": layer.parameters,
                    "flops": number_or_text(layer.flops),
                }
                for layer in self.layers
            ],
            **({"params": self.params} if self.params else {}),
        }


def number_or_text(value: DimLike) -> int | str:
    """A size as JSON has it: a number, else the expression's text."""
    return value if isinstance(value, int) else str(value)


def _body_layers(body: BodyInstance, prefix: str, counts: dict[str, int]) -> Iterator[Layer]:
    for step in body.steps:
        for k, iteration in enumerate(step.iterations):
            if iteration is not None:
                path = iteration_path(prefix, step.step, k)
                yield from _iteration_layers(step, iteration, path, counts)


def _iteration_layers(
    found: StepInstance, iteration: Iteration, path: str, counts: dict[str, int]
) -> Iterator[Layer]:
    """The layers of one iteration; weights that are shared count at their first place."""
    if iteration.op is not None:
        op = iteration.op
        inputs = [type for type in iteration.inputs if type is not None]
        flops = op.flops(inputs, list(iteration.outputs.values()))
        yield Layer(path, op.name, iteration.outputs[""], counts.pop(path, 0), flops)
        return
    if iteration.call is not None:
        yield from _body_layers(iteration.call.body, call_path(iteration, path), counts)
    rounds = _rounds(found, iteration)
    for label, body in zip(branch_labels(found.step), iteration.bodies, strict=False):
        for layer in _body_layers(body, join(path, label), counts):
            yield layer if rounds == 1 else layer.repeated(rounds)
    word = _join_word(found)
    if word is not None:
        flops = _join_flops(word, iteration)
        yield Layer(path, word, iteration.outputs[""], 0, flops)


def _rounds(found: StepInstance, iteration: Iteration) -> DimLike:
    """How often the inside of a region runs: a scan's once for each place in time."""
    action = found.step.action
    action = action.step.action if isinstance(action, Reuse) else action
    if not isinstance(action, Scan):
        return 1
    value = iteration.outputs[""]
    return value.shape[time_axis(value)]


def _join_word(found: StepInstance) -> str | None:
    """The op that joins the paths of a region, or None."""
    action = found.step.action
    if isinstance(action, Residual):
        return "add"
    if isinstance(action, Parallel) and action.join != "none":
        return action.join
    return None


def _join_flops(word: str, iteration: Iteration) -> DimLike:
    """What joining costs: the op's own figure; `stack` only moves."""
    op = find(word)
    types = [body.type for body in iteration.bodies if body.type is not None]
    if op is None or word == "concat":
        return 0
    return op({}).flops(types, [iteration.outputs[""]])
