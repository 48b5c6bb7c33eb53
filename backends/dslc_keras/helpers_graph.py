"""Helpers for graphs, put into generated Keras models word for word."""

# Keras declares no types for its functions: what is inferred is that of all its backends at once.
# pyright: reportGeneralTypeIssues=false, reportIncompatibleMethodOverride=false
# pyright: reportOptionalMemberAccess=false, reportOptionalOperand=false
# pyright: reportOptionalSubscript=false, reportReturnType=false, reportArgumentType=false
# pyright: reportAssignmentType=false, reportOperatorIssue=false, reportOptionalIterable=false

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
