"""The networks that every backend is held to: the zoo's, the example's, and small ones by structure.

Each file of `networks/` is a spec; putting one there adds it.
"""

import json
from functools import cache
from pathlib import Path

from dslc.diagnostics import Report
from dslc.passes.pipeline import Checked, check_file
from dslc.passes.weights import sites
from dslc.source import Source
from dslc.syntax.reader import read
from dslc.syntax.tree import Node
from dslc.tools.verify import Comparison
from tests.networks.papers import PAPERS, path_of
from tests.numeric.frameworks import DEVICE, backend_named

ROOT = Path(__file__).parents[2]
SMALL = sorted(Path(__file__).parent.glob("networks/*.yaml"))
SHIPPED: dict[str, dict[str, str]] = {
    "examples/digits/net.yaml": {},
    "specs/zoo/lstm_classifier.yaml": {},
    "specs/zoo/gpt.yaml": {},
    "specs/zoo/resnet50.yaml": {"depths": "[2, 1]", "classes": "10"},
    "tests/networks/specs/agent.yaml": {},
    "tests/networks/specs/autoencoder.yaml": {},
    "tests/networks/specs/cached.yaml": {},
    "tests/networks/specs/decoder.yaml": {},
    "tests/networks/specs/detector.yaml": {},
    "tests/networks/specs/filters.yaml": {},
    "tests/networks/specs/gat.yaml": {"features": "6", "hidden": "3", "heads": "2"},
    "tests/networks/specs/gru_cell.yaml": {},
    "tests/networks/specs/guided.yaml": {},
    "tests/networks/specs/skips.yaml": {},
}
"""The shipped specs, each with the params that make it small."""

NETWORKS = {path.stem: (str(path), {}) for path in SMALL}
NETWORKS |= {
    Path(name).parent.name + "_" + Path(name).stem: (str(ROOT / name), params)
    for name, params in SHIPPED.items()
}
NETWORKS |= {
    name: (str(path_of(name)), {key: json.dumps(value) for key, value in row["small"].items()})
    for name, row in PAPERS.items()
}

LARGE = 100
"""Ops from which on compiling a network for one more size takes longer than most networks in all."""


def load(name: str) -> Checked:
    """A network's spec."""
    path, params = NETWORKS[name]
    return check_file(path, {key: node(value) for key, value in params.items()})


def node(text: str) -> Node:
    """A param's value as `--set` gives it."""
    found = read(Source("--set", text), Report())
    assert found is not None
    return found


@cache
def comparison(name: str) -> Comparison:
    """A network with its reference, made once in a worker; a large one at one size of its inputs."""
    checked = load(name)
    found = Comparison(checked, backend_named("torch"), seed=0, device=DEVICE)
    if sum(1 for _ in sites(checked.instance)) > LARGE:
        found.settings = found.settings[:1]
        found.training_settings = found.training_settings[:1]
    return found
