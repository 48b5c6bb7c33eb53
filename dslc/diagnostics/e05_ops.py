"""E05xx: ops, their attributes and initialisers. Each `bad` and `good` is a whole spec."""

from __future__ import annotations

from dslc.diagnostics.catalogue import Entry
from dslc.diagnostics.examples import IMAGE, spec, steps


def _joined(inputs: str) -> str:
    """A spec with a block whose op, named by a param, has some inputs."""
    step = f"      - $op:\n        from: {inputs}\n"
    block = f"  Join:\n    params: {{op: str}}\n    steps:\n{step}"
    return spec(f"blocks:\n{block}steps:\n  - Join: {{op: sub}}\n")


ENTRIES: dict[str, Entry] = {
    "E0501": Entry(
        "no op is called so",
        "Ops are snake_case and have PyTorch's functional names where it has one. `dslc ops` lists "
        "them. Blocks are CamelCase.",
        steps("- lineer: 10"),
        steps("- linear: 10"),
    ),
    "E0502": Entry(
        "an op has no such attribute",
        "Each op takes the attributes on its page (`dslc ops NAME`) and no others, so a misspelt "
        "one is never silently without effect.",
        steps("- conv2d: {out: 8, kernal: 3}", IMAGE),
        steps("- conv2d: {out: 8, kernel: 3}", IMAGE),
    ),
    "E0503": Entry(
        "two attributes exclude each other, or one of them is needed",
        "Some attributes are two ways to say the same: `split` takes `parts` (how many equal ones) "
        "or `sizes` (the size of each), and exactly one of the two.",
        steps("- split: {axis: 1}\n  name: parts"),
        steps("- split: {axis: 1, parts: 2}\n  name: parts"),
    ),
    "E0504": Entry(
        "a value that the slot does not take",
        "The message says what is taken: a kind of value and its bounds, or a choice of words.",
        steps("- linear: 0"),
        steps("- linear: 1"),
    ),
    "E0505": Entry(
        "a required attribute is missing",
        "The attribute has no default: without it the op means nothing.",
        steps("- conv2d: {out: 8}", IMAGE),
        steps("- conv2d: {out: 8, kernel: 3}", IMAGE),
    ),
    "E0506": Entry(
        "a bare value, and no attribute that it could set",
        "`- linear: 10` sets the attribute that an op is mostly about. This op has none such; its "
        "attributes are given by name.",
        steps("- batch_norm: 0.1", IMAGE),
        steps("- batch_norm: {momentum: 0.1}", IMAGE),
    ),
    "E0507": Entry(
        "a list that makes no sense for this attribute",
        "A permutation names each axis once, a reduction names no axis twice, a new shape holds at "
        "most one -1.",
        steps("- transpose: [0, 0]"),
        steps("- transpose: [1, 0]"),
    ),
    "E0508": Entry(
        "this is not how an initialiser is written",
        "An initialiser is a word (`zeros`), or a mapping of the word to its number "
        "(`{normal: 0.02}`) or numbers (`{normal: {std: 0.02}}`).",
        steps("- linear: 4\n  init: {weight: [normal, 0.02]}"),
        steps("- linear: 4\n  init: {weight: {normal: 0.02}}"),
    ),
    "E0509": Entry(
        "a pool's padding is more than half of its kernel",
        "With so much padding a window could lie in the padding alone and hold nothing.",
        steps("- max_pool2d: {kernel: 2, padding: 2}", IMAGE),
        steps("- max_pool2d: {kernel: 4, padding: 2}", IMAGE),
    ),
    "E0510": Entry(
        "no initialiser is called so",
        "The initialisers are zeros, ones, constant, normal, truncated_normal, uniform, "
        "kaiming_uniform, kaiming_normal, xavier_uniform, xavier_normal, lecun_normal and "
        "orthogonal.",
        steps("- linear: 4\n  init: {weight: zeroes}"),
        steps("- linear: 4\n  init: {weight: zeros}"),
    ),
    "E0511": Entry(
        "an initialiser for a weight that the op does not have",
        "`init` names the op's own weights, as its page lists them (`dslc ops NAME`). A `linear` "
        "with `bias: false` has no `bias`.",
        steps("- linear: {out: 4, bias: false}\n  init: {bias: zeros}"),
        steps("- linear: 4\n  init: {bias: zeros}"),
    ),
    "E0512": Entry(
        "a tie of a weight that the op does not have",
        "`tie` names one of the op's own weights first, then the weight that it is.",
        steps(
            "- embedding: {vocab: 9, dim: 4}\n  name: wte\n- linear: {out: 9, bias: false}\n"
            "  tie: {kernel: wte.weight}",
            "i64[N, T]",
        ),
        steps(
            "- embedding: {vocab: 9, dim: 4}\n  name: wte\n- linear: {out: 9, bias: false}\n"
            "  tie: {weight: wte.weight}",
            "i64[N, T]",
        ),
    ),
    "E0513": Entry(
        "a number that an initialiser does not take",
        "Deviations and bounds are numbers of at least 0.",
        steps("- linear: 4\n  init: {weight: {normal: -0.1}}"),
        steps("- linear: 4\n  init: {weight: {normal: 0.1}}"),
    ),
    "E0514": Entry(
        "an initialiser that needs a weight of two axes",
        "Kaiming's, Xavier's and LeCun's rules count what a weight connects, which a vector does "
        "not have.",
        steps("- linear: 4\n  init: {bias: kaiming_normal}"),
        steps("- linear: 4\n  init: {weight: kaiming_normal}"),
    ),
    "E0520": Entry(
        "a param names an op that there is not",
        "`- $act` applies the op whose name the param `act` has: an op, and no block or structure.",
        steps("- $act", head="params: {act: str = rellu}\n"),
        steps("- $act", head="params: {act: str = relu}\n"),
    ),
    "E0521": Entry(
        "inputs by name, for an op that differs from call to call",
        "What an op's inputs are called depends on the op. Where a block's param names it, each call "
        "may bring another one, so the step lists its inputs in the op's order.",
        _joined("{input: x, other: x}"),
        _joined("[x, x]"),
    ),
    "E0522": Entry(
        "an op with weights, and another one in another round of a loop",
        "A param may name a step's op, one for each call of a block. Where it is another op from "
        "round to round of one loop, the rounds are one piece of code with the ops side by side, "
        "and two ops with weights cannot both be called as the step is.",
        steps("- $op:\n  repeat: {over: [\"'layer_norm'\", \"'rms_norm'\"], as: op}"),
        steps("- $op:\n  repeat: {over: [\"'relu'\", \"'tanh'\"], as: op}"),
    ),
    "E0541": Entry(
        "an op that a formula cannot call",
        "A formula (`expr`) computes with each element alone: its functions are the activations "
        "and the arithmetic that have no weights and reduce nothing. Any other op is a step of its "
        "own, whose value a formula reads by its `name`.",
        steps("- expr: softmax(x) * 2"),
        steps("- softmax\n- expr: x * 2"),
    ),
}
