"""E08xx: the training section. Each `bad` and `good` is a whole spec."""

from __future__ import annotations

from dslc.diagnostics.catalogue import Entry
from dslc.diagnostics.examples import spec

DATA = "data: wine"
LOSS = "loss: cross_entropy"
OPTIMIZER = "optimizer: {sgd: {lr: 0.1}}"
LABEL = 'inputs: {label: "i64[N]"}'
MORE = "loss: {cross_entropy: {}, from: [more, label]}"
HEAD = "loss: {cross_entropy: {}, from: [head, label]}"


def _train(
    *lines: str,
    inputs: str = LABEL,
    data: str = DATA,
    loss: str = LOSS,
    optimizer: str = OPTIMIZER,
    features: str = "f32[N, 13]",
    batch: int = 16,
    first: str = "",
) -> str:
    """A classifier of wines with a training section; `lines` are further keys of it."""
    keys = (inputs, data, loss, optimizer, *lines, "epochs: 10", f"batch: {batch}")
    text = "".join(f"  {line}\n" for line in keys)
    steps = f"steps:\n{first}  - linear: 3\n    name: head\noutputs: {{logits: head}}\n"
    return spec(f"{steps}train:\n{text}", features).replace("x:", "features:", 1)


_CALLS = """\
  steps:
    - Classifier:
      from: features
      name: logits
"""
_COLUMNS = '  inputs: {features: "f32[N, 13]", label: "i64[N]"}\n'


def _several(main: str = "", steps: str = "", label: str = f"  {LABEL}\n") -> str:
    """The same as one of several models."""
    loss = "loss: {cross_entropy: {}, from: [logits, label]}" if steps else LOSS
    return (
        f"dslc: 1\nname: Net\n{main}models:\n  Classifier:\n"
        '    inputs: {features: "f32[N, 13]"}\n'
        "    steps:\n      - linear: 3\n        name: head\n    outputs: {logits: head}\n"
        f"train:\n{label}  {DATA}\n{steps}  {loss}\n  {OPTIMIZER}\n  epochs: 10\n  batch: 16\n"
    )


def _phases(phases: str, *, more: str = "") -> str:
    """Two models, a maker and a critic of what it makes, with the phases of their training."""
    models = "".join(
        f'  {name}:\n    inputs: {{features: "f32[N, 13]"}}\n    steps:\n      - linear: {size}\n'
        f"        name: head\n    outputs: {{value: head}}\n"
        for name, size in (("Maker", 13), ("Critic", 1))
    )
    return (
        f"dslc: 1\nname: Net\nmodels:\n{models}train:\n"
        f'  inputs: {{features: "f32[N, 13]"}}\n  {DATA}\n{more}  phases:\n{phases}'
        "  epochs: 10\n  batch: 16\n"
    )


def _phase(
    models: str,
    *lines: str,
    steps: tuple[str, ...] = ("- Maker:", "  from: features", "- Critic:", "  name: score"),
) -> str:
    """A phase that moves models by what the critic says; `lines` are further keys of it."""
    loss = "loss: {reduce_mean: {}, from: score}"
    keys = (f"update: [{models}]", *lines, loss, OPTIMIZER, "steps:")
    rows = [*keys, *(f"  {step}" for step in steps)]
    return "".join(f"    {'  ' if k else '- '}{row}\n" for k, row in enumerate(rows))


_STOPPED = ("- Maker:", "  from: features", "- stop_gradient:", "- Critic:", "  name: score")


ENTRIES: dict[str, Entry] = {
    "E0801": Entry(
        "a key of the training section is missing",
        "A training section says where the data come from (`data`), what is minimised (`loss`), by "
        "which `optimizer`, for how many `epochs` and on how many rows at a time (`batch`). An "
        "optimiser says its learning rate (`lr`).",
        _train(optimizer="optimizer: {sgd: {momentum: 0.9}}"),
        _train(optimizer="optimizer: {sgd: {lr: 0.1, momentum: 0.9}}"),
    ),
    "E0802": Entry(
        "no such optimiser, schedule or clipping",
        "The name is none of those that this version has. The nearest one is suggested.",
        _train(optimizer="optimizer: {adam_w: {lr: 1e-3}}"),
        _train(optimizer="optimizer: {adamw: {lr: 1e-3}}"),
    ),
    "E0803": Entry(
        "no such setting",
        "Each optimiser, each schedule and `data` take settings of their own, and no others: a "
        "misspelt one would silently leave the default in its place.",
        _train(optimizer="optimizer: {sgd: {lr: 0.1, momentun: 0.9}}"),
        _train(optimizer="optimizer: {sgd: {lr: 0.1, momentum: 0.9}}"),
    ),
    "E0804": Entry(
        "a setting does not take this value",
        "The value is of another kind, or beyond the bounds that the message names.",
        _train(optimizer="optimizer: {sgd: {lr: 0.1, momentum: 1.5}}"),
        _train(optimizer="optimizer: {sgd: {lr: 0.1, momentum: 0.9}}"),
    ),
    "E0805": Entry(
        "no such loss or metric",
        "A loss is the name of a value of the training graph, or an op that gives one number. A "
        "metric is a word for such an op, or a step.",
        _train(loss="loss: cross_entrophy"),
        _train(loss="loss: cross_entropy"),
    ),
    "E0806": Entry(
        "it is not clear what a loss or metric compares",
        "Without `from`, a loss compares the only output with the only column that is no input of "
        "the model, and a metric what the loss compares. Where there are several, `from` says "
        "which.",
        _train(inputs='inputs: {label: "i64[N]", other: "i64[N]"}', data="data: wine.csv"),
        _train(
            inputs='inputs: {label: "i64[N]", other: "i64[N]"}',
            data="data: wine.csv",
            loss="loss: {cross_entropy: {}, from: [logits, label]}",
        ),
    ),
    "E0807": Entry(
        "a loss or metric is not one number",
        "What is minimised or reported is a single number for a batch: a mean or a sum over it.",
        _train("steps:", "  - softmax:", "    name: shares", loss="loss: shares"),
        _train(
            "steps:",
            "  - softmax:",
            "  - reduce_mean:",
            "    name: share",
            loss="loss: share",
        ),
    ),
    "E0808": Entry(
        "a training step takes a path of the model's weights",
        "A training step may have weights of its own, which exist in training only and are in the "
        "file with the model's, under the step's path. So it cannot have the name of a step of the "
        "model that has weights.",
        _train("steps:", "  - linear: 3", "    name: head", "    from: features", loss=HEAD),
        _train("steps:", "  - linear: 3", "    name: more", "    from: features", loss=MORE),
    ),
    "E0809": Entry(
        "a column does not begin with the batch",
        "The first axis of every column counts the rows of a batch, so it is a symbol, and the same "
        "one for all columns.",
        _train(
            inputs='inputs: {label: "i64[N]", prior: "f32[3]"}',
            data="data: wine.csv",
            loss="loss: {cross_entropy: {}, from: [logits, label]}",
        ),
        _train(
            inputs='inputs: {label: "i64[N]", prior: "f32[N, 3]"}',
            data="data: wine.csv",
            loss="loss: {cross_entropy: {}, from: [logits, label]}",
        ),
    ),
    "E0810": Entry(
        "two figures of a run have one name",
        "The loss is reported as `loss`, a metric under its name or its op's: each once.",
        _train("metrics: [accuracy, accuracy]"),
        _train("metrics: [accuracy, top_2_accuracy]"),
    ),
    "E0811": Entry(
        "the data lie outside the spec's folder",
        "A path in a spec stays below the folder that the spec is in, so that a spec from elsewhere "
        "reads nothing that it was not given.",
        _train(data="data: ../wine.csv"),
        _train(data="data: wine.csv"),
    ),
    "E0812": Entry(
        "no such column",
        "`columns` says which column of the data feeds which input; an input that it does not name "
        "takes the column of its own name.",
        _train(data="data: {source: wine, columns: {label: klass}}"),
        _train(data="data: {source: wine, columns: {label: label}}"),
    ),
    "E0813": Entry(
        "the rows cannot be stratified by this",
        "A stratified split keeps the share of each class on both sides. It takes a column of whole "
        "numbers, one for each row.",
        _train(data="data: {source: wine, stratify: features}"),
        _train(data="data: {source: wine, stratify: label}"),
    ),
    "E0814": Entry(
        "a column of the data is of another type than its input",
        "The column's dtype, the shape of its rows or the number of its classes is not what the "
        "model and the loss are declared for.",
        _train(features="f32[N, 12]"),
        _train(),
    ),
    "E0815": Entry(
        "a glob matches no trained weight",
        "Globs speak of the paths of weights, as `dslc summary` lists them: `*` stands for one part "
        "or a piece of it, `**` for any number of parts.",
        _train(optimizer='optimizer: {adamw: {lr: 0.1, no_decay: ["*.bais"]}}'),
        _train(optimizer='optimizer: {adamw: {lr: 0.1, no_decay: ["**.bias"]}}'),
    ),
    "E0816": Entry(
        "a gradient is not written as one",
        "`gradient: {of: …, wrt: …}` names two values: that which is differentiated, and that with "
        "respect to which. It stands at the top of the training graph.",
        _train("steps:", "  - gradient: logits", "    name: slope"),
        _train("steps:", "  - gradient: {of: logits, wrt: features}", "    name: slope"),
    ),
    "E0817": Entry(
        "a gradient that is zero",
        "What `of` names is not computed from what `wrt` names, or only through steps without a "
        "gradient: integers, comparisons, `stop_gradient`.",
        _train("steps:", "  - gradient: {of: features, wrt: logits}", "    name: slope"),
        _train("steps:", "  - gradient: {of: logits, wrt: features}", "    name: slope"),
    ),
    "E0818": Entry(
        "a gradient outside training",
        "`gradient` is a step of the training graph. A model only computes its outputs.",
        spec("steps:\n  - gradient: {of: x, wrt: x}\n"),
        _train("steps:", "  - gradient: {of: logits, wrt: features}", "    name: slope"),
    ),
    "E0819": Entry(
        "a section with phases says what its phases say",
        "With `phases`, a section has at least one, and each phase has its own `steps`, `loss`, "
        "`optimizer`, `schedule`, `clip`, `regularize`, `accumulate` and `metrics`. The section keeps what they share: the columns, the "
        "data, and how long a run goes.",
        _phases(_phase("Maker, Critic"), more=f"  {OPTIMIZER}\n"),
        _phases(_phase("Maker, Critic")),
    ),
    "E0820": Entry(
        "a phase updates no such model",
        "`update` lists the models whose weights a phase moves, each once. The nearest name is "
        "suggested.",
        _phases(_phase("Maker, Critic, Critik")),
        _phases(_phase("Maker, Critic")),
    ),
    "E0821": Entry(
        "two phases have one name",
        "A phase is called by its `name`, or else after the models that it updates. Its loss is "
        "reported and its optimiser is kept under that name.",
        _phases(_phase("Maker, Critic") + _phase("Maker, Critic", "every: 2")),
        _phases(_phase("Maker, Critic") + _phase("Maker, Critic", "every: 2", "name: again")),
    ),
    "E0822": Entry(
        "a phase cannot move a model that it updates",
        "The loss of a phase has to depend on every model that it updates, through steps that a "
        "gradient passes, and the model has to have weights that are trained.",
        _phases(_phase("Critic, Maker", steps=_STOPPED)),
        _phases(_phase("Critic, Maker")),
    ),
    "E0823": Entry(
        "a model that training calls is updated by no phase",
        "Each phase moves the models in its `update` and no others. A model that is meant to stay as "
        "it is says so: its steps have `freeze: true`.",
        _phases(_phase("Maker")),
        _phases(_phase("Maker, Critic")),
    ),
    "E0824": Entry(
        "a loss that no trained weight changes",
        "Training moves weights against the gradient of the loss. A loss that no trained weight "
        "changes has none: it is computed from columns alone, from frozen weights, or through a step "
        "that passes no gradient, as `argmax`, `round`, `accuracy` and `stop_gradient`.",
        _train(loss="loss: accuracy"),
        _train(),
    ),
    "E0825": Entry(
        "a run looks at no figure",
        "For early stopping, and for a plateau's `metric`, a run looks after each epoch at a figure "
        "of the held-out rows: the loss, or a metric by its name. Without held-out rows there is none.",
        _train("early_stopping: {patience: 3, metric: acuracy}", "metrics: [accuracy]"),
        _train("early_stopping: {patience: 3, metric: accuracy}", "metrics: [accuracy]"),
    ),
    "E0826": Entry(
        "frozen weights would thaw after the run",
        "`freeze: [{glob: 3}]` freezes weights in the first 3 epochs of a run, which has to be longer "
        "than that. A glob alone freezes for good.",
        _train("freeze: [{'**.bias': 10}]"),
        _train("freeze: [{'**.bias': 2}]"),
    ),
    "E0827": Entry(
        "nothing moves in the first epoch",
        "All weights that change a loss are frozen in the first epochs, so there would be no gradient "
        "to step along. Some weights have to move from the start.",
        _train("freeze: [{'**': 2}]"),
        _train("freeze: [{'**.bias': 2}]"),
    ),
    "E0828": Entry(
        "adapters beside what does not go with them",
        "Under `lora` the adapters move and the weights that they belong to stay. A weight cannot be "
        "adapted and trained itself, and one run has one loss, one model, and no averages or thawing.",
        _train("lora: {of: [head]}", "ema: 0.9"),
        _train("lora: {of: [head]}"),
    ),
    "E0829": Entry(
        "no part of the model has this name",
        "`recompute` names blocks, or globs of where blocks are called and of named structures: what "
        "has a path that weights lie below. An op alone is no such part, and neither is a `scan`; a "
        "group around it is.",
        _train("recompute: [encoder]"),
        _train("recompute: []"),
    ),
    "E0841": Entry(
        "it is not clear which model is trained",
        "Where no step of `train` calls a model, the spec's model is called on the columns of its "
        "inputs' names. A spec of several models says which that is: by its `main`, or by calling "
        "them.",
        _several(),
        _several("main: Classifier\n"),
    ),
    "E0842": Entry(
        "the training graph has no columns",
        "The steps of `train` begin with columns of the data. Where they call one of several models, "
        "`inputs` types these columns.",
        _several(steps=_CALLS, label=""),
        _several(steps=_CALLS, label=_COLUMNS),
    ),
    "E0843": Entry(
        "a batch norm of one value per channel in training",
        "In training a batch norm subtracts the mean of the batch: of a single value nothing is left, "
        "and PyTorch refuses to compute it. Train on more rows at a time, or state that the value has "
        "more places. A frozen batch norm uses its running statistics.",
        _train(first="  - batch_norm\n", batch=1),
        _train(first="  - batch_norm\n", batch=2),
    ),
    "E0851": Entry(
        "a transform does not fit its column",
        "Transforms are read backwards when types are checked: the last one gives what the graph takes, "
        "and each says what it takes itself, up to what the data have to hold. `of` says which input is "
        "meant, where several fit.",
        _train(data="data: {source: wine, transforms: [flip]}"),
        _train(data="data: {source: wine, transforms: [normalise]}"),
    ),
    "E0852": Entry(
        "transforms in an order that cannot be",
        "What draws at random is done with each batch, what is fixed once before. Behind a random "
        "transform of the same input stand only those that need nothing of the training rows, and "
        "`mixup` is the last.",
        _train(data="data: {source: wine, transforms: [{mixup: {of: features}}, normalise]}"),
        _train(data="data: {source: wine, transforms: [normalise, {mixup: {of: features}}]}"),
    ),
    "E0853": Entry(
        "it is not clear what the data are",
        "A built-in set has a name, a file an ending that tells its format, a folder is written with a "
        "slash. `format` says what neither tells.",
        _train(data="data: wines"),
        _train(data="data: {source: wines/, format: arrays}"),
    ),
}
