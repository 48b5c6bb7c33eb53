"""The table of cases: an op's step, its inputs, and what PyTorch's functions make of them.

Each judge is written from the op's documentation and PyTorch's functional names, and shares nothing
with the rules. Sizes are tried in pairs, odd and even.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - as everyone writes it

Judge = Callable[[dict[str, Any], dict[str, Any]], Any]


class Case:
    """One row.

    Args:
        name: What is tried.
        inputs: Types by name.
        steps: The steps; the outputs are the steps that `outputs` names.
        judge: From inputs and weights (as tensors) to the outputs, in order.
        ids: What integer inputs stay below.
        where: Facts that the spec needs.
        reference: Whether ONNX's reference evaluator is a judge here.
        nodes: The operators that are expected, where the case says so.
    """

    def __init__(
        self,
        name: str,
        inputs: dict[str, str],
        steps: str,
        judge: Judge,
        *,
        ids: int = 5,
        outputs: str = "y",
        where: str = "",
        reference: bool = True,
        nodes: list[str] | None = None,
    ) -> None:
        self.name = name
        self.inputs = inputs
        self.steps = steps
        self.judge = judge
        self.ids = ids
        self.outputs = outputs
        self.where = where
        self.reference = reference
        self.nodes = nodes

    def __repr__(self) -> str:
        return self.name


IMAGE = {"x": "f32[N, 4, H, W]"}
SEQUENCE = {"x": "f32[N, T, 6]"}
BIG = "H >= 5, W >= 5"


def one(step: str) -> str:
    """The one step of a spec, named y."""
    return f"- {step}\n  name: y"


def same(size: int, kernel: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """The padding of `same`, the odd element after."""
    total = max((-(-size // stride) - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2


def padded(x: Any, kernel: int, stride: int, dilation: int = 1, value: float = 0.0) -> Any:
    """An image with the padding of `same` around it."""
    sides = [same(size, kernel, stride, dilation) for size in x.shape[:1:-1]]
    return F.pad(x, [side for pair in sides for side in pair], value=value)


def average(x: Any, kernel: int, stride: int, *, counted: bool) -> Any:
    """Average pooling with `same` padding, which counts or not."""
    total = F.avg_pool2d(padded(x, kernel, stride), kernel, stride)
    if counted:
        return total
    return total / F.avg_pool2d(padded(torch.ones_like(x), kernel, stride), kernel, stride)


def norm(x: Any, w: dict[str, Any], *, affine: bool = True) -> Any:
    """Batch norm of a step named y."""
    scale = (w["y.weight"], w["y.bias"]) if affine else (None, None)
    return F.batch_norm(x, w["y.running_mean"], w["y.running_var"], *scale, eps=1e-3)


def added_norm(x: Any, w: dict[str, Any]) -> Any:
    """A value and its batch norm by a step named n."""
    return x + norm(x, {"y" + name[1:]: value for name, value in w.items()})


def lstm(x: Any, w: dict[str, Any], path: str = "y") -> tuple[Any, Any, Any]:
    """PyTorch's own LSTM with a step's weights: all hidden states, the last, the last cell."""
    hidden = w[f"{path}.weight_hh_l0"].shape[1]
    module = torch.nn.LSTM(x.shape[2], hidden, batch_first=True)
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    module.load_state_dict({name: w[f"{path}.{name}"] for name in names})
    sequence, (last, state) = module(x)
    return sequence.detach(), last[0].detach(), state[0].detach()


def attend(
    q: Any, k: Any, v: Any, w: dict[str, Any], heads: int, mask: Any = None, *, bias: bool = True
) -> Any:
    """Attention by PyTorch's scaled dot product; `mask` is boolean, true where attended."""

    def part(name: str, x: Any) -> Any:
        mapped = F.linear(x, w[f"y.{name}.weight"], w[f"y.{name}.bias"] if bias else None)
        return mapped.unflatten(2, (heads, -1)).transpose(1, 2)

    parts = (part("query", q), part("key", k), part("value", v))
    seen = F.scaled_dot_product_attention(*parts, attn_mask=mask).transpose(1, 2).flatten(2)
    return F.linear(seen, w["y.out.weight"], w["y.out.bias"] if bias else None)


def causal(time: int, places: int) -> Any:
    """Query t sees keys up to t + S - T."""
    return torch.ones(time, places, dtype=torch.bool).tril(places - time)


def entropy(logits: Any, target: Any, axis: int = 1, smoothing: float = 0.0) -> Any:
    """Cross entropy with the classes on any axis."""
    moved = logits.movedim(axis, -1).reshape(-1, logits.shape[axis])
    return F.cross_entropy(moved, target.reshape(-1).long(), label_smoothing=smoothing)


def among(logits: Any, target: Any, axis: int, k: int) -> Any:
    """The share of places whose target has fewer than k larger logits."""
    moved = logits.movedim(axis, -1).reshape(-1, logits.shape[axis])
    own = moved.gather(1, target.reshape(-1, 1).long())
    return ((moved > own).sum(1) < k).float().mean()


def activation(name: str, step: str, function: Callable[[Any], Any]) -> Case:
    """A case of a function of each element."""
    return Case(name, SEQUENCE, one(step), lambda i, w: function(i["x"]))
