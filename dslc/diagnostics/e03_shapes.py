"""E03xx: shapes and types of steps. Each `bad` and `good` is a whole spec."""

from __future__ import annotations

from dslc.diagnostics.catalogue import Entry
from dslc.diagnostics.examples import ANY_IMAGE, IMAGE, spec, steps

ENTRIES: dict[str, Entry] = {
    "E0301": Entry(
        "a size must divide another, and does not",
        "Groups cut the channels of a convolution into equal parts, and heads cut the width of "
        "attention: the number of parts must divide the size. The message names both.",
        steps("- conv2d: {out: 64, kernel: 3, groups: 2}", IMAGE),
        steps("- conv2d: {out: 63, kernel: 3, groups: 3}", IMAGE),
    ),
    "E0302": Entry(
        "a size rule can be neither shown nor refuted",
        "dslc proves that each step is legal for every size that the facts allow. Here it found "
        "neither a proof nor a counterexample. State the fact under `where`; the generated model "
        "checks it at its entry.",
        spec(
            "where: [4 * A >= (H + W) ** 2]\nsteps:\n  - slice: {axis: 2, start: 0, stop: H * W}\n",
            "f32[H, W, A]",
        ),
        spec(
            "where: [A >= H * W]\nsteps:\n  - slice: {axis: 2, start: 0, stop: H * W}\n",
            "f32[H, W, A]",
        ),
    ),
    "E0303": Entry(
        "a value has the wrong number of axes",
        "Each op says how many axes it takes: `conv2d` takes `[N, C, H, W]`, `lstm` `[N, T, D]`. "
        "Reshape the value, or choose the op for its rank.",
        steps("- conv2d: {out: 4, kernel: 3}"),
        steps("- conv2d: {out: 4, kernel: 3}", IMAGE),
    ),
    "E0304": Entry(
        "two sizes must be equal, and differ",
        "`add`, `mul` and residual paths need equal shapes (or an axis of size 1), `concat` equal "
        "shapes but for its axis, `matmul` equal inner sizes. Where sizes are symbolic they must be "
        "equal for all values: the message gives the smallest counterexample, and help the fact "
        "under which it holds.",
        steps("- residual:\n    - conv2d: {out: 64, kernel: 3, padding: 1}", IMAGE),
        steps(
            "- residual:\n    main:\n      - conv2d: {out: 64, kernel: 3, padding: 1}\n"
            "    shortcut:\n      - conv2d: {out: 64, kernel: 1}",
            IMAGE,
        ),
    ),
    "E0305": Entry(
        "two values must have one dtype, and differ",
        "Ops of several values take one dtype; nothing is converted silently. Convert one of them "
        "with `cast`.",
        steps("- cast: f16\n  name: half\n- add:\n  from: [x, half]"),
        steps("- cast: f16\n  name: half\n- cast: f32\n  name: full\n- add:\n  from: [x, full]"),
    ),
    "E0306": Entry(
        "a new shape holds another number of elements",
        "`reshape` keeps every element: the product of the new sizes equals that of the old. One "
        "size may be -1 and is found from the rest.",
        steps("- reshape: [N, 3, 3]"),
        steps("- reshape: [N, 2, -1]"),
    ),
    "E0307": Entry(
        "the parts of a split do not add up to the axis",
        "Equal parts need a size that divides by their number; given sizes must add up to the "
        "axis's size.",
        steps("- split: 3\n  name: parts"),
        steps("- split: 4\n  name: parts"),
    ),
    "E0308": Entry(
        "a place lies outside the axis",
        "`index` lies within the axis, and `start` to `stop` is a range of at least one place in "
        "it. Negative places count from the end.",
        steps("- slice: {axis: 1, start: 4, stop: 9}"),
        steps("- slice: {axis: 1, start: 4, stop: 8}"),
    ),
    "E0309": Entry(
        "a condition on sizes is not the same for every size",
        "`when` and `repeat` shape the network once, when the spec is compiled, so a condition on a "
        "symbol must come out the same for all of its values. A fact under `where` can decide it; "
        "otherwise use a param.",
        steps("- max_pool2d: 2\n  when: H > 64", ANY_IMAGE),
        spec("where: [H > 64]\nsteps:\n  - max_pool2d: 2\n    when: H > 64\n", "f32[N, 3, H, H]"),
    ),
    "E0310": Entry(
        "this states no fact about sizes",
        "An item of `where` compares sizes: `H % 2 == 0`, `T <= 512`. Facts are about symbols, and "
        "several are written as several items (or joined by `and`).",
        spec("where: [N + 1]\nsteps:\n  - relu\n"),
        spec("where: [N >= 2]\nsteps:\n  - relu\n"),
    ),
    "E0311": Entry(
        "a call does not fulfil what the block needs",
        "A block's `where` is a promise that each caller keeps. The sizes of this call break it, or "
        "it cannot be shown that they keep it.",
        spec(
            'blocks:\n  Halve:\n    inputs: {x: "f32[N, C, H, W]"}\n    where: [H % 2 == 0]\n'
            "    steps:\n      - max_pool2d: 2\nsteps:\n  - Halve\n",
            ANY_IMAGE,
        ),
        spec(
            "where: [H % 2 == 0, W >= 2]\n"
            'blocks:\n  Halve:\n    inputs: {x: "f32[N, C, H, W]"}\n    where: [H % 2 == 0]\n'
            "    steps:\n      - max_pool2d: 2\nsteps:\n  - Halve\n",
            ANY_IMAGE,
        ),
    ),
    "E0312": Entry(
        "the value has no such axis",
        "Axes count from 0, or with a minus from the last: a value of three axes has 0, 1, 2 and "
        "-1, -2, -3.",
        steps("- softmax: 2"),
        steps("- softmax: 1"),
    ),
    "E0313": Entry(
        "no sizes fulfil the facts together",
        "The facts under `where` contradict each other, so no input could ever enter the model.",
        spec("where: [N >= 8, N < 4]\nsteps:\n  - relu\n"),
        spec("where: [N >= 4, N < 8]\nsteps:\n  - relu\n"),
    ),
    "E0314": Entry(
        "a model's input states every axis",
        "A block may leave axes open, since its caller brings them. A model's inputs are where "
        "sizes come from: each axis is a number, an expression over params, or a symbol.",
        steps("- relu", "f32[..., 8]"),
        steps("- relu", "f32[N, T, 8]"),
    ),
    "E0315": Entry(
        "a size is a positive integer",
        "Each axis of an input has a size of at least 1. A symbol stands for any such integer.",
        steps("- relu", "f32[N, 0]"),
        steps("- relu", "f32[N, 1]"),
    ),
    "E0316": Entry(
        "a value is not of the type stated for it",
        "`type` beside a step, and the types of a block's inputs, are checked against what is "
        "found: dtype, number of axes and each size. A symbol that is new there takes the size "
        "that it finds.",
        steps("- linear: 10\n  type: f32[N, 12]"),
        steps("- linear: 10\n  type: f32[N, 10]"),
    ),
    "E0319": Entry(
        "a window does not fit into its input",
        "A convolution or pool needs an input, padding included, at least as large as its window "
        "(kernel and dilation). Where the size is symbolic, a fact such as `H >= 7` rules out the "
        "small ones.",
        steps("- conv2d: {out: 4, kernel: 7}", ANY_IMAGE),
        spec(
            "where: [H >= 7, W >= 7]\nsteps:\n  - conv2d: {out: 4, kernel: 7}\n",
            ANY_IMAGE,
        ),
    ),
    "E0320": Entry(
        "an op does not take values of this dtype",
        "Ops say what they take: most take floats, `embedding` takes integers, a mask is bool. "
        "`cast` converts.",
        steps("- embedding: {vocab: 10, dim: 4}"),
        steps("- embedding: {vocab: 10, dim: 4}", "i64[N, T]"),
    ),
    "E0321": Entry(
        "the size of a weight depends on the input",
        "A weight is made once and serves every input, so its sizes are numbers when the spec is "
        "compiled. A `linear` behind a `flatten` of symbolic height and width would need as many "
        "columns as the image has pixels. Fix the sizes of the input, or pool to a fixed size.",
        steps("- flatten\n- linear: 10", ANY_IMAGE),
        steps("- global_avg_pool\n- linear: 10", ANY_IMAGE),
    ),
    "E0322": Entry(
        "a tied weight has another shape",
        "A tied weight exists once, so both places need the same shape and dtype. An embedding's "
        "table of `[vocab, dim]` fits a `linear` from `dim` to `vocab`.",
        steps(
            "- embedding: {vocab: 100, dim: 64}\n  name: wte\n- linear: {out: 50, bias: false}\n"
            "  tie: {weight: wte.weight}",
            "i64[N, T]",
        ),
        steps(
            "- embedding: {vocab: 100, dim: 64}\n  name: wte\n- linear: {out: 100, bias: false}\n"
            "  tie: {weight: wte.weight}",
            "i64[N, T]",
        ),
    ),
    "E0323": Entry(
        "shared weights that do not fit every run",
        "`reuse` and `share: true` run a step several times with one set of weights, so every run needs "
        "inputs with the same channels or features.",
        steps("- linear: 4\n  name: narrow\n- reuse: narrow"),
        steps("- linear: 8\n  name: same\n- reuse: same"),
    ),
    "E0324": Entry(
        "an axis may be empty here",
        "A fact such as `P >= 0` lets a size be zero, as the length of an empty cache. Few ops take a "
        "value without elements: a greatest or a mean of nothing has no meaning, and a size that "
        "`reshape` is to find is not known where the others are zero. Join the value with one that "
        "has elements first, or let the size be at least 1.",
        spec("where: [P >= 0]\nsteps:\n  - reduce_max: 1\n", "f32[N, P, 4]"),
        spec("where: [P >= 0]\nsteps:\n  - reduce_sum: 1\n", "f32[N, P, 4]"),
    ),
    "E0325": Entry(
        "an axis of a model's input is computed from symbols",
        "Each axis of a model's input is a number, an expression over params, or a symbol of its own: "
        "that is what an input's size is read into. A relation between sizes is a fact, which the "
        "generated model checks.",
        steps("- relu", "f32[N, H, H + 1]"),
        spec("where: [W == H + 1]\nsteps:\n  - relu\n", "f32[N, H, W]"),
    ),
    "E0326": Entry(
        "a size is not positive for every input",
        "An expression such as `T - 3` is a size only where it is at least 1, and the checker accepts "
        "what is right for every size that the facts allow. State a fact that keeps it positive, or "
        "write it so that it always is: `max(T - 3, 1)`.",
        spec("steps:\n  - tile: [1, T - 3, 1]\n", "f32[N, T, 4]"),
        spec("where: [T >= 4]\nsteps:\n  - tile: [1, T - 3, 1]\n", "f32[N, T, 4]"),
    ),
    "E0327": Entry(
        "a norm over one element",
        "A norm subtracts the mean: of a single element nothing is left, whatever its value, and "
        "PyTorch refuses to compute it. State that there are at least two.",
        steps("- instance_norm", ANY_IMAGE),
        spec("where: [H >= 2]\nsteps:\n  - instance_norm\n", ANY_IMAGE),
    ),
    "E0330": Entry(
        "values that a scan runs over differ in length",
        "A round sees one place of each sequence in `over`, so all of them are equally long: the same "
        "symbol, or a fact in `where` that makes their sizes equal.",
        spec(
            "steps:\n  - slice: {axis: 1, start: 1}\n    name: later\n  - scan:\n"
            "      over: {now: x, then: later}\n      steps:\n        - sub:\n"
            "          from: [then, now]\n",
            "f32[N, 9, 8]",
        ),
        spec(
            "steps:\n  - slice: {axis: 1, start: 1}\n    name: later\n"
            "  - slice: {axis: 1, stop: -1}\n    name: sooner\n    from: x\n  - scan:\n"
            "      over: {now: sooner, then: later}\n      steps:\n        - sub:\n"
            "          from: [then, now]\n",
            "f32[N, 9, 8]",
        ),
    ),
    "E0331": Entry(
        "a scan may have no round",
        "A scan stacks what its rounds hand out, so there is at least one. A size is at least 1 unless "
        "a fact such as `P >= 0` lets it be zero.",
        spec(
            "where: [T >= 0]\nsteps:\n  - scan:\n      over: {v: x}\n      steps:\n        - relu\n",
            "f32[N, T, 8]",
        ),
        spec(
            "steps:\n  - scan:\n      over: {v: x}\n      steps:\n        - relu\n", "f32[N, T, 8]"
        ),
    ),
    "E0332": Entry(
        "a carry has another type after a round",
        "What a scan carries has one type for all rounds: `next` names a value of the dtype and shape "
        "that the carry starts with.",
        spec(
            "steps:\n  - reduce_sum: {axis: 1}\n    name: start\n  - scan:\n"
            "      over: {v: x}\n      carry: {h: start}\n      steps:\n        - concat: -1\n"
            "          from: [v, h]\n          name: both\n      next: {h: both}\n",
            "f32[N, T, 8]",
        ),
        spec(
            "steps:\n  - reduce_sum: {axis: 1}\n    name: start\n  - scan:\n"
            "      over: {v: x}\n      carry: {h: start}\n      steps:\n        - concat: -1\n"
            "          from: [v, h]\n        - linear: 8\n          name: new\n      next: {h: new}\n",
            "f32[N, T, 8]",
        ),
    ),
}
