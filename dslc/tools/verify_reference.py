"""The reference: PyTorch in float64, its gradients themselves checked by central differences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import numpy as np

from dslc.ir.types import FLOATS
from dslc.tools.verify_figures import gradients_apart, values_apart
from dslc.tools.verify_inputs import draw_inputs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from dslc.emit.driver import Driver
    from dslc.ir.types import TensorType
    from dslc.tools.verify_inputs import Below

    Arrays = Mapping[str, NDArray[Any]]

NAME = "torch float64"
DIRECTIONS = 8
STEPS = (1e-6, 1e-7, 1e-8, 1e-9)
ENOUGH = 1e-6
SAME = 1e-12
"""How far two runs of one model in float64 may differ: threads add in any order."""
NOISE_DRAWS = 3
NOISE_SEED = 0x2052


@final
class Case:
    """One comparison's input and what the reference makes of it.

    `outputs` are the reference's, and in training mode the running statistics after the run as
    well; `gradients` are those of the sum of each float output times its cotangent.
    """

    __slots__ = ("cotangents", "gradients", "inputs", "outputs", "training")

    def __init__(
        self,
        inputs: Arrays,
        cotangents: Arrays,
        outputs: Arrays,
        gradients: Arrays,
        *,
        training: bool,
    ) -> None:
        self.inputs = inputs
        self.cotangents = cotangents
        self.outputs = outputs
        self.gradients = gradients
        self.training = training


@final
class Reference:
    """A model in float64 with its weights.

    Args:
        driver: The float64 driver.
        weights: The portable weights.
        buffers: The names of the running statistics.
        types: The types of the model's inputs.
        below: What an input's integers lie below.
        least: The least integer of an input, where it is not 0.
        single: Makes the same model's driver in float32.
        again: Makes the driver once more.
    """

    def __init__(
        self,
        driver: Driver,
        weights: Arrays,
        buffers: frozenset[str],
        types: Mapping[str, TensorType],
        below: Below,
        least: Mapping[str, int],
        single: Callable[[], Driver],
        again: Callable[[], Driver],
    ) -> None:
        self.single = single
        self.again = again
        self.driver = driver
        self.weights = weights
        self.buffers = buffers
        self.types = types
        self.below = below
        self.least = least
        self.cases: dict[object, Case] = {}
        self.noises: dict[int, tuple[float, float]] = {}

    def case(self, sizes: Mapping[str, int], seed: int, *, training: bool) -> Case:
        """The case of a setting of sizes and a seed, computed once."""
        key = (tuple(sizes.items()), seed, training)
        if key not in self.cases:
            inputs = draw_inputs(self.types, self.below, sizes, seed, self.least)
            self.cases[key] = self.compute(inputs, seed, training)
        return self.cases[key]

    def prepare(self, settings: Sequence[Mapping[str, int]], seed: int, *, training: bool) -> None:
        """Computes the cases of all settings, so that a failure here is the reference's own."""
        for sizes in settings:
            self.case(sizes, seed, training=training)

    def compute(self, inputs: Arrays, seed: int, training: bool) -> Case:
        """Outputs, statistics and gradients of one batch."""
        outputs = run(self.driver, self.weights, self.buffers, inputs, training)
        generator = np.random.default_rng([seed, 0xC07])
        floats = {n: a for n, a in outputs.items() if is_float(a) and n not in self.buffers}
        cotangents = {
            name: generator.standard_normal(array.shape) for name, array in floats.items()
        }
        self.driver.load(self.weights)
        gradients: Arrays = {}
        if cotangents:
            gradients = self.driver.gradients(inputs, cotangents, training=training)
        return Case(inputs, cotangents, outputs, gradients, training=training)

    def depends_on(self, name: str, case: Case) -> bool:
        """Whether an output of a case in use is another one where a statistic is."""
        weights = {**self.weights, name: self.weights[name] + 1}
        found = run(self.driver, weights, self.buffers, case.inputs, case.training)
        return any(not np.array_equal(found[key], array) for key, array in case.outputs.items())

    def differs_from_itself(self, case: Case) -> bool:
        """Whether a second model with the same weights gives other values.

        It draws its initial weights anew: what the file of weights does not reach shows so.
        """
        again = self.again()
        outputs = run(again, self.weights, self.buffers, case.inputs, case.training)
        return values_apart(outputs, case.outputs).max_rel > SAME

    def noise(self, case: Case) -> tuple[float, float]:
        """How far rounding to float32 moves outputs, and gradients.

        Measured in float64 with weights and inputs that are rounded, and, for what is rounded on
        the way (sums that cancel, functions that saturate), with the model itself in float32.
        """
        key = id(case)
        if key not in self.noises:
            generator = np.random.default_rng(NOISE_SEED)
            found = [self.apart(self.single(), self.weights, case.inputs, case)]
            for _ in range(NOISE_DRAWS):
                weights, inputs = rounded(self.weights, generator), rounded(case.inputs, generator)
                found.append(self.apart(self.driver, weights, inputs, case))
            values, gradients = (max(column) for column in zip(*found, strict=True))
            self.noises[key] = values, gradients
        return self.noises[key]

    def apart(
        self, driver: Driver, weights: Arrays, inputs: Arrays, case: Case
    ) -> tuple[float, float]:
        """How far the outputs and gradients of a run are from a case's."""
        outputs = run(driver, weights, self.buffers, inputs, case.training)
        values = values_apart(outputs, case.outputs).max_rel
        if not case.gradients:
            return values, 0.0
        driver.load(weights)
        gradients = driver.gradients(inputs, case.cotangents, training=case.training)
        return values, gradients_apart(gradients, case.gradients).max_rel

    def check_gradients(self, case: Case, seed: int) -> float:
        """The largest relative error of the directional derivatives in random directions."""
        generator = np.random.default_rng([seed, 0xD1FF])
        return max(
            (self.direction(case, generator) for _ in range(DIRECTIONS if case.gradients else 0)),
            default=0.0,
        )

    def direction(self, case: Case, generator: np.random.Generator) -> float:
        """The error in one direction: the least of several steps, as a kink may be inside one."""
        along = {
            name: generator.standard_normal(gradient.shape)
            for name, gradient in case.gradients.items()
        }
        expected = sum(float((case.gradients[name] * along[name]).sum()) for name in along)
        norm = np.sqrt(sum(float((gradient**2).sum()) for gradient in case.gradients.values()))
        least = np.inf
        for step in STEPS:
            rise = self.value(case, along, step) - self.value(case, along, -step)
            error = abs(rise / (2 * step) - expected) / max(norm, 1e-30)
            least = min(least, error)
            if least <= ENOUGH:
                break
        return float(least)

    def value(self, case: Case, along: Arrays, step: float) -> float:
        """The sum of outputs times cotangents, some way along a direction."""
        weights = {
            name: array.astype(np.float64) + step * along[name] if name in along else array
            for name, array in self.weights.items()
        }
        inputs = {
            name: array.astype(np.float64) + step * along[f"input:{name}"]
            if self.types[name].dtype in FLOATS
            else array
            for name, array in case.inputs.items()
        }
        self.driver.load(weights)
        outputs = self.driver.forward(inputs, training=case.training)
        return sum(float((outputs[n] * array).sum()) for n, array in case.cotangents.items())


def run(
    driver: Driver, weights: Arrays, buffers: frozenset[str], inputs: Arrays, training: bool
) -> dict[str, NDArray[Any]]:
    """The outputs from given weights, and in training the running statistics after it."""
    driver.load(weights)
    outputs = driver.forward(inputs, training=training)
    return outputs | statistics(driver, buffers, training)


def run_through(
    driver: Driver, weights: Arrays, buffers: frozenset[str], case: Case, *, slopes: bool
) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
    """The same of a case, and its gradients in the same run of the model where `slopes` are wanted."""
    if not slopes or not case.gradients:
        return run(driver, weights, buffers, case.inputs, case.training), {}
    driver.load(weights)
    outputs, gradients = driver.forward_and_gradients(
        case.inputs, case.cotangents, training=case.training
    )
    return outputs | statistics(driver, buffers, case.training), gradients


def statistics(driver: Driver, buffers: frozenset[str], training: bool) -> dict[str, NDArray[Any]]:
    """The running statistics as a run in training left them."""
    if not training or not buffers:
        return {}
    after = driver.weights()
    return {name: after[name] for name in sorted(buffers)}


def rounded(arrays: Arrays, generator: np.random.Generator) -> dict[str, NDArray[Any]]:
    """Every float moved up or down by half of float32's last digit, in float64."""
    found: dict[str, NDArray[Any]] = {}
    for name, array in arrays.items():
        found[name] = array
        if is_float(array):
            signs = generator.integers(0, 2, array.shape) * 2 - 1
            found[name] = array.astype(np.float64) * (1 + 2.0**-24 * signs)
    return found


def is_float(array: NDArray[Any]) -> bool:
    """Whether an array holds floats."""
    return bool(np.issubdtype(array.dtype, np.floating))
