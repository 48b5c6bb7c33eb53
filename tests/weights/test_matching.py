"""Weights of a file at a model's names: renamed, cut, turned, new, dropped, and what does not fit."""

from typing import Any

import numpy as np
import pytest

from dslc.api import loads
from dslc.diagnostics import Report
from dslc.ir.given import Given, GivenReader
from dslc.source import Source
from dslc.syntax.reader import read
from dslc.tools.given_weights import infos_of
from dslc.weights.matching import Matching, match_weights

NET = """
dslc: 1
name: Net
inputs: {x: "f32[N, T, 6]"}
steps:
  - group:
      - linear: 6
        name: query
      - linear: 4
        name: key
      - linear: 6
        name: back
    name: layer
    repeat: 2
  - linear: 3
    name: head
"""
LSTM = "dslc: 1\nname: Net\ninputs: {x: 'f32[N, T, 3]'}\nsteps:\n  - lstm: 2\n    name: lstm\n"
TIED = """
dslc: 1
name: Net
inputs: {ids: "i64[N, T]"}
steps:
  - embedding: {vocab: 5, dim: 2}
    name: wte
  - linear: {out: 5, bias: false}
    name: head
    tie: {weight: wte.weight}
"""
RENAME = '{"h.*.fused.*": {to: ["layer.*.query.*", "layer.*.key.*"], split: 0}}'


def section(text: str) -> Given:
    report = Report()
    node = read(Source("weights", f"file: w\n{text}"), report)
    assert node is not None
    found = GivenReader(report).read(node)
    assert found is not None
    assert report.ok, report.diagnostics
    return found


def matched(net: str, arrays: dict[str, Any], text: str = "") -> Matching:
    return match_weights(infos_of(loads(net).checked), arrays, section(text) if text else None)


def array(*shape: int, start: int = 0) -> Any:
    return (np.arange(np.prod(shape)) + start).reshape(shape).astype(np.float32)


def fused() -> dict[str, Any]:
    found = {f"h.{i}.fused.weight": array(6, 10, start=i) for i in range(2)}
    return found | {f"h.{i}.fused.bias": array(10, start=i) for i in range(2)}


def test_a_fused_projection_is_turned_and_cut_by_the_sizes_of_its_parts() -> None:
    found = matched(
        NET, fused(), f"rename: {RENAME}\nnew: [head.**, '*.*.back.*']\ntranspose: ['**.weight']"
    )
    assert found.faults == []
    whole = array(6, 10, start=1).T
    assert np.array_equal(found.arrays["layer.1.query.weight"], whole[:6])
    assert np.array_equal(found.arrays["layer.1.key.weight"][:, :6], whole[6:])
    assert np.array_equal(found.arrays["layer.0.key.bias"], array(10)[6:])
    assert found.fresh[-2:] == ["head.weight", "head.bias"]


def test_what_does_not_fit_is_told_with_the_nearest_name() -> None:
    arrays = fused() | {"haed.weight": array(3, 6), "haed.bias": np.zeros(3, np.int64)}
    found = matched(NET, arrays, f"rename: {RENAME}")
    assert found.arrays == {}
    assert "head.weight: missing (nearest: haed.weight)" in found.faults
    assert "haed.bias: not in the model (nearest: head.bias)" in found.faults
    assert any(
        "h.0.fused.weight: has shape [6, 10], and its axis 0 is cut into 6 + 4" in fault
        for fault in found.faults
    )


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        (
            "head.weight",
            array(4, 3),
            "[4, 3], expected [3, 4]; `transpose: [head.weight]` would make it fit",
        ),
        ("head.weight", array(3, 5), "has shape [3, 5], expected [3, 4]"),
        ("head.bias", np.zeros(3, np.int64), "is int64, expected floats"),
        ("head.bias", None, "head.bias: missing"),
        ("other.bias", array(3), "other.bias: not in the model"),
    ],
)
def test_each_fault_is_told(name: str, value: Any, fault: str) -> None:
    net = "dslc: 1\nname: Net\ninputs: {x: 'f32[N, 4]'}\nsteps:\n  - linear: 3\n    name: head\n"
    arrays: dict[str, Any] = {"head.weight": array(3, 4), "head.bias": array(3), name: value}
    given = {key: found for key, found in arrays.items() if found is not None}
    found = matched(net, given)
    assert len(found.faults) == 1
    assert fault in found.faults[0]


def test_two_names_for_one_weight_are_refused() -> None:
    arrays = fused() | {"g.0.fused.bias": array(10)}
    more = f"rename: {RENAME[:-1]}, 'g.**': 'h.**'}}\nnew: [head.**]"
    assert any("not in the model" in fault for fault in matched(NET, arrays, more).faults)
    arrays = {"a.weight": array(3, 4), "b.weight": array(3, 4)}
    rename = "rename: {'*.weight': '*.weight', a.weight: head.weight, b.weight: head.weight}"
    net = (
        "dslc: 1\nname: Net\ninputs: {x: 'f32[N, 4]'}\nsteps:\n  - linear: {out: 3, bias: false}\n"
    )
    net += "    name: head\n"
    found = matched(net, arrays, rename.replace("'*.weight': '*.weight', ", ""))
    assert found.faults == ["head.weight: given twice, by a.weight and by b.weight"]


def test_new_wins_over_what_the_file_holds() -> None:
    net = "dslc: 1\nname: Net\ninputs: {x: 'f32[N, 4]'}\nsteps:\n  - linear: 3\n    name: head\n"
    arrays = {"head.weight": array(7, 4), "head.bias": array(7)}
    found = matched(net, arrays, "new: head.**")
    assert found.faults == []
    assert found.fresh == ["head.weight", "head.bias"]
    assert found.dropped == ["head.weight", "head.bias"]


def test_a_second_bias_is_added_to_the_first() -> None:
    arrays = {
        "lstm.weight_ih_l0": array(8, 3),
        "lstm.weight_hh_l0": array(8, 2),
        "lstm.bias_ih_l0": array(8),
        "lstm.bias_hh_l0": array(8),
    }
    found = matched(LSTM, arrays)
    assert found.faults == []
    assert np.array_equal(found.arrays["lstm.bias_ih_l0"], 2 * array(8))
    assert not found.arrays["lstm.bias_hh_l0"].any()
    del arrays["lstm.bias_hh_l0"]
    assert matched(LSTM, arrays).zeros == ["lstm.bias_hh_l0"]


def test_a_tied_weight_may_stand_twice_or_under_either_name() -> None:
    table = array(5, 2)
    assert matched(TIED, {"wte.weight": table}).faults == []
    assert matched(TIED, {"wte.weight": table, "head.weight": table}).faults == []
    assert list(matched(TIED, {"head.weight": table}).arrays) == ["wte.weight"]
    found = matched(TIED, {"wte.weight": table, "head.weight": table + 1})
    assert found.faults == ["head.weight: differs from wte.weight, to which it is tied"]


def test_counters_of_pytorch_are_passed_over() -> None:
    net = "dslc: 1\nname: Net\ninputs: {x: 'f32[N, 4]'}\nsteps:\n  - batch_norm:\n    name: norm\n"
    names = ("weight", "bias", "running_mean", "running_var")
    arrays: dict[str, Any] = {f"norm.{name}": array(4) for name in names}
    arrays["norm.num_batches_tracked"] = np.array(3)
    found = matched(net, arrays)
    assert found.faults == []
    assert found.dropped == ["norm.num_batches_tracked"]
