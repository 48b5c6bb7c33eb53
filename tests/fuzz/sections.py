"""Random `train` sections on one small network: what is said of training, in any combination."""

from random import Random
from typing import Any

import yaml

Part = dict[str, Any]
OPTIMIZERS = ("sgd", "adam", "adamw", "rmsprop", "adagrad", "lion", "adafactor", "muon")
SCHEDULES = ("constant", "step", "cosine", "linear", "one_cycle", "polynomial", "plateau")
IN_PHASES = (
    *("steps", "loss", "optimizer", "schedule", "metrics"),
    *("clip", "accumulate", "regularize"),
)
"""What each of several phases says for itself."""
MOST = 3
"""Of the settings that stand by themselves a section has so many at most: more exclude each other."""


def section(random: Random) -> str:
    """A spec with a `train` section; most, not all, are right."""
    data, is_hot = data_of(random)
    loss = "bce_with_logits" if is_hot else "cross_entropy"
    graph, output = graph_of(random, loss)
    train: Part = {
        "inputs": {"label": "f32[N, 10]" if is_hot else "i64[N]"},
        "data": data,
        "optimizer": optimizer_of(random),
        **schedule_of(random),
        **graph,
        **further(random),
        "epochs": 2,
        "batch": 16,
    }
    if not is_hot and random.random() < 0.6:
        train["metrics"] = [{"accuracy": None, "from": [output, "label"]}]
    if random.random() < 0.25:
        train = in_phases(random, train, loss)
    spec = {**network(random), "train": train}
    return yaml.safe_dump(spec, sort_keys=False, default_flow_style=None)


def in_phases(random: Random, train: Part, loss: str) -> Part:
    """The same as one of two phases, which move the same network in turn."""
    first: Part = {"name": "first", "update": ["Net"]}
    first |= {key: train.pop(key) for key in IN_PHASES if key in train}
    other: Part = {"name": "other", "update": ["Net"], **graph_of(random, loss)[0]}
    other |= {"optimizer": optimizer_of(random), **schedule_of(random)}
    if random.random() < 0.5:
        other["every"] = 2
    return {**train, "phases": random.sample([first, other], 2)}


def network(random: Random) -> Part:
    """A convolutional network of the digits, with a block that repeats."""
    norm = random.choice([["batch_norm"], [{"group_norm": 2}], []])
    function = random.choice(["relu", "gelu", "tanh"])
    conv = {"conv2d": {"out": "C", "kernel": 3, "padding": 1}, "name": "conv"}
    block = {"inputs": {"x": "f32[N, C, H, W]"}, "steps": [conv, *norm, function]}
    tail = {"group": [{"conv2d": {"out": 6, "kernel": 3}, "name": "conv"}, "relu"], "name": "tail"}
    steps = [
        {"conv2d": {"out": 4, "kernel": 3, "padding": 1}, "name": "stem"},
        {"Block": None, "name": "layer", "repeat": 2},
        *([tail] if random.random() < 0.4 else []),
        *([{"dropout": 0.2}] if random.random() < 0.4 else []),
        "global_avg_pool",
        {"linear": 8, "name": "wide"},
        "tanh",
        {"linear": 10, "name": "head"},
    ]
    return {
        "dslc": 1,
        "name": "Net",
        "inputs": {"image": "f32[N, 1, 8, 8]"},
        "blocks": {"Block": block},
        "steps": steps,
        "outputs": {"logits": "head"},
    }


def data_of(random: Random) -> tuple[Part, bool]:
    """Where the rows come from, and whether labels are rows of zeros with a one."""
    data: Part = {"source": "digits"}
    is_hot = random.random() < 0.2
    choices: list[tuple[str, Any]] = [("workers", 2), ("shuffle", False), ("split", 0.5)]
    choices += [] if is_hot else [("stratify", "label")]
    data |= {key: value for key, value in choices if random.random() < 0.25}
    transforms: list[Any] = [{"normalise": {"mean": [0.5], "std": [0.5]}}, {"normalise": {}}]
    transforms = [random.choice(transforms)] if random.random() < 0.4 else []
    for change in ({"crop": {"to": 8, "padding": 1}}, "flip", {"color": {"brightness": 0.3}}):
        transforms += [change] if random.random() < 0.25 else []
    if is_hot:
        transforms += [{"one_hot": {"of": "label"}}, *(["mixup"] if random.random() < 0.5 else [])]
    return {**data, **({"transforms": transforms} if transforms else {})}, is_hot


def optimizer_of(random: Random) -> Part:
    """An optimiser with some of its settings."""
    name = random.choice(OPTIMIZERS)
    settings: Part = {"lr": random.choice([1e-2, 1e-3])}
    if name == "sgd" and random.random() < 0.6:
        settings |= {"momentum": 0.9, "nesterov": random.random() < 0.5}
    if name in ("sgd", "adamw", "lion", "muon") and random.random() < 0.5:
        settings |= {"weight_decay": 0.01, "no_decay": ["**.bias"]}
    if random.random() < 0.3:
        settings["groups"] = [{"of": ["head.**"], "lr": 1e-4}]
    return {name: settings}


def schedule_of(random: Random) -> Part:
    """A schedule, or none."""
    name = random.choice((None, *SCHEDULES))
    settings: Part = {"step": {"every": 2, "factor": 0.5}, "plateau": {"patience": 1}}.get(
        str(name), {}
    )
    if name not in (None, "one_cycle") and random.random() < 0.5:
        settings = {**settings, "warmup": 3}
    return {} if name is None else {"schedule": {name: settings} if settings else name}


def graph_of(random: Random, loss: str) -> tuple[Part, str]:
    """The steps and the loss, and what metrics look at."""
    kind = random.choice(("plain", "plain", "head", "noise", "slope"))
    called = {"Net": None, "name": "out"}
    main = {loss: None, "name": "main"}
    if kind == "plain":
        return {"loss": loss}, "logits"
    if kind == "head":
        steps = [
            {**main, "from": ["logits", "label"]},
            {"linear": 10, "name": "early", "from": "wide"},
            {loss: None, "name": "auxiliary", "from": ["early", "label"]},
            {"add": None, "name": "objective", "from": ["main", "auxiliary"]},
        ]
        return {"steps": steps, "loss": "objective"}, "logits"
    if kind == "noise":
        noisy = {"x": "image", "noise": "noise"}
        steps = [
            {"random_normal": ["N", 1, 8, 8], "name": "noise"},
            {"expr": "x + 0.1 * noise", "from": noisy, "name": "noisy"},
            {**called, "from": "noisy"},
        ]
        return {"steps": steps, "loss": {loss: None, "from": ["out", "label"]}}, "out"
    steps = [
        {**called, "from": "image"},
        {**main, "from": ["out", "label"]},
        {"gradient": {"of": "main", "wrt": "image"}, "name": "slope"},
        {"expr": "slope ** 2"},
        {"reduce_sum": None, "name": "penalty"},
        {"expr": "a + 0.1 * b", "from": {"a": "main", "b": "penalty"}, "name": "objective"},
    ]
    return {"steps": steps, "loss": "objective"}, "out"


def further(random: Random) -> Part:
    """Settings that stand by themselves."""
    penalty = {"factor": 1e-4, "of": ["head.weight"]}
    frozen = random.choice(["stem.**", "layer.0.**"])
    known: Part = {
        "clip": random.choice([{"norm": 1.0}, {"value": 0.5}, {"each": 1.0}]),
        "accumulate": 2,
        "ema": 0.9,
        "early_stopping": {"patience": 2},
        "precision": random.choice(["bf16", "f16"]),
        "deterministic": True,
        "compile": False,
        "recompute": [random.choice(["layer", "Block", "tail"])],
        "regularize": {random.choice(["l1", "l2"]): penalty},
        "freeze": [random.choice([frozen, {frozen: 1}])],
        "lora": {"of": [random.choice(["wide", "head"])], "rank": 2, "alpha": 4},
    }
    names = random.sample(sorted(known), random.randint(0, MOST))
    return {name: known[name] for name in names}
