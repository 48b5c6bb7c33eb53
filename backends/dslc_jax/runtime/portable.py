"""Portable weights of a Flax NNX model: PyTorch's names and layouts, in one safetensors file.

Names are the paths of the layers with the weight's own name (`block.0.norm.weight`). A kernel is
turned (`[in, out]` is `[out, in]` in the file, `[height, width, in, out]` is `[out, in, height,
width]`), scale and statistics have PyTorch's names, and an LSTM has PyTorch's two biases, of which
the second is zero. A tied weight is there once. Random states and counters are not.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from numpy.typing import NDArray

from dslc.train.runtime.weights import match, read

Array = NDArray[Any]
Module = TypeVar("Module", bound=nnx.Module)

NAMES = {
    "kernel": "weight",
    "embedding": "weight",
    "scale": "weight",
    "mean": "running_mean",
    "var": "running_var",
}


def load_weights(model: nnx.Module, weights: Mapping[str, Array] | str | os.PathLike[str]) -> None:
    """Sets every weight of a model, or none where they do not fit.

    Args:
        model: a model of `model.py`.
        weights: a safetensors file, or arrays by name, in PyTorch's layouts.

    Raises:
        ValueError: a name is missing or not known, or a shape or dtype differs.
    """
    given = isinstance(weights, Mapping)
    arrays = weights if given else read(weights)
    found = list(_weights(model))
    matched = match(arrays, shapes_of(model), source="the weights" if given else str(weights))
    for weight in found:
        array = jnp.asarray(_to_model(weight, matched[weight.name]), weight.variable.dtype)
        if weight.is_second_bias:
            array = array + weight.variable.get_value()
        weight.variable.set_value(array)


def empty(make: Callable[[], Module]) -> Module:
    """A model whose weights have their shapes alone, until they are loaded.

    The values that loading replaces are not drawn: that is compiled for each shape, for seconds.

    Args:
        make: makes the model, as `lambda: Net(rngs=nnx.Rngs(0))`.
    """

    def random_states() -> Any:
        return nnx.state(make(), nnx.RngState)

    model = nnx.eval_shape(make)
    if jax.tree.leaves(nnx.state(model, nnx.RngState)):
        nnx.update(model, jax.jit(random_states)())
    return model


def made_with(
    make: Callable[[], Module], weights: Mapping[str, Array] | str | os.PathLike[str]
) -> Module:
    """Makes a model with portable weights, without computing the values that they replace.

    Args:
        make: as for `empty`.
        weights: as for `load_weights`.
    """
    model = empty(make)
    load_weights(model, weights)
    return model


def shapes_of(model: nnx.Module) -> dict[str, tuple[int, ...]]:
    """The shape of every portable weight of a model."""
    return {weight.name: weight.shape for weight in _weights(model)}


def to_portable(model: nnx.Module) -> dict[str, NDArray[np.float32]]:
    """A model's weights and running statistics by their portable names, in float32."""
    arrays: dict[str, NDArray[np.float32]] = {}
    for weight in _weights(model):
        array = _to_file(weight, np.array(weight.variable[...], np.float32))
        arrays[weight.name] = np.zeros_like(array) if weight.is_second_bias else array
    return arrays


def names_of(model: nnx.Module) -> dict[tuple[Any, ...], str]:
    """The portable name of every parameter and running statistic by its path in the model."""
    return {weight.path: weight.name for weight in _weights(model) if not weight.is_second_bias}


def axes_of(model: nnx.Module) -> dict[str, tuple[tuple[int, ...], ...]]:
    """Of each portable weight, for each of its axes: those of the parameter that run along it."""
    found: dict[str, tuple[tuple[int, ...], ...]] = {}
    for weight in _weights(model):
        shape = weight.variable.shape
        numbers = _to_file(weight, np.arange(int(np.prod(shape))).reshape(shape))
        lines = [
            np.moveaxis(numbers, axis, 0).reshape(size, -1)[:, 0]
            for axis, size in enumerate(numbers.shape)
        ]
        found[weight.name] = tuple(
            tuple(k for k, along in enumerate(np.unravel_index(line, shape)) if np.ptp(along))
            for line in lines
        )
    return found


def inputs_of(model: nnx.Module) -> dict[str, NDArray[np.int64]]:
    """Of each matrix of a linear map, the place in the file of each input that the model counts."""
    found: dict[str, NDArray[np.int64]] = {}
    for weight in _weights(model):
        if weight.kernel is not None and len(weight.shape) == 2:
            outputs, inputs = weight.shape
            found[weight.name] = _to_model(weight, np.tile(np.arange(inputs), (outputs, 1)))[:, 0]
    return found


@dataclass(frozen=True)
class _Weight:
    """One weight of the file and where the model keeps it.

    Attributes:
        name: Its name in the file.
        path: Where it is in the model.
        variable: What holds it.
        kernel: The shape of a kernel, with the channels of flattened images apart; None for what is
            stored as it is.
        is_second_bias: Whether it is an LSTM's second bias, which the first one takes in.
    """

    name: str
    path: tuple[Any, ...]
    variable: nnx.Variable[Any]
    kernel: tuple[int, ...] | None = None
    is_second_bias: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape in the file."""
        if self.kernel is None:
            return self.variable.shape
        if self.kernel != self.variable.shape:  # of flattened images
            return self.variable.shape[::-1]
        return (self.kernel[-1], self.kernel[-2], *self.kernel[:-2])


def _weights(model: nnx.Module) -> Iterator[_Weight]:
    """Every parameter and running statistic of a model, by path."""
    nodes = dict(nnx.iter_graph(model))
    for path, node in nodes.items():
        if not isinstance(node, nnx.Param | nnx.BatchStat):
            continue
        *place, own = map(str, path)
        layer = nodes[path[:-1]]
        name = NAMES.get(own, own) if _is_layer(layer) else own
        kernel = _kernel_shape(node) if _is_layer(layer) and own == "kernel" else None
        wrapper = type(nodes[path[:-2]] if place[-1:] == ["layer"] else layer)
        wrapped = dict(getattr(wrapper, "portable_names", ()))
        if wrapped and place[-1:] == ["layer"]:
            place.pop()
        name = wrapped.get(name, name)
        parts = dict(getattr(type(nodes[path[:-2]]), "portable", ()))
        if parts:
            name = f"{name}_{parts[place.pop()]}"
        yield _Weight(".".join((*place, name)), path, node, kernel)
        if parts and own == "bias" and nodes[path[:-2]].recurrent.bias is None:
            yield _Weight(".".join((*place, "bias_hh_l0")), path, node, is_second_bias=True)
        elif own.startswith("bias_ih") and layer.one_bias:
            second = own.replace("bias_ih", "bias_hh")
            yield _Weight(".".join((*place, second)), path, node, is_second_bias=True)
    yield from _lone_biases(nodes)


def _lone_biases(nodes: Mapping[Any, Any]) -> Iterator[_Weight]:
    """The second biases, zero in the file, beside first ones that are other layers'."""
    for path, layer in nodes.items():
        for own, value in vars(layer).items() if getattr(layer, "one_bias", False) else ():
            if own.startswith("bias_ih") and value is None:
                name = ".".join((*map(str, path), own.replace("bias_ih", "bias_hh")))
                zeros = nnx.Param(np.zeros(layer.rows, np.float32))
                yield _Weight(name, (*path, own), zeros, is_second_bias=True)


def _is_layer(node: Any) -> bool:
    """Whether a node is one of Flax's own layers, or derived from one."""
    return any(kind.__module__.startswith("flax.nnx.nn") for kind in type(node).__mro__)


def _kernel_shape(variable: nnx.Variable[Any]) -> tuple[int, ...]:
    """A kernel's shape; behind flattened images with their channels apart."""
    flattened = variable.get_metadata().get("flattened")
    if flattened is None:
        return variable.shape
    channels, *spatial = flattened
    return (*spatial, channels, variable.shape[-1])


def _to_file(weight: _Weight, array: NDArray[Any]) -> NDArray[Any]:
    """A weight as the file has it."""
    if weight.kernel is None:
        return array
    rank = len(weight.kernel)
    turned = array.reshape(weight.kernel).transpose(rank - 1, rank - 2, *range(rank - 2))
    return np.ascontiguousarray(turned.reshape(weight.shape))


def _to_model(weight: _Weight, array: NDArray[Any]) -> NDArray[Any]:
    """A weight as the model has it."""
    if weight.kernel is None:
        return array
    *spatial, inputs, outputs = weight.kernel
    turned = array.reshape(outputs, inputs, *spatial).transpose(*range(2, len(weight.kernel)), 1, 0)
    return turned.reshape(weight.variable.shape)
