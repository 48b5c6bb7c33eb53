"""Recurrent layers over the time axis.

Gates and names are PyTorch's: a layer `k` has `weight_ih_lk`, `weight_hh_lk`, `bias_ih_lk` and
`bias_hh_lk`, in the other direction with `_reverse` behind them. Two biases that are only ever
added learn twice as fast as one, so an LSTM and a plain layer train one: `bias_hh` is in the file
as zeros and is never trained. A GRU's reset gate needs both.
"""

from __future__ import annotations

from dslc.ops.attributes import Boolean, Integer, Number, Size, Word
from dslc.ops.base import Check, Input, Op, Weight
from dslc.ops.shapes import need_rank
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import ClassVar

    from dslc.ir.dims import DimLike
    from dslc.ir.types import TensorType


class _Recurrent(Op):
    """Layers over the time axis, from zero states."""

    primary = "hidden"
    chance = ("dropout", "recurrent_dropout")
    inputs = (Input("x"), Input("lengths", "integer", default="none"))
    outputs = ("sequence", "last", "state")
    hidden = Size(minimum=1, doc="the size of the state of each layer and direction")
    layers = Integer(1, minimum=1, doc="how many layers there are, each over the one before")
    bidirectional = Boolean(False, doc="whether each layer also runs backwards, joined behind")
    dropout = Number(0.0, minimum=0, below=1, doc="dropout between layers")
    recurrent_dropout = Number(
        0.0, minimum=0, below=1, doc="dropout of the state that a gate reads, the same at each step"
    )
    gates: ClassVar[int] = 1
    biases: ClassVar[int] = 1
    cost: ClassVar[int] = 2

    @property
    def directions(self) -> int:
        """1, or 2 where it also runs backwards."""
        return 2 if self.bidirectional else 1

    def infer(self, check: Check, *types: TensorType) -> tuple[TensorType, ...]:
        x = types[0]
        need_rank(self.name, x, 3, "[N, T, D]")
        batch, time, _ = x.shape
        if len(types) > 1:
            check_lengths(self.name, check, x, types[1])
        width = self.directions * self.hidden
        last = x.with_shape(batch, width)
        return x.with_shape(batch, time, width), last, last

    def ceilings(self, *types: TensorType) -> tuple[DimLike | None, ...]:
        return (None, types[0].shape[1] + 1)[: len(types)]

    def weights(self, *types: TensorType) -> tuple[Weight, ...]:
        found: list[Weight] = []
        width = types[0].shape[2]
        for layer in range(self.layers):
            for direction in range(self.directions):
                suffix = f"_l{layer}" + ("_reverse" if direction else "")
                found += cell_weights(self.gates, self.biases, width, self.hidden, suffix)
            width = self.directions * self.hidden
        return tuple(found)

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        batch, time, width = types[0].shape
        total: DimLike = 0
        for _ in range(self.layers):
            step = 2 * self.gates * self.hidden * (width + self.hidden) + self.cost * self.hidden
            total = total + self.directions * step
            width = self.directions * self.hidden
        return batch * time * total


def check_lengths(op: str, check: Check, x: TensorType, lengths: TensorType) -> None:
    """Raises unless there is one length for each row."""
    need_rank(op, lengths, 1, "lengths [N]", input=1)
    message = f"`lengths` has {lengths.shape[0]} places for {x.shape[0]} rows"
    check.require("==", x.shape[0], lengths.shape[0], message, code="E0304", input=1, axis=0)


def cell_weights(
    gates: int, biases: int, width: DimLike, hidden: DimLike, suffix: str
) -> list[Weight]:
    """The weights of one layer in one direction; `biases` says how many of the two are trained."""
    bound = hidden**-0.5 if isinstance(hidden, int) else 1.0
    uniform = ("uniform", ("bound", bound))
    rows = gates * hidden
    second = ("zeros",) if biases == 1 else uniform
    return [
        Weight(f"weight_ih{suffix}", (rows, width), uniform),
        Weight(f"weight_hh{suffix}", (rows, hidden), uniform),
        Weight(f"bias_ih{suffix}", (rows,), uniform),
        Weight(f"bias_hh{suffix}", (rows,), second, "zeros" if biases == 1 else "trained"),
    ]


class Rnn(_Recurrent):
    """`h = tanh(W x + R h + b)` along the time axis, from zero states.

    Outputs: `sequence` `[N, T, hidden]`, every state of the last layer; `last` `[N, hidden]`, the
    last one; `state`, the same. With `bidirectional` two halves, the second from the run backwards.
    `lengths` says how many places of each row count: behind them the sequence is zero, and `last`
    is the state there; the run backwards begins there.
    Shape: `[N, T, D]`, integers `[N]`. Source: ONNX RNN; `torch.nn.RNN`; Elman 1990.
    """

    family = "recurrent"
    activation = Word("tanh", words=("tanh", "relu"), doc="the function of the sum")


class Lstm(_Recurrent):
    """A long short-term memory along the time axis, from zero states.

    `c = sigmoid(f) c + sigmoid(i) tanh(g)`, `h = sigmoid(o) tanh(c)`, with the gates i, f, g, o the
    quarters of `W x + R h + b`. Outputs: `sequence` `[N, T, hidden]`, every h of the last layer;
    `last` `[N, hidden]`, the last h; `state` `[N, hidden]`, the last c. With `bidirectional` two
    halves, the second from the run backwards. `lengths` says how many places of each row count:
    behind them the sequence is zero, and `last` and `state` are those there.
    Shape: `[N, T, D]`, integers `[N]`.
    Source: ONNX LSTM; `torch.nn.LSTM`; Hochreiter and Schmidhuber 1997.
    """

    family = "recurrent"
    gates = 4
    cost = 34


class Gru(_Recurrent):
    """A gated recurrent unit along the time axis, from zero states; the reset gate acts last.

    `h = (1 - z) tanh(n + r (R_n h + b_n)) + z h`, with r and z sigmoids and r, z, n the thirds of
    `W x + b`. Outputs: `sequence` `[N, T, hidden]`, every h of the last layer; `last`
    `[N, hidden]`, the last one; `state`, the same. With `bidirectional` two halves, the second from
    the run backwards. `lengths` says how many places of each row count: behind them the sequence is
    zero, and `last` is the state there.
    Shape: `[N, T, D]`, integers `[N]`.
    Source: ONNX GRU with `linear_before_reset`; `torch.nn.GRU`; Cho et al. 2014.
    """

    family = "recurrent"
    gates = 3
    biases = 2
    cost = 30


class _Cell(Op):
    """One step of a recurrent layer."""

    primary = "hidden"
    inputs = (Input("x"), Input("hidden"))
    hidden = Size(minimum=1, doc="the size of the state")
    gates: ClassVar[int] = 1
    biases: ClassVar[int] = 1
    cost: ClassVar[int] = 2

    def infer(self, check: Check, *types: TensorType) -> TensorType | tuple[TensorType, ...]:
        x, *states = types
        need_rank(self.name, x, 2, "[N, D]")
        for position, state in enumerate(states, 1):
            need_rank(self.name, state, 2, "a state [N, hidden]", input=position)
            expected = (x.shape[0], self.hidden)
            for axis, (found, wanted) in enumerate(zip(state.shape, expected, strict=True)):
                message = f"axis {axis} of the state is {found}, not {wanted}"
                check.require("==", found, wanted, message, code="E0304", input=position, axis=axis)
        state = x.with_shape(x.shape[0], self.hidden)
        return (state,) * len(self.outputs) if self.outputs else state

    def weights(self, *types: TensorType) -> tuple[Weight, ...]:
        width = types[0].shape[1]
        return tuple(cell_weights(self.gates, self.biases, width, self.hidden, ""))

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        batch, width = types[0].shape
        step = 2 * self.gates * self.hidden * (width + self.hidden) + self.cost * self.hidden
        return batch * step


class RnnCell(_Cell):
    """One step of `rnn`: `tanh(W x + R h + b)`. Shape: `[N, D]`, `[N, hidden]` → `[N, hidden]`.

    Source: `torch.nn.RNNCell`; Elman 1990.
    """

    family = "recurrent"
    activation = Word("tanh", words=("tanh", "relu"), doc="the function of the sum")


class LstmCell(_Cell):
    """One step of `lstm`, from and to a hidden state h (`hidden`) and a cell state c (`state`).

    Shape: `[N, D]`, twice `[N, hidden]` → twice `[N, hidden]`.
    Source: `torch.nn.LSTMCell`; Hochreiter and Schmidhuber 1997.
    """

    family = "recurrent"
    inputs = (Input("x"), Input("hidden"), Input("state"))
    outputs = ("hidden", "state")
    gates = 4
    cost = 34


class GruCell(_Cell):
    """One step of `gru`. Shape: `[N, D]`, `[N, hidden]` → `[N, hidden]`.

    Source: `torch.nn.GRUCell`; Cho et al. 2014.
    """

    family = "recurrent"
    gates = 3
    biases = 2
    cost = 30
