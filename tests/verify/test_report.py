"""What `verify` says: the documented JSON, the table, and when it is content."""

import json

import numpy as np

from dslc.tools.verify_figures import (
    FLOOR,
    FORWARD,
    GRADIENT,
    Difference,
    gradients_apart,
    values_apart,
    worst,
)
from dslc.tools.verify_report import Compared, Verification


def verification(
    *, forward: float = 1e-7, gradient: float = 1e-7, check: float = 1e-9
) -> Verification:
    torch, onnx = Compared("torch"), Compared("onnx")
    torch.forward.append(Difference(1e-7, 2e-7, "y"))
    torch.gradient.append(Difference(1e-6, gradient, "w", GRADIENT))
    torch.train.append(Difference(0.0, 3e-8, "step 4", 1e-6))
    onnx.forward.append(Difference(forward, forward, "y"))
    pairs = {("torch", "onnx"): Difference(1e-7, 1e-7, "y")}
    return Verification([torch, onnx], pairs, "torch float64", check, [{"N": 3, "H": 5}])


def test_json_is_as_documented() -> None:
    found = json.loads(verification().as_json())
    assert found == {
        "ok": True,
        "backends": {
            "torch": {
                "forward": {"max_abs": 1e-7, "max_rel": 2e-7},
                "gradient": {"max_abs": 1e-6, "max_rel": 1e-7},
                "train": {"max_rel": 3e-8},
                "ok": True,
            },
            "onnx": {
                "forward": {"max_abs": 1e-7, "max_rel": 1e-7},
                "gradient": None,
                "train": None,
                "ok": True,
            },
        },
        "reference": "torch float64",
    }


def test_table_has_a_row_for_each_backend() -> None:
    lines = verification().as_table().splitlines()
    assert lines[0].split() == ["backend", "forward", "gradient", "train"]
    assert lines[1].split() == ["torch", "2.0e-07", "1.0e-07", "3.0e-08", "ok"]
    assert lines[2].split() == ["onnx", "1.0e-07", "–", "–", "ok"]
    assert "sizes: N=3, H=5" in lines


def test_each_kind_of_difference_fails_it_and_is_told() -> None:
    for found, word in (
        (verification(forward=1e-5), "onnx: forward differs by 1.0e-05 at y"),
        (verification(forward=np.inf), "onnx: forward differs by inf at y"),
        (verification(forward=np.nan), "onnx: forward differs by nan at y"),
        (verification(gradient=2e-5), "torch: gradient differs by 2.0e-05 at w"),
        (verification(check=1e-3), "central differences"),
    ):
        assert not found.ok
        assert any(word in line for line in found.problems()), found.problems()
        assert word in found.as_table()
        assert json.loads(found.as_json())["ok"] is False


def test_a_word_alone_fails_it() -> None:
    found = verification()
    found.backends[0].problems.append("the epsilon of norm is 1e-06, not 1e-05")
    assert not found.ok
    assert "! torch: the epsilon of norm is 1e-06, not 1e-05" in found.as_table()


def test_values_are_held_against_the_largest_of_their_own_array() -> None:
    expected = {"a": np.array([100.0, 1.0]), "b": np.array([1e-3])}
    found = {"a": np.array([100.0, 1.0 + 1e-4]), "b": np.array([1e-3])}
    assert values_apart(found, expected).max_rel < FORWARD
    found["b"] = np.array([1e-3 + 1e-8])
    assert values_apart(found, expected).max_rel > FORWARD


def test_shapes_names_and_numbers_that_are_none_never_pass() -> None:
    good = {"a": np.ones(3)}
    for bad in ({"a": np.ones(4)}, {}, {"a": np.array([1, 1, np.nan])}, {**good, "b": np.ones(1)}):
        assert not values_apart(bad, good).ok
    both = {"a": np.array([np.inf, np.nan])}
    assert values_apart(both, both).ok


def test_integers_are_equal_or_wrong() -> None:
    assert values_apart({"a": np.array([1, 2])}, {"a": np.array([1, 2])}).max_rel == 0
    assert not values_apart({"a": np.array([1000001])}, {"a": np.array([1000000])}).ok


def test_a_gradient_that_is_noise_is_held_against_a_share_of_the_largest() -> None:
    expected = {"w": np.array([1.0]), "zero": np.array([0.0])}
    found = {"w": np.array([1.0]), "zero": np.array([GRADIENT * FLOOR / 2])}
    assert gradients_apart(found, expected).max_rel <= GRADIENT
    found["zero"] = np.array([GRADIENT * FLOOR * 2])
    assert gradients_apart(found, expected).max_rel > GRADIENT


def test_noise_is_only_asked_for_where_the_tolerance_does_not_suffice() -> None:
    def never() -> float:
        raise AssertionError("asked")

    assert Difference(0, 1e-6).allow(1e-5, never).ok
    assert Difference(0, 1e-4).allow(1e-5, lambda: 1e-4).ok
    assert not Difference(0, 1e-4).allow(1e-5, lambda: 1e-6).ok


def test_rounding_does_not_excuse_everything() -> None:
    assert not Difference(0, 0.1).allow(1e-5, lambda: 1.0).ok


def test_the_worst_is_the_one_that_exceeds_its_own_allowance_most() -> None:
    loose = Difference(0, 1e-3, "loose", allowed=1e-2)
    tight = Difference(0, 1e-4, "tight", allowed=1e-5)
    assert worst([loose, tight]).where == "tight"
    assert not worst([loose, tight]).ok
    assert worst([]).ok
    near = Difference(0, 9e-6, "near", allowed=1e-5)
    assert worst([Difference(0, 5e-3, "loose", allowed=1e-2), near]).ok
