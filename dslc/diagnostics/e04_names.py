"""E04xx: names and references. Each `bad` and `good` is a whole spec."""

from __future__ import annotations

from dslc.diagnostics.catalogue import Entry
from dslc.diagnostics.examples import spec, steps

_TWO = "  Two:\n    steps:\n      - relu\n"

_LEVELS = "- group:\n    - linear: 8\n      name: wide\n    - relu\n  name: level\n  repeat: 3\n"

ENTRIES: dict[str, Entry] = {
    "E0401": Entry(
        "an expression uses a name that nothing defines",
        "Expressions see the params of the block and of the file, the names that `repeat` binds, "
        "and dims. Names of params begin with a lower-case letter, symbols of sizes with a capital "
        "one, so a misspelt param is never a new symbol.",
        steps("- linear: wdith", head="params: {width: 16}\n"),
        steps("- linear: width", head="params: {width: 16}\n"),
    ),
    "E0402": Entry(
        "a name is not in snake_case",
        "Steps, inputs, outputs and loop variables are written in lower-case letters, digits and "
        "`_`, beginning with a letter. CamelCase names are blocks and models.",
        steps("- relu:\n  name: Act"),
        steps("- relu:\n  name: act"),
    ),
    "E0403": Entry(
        "a name is given twice in one scope",
        "In one scope each step, input and param has a name of its own, since references and "
        "weight paths go by it. An inner scope may use an outer name again.",
        steps("- linear: 8\n  name: fc\n- linear: 10\n  name: fc"),
        steps("- linear: 8\n  name: fc1\n- linear: 10\n  name: fc2"),
    ),
    "E0404": Entry(
        "a reference to a value that is not there",
        "`from` and `outputs` refer to inputs and to named steps further up, in this scope or one "
        "around it. A block sees only its own inputs.",
        steps("- linear: 8\n  name: hidden\n- add:\n  from: [hidden, hiden]"),
        steps("- linear: 8\n  name: hidden\n- add:\n  from: [hidden, x]"),
    ),
    "E0405": Entry(
        "no block is called so",
        "CamelCase names are blocks; they are declared under `blocks` of the same file.",
        spec(f"blocks:\n{_TWO}steps:\n  - Too\n"),
        spec(f"blocks:\n{_TWO}steps:\n  - Two\n"),
    ),
    "E0406": Entry(
        "the number of inputs is wrong",
        "An op or block takes as many values as it declares. Without `from` a step takes the "
        "previous value as its first input; the others are given by `from: [a, b]` or "
        "`from: {name: value}`.",
        steps("- matmul"),
        spec("  y: f32[8, 4]\nsteps:\n  - matmul:\n    from: [x, y]\n"),
    ),
    "E0407": Entry(
        "blocks call each other without end",
        "A block cannot hold itself, straight or through another. `repeat` runs a step several "
        "times.",
        spec(
            "blocks:\n  One:\n    steps:\n      - Two\n  Two:\n    steps:\n      - One\n"
            "steps:\n  - One\n"
        ),
        spec(f"blocks:\n  One:\n    steps:\n      - Two\n{_TWO}steps:\n  - One\n"),
    ),
    "E0408": Entry(
        "a step has no such output",
        "`name.output` takes a further output of a step that has several: `lstm` has `sequence`, "
        "`last` and `state`, a `split` has `0`, `1`, …. The bare name is the first.",
        steps("- lstm: 8\n  name: memory\n- relu:\n  from: memory.cell", "f32[N, T, 4]"),
        steps("- lstm: 8\n  name: memory\n- relu:\n  from: memory.state", "f32[N, T, 4]"),
    ),
    "E0409": Entry(
        "a tie to a weight that is not there",
        "`tie` names a weight of a step further up by its path, such as `wte.weight`. It is looked "
        "up from the inner scope outwards.",
        steps(
            "- embedding: {vocab: 9, dim: 4}\n  name: wte\n- linear: {out: 9, bias: false}\n"
            "  tie: {weight: wpe.weight}",
            "i64[N, T]",
        ),
        steps(
            "- embedding: {vocab: 9, dim: 4}\n  name: wte\n- linear: {out: 9, bias: false}\n"
            "  tie: {weight: wte.weight}",
            "i64[N, T]",
        ),
    ),
    "E0410": Entry(
        "a step has a name that its layer cannot have",
        "A step's name becomes an attribute of a module in PyTorch and Flax and a part of its "
        "weights' paths, so Python's keywords and what the frameworks' own classes define are "
        "taken, on every backend alike.",
        bad="""\
dslc: 1
name: Net
inputs: {x: "f32[N, 4]"}
steps:
  - linear: 4
    name: train
""",
        good="""\
dslc: 1
name: Net
inputs: {x: "f32[N, 4]"}
steps:
  - linear: 4
    name: trained
""",
    ),
    "E0411": Entry(
        "a reference into a repeat does not say which instance",
        "A repeated structure has a value of each name in every instance: `down.0.skip` and "
        "`down[i + 1].skip` choose one, and `down.*.skip` in a list stands for all, in order.",
        steps(f"{_LEVELS}- add:\n  from: [level, level.wide]"),
        steps(f"{_LEVELS}- add:\n  from: [level, level.0.wide]"),
    ),
    "E0412": Entry(
        "an instance that is not there",
        "The instances of a repeat count from 0, and the index of a reference is one of them.",
        steps(f"{_LEVELS}- add:\n  from: [level, level.3.wide]"),
        steps(f"{_LEVELS}- add:\n  from: [level, level.2.wide]"),
    ),
    "E0413": Entry(
        "several values where one is expected",
        "`*` stands for the value of every instance. Only a list of inputs of an op that takes any "
        "number, such as `concat` and `add`, has room for them.",
        steps(f"{_LEVELS}- relu:\n  from: level.*.wide"),
        steps(f"{_LEVELS}- add:\n  from: [level.*.wide]"),
    ),
    "E0414": Entry(
        "a text that is no reference",
        "A reference is the name of an input or step, or a path that goes on with `.name`, `.0`, "
        "`[index]` or `.*`. Values are computed by steps, not in references.",
        steps("- linear: 8\n  name: wide\n- relu:\n  from: wide + x"),
        steps("- linear: 8\n  name: wide\n- add:\n  from: [wide, x]"),
    ),
    "E0415": Entry(
        "an index where there is nothing to choose",
        "Only a step that repeats, or a structure with branches in a list, has instances to choose "
        "from; inside a structure the instance is given by a number.",
        steps("- linear: 8\n  name: wide\n- relu:\n  from: wide[1 - 1]"),
        steps("- linear: 8\n  name: wide\n- relu:\n  from: wide"),
    ),
    "E0416": Entry(
        "`reuse` of what is no step",
        "`reuse` runs a named step further up once more, with the same weights, on another input.",
        steps("- linear: 8\n  name: encode\n- reuse: encoder"),
        steps("- linear: 8\n  name: encode\n- reuse: encode"),
    ),
    "E0417": Entry(
        "a repeated step that chooses its first input",
        "Each instance of a repeat reads the value of the one before; what changes with the index is "
        "a further input.",
        steps(
            f"{_LEVELS}- add:\n  name: sums\n  repeat: {{times: 3, index: i}}\n"
            '  from: ["level[i].wide", level]'
        ),
        steps(
            f"{_LEVELS}- add:\n  name: sums\n  repeat: {{times: 3, index: i}}\n"
            '  from: [level, "level[i].wide"]'
        ),
    ),
    "E0418": Entry(
        "a reference to a step that is absent and has no value",
        "A step whose `when` is false, or that repeats 0 times, has the value of its first input. "
        "One without inputs, such as `parameter`, then has none, and only a step that is absent "
        "too may read it.",
        steps(
            "- parameter: {shape: [8]}\n  name: scale\n  when: learned\n- mul:\n  from: [x, scale]",
            head="params: {learned: false}\n",
        ),
        steps(
            "- parameter: {shape: [8]}\n  name: scale\n  when: learned\n- mul:\n  from: [x, scale]\n"
            "  when: learned",
            head="params: {learned: false}\n",
        ),
    ),
}
