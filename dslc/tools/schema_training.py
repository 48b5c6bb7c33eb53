"""The `train` section in the JSON Schema, from the classes of what it chooses among."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dslc.tools.op_pages import documentation
from dslc.train.averaging import Ema
from dslc.train.changes import Transform
from dslc.train.clipping import Clipping
from dslc.train.data import Data
from dslc.train.gradient import OF_AND_WRT
from dslc.train.optimizers import Optimizer
from dslc.train.phases import Turn
from dslc.train.regularizers import Regularizer
from dslc.train.run import Run
from dslc.train.schedules import Schedule
from dslc.train.stopping import EarlyStopping

if TYPE_CHECKING:
    from collections.abc import Callable

    from dslc.ops.attributes import Attribute
    from dslc.train.choices import Choice, Parts

    Describe = Callable[[Attribute], dict[str, Any]]

Schema = dict[str, Any]
FIGURE: Schema = {"type": ["string", "object"]}
TEXT: Schema = {"type": "string"}
IS_GRADIENT: Schema = {"type": "object", "required": ["gradient"]}
GRADIENT: Schema = {
    "description": "the gradient of the sum of one value with respect to another",
    "additionalProperties": False,
    "properties": {
        "gradient": {
            "type": "object",
            "required": list(OF_AND_WRT),
            "additionalProperties": False,
            "properties": dict.fromkeys(OF_AND_WRT, TEXT),
        },
        **dict.fromkeys(("name", "type", "doc"), TEXT),
    },
}


def training_schema(described: Describe, types: Schema, facts: Schema, steps: Schema) -> Schema:
    """The section.

    Args:
        described: From an attribute to its slot with its documentation.
        types: What `inputs` holds.
        facts: What `where` holds.
        steps: What `steps` holds.
    """
    graph = graph_properties(described, steps)
    properties: Schema = {
        "inputs": {**types, "description": "columns beyond the model's own inputs"},
        "where": {**facts, "description": "facts about the columns' sizes"},
        "data": data(described),
        **graph,
        **options(described),
        "phases": {
            "type": "array",
            "minItems": 1,
            "items": phase(described, graph),
            "description": "graphs that run in turn on each batch",
        },
        **{name: described(item) for name, item in Run.attributes.items()},
    }
    return {
        "type": "object",
        "description": "how it is trained",
        "required": ["data", "epochs", "batch"],
        "additionalProperties": False,
        "properties": properties,
        "if": {"required": ["phases"]},
        "then": {"properties": dict.fromkeys(graph, False)},
        "else": {"required": ["loss", "optimizer"]},
    }


FROZEN: list[Schema] = [
    TEXT,
    {
        "type": "object",
        "additionalProperties": {"type": "integer", "minimum": 1},
        "description": "how many epochs each glob's weights are frozen for",
    },
]


def graph_properties(described: Describe, steps: Schema) -> Schema:
    """What a section says of its graph, or each of its phases."""
    items: Schema = {"if": IS_GRADIENT, "then": GRADIENT, "else": steps["items"]}
    return {
        "steps": {**steps, "items": items, "description": "what is computed before the loss"},
        "loss": {**FIGURE, "description": "a value by name, or an op"},
        "optimizer": choice(Optimizer, described),
        "schedule": choice(Schedule, described),
        "clip": choice(Clipping, described),
        "regularize": regularizers(described),
        "metrics": {"type": "array", "items": FIGURE},
    }


def regularizers(described: Describe) -> Schema:
    """What large weights add to a loss, once or in a list."""
    one = choice(Regularizer, described)
    return {
        "if": {"type": "array"},
        "then": {"type": "array", "items": one},
        "else": one,
        "description": "what large weights add to the loss",
    }


def options(described: Describe) -> Schema:
    """What a section says beside its graphs."""
    return {
        "freeze": {
            "anyOf": [*FROZEN, {"type": "array", "items": {"anyOf": FROZEN}}],
            "description": "globs of weights that are not trained, or not in the first epochs",
        },
        "ema": settings(Ema, described),
        "early_stopping": settings(EarlyStopping, described),
    }


def parts_schema(item: Parts, described: Describe) -> Schema:
    """A list of mappings of settings."""
    mapping: Schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: described(part) for name, part in item.choice.attributes.items()},
    }
    return {"type": "array", "items": mapping}


def phase(described: Describe, graph: Schema) -> Schema:
    """One phase."""
    models: Schema = {"type": "array", "items": TEXT, "minItems": 1, "uniqueItems": True}
    return {
        "type": "object",
        "required": ["update", "loss", "optimizer"],
        "additionalProperties": False,
        "properties": {
            "name": {**TEXT, "description": "by default that of the models in `update`"},
            "doc": TEXT,
            "update": {
                "anyOf": [TEXT, models],
                "description": "the models whose weights it moves",
            },
            **{name: described(item) for name, item in Turn.attributes.items()},
            **graph,
        },
    }


def data(described: Describe) -> Schema:
    """Where the columns come from: a source, or a mapping with one."""
    columns: Schema = {
        "type": "object",
        "additionalProperties": {"type": ["string", "array"]},
        "description": "which column of the data feeds which input",
    }
    transforms: Schema = {
        "type": "array",
        "items": choice(Transform, described),
        "description": "what is done to columns on their way to the graph, in order",
    }
    properties = {name: described(item) for name, item in Data.attributes.items()}
    properties["transforms"] = transforms
    return {
        "if": {"type": "object"},
        "then": {
            "required": ["source"],
            "additionalProperties": False,
            "properties": {**properties, "columns": columns},
        },
        "else": {"type": "string"},
    }


def choice(kind: type[Choice], described: Describe) -> Schema:
    """A word, or a mapping from the word to its settings."""
    return {
        "if": {"type": "object"},
        "then": {
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 1,
            "properties": {name: settings(item, described) for name, item in kind.choices.items()},
        },
        "else": {"enum": list(kind.choices)},
    }


def settings(chosen: type[Choice], described: Describe) -> Schema:
    """What stands behind a choice's word: its settings, or its primary one."""
    found: Schema = {
        "description": documentation(chosen),
        "if": {"type": "object"},
        "then": {
            "additionalProperties": False,
            "properties": {name: described(item) for name, item in chosen.attributes.items()},
        },
    }
    if chosen.primary is not None:
        found["else"] = {"anyOf": [described(chosen.attributes[chosen.primary]), {"type": "null"}]}
    return found
