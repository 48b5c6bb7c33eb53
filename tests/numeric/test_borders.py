"""Whatever layout values have where they pass a border, a network computes the same."""

from typing import Any
from zlib import crc32

import pytest

from dslc.emit.borders import Borders
from tests.numeric.frameworks import backend_named
from tests.numeric.networks import comparison

NETWORKS = ("windows", "specs_filters")
SEEDS = (1, 2)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize(
    "backend",
    [
        pytest.param(name, marks=[pytest.mark.xdist_group(name), getattr(pytest.mark, name)])
        for name in ("keras", "jax")
    ],
)
def test_any_choice_is_right(
    backend: str, network: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen: set[str] = set()

    def layout(self: Borders, formal: Any, key: Any, type: Any) -> str:
        if type.rank < 4 or not self.target.channels_last:
            return "spec"
        place = f"{seed} {self.root((formal.module.name, *key))}"
        found = ("spec", "last")[crc32(place.encode()) % 2]
        chosen.add(found)
        return found

    monkeypatch.setattr(Borders, "layout", layout)
    result = comparison(network).compare(backend_named(backend))
    assert result.ok, [*result.problems, *result.excesses()]
    assert chosen
