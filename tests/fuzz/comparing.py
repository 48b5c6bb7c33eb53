"""A random network through every backend, and what is wrong with what they say."""

import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from dslc.diagnostics import Report
from dslc.emit.backend import BuildError
from dslc.ir.dims import evaluate
from dslc.passes.determine import without_chance
from dslc.passes.several import view
from dslc.passes.weights import sites
from dslc.tools.verify import Comparison
from dslc.tools.verify_figures import FORWARD, GRADIENT, MARGIN, MOST, values_apart
from dslc.tools.verify_reference import Case, Reference
from dslc.tools.verify_report import Compared
from tests.fuzz.exact import run_exactly
from tests.fuzz.pruning import pruned
from tests.fuzz.quick import Quick
from tests.fuzz.shaking import Shaken, own_noise
from tests.fuzz.specs import WHOLE, Spec, checked
from tests.numeric.evaluator import evaluate as evaluate_file
from tests.numeric.frameworks import backend_named

NEAR = 1e-3
WIDE = "keras"
"""The backend that has float64 too."""
WAYS = 5
"""How often rounding is drawn anew where a backend differs."""
LEAST = 1e-9
"""What an output has to be above somewhere: else it is zero, but for rounding."""
STATISTIC = re.compile(r"forward differs by .* at (model\d+)\.[\w.]*running_(?:mean|var)")
ONE_VALUE = "Expected more than 1 value per channel"
ALONE = frozenset(("jax",))
"""Backends for which compiling is what takes the time: they are compared at one setting of sizes."""


class Network:
    """A random network with its reference.

    Attributes:
        spec: The spec, less the outputs that tell nothing: those that are constant or not finite.
        refusal: Why the checker refuses the whole, whose parts it took.
    """

    def __init__(self, spec: Spec) -> None:
        self.spec = pruned(spec)
        self.refusal = ""
        self.comparison: Comparison | None = None
        for _ in range(3):
            self.comparison = self.compared()
            telling = self.telling()
            if len(telling) == len(self.spec["outputs"]) or not telling:
                break
            self.spec = pruned({**self.spec, "outputs": telling})
        self.tells = bool(self.comparison and telling)
        if self.comparison and any(
            case.gradients.keys() - self.comparison.moved for _, case in self.cases()
        ):
            raise BuildError("a model that no round runs is not frozen where it is looked at alone")
        self.eased = False
        if self.tells:
            self.settle_training()

    def compared(self) -> Comparison | None:
        report = Report()
        found = checked(self.spec, report)
        if found is None:
            self.refusal = "; ".join(item.message for item in report.diagnostics)
            return None
        whole = view(found, WHOLE, alone=True)
        comparison = Comparison(without_chance(whole), backend_named("torch"), seed=0)
        comparison.reference.single = partial(Shaken, comparison.reference.single)
        return comparison

    def settle_training(self) -> None:
        """Leaves training mode out where a norm has one value only, of which there is no variance."""
        found = self.comparison
        assert found is not None
        if not found.buffers:
            return
        reference = found.training_reference
        reference.single = partial(Shaken, reference.single)
        try:
            reference.prepare(found.training_settings, 0, training=True)
        except ValueError as error:
            if ONE_VALUE not in str(error):
                raise
            found.buffers = frozenset()

    def telling(self) -> dict[str, str]:
        """The outputs that are finite, more than what rounding leaves, and not the same everywhere."""
        if self.comparison is None:
            return {}
        found = self.comparison
        cases = [found.reference.case(s, 0, training=False) for s in found.settings]
        arrays = {
            name: np.concatenate([case.outputs[name].ravel() for case in cases])
            for name in self.spec["outputs"]
        }
        return {
            name: path
            for name, path in self.spec["outputs"].items()
            if np.isfinite(arrays[name]).all()
            and np.abs(arrays[name]).max(initial=0) > LEAST
            and len(np.unique(arrays[name])) > 1
        }

    def ops(self) -> set[str]:
        """The ops that run in it."""
        assert self.comparison is not None
        runs = (site.iteration.op for site in sites(self.comparison.checked.instance))
        return {op.name for op in runs if op is not None}

    def faults(self, name: str) -> list[str]:
        """What is wrong with a backend, in words; nothing where it has a stated gap."""
        assert self.comparison is not None
        found = self.comparison
        backend = Quick(name, found, self.spec)
        settings = found.settings, found.training_settings
        if name in ALONE:
            found.settings, found.training_settings = settings[0][:1], settings[1][:1]
        try:
            result = found.compare(backend)
        finally:
            found.settings, found.training_settings = settings
        if not result.ok:
            self.leave_shaky(result)
        if not result.ok and not result.problems and name != "onnx":
            self.leave_unsteady(name, result)
            if name == WIDE and not result.ok and self.is_right_in_f64(result):
                return []
        apart = [*result.forward, *result.gradient]
        self.eased = any(item.allowed > GRADIENT * found.slack for item in apart)
        words = [text for text in (*result.problems, *result.excesses()) if not self.is_idle(text)]
        return [] if name == "onnx" and words and self.rounds_only(result) else words

    def leave_shaky(self, result: Compared) -> None:
        """Takes out differences that rounding alone makes of the judge, shaken in several ways.

        Where that is more than rounding may excuse the judge has no digit either: a decision falls as
        the last digit does, or, as it is in float32 with nothing shaken, it divides by what has
        cancelled to 0.
        """
        noises: list[tuple[float, float]] = []
        for found, case in self.cases():
            driver = found.single().driver
            ways = [driver, *(Shaken(lambda d=driver: d, seed) for seed in range(WAYS))]
            noises.append(found.noise(case))
            noises += [found.apart(way, found.weights, case.inputs, case) for way in ways]
        for kind, column in zip(
            (result.forward, result.gradient), zip(*noises, strict=True), strict=True
        ):
            most = MARGIN * max(column)
            is_shaky = not most <= MOST
            kind[:] = [item for item in kind if item.ok or (item.max_rel > most and not is_shaky)]

    def is_idle(self, words: str) -> bool:
        """Whether a statistic alone differs, of a model with several calls: one may be for nothing.

        What nothing reads may run or not. Mostly no output depends on its statistics, as `dslc verify`
        finds; but a model's are those of all of its calls.
        """
        found = STATISTIC.search(words)
        calls = len(re.findall(rf"'{found[1].title()}'", str(self.spec["steps"]))) if found else 0
        return calls > 1

    def cases(self) -> list[tuple[Reference, Case]]:
        """What was compared so far, each with its reference."""
        made = vars(self.comparison)
        references = (made.get(name) for name in ("reference", "training_reference"))
        return [(found, case) for found in references if found for case in found.cases.values()]

    def leave_unsteady(self, name: str, result: Compared) -> None:
        """Takes out differences that the backend has from itself, where its inputs move a little.

        A fused function of the judge may round once where others do so often: in the tail of a
        GELU, `1 + tanh(x)` has no digits.
        """
        assert self.comparison is not None
        driver = backend_named(name).driver(self.comparison.checked)
        noises = [own_noise(driver, found, case) for found, case in self.cases()]
        for kind, column in zip(
            (result.forward, result.gradient), zip(*noises, strict=True), strict=True
        ):
            most = min(MARGIN * max(column), MOST)
            kind[:] = [item for item in kind if item.ok or item.max_rel > most]

    def is_right_in_f64(self, result: Compared) -> bool:
        """Whether a small difference goes away in float64, where a fault would stay.

        TensorFlow adds numbers up one after the other: many that are the same lose digits.
        """
        if any(found.max_rel >= NEAR for found in result.forward):
            return False
        found = checked(json.loads(json.dumps(self.spec).replace("f32", "f64")))
        if found is None:
            return False
        whole = without_chance(view(found, WHOLE, alone=True))
        return Comparison(whole, backend_named("torch"), seed=0).compare(backend_named(WIDE)).ok

    def rounds_only(self, result: Compared) -> bool:
        """Whether an ONNX file is right and only the runtime's own functions are inexact.

        So a difference is put to the runtime with a sigmoid that is exact, and a small one to a second
        judge of the same file.
        """
        if result.problems:
            return False
        is_near = all(found.max_rel < NEAR for found in result.forward)
        return self.is_right(run_exactly) or (is_near and self.is_right(evaluate_file))

    def is_right(self, run: Callable[[bytes, dict[str, Any]], dict[str, Any] | None]) -> bool:
        """Whether another way to run the ONNX file gives what the reference does."""
        comparison = self.comparison
        assert comparison is not None
        driver: Any = backend_named("onnx").driver(comparison.checked)
        driver.load(comparison.weights)
        for sizes in comparison.settings:
            case = comparison.reference.case(sizes, 0, training=False)
            outputs = run(driver.model, dict(case.inputs))
            if outputs is None:
                return False
            noise = partial(comparison.reference.noise, case)
            apart = values_apart(outputs, case.outputs)
            if not apart.allow(comparison.slack * FORWARD, lambda n=noise: n()[0]).ok:
                return False
        return True

    def gap(self, name: str) -> str | None:
        """Why a backend cannot build the network; None where it can."""
        assert self.comparison is not None
        try:
            backend_named(name).project(self.comparison.checked)
        except BuildError as error:
            return str(error)
        return None

    def shape_faults(self) -> list[str]:
        """Outputs whose shapes are not those that the checker inferred."""
        found = self.comparison
        assert found is not None
        wrong: list[str] = []
        for sizes in found.settings:
            case = found.reference.case(sizes, 0, training=False)
            for name, type in found.checked.instance.outputs.items():
                told = tuple(evaluate(dim, sizes) for dim in type.shape)
                if case.outputs[name].shape != told:
                    wrong.append(f"{name} is {case.outputs[name].shape}, not {told} at {sizes}")
        return wrong
