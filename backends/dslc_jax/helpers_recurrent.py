"""Helpers for recurrent layers, put into generated JAX modules word for word."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array


def scan_within(layer: Any, start: Any, x: Array, lengths: Array) -> tuple[Any, Array]:
    """A scan over time: behind a row's length its states stay, and what comes out is zero."""

    def held(carry: Any, item: tuple[Array, Array]) -> tuple[Any, Array]:
        x_t, there = item

        def kept(new: Array, old: Array) -> Array:
            return jnp.where(there, new, old)

        new, h = layer.step(carry, x_t)
        return jax.tree.map(kept, new, carry), jnp.where(there, h, 0)

    there = jnp.arange(x.shape[1])[:, None, None] < lengths[:, None]
    return jax.lax.scan(held, start, (x.swapaxes(0, 1), there))


class LSTM(nnx.Module):
    """A long short-term memory from zero states: gates i, f, g, o and one bias.

    f32[N, T, D] -> every hidden state f32[N, T, hidden], the last one and the last cell state
    f32[N, hidden]
    """

    portable = (("input", "ih_l0"), ("recurrent", "hh_l0"))  # in the names of the weight file

    def __init__(self, features: int, hidden: int, *, rngs: nnx.Rngs) -> None:
        self.hidden = hidden
        self.input = nnx.Linear(features, 4 * hidden, rngs=rngs)
        self.recurrent = nnx.Linear(hidden, 4 * hidden, use_bias=False, rngs=rngs)

    def __call__(self, x: Array, lengths: Array | None = None) -> tuple[Array, Array, Array]:
        zeros = jnp.zeros((x.shape[0], self.hidden), x.dtype)
        if lengths is not None:
            (last, state), sequence = scan_within(self, (zeros, zeros), x, lengths)
        else:
            (last, state), sequence = jax.lax.scan(self.step, (zeros, zeros), x.swapaxes(0, 1))
        return sequence.swapaxes(0, 1), last, state

    def step(self, carry: tuple[Array, Array], x_t: Array) -> tuple[tuple[Array, Array], Array]:
        """The states behind one place."""
        h, c = carry
        i, f, g, o = jnp.split(self.input(x_t) + self.recurrent(h), 4, axis=-1)
        c = nnx.sigmoid(f) * c + nnx.sigmoid(i) * jnp.tanh(g)
        h = nnx.sigmoid(o) * jnp.tanh(c)
        return (h, c), h


class GRU(nnx.Module):
    """A gated recurrent unit from a zero state: gates r, z, n, each with two biases.

    f32[N, T, D] -> every hidden state f32[N, T, hidden], the last one f32[N, hidden] twice
    """

    portable = (("input", "ih_l0"), ("recurrent", "hh_l0"))  # in the names of the weight file

    def __init__(self, features: int, hidden: int, *, rngs: nnx.Rngs) -> None:
        self.hidden = hidden
        self.input = nnx.Linear(features, 3 * hidden, rngs=rngs)
        self.recurrent = nnx.Linear(hidden, 3 * hidden, rngs=rngs)

    def __call__(self, x: Array, lengths: Array | None = None) -> tuple[Array, Array, Array]:
        zeros = jnp.zeros((x.shape[0], self.hidden), x.dtype)
        if lengths is not None:
            last, sequence = scan_within(self, zeros, x, lengths)
        else:
            last, sequence = jax.lax.scan(self.step, zeros, x.swapaxes(0, 1))
        return sequence.swapaxes(0, 1), last, last

    def step(self, h: Array, x_t: Array) -> tuple[Array, Array]:
        """The state behind one place, twice."""
        r, z, n = jnp.split(self.input(x_t), 3, axis=-1)
        r_old, z_old, n_old = jnp.split(self.recurrent(h), 3, axis=-1)
        z = nnx.sigmoid(z + z_old)
        h = (1 - z) * jnp.tanh(n + nnx.sigmoid(r + r_old) * n_old) + z * h
        return h, h


class RNN(nnx.Module):
    """A plain recurrent layer from a zero state, with one bias.

    f32[N, T, D] -> every hidden state f32[N, T, hidden], the last one f32[N, hidden] twice
    """

    portable = (("input", "ih_l0"), ("recurrent", "hh_l0"))  # in the names of the weight file

    def __init__(self, features: int, hidden: int, *, rngs: nnx.Rngs) -> None:
        self.hidden = hidden
        self.input = nnx.Linear(features, hidden, rngs=rngs)
        self.recurrent = nnx.Linear(hidden, hidden, use_bias=False, rngs=rngs)

    def __call__(self, x: Array, lengths: Array | None = None) -> tuple[Array, Array, Array]:
        zeros = jnp.zeros((x.shape[0], self.hidden), x.dtype)
        if lengths is not None:
            last, sequence = scan_within(self, zeros, x, lengths)
        else:
            last, sequence = jax.lax.scan(self.step, zeros, x.swapaxes(0, 1))
        return sequence.swapaxes(0, 1), last, last

    def step(self, h: Array, x_t: Array) -> tuple[Array, Array]:
        """The state behind one place, twice."""
        h = jnp.tanh(self.input(x_t) + self.recurrent(h))
        return h, h


class ReluRNN(nnx.Module):
    """A recurrent layer with a ReLU from a zero state, with one bias.

    f32[N, T, D] -> every hidden state f32[N, T, hidden], the last one f32[N, hidden] twice
    """

    portable = (("input", "ih_l0"), ("recurrent", "hh_l0"))  # in the names of the weight file

    def __init__(self, features: int, hidden: int, *, rngs: nnx.Rngs) -> None:
        self.hidden = hidden
        self.input = nnx.Linear(features, hidden, rngs=rngs)
        self.recurrent = nnx.Linear(hidden, hidden, use_bias=False, rngs=rngs)

    def __call__(self, x: Array, lengths: Array | None = None) -> tuple[Array, Array, Array]:
        zeros = jnp.zeros((x.shape[0], self.hidden), x.dtype)
        if lengths is not None:
            last, sequence = scan_within(self, zeros, x, lengths)
        else:
            last, sequence = jax.lax.scan(self.step, zeros, x.swapaxes(0, 1))
        return sequence.swapaxes(0, 1), last, last

    def step(self, h: Array, x_t: Array) -> tuple[Array, Array]:
        """The state behind one place, twice."""
        h = nnx.relu(self.input(x_t) + self.recurrent(h))
        return h, h


def rnn_step(new: Array, old: Array, *_: Array) -> tuple[Array, Array]:
    """A plain recurrent step: from what the input and the state add to its gate."""
    h = jnp.tanh(new + old)
    return h, h


def rnn_relu_step(new: Array, old: Array, *_: Array) -> tuple[Array, Array]:
    """A recurrent step with a ReLU: from what the input and the state add to its gate."""
    h = nnx.relu(new + old)
    return h, h


def lstm_step(new: Array, old: Array, _: Array, c: Array) -> tuple[Array, Array]:
    """A step of an LSTM: from what the input and the state add to the gates i, f, g, o."""
    i, f, g, o = jnp.split(new + old, 4, axis=-1)
    c = nnx.sigmoid(f) * c + nnx.sigmoid(i) * jnp.tanh(g)
    return nnx.sigmoid(o) * jnp.tanh(c), c


def gru_step(new: Array, old: Array, h: Array, _: Array) -> tuple[Array, Array]:
    """A step of a GRU: from what the input and the state add to the gates r, z, n."""
    (r, z, n), (r_old, z_old, n_old) = jnp.split(new, 3, axis=-1), jnp.split(old, 3, axis=-1)
    z = nnx.sigmoid(z + z_old)
    h = (1 - z) * jnp.tanh(n + nnx.sigmoid(r + r_old) * n_old) + z * h
    return h, h


class Recurrent(nnx.Module):
    """Recurrent layers, one over the other, from zero states; weights as PyTorch has them.

    f32[N, T, D] -> every state of the last layer f32[N, T, hidden], the last one and the last cell
    state f32[N, hidden]; of both directions, each twice as wide. Behind a row's length are zeros.
    """

    one_bias: bool
    rows: int

    def __init__(
        self,
        step: Callable[..., tuple[Array, Array]],
        features: int,
        hidden: int,
        *,
        gates: int = 1,
        layers: int = 1,
        bidirectional: bool = False,
        second_bias: bool = False,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        rngs: nnx.Rngs,
    ) -> None:
        self.step = step
        self.one_bias, self.rows = not second_bias, gates * hidden
        names = [[f"l{k}", f"l{k}_reverse"] if bidirectional else [f"l{k}"] for k in range(layers)]
        self.names = tuple(map(tuple, names))
        self.between = nnx.Dropout(dropout, rngs=rngs) if dropout else None
        self.state_dropout = (
            nnx.Dropout(recurrent_dropout, rngs=rngs) if recurrent_dropout else None
        )
        initial, rows = nnx.initializers.lecun_normal(), self.rows
        for k, pair in enumerate(self.names):
            width = len(pair) * hidden if k else features
            for name in pair:
                for part, columns in (("ih", width), ("hh", hidden)):
                    weight = initial(rngs.params(), (rows, columns))
                    setattr(self, f"weight_{part}_{name}", nnx.Param(weight))
                    if part == "ih" or second_bias:
                        setattr(self, f"bias_{part}_{name}", nnx.Param(jnp.zeros(rows)))

    def __call__(self, x: Array, lengths: Array | None = None) -> tuple[Array, Array, Array]:
        ends: list[tuple[Array, Array]] = []
        for k, pair in enumerate(self.names):
            if self.between is not None and k:
                x = self.between(x)
            found = [self.run(name, x, lengths) for name in pair]
            x = jnp.concatenate([y for y, _ in found], axis=-1)
            ends = [end for _, end in found]
        last, state = (jnp.concatenate(parts, axis=-1) for parts in zip(*ends, strict=True))
        return x, last, state

    def run(self, name: str, x: Array, lengths: Array | None) -> tuple[Array, tuple[Array, Array]]:
        """One layer in one direction: all its states, and the last ones."""
        weight, recurrent = self.part(f"weight_ih_{name}"), self.part(f"weight_hh_{name}")
        bias, recurrent_bias = self.part(f"bias_ih_{name}"), self.part(f"bias_hh_{name}")
        count, time, hidden = x.shape[0], x.shape[1], recurrent.shape[1]
        ones = jnp.ones((len(recurrent) // hidden, count, hidden), x.dtype)
        mask: Any = None if self.state_dropout is None else self.state_dropout(ones)

        def add(h: Array) -> Array:
            if self.state_dropout is not None and not self.state_dropout.deterministic:
                by_gate = recurrent.reshape(-1, hidden, hidden)
                read = jnp.einsum("gnh,gkh->ngk", mask * h, by_gate)
                return read.reshape(count, -1) + recurrent_bias
            return h @ recurrent.T + recurrent_bias

        def step(
            carry: tuple[Array, Array], item: tuple[Array, Array]
        ) -> tuple[tuple[Array, Array], Array]:
            x_t, there = item
            h, c = self.step(x_t @ weight.T + bias, add(carry[0]), *carry)
            h, c = jnp.where(there, h, carry[0]), jnp.where(there, c, carry[1])
            return (h, c), jnp.where(there, h, 0)

        counts = jnp.full(count, time) if lengths is None else lengths
        there = (jnp.arange(time)[:, None] < counts)[:, :, None]
        zeros = jnp.zeros((count, hidden), x.dtype)
        items, backwards = (x.swapaxes(0, 1), there), name.endswith("reverse")
        ends, y = jax.lax.scan(step, (zeros, zeros), items, reverse=backwards)
        return y.swapaxes(0, 1), ends

    def part(self, name: str) -> Array:
        """A weight; a second bias that is not there is zero."""
        found = getattr(self, name, None)
        return jnp.zeros(()) if found is None else found[...]


class RecurrentCell(nnx.Module):
    """One step of a recurrent layer; weights as PyTorch has them."""

    one_bias: bool
    rows: int

    def __init__(
        self,
        step: Callable[..., tuple[Array, Array]],
        features: int,
        hidden: int,
        *,
        gates: int = 1,
        second_bias: bool = False,
        rngs: nnx.Rngs,
    ) -> None:
        self.step = step
        self.one_bias, self.rows = not second_bias, gates * hidden
        initial, rows = nnx.initializers.lecun_normal(), self.rows
        self.weight_ih = nnx.Param(initial(rngs.params(), (rows, features)))
        self.weight_hh = nnx.Param(initial(rngs.params(), (rows, hidden)))
        self.bias_ih = nnx.Param(jnp.zeros(rows))
        self.bias_hh = nnx.Param(jnp.zeros(rows)) if second_bias else None

    def __call__(self, x: Array, hidden: Array, state: Array | None = None) -> tuple[Array, Array]:
        new = x @ self.weight_ih[...].T + self.bias_ih[...]
        old = hidden @ self.weight_hh[...].T
        old = old if self.bias_hh is None else old + self.bias_hh[...]
        return self.step(new, old, hidden, hidden if state is None else state)
