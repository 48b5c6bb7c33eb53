"""Helpers of generated Keras models whose layers have weights of other layers, word for word."""

# Keras declares no types for its functions: what is inferred is that of all its backends at once.
# pyright: reportReturnType=false, reportArgumentType=false, reportAttributeAccessIssue=false
# pyright: reportOptionalMemberAccess=false, reportIndexIssue=false, reportCallIssue=false
# pyright: reportIncompatibleMethodOverride=false, reportGeneralTypeIssues=false

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import KerasTensor, layers, ops


@keras.saving.register_keras_serializable(package="dslc")
class Holder(layers.Layer):
    """A layer that calls others, and saves all weights that it computes with itself.

    Another layer may stand anywhere in the model, so it is in the file where that has it, and here.
    """

    def __dir__(self) -> list[str]:
        """Nothing that Keras would look into when it saves."""
        return []

    def save_own_variables(self, store: Any) -> None:
        for k, variable in enumerate(self.weights):
            store[str(k)] = variable

    def load_own_variables(self, store: Any) -> None:
        for k, variable in enumerate(self.weights):
            variable.assign(store[str(k)])

    def build(self, *_: Any) -> None:
        """Has no weights of its own."""

    def get_build_config(self) -> None:
        """Nothing: other layers are built first, where they stand."""


@keras.saving.register_keras_serializable(package="dslc")
class Tied(Holder):
    """A layer with weights of other layers.

    `owners` are these by the layer's own weight: the other layer, its weight's name, and where the
    two lie in different ways, how they do.
    """

    def __init__(
        self,
        layer: layers.Layer,
        owners: Mapping[str, Sequence[Any]],
        keywords: Sequence[str] = (),
        options: Mapping[str, Any] | None = None,
        **rest: Any,
    ) -> None:
        named = {"name": f"{layer.name}-tied", "dtype": layer.dtype_policy}
        super().__init__(**{**named, **rest})
        self.layer = layer
        self.owners = {name: tuple(owner) for name, owner in owners.items()}
        self.others = [owner[0] for owner in owners.values()]
        self.keywords, self.options = list(keywords), dict(options or {})
        self.places: dict[str, tuple[Any, str, tuple[int, ...]]] = {}

    @property
    def portable_layers(self) -> list[layers.Layer]:
        """The layers whose names are their weights' paths."""
        return [self.layer]

    def build(self, input_shape: Any) -> None:
        """Makes the layer's weights, but for those that others have."""
        several = isinstance(input_shape, list)
        shapes = input_shape if several else [input_shape]
        count = 1 if hasattr(self.layer, "state_size") else len(shapes) - len(self.keywords)
        if not self.layer.built:
            named = dict(zip(self.keywords, shapes[-len(self.keywords) :], strict=False))
            key = {"key_shape": named["key"]} if "key" in named else {}
            self.layer.build(*shapes[:count], **key)
        for path in self.owners:
            self.release(path)
        self.restore()

    def release(self, path: str) -> None:
        """Takes a weight of its own from the layer."""
        place, own = place_of_weight(self.layer, path)
        variable = getattr(place, own)
        key = next(key for key, value in vars(place).items() if value is variable)
        self.places[path] = place, key, tuple(variable.shape)
        delattr(place, key)

    def restore(self) -> None:
        """Gives the layer the other layers' variables."""
        for path, (place, key, _) in self.places.items():
            owner, name, *_ = self.owners[path]
            vars(place)[key] = weight_of(owner, name)

    def borrow(self) -> None:
        """Gives the layer, where it is called, what lies in another way in the other layer."""
        for path, (place, key, shape) in self.places.items():
            vars(place)[key] = self.borrowed(path, shape)

    def borrowed(self, path: str, shape: tuple[int, ...] = ()) -> Any:
        """A weight of another layer as this one has it."""
        owner, name, *turn = self.owners[path]
        weight = weight_of(owner, name)
        return as_in_layer(as_in_file(weight, turn[0]), turn[1], shape) if turn else weight

    def own(self, path: str) -> Any:
        """A weight that is the layer's own."""
        return weight_of(self.layer, path)

    def call(self, inputs: Any) -> Any:
        given = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        count = len(given) - len(self.keywords)
        self.borrow()
        named = dict(zip(self.keywords, given[count:], strict=True))
        outputs = self.layer(*given[:count], **named, **self.options)
        self.restore()
        return outputs

    def get_config(self) -> dict[str, Any]:
        layer = serialized(self.layer)
        layer.pop("build_config", None)
        owners = {name: [serialized(owner[0]), *owner[1:]] for name, owner in self.owners.items()}
        own = {"layer": layer, "owners": owners, "keywords": self.keywords}
        return {**super().get_config(), **own, "options": self.options}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Tied":
        layer = keras.saving.deserialize_keras_object(config["layer"])
        owners = {
            name: [keras.saving.deserialize_keras_object(owner[0]), *owner[1:]]
            for name, owner in config["owners"].items()
        }
        return cls(**{**config, "layer": layer, "owners": owners})


class Biases(layers.Layer):
    """Biases of a GRU beside which another layer's stand, with the gates of the portable file."""

    def __init__(self, widths: Mapping[str, int], **options: Any) -> None:
        super().__init__(**options)
        self.portable = tuple(widths)
        for name, width in widths.items():
            setattr(self, name, self.add_weight(shape=(width,), initializer="zeros", name=name))


@keras.saving.register_keras_serializable(package="dslc")
class TiedGru(Tied):
    """A GRU with a bias of another layer.

    Keras has both biases of a cell in one variable, here they are apart: one tied, one its own.
    """

    def build(self, input_shape: Any) -> None:
        self.cells: dict[str, Any] = {}
        super().build(input_shape)
        halves = [f"{start}.{half}" for start in self.cells for half in range(2)]
        self.kept = {path: name_of_bias(path) for path in halves if path not in self.owners}
        width = 3 * next(iter(self.cells.values())).units
        widths = dict.fromkeys(self.kept.values(), width)
        self.biases = Biases(widths, name=f"{self.layer.name}-", dtype=self.dtype_policy)

    @property
    def portable_layers(self) -> list[layers.Layer]:
        return [self.layer, self.biases]

    def release(self, path: str) -> None:
        start, _, half = path.rpartition(".")
        if not half.isdigit():
            super().release(path)
        elif start not in self.cells:
            self.cells[start], _ = place_of_weight(self.layer, start)
            delattr(self.cells[start], "bias")
            self.cells[start].bias = None

    def own(self, path: str) -> Any:
        if path not in self.kept:
            return super().own(path)
        return as_in_layer(getattr(self.biases, self.kept[path]), "gates")

    def borrow(self) -> None:
        super().borrow()
        for start, cell in self.cells.items():
            paths = [f"{start}.{half}" for half in range(2)]
            halves = [self.own(p) if p in self.kept else self.borrowed(p) for p in paths]
            vars(cell)["bias"] = ops.stack(halves)

    def restore(self) -> None:
        super().restore()
        for cell in self.cells.values():
            vars(cell)["bias"] = None


def name_of_bias(path: str) -> str:
    """What a cell's bias is called in the portable file, such as `bias_hh_l0`."""
    *parts, _, half = path.split(".")
    name = ("bias_ih", "bias_hh")[int(half)]
    return f"{name}_{parts[1] if len(parts) > 1 else 'l0'}" if parts else name


@keras.saving.register_keras_serializable(package="dslc")
class WeightOf(Holder):
    """A weight of another layer as a tensor; it is called on any tensor, as graphs begin there."""

    portable_layers = ()  # the other layer stands elsewhere in the model

    def __init__(
        self, layer: layers.Layer, weight: str, layout: str = "file", **options: Any
    ) -> None:
        super().__init__(**{"dtype": layer.dtype_policy, **options})
        self.layer, self.weight, self.layout = layer, weight, layout

    def call(self, _: KerasTensor) -> KerasTensor:
        return as_in_file(weight_of(self.layer, self.weight), self.layout)

    def get_config(self) -> dict[str, Any]:
        layer = serialized(self.layer)
        own = {"layer": layer, "weight": self.weight, "layout": self.layout}
        return {**super().get_config(), **own}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "WeightOf":
        layer = keras.saving.deserialize_keras_object(config["layer"])
        return cls(**{**config, "layer": layer})


@keras.saving.register_keras_serializable(package="dslc")
class Elsewhere(Holder):
    """Calls a layer of another graph, such as that of a scan's round, and shares its weights.

    A layer that is called in two graphs itself would come back from a file with mixed nodes.
    """

    portable_layers = ()  # its weights are in the file by the other graph

    def __init__(self, layer: layers.Layer, **options: Any) -> None:
        super().__init__(**{"dtype": layer.dtype_policy, **options})
        self.layer = layer

    def call(self, *inputs: Any, **options: Any) -> Any:
        return self.layer(*inputs, **options)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "layer": serialized(self.layer)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Elsewhere":
        layer = keras.saving.deserialize_keras_object(config["layer"])
        return cls(**{**config, "layer": layer})


def serialized(layer: layers.Layer) -> dict[str, Any]:
    """A layer in a file, as the same one wherever else it stands there."""
    return {**keras.saving.serialize_keras_object(layer), "shared_object_id": id(layer)}


@keras.saving.register_keras_serializable(package="dslc")
class Part(keras.Model):
    """A block as a model whose layers come back as the same ones wherever else they stand."""

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        known = {layer.name: id(layer) for layer in self.layers}
        for layer in config["layers"]:
            if layer["name"] in known:
                layer["shared_object_id"] = known[layer["name"]]
        return config


def place_of_weight(layer: Any, path: str) -> tuple[Any, str]:
    """What has a weight in a layer, and the weight's name there."""
    *parts, name = path.split(".")
    for part in parts:
        layer = layer[part] if isinstance(layer, Mapping) else getattr(layer, part)
    return layer, name


def weight_of(layer: Any, path: str) -> Any:
    """A weight of a layer, or a row of one where the path ends in a number."""
    if isinstance(layer, Tied):
        return layer.own(path)
    place, name = place_of_weight(layer, path)
    return weight_of(layer, path[:-2])[int(name)] if name.isdigit() else getattr(place, name)


def as_in_file(weight: Any, layout: str) -> Any:
    """A weight as the portable file has it: [out, in, *sizes]."""
    weight = ops.convert_to_tensor(weight)
    rank = len(weight.shape)
    if layout == "kernel":
        return ops.transpose(weight, (rank - 1, rank - 2, *range(rank - 2)))
    if layout == "depthwise":
        return ops.reshape(ops.transpose(weight, (2, 3, 0, 1)), (-1, 1, *weight.shape[:2]))
    if layout == "gates":
        return reset_first(ops.transpose(weight))
    if layout in ("heads", "out"):
        rows = weight.shape[0] if layout == "heads" else -1
        return ops.transpose(ops.reshape(weight, (rows, -1 if rows > 0 else weight.shape[-1])))
    return ops.reshape(weight, (-1,)) if layout == "flat" else weight


def as_in_layer(weight: Any, layout: str, shape: tuple[int, ...] = ()) -> Any:
    """A weight of the portable file as a layer has it."""
    rank = len(weight.shape)
    if layout == "gates":
        return ops.transpose(reset_first(weight))
    if layout == "depthwise":
        high, wide, *channels = shape
        return ops.transpose(ops.reshape(weight, (*channels, high, wide)), (2, 3, 0, 1))
    if layout in ("kernel", "heads", "out"):
        weight = ops.transpose(weight, (*range(2, rank), 1, 0))
    return ops.reshape(weight, shape)


def reset_first(weight: Any) -> Any:
    """A GRU's gates z, r, n as r, z, n, and the other way round."""
    first, second, third = ops.split(weight, 3)
    return ops.concatenate([second, first, third])


def layer_named(model: Any, name: str) -> Any:
    """The layer of a name in a model, or in one inside it."""
    for layer in model.layers:
        if layer.name == name:
            return layer
        parts = [layer] if isinstance(layer, keras.Model) else []
        parts += [part for part in (getattr(layer, "step", None),) if part is not None]
        for part in parts:
            found = layer_named(part, name)
            if found is not None:
                return found
        for part in getattr(layer, "portable_layers", ()):
            if part.name == name:
                return part
    return None
