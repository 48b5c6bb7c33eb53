"""Helpers for graphs, put into generated Keras models word for word."""

# Keras declares no types for its functions: what is inferred is that of all its backends at once.
# pyright: reportGeneralTypeIssues=false, reportIncompatibleMethodOverride=false
# pyright: reportOptionalMemberAccess=false, reportOptionalOperand=false
# pyright: reportOptionalSubscript=false, reportReturnType=false, reportArgumentType=false
# pyright: reportAssignmentType=false, reportOperatorIssue=false, reportOptionalIterable=false

from typing import Any

import keras
from keras import KerasTensor, layers, ops


def segment_sum(x: KerasTensor, ids: KerasTensor, segments: int) -> KerasTensor:
    """The sum of the rows of each segment."""
    return ops.segment_sum(x, ids, num_segments=segments)


def segment_mean(x: KerasTensor, ids: KerasTensor, segments: int) -> KerasTensor:
    """The mean of the rows of each segment; of none it is 0."""
    ones = ops.ones_like(x[(slice(None), *(slice(0, 1),) * (len(x.shape) - 1))])
    count = ops.segment_sum(ones, ids, num_segments=segments)
    return ops.segment_sum(x, ids, num_segments=segments) / ops.maximum(count, 1)


def segment_max(x: KerasTensor, ids: KerasTensor, segments: int) -> KerasTensor:
    """The largest of the rows of each segment, place by place; of none it is 0."""
    ones = ops.ones_like(x[(slice(None), *(slice(0, 1),) * (len(x.shape) - 1))])
    count = ops.segment_sum(ones, ids, num_segments=segments)
    return ops.where(count > 0, ops.segment_max(x, ids, num_segments=segments), 0.0)


@keras.saving.register_keras_serializable(package="dslc")
class Propagate(layers.Layer):
    """Each row and its neighbours, divided by the root of both degrees, summed. [N, D]."""

    def call(self, x: KerasTensor, edges: KerasTensor) -> KerasTensor:
        source, target, n = edges[0], edges[1], ops.shape(x)[0]
        ones = ops.cast(ops.ones_like(target), x.dtype)
        scale = ops.rsqrt(1 + ops.segment_sum(ones, target, num_segments=n))[:, None]
        y = x * scale
        return scale * (y + ops.segment_sum(ops.take(y, source, axis=0), target, num_segments=n))

    def compute_output_spec(self, x: KerasTensor, edges: KerasTensor) -> KerasTensor:
        del edges
        return KerasTensor(x.shape, dtype=x.dtype)


@keras.saving.register_keras_serializable(package="dslc")
class MeanOfNeighbours(layers.Layer):
    """The mean of the rows from which edges end at a row; of none it is 0. [N, D]."""

    def call(self, x: KerasTensor, edges: KerasTensor) -> KerasTensor:
        source, target, n = edges[0], edges[1], ops.shape(x)[0]
        ones = ops.cast(ops.ones_like(target), x.dtype)
        count = ops.maximum(ops.segment_sum(ones, target, num_segments=n), 1)
        total = ops.segment_sum(ops.take(x, source, axis=0), target, num_segments=n)
        return total / count[:, None]

    def compute_output_spec(self, x: KerasTensor, edges: KerasTensor) -> KerasTensor:
        del edges
        return KerasTensor(x.shape, dtype=x.dtype)


@keras.saving.register_keras_serializable(package="dslc")
class GatConv(layers.Layer):
    """Each row and its neighbours, weighed by the attention of each head. [N, D], [2, E]."""

    portable: tuple[str, ...]

    def __init__(
        self,
        out: int,
        heads: int = 1,
        mean: bool = False,
        slope: float = 0.2,
        use_bias: bool = True,
        dropout: float = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.out, self.heads, self.mean, self.slope = out, heads, mean, slope
        self.use_bias, self.rate = use_bias, dropout
        self.width = out if mean else heads * out
        self.portable = ("weight", "source", "target", *(("bias",) if use_bias else ()))
        self.dropout = layers.Dropout(dropout, dtype=self.dtype_policy, name="dropout")

    def build(self, shape: tuple[int | None, ...], *_: Any) -> None:
        out, heads, dim = self.out, self.heads, shape[-1]
        start = keras.initializers.VarianceScaling(1 / 3, "fan_out", "uniform")
        self.weight = self.add_weight((heads * out, dim), start, name="weight")
        self.source = self.add_weight((heads, out), start, name="source")
        self.target = self.add_weight((heads, out), start, name="target")
        if self.use_bias:
            self.bias = self.add_weight((self.width,), "zeros", name="bias")

    def call(self, x: KerasTensor, edges: KerasTensor) -> KerasTensor:
        source, target, n = edges[0], edges[1], ops.shape(x)[0]
        y = ops.matmul(x, ops.transpose(self.weight))
        y = ops.reshape(y, (-1, self.heads, self.out))
        told, asked = (ops.sum(y * end, axis=-1) for end in (self.source, self.target))
        far = ops.take(told, source, axis=0) + ops.take(asked, target, axis=0)
        own, scores = (ops.where(z > 0, z, self.slope * z) for z in (told + asked, far))
        most = ops.maximum(own, ops.segment_max(scores, target, num_segments=n))
        most = ops.stop_gradient(most)
        own, scores = ops.exp(own - most), ops.exp(scores - ops.take(most, target, axis=0))
        total = own + ops.segment_sum(scores, target, num_segments=n)
        own, scores = own / total, scores / ops.take(total, target, axis=0)
        own, scores = (self.dropout(weights)[..., None] for weights in (own, scores))
        told = scores * ops.take(y, source, axis=0)
        heard = own * y + ops.segment_sum(told, target, num_segments=n)
        z = ops.mean(heard, axis=1) if self.mean else ops.reshape(heard, (-1, self.width))
        return z + self.bias if self.use_bias else z

    def compute_output_spec(self, x: KerasTensor, edges: KerasTensor) -> KerasTensor:
        del edges
        return KerasTensor((x.shape[0], self.width), dtype=x.dtype)

    def get_config(self) -> dict[str, Any]:
        own = {"out": self.out, "heads": self.heads, "mean": self.mean, "slope": self.slope}
        own |= {"use_bias": self.use_bias, "dropout": self.rate}
        return {**super().get_config(), **own}
