"""Helpers for metrics, put into generated PyTorch modules word for word."""

from torch import Tensor
from torch.nn import functional as F


def precision(logits: Tensor, target: Tensor, axis: int = 1, positive: int = 1) -> Tensor:
    """The share of the places taken for a class that are of it; 0 where none is taken for it."""
    found, there = logits.argmax(axis) == positive, target == positive
    return (found & there).sum() / found.sum().clamp(min=1)


def recall(logits: Tensor, target: Tensor, axis: int = 1, positive: int = 1) -> Tensor:
    """The share of the places of a class that are taken for it; 0 where there are none."""
    found, there = logits.argmax(axis) == positive, target == positive
    return (found & there).sum() / there.sum().clamp(min=1)


def f1(logits: Tensor, target: Tensor, axis: int = 1, positive: int = 1) -> Tensor:
    """The harmonic mean of precision and recall of a class; 0 where both are."""
    found, there = logits.argmax(axis) == positive, target == positive
    return 2 * (found & there).sum() / (found.sum() + there.sum()).clamp(min=1)


def mean_iou(logits: Tensor, target: Tensor, axis: int = 1) -> Tensor:
    """The mean over classes of intersection over union, of those that are found or there."""
    classes = logits.shape[axis]
    found = F.one_hot(logits.argmax(axis), classes).flatten(0, -2)
    there = F.one_hot(target.long(), classes).flatten(0, -2)
    both, either = (found & there).sum(0), (found | there).sum(0)
    return (both / either.clamp(min=1)).sum() / (either > 0).sum()


def perplexity(logits: Tensor, target: Tensor, axis: int = 1) -> Tensor:
    """The exponential of the mean of `-log softmax(logits)[target]`."""
    return F.cross_entropy(logits.movedim(axis, 1), target.long()).exp()


def auc(scores: Tensor, target: Tensor) -> Tensor:
    """The share of pairs whose place of class 1 scores higher; equal scores count as half."""
    scores, target = scores.flatten(), target.flatten()
    apart = scores[:, None] - scores
    wins = (apart > 0).float() + (apart == 0).float() / 2
    pairs = (target == 1)[:, None] & (target == 0)
    return (wins * pairs).sum() / pairs.sum().clamp(min=1)


def r2(x: Tensor, target: Tensor) -> Tensor:
    """1 less the squared errors' share of the target's variance."""
    return 1 - (target - x).square().sum() / (target - target.mean()).square().sum()
