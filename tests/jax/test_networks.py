"""Whole networks: values and gradients as PyTorch has them in float64, at odd and even sizes."""

from pathlib import Path

import pytest

from dslc.passes.pipeline import Checked
from dslc.tools.verify_figures import FORWARD, values_apart
from tests.jax.harness import Pair, check, inputs_of, text_of

pytestmark = pytest.mark.jax

ROOT = Path(__file__).parents[2]


def small_resnet() -> str:
    """ResNet-50 with an eighth of its channels and fewer blocks."""
    text = text_of(ROOT / "specs/zoo/resnet50.yaml").split("\ntrain:")[0]
    for old, new in (("[3, 4, 6, 3]", "[1, 2, 1]"), ("64", "8"), ("classes: 1000", "classes: 7")):
        assert old in text
        text = text.replace(old, new)
    return text


def spec(path: str) -> str:
    return text_of(ROOT / path)


NETWORKS = {
    "digits": (spec("examples/digits/net.yaml"), [(3, 8, 8), (2, 9, 11)]),
    "resnet50": (small_resnet(), [(2, 32, 48), (3, 33, 37)]),
    "gpt": (spec("specs/zoo/gpt.yaml"), [(2, 16), (3, 7)]),
    "lstm_classifier": (spec("specs/zoo/lstm_classifier.yaml"), [(2, 16), (3, 7)]),
    "mixed": (spec("tests/networks/specs/mixed.yaml"), [(2, 8, 16)]),
    "captured": (spec("tests/networks/specs/captured.yaml"), [(2, 9, 6)]),
}


SHAPES = sorted((Path(__file__).parent / "specs").glob("*.yaml"))
"""Conditions, branches, blocks with several outputs, images beside sequences."""


@pytest.mark.parametrize("path", SHAPES, ids=lambda path: path.stem)
def test_shapes_of_networks(path: Path) -> None:
    checked = check(text_of(path))
    spec, native = Pair(checked), Pair(checked, "native")
    spec.agree(inputs_of(checked, {"N": 3, "H": 6, "W": 8, "L": 7, "T": 3}))
    inputs = inputs_of(checked, {"N": 2, "H": 10, "W": 4, "L": 8, "T": 2})
    assert native.forward(inputs) < FORWARD


def sizes_of(checked: Checked, numbers: tuple[int, ...]) -> dict[str, int]:
    """Numbers for the symbols of the first input, in their order."""
    first = next(iter(checked.instance.inputs.values()))
    symbols = [str(dim) for dim in first.shape if not isinstance(dim, int)]
    return dict(zip(symbols, numbers, strict=True))


@pytest.mark.parametrize("name", NETWORKS)
def test_values_and_gradients(name: str) -> None:
    text, settings = NETWORKS[name]
    pair = Pair(check(text))
    for numbers in settings:
        pair.agree(inputs_of(pair.checked, sizes_of(pair.checked, numbers), below=60))


@pytest.mark.parametrize("name", ["digits", "mixed"])
def test_native_layout_is_the_same_model(name: str) -> None:
    text, settings = NETWORKS[name]
    checked = check(text)
    spec, native = (Pair(checked, io_layout).jax for io_layout in ("spec", "native"))
    inputs = inputs_of(checked, sizes_of(checked, settings[0]))
    assert values_apart(native.forward(inputs), spec.forward(inputs)).max_rel < 1e-6


@pytest.mark.parametrize("name", ["digits", "resnet50"])
def test_a_step_of_training_mode(name: str) -> None:
    text, settings = NETWORKS[name]
    pair = Pair(check(text))
    numbers = (9, *settings[0][1:])
    inputs = inputs_of(pair.checked, sizes_of(pair.checked, numbers))
    assert pair.forward(inputs, training=True) < 2 * FORWARD
    found, expected = pair.jax.weights(), pair.torch.weights()
    moved = [name for name in expected if "running" in name]
    assert (
        values_apart({n: found[n] for n in moved}, {n: expected[n] for n in moved}).max_rel < 5e-6
    )
    for name in moved:
        assert abs(found[name] - pair.weights[name]).max() > 1e-3
    kept = [name for name in expected if "running" not in name]
    assert all((found[name] == pair.weights[name]).all() for name in kept)


def test_epsilons_are_the_specs() -> None:
    for name in ("digits", "gpt"):
        pair = Pair(check(NETWORKS[name][0]))
        assert pair.jax.epsilons() == pair.torch.epsilons() != {}
