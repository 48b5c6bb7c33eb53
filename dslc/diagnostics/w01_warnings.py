"""W01xx: what is allowed, and probably not meant. From W0103 on each example is a whole spec."""

from __future__ import annotations

from dslc.diagnostics.catalogue import Entry
from dslc.diagnostics.examples import ANY_IMAGE, IMAGE, spec, steps

ENTRIES: dict[str, Entry] = {
    "W0101": Entry(
        "the rest of the line is read as a comment",
        "` #` begins a comment, also in the middle of a text. If the text was meant to go on, quote "
        "it; if a comment was meant, put a space after the `#`.",
        "doc: layer #3\n",
        'doc: "layer #3"\n',
    ),
    "W0102": Entry(
        "an anchor that nothing repeats",
        "`&name` marks a value so that `*name` can repeat it. Nothing does, so it may be text that "
        "was meant to begin with `&`, which needs quotes.",
        "doc: &b side by side\n",
        'doc: "&b side by side"\n',
    ),
    "W0103": Entry(
        "a value that nothing reads",
        "Neither an output nor the training section leads back to this step, so it is computed for "
        "nothing, and its weights are never trained.",
        spec(
            "steps:\n  - linear: 8\n    name: spare\n  - linear: 4\n    from: x\n    name: head\n"
        ),
        steps("- linear: 8\n  name: hidden\n- linear: 4\n  name: head"),
    ),
    "W0104": Entry(
        "a param that nothing reads",
        "No expression of its block, or of the file, uses it: setting it changes nothing.",
        steps("- linear: 16", head="params: {width: 16}\n"),
        steps("- linear: width", head="params: {width: 16}\n"),
    ),
    "W0105": Entry(
        "a block or model that nothing calls",
        "Neither the model nor the training section calls it, straight or through another block. Of "
        "several models, this is said where the spec names its `main`.",
        spec("blocks:\n  Two:\n    steps:\n      - relu\nsteps:\n  - relu\n"),
        spec("blocks:\n  Two:\n    steps:\n      - relu\nsteps:\n  - Two\n"),
    ),
    "W0106": Entry(
        "a bias before a batch norm",
        "A batch norm subtracts the mean of each channel, and any bias added before with it, and then "
        "adds a bias of its own. The first one only takes memory and time.",
        steps("- conv2d: {out: 8, kernel: 3}\n- batch_norm", IMAGE),
        steps("- conv2d: {out: 8, kernel: 3, bias: false}\n- batch_norm", IMAGE),
    ),
    "W0107": Entry(
        "a dropout right before an output",
        "In training it sets parts of the result itself to zero and scales up the rest, so the loss is "
        "computed on noise. It belongs before the last layer.",
        steps("- linear: 4\n- dropout: 0.5"),
        steps("- dropout: 0.5\n- linear: 4"),
    ),
    "W0108": Entry(
        "a softmax before a cross-entropy",
        "`cross_entropy` takes logits and applies the softmax itself, in the form that keeps its "
        "precision. A second softmax flattens the gradient, and training stalls.",
        spec(
            "  label: i64[N]\nsteps:\n  - linear: 4\n  - softmax:\n    name: shares\n"
            "  - cross_entropy:\n    from: [shares, label]\n"
        ),
        spec(
            "  label: i64[N]\nsteps:\n  - linear: 4\n    name: logits\n  - cross_entropy:\n"
            "    from: [logits, label]\n"
        ),
    ),
    "W0109": Entry(
        "unnamed steps with weights of one kind",
        "Without a name a step's weights are filed under its op and a number, in the order of the "
        "text: `linear`, `linear_1`. A step of the kind that is put in between renames all that "
        "follow, and weights that were saved no longer fit. Names stay.",
        steps("- linear: 8\n- relu\n- linear: 4"),
        steps("- linear: 8\n  name: hidden\n- relu\n- linear: 4\n  name: head"),
    ),
    "W0110": Entry(
        "a branch that is never taken",
        "The condition is false in every call, and no param of the file could make it true.",
        steps("- linear: 8\n  when: 1 > 2"),
        steps("- linear: 8\n  when: deep", head="params: {deep: false}\n"),
    ),
    "W0111": Entry(
        "a fact that says nothing",
        "It holds for every size, or follows from the other facts.",
        spec("where: [H >= 8, H >= 4]\nsteps:\n  - relu\n", ANY_IMAGE),
        spec("where: [H >= 8]\nsteps:\n  - relu\n", ANY_IMAGE),
    ),
    "W0112": Entry(
        "a batch norm that cannot be trained",
        "It has one value per channel, of which training leaves nothing, and PyTorch refuses to "
        "compute it there. A net that is only used says so: `freeze: true` at the step.",
        steps("- batch_norm", "f32[1, 8]"),
        steps("- batch_norm:\n  freeze: true", "f32[1, 8]"),
    ),
}
