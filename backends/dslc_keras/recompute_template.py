"""What recomputes parts of a Keras model in the backward pass, for `train.py`.

It is taken from here by name. See `dslc.emit.template`.
"""

# Keras and TensorFlow declare no types that a checker could follow.
# pyright: reportAttributeAccessIssue=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportAssignmentType=false, reportPrivateUsage=false, reportUnknownLambdaType=false
# pyright: reportUnknownParameterType=false, reportMissingParameterType=false

from typing import Any

import keras
import tensorflow as tf
from keras import layers

from dslc.train.runtime.initial import matches
from dslc_keras.runtime.portable import path_of

RECOMPUTED = ["layer.*"]


class Recomputed(layers.Layer):
    """A part of a model: nothing is kept of it for the backward pass but what it takes."""

    def __init__(self, part: keras.Model) -> None:
        super().__init__()
        self.part = part

    def call(self, inputs: list[Any], training: bool = False) -> list[Any]:
        weights = [tf.convert_to_tensor(v.value) for v in self.part.trainable_variables]
        states = [tf.identity(v.value) for v in self.part.non_trainable_variables]
        floats = [k for k, tensor in enumerate(inputs) if tensor.dtype.is_floating]
        count = len(weights)

        def run(*tensors: Any) -> list[Any]:
            taken = list(inputs)
            for k, tensor in zip(floats, tensors[count:], strict=True):
                taken[k] = tensor
            outputs, after = self.part.stateless_call(
                tensors[:count], states, taken, training=training
            )
            return [*keras.tree.flatten(outputs), *after]

        found = tf.recompute_grad(run)(*weights, *(inputs[k] for k in floats))
        outputs, after = found[: len(found) - len(states)], found[len(found) - len(states) :]
        for variable, value in zip(self.part.non_trainable_variables, after, strict=True):
            variable.assign(value)  # statistics and draws move once
        return outputs


def recompute(model: keras.Model) -> keras.Model:
    """The model with some parts that are computed once more in the backward pass."""
    depths = sorted(model._nodes_by_depth, reverse=True)
    nodes = [node for depth in depths for node in model._nodes_by_depth[depth]]
    parts = parts_of(nodes)
    inside = {id(node) for part in parts for node in part}
    units = [*parts, *([node] for node in nodes if id(node) not in inside)]
    made = {id(tensor): tensor for tensor in model.inputs}
    units = [unit for unit in units if unit[0].input_tensors]
    while units:
        unit = next(unit for unit in units if all(id(t) in made for t in taken_by(unit)))
        units.remove(unit)
        read = {id(t) for node in nodes if node not in unit for t in node.input_tensors}
        read |= {id(tensor) for tensor in model.outputs}
        given = [t for node in unit for t in node.output_tensors if id(t) in read]
        if id(unit[0]) in inside:
            part = keras.Model(taken_by(unit), given)
            outputs = Recomputed(part)([made[id(tensor)] for tensor in taken_by(unit)])
        else:
            (node,), given = unit, unit[0].output_tensors
            arguments, options = node.arguments.fill_in(made)
            outputs = node.operation(*arguments, **options)
        made |= {id(t): new for t, new in zip(given, keras.tree.flatten(outputs), strict=True)}
    outputs = keras.tree.map_structure(lambda tensor: made[id(tensor)], model._outputs_struct)
    return keras.Model(model._inputs_struct, outputs)


def taken_by(unit: list[Any]) -> list[Any]:
    """The tensors that some nodes take from others, each once."""
    own = {id(tensor) for node in unit for tensor in node.output_tensors}
    found = {id(tensor): tensor for node in unit for tensor in node.input_tensors}
    return [tensor for key, tensor in found.items() if key not in own]


def parts_of(nodes: list[Any]) -> list[list[Any]]:
    """The nodes of each part that is recomputed: its layers', and what lies between them."""
    named: dict[str, set[Any]] = {}
    for node in nodes:
        words = path_of(node.operation).split(".")
        places = [".".join(words[: count + 1]) for count in range(len(words) - 1)]
        place = next((place for place in places if matches(RECOMPUTED, place)), None)
        if place is not None:
            named.setdefault(place, set()).add(node)
    parts: list[list[Any]] = []
    for members in named.values():
        behind, before = set(members), set(members)
        for node in nodes:
            if behind & set(node.parent_nodes):
                behind.add(node)
        for node in reversed(nodes):
            if node in before:
                before |= set(node.parent_nodes)
        parts.append([node for node in nodes if node in behind & before])
    return parts
