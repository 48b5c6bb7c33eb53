"""The optimisers, each with one formula that every backend computes.

`g` is the gradient of a weight `w`, `lr` the rate of the step as the schedule has it, `t` the number
of the step counted from 1. Only trained weights move: frozen ones, running statistics and the second
bias of an LSTM do not.

`weight_decay` is applied to every trained weight, biases and norms' scales among them, as PyTorch
does; `no_decay` names those that are left out: `no_decay: ["**.bias", "**.norm*.weight"]`.

`groups` gives some weights a rate or decay of their own: `groups: [{of: ["encoder.**"], lr: 1e-5}]`. The
first group that matches a weight counts; what it does not say is the optimiser's. The schedule moves all
rates alike. What `no_decay` names does not decay in any group.
"""

from __future__ import annotations

from dslc.ops.attributes import REQUIRED, Boolean, InvalidAttribute, Maybe, Number
from dslc.train.choices import Choice, Globs, Parts, Shares

RATE = "the learning rate, before the schedule"


class Group(Choice):
    """Weights with settings of their own."""

    kind = "group"
    of = Globs(REQUIRED, doc="the weights")
    lr = Maybe(Number(doc="their learning rate, before the schedule", minimum=0))
    weight_decay = Maybe(Number(doc="their decay", minimum=0))


class Optimizer(Choice):
    """The base of the optimisers."""

    kind = "optimiser"
    primary = "lr"

    def check(self) -> None:
        rates = any(group.lr is not None for group in self.values["groups"])
        if rates and not self.values["lr"]:
            message = (
                "a rate of 0 leaves groups no factor of it: give them the rate that they share"
            )
            raise InvalidAttribute(message, "lr")

    @property
    def state(self) -> tuple[str, ...]:
        """What it keeps of each weight from step to step."""
        return ()


class Sgd(Optimizer):
    """Stochastic gradient descent, as `torch.optim.SGD`.

    `g += weight_decay * w` (in the gradient), `sum = momentum * sum + g`, `w -= lr * sum`; with
    `nesterov`, `w -= lr * (g + momentum * sum)`. The sum holds gradients and not steps, so a rate
    that changes acts at once.
    """

    lr = Number(doc=RATE, minimum=0)
    momentum = Number(0.0, doc="the share of the sum that is kept", minimum=0, below=1)
    nesterov = Boolean(False, doc="whether the step looks ahead along the sum")
    weight_decay = Number(0.0, doc="added to the gradient as `weight_decay * w`", minimum=0)
    no_decay = Globs(doc="the weights that do not decay")
    groups = Parts(Group, doc="weights with a rate or decay of their own")

    def check(self) -> None:
        super().check()
        if self.nesterov and not self.momentum:
            raise InvalidAttribute("`nesterov` needs a `momentum`", "nesterov")

    @property
    def state(self) -> tuple[str, ...]:
        return ("sum",) if self.momentum else ()


class Adam(Optimizer):
    """Adam, as `torch.optim.Adam`.

    `g += weight_decay * w` (in the gradient), `mean += (1 - b1) * (g - mean)`,
    `square = b2 * square + (1 - b2) * g * g`, `w -= lr * (mean / c1) / (sqrt(square / c2) + eps)`
    with `c = 1 - b**t`, computed as `-expm1(t * log(b))`.
    """

    lr = Number(doc=RATE, minimum=0)
    betas = Shares(2, (0.9, 0.999), doc="the shares of the averages that are kept")
    eps = Number(1e-8, doc="added to the root, behind the bias correction", minimum=0)
    weight_decay = Number(0.0, doc="added to the gradient as `weight_decay * w`", minimum=0)
    no_decay = Globs(doc="the weights that do not decay")
    groups = Parts(Group, doc="weights with a rate or decay of their own")

    @property
    def state(self) -> tuple[str, ...]:
        return ("mean", "square")


class Adamw(Optimizer):
    """AdamW, as `torch.optim.AdamW`: Adam with decay apart from the gradient.

    First `w -= lr * weight_decay * w`, then a step of Adam whose gradient knows no decay.
    """

    lr = Number(doc=RATE, minimum=0)
    betas = Shares(2, (0.9, 0.999), doc="the shares of the averages that are kept")
    eps = Number(1e-8, doc="added to the root, behind the bias correction", minimum=0)
    weight_decay = Number(0.01, doc="the share of `lr * w` that each step takes away", minimum=0)
    no_decay = Globs(doc="the weights that do not decay")
    groups = Parts(Group, doc="weights with a rate or decay of their own")

    @property
    def state(self) -> tuple[str, ...]:
        return ("mean", "square")
