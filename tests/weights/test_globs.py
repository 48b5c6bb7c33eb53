"""Globs with what their wildcards stand for."""

import time

from hypothesis import given
from hypothesis import strategies as st

from dslc.train.globs import captures, filled, matches, wildcards

PART = st.text("ab_0", min_size=1, max_size=3)
PATHS = st.lists(PART, min_size=1, max_size=5).map(".".join)
GLOBS = st.lists(
    st.one_of(st.just("**"), st.just("*"), st.text("ab_0*", min_size=1, max_size=3)),
    min_size=1,
    max_size=4,
).map(".".join)


@given(GLOBS, PATHS)
def test_what_wildcards_stand_for_makes_the_path_again(glob: str, path: str) -> None:
    found = captures(glob, path)
    assert (found is not None) == matches(glob, path)
    if found is not None:
        assert len(found) == len(wildcards(glob))
        assert filled(glob, found) == path


def test_examples() -> None:
    found = captures("bert.*.attn.**", "bert.3.attn.query.weight")
    assert found == ("3", "query.weight")
    assert filled("layer.*.attention.**", found) == "layer.3.attention.query.weight"
    assert filled("**", captures("module.**", "module.head.bias") or ()) == "head.bias"
    assert captures("conv*.weight", "conv12.weight") == ("12",)


def test_a_hostile_glob_ends() -> None:
    start = time.process_time()
    path = ".".join("a" * 60)
    assert captures(".".join(["**"] * 16 + ["b"]), path) is None
    assert captures("a*" * 8 + "b", "a" * 500) is None
    assert time.process_time() - start < 2
