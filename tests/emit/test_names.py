"""Names are legal, distinct and the same every time."""

import builtins
import keyword
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dslc.emit.names import Names, class_name, identifier, snake_name


@given(st.lists(st.one_of(st.text(max_size=8), st.sampled_from(["if", "match", "x", "x_", "ｘ"]))))
def test_names_are_legal_and_distinct(wanted: list[str]) -> None:
    names = Names(["torch"])
    given_ = [names.fresh(text) for text in wanted]
    assert len({unicodedata.normalize("NFKC", name) for name in given_}) == len(wanted)
    for name in given_:
        assert name.isascii()
        assert name.isidentifier()
        assert not keyword.iskeyword(name)
        assert not keyword.issoftkeyword(name)
        assert name != "torch"
        assert not hasattr(builtins, name)
    again = Names(["torch"])
    assert [again.fresh(text) for text in wanted] == given_


def test_a_name_that_is_taken_gets_a_suffix() -> None:
    names = Names()
    assert [names.fresh("x") for _ in range(4)] == ["x", "x_", "x_2", "x_3"]
    assert names.fresh("input") == "input_"


def test_a_child_avoids_its_parents_but_not_its_siblings() -> None:
    names = Names(["nn"])
    names.fresh("x")
    one, two = names.child(), names.child()
    assert (one.fresh("x"), two.fresh("x")) == ("x_", "x_")
    assert one.fresh("nn") == "nn_"
    assert names.child().fresh("y") == "y"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("conv1", "conv1"),
        ("stage.0.block", "stage_0_block"),
        ("3x3", "_3x3"),
        ("größe", "gro_e"),
        ("a - b", "a_b"),
        ("__private", "_private"),
        ("x_", "x_"),
        ("", "name"),
        ("日本", "name"),
    ],
)
def test_identifiers(text: str, expected: str) -> None:
    assert identifier(text) == expected


@pytest.mark.parametrize(
    ("text", "camel", "snake"),
    [
        ("residual_block", "ResidualBlock", "residual_block"),
        ("ResidualBlock", "ResidualBlock", "residual_block"),
        ("ResNet50", "ResNet50", "res_net50"),
        ("Conv2D", "Conv2D", "conv2d"),
        ("HTTPServer", "HTTPServer", "http_server"),
        ("GPT", "GPT", "gpt"),
        ("DigitsNet", "DigitsNet", "digits_net"),
        ("2 layers", "_2Layers", "_2_layers"),
    ],
)
def test_cases(text: str, camel: str, snake: str) -> None:
    assert (class_name(text), snake_name(text)) == (camel, snake)
