"""Keras's part of `ops.py`: its own layers, a forward pass, a training step."""

import os
from collections.abc import Callable
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
import tensorflow as tf
from keras import layers

from dslc.emit.loading import load_module
from dslc.tools.backends import find_backend

CHANNELS_LAST = True
RATE = 1e-4


def image(layer: layers.Layer) -> keras.Model:
    """A layer on images as a model."""
    x = keras.Input((32, 32, 32))
    return keras.Model(x, layer(x))


def tokens(layer: Callable[[Any], Any]) -> keras.Model:
    """A layer on sequences as a model."""
    x = keras.Input((None, 256))
    return keras.Model(x, layer(x))


def attention(x: Any) -> Any:
    """Keras's attention of a sequence to itself."""
    return layers.MultiHeadAttention(8, 32)(x, x)


def embedding() -> keras.Model:
    """Keras's embedding as a model."""
    ids = keras.Input((None,), dtype="int32")
    return keras.Model(ids, layers.Embedding(1000, 256)(ids))


NATIVE: dict[str, Callable[[], keras.Model]] = {
    "conv2d": lambda: image(layers.Conv2D(64, 3, padding="same")),
    "depthwise_conv2d": lambda: image(layers.DepthwiseConv2D(3, padding="same")),
    "conv_transpose2d": lambda: image(layers.Conv2DTranspose(32, 2, 2)),
    "batch_norm": lambda: image(layers.BatchNormalization()),
    "group_norm": lambda: image(layers.GroupNormalization(8)),
    "max_pool2d": lambda: image(layers.MaxPooling2D(2)),
    "avg_pool2d": lambda: image(layers.AveragePooling2D(2)),
    "linear": lambda: tokens(layers.Dense(512)),
    "layer_norm": lambda: tokens(layers.LayerNormalization()),
    "rms_norm": lambda: tokens(layers.RMSNormalization()),
    "gelu": lambda: tokens(layers.Activation("gelu")),
    "softmax": lambda: tokens(layers.Softmax()),
    "multi_head_attention": lambda: tokens(attention),
    "lstm": lambda: tokens(layers.LSTM(128, return_sequences=True)),
    "gru": lambda: tokens(layers.GRU(128, return_sequences=True)),
    "embedding": embedding,
}


def emitted(checked: Any) -> keras.Model:
    """The model of a spec, in Keras's own layout where it has one."""
    make = load_module(find_backend("keras").model_source(checked), "model").net
    try:
        return make(io_layout="native")
    except TypeError:
        return make()


def first(found: Any) -> Any:
    """The value of a model, whatever else it gives."""
    return found[0] if isinstance(found, list | tuple) else found


def forward(model: keras.Model, x: Any) -> Callable[[], Any]:
    """A pass as a TensorFlow function."""
    call = tf.function(lambda x: first(model(x, training=False)))
    given = tf.constant(x)
    return lambda: call(given)


def step(model: keras.Model, x: Any) -> Callable[[], Any]:
    """A training step as a TensorFlow function, of the input too where it has a gradient."""
    given = tf.constant(x)
    trained = [variable.value for variable in model.trainable_variables]

    @tf.function
    def move(x: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_mean(tf.square(first(model(x, training=True))))
        sources = [*trained, *([x] if x.dtype.is_floating else [])]
        gradients = tape.gradient(loss, sources)
        for variable, gradient in zip(trained, gradients, strict=False):
            variable.assign_sub(RATE * tf.convert_to_tensor(gradient))
        return gradients[len(trained) :]

    return lambda: move(given)
