"""Helpers for regions of images, put into generated Keras models word for word."""

# Keras declares no types for its functions: what is inferred is that of all its backends at once.
# pyright: reportGeneralTypeIssues=false, reportIncompatibleMethodOverride=false
# pyright: reportOptionalMemberAccess=false, reportOptionalOperand=false
# pyright: reportOptionalSubscript=false, reportReturnType=false, reportArgumentType=false
# pyright: reportAssignmentType=false, reportOperatorIssue=false, reportOptionalIterable=false

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import KerasTensor, layers, ops

from dslc_keras.helpers_values import argmax


@keras.saving.register_keras_serializable(package="dslc")
class Anchors(layers.Layer):
    """Boxes of all sizes and ratios around each place of an image. [H * W * ratios * sizes, 4]."""

    def __init__(
        self,
        sizes: Sequence[float],
        ratios: Sequence[float],
        stride: int,
        offset: float = 0.0,
        rounded: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.sizes, self.ratios, self.stride = sizes, ratios, stride
        self.offset, self.rounded = offset, rounded

    def call(self, x: KerasTensor) -> KerasTensor:
        _, high, wide, _ = ops.shape(x)
        size, ratio = (ops.convert_to_tensor(n, x.dtype) for n in (self.sizes, self.ratios))
        roots = ops.reshape(ops.sqrt(ratio), (-1, 1))
        half = ops.stack([ops.ravel(size / roots), ops.ravel(size * roots)], axis=-1) / 2
        half = ops.round(half) if self.rounded else half
        places = (
            (ops.cast(ops.arange(n), x.dtype) + self.offset) * self.stride for n in (wide, high)
        )
        centre = ops.stack(ops.meshgrid(*places), axis=-1)[:, :, None]
        return ops.reshape(ops.concatenate([centre - half, centre + half], axis=-1), (-1, 4))

    def compute_output_spec(self, x: KerasTensor) -> KerasTensor:
        _, high, wide, _ = x.shape
        count = np.size(self.sizes) * np.size(self.ratios)
        rows = None if high is None or wide is None else high * wide * count
        return KerasTensor((rows, 4), dtype=x.dtype)

    def get_config(self) -> dict[str, Any]:
        own = {"sizes": self.sizes, "ratios": self.ratios, "stride": self.stride}
        return {**super().get_config(), **own, "offset": self.offset, "rounded": self.rounded}


@keras.saving.register_keras_serializable(package="dslc")
class SampleBalanced(layers.Layer):
    """Places of each row, positive ones first, and which of the `most` there are. [N, most]."""

    def __init__(
        self,
        most: int,
        share: float = 0.5,
        shuffle: bool = True,
        seed: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.most, self.share, self.shuffle, self.seed = most, share, shuffle, seed
        self.generator = keras.random.SeedGenerator(seed) if shuffle else None

    def build(self, *_: Any) -> None:
        """Has no weights."""

    def call(
        self, positive: KerasTensor, negative: KerasTensor, order: KerasTensor | None = None
    ) -> tuple[KerasTensor, KerasTensor, KerasTensor]:
        if self.shuffle:
            order = keras.random.uniform(ops.shape(positive), seed=self.generator)
        if order is None:
            numbers = ops.cumsum(ops.ones_like(positive, "float32"), axis=1)
            order = 1 - numbers / 2**22  # exact, so equal each time it is computed
        own, wanted = ops.where(positive, order, -1.0), int(self.most * self.share)
        padded = ops.pad(own, ((0, 0), (0, wanted)), constant_values=-1.0)
        limit = ops.top_k(padded, wanted)[0][:, -1:]
        chosen = ops.logical_and(positive, own >= limit)
        rest = ops.logical_and(negative, ops.logical_not(positive))
        scores = ops.where(chosen, order + 1, ops.where(rest, order, -1.0))
        padded = ops.pad(scores, ((0, 0), (0, self.most)), constant_values=-1.0)
        found, ids = ops.top_k(padded, self.most)
        return ops.where(found < 0, ops.zeros_like(ids), ids), found >= 1, found >= 0

    def get_config(self) -> dict[str, Any]:
        own = {"most": self.most, "share": self.share, "shuffle": self.shuffle}
        return {**super().get_config(), **own, "seed": self.seed}


@keras.saving.register_keras_serializable(package="dslc")
class NonMaxSuppression(layers.Layer):
    """The boxes that no better one overlaps too much, and which of the `most` there are."""

    def __init__(
        self, most: int, iou: float = 0.5, score: float | None = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self.most, self.iou, self.score = most, iou, score

    def call(
        self, boxes: KerasTensor, scores: KerasTensor, classes: KerasTensor | None = None
    ) -> tuple[KerasTensor, KerasTensor]:
        boxes, left = ops.stop_gradient(boxes), ops.stop_gradient(scores)
        least = float("-inf")
        if self.score is not None:
            left = ops.where(left > self.score, left, least)
        x1, y1, x2, y2 = sides = [boxes[..., k] for k in range(4)]
        areas = (x2 - x1) * (y2 - y1)
        steps = ops.arange(self.most)
        none = ops.zeros_like(left[:, :1], "int32") + 0 * steps

        def step(
            k: KerasTensor, state: tuple[KerasTensor, KerasTensor, KerasTensor]
        ) -> tuple[KerasTensor, KerasTensor, KerasTensor]:
            left, ids, valid = state
            place = ops.cast(argmax(left)[:, None], "int32")
            a, b, c, d = (ops.take_along_axis(side, place, axis=1) for side in sides)
            wide = ops.maximum(ops.minimum(x2, c) - ops.maximum(x1, a), 0)
            shared = wide * ops.maximum(ops.minimum(y2, d) - ops.maximum(y1, b), 0)
            gone = shared > self.iou * (areas + (c - a) * (d - b) - shared)
            if classes is not None:
                own = ops.take_along_axis(classes, place, axis=1)
                gone = ops.logical_and(gone, ops.equal(classes, own))
            there = ops.take_along_axis(left, place, axis=1) > least
            taken = ops.equal(ops.cumsum(ops.ones_like(left, "int32"), axis=1) - 1, place)
            left = ops.where(ops.logical_or(gone, taken), least, left)
            now = ops.logical_and(ops.equal(steps, k), there)
            return left, ops.where(now, place, ids), ops.logical_or(valid, now)

        start = (left, none, ops.cast(none, "bool"))
        _, ids, valid = ops.fori_loop(0, self.most, step, start)
        return ids, valid

    def compute_output_spec(
        self, boxes: KerasTensor, *_: Any, **__: Any
    ) -> tuple[KerasTensor, KerasTensor]:
        shape = (boxes.shape[0], self.most)
        return KerasTensor(shape, dtype="int32"), KerasTensor(shape, dtype="bool")

    def get_config(self) -> dict[str, Any]:
        own = {"most": self.most, "iou": self.iou, "score": self.score}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="dslc")
class RoiAlign(layers.Layer):
    """What is seen inside boxes. [N, H, W, C], [N, R, 4] -> [N * R, *out, C]."""

    def __init__(
        self,
        out: int | tuple[int, int],
        scale: float = 1.0,
        samples: int = 2,
        aligned: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.out, self.scale, self.samples, self.aligned = out, scale, samples, aligned
        self.sizes = (out, out) if isinstance(out, int) else tuple(out)

    def call(self, x: KerasTensor, boxes: KerasTensor) -> KerasTensor:
        n, high, wide, c = ops.shape(x)
        (rows, columns), s = self.sizes, self.samples
        i, down, above = self.places(boxes, 1, high, rows * s)
        j, right, beside = self.places(boxes, 0, wide, columns * s)
        pixels = ops.reshape(x, (-1, c))
        first = ops.reshape(ops.arange(n) * (high * wide), (-1, 1, 1, 1))
        total: Any = 0.0
        for a, y in ((0, 1 - down), (1, down)):
            for b, z in ((0, 1 - right), (1, right)):
                share = (y * above)[..., None] * (z * beside)[:, :, None]
                places = first + (i[a] * wide)[..., None] + j[b][:, :, None]
                total = total + share[..., None] * ops.take(pixels, places, axis=0)
        cells = ops.reshape(total, (-1, rows, s, columns, s, c))
        return ops.mean(cells, axis=(2, 4))

    def places(self, boxes: KerasTensor, axis: int, size: Any, count: int) -> tuple[Any, Any, Any]:
        """The pixels before and behind each place, how far it is between them, and if it counts."""
        boxes = boxes * self.scale - (0.5 if self.aligned else 0.0)
        start, end = boxes[..., axis, None], boxes[..., axis + 2, None]
        length = end - start if self.aligned else ops.maximum(end - start, 1)
        at = start + length * ((ops.arange(count, dtype=boxes.dtype) + 0.5) / count)
        edge = ops.cast(size, boxes.dtype)
        inside = ops.cast(ops.logical_and(at >= -1, at <= edge), boxes.dtype)
        at = ops.minimum(ops.maximum(at, 0), edge - 1)
        low = ops.floor(at)
        near = (low, ops.minimum(low + 1, edge - 1))
        return tuple(ops.cast(k, "int32") for k in near), at - low, inside

    def compute_output_spec(self, x: KerasTensor, boxes: KerasTensor) -> KerasTensor:
        n, r, _ = boxes.shape
        rows = None if n is None or r is None else n * r
        return KerasTensor((rows, *self.sizes, x.shape[-1]), dtype=x.dtype)

    def get_config(self) -> dict[str, Any]:
        own = {"out": self.out, "scale": self.scale, "samples": self.samples}
        return {**super().get_config(), **own, "aligned": self.aligned}
