"""What a module does not use of its helpers is cut out of them; a case is a file."""

from collections.abc import Callable
from pathlib import Path

import pytest

from dslc.emit.trimming import trimmed

HERE = Path(__file__).with_name("trimming")
CASES = {path.stem: path for path in sorted(HERE.glob("*.txt"))}


@pytest.mark.parametrize("name", CASES)
def test_trimmed(name: str, golden: Callable[[Path, str], None]) -> None:
    helpers, main, *_ = CASES[name].read_text(encoding="utf-8").split("----\n")
    sources = helpers.rstrip("\n").split("\n\n\n")
    made = [part for part in trimmed(sources, main) if part]
    golden(CASES[name], "----\n".join([helpers, main, "\n\n\n".join(made) + "\n"]))
    assert [part for part in trimmed(made, main) if part] == made


def test_all_given_is_all_kept() -> None:
    source = 'def scaled(x, by=None):\n    """Scales."""\n    return x if by is None else x * by'
    assert trimmed([source], "y = scaled(x, by=z)\n") == [source]
    assert trimmed([source], "y = f(scaled)\n") == [source]


def test_a_condition_holds_nothing_that_decides_nothing() -> None:
    source = (
        "def biased(part, second=False):\n"
        '    """Whether a part has a bias."""\n'
        '    if part == "input" or second:\n'
        "        return named(part)\n"
        "    return None"
    )
    (found,) = trimmed([source], "y = biased(part)\n")
    assert '    if part == "input":\n' in found
