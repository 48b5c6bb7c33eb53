"""What draws the same bits in every framework: held to NumPy, bit for bit, on each backend."""

from statistics import NormalDist
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from dslc.passes.pipeline import Checked
from tests.numeric.frameworks import backend_named, backend_params
from tests.numeric.table import check
from tests.numeric.test_random import SPEC, check_draws
from tests.numeric.test_regularisers import SPEC as DROPPING

KEY, COUNT = 0x3ADE68B1, 4096
SHAPE = (3, 4, 5, 6)
TRAINERS = [param for param in backend_params() if param.values[0] != "onnx"]


def bits(count: int, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    """24 bits for each place, of a call."""

    def mix(x: np.ndarray) -> np.ndarray:
        x = (x ^ (x >> np.uint32(16))) * np.uint32(0x7FEB352D)
        x = (x ^ (x >> np.uint32(15))) * np.uint32(0x846CA68B)
        return x ^ (x >> np.uint32(16))

    places = np.arange(np.prod(shape), dtype=np.uint32)
    found = mix(mix(places ^ np.uint32(KEY)) ^ np.uint32(count))
    return (found >> np.uint32(8)).astype(np.int64).reshape(shape)


def expected(x: np.ndarray) -> dict[str, np.ndarray]:
    """What each helper gives for a tensor in its second call."""
    drawn = bits(COUNT + 1)
    shares = ((drawn >> 1).astype(np.float32) + np.float32(0.5)) * np.float32(2**-23)
    table = np.array([NormalDist().inv_cdf((k + 0.5) / 4096) for k in range(4096)])
    table = (table / np.sqrt(2 * np.mean(table**2))).astype(np.float32)
    channels = bits(COUNT + 1, (*SHAPE[:2], 1, 1)) >= round(0.3 * 2**24)
    return {
        "dropout": x * ((drawn >= round(0.3 * 2**24)) * np.float32(1 / 0.7)),
        "channels": x * (channels * np.float32(1 / 0.7)),
        "normal": table[drawn >> 12] + table[drawn & 0xFFF],
        "uniform": shares,
        "integer": 2 + np.floor(shares * np.float32(5)).astype(np.int64),
        "bernoulli": (shares < np.abs(x)).astype(np.float32),
    }


def numbers(value: Any) -> np.ndarray:
    """A framework's tensor as NumPy has it."""
    return np.asarray(value.numpy() if hasattr(value, "numpy") else value)


def found_by(name: str, x: np.ndarray, last: bool) -> dict[str, np.ndarray]:
    """What each helper of a backend gives in its second call."""
    backend_named(name)
    turned = np.moveaxis(x, 1, -1) if last else x
    helpers, tensor = module_of(name, turned)
    shape = (tensor,) if name == "keras" else turned.shape
    options = {"torch": {}, "jax": {"last": last}, "keras": {"last": last}}[name]
    axes = {"torch": 2, "jax": (1, 2) if last else (2, 3), "keras": (1, 2) if last else (2, 3)}
    makers = {
        "dropout": ("SeededDropout", (0.3,), options, (tensor,)),
        "channels": ("SeededDropout", (0.3, axes[name]), options, (tensor,)),
        "normal": ("SeededNormal", (), {}, shape),
        "uniform": ("SeededUniform", (), {}, shape),
        "integer": ("SeededInteger", (2, 7), {}, shape),
        "bernoulli": ("SeededBernoulli", (), options, (abs(tensor),)),
    }
    results: dict[str, np.ndarray] = {}
    for key, (kind, values, named, given) in makers.items():
        if last and key in ("normal", "uniform", "integer"):
            continue  # these have no input, so they are in the spec's order
        layer = made(name, getattr(helpers, kind), values, named)
        training = {"training": True} if name == "keras" and kind == "SeededDropout" else {}
        layer(*given, **training)
        array = numbers(layer(*given, **training))
        results[key] = np.moveaxis(array, -1, 1) if last else array
    return results


def module_of(name: str, array: np.ndarray) -> tuple[ModuleType, Any]:
    """A backend's helpers, and an array as its framework takes it."""
    if name == "torch":
        import dslc_torch.helpers_seeded as helpers
        import torch

        return helpers, torch.tensor(array)
    if name == "jax":
        import dslc_jax.helpers_seeded as helpers
        import jax.numpy as jnp

        return helpers, jnp.asarray(array)
    import dslc_keras.helpers_seeded as helpers
    import keras

    return helpers, keras.ops.convert_to_tensor(array)


def made(name: str, kind: Any, values: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """A helper with the key and count of the test."""
    if name == "torch":
        layer = kind(*values)
        layer.key.fill_(KEY), layer.count.fill_(COUNT)
        return layer
    if name == "jax":
        import jax.numpy as jnp
        from flax import nnx

        layer = kind(*values, **options, rngs=nnx.Rngs(0))
        layer.key.set_value(jnp.uint32(KEY)), layer.count.set_value(jnp.uint32(COUNT))
        return layer
    layer = kind(*values, **options)
    layer.generator.state.assign([KEY, COUNT])
    return layer


@pytest.mark.parametrize("backend", TRAINERS)
def test_the_bits_are_those_of_numpy(backend: str) -> None:
    x = np.random.default_rng(0).standard_normal(SHAPE).astype(np.float32)
    wanted = expected(x)
    for last in (False, True) if backend != "torch" else (False,):
        for name, array in found_by(backend, x, last).items():
            assert (array == wanted[name]).all(), (name, last)


def test_keys_counts_and_places_are_all_mixed() -> None:
    """Each bit of the mask depends on all three, and masks are even and independent."""
    shape = (1 << 16,)
    first, second = bits(4096, shape), bits(4097, shape)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.02
    assert abs(np.corrcoef(first[:-1], first[1:])[0, 1]) < 0.02
    ones = (first[:, None] >> np.arange(24) & 1).mean(0)
    assert (abs(ones - 0.5) < 0.01).all()


def seeded(spec: str) -> Checked:
    """A spec as it is under `deterministic: true`."""
    checked = check(spec)
    checked.program = checked.program.replace(deterministic=True)
    return checked


@pytest.mark.parametrize("backend", TRAINERS)
def test_distributions_of_random_ops(backend: str) -> None:
    driver = backend_named(backend).driver(seeded(SPEC))
    driver.load({})
    logits = np.log(np.array([[0.2, 0.7, 0.1]], np.float32)).repeat(2000, axis=0)
    inputs = {"x": logits, "p": np.full((2000, 8), 0.25, np.float32)}
    check_draws(*(driver.forward(inputs) for _ in range(2)))


@pytest.mark.parametrize("backend", TRAINERS)
def test_regularisers_draw_in_training_alone(backend: str) -> None:
    driver = backend_named(backend).driver(seeded(DROPPING))
    ones = {"x": np.ones((64, 6, 3, 2), np.float32), "rows": np.ones((64, 5, 4), np.float32)}
    found = driver.forward(ones, training=True)
    channels = found["channels"].reshape(64, 6, -1)
    assert (channels == channels[:, :, :1]).all()
    assert set(np.unique(channels)) == {0.0, 2.0}
    assert np.allclose(np.unique(found["kept"]), [0, 4 / 3])
    assert 0.45 < found["noisy"].std() < 0.55
    for name, array in driver.forward(ones).items():
        assert (array == 1).all(), name


DRAWN = """
dslc: 1
name: Drawn
inputs: {good: "bool[N, R]", bad: "bool[N, R]"}
steps:
  - {sample_balanced: {max: 8, share: 0.25}, name: drawn, from: [good, bad]}
outputs: {ids: drawn, positive: drawn.positive, valid: drawn.valid}
"""


@pytest.mark.parametrize("backend", TRAINERS)
def test_balanced_samples_are_those_of_numpy(backend: str) -> None:
    generator = np.random.default_rng(0)
    good, bad = generator.random((6, 40)) < 0.3, generator.random((6, 40)) < 0.5
    driver: Any = backend_named(backend).driver(seeded(DRAWN))
    driver.load({})
    set_key(backend, driver.model)
    for count in (COUNT, COUNT + 1):
        found = driver.forward({"good": good, "bad": bad})
        order = ((bits(count, good.shape) >> 1).astype(np.float32) + np.float32(0.5)) * 2.0**-23
        for row, own, other, ids in zip(order, good, bad, found["ids"], strict=True):
            places = np.argsort(-row)
            first = [k for k in places if own[k]][:2]
            assert list(ids) == [*first, *(k for k in places if other[k] and not own[k])][:8]


GRAPH = """
dslc: 1
name: Graph
inputs: {x: "f32[V, 4]", edges: "i64[2, E]"}
steps:
  - {gat_conv: {out: 3, heads: 2, dropout: 0.3}, name: conv, from: [x, edges]}
outputs: {y: conv}
"""


def attended(weights: dict[str, np.ndarray], x: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """What `gat_conv` gives where it drops weights of attention by the bits of NumPy."""
    (source, target), rows = edges, np.arange(len(x))
    y = (x @ weights["conv.weight"].T).reshape(len(x), 2, 3)
    told, asked = ((y * weights[f"conv.{end}"]).sum(-1) for end in ("source", "target"))
    first, second = np.concatenate([rows, source]), np.concatenate([rows, target])
    scores = told[first] + asked[second]
    scores = np.exp(np.where(scores > 0, scores, 0.2 * scores))
    total = np.zeros((len(x), 2))
    np.add.at(total, second, scores)
    drawn = bits(COUNT, (len(x), 2)), bits(COUNT + 1, (len(source), 2))
    stays = np.concatenate(drawn) >= round(0.3 * 2**24)
    heard = np.zeros((len(x), 2, 3))
    np.add.at(heard, second, (scores / total[second] * stays / 0.7)[..., None] * y[first])
    return heard.reshape(len(x), 6) + weights["conv.bias"]


@pytest.mark.parametrize("backend", TRAINERS)
def test_attention_over_edges_drops_by_the_bits_of_numpy(backend: str) -> None:
    generator = np.random.default_rng(0)
    x, edges = generator.standard_normal((7, 4)), generator.integers(0, 7, (2, 20))
    shapes = {"weight": (6, 4), "source": (2, 3), "target": (2, 3), "bias": (6,)}
    weights = {f"conv.{k}": generator.standard_normal(v) for k, v in shapes.items()}
    driver: Any = backend_named(backend).driver(seeded(GRAPH))
    driver.load({name: array.astype(np.float32) for name, array in weights.items()})
    set_key(backend, driver.model)
    found = driver.forward({"x": x.astype(np.float32), "edges": edges}, training=True)
    np.testing.assert_allclose(found["y"], attended(weights, x, edges), rtol=1e-5, atol=1e-5)


def set_key(backend: str, model: Any) -> None:
    """Gives what draws in a model the key and count of the test."""
    if backend == "torch":
        (layer,) = (item for item in model.modules() if hasattr(item, "bits"))
        layer.key.fill_(KEY), layer.count.fill_(COUNT)
    elif backend == "jax":
        import jax.numpy as jnp
        from flax import nnx

        (layer,) = (item for _, item in nnx.iter_modules(model) if hasattr(item, "bits"))
        layer.key.set_value(jnp.uint32(KEY)), layer.count.set_value(jnp.uint32(COUNT))
    else:
        (layer,) = (item for item in model._flatten_layers() if hasattr(item, "bits"))
        layer.generator.state.assign([KEY, COUNT])
