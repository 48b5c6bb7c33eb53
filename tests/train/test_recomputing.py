"""Parts that are recomputed in the backward pass: the same losses and weights, and less that is kept."""

import re
from functools import cache, partial
from typing import Any

import numpy as np
import pytest

from dslc.api import loads
from dslc.tools.backends import find_backend
from dslc.train.recomputing import recomputed_parts
from dslc.train.steps import as_read, load_script
from dslc.weights.starting import starting_weights
from tests.train.projects import BACKENDS, SPECS, batches

TEXT = (SPECS / "recomputed.yaml").read_text(encoding="utf-8")
KEPT = TEXT.replace("  recompute: [unit, down]\n", "")
STEPS = 3


def parts(names: str) -> list[str]:
    train = loads(TEXT.replace("[unit, down]", names)).checked.train
    assert train is not None
    return recomputed_parts(train)


@cache
def after(text: str, backend: str) -> tuple[list[float], dict[str, Any]]:
    """The losses and the weights of some steps."""
    spec = loads(text).checked
    assert spec.train is not None
    start = starting_weights(spec.train.weights(), 0)
    rows = batches("recomputed", STEPS)
    losses, weights = find_backend(backend).train_steps(spec, start, rows, STEPS)
    return losses, dict(weights)


def same(text: str, kept: str, backend: str, exact: float) -> None:
    """Losses and weights are those of the spec that keeps everything."""
    found, expected = after(text, backend), after(kept, backend)
    np.testing.assert_allclose(found[0], expected[0], rtol=exact)
    for path, array in expected[1].items():
        np.testing.assert_allclose(found[1][path], array, rtol=exact, atol=exact, err_msg=path)


def test_names_globs_and_repeats_mean_parts() -> None:
    units = ["unit.0", "unit.1"]
    assert parts("[unit, down]") == [*units, "down"]
    assert parts("[Unit]") == parts('["unit.*"]') == parts("[unit]") == units
    assert parts("[unit.1]") == ["unit.1"]
    assert parts('["**"]') == [*units, "down"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_nothing_else_changes(backend: str) -> None:
    same(TEXT, KEPT, backend, 0 if backend == "torch" else 1e-6)
    np.testing.assert_allclose(after(TEXT, backend)[0], after(KEPT, "torch")[0], rtol=1e-6)


def beside(*settings: str) -> str:
    """The spec with more settings."""
    return TEXT.replace("  epochs", "".join(f"  {text}\n" for text in settings) + "  epochs")


PENALTY = """    - gradient: {of: wrong, wrt: image}
      name: slope
    - expr: slope ** 2
    - reduce_mean:
      name: size
    - expr: wrong + 10 * size
      name: objective
  loss: objective
"""
"""The steps behind a loss that add the slopes of an image to it."""
STEEP = TEXT.replace(
    "  loss: cross_entropy\n",
    """  steps:
    - Recomputed:
      name: logits
      from: image
    - cross_entropy:
      name: wrong
      from: [logits, label]
"""
    + PENALTY,
)


def without_state(text: str) -> str:
    """The spec without what has statistics or counts its draws."""
    lines = ("batch_norm", "dropout: 0.25", "dropout: 0.1", "batch_norm:\n        name: norm")
    for line in lines:
        text = re.sub(f" *- {line}\n", "", text)
    return text


LOW = TEXT.replace("      - relu\n", "      - relu\n      - flatten\n      - linear: 72\n")
IN_PHASES = TEXT.replace("  loss: cross_entropy\n", "").replace(
    "  optimizer: {sgd: {lr: 0.05, momentum: 0.9}}\n",
    """  phases:
    - {name: first, update: [Recomputed], loss: cross_entropy, optimizer: {sgd: {lr: 0.05}}}
    - name: second
      update: [Recomputed]
      loss: {cross_entropy: {label_smoothing: 0.1}}
      optimizer: {sgd: {lr: 0.01, momentum: 0.9}}
""",
)
SHARED = TEXT.replace("repeat: depth", "repeat: {times: depth, share: true}")
SEVERAL = """
dslc: 1
name: Pair
blocks:
  Unit:
    steps:
      - residual:
          - conv2d: {out: 8, kernel: 3, padding: 1}
          - batch_norm
          - gelu
          - dropout: 0.25
models:
  Encoder:
    inputs: {image: "f32[N, 1, 8, 8]"}
    steps:
      - conv2d: {out: 8, kernel: 3}
        name: stem
      - Unit:
        name: unit
        repeat: 2
      - global_avg_pool
      - linear: 6
        name: head
    outputs: {code: head}
  Judge:
    inputs: {code: "f32[N, 6]"}
    steps:
      - linear: 12
        name: wide
      - batch_norm
      - gelu
      - dropout: 0.1
      - linear: 10
        name: head
    outputs: {logits: head}
train:
  inputs: {image: "f32[N, 1, 8, 8]", label: "i64[N]"}
  data: digits
  steps:
    - Encoder:
      name: code
      from: image
    - Judge:
      name: logits
    - Judge:
      name: others
      from: code
    - expr: logits + others
      name: both
    - cross_entropy:
      name: wrong
      from: [both, label]
  loss: wrong
  optimizer: {sgd: {lr: 0.05, momentum: 0.9}}
  recompute: [unit, down]
  deterministic: true
  epochs: 1
  batch: 32
"""
BESIDE = {
    "several": SEVERAL.replace("[unit, down]", "[Unit]"),
    "whole models": SEVERAL.replace("[unit, down]", "[Unit, Judge]"),
    "steep models": SEVERAL.replace("[unit, down]", "[Unit, Judge]").replace(
        "  loss: wrong\n", PENALTY
    ),
    "bf16": beside("precision: bf16"),
    "f16": beside("precision: f16"),
    "thaw": beside('freeze: [{"unit.**": 1}]').replace("epochs: 1", "epochs: 2"),
    "frozen": beside('freeze: ["unit.0.**"]'),
    "pieces": beside("accumulate: 2", "ema: 0.9"),
    "adapters": beside("lora: {of: [head], rank: 2}"),
    "adapters inside": LOW.replace("  epochs", "  lora: {of: [head, 'down.*'], rank: 2}\n  epochs"),
    "phases": IN_PHASES,
    "shared": SHARED,
    "slope": STEEP,
    "plain slope": without_state(STEEP),
}
COARSE = {"bf16": 2e-2, "f16": 2e-3}
"""How far losses and weights may be apart where 16 bits are rounded at other places."""


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", BESIDE)
def test_it_goes_with_what_else_training_does(name: str, backend: str) -> None:
    kept = re.sub(r"  recompute: .*\n", "", BESIDE[name])
    apart = COARSE.get(name, 1e-6)
    same(BESIDE[name], kept, backend, 0 if backend == "torch" else apart)
    losses, expected = after(BESIDE[name], backend)[0], after(kept, "torch")[0]
    np.testing.assert_allclose(losses, expected, rtol=apart)


@pytest.mark.filterwarnings("ignore:The .grad attribute")  # where PyTorch describes what it traces
@pytest.mark.parametrize("adapters", [False, True])
@pytest.mark.parametrize("plain", [False, True])
def test_what_is_compiled_is_recomputed(
    monkeypatch: pytest.MonkeyPatch, plain: bool, adapters: bool
) -> None:
    import torch

    text = BESIDE["adapters inside"] if adapters else TEXT
    text = text.replace("  epochs", "  compile: true\n  epochs")
    text = without_state(text) if plain else text
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="aot_eager"))
    kept = text.replace("  recompute: [unit, down]\n", "")
    same(text, kept, "torch", 1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_less_is_kept_for_the_backward_pass(backend: str) -> None:
    sizes: list[int] = []
    for text in (TEXT, KEPT):
        script = load_script(find_backend(backend).project(loads(text).checked))
        batch = as_read(script, batches("recomputed", 1)[0])
        sizes.append(KEPT_BY[backend](script, script.Trainer(0, "cpu"), batch))
    assert 4 * sizes[0] < sizes[1]


def kept_by_torch(script: Any, trainer: Any, batch: Any) -> int:
    """The bytes of what autograd saves."""
    import torch

    saved: dict[int, int] = {}

    def pack(tensor: Any) -> Any:
        saved[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = script.loss_of(trainer.model, trainer.tensors(batch))
    assert loss.requires_grad
    return sum(saved.values())


def kept_by_jax(script: Any, trainer: Any, batch: Any) -> int:
    """The bytes of what the backward function holds."""
    import jax

    def loss(params: Any) -> Any:
        return script.loss_of(trainer.merged(trainer.training, params, trainer.rest), batch)

    _, back = jax.eval_shape(lambda params: jax.vjp(loss, params), trainer.params)
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(back))


def kept_by_keras(script: Any, trainer: Any, batch: Any) -> int:
    """The bytes of what the graph hands from the forward pass to all that is behind it."""
    model = getattr(trainer, "recomputing", trainer.model)
    graph = trainer.run_step.get_concrete_function(batch, np.float32(0.1)).graph
    forward = {op for op in graph.get_operations() if op.name.startswith(model.name)}
    rest = [op for op in graph.get_operations() if op not in forward]
    kept = {tensor.name: tensor for op in rest for tensor in op.inputs if tensor.op in forward}
    rows = len(batch["label"])
    shapes = [tensor.shape.as_list() for tensor in kept.values() if tensor.dtype.is_floating]
    return 4 * sum(int(np.prod([size or rows for size in shape])) for shape in shapes)


KEPT_BY = {"torch": kept_by_torch, "jax": kept_by_jax, "keras": kept_by_keras}
