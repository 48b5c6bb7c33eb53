"""Dropout of a recurrent state: a loop of our own, which at a rate near 0 is the layer itself."""

from typing import Any

import numpy as np
import pytest

from dslc.ops import find

RATE = 1e-12


def arrays(op: str, width: int, hidden: int) -> dict[str, Any]:
    """Random weights of two layers in both directions."""
    from dslc.ir.types import TensorType

    made = find(op)
    assert made is not None
    layer = made({"hidden": hidden, "layers": 2, "bidirectional": True})
    generator = np.random.default_rng(1)
    return {
        weight.name: generator.standard_normal([int(str(size)) for size in weight.shape])
        * (weight.role == "trained")
        for weight in layer.weights(TensorType("f32", (3, 5, width)))
    }


@pytest.mark.torch
@pytest.mark.xdist_group("torch")
@pytest.mark.parametrize("op", ["rnn", "lstm", "gru"])
def test_torch(op: str) -> None:
    import torch
    from dslc_torch.helpers_recurrent import dropping, run_dropping, run_padded

    torch.manual_seed(0)
    layer = getattr(torch.nn, op.upper())(
        4, 6, num_layers=2, bidirectional=True, batch_first=True, dtype=torch.float64
    )
    layer.load_state_dict({name: torch.tensor(a) for name, a in arrays(op, 4, 6).items()})
    x, lengths = torch.randn(3, 5, 4, dtype=torch.float64), torch.tensor([5, 0, 2])
    dropping(layer, RATE)
    pairs = [
        (run_dropping(layer, x), layer(x)),
        (run_dropping(layer, x, lengths), run_padded(layer, x, lengths)),
    ]
    for found, expected in pairs:
        torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-7)
    assert not torch.allclose(run_dropping(dropping(layer, 0.5), x)[0], layer(x)[0])


@pytest.mark.jax
@pytest.mark.xdist_group("jax")
@pytest.mark.parametrize("op", ["rnn", "lstm", "gru"])
def test_jax(op: str) -> None:
    import jax.numpy as jnp
    from dslc_jax import helpers_recurrent
    from flax import nnx

    step = getattr(helpers_recurrent, f"{op}_step")
    options: dict[str, Any] = {"lstm": {"gates": 4}, "gru": {"gates": 3, "second_bias": True}}
    options = options.get(op, {}) | {"layers": 2, "bidirectional": True}
    x, lengths = (
        jnp.asarray(np.random.default_rng(2).standard_normal((3, 5, 4))),
        jnp.array([5, 0, 2]),
    )

    def run(rate: float, *, training: bool) -> Any:
        layer = helpers_recurrent.Recurrent(
            step, 4, 6, **options, recurrent_dropout=rate, rngs=nnx.Rngs(0)
        )
        for name, array in arrays(op, 4, 6).items():
            if hasattr(layer, name):
                getattr(layer, name)[...] = jnp.asarray(array)
        layer.train() if training else layer.eval()
        return [np.asarray(y) for y in layer(x, lengths)]

    expected = run(0.0, training=False)
    for found, wanted in zip(run(RATE, training=True), expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert not np.allclose(run(0.5, training=True)[0], expected[0])
