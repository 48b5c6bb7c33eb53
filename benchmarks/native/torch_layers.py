"""PyTorch's part of `ops.py`: its own layers, a forward pass, a training step."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from dslc.emit.loading import load_module
from dslc.tools.backends import find_backend

CHANNELS_LAST = False
RATE = 1e-4


class Attention(nn.MultiheadAttention):
    """PyTorch's attention of a sequence to itself."""

    def forward(self, x: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        return super().forward(x, x, x, need_weights=False)[0]


class Net(nn.Module):
    """A net that holds one layer, as what is generated does."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


def holding(make: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    """What makes a net with one layer."""
    return lambda: Net(make())


LAYERS: dict[str, Callable[[], nn.Module]] = {
    "conv2d": lambda: nn.Conv2d(32, 64, 3, padding=1),
    "depthwise_conv2d": lambda: nn.Conv2d(32, 32, 3, padding=1, groups=32),
    "conv_transpose2d": lambda: nn.ConvTranspose2d(32, 32, 2, 2),
    "batch_norm": lambda: nn.BatchNorm2d(32),
    "group_norm": lambda: nn.GroupNorm(8, 32),
    "max_pool2d": lambda: nn.MaxPool2d(2),
    "avg_pool2d": lambda: nn.AvgPool2d(2),
    "linear": lambda: nn.Linear(256, 512),
    "layer_norm": lambda: nn.LayerNorm(256),
    "rms_norm": lambda: nn.RMSNorm(256, eps=1e-6),
    "gelu": nn.GELU,
    "softmax": lambda: nn.Softmax(-1),
    "multi_head_attention": lambda: Attention(256, 8, batch_first=True),
    "lstm": lambda: nn.LSTM(256, 128, batch_first=True),
    "gru": lambda: nn.GRU(256, 128, batch_first=True),
    "embedding": lambda: nn.Embedding(1000, 256),
}
NATIVE = {name: holding(make) for name, make in LAYERS.items()}


def emitted(checked: Any) -> nn.Module:
    """The module of a spec."""
    from dslc_torch.driver import model_class

    return model_class(load_module(find_backend("torch").model_source(checked), "model"))()


def first(found: Any) -> Tensor:
    """The value of a model, whatever else it gives."""
    return found[0] if isinstance(found, tuple) else found


def forward(model: nn.Module, x: Any) -> Callable[[], Tensor]:
    """A pass without gradients."""
    model.eval()
    tensor = torch.from_numpy(x)

    def run() -> Tensor:
        with torch.no_grad():
            return first(model(tensor))

    return run


def step(model: nn.Module, x: Any) -> Callable[[], None]:
    """A training step, of the input too where it has a gradient."""
    model.train()
    tensor = torch.from_numpy(x)
    if tensor.is_floating_point():
        tensor.requires_grad_()
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.SGD(trained, RATE) if trained else None

    def run() -> None:
        first(model(tensor)).square().mean().backward()
        if optimizer is not None:
            optimizer.step()
            optimizer.zero_grad()
        tensor.grad = None

    return run
