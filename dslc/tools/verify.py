"""`verify`: the same weights and inputs through every backend, compared with one reference.

The judges: PyTorch in float64 for values; for gradients its autograd, which central differences
check; every weight, scale and running statistic drawn at random, since a spec's own initialisers
hide whole branches; sizes odd and even. What training does differently (statistics of the batch,
running ones) is compared too, with dropout at 0. Where numbers cannot tell (an epsilon of 1e-6 for
1e-5), the models are asked for theirs.

Values are compared at every setting of sizes, gradients at one (they are derived from the values by
the framework), training mode and another layout of inputs and outputs at another.

A decision that flips by rounding (a ReLU at zero, the largest of a window) changes gradients by
more than any tolerance, and so does a fault. Drawn anew, the first goes away and the second stays:
a comparison of gradients fails only where each of three draws does.
"""

from __future__ import annotations

import re
from functools import cached_property, partial
from itertools import combinations
from typing import TYPE_CHECKING, Any, final

import numpy as np

from dslc.emit.backend import BuildError
from dslc.ir.types import FLOATS
from dslc.passes.determine import settled_in_use, without_chance
from dslc.passes.weights import sites
from dslc.tools.backends import find_backend, require
from dslc.tools.verify_figures import (
    FORWARD,
    GRADIENT,
    gradients_apart,
    rounded,
    slack_of,
    values_apart,
    worst,
)
from dslc.tools.verify_inputs import ceilings, floors
from dslc.tools.verify_reference import NAME, Reference, run, run_through
from dslc.tools.verify_report import Compared, Verification
from dslc.tools.verify_sizes import settings
from dslc.tools.verify_training import compare_training
from dslc.weights import random_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from dslc.emit.driver import Driver
    from dslc.passes.pipeline import Checked
    from dslc.tools.verify_figures import Difference
    from dslc.tools.verify_reference import Case

    Arrays = Mapping[str, NDArray[Any]]

DRAWS = 3
FEW_ROWS = 3
MANY_ROWS = 17
"""The rows of a batch whose statistics are taken: the deviation of a few values, one of which is
nearly their mean, magnifies rounding errors."""
UNSTEADY = (
    f"{NAME}, the reference, gives other values on the same weights and inputs: a step draws at"
    " random, or has weights that are in no file"
)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
EPSILON = 1e-6
"""How far, relatively, an epsilon may be from the spec's: what float32 rounds it by."""


def verify(
    checked: Checked,
    backends: Sequence[Any],
    *,
    train_steps: int = 0,
    seed: int = 0,
    device: str = "cpu",
) -> Verification:
    """Compares backends with the reference and with each other.

    Args:
        checked: The spec.
        backends: Their names, or the backends themselves.
        train_steps: How many steps of the spec's own training are compared as well.
        seed: Of weights and inputs.
        device: Where the backends compute; the reference does on the CPU.

    Raises:
        MissingBackendError: A backend, or PyTorch for the reference, is not installed.
        BuildError: A backend cannot express the spec, no sizes were found that fulfil its facts, or
            steps are asked for and it has no `train` section.
    """
    found = [item if not isinstance(item, str) else find_backend(item) for item in backends]
    judge = find_backend("torch")
    for backend in (judge, *found):
        require(backend.name, backend)
    return Comparison(checked, judge, seed, device=device).run(found, train_steps)


@final
class Comparison:
    """One spec with random weights, its reference, and the backends held against it.

    Args:
        checked: The spec; what it draws in use is settled.
        judge: The backend that is the reference.
        seed: Of weights and inputs.
        hasty: Whether the first difference of a backend ends its comparison.
        device: Where the backends compute; the reference does on the CPU.
    """

    def __init__(
        self,
        checked: Checked,
        judge: Any,
        seed: int,
        *,
        hasty: bool = False,
        device: str = "cpu",
    ) -> None:
        self.device = device
        self.checked = settled_in_use(checked)
        self.is_settled = self.checked is not checked
        self.hasty = hasty
        self.judge = judge
        self.seed = seed
        checked = self.checked
        infos = [info for info in checked.weights() if info.tied is None]
        shapes = {info.path: tuple(int(size) for size in info.shape) for info in infos}  # pyright: ignore[reportArgumentType]
        zeros = [info.path for info in infos if info.role == "zeros"]
        self.slack = slack_of(self.dtypes())
        self.weights = rounded(random_weights(shapes, seed, zeros), self.slack)
        self.buffers = frozenset(info.path for info in infos if info.role == "buffer")
        inputs = (name for name, type in checked.instance.inputs.items() if type.dtype in FLOATS)
        self.moved = {info.path for info in infos if info.role == "trained"}
        self.moved |= {f"input:{name}" for name in inputs}
        self.settings = settings(checked.instance.inputs, checked.facts, rows=FEW_ROWS)
        self.training_settings = settings(checked.instance.inputs, checked.facts, rows=MANY_ROWS)
        self.below, self.least = ceilings(checked.instance), floors(checked.instance)
        self.outputs: dict[str, list[Arrays]] = {}

    def dtypes(self) -> set[str]:
        """The dtypes that the spec computes in."""
        found = {type.dtype for type in self.checked.instance.inputs.values()}
        for site in sites(self.checked.instance):
            found |= {type.dtype for type in site.iteration.outputs.values()}
        return found

    @cached_property
    def reference(self) -> Reference:
        """The judge of the spec as it is used."""
        return self.judged(self.checked)

    @cached_property
    def training_reference(self) -> Reference:
        """The judge of the spec as it is trained, without dropout."""
        return self.judged(without_chance(self.checked))

    def judged(self, checked: Checked) -> Reference:
        """The judge of a spec."""
        again = partial(self.judge.driver, checked, dtype="f64")
        single = partial(self.judge.driver, checked)
        types = checked.instance.inputs
        return Reference(
            again(), self.weights, self.buffers, types, self.below, self.least, single, again
        )

    def run(self, backends: Sequence[Any], train_steps: int) -> Verification:
        """Compares all of them."""
        results = [self.compare(backend) for backend in backends]
        if train_steps:
            compare_training(self, backends, results, train_steps)
        first = self.reference.case(self.settings[0], self.seed, training=False)
        if self.reference.differs_from_itself(first):
            for result in results:
                result.problems.append(UNSTEADY)
        check = self.reference.check_gradients(first, self.seed) if first.gradients else None
        settings, pairs = self.settings, self.pairs()
        return Verification(results, pairs, NAME, check, settings, is_settled=self.is_settled)

    def compare(self, backend: Any) -> Compared:
        """One backend against the reference, but for training steps."""
        result = Compared(backend.name)
        self.reference.prepare(self.settings, self.seed, training=False)
        self.guarded(result, lambda: self.compare_use(backend, result))
        if self.buffers and not self.is_enough(result):
            self.training_reference.prepare(self.training_settings, self.seed, training=True)
            self.guarded(result, lambda: self.compare_training_mode(backend, result))
        return result

    def is_enough(self, result: Compared) -> bool:
        """Whether what is known of a backend suffices."""
        return self.hasty and not result.ok

    def guarded(self, result: Compared, work: Callable[[], None]) -> None:
        """Runs a backend's part; what it raises while it runs is a finding about it."""
        try:
            work()
        except BuildError:
            raise
        except Exception as error:
            line = plain(str(error))[:200]
            result.problems.append(f"it raised {type(error).__name__}: {line}")

    def compare_use(self, backend: Any, result: Compared) -> None:
        """Values in each layout, gradients, weights and epsilons of one backend."""
        driver = backend.driver(self.checked, device=self.device)
        self.check_weights(driver, result)
        self.check_epsilons(driver, result)
        outputs = self.compare_cases(driver, result, self.reference, training=False)
        self.outputs[result.name] = outputs
        for layout in driver.layouts:
            if layout != "spec" and not self.is_enough(result):
                other = backend.driver(self.checked, io_layout=layout, device=self.device)
                self.compare_layout(other, result)

    def compare_training_mode(self, backend: Any, result: Compared) -> None:
        """Values, running statistics and gradients as they are in training, without dropout."""
        driver = backend.driver(without_chance(self.checked), device=self.device)
        if driver.differentiable:
            self.compare_cases(driver, result, self.training_reference, training=True)

    def compare_layout(self, driver: Driver, result: Compared) -> None:
        """The values of a model whose inputs and outputs are in another layout."""
        case = self.reference.case(self.settings[-1], self.seed, training=False)
        outputs = run(driver, self.weights, self.buffers, case.inputs, training=False)
        noise = partial(self.reference.noise, case)
        result.forward.append(
            values_apart(outputs, case.outputs).allow(self.slack * FORWARD, lambda: noise()[0])
        )

    def compare_cases(
        self, driver: Driver, result: Compared, reference: Reference, *, training: bool
    ) -> list[Arrays]:
        """One driver against the reference at every setting; gives its outputs."""
        found: list[Arrays] = []
        for number, sizes in enumerate(self.training_settings if training else self.settings):
            case = reference.case(sizes, self.seed, training=training)
            slopes = driver.differentiable and number == 0 and bool(case.gradients)
            at_once = slopes and not self.hasty  # who is hasty wants the values by themselves
            outputs, gradients = run_through(
                driver, self.weights, self.buffers, case, slopes=at_once
            )
            idle = self.idle(outputs, case) if training else frozenset[str]()
            difference = values_apart(without(outputs, idle), without(case.outputs, idle))
            noise = partial(reference.noise, case)
            result.forward.append(difference.allow(self.slack * FORWARD, lambda n=noise: n()[0]))
            found.append(outputs)
            if self.is_enough(result):
                break
            if slopes:
                result.gradient.append(self.gradients(driver, reference, sizes, case, gradients))
        return found

    def idle(self, outputs: Arrays, case: Case) -> frozenset[str]:
        """The statistics that differ and that no output depends on.

        A norm that nothing reads may run or not: frameworks keep it, or leave it out.
        """
        apart = (
            name
            for name in self.buffers & outputs.keys()
            if not np.allclose(outputs[name], case.outputs[name], self.slack * FORWARD)
        )
        use = self.reference.case(self.settings[0], self.seed, training=False)
        return frozenset(name for name in apart if not self.reference.depends_on(name, use))

    def gradients(
        self,
        driver: Driver,
        reference: Reference,
        sizes: Mapping[str, int],
        case: Case,
        gradients: Arrays,
    ) -> Difference:
        """The difference of the gradients: the first draw's that is small enough, else the least."""
        found: list[Difference] = []
        for draw in range(DRAWS):
            assert case.gradients.keys() == self.moved, "the reference trains other weights"
            if draw:
                case = reference.case(sizes, self.seed + draw, training=case.training)
            if draw or not gradients:
                driver.load(self.weights)
                gradients = driver.gradients(case.inputs, case.cotangents, training=case.training)
            difference = gradients_apart(gradients, case.gradients)
            noise = partial(reference.noise, case)
            found.append(difference.allow(self.slack * GRADIENT, lambda n=noise: n()[1]))
            if difference.ok:
                return difference
        return min(found, key=lambda item: item.max_rel)

    def check_weights(self, driver: Driver, result: Compared) -> None:
        """The portable weights go in and come out as they were."""
        driver.load(self.weights)
        after = driver.weights()
        for name in sorted(after.keys() ^ self.weights.keys()):
            result.problems.append(f"the weight {name} does not come out as it went in")
        for name in sorted(after.keys() & self.weights.keys()):
            if not np.array_equal(after[name], self.weights[name]):
                result.problems.append(f"the weight {name} does not come out as it went in")

    def check_epsilons(self, driver: Driver, result: Compared) -> None:
        """Every normalisation has the spec's epsilon, which numbers alone cannot always tell."""
        found = driver.epsilons()
        for site in sites(self.checked.instance):
            op = site.iteration.op
            wanted = None if op is None else op.values.get("eps")
            if op is None or wanted is None or site.step.tie:
                continue  # a tied layer is seen at its own place
            actual = found.get(site.path)
            types = [type for type in site.iteration.inputs if type is not None]
            if actual is None and not op.weights(*types):
                continue  # what is computed in place is no layer that could be asked
            if actual is None or abs(actual - wanted) > EPSILON * wanted:
                text = "none" if actual is None else f"{actual:g}"
                result.problems.append(f"the epsilon of {site.path} is {text}, not {wanted:g}")

    def pairs(self) -> dict[tuple[str, str], Difference]:
        """The forward difference of each two backends, over all settings."""
        return {
            (left, right): worst(
                values_apart(a, b).allow(self.slack * FORWARD, lambda: 0.0)
                for a, b in zip(self.outputs[left], self.outputs[right], strict=True)
            )
            for left, right in combinations(self.outputs, 2)
        }


def plain(text: str) -> str:
    """A message in one line, without the colours that a terminal would show."""
    return " ".join(COLOUR.sub("", text).split())


def without(arrays: Arrays, names: frozenset[str]) -> Arrays:
    """Arrays by name, less some."""
    return {name: array for name, array in arrays.items() if name not in names}
