"""What recomputes parts of a Keras model in the backward pass, for `train.py`.

It is taken from here by name. See `dslc.emit.template`.
"""

# Keras and TensorFlow declare no types that a checker could follow.
# pyright: reportAttributeAccessIssue=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportAssignmentType=false, reportPrivateUsage=false, reportUnknownLambdaType=false
# pyright: reportUnknownParameterType=false, reportMissingParameterType=false

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from dslc.train.runtime.initial import matches
from dslc_keras.runtime.portable import path_of

RECOMPUTED = ["layer.*"]

SEVERAL = True  # whether the model holds others


class Recomputed(layers.Layer):
    """A part of a model: nothing is kept of it for the backward pass but what it takes."""

    def __init__(self, part: keras.Model) -> None:
        super().__init__()
        self.part = part

    def call(self, inputs: list[Any], training: bool = False) -> list[Any]:
        weights = [tf.convert_to_tensor(v.value) for v in self.part.trainable_variables]
        states = [tf.identity(v.value) for v in self.part.non_trainable_variables]
        values, first, last = [*weights, *states, *inputs], len(weights), len(weights) + len(states)
        floats = [k for k, tensor in enumerate(values) if tensor.dtype.is_floating]

        def run(*tensors: Any) -> list[Any]:
            taken = list(values)
            for k, tensor in zip(floats, tensors, strict=True):
                taken[k] = tensor
            outputs, after = self.part.stateless_call(
                taken[:first], taken[first:last], taken[last:], training=training
            )
            return [*keras.tree.flatten(outputs), *after]

        found = computed_again(run)(*(values[k] for k in floats))
        outputs, after = found[: len(found) - len(states)], found[len(found) - len(states) :]
        for variable, value in zip(self.part.non_trainable_variables, after, strict=True):
            variable.assign(value)  # statistics and draws move once
        return outputs


def computed_again(run: Callable[..., list[Any]]) -> Callable[..., Any]:
    """A function of which nothing is kept for the backward pass, which runs it once more."""

    @tf.custom_gradient
    def first(*tensors: Any) -> tuple[list[Any], Callable[..., list[Any]]]:
        def backward(*slopes: Any) -> list[Any]:
            slope = next(slope for slope in slopes if slope.dtype.is_floating)
            one = tf.reduce_sum(tf.reshape(slope, [-1])[:1])
            # 0, but of the slopes: no compiler takes the values of the first run for those of this
            late = tf.stop_gradient(tf.where(tf.math.is_nan(one), one, tf.zeros_like(one)))
            with tf.GradientTape() as tape:
                taken = [tensor + tf.cast(late, tensor.dtype) for tensor in tensors]
                tape.watch(taken)
                pairs = [
                    pair
                    for pair in zip(run(*taken), slopes, strict=True)
                    if pair[0].dtype.is_floating
                ]
            found, steep = map(list, zip(*pairs, strict=True))
            zero = tf.UnconnectedGradients.ZERO
            return tape.gradient(found, taken, output_gradients=steep, unconnected_gradients=zero)

        return run(*map(tf.stop_gradient, tensors)), backward

    return first


def recompute(model: keras.Model) -> keras.Model:
    """The model, and those in it, with parts that are computed once more in the backward pass."""
    known: dict[int, keras.Model] = {}

    def recomputing(inner: keras.Model) -> keras.Model:
        if id(inner) not in known:
            if matches(RECOMPUTED, path_of(inner)):
                outputs = Recomputed(keras.Model(inner.inputs, inner.outputs))(inner.inputs)
                outputs = keras.tree.pack_sequence_as(inner._outputs_struct, outputs)
                known[id(inner)] = keras.Model(inner._inputs_struct, outputs, name=inner.name)
            else:
                known[id(inner)] = rebuilt(inner, recomputing)
        return known[id(inner)]

    if not SEVERAL:
        return recomputing(model)
    else:  # noqa: RET505
        found = recomputing(model)
        for name, held in vars(model).items():
            if isinstance(held, keras.Model):
                setattr(found, name, recomputing(held))
        return found


def rebuilt(model: keras.Model, recomputing: Callable[[keras.Model], keras.Model]) -> keras.Model:
    """A model whose parts are layers, and with what is made of the models in it."""
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
            called = node.operation
            called = recomputing(called) if isinstance(called, keras.Model) else called
            outputs = called(*arguments, **options)
        made |= {id(t): new for t, new in zip(given, keras.tree.flatten(outputs), strict=True)}
    outputs = keras.tree.map_structure(lambda tensor: made[id(tensor)], model._outputs_struct)
    return keras.Model(model._inputs_struct, outputs, name=model.name)


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
