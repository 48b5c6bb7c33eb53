"""Steps that are compiled as far as a framework can, and steps of which nothing is."""

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dslc.api import loads
from dslc.tools.backends import find_backend
from dslc.train.runtime import checkpoint
from dslc.train.steps import as_read, importable, load_script
from dslc.weights.starting import starting_weights
from tests.numeric.frameworks import WHOLE
from tests.train.projects import BACKENDS, SPECS, batches

TEXT = (SPECS / "compiled.yaml").read_text(encoding="utf-8")
USUAL = TEXT.replace("  compile: true\n", "")
NEVER = TEXT.replace("compile: true", "compile: false")
STEPS = 4


def files(text: str, backend: str) -> dict[str, Any]:
    return dict(find_backend(backend).project(loads(text).checked))


def losses(text: str, backend: str) -> list[float]:
    spec = loads(text).checked
    assert spec.train is not None
    start = starting_weights(spec.train.weights(), 0)
    rows = batches("compiled", STEPS)
    return find_backend(backend).train_steps(spec, start, rows, STEPS)[0]


@pytest.fixture(autouse=True)
def switches() -> Iterator[None]:
    """What a script turns off for its whole process is turned on again."""
    yield
    if "jax" in sys.modules:
        sys.modules["jax"].config.update("jax_disable_jit", False)
    if "tensorflow" in sys.modules:
        sys.modules["tensorflow"].config.run_functions_eagerly(False)


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch traces and differentiates as it does for its compiler of C++, which takes a minute.

    `make parity` takes the compiler itself.
    """
    import torch

    if WHOLE:
        return
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="aot_eager"))


def test_each_framework_says_it_in_its_own_way() -> None:
    words = {
        "torch": ("@torch.compile\ndef loss_of", "@torch.compile"),
        "keras": ("tf.function(self.train, jit_compile=True)", "run_functions_eagerly(True)"),
        "jax": ("jax.jit(self.train", 'jax.config.update("jax_disable_jit", True)'),
    }
    for backend, (compiled, eager) in words.items():
        usual, never = (files(text, backend)["train.py"] for text in (USUAL, NEVER))
        assert compiled in files(TEXT, backend)["train.py"]
        assert (eager in never) == (backend != "torch")
        assert eager not in usual


@pytest.mark.usefixtures("traced")
def test_what_is_compiled_learns_the_same() -> None:
    expected = losses(USUAL, "torch")
    assert expected[-1] < expected[0]
    for backend in ("torch", "keras"):  # JAX always compiles
        np.testing.assert_allclose(losses(TEXT, backend), expected, rtol=2e-6, err_msg=backend)


def test_what_is_not_compiled_learns_the_same() -> None:
    text = NEVER.replace(
        "  - batch_norm:\n    name: norm\n  - gelu\n  - dropout: 0.25\n", "  - relu\n"
    )
    expected = losses(text, "torch")
    for backend in BACKENDS[1:]:
        np.testing.assert_allclose(losses(text, backend), expected, rtol=2e-6, err_msg=backend)


@pytest.mark.usefixtures("traced")
def test_names_stay_plain_and_a_run_goes_on(tmp_path: Path) -> None:
    script = load_script(files(TEXT, "torch"))
    trainer, other = script.Trainer(0, "cpu"), script.Trainer(0, "cpu")
    rows = [as_read(script, batch) for batch in batches("compiled", 3)]
    assert not any("_orig_mod" in name for name in trainer.weights())
    with importable(script):
        for batch in rows[:2]:
            trainer.step(batch, 0.1)
        checkpoint.save(tmp_path, 2, script.kept_of(trainer), {}, "spec")
        other.restore(checkpoint.newest(tmp_path))
        assert float(trainer.step(rows[2], 0.1)) == float(other.step(rows[2], 0.1))
        seen = script.MODULES["watching"].watched(trainer, rows[0], 0.1, 16)
    assert {"stem", "head"} <= {sight.layer for sight in seen}


@pytest.mark.usefixtures("traced")
def test_a_machine_without_a_compiler_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    script = load_script(files(TEXT, "torch"))
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(SystemExit, match=r"takes a C\+\+ compiler, and there is no no-such-comp"):
        script.Trainer(0, "cpu")
