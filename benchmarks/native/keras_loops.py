"""Keras's part of `steps.py`: `fit` of models written by hand."""

import os
from collections.abc import Callable
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
import numpy as np
from keras import layers


def digits() -> keras.Model:
    """A small convolutional network."""
    x = image = keras.Input((8, 8, 1))
    for channels in (32, 64):
        x = layers.Conv2D(channels, 3, padding="same", use_bias=False)(x)
        x = layers.MaxPooling2D()(layers.ReLU()(layers.BatchNormalization()(x)))
    return keras.Model(image, layers.Dense(10)(layers.Dense(128, "relu")(layers.Flatten()(x))))


def text() -> keras.Model:
    """An LSTM that reads ids."""
    ids = keras.Input((100,), dtype="int64")
    return keras.Model(ids, layers.Dense(4)(layers.LSTM(256)(layers.Embedding(10000, 128)(ids))))


MODELS = {"digits": digits, "text": text}


def steps(name: str, batches: list[dict[str, Any]]) -> Callable[[], Any]:
    """An epoch of `fit`."""
    model = MODELS[name]()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.AdamW(1e-3), loss, jit_compile=False)
    x, label = (np.concatenate(parts) for parts in zip(*(b.values() for b in batches), strict=True))
    size = len(label) // len(batches)
    return lambda: model.fit(x, label, batch_size=size, shuffle=False, verbose=0)
