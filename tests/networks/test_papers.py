"""Networks from papers have the published number of parameters, and the shapes at the published size."""

import json

import pytest

from dslc.cli.main import main
from tests.networks.papers import HERE, PAPERS, path_of


@pytest.mark.parametrize("name", PAPERS)
def test_figures(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    row = PAPERS[name]
    sizes = [text for item in row["input"] for text in ("--input", item)]
    assert main(["summary", str(path_of(name)), *sizes, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["parameters"]["trainable"] == row["parameters"]
    assert found["outputs"] == row["outputs"]
    assert sum(layer["parameters"] for layer in found["layers"]) == found["parameters"]["total"]


def test_every_spec_is_in_the_table() -> None:
    assert {path.stem for path in (HERE / "papers").glob("*.yaml")} <= PAPERS.keys()
