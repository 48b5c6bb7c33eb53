"""What the printer prints means the same, and the formatter changes nothing in it."""

import ast
import random
from pathlib import Path

import pytest

from dslc.emit.print_statements import statement
from tests.emit.expressions import same
from tests.emit.expressions import statement as random_statement
from tests.emit.formatting import all_formatted

TARGET = Path(__file__).parents[3] / "shared" / "design" / "target"

# Statements as a careful person writes them: laid out already, so the printer must not change them.
WRITTEN = """\
self.conv1 = nn.Conv2d(in_channels, out, 3, stride=stride, padding=1, bias=False)
self.downsample = Downsample(in_channels, out, stride, rngs=rngs) if project else None
return nn.relu(y + (self.downsample(x) if self.downsample else x))
self.stage.append(Stage(channels, width * 2**i, depth, i))
image = x = keras.Input((None, None, 1), name="image")
x = layers.Conv2D(out, kernel, strides=stride, use_bias=False, name=name)(x)
y = layers.ReLU()(batch_norm(y, name=f"{name}.norm1"))
stride = 2 if i > 0 and j == 0 else 1
x = x.transpose(0, 2, 3, 1)[:, ::2, 1 : n + 1, None]
batch_norm = partial(nnx.BatchNorm, momentum=0.9, epsilon=1e-5, use_fast_variance=False)
length = -(x**2) + 2 ** (n + 1) - self.width**-1 + (1).bit_length()
first, *rest = rest, first
kernel = (3, 3)
weights = {"stem": [1, 2], **others}
check = not (a and b) or (c or d) and e
name = f"{name}.{'a' if x else 'b'}.{i!r:>{width}}"
single = ("one",)
rows = (x[1, 2], x[(1, 2), 3], x[()], x[1,])
"""

SPLIT = """\
self.attention = nn.MultiheadAttention(
    embedding_size, heads, dropout=dropout, bias=False, batch_first=True, device=device
)
self.blocks = nn.Sequential(
    OrderedDict(
        attention=Attention(embedding_size, heads, dropout=dropout_probability, causal=causal),
        feed_forward=FeedForward(embedding_size, expansion * embedding_size, dropout=dropout),
        norm=nn.LayerNorm(embedding_size),
    )
)
total_loss = (
    cross_entropy(logits, labels, label_smoothing=0.1, reduction="mean") * main_weight
    + cross_entropy(auxiliary_logits, labels, label_smoothing=0.1) * auxiliary_weight
)
self.projection = (
    nn.Linear(in_features, out_features, bias=False, device=device, dtype=data_type)
    if in_features != out_features
    else nn.Identity()
)
return (
    hidden_state_of_the_last_layer,
    attention_weights_of_every_layer,
    cached_keys_and_values_of_every_layer,
)
"""


@pytest.mark.parametrize("source", [WRITTEN, SPLIT], ids=["lines", "split"])
def test_leaves_written_statements_alone(source: str) -> None:
    lines = [line for node in ast.parse(source).body for line in statement(node, 0)]
    assert "\n".join(lines) + "\n" == source


def test_written_statements_are_what_the_formatter_wants() -> None:
    source = (WRITTEN + SPLIT).rstrip("\n").replace("return (", "x = (")
    assert all_formatted([source]) == [source]


@pytest.mark.parametrize("indent", [0, 8, 20])
def test_random_statements_keep_their_meaning_and_their_layout(indent: int) -> None:
    source = random.Random(indent)
    head = "".join(" " * depth + "if x:\n" for depth in range(0, indent, 4))
    printed: list[str] = []
    for _ in range(700):
        text = random_statement(source)
        node = ast.parse(text).body[0]
        lines = statement(node, indent)
        if hasattr(node, "body"):
            lines = [*lines, " " * indent + "    pass"]
        plain = "\n".join(line[indent:] for line in lines)
        assert same(plain, text), text
        printed.append(head + "\n".join(lines))
    for before, after in zip(printed, all_formatted(printed), strict=True):
        assert _dense(before) == _dense(after)


def _dense(source: str) -> str:
    """Without empty lines: they are the business of the whole module."""
    return "\n".join(line for line in source.split("\n") if line)


def test_redundant_parentheses_vanish() -> None:
    node = ast.parse("x = ((a) + ((b * c))) - ((d))").body[0]
    assert statement(node, 0) == ["x = a + b * c - d"]


def test_breaking_depends_on_the_indentation() -> None:
    node = ast.parse("self.layer = function(" + ", ".join(["argument"] * 7) + ")").body[0]
    assert len(statement(node, 0)) == 1
    assert len(statement(node, 16)) == 3


def test_a_statement_without_a_form_is_refused() -> None:
    with pytest.raises(ValueError, match="no form for Try"):
        statement(ast.parse("try:\n    pass\nfinally:\n    pass").body[0], 0)


def test_a_field_that_older_pythons_cannot_read_is_refused() -> None:
    field = ast.FormattedValue(ast.Constant("a\"'\\b"), -1)
    node = ast.Expr(ast.JoinedStr([field]))
    with pytest.raises(ValueError, match="f-string"):
        statement(node, 0)


@pytest.mark.skipif(not TARGET.is_dir(), reason="the examples of the design are not beside this")
@pytest.mark.parametrize("framework", ["torch", "keras", "jax"])
def test_leaves_the_target_examples_alone(framework: str) -> None:
    source = (TARGET / f"{framework}_model.py").read_text(encoding="utf-8")
    rows = source.splitlines()
    compared = 0
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.stmt) or _is_text(node) or _is_elif(node, rows):
            continue
        lines = statement(node, node.col_offset)
        found = rows[node.lineno - 1 : node.lineno - 1 + len(lines)]
        assert lines == [row.split("  # ")[0] for row in found]
        compared += 1
    assert compared > 25


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_elif(node: ast.stmt, rows: list[str]) -> bool:
    return rows[node.lineno - 1].lstrip().startswith("elif")
