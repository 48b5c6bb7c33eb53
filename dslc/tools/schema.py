"""The language as a JSON Schema (draft-07), generated from the op classes.

It serves editors: completion, hover and the shape of a file. What a slot takes is often an
expression, so where the checker would evaluate, the schema takes any text. A step is a mapping
whose keys are the ops, the reserved keys and the structures as plain `properties`: an editor then
completes them all, where `oneOf` over a hundred ops would answer a slip with a hundred errors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dslc.ir.models import MODEL_KEYS, OWN_KEYS
from dslc.ops import all_ops
from dslc.ops.attributes import Fields, Maybe
from dslc.tools.op_pages import documentation, show_default, summary_line
from dslc.tools.schema_training import parts_schema, training_schema
from dslc.train.choices import Parts

if TYPE_CHECKING:
    from dslc.ops.attributes import Attribute
    from dslc.ops.base import Op

Schema = dict[str, Any]

CAMEL = "^[A-Z][A-Za-z0-9]*$"
SNAKE = "^[a-z][a-z0-9_]*$"
IMPORTED = r"^[a-z][a-z0-9_]*\.[A-Z][A-Za-z0-9]*$"
PARAM_TYPES = ("int", "float", "bool", "str", "list")
TEXT: Schema = {"type": "string"}
EXPRESSION: Schema = {"type": ["string", "number", "boolean", "array", "null"]}
FACTS: Schema = {"type": "array", "items": TEXT}
STEPS: Schema = {"type": "array", "items": {"$ref": "#/definitions/step"}}
REFERENCE: Schema = {"type": ["string", "array", "object"]}
TYPES: Schema = {
    "type": "object",
    "propertyNames": {"pattern": SNAKE},
    "additionalProperties": {
        "type": "string",
        "pattern": "^(bool|i8|i16|i32|i64|u8|f16|bf16|f32|f64)",
    },
}

GLOBS: Schema = {"type": ["string", "array"], "items": TEXT}
WEIGHTS: Schema = {
    "type": ["string", "object"],
    "description": "the file of weights to start from, and how its names become the model's",
    "required": ["file"],
    "additionalProperties": False,
    "properties": {
        "file": {**TEXT, "description": "safetensors, .weights.h5, .keras or an orbax folder"},
        "rename": {
            "type": "object",
            "description": "globs of the file's names, and the model's names that they become",
            "additionalProperties": {
                "type": ["string", "object"],
                "required": ["to"],
                "additionalProperties": False,
                "properties": {
                    "to": {**GLOBS, "description": "what the parts of one array become"},
                    "split": {
                        "type": "integer",
                        "minimum": 0,
                        "description": "the axis of the cut",
                    },
                },
            },
        },
        "new": {**GLOBS, "description": "the model's weights that are initialised afresh"},
        "drop": {**GLOBS, "description": "the file's weights that are not used"},
        "transpose": {**GLOBS, "description": "the file's weights that lie as inputs, outputs"},
    },
}


def json_schema() -> Schema:
    """The whole schema."""
    ops = all_ops()
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "dslc spec, version 1",
        "type": "object",
        "required": ["dslc", "name"],
        "additionalProperties": False,
        "properties": _sections(ops),
        "if": {"required": ["models"]},
        "then": {"properties": dict.fromkeys(OWN_KEYS, False)},
        "else": {"required": ["inputs", "steps"], "properties": {"main": False}},
        "definitions": {
            "step": _step(ops),
            "block": _block(),
            "model": _model(),
            "params": _params(),
            "init": _init(),
            **{f"op.{name}": _op(op) for name, op in ops.items()},
        },
    }


def _sections(ops: dict[str, type[Op]]) -> Schema:
    """The top-level keys."""
    return {
        "dslc": {"const": 1, "description": "the language's version"},
        "name": {"type": "string", "pattern": CAMEL, "description": "the model's class"},
        "doc": TEXT,
        "imports": {
            "type": "object",
            "description": "other specs: `res: ./resnet.yaml` or `res: zoo:resnet50`",
            "propertyNames": {"pattern": SNAKE},
            "additionalProperties": {"type": "string", "pattern": r"^(\.\.?/|zoo:)"},
        },
        "ops": {
            "type": "array",
            "description": "Python files with ops of your own; they run only under `--allow-plugins`",
            "items": {"type": "string", "pattern": r"^\.\.?/.*\.py$"},
        },
        "params": {"$ref": "#/definitions/params"},
        "defaults": {
            "type": "object",
            "additionalProperties": False,
            "properties": {name: _defaults(op) for name, op in ops.items()},
        },
        "inputs": TYPES,
        "where": FACTS,
        "blocks": {
            "type": "object",
            "propertyNames": {"pattern": CAMEL},
            "additionalProperties": {"$ref": "#/definitions/block"},
        },
        "models": {
            "type": "object",
            "propertyNames": {"pattern": CAMEL},
            "additionalProperties": {"$ref": "#/definitions/model"},
            "description": "several models, instead of one model's inputs, steps and outputs",
        },
        "main": {
            "type": "string",
            "pattern": CAMEL,
            "description": "the model that is exported and summarised",
        },
        "steps": STEPS,
        "outputs": {"type": "object", "additionalProperties": TEXT},
        "train": training_schema(described, TYPES, FACTS, STEPS),
        "weights": WEIGHTS,
    }


def _block() -> Schema:
    """A block."""
    keys: Schema = {
        "doc": TEXT,
        "params": {"$ref": "#/definitions/params"},
        "inputs": TYPES,
        "where": FACTS,
        "steps": STEPS,
        "outputs": {"type": "object", "additionalProperties": TEXT},
    }
    return {
        "type": "object",
        "required": ["steps"],
        "additionalProperties": False,
        "properties": keys,
    }


def _model() -> Schema:
    """One of several models: a block without params, whose inputs all have types."""
    found = _block()
    keys: Schema = {name: found["properties"][name] for name in MODEL_KEYS}
    return {**found, "required": ["inputs", "steps"], "properties": keys}


def _params() -> Schema:
    """A `params` section: defaults, type words, or mappings with both."""
    detailed: Schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "type": {"enum": list(PARAM_TYPES)},
            "default": {},
            "min": {"type": ["number", "string"], "description": "the least value"},
            "max": {"type": ["number", "string"], "description": "the greatest value"},
            "choices": {"type": "array", "description": "the values that it may have"},
            "doc": TEXT,
        },
    }
    return {
        "type": "object",
        "propertyNames": {"pattern": SNAKE},
        "additionalProperties": {"if": {"type": "object"}, "then": detailed},
    }


def _init() -> Schema:
    """`init`: an initialiser for each weight."""
    return {"type": "object", "additionalProperties": {"type": ["string", "object"]}}


def _step(ops: dict[str, type[Op]]) -> Schema:
    """A step: an op's name, or a mapping with one op, block or structure."""
    word: Schema = {"type": "string", "enum": sorted(ops)}
    block: Schema = {"type": "string", "pattern": f"{CAMEL}|{IMPORTED}"}
    choice: Schema = {"type": "string", "pattern": r"^\$"}
    return {
        "if": {"type": "string"},
        "then": {"anyOf": [word, block, choice]},
        "else": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                **_reserved(),
                **_structures(),
                **{name: {"$ref": f"#/definitions/op.{name}"} for name in ops},
            },
            "patternProperties": {f"{CAMEL}|{IMPORTED}": {"type": ["object", "null"]}, r"^\$": {}},
        },
    }


def _reserved() -> Schema:
    """The keys that any step may have."""
    repeat: Schema = {
        "if": {"type": "object"},
        "then": {
            "additionalProperties": False,
            "properties": {
                "times": EXPRESSION,
                "over": EXPRESSION,
                "as": {"type": ["string", "array"]},
                "index": {"type": "string", "pattern": SNAKE},
                "share": {"type": "boolean"},
            },
        },
        "else": EXPRESSION,
    }
    return {
        "name": {"type": "string", "pattern": SNAKE, "description": "names the step's value"},
        "from": {**REFERENCE, "description": "where the inputs come from"},
        "repeat": {**repeat, "description": "that many instances in sequence"},
        "when": {"type": ["string", "boolean"], "description": "a compile-time condition"},
        "type": {"type": "string", "description": "what the output is, checked"},
        "init": {"$ref": "#/definitions/init"},
        "tie": {"type": "object", "additionalProperties": TEXT},
        "freeze": {"type": "boolean", "description": "nothing below is trained"},
        "doc": {"type": "string", "description": "a comment in the generated code"},
    }


def _structures() -> Schema:
    """Groups, residual and parallel paths, scans."""
    paths: Schema = {
        "if": {"type": "object"},
        "then": {"additionalProperties": False, "properties": {"main": STEPS, "shortcut": STEPS}},
        "else": STEPS,
    }
    parallel: Schema = {
        "type": "object",
        "required": ["branches"],
        "additionalProperties": False,
        "properties": {
            "branches": {
                "type": ["array", "object"],
                "additionalProperties": STEPS,
                "items": STEPS,
            },
            "join": {"enum": ["concat", "add", "mul", "stack", "none"]},
            "axis": EXPRESSION,
        },
    }
    return {
        "group": {**STEPS, "description": "a named scope"},
        "residual": {**paths, "description": "adds two paths"},
        "parallel": {**parallel, "description": "branches from one input"},
        "scan": _scan(),
        "reuse": {"type": "string", "description": "runs a named step again, same weights"},
        "expr": {"type": "string", "description": "arithmetic of values, element by element"},
    }


def _scan() -> Schema:
    """A loop with carried state."""
    names: Schema = {
        "type": "object",
        "propertyNames": {"pattern": SNAKE},
        "additionalProperties": TEXT,
    }
    return {
        "type": "object",
        "description": "a loop over time with carried state",
        "required": ["steps"],
        "additionalProperties": False,
        "properties": {
            "over": {**names, "description": "what a round sees one place in time of"},
            "times": {**EXPRESSION, "description": "how many rounds, without `over`"},
            "carry": {**names, "description": "the carried values' starts"},
            "steps": STEPS,
            "next": {**names, "description": "what each carried value becomes"},
            "out": {"type": "string", "description": "what is stacked; by default the last step"},
            "reverse": {"type": "boolean", "description": "from the end to the start"},
        },
    }


def _defaults(op: type[Op]) -> Schema:
    """An op's entry under `defaults`."""
    found = _attributes(op)
    return {**found, "properties": {**found["properties"], "init": {"$ref": "#/definitions/init"}}}


def _op(op: type[Op]) -> Schema:
    """What stands behind an op's name in a step: nothing, its attributes, or its primary one."""
    found: Schema = {
        "title": summary_line(op),
        "description": documentation(op),
        "if": {"type": "object"},
        "then": _attributes(op),
    }
    primary = op.attributes[op.primary] if op.primary else None
    found["else"] = (
        {"type": "null"} if primary is None else {"anyOf": [slot(primary), {"type": "null"}]}
    )
    return found


def _attributes(op: type[Op]) -> Schema:
    """An op's attributes by name, and no others."""
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            name: described(item) for name, item in op.attributes.items() if "." not in name
        },
    }


def described(item: Attribute) -> Schema:
    """An attribute's slot with its documentation."""
    default = "" if item.required else f" (default {show_default(item.default)})"
    return {**slot(item), "description": f"{item.doc}: {item.describe()}{default}"}


def slot(item: Attribute) -> Schema:
    """What a slot takes as far as a schema can say: any text may be an expression."""
    if isinstance(item, Maybe):
        return {"anyOf": [{"type": "null"}, slot(item.inner)]}
    if item.kind == "word":
        return {"anyOf": [{"enum": list(item.words)}, {"type": "string", "pattern": r"^\$"}]}
    if isinstance(item, Fields):
        fields = {name: described(field) for name, field in item.fields.items()}
        mapping: Schema = {"type": "object", "additionalProperties": False, "properties": fields}
        return {"anyOf": [{"type": ["boolean", "string"]}, mapping]}
    if item.kind == "which":
        words: Schema = {"type": "array", "items": {"enum": list(item.words)}}
        return {"anyOf": [{"type": ["boolean", "string"]}, words]}
    if item.kind == "text":
        return {"type": "string"}
    if isinstance(item, Parts):
        return parts_schema(item, described)
    if item.kind == "boolean":
        return {"type": ["boolean", "string"]}
    if item.kind in ("integer", "size", "axis", "number"):
        return {"type": ["number", "string"], **_bounds(item)}
    return EXPRESSION


def _bounds(item: Attribute) -> Schema:
    """A slot's bounds, which hold where it is a number."""
    found: Schema = {}
    if item.minimum is not None:
        found["minimum"] = item.minimum
    if item.maximum is not None:
        found["maximum"] = item.maximum
    if item.below is not None:
        found["exclusiveMaximum"] = item.below
    if item.above is not None:
        found["exclusiveMinimum"] = item.above
    return found
