"""Portable weights of a Keras model: one safetensors file, under PyTorch's names and layouts.

A layer's name is its weights' path with `-` for `.`, which Keras's PyTorch backend takes in no
name, and its type says how its arrays lie. A `Dense` behind an image that was flattened with its
channels last has a layer `<its name>-flatten` in front of it; its weight is permuted, so that the
file counts pixels channel by channel, as every other framework does.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from dslc.train.runtime.weights import match, read

Array = NDArray[Any]
Change = Callable[[Array], Array]


CELLS = (layers.LSTMCell, layers.GRUCell, layers.SimpleRNNCell)


class Place(NamedTuple):
    """Where a portable weight lives.

    Attributes:
        variable: the model's variable.
        load: makes the variable's array from the portable one.
        save: the way back.
    """

    variable: keras.Variable
    load: Change = np.asarray
    save: Change = np.asarray


def load_weights(model: keras.Model, weights: Mapping[str, Array] | str | os.PathLike[str]) -> None:
    """Sets every weight of a model, or none where they do not fit.

    Args:
        model: a model of `model.py`.
        weights: a safetensors file, or arrays by name, in PyTorch's layouts.

    Raises:
        ValueError: a name is missing or not known, or a shape or dtype differs.
    """
    given = not isinstance(weights, Mapping)
    arrays = read(weights) if given else weights
    source = str(weights) if given else "the weights"
    found, zeros = places(model), zero_weights(model)
    shapes = {name: place.save(empty(place.variable.shape)).shape for name, place in found.items()}
    matched = match(arrays, shapes | zeros, source=source)
    for name in zeros:  # a second bias of another tool: only the sum matters
        first = name.replace("bias_hh", "bias_ih")
        if first in matched:  # and not tied
            matched[first] = matched[first] + matched[name]
    for name, place in found.items():
        place.variable.assign(np.asarray(place.load(matched[name]), order="C"))


def to_portable(model: keras.Model) -> dict[str, Array]:
    """Every weight and running statistic of a model by its portable name."""
    found = {
        name: np.asarray(place.save(np.asarray(place.variable)), order="C")
        for name, place in places(model).items()
    }
    zeros = {name: np.zeros(shape, np.float32) for name, shape in zero_weights(model).items()}
    return found | zeros


def places(model: keras.Model) -> dict[str, Place]:
    """Where each portable weight lives; what an optimiser keeps beside a variable lies alike."""
    found: dict[str, Place] = {}
    by_name = {one.name: one for one in all_layers(model) if not isinstance(one, layers.InputLayer)}
    for layer in by_name.values():
        for kind, function in KINDS:
            if isinstance(layer, kind):
                own = function(layer)
                break
        else:
            own = {"": Place(layer.value)} if type(layer).__name__ == "Parameter" else {}
            own |= normed(layer)
            own |= recurrent(layer)
            own |= {name: Place(getattr(layer, name)) for name in getattr(layer, "portable", ())}
        tracked = {id(variable) for variable in layer.weights}  # what is tied is another layer's
        own = {name: place for name, place in own.items() if id(place.variable) in tracked}
        image: Any = by_name.get(f"{layer.name}-flatten")
        if image is not None:
            own["weight"] = permuted(own["weight"], image.input.shape[1:])
        held = {id(place.variable) for place in own.values()}
        if len(held) < len(layer.weights):
            raise TypeError(
                f"{layer.name}: weights of {type(layer).__name__} have no portable form"
            )
        found |= {f"{path_of(layer)}.{name}".rstrip("."): place for name, place in own.items()}
    return found


def axes_of(model: keras.Model) -> dict[str, tuple[tuple[int, ...], ...]]:
    """Of each portable weight, for each of its axes: those of the variable that run along it."""
    found: dict[str, tuple[tuple[int, ...], ...]] = {}
    for name, place in places(model).items():
        shape = tuple(place.variable.shape)
        numbers = place.save(np.arange(int(np.prod(shape))).reshape(shape))
        lines = [
            np.moveaxis(numbers, axis, 0).reshape(size, -1)[:, 0]
            for axis, size in enumerate(numbers.shape)
        ]
        found[name] = tuple(
            tuple(k for k, along in enumerate(np.unravel_index(line, shape)) if np.ptp(along))
            for line in lines
        )
    return found


def inputs_of(place: Place) -> NDArray[np.int64]:
    """Of the matrix of a linear map, the place in the file of each input that the model counts."""
    outputs, inputs = place.save(empty(place.variable.shape)).shape
    return place.load(np.tile(np.arange(inputs), (outputs, 1))).reshape(inputs, outputs)[:, 0]


def zero_weights(model: keras.Model) -> dict[str, tuple[int, ...]]:
    """The shapes of weights that are zero by definition: an LSTM has one bias, its file two."""
    return {  # a bias may be another layer's, which has it in another shape
        f"{path_of(layer)}.bias_hh{suffix}": (int(np.prod(cell.bias.shape)),)
        for layer in all_layers(model)
        for suffix, cell in cells(layer).items()
        if not isinstance(cell, layers.GRUCell)
    }


def all_layers(model: keras.Model) -> Iterator[keras.Layer]:
    """Every layer of a model, of the models in it and of those that it holds beside them."""
    beside = [part for part in vars(model).values() if isinstance(part, keras.Model)]
    for layer in (*model.layers, *beside):
        yield from layers_in(layer)


def layers_in(layer: Any) -> Iterator[keras.Layer]:
    """The layers in a layer that have weights by their own names: itself, if it is a plain one."""
    if isinstance(layer, keras.Model):
        yield from all_layers(layer)
    elif type(layer).__name__ == "Scan":
        yield from all_layers(layer.step)
    elif hasattr(layer, "portable_layers"):
        for part in layer.portable_layers:
            yield from layers_in(part)
    else:
        yield layer


def path_of(layer: keras.Layer) -> str:
    """The path of a layer's weights; a `-` at the end keeps a name apart from Keras's own."""
    return layer.name.rstrip("-").replace("-", ".")


def empty(shape: tuple[int, ...]) -> Array:
    """An array that only has a shape."""
    return np.empty(shape, np.float32)


def transposed(variable: keras.Variable, *order: int) -> Place:
    """A variable whose axes are portable axes in another order."""
    back = np.argsort(order)

    def load(array: Array) -> Array:
        return array.transpose(order)

    def save(array: Array) -> Array:
        return array.transpose(back)

    return Place(variable, load, save)


def with_bias(layer: keras.Layer, weight: Place) -> dict[str, Place]:
    """A layer's weight, and its bias where it has one."""
    return {"weight": weight, "bias": Place(layer.bias)} if layer.use_bias else {"weight": weight}


def dense(layer: layers.Dense) -> dict[str, Place]:
    """A linear map: [in, out] is [out, in] in the file."""
    return with_bias(layer, transposed(layer.kernel, 1, 0))


def convolution(layer: layers.Conv2D) -> dict[str, Place]:
    """A convolution: [*kernel, in, out] is [out, in, *kernel] in the file."""
    rank = len(layer.kernel_size)
    return with_bias(layer, transposed(layer.kernel, *range(2, rank + 2), 1, 0))


def transposed_convolution(layer: layers.Conv2DTranspose) -> dict[str, Place]:
    """A kernel [*sizes, out, in]."""
    rank = len(layer.kernel_size)
    return with_bias(layer, transposed(layer.kernel, *range(2, rank + 2), 1, 0))


def depthwise(layer: layers.DepthwiseConv2D) -> dict[str, Place]:
    """A convolution of each channel."""
    return with_bias(layer, by_channel(layer.kernel))


def separable(layer: layers.SeparableConv2D) -> dict[str, Place]:
    """A convolution of each channel and one of single pixels, which has the bias."""
    found = with_bias(layer, transposed(layer.pointwise_kernel, 2, 3, 1, 0))
    found = {f"pointwise.{name}": place for name, place in found.items()}
    return {"depthwise.weight": by_channel(layer.depthwise_kernel), **found}


def by_channel(variable: keras.Variable) -> Place:
    """A kernel [H, W, C, multiplier], which is [C * multiplier, 1, H, W] in the file."""

    def load(array: Array) -> Array:
        high, wide, channels, multiplier = variable.shape
        return array.reshape(channels, multiplier, high, wide).transpose(2, 3, 0, 1)

    def save(array: Array) -> Array:
        return array.transpose(2, 3, 0, 1).reshape(-1, 1, *array.shape[:2])

    return Place(variable, load, save)


def embedding(layer: layers.Embedding) -> dict[str, Place]:
    """A table of rows."""
    return {"weight": Place(layer.embeddings)}


def batch_norm(layer: layers.BatchNormalization) -> dict[str, Place]:
    """A batch norm with its running statistics."""
    return {
        **scale_and_shift(layer),
        "running_mean": Place(layer.moving_mean),
        "running_var": Place(layer.moving_variance),
    }


def scale_and_shift(
    layer: layers.LayerNormalization | layers.BatchNormalization,
) -> dict[str, Place]:
    """A norm's learned vectors, those that it has."""
    named = {"weight": layer.gamma, "bias": layer.beta}
    return {name: Place(variable) for name, variable in named.items() if variable is not None}


def prelu(layer: layers.PReLU) -> dict[str, Place]:
    """Slopes, whose axes of size 1 the file does not have."""
    shape = tuple(layer.alpha.shape)

    def load(array: Array) -> Array:
        return array.reshape(shape)

    return {"weight": Place(layer.alpha, load, np.ravel)}


def rms_norm(layer: layers.RMSNormalization) -> dict[str, Place]:
    """A norm with a scale alone."""
    return {"weight": Place(layer.scale)}


def normed(layer: Any) -> dict[str, Place]:
    """A layer whose kernel is made of other weights, under PyTorch's names for these."""
    kind, found = type(layer).__name__, dict[str, Place]()
    if kind not in ("WeightNorm", "SpectralNorm"):
        return found
    inner = next(function(layer.layer) for k, function in KINDS if isinstance(layer.layer, k))
    path, weight = "parametrizations.weight", inner.pop("weight")
    if kind == "WeightNorm":
        shape = (-1,) + (1,) * (len(layer.layer.kernel.shape) - 1)

        def apart(array: Array) -> Array:
            return array.reshape(shape)

        found[f"{path}.original0"] = Place(layer.scale, np.ravel, apart)
        return {f"{path}.original1": weight, **found, **inner}
    found = {f"{path}.0._{name}": Place(getattr(layer, name)) for name in ("u", "v")}
    return {f"{path}.original": weight, **found, **inner}


def cells(layer: Any) -> dict[str, Any]:
    """The recurrent cells of a layer by what their weights' names end in."""
    if type(layer).__name__ == "Recurrent":
        return {f"_{name}": part.cell for name, part in layer.parts.items()}
    if isinstance(layer, layers.LSTM | layers.GRU | layers.SimpleRNN):
        return {"_l0": layer.cell}
    return {"": layer} if isinstance(layer, CELLS) else {}


def recurrent(layer: Any) -> dict[str, Place]:
    """A recurrent layer: Keras's gates i, f, c, o are PyTorch's i, f, g, o, its z, r, h r, z, n."""
    found: dict[str, Place] = {}
    for suffix, cell in cells(layer).items():
        weights = {"weight_ih": cell.kernel, "weight_hh": cell.recurrent_kernel}
        if isinstance(cell, layers.GRUCell):
            places = {name: reset_first(weight) for name, weight in weights.items()}
            places |= {f"bias_{part}": half(cell.bias, k) for k, part in enumerate(("ih", "hh"))}
        else:
            places = {name: transposed(weight, 1, 0) for name, weight in weights.items()}
            places["bias_ih"] = Place(cell.bias)
        found |= {f"{name}{suffix}": place for name, place in places.items()}
    return found


def swapped(array: Array) -> Array:
    """Rows of a GRU's gates with the first two thirds in the other order."""
    first, second, third = np.split(array, 3)
    return np.concatenate([second, first, third])


def reset_first(variable: keras.Variable) -> Place:
    """A GRU's kernel, its gates in another order."""

    def load(array: Array) -> Array:
        return swapped(array).T

    def save(array: Array) -> Array:
        return swapped(array.T)

    return Place(variable, load, save)


def half(variable: keras.Variable, part: int) -> Place:
    """One of a GRU's two biases, which Keras keeps in one variable."""

    def load(array: Array) -> Array:
        both = np.asarray(variable).copy()
        both[part] = swapped(array)
        return both

    def save(array: Array) -> Array:
        return swapped(array[part])

    return Place(variable, load, save)


def attention(layer: layers.MultiHeadAttention) -> dict[str, Place]:
    """The four projections of an attention, whose heads are an axis of their own here."""
    found: dict[str, Place] = {}
    for name in ("query", "key", "value", "output"):
        part = getattr(layer, f"{name}_dense")
        shape, kept = part.kernel.shape, 2 if name == "output" else 1
        path = "out" if name == "output" else name
        found[f"{path}.weight"] = joined(part.kernel, shape, kept)
        if part.bias is not None:
            found[f"{path}.bias"] = joined(part.bias, part.bias.shape, 0)
    return found


def joined(variable: keras.Variable, shape: tuple[int, ...], inputs: int) -> Place:
    """A variable with an axis of heads, as a matrix [out, in] or a vector."""

    def load(array: Array) -> Array:
        return array.T.reshape(shape)

    def save(array: Array) -> Array:
        return array.reshape(int(np.prod(shape[:inputs])), -1).T if inputs else array.reshape(-1)

    return Place(variable, load, save)


def permuted(place: Place, image: tuple[int, ...]) -> Place:
    """A weight [out, in] whose inputs are the pixels of an image [*sizes, channels]."""
    *sizes, channels = image

    def load(array: Array) -> Array:
        spec = array.reshape(len(array), channels, *sizes)
        return place.load(np.moveaxis(spec, 1, -1).reshape(len(array), -1))

    def save(array: Array) -> Array:
        flat = place.save(array)
        return np.moveaxis(flat.reshape(len(flat), *image), -1, 1).reshape(len(flat), -1)

    return Place(place.variable, load, save)


KINDS: tuple[tuple[type | tuple[type, ...], Callable[[Any], dict[str, Place]]], ...] = (
    (layers.Dense, dense),
    (layers.DepthwiseConv2D, depthwise),
    (layers.SeparableConv2D, separable),
    ((layers.Conv1D, layers.Conv2D, layers.Conv3D), convolution),
    (
        (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose),
        transposed_convolution,
    ),
    (layers.Embedding, embedding),
    (layers.BatchNormalization, batch_norm),
    (layers.LayerNormalization, scale_and_shift),
    (layers.RMSNormalization, rms_norm),
    (layers.PReLU, prelu),
    (layers.GroupNormalization, scale_and_shift),
    ((layers.LSTM, layers.GRU, layers.SimpleRNN, *CELLS), recurrent),
    (layers.MultiHeadAttention, attention),
)
