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
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import ClassVar

RATE = "the learning rate, before the schedule"
KEPT_SHARES = "the shares of the averages that are kept"
COUPLED = "added to the gradient as `weight_decay * w`"
DECOUPLED = "the share of `lr * w` that each step takes away"
SPARED = "the weights that do not decay"
GROUPS = "weights with a rate or decay of their own"


class Group(Choice):
    """Weights with settings of their own."""

    kind = "group"
    of = Globs(REQUIRED, doc="the weights")
    lr = Maybe(Number(doc="their learning rate, before the schedule", minimum=0))
    weight_decay = Maybe(Number(doc="their decay", minimum=0))


class Optimizer(Choice):
    """The base of the optimisers.

    Class attributes:
        decoupled: Whether decay stands apart from the gradient.
        counts: Whether its formula knows the number of the step.
        sees_axes: Whether it treats matrices otherwise than vectors, and keeps other things of them.
    """

    kind = "optimiser"
    primary = "lr"
    decoupled: ClassVar[bool] = False
    counts: ClassVar[bool] = False
    sees_axes: ClassVar[bool] = False

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
    weight_decay = Number(0.0, doc=COUPLED, minimum=0)
    no_decay = Globs(doc=SPARED)
    groups = Parts(Group, doc=GROUPS)

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

    counts = True
    lr = Number(doc=RATE, minimum=0)
    betas = Shares(2, (0.9, 0.999), doc=KEPT_SHARES)
    eps = Number(1e-8, doc="added to the root, behind the bias correction", minimum=0)
    weight_decay = Number(0.0, doc=COUPLED, minimum=0)
    no_decay = Globs(doc=SPARED)
    groups = Parts(Group, doc=GROUPS)

    @property
    def state(self) -> tuple[str, ...]:
        return ("mean", "square")


class Adamw(Optimizer):
    """AdamW, as `torch.optim.AdamW`: Adam with decay apart from the gradient.

    First `w -= lr * weight_decay * w`, then a step of Adam whose gradient knows no decay.
    """

    decoupled = True
    counts = True
    lr = Number(doc=RATE, minimum=0)
    betas = Shares(2, (0.9, 0.999), doc=KEPT_SHARES)
    eps = Number(1e-8, doc="added to the root, behind the bias correction", minimum=0)
    weight_decay = Number(0.01, doc=DECOUPLED, minimum=0)
    no_decay = Globs(doc=SPARED)
    groups = Parts(Group, doc=GROUPS)

    @property
    def state(self) -> tuple[str, ...]:
        return ("mean", "square")


class Rmsprop(Optimizer):
    """RMSprop, as `torch.optim.RMSprop`: epsilon outside the root, no centring.

    `g += weight_decay * w` (in the gradient), `square = beta * square + (1 - beta) * g * g`,
    `u = g / (sqrt(square) + eps)`; with `momentum`, `sum = momentum * sum + u`, `w -= lr * sum`,
    without it `w -= lr * u`.
    """

    lr = Number(doc=RATE, minimum=0)
    beta = Number(0.99, doc="the share of the average that is kept", minimum=0, below=1)
    eps = Number(1e-8, doc="added to the root", minimum=0)
    momentum = Number(0.0, doc="the share of the sum that is kept", minimum=0, below=1)
    weight_decay = Number(0.0, doc=COUPLED, minimum=0)
    no_decay = Globs(doc=SPARED)
    groups = Parts(Group, doc=GROUPS)

    @property
    def state(self) -> tuple[str, ...]:
        return ("square", "sum") if self.momentum else ("square",)


class Adagrad(Optimizer):
    """Adagrad, as `torch.optim.Adagrad`: sums from zero on, epsilon outside the root.

    `g += weight_decay * w` (in the gradient), `square += g * g`, `w -= lr * g / (sqrt(square) + eps)`.
    """

    lr = Number(doc=RATE, minimum=0)
    eps = Number(1e-10, doc="added to the root", minimum=0)
    weight_decay = Number(0.0, doc=COUPLED, minimum=0)
    no_decay = Globs(doc=SPARED)
    groups = Parts(Group, doc=GROUPS)

    @property
    def state(self) -> tuple[str, ...]:
        return ("square",)


class Lion(Optimizer):
    """Lion: every number moves by the rate, in the direction of an average's sign.

    `w -= lr * weight_decay * w`, `w -= lr * sign(b1 * mean + (1 - b1) * g)`,
    `mean = b2 * mean + (1 - b2) * g`; the sign of 0 is 0. A gradient that is nothing but rounding
    moves a weight as far as any other, so curves of two frameworks part there. Source: Chen and
    others 2023.
    """

    decoupled = True
    lr = Number(doc=RATE, minimum=0)
    betas = Shares(2, (0.9, 0.99), doc="the shares of the average, in the step and in what is kept")
    weight_decay = Number(0.0, doc=DECOUPLED, minimum=0)
    no_decay = Globs(doc=SPARED)
    groups = Parts(Group, doc=GROUPS)

    @property
    def state(self) -> tuple[str, ...]:
        return ("mean",)


class Adafactor(Optimizer):
    """Adafactor, as `torch.optim.Adafactor`: of a matrix it keeps a number for each row and column.

    `rms` is the root of the mean of the squares of all numbers, `fresh = t ** -power`, and a weight's
    rows and columns are its last two axes in the file. `size = max(floor, rms(w))`;
    `w -= lr * weight_decay * w`; `row += fresh * (mean of g * g over columns - row)`, `column` alike,
    `square = row * column / max(mean of row over rows, 2**-23)`; of a vector
    `square += fresh * (g * g - square)`. `u = g / sqrt(max(square, 2**-46))`,
    `w -= size * min(lr, 1 / sqrt(t)) * u / max(1, rms(u) / longest)`. Source: Shazeer and Stern 2018.
    """

    decoupled = True
    counts = True
    sees_axes = True
    lr = Number(
        doc="the learning rate in shares of a weight's size, before the schedule", minimum=0
    )
    power = Number(0.8, doc="how fast a step's own squares lose weight", minimum=0)
    floor = Number(1e-3, doc="the least size that a weight is taken to have", minimum=0)
    longest = Number(1.0, doc="updates of a greater root mean square are scaled down", minimum=1)
    weight_decay = Number(0.0, doc=DECOUPLED, minimum=0)
    no_decay = Globs(doc=SPARED)
    groups = Parts(Group, doc=GROUPS)

    @property
    def state(self) -> tuple[str, ...]:
        return ("row", "column", "square")


class Muon(Optimizer):
    """Muon: matrices move by averages whose singular values are evened out, all else by AdamW.

    A weight of two axes or more is the matrix of its first axis in the file by all others.
    `w -= lr * weight_decay * w`; `mean += (1 - momentum) * (g - mean)`; `u = mean`, or with `nesterov`
    `u = g + momentum * (mean - g)`. With `x = u / max(norm(u), 1e-7)`, five times
    `x = 3.4445 * x + (2.0315 * p * p - 4.775 * p) * x`, products of matrices, `p` being `x` times
    itself turned; all in f32. `w -= lr * 0.2 * sqrt(max(rows, columns)) * x`, which is as long as a step
    of Adam, so that all weights share one rate. Vectors and what `adamw` names, such as embeddings
    and the last layer, take a step of AdamW. Sources: Jordan and others 2024, Liu and others 2025.
    """

    decoupled = True
    counts = True
    sees_axes = True
    lr = Number(doc=RATE, minimum=0)
    momentum = Number(0.95, doc="the share of a matrix's average that is kept", minimum=0, below=1)
    nesterov = Boolean(True, doc="whether the step looks ahead along the average")
    adamw = Globs(doc="matrices that AdamW moves too")
    betas = Shares(2, (0.9, 0.999), doc="AdamW's: the shares of the averages that are kept")
    eps = Number(1e-8, doc="AdamW's: added to the root, behind the bias correction", minimum=0)
    weight_decay = Number(0.1, doc=DECOUPLED, minimum=0)
    no_decay = Globs(doc=SPARED)
    groups = Parts(Group, doc=GROUPS)

    def check(self) -> None:
        super().check()
        if not self.values["momentum"]:
            raise InvalidAttribute("`momentum` is above 0: it is what is evened out", "momentum")

    @property
    def state(self) -> tuple[str, ...]:
        return ("mean", "square")
