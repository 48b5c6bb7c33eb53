"""Initial values: golden bits that may never change, and the distributions they come from."""

import hashlib
import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dslc.train.runtime import initial as runtime
from dslc.train.runtime.initial import (
    constant,
    fan_in_uniform,
    glob_pattern,
    initial,
    kaiming_normal,
    kaiming_uniform,
    lecun_normal,
    normal,
    normal_quantile,
    ones,
    orthogonal,
    truncated_normal,
    uniform,
    xavier_normal,
    xavier_uniform,
    zeros,
)

SHAPES = {"conv.weight": (64, 32, 3, 3), "conv.bias": (64,)}


def draw(initialiser, seed=0, path="conv.weight"):
    return initial(SHAPES, [(path, initialiser), ("**", zeros())], seed)[path]


GOLDEN = {  # the first bits of SHA-256 over the float32 bytes, little-endian: seed 0, conv.weight
    "normal": (normal(0.02), "c3024650ae47a8f9"),
    "truncated_normal": (truncated_normal(0.02), "fb0abb57ca98a808"),
    "uniform": (uniform(0.1), "2834dd4429c19740"),
    "kaiming_uniform": (kaiming_uniform(), "9c8b522d2d602cb9"),
    "kaiming_normal": (kaiming_normal(), "9cac5dbf8e23a702"),
    "xavier_uniform": (xavier_uniform(), "33f658c959291563"),
    "xavier_normal": (xavier_normal(), "79032239d13143e1"),
    "lecun_normal": (lecun_normal(), "939890907736f9a3"),
    "orthogonal": (orthogonal(), "083c84813c60c99b"),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_bits(name):
    initialiser, expected = GOLDEN[name]
    values = draw(initialiser)
    assert values.dtype == np.float32
    assert values.shape == SHAPES["conv.weight"]
    assert hashlib.sha256(values.astype("<f4").tobytes()).hexdigest()[:16] == expected


def test_first_numbers():
    assert draw(normal()).ravel()[:3].tolist() == [
        -1.6501352787017822,
        -1.302415132522583,
        0.5062058568000793,
    ]
    assert draw(uniform(), seed=7, path="conv.bias")[:1].tolist() == [0.12298551201820374]


FAN_IN, FAN_OUT = 32 * 9, 64 * 9


@pytest.mark.parametrize(
    ("initialiser", "deviation", "largest"),
    [
        (normal(0.5), 0.5, None),
        (truncated_normal(0.5), 0.5 * 0.87962566, 1.0),
        (uniform(0.3), 0.3 / math.sqrt(3), 0.3),
        (kaiming_uniform(), 1 / math.sqrt(3 * FAN_IN), 1 / math.sqrt(FAN_IN)),
        (kaiming_normal(), math.sqrt(2 / FAN_IN), None),
        (kaiming_normal("fan_out"), math.sqrt(2 / FAN_OUT), None),
        (xavier_uniform(2.0), 2 * math.sqrt(2 / (FAN_IN + FAN_OUT)), None),
        (xavier_normal(2.0), 2 * math.sqrt(2 / (FAN_IN + FAN_OUT)), None),
        (lecun_normal(), 1 / math.sqrt(FAN_IN), None),
    ],
)
def test_distribution(initialiser, deviation, largest):
    values = draw(initialiser).astype(np.float64)
    standard_error = deviation / math.sqrt(values.size)
    assert abs(values.mean()) < 4 * standard_error
    assert abs(values.std() / deviation - 1) < 0.02
    if largest is not None:
        assert np.abs(values).max() <= largest * (1 + 1e-6)
        assert np.abs(values).max() > largest * 0.999


def test_normal_values_are_normal():
    values = np.sort(draw(normal(), seed=3).ravel().astype(np.float64))
    share = np.array([statistics.NormalDist().cdf(value) for value in values])
    steps = np.arange(1, values.size + 1) / values.size
    assert np.abs(share - steps).max() < 1.63 / math.sqrt(values.size)  # Kolmogorov-Smirnov, 1 %


def test_bias_follows_its_weight():
    bias = draw(fan_in_uniform(), path="conv.bias")
    assert 0.9 / math.sqrt(FAN_IN) < np.abs(bias).max() <= 1 / math.sqrt(FAN_IN)


@pytest.mark.parametrize("shape", [(16, 40), (40, 16), (24, 24), (8, 4, 3, 3)])
def test_orthogonal(shape):
    weight = initial({"w": shape}, [("w", orthogonal(2.0))], 0)["w"].astype(np.float64)
    matrix = weight.reshape(shape[0], -1)
    product = matrix @ matrix.T if shape[0] <= matrix.shape[1] else matrix.T @ matrix
    assert np.abs(product - 4 * np.eye(len(product))).max() < 1e-5


def test_constants():
    assert (draw(ones()) == 1).all()
    assert (draw(zeros()) == 0).all()
    assert (draw(constant(0.25)) == 0.25).all()


def test_a_weight_depends_on_its_path_and_seed_alone():
    rules = [("**", normal())]
    alone = initial({"b": (5,)}, rules, 1)["b"]
    among = initial({"a": (9, 9), "b": (5,), "c": (2,)}, rules, 1)
    assert np.array_equal(alone, among["b"])
    assert not np.array_equal(alone, initial({"b": (5,)}, rules, 2)["b"])
    assert not np.array_equal(alone, initial({"c": (5,)}, rules, 1)["c"])


def test_chunks_do_not_show(monkeypatch):
    before = draw(normal())
    monkeypatch.setattr(runtime, "_CHUNK", 1000)
    assert np.array_equal(before, draw(normal()))


def test_first_rule_wins_and_none_is_an_error():
    rules = [("norm*.weight", ones()), ("*.weight", zeros())]
    drawn = initial({"norm1.weight": (2,), "conv.weight": (2,)}, rules, 0)
    assert drawn["norm1.weight"].tolist() == [1, 1]
    assert drawn["conv.weight"].tolist() == [0, 0]
    with pytest.raises(ValueError, match=r"no rule says how the weight 'a\.b\.weight' starts"):
        initial({"a.b.weight": (2,)}, rules, 0)


@pytest.mark.parametrize(
    ("glob", "matches", "differs"),
    [
        ("*.weight", ["a.weight"], ["weight", "a.b.weight", "a.weights"]),
        ("**.weight", ["weight", "a.weight", "a.b.weight"], ["a.bias", "aweight"]),
        ("a.**", ["a", "a.b", "a.b.c"], ["b.a", "ab"]),
        ("a.**.c", ["a.c", "a.b.c", "a.b.b.c"], ["a.b", "c"]),
        ("layer.*.norm*.bias", ["layer.0.norm1.bias"], ["layer.0.1.norm.bias", "layer.0.n.bias"]),
        ("a+.b", ["a+.b"], ["aa.b"]),
    ],
)
def test_globs(glob, matches, differs):
    pattern = glob_pattern(glob)
    assert [path for path in matches if not pattern.fullmatch(path + ".")] == []
    assert [path for path in differs if pattern.fullmatch(path + ".")] == []


@given(st.floats(2.0**-53, 1 - 2.0**-53))
def test_quantile_property(share):
    expected = statistics.NormalDist().inv_cdf(share)
    assert normal_quantile(np.array([share]))[0] == pytest.approx(expected, rel=1e-13, abs=1e-15)


def test_fans_need_a_weight():
    with pytest.raises(ValueError, match="needs a weight of two or more axes"):
        initial({"a.bias": (2,)}, [("**", fan_in_uniform())], 0)
