"""The compiler reads globs as generated projects do."""

from hypothesis import given
from hypothesis import strategies as st

from dslc.train import globs
from dslc.train.runtime import initial

PART = st.text("ab_0", min_size=1, max_size=3)
PATHS = st.lists(PART, min_size=1, max_size=4).map(".".join)
GLOBS = st.lists(
    st.one_of(st.just("**"), st.just("*"), st.text("ab_0*", min_size=1, max_size=3)),
    min_size=1,
    max_size=4,
).map(".".join)


@given(GLOBS, PATHS)
def test_one_meaning(glob: str, path: str) -> None:
    assert globs.matches(glob, path) == initial.matches([glob], path)


def test_examples() -> None:
    assert globs.matches("**.bias", "bias")
    assert globs.matches("**.norm*.weight", "layer.0.norm1.weight")
    assert not globs.matches("*.bias", "layer.0.bias")
    assert not globs.matches("**.bias", "layer.bias_hh")
