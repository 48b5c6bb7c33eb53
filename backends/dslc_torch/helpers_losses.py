"""Helpers for losses, put into generated PyTorch modules word for word."""

import torch
from torch import Tensor
from torch.nn import functional as F


def focal(x: Tensor, target: Tensor, gamma: float = 2.0, alpha: float | None = None) -> Tensor:
    """Binary cross-entropy of logits that counts easy places less."""
    entropy = F.binary_cross_entropy_with_logits(x, target, reduction="none")
    p = x.sigmoid()
    missed = p + target - 2 * p * target
    share = 1.0 if alpha is None else alpha * target + (1 - alpha) * (1 - target)
    return (share * missed**gamma * entropy).mean()


def dice(x: Tensor, target: Tensor, smooth: float = 1.0) -> Tensor:
    """How far probabilities are from covering the targets, the mean over rows."""
    x, target = x.flatten(1), target.flatten(1)
    whole = x.sum(1) + target.sum(1) + smooth
    return (1 - (2 * (x * target).sum(1) + smooth) / whole).mean()


def gaussian_kl(mean: Tensor, log_variance: Tensor) -> Tensor:
    """The divergence of normal distributions from the standard one, the mean over rows."""
    parts = mean**2 + log_variance.exp() - 1 - log_variance
    return parts.flatten(1).sum(1).mean() / 2


def triplet(anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0) -> Tensor:
    """How much nearer the negative is than it should be, the mean over rows."""
    near, far = (((anchor - x) ** 2).sum(1) + 1e-12 for x in (positive, negative))
    return F.relu(near.sqrt() - far.sqrt() + margin).mean()


def contrastive(x: Tensor, y: Tensor, temperature: float = 0.07) -> Tensor:
    """The cross-entropy of each row finding its own among all others."""
    logits = F.normalize(x, eps=1e-8) @ F.normalize(y, eps=1e-8).T / temperature
    return F.cross_entropy(logits, torch.arange(len(x), device=x.device))


def ctc(
    logits: Tensor,
    target: Tensor,
    lengths: Tensor | None = None,
    target_lengths: Tensor | None = None,
    *,
    blank: int = 0,
) -> Tensor:
    """How unlikely logits make a target, however aligned, the mean over rows. [N, T, C], [N, S]."""
    n, t, _ = logits.shape
    lengths = torch.full((n,), t) if lengths is None else lengths
    target_lengths = torch.full((n,), target.shape[1]) if target_lengths is None else target_lengths
    wide = torch.promote_types(logits.dtype, torch.float32)  # there is no kernel for less
    scores = logits.to(wide).log_softmax(-1).transpose(0, 1)
    loss = F.ctc_loss(scores, target, lengths, target_lengths, blank, zero_infinity=True)
    return loss.to(logits.dtype)


def negative_sampling(x: Tensor, table: Tensor, target: Tensor, negatives: Tensor) -> Tensor:
    """What tells each row's target from negatives, by its products with rows of a table."""
    right = (x * table[target.long()]).sum(-1)
    wrong = torch.einsum("nd,nkd->nk", x, table[negatives.long()])
    return (F.softplus(-right) + F.softplus(wrong).sum(-1)).mean()


def sampled_softmax(x: Tensor, table: Tensor, target: Tensor, negatives: Tensor) -> Tensor:
    """The cross-entropy of each row's target among itself and negatives."""
    right = (x * table[target.long()]).sum(-1, keepdim=True)
    wrong = torch.einsum("nd,nkd->nk", x, table[negatives.long()])
    wrong = wrong.masked_fill(negatives == target[:, None], float("-inf"))
    return (torch.cat((right, wrong), 1).logsumexp(1) - right[:, 0]).mean()
