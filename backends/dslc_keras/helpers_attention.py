"""Helpers for attention and positions, put into generated Keras models word for word."""

# Keras declares no types for its functions: what is inferred is that of all its backends at once.
# pyright: reportGeneralTypeIssues=false, reportIncompatibleMethodOverride=false
# pyright: reportOptionalMemberAccess=false, reportOptionalOperand=false
# pyright: reportOptionalSubscript=false, reportReturnType=false, reportArgumentType=false
# pyright: reportAssignmentType=false, reportOperatorIssue=false, reportOptionalIterable=false

import math
from typing import Any

import keras
import numpy as np
from keras import KerasTensor, layers, ops


@keras.saving.register_keras_serializable(package="dslc")
class Attend(layers.Layer):
    """Attention of each head; what a query sees is told by a mask, its place and a window."""

    def __init__(
        self,
        causal: bool = False,
        window: int | None = None,
        scale: float | None = None,
        dropout: float = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.causal, self.window, self.scale, self.rate = causal, window, scale, dropout
        if dropout:
            self.dropout = layers.Dropout(dropout, dtype=self.dtype_policy, name="dropout")

    def build(self, *_: Any, **__: Any) -> None:
        """Has no weights."""

    def call(
        self,
        q: KerasTensor,
        k: KerasTensor,
        v: KerasTensor,
        seen: KerasTensor | None = None,
        bias: KerasTensor | None = None,
    ) -> KerasTensor:
        t, s, width = ops.shape(q)[2], ops.shape(k)[2], ops.shape(q)[3]
        groups = 1 if k.shape[1] is None else q.shape[1] // k.shape[1]
        if groups > 1:
            k, v = (ops.repeat(part, groups, axis=1) for part in (k, v))
        scale = ops.rsqrt(ops.cast(width, q.dtype)) if self.scale is None else self.scale
        scores = ops.einsum("nhtd,nhsd->nhts", q, k) * scale
        if bias is not None:
            scores = scores - ops.negative(bias)
        if self.causal or self.window is not None:
            ahead = ops.arange(s) - (ops.arange(t)[:, None] + s - t)
            near = ahead <= 0 if self.causal else ahead < self.window
            if self.window is not None:
                near = ops.logical_and(near, ahead > -self.window)
            seen = near if seen is None else ops.logical_and(near, seen)
        if seen is None:
            weights = ops.softmax(scores)
        else:  # a query that sees no key gets zeros
            hidden = -6e4 if q.dtype == "float16" else -1e30
            weights = ops.softmax(ops.where(seen, scores, hidden))
            weights = ops.where(seen, weights, 0.0)
        weights = self.dropout(weights) if self.rate else weights
        return ops.einsum("nhts,nhsd->nhtd", weights, v)

    def get_config(self) -> dict[str, Any]:
        own = {"causal": self.causal, "window": self.window, "scale": self.scale}
        return {**super().get_config(), **own, "dropout": self.rate}


@keras.saving.register_keras_serializable(package="dslc")
class MaskedAttention(layers.MultiHeadAttention):
    """Keras's own attention, in which a query that sees no key gets zeros, not a mean of all."""

    def _compute_attention(
        self,
        query: KerasTensor,
        key: KerasTensor,
        value: KerasTensor,
        attention_mask: KerasTensor,
        *others: Any,
    ) -> tuple[KerasTensor, Any]:
        y, scores = super()._compute_attention(query, key, value, attention_mask, *others)
        seen = ops.swapaxes(ops.any(attention_mask, axis=-1), 1, 2)
        return ops.where(seen[..., None], y, 0.0), scores


@keras.saving.register_keras_serializable(package="dslc")
class Rotate(layers.Layer):
    """Turns pairs of the first `dim` numbers by angles that grow with the place. [N, …, T, D]."""

    def __init__(
        self,
        base: float = 10000.0,
        dim: int | None = None,
        interleaved: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.base, self.dim, self.interleaved = base, dim, interleaved

    def call(self, x: KerasTensor, positions: KerasTensor | None = None) -> KerasTensor:
        dim = self.dim or ops.shape(x)[-1]
        places = ops.arange(ops.shape(x)[-2]) if positions is None else positions
        dtype = "float64" if x.dtype == "float64" else "float32"  # bfloat16 is too coarse
        rates = self.base ** (-ops.arange(0, dim, 2, dtype=dtype) / ops.cast(dim, dtype))
        angles = ops.cast(places, dtype)[..., None] * rates
        if len(angles.shape) == 3 and len(x.shape) == 4:
            angles = angles[:, None]
        cos, sin = (ops.cast(turn(angles), x.dtype) for turn in (ops.cos, ops.sin))
        turned = x[..., :dim]
        if self.interleaved:
            a, b = turned[..., ::2], turned[..., 1::2]
        else:
            a, b = ops.split(turned, 2, axis=-1)
        pair, axis = (a * cos - b * sin, b * cos + a * sin), -1 if self.interleaved else -2
        pairs = ops.reshape(ops.stack(pair, axis=axis), ops.shape(turned))
        if self.dim in (None, x.shape[-1]):
            return pairs
        return ops.concatenate([pairs, x[..., dim:]], axis=-1)

    def get_config(self) -> dict[str, Any]:
        own = {"base": self.base, "dim": self.dim, "interleaved": self.interleaved}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="dslc")
class GroupedAttention(layers.Layer):
    """Attention between learned projections, whose heads of queries may share those of keys.

    f32[N, T, D], f32[N, S, E] -> f32[N, T, D]; query t stands at place t + S - T. What is attended
    is `seen`, broadcastable to [N, heads, T, S]. The `bias` is added to the scores.
    """

    def __init__(
        self,
        dim: int,
        heads: int,
        kv_heads: int | None = None,
        head_dim: int | None = None,
        scale: float | None = None,
        causal: bool = False,
        window: int | None = None,
        qk_norm: float | None = None,
        rotary_base: float | None = None,
        rotary_dim: int | None = None,
        interleaved: bool = False,
        dropout: float = 0.0,
        use_bias: tuple[str, ...] = ("query", "key", "value", "out"),
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.given = {
            "dim": dim,
            "heads": heads,
            "kv_heads": kv_heads,
            "head_dim": head_dim,
            "scale": scale,
            "causal": causal,
            "window": window,
            "qk_norm": qk_norm,
            "rotary_base": rotary_base,
            "rotary_dim": rotary_dim,
            "interleaved": interleaved,
            "dropout": dropout,
            "use_bias": use_bias,
        }
        self.size, shared = head_dim or dim // heads, kv_heads or heads
        self.width = heads * self.size
        self.query = self.dense("query", self.width, "query" in use_bias)
        self.key = self.dense("key", shared * self.size, "key" in use_bias)
        self.value = self.dense("value", shared * self.size, "value" in use_bias)
        self.out = self.dense("out", dim, "out" in use_bias)
        self.normed, self.turned = qk_norm is not None, rotary_base is not None
        if qk_norm is not None:
            self.query_norm = self.norm("query_norm", qk_norm)
            self.key_norm = self.norm("key_norm", qk_norm)
        if rotary_base is not None:
            policy = self.dtype_policy
            self.rotate = Rotate(rotary_base, rotary_dim, interleaved, dtype=policy)
        self.attend = Attend(causal, window, scale, dropout, dtype=self.dtype_policy)

    def dense(self, name: str, size: int, use_bias: bool) -> layers.Dense:
        """A projection, named by its weights' path."""
        name, policy = f"{self.name}-{name}", self.dtype_policy
        return layers.Dense(size, use_bias=use_bias, name=name, dtype=policy)

    def norm(self, name: str, epsilon: float) -> layers.RMSNormalization:
        """The norm of every head, named by its weight's path."""
        name, policy = f"{self.name}-{name}", self.dtype_policy
        return layers.RMSNormalization(epsilon=epsilon, name=name, dtype=policy)

    @property
    def portable_layers(self) -> list[layers.Layer]:
        """The layers whose names are their weights' paths."""
        found = [self.query, self.key, self.value, self.out]
        return [*found, self.query_norm, self.key_norm] if self.normed else found

    def build(
        self,
        query_shape: tuple[int | None, ...],
        key_shape: tuple[int | None, ...] | None = None,
        value_shape: tuple[int | None, ...] | None = None,
        **_: Any,
    ) -> None:
        key_shape = key_shape or query_shape
        self.query.build(query_shape)
        self.key.build(key_shape)
        self.value.build(value_shape or key_shape)
        self.out.build((*query_shape[:2], self.width))
        if self.normed:
            self.query_norm.build((None, None, None, self.size))
            self.key_norm.build((None, None, None, self.size))

    def call(
        self,
        query: KerasTensor,
        key: KerasTensor | None = None,
        value: KerasTensor | None = None,
        seen: KerasTensor | None = None,
        bias: KerasTensor | None = None,
    ) -> KerasTensor:
        key = query if key is None else key
        q, k = self.heads(self.query(query)), self.heads(self.key(key))
        v = self.heads(self.value(key if value is None else value))
        if self.normed:
            q, k = self.query_norm(q), self.key_norm(k)
        if self.turned:
            t, s = ops.shape(q)[2], ops.shape(k)[2]
            q, k = self.rotate(q, ops.arange(t) + s - t), self.rotate(k, ops.arange(s))
        y = ops.transpose(self.attend(q, k, v, seen, bias), (0, 2, 1, 3))
        return self.out(ops.reshape(y, (*ops.shape(query)[:2], self.width)))

    def heads(self, x: KerasTensor) -> KerasTensor:
        """A projection with its heads apart. [N, heads, T, size]."""
        count = x.shape[-1] // self.size
        return ops.transpose(ops.reshape(x, (*ops.shape(x)[:2], count, self.size)), (0, 2, 1, 3))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.given}


@keras.saving.register_keras_serializable(package="dslc")
class Waves(layers.Layer):
    """The sines and cosines of places, in turn or one after the other."""

    def __init__(
        self, dim: int, base: float = 10000.0, interleaved: bool = True, **options: Any
    ) -> None:
        super().__init__(**options)
        self.dim, self.base, self.interleaved = dim, base, interleaved

    def call(self, positions: KerasTensor) -> KerasTensor:
        dtype = "float64" if positions.dtype == "float64" else "float32"  # bfloat16 is too coarse
        rates = self.base ** (-ops.arange(0, self.dim, 2, dtype=dtype) / self.dim)
        angles = ops.cast(positions, dtype)[..., None] * rates
        axis = -1 if self.interleaved else -2
        parts = ops.stack((ops.sin(angles), ops.cos(angles)), axis=axis)
        parts = ops.reshape(parts, (*ops.shape(positions), self.dim))
        return ops.cast(parts, self.variable_dtype)

    def get_config(self) -> dict[str, Any]:
        own = {"dim": self.dim, "base": self.base, "interleaved": self.interleaved}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="dslc")
class Alibi(layers.Layer):
    """What each head adds to its scores, less the farther a key is. [heads, T, S]."""

    def __init__(self, heads: int, **options: Any) -> None:
        super().__init__(**options)
        self.heads = heads

    def call(self, query: KerasTensor, key: KerasTensor) -> KerasTensor:
        power = 1 << (self.heads.bit_length() - 1)
        slopes = [2 ** (-8 * (k + 1) / power) for k in range(power)]
        slopes += [2 ** (-4 * (2 * k + 1) / power) for k in range(self.heads - power)]
        t, s = ops.shape(query)[1], ops.shape(key)[1]
        distance = ops.abs(ops.arange(s) - (ops.arange(t)[:, None] + s - t))
        factors = ops.reshape(ops.convert_to_tensor(slopes, query.dtype), (-1, 1, 1))
        return -factors * ops.cast(distance, query.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "heads": self.heads}


@keras.saving.register_keras_serializable(package="dslc")
class RelativePositionBias(layers.Layer):
    """A learned number for each head and each way from one place of a window to another.

    -> f32[heads, P, P] of the P places; called on any tensor, since a graph begins at its inputs
    """

    portable = ("weight",)

    def __init__(self, window: tuple[int, ...], heads: int, **options: Any) -> None:
        super().__init__(**options)
        self.window, self.heads = tuple(window), heads
        ways = math.prod(2 * n - 1 for n in window)
        self.weight = self.add_weight(shape=(ways, heads), initializer="zeros", name="weight")
        self.index = np.zeros(1, "int32")
        for axis, n in zip(np.indices(self.window), self.window, strict=True):
            place = axis.ravel()
            self.index = self.index * (2 * n - 1) + place[:, None] - place + n - 1

    def call(self, _: KerasTensor) -> KerasTensor:
        return ops.transpose(ops.take(self.weight, self.index, axis=0), (2, 0, 1))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "window": self.window, "heads": self.heads}
