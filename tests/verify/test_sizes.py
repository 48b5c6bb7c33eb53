"""Sizes for symbols: small, both parities, neighbours apart, within the facts."""

import pytest

from dslc.emit.backend import BuildError
from dslc.tools.verify_sizes import settings
from tests.numeric.table import check


def sizes(types: str, where: str = "", rows: int = 3) -> list[dict[str, int]]:
    """The settings for inputs `x`, `y`, … of the given types."""
    inputs = "".join(
        f'  {name}: "{type}"\n' for name, type in zip("xyz", types.split(";"), strict=False)
    )
    facts = f"where: [{where}]\n" if where else ""
    text = f"dslc: 1\nname: Net\ninputs:\n{inputs}{facts}steps:\n  - relu:\n    name: out\noutputs: {{out: out}}\n"
    checked = check(text)
    return settings(checked.instance.inputs, checked.facts, rows=rows)


def test_each_symbol_has_both_parities_and_neighbours_differ() -> None:
    first, second = sizes("f32[N, C, H, W]")
    assert all((first[name] - second[name]) % 2 for name in first)
    for setting in (first, second):
        assert (setting["H"] - setting["W"]) % 2
        assert len(set(setting.values())) == len(setting)


def test_batches_have_as_many_rows_as_asked_for() -> None:
    assert [setting["N"] for setting in sizes("f32[N, 4]", rows=17)] == [17, 16]


def test_facts_come_first() -> None:
    for setting in sizes("f32[N, 3, H, W]", "H >= 32, W % 32 == 0, H <= W"):
        assert 32 <= setting["H"] <= setting["W"]
        assert setting["W"] % 32 == 0


def test_a_symbol_that_others_give_is_found() -> None:
    for setting in sizes("f32[N, T, 4];f32[N, S, 4];f32[N, P, 4]", "P == T + 2 * S"):
        assert setting["P"] == setting["T"] + 2 * setting["S"]


def test_other_sizes_the_second_time() -> None:
    first, second = sizes("f32[N, T]", "T % 8 == 0")
    assert first["T"] != second["T"]


def test_known_sizes_need_no_setting() -> None:
    assert sizes("f32[2, 3]") == [{}]


def test_facts_that_nothing_small_fulfils_are_said_to_be_so() -> None:
    with pytest.raises(BuildError, match="fulfil the facts"):
        sizes("f32[N, T]", "T >= 100000")
