"""E06xx: the structure of a spec, its keys and sections. Each `bad` and `good` is a whole spec."""

from __future__ import annotations

from dslc.diagnostics.catalogue import Entry
from dslc.diagnostics.examples import spec, steps

_RELU = "steps:\n  - relu\n"
_BODY = 'inputs: {x: "f32[N, 8]"}\nsteps:\n  - relu\n'

_HEAD = "dslc: 1\nname: Net\n"
_MODELS = """\
models:
  Encoder:
    inputs: {x: "f32[N, 8]"}
    steps:
      - linear: 4
"""
_CALLER = """\
  Classifier:
    inputs: {x: "f32[N, 8]"}
    steps:
      - Encoder:
"""

ENTRIES: dict[str, Entry] = {
    "E0601": Entry(
        "a text is expected",
        "This place holds a word or a line of text, not a list or a mapping.",
        spec("doc: [a, b]\n" + _RELU),
        spec("doc: a and b\n" + _RELU),
    ),
    "E0602": Entry(
        "a key that nothing reads",
        "Each section takes the keys of the language and no others, so a misspelt one is never "
        "silently without effect.",
        spec("step:\n  - relu\n" + _RELU),
        spec(_RELU),
    ),
    "E0603": Entry(
        "a mapping is expected",
        "This place holds `key: value` lines (or `{key: value}`).",
        spec(_RELU, head="params: [classes]\n"),
        spec(_RELU, head="params: {classes: 10}\n"),
    ),
    "E0604": Entry(
        "a list is expected",
        "This place holds items, each on a line behind `- ` (or `[a, b]`).",
        spec("steps: relu\n"),
        spec(_RELU),
    ),
    "E0605": Entry(
        "a step is an op's name or a mapping with one",
        "`- relu`, `- linear: 10` and `- conv2d: {out: 64, kernel: 3}` are steps. A list or an "
        "empty item is none.",
        steps("- [relu, relu]"),
        steps("- relu\n- relu"),
    ),
    "E0606": Entry(
        "a step says nothing to do",
        "Beside the reserved keys (`name`, `from`, `when`, …) a step has one key that is an op, a "
        "block or a structure.",
        steps("- name: act"),
        steps("- relu:\n  name: act"),
    ),
    "E0607": Entry(
        "a step has two things to do",
        "A step has one op, block or structure. The second one is either a step of its own, which "
        "needs `- ` before it, or a misspelt reserved key.",
        steps("- linear: 8\n  relu:"),
        steps("- linear: 8\n- relu"),
    ),
    "E0608": Entry(
        "a structure lacks one of its parts",
        "`residual` has a `main` path (and perhaps a `shortcut`), `parallel` has `branches`.",
        steps("- residual:\n    shortcut:\n      - relu"),
        steps("- residual:\n    main:\n      - relu"),
    ),
    "E0609": Entry(
        "`repeat` takes either `times` or `over`",
        "`times: n` counts; `over: list` runs once for each item. One of the two says how often.",
        steps("- relu:\n  repeat: {index: i}"),
        steps("- relu:\n  repeat: {times: 3, index: i}"),
    ),
    "E0610": Entry(
        "a spec is a mapping",
        "A spec is a mapping of sections, beginning with `dslc: 1` and `name`.",
        "- relu\n- linear: 10\n",
        steps("- relu\n- linear: 10"),
    ),
    "E0611": Entry(
        "the language's version is missing or not known",
        "`dslc: 1` says which version of the language the file is written in.",
        "name: Net\n" + _BODY,
        "dslc: 1\nname: Net\n" + _BODY,
    ),
    "E0612": Entry(
        "the spec has no name, or none in CamelCase",
        "The name becomes the class of the generated model.",
        "dslc: 1\nname: my-net\n" + _BODY,
        "dslc: 1\nname: MyNet\n" + _BODY,
    ),
    "E0613": Entry(
        "a block's name is in CamelCase",
        "Each block becomes a class of its name; snake_case names are ops.",
        spec("blocks:\n  two_layers:\n    steps:\n      - relu\n" + _RELU),
        spec("blocks:\n  TwoLayers:\n    steps:\n      - relu\n" + _RELU),
    ),
    "E0614": Entry(
        "there are no steps",
        "A spec and each of its blocks list what they compute under `steps`, a `group` or `residual` "
        "below its name.",
        spec(""),
        spec(_RELU),
    ),
    "E0615": Entry(
        "the spec has no inputs",
        "A model's inputs are where its sizes come from: each has a name and a type.",
        "dslc: 1\nname: Net\n" + _RELU,
        "dslc: 1\nname: Net\n" + _BODY,
    ),
    "E0616": Entry(
        "`repeat` counts with a whole number",
        "A step runs 0, 1, 2, … times; 0 makes it absent.",
        steps("- relu:\n  repeat: 2 - 3"),
        steps("- relu:\n  repeat: 3 - 2"),
    ),
    "E0617": Entry(
        "`when` takes a condition",
        "A condition is true or false: a comparison, or a bool param.",
        steps("- relu:\n  when: width", head="params: {width: 16}\n"),
        steps("- relu:\n  when: width > 8", head="params: {width: 16}\n"),
    ),
    "E0618": Entry(
        "a type is expected",
        "A type is a text such as `f32[N, 3, H, W]`. Inside `{…}` and `[…]` it needs quotes, since "
        "YAML would read its brackets as a list.",
        "dslc: 1\nname: Net\ninputs: {x: [N, 8]}\n" + _RELU,
        "dslc: 1\nname: Net\n" + _BODY,
    ),
    "E0619": Entry(
        "an expression or a list is expected",
        "This place holds a number, an expression or a list of them, and not a mapping.",
        steps("- conv1d: {out: 4, kernel: {size: 3}}", "f32[N, 4, L]"),
        spec("where: [L >= 3]\nsteps:\n  - conv1d: {out: 4, kernel: 3}\n", "f32[N, 4, L]"),
    ),
    "E0620": Entry(
        "a word is expected",
        "This place holds one word; `$name` takes a param's value.",
        steps("- cast: [f16]"),
        steps("- cast: f16"),
    ),
    "E0621": Entry(
        "`over` takes a list, and `as` fits its items",
        "`repeat: {over: list, as: item}` runs once for each item. `as: [a, b]` unpacks items that "
        "are lists of two.",
        steps("- linear: width\n  repeat: {over: widths, as: width}", head="params: {widths: 8}\n"),
        steps(
            "- linear: width\n  repeat: {over: widths, as: width}", head="params: {widths: [8]}\n"
        ),
    ),
    "E0622": Entry(
        "`init` or `tie` beside something that is no op",
        "They speak of the weights of one op. A block or structure owns none itself: the steps "
        "inside do.",
        steps("- group:\n    - linear: 4\n  init: {weight: zeros}"),
        steps("- group:\n    - linear: 4\n      init: {weight: zeros}"),
    ),
    "E0623": Entry(
        "`true` or `false` is expected",
        "YAML 1.2 knows no other words for them: `yes`, `no`, `on` and `off` are texts.",
        steps("- linear: 4\n  freeze: yes"),
        steps("- linear: 4\n  freeze: true"),
    ),
    "E0631": Entry(
        "`models` beside a model of the spec's own",
        "A spec is one model, with `inputs`, `steps` and `outputs`, or lists several under `models`, "
        "each with its own.",
        spec(_MODELS + _RELU),
        _HEAD + _MODELS,
    ),
    "E0632": Entry(
        "`main` names no model",
        "`main` says which of the spec's `models` is exported and summarised.",
        _HEAD + "main: Decoder\n" + _MODELS,
        _HEAD + "main: Encoder\n" + _MODELS,
    ),
    "E0633": Entry(
        "`freeze` at a call of a model",
        "A model has one set of weights wherever it is called, so no single call can freeze them. "
        "`freeze` stands at the steps inside the model.",
        _HEAD + _MODELS + _CALLER + "        freeze: true\n",
        _HEAD + _MODELS + _CALLER,
    ),
    "E0634": Entry(
        "a model without outputs",
        "`outputs` names the values that a model gives. Without the key it gives its last step's value "
        "as `output`; with an empty one it would compute for nothing.",
        steps("- linear: 4") + "outputs: {}\n",
        steps("- linear: 4\n  name: score") + "outputs: {y: score}\n",
    ),
    "E0641": Entry(
        "`expr` takes a formula of values",
        "A formula is a text that computes with at least one value: `x`, which is the previous one, "
        "or any other by its name. A value of numbers alone is a `constant`.",
        steps("- expr: 2 * 3"),
        steps("- expr: 2 * x"),
    ),
    "E0642": Entry(
        "`from` gives a formula what it does not read",
        "Beside `expr`, `from` says what `x` is, or names values: `from: {a: lstm.state}`. What the "
        "formula does not read would be without effect.",
        steps("- relu:\n  name: y\n- expr: 2 * y\n  from: y"),
        steps("- relu:\n  name: y\n- expr: 2 * x\n  from: y"),
    ),
    "E0650": Entry(
        "`scan` lacks what it runs over",
        "`over: {x: sequence}` runs over the time axis of one or more values; without it, `times: n` "
        "says how often, and the `carry` is what the rounds work on. One of the two says how often.",
        steps("- scan:\n    carry: {h: x}\n    steps:\n      - relu\n    next: {h: h}"),
        steps(
            "- scan:\n    times: 3\n    carry: {h: x}\n    steps:\n      - relu:\n        name: y\n"
            "    next: {h: y}"
        ),
    ),
    "E0651": Entry(
        "`carry` and `next` do not name the same",
        "`carry` says from what each carried value starts, and `next`, under the same name, which "
        "step's value it has in the next round.",
        steps("- scan:\n    over: {v: x}\n    carry: {h: x}\n    steps:\n      - relu", "f32[8]"),
        steps(
            "- reduce_sum: {axis: 0}\n  name: start\n- scan:\n    over: {v: x}\n    carry: {h: start}\n"
            "    steps:\n      - add:\n        from: [v, h]\n        name: sum\n    next: {h: sum}",
            "f32[8]",
        ),
    ),
    "E0652": Entry(
        "`from` beside a `scan`",
        "A scan has inputs of two kinds, so it names them inside: `over` are the sequences, `carry` "
        "the values that its carries start from. Whatever else is visible can be read inside.",
        steps("- scan:\n    over: {v: x}\n    steps:\n      - relu\n  from: x", "f32[N, T, 8]"),
        steps("- scan:\n    over: {v: x}\n    steps:\n      - relu", "f32[N, T, 8]"),
    ),
}
