"""A rate that falls once a figure gets no better: when it falls, and that a resumed run knows."""

import sys
from pathlib import Path
from typing import Any

import pytest

from dslc.train.runtime.weights import read
from dslc.train.steps import load_script
from tests.train.projects import project
from tests.train.test_resume import same


@pytest.fixture(scope="module")
def script() -> Any:
    return load_script(project("plateau", "torch"))


class Figures:
    """Progress that knows one figure."""

    def __init__(self, figure: float | None) -> None:
        self.figure = figure

    def mean(self, name: str, epoch: int) -> float | None:
        del name, epoch
        return self.figure


def how(patience: int, **settings: float) -> dict[str, Any]:
    """The settings of a plateau that halves the rate."""
    plain = {"figure": "loss", "patience": patience, "factor": 0.5, "min_delta": 0.0}
    return {**plain, "final": 0.0, "sign": -1, **settings}


def shares(made: Any, figures: list[float | None]) -> list[float]:
    """The share of the rate behind each figure."""
    found: list[float] = []
    for figure in figures:
        made.look(Figures(figure), 0)
        found.append(made.share)
    return found


def test_the_rate_falls_behind_epochs_that_are_no_better(script: Any) -> None:
    made = script.Plateau({}, how(2, final=0.2))
    figures = [1.0, 0.9, 0.9, 0.95, None, 1.0, 0.8, 0.9, 0.9, 0.9, 0.9]
    expected = [1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.2]
    assert shares(made, figures) == expected


def test_figures_that_rise_and_slack(script: Any) -> None:
    made = script.Plateau({}, how(1, min_delta=0.05, sign=1))
    assert shares(made, [0.5, 0.6, 0.62, 0.7]) == [1, 1, 0.5, 0.5]


def test_its_state_is_all_that_it_knows(script: Any) -> None:
    figures = [1.0, 1.1, 0.9, 1.0, 1.0, 1.0]
    whole = script.Plateau({}, how(2))
    expected = shares(whole, figures)
    for cut in range(len(figures)):
        first = script.Plateau({}, how(2))
        found = shares(first, figures[:cut])
        assert found + shares(script.Plateau(first.state, how(2)), figures[cut:]) == expected


def run(script: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, *more: str) -> Any:
    arguments = ["train.py", "--device", "cpu", "-o", str(folder), *more]
    monkeypatch.setattr(sys, "argv", arguments)
    script.main()
    return read(folder / "weights.safetensors")


def test_a_run_falls_and_goes_on(
    script: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(script, tmp_path / "whole", monkeypatch, "--epochs", "5")
    for epochs in ("2", "5"):
        found = run(script, tmp_path / "parts", monkeypatch, "--epochs", epochs, "--resume")
    assert same(found, whole)
    still = run(script, tmp_path / "short", monkeypatch, "--epochs", "3")
    assert same(still, whole), "behind two epochs that were no better the rate is nothing"
    moving = run(script, tmp_path / "shorter", monkeypatch, "--epochs", "2")
    assert not same(moving, whole)
