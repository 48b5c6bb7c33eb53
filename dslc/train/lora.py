"""LoRA: matrices that move by a product of two small ones, and nothing else does.

The matrix `w` of a linear map, `[out, in]`, stays as it is and is computed with as
`w + alpha / rank * b @ a`: only `a`, `[rank, in]`, and `b`, `[out, rank]`, are trained
(Hu et al. 2021, arXiv:2106.09685). `a` is drawn from the seed and its path, as a `linear` draws its
weight, and `b` is zero: a run begins with the model as it is. An optimiser knows them as
`<weight>.lora_a` and `<weight>.lora_b`. Everything else is frozen but for what `also` names, as a head
that is new; batch norms keep to their running statistics. A checkpoint holds `w`, `a` and `b`; the
run's result, `weights.safetensors`, holds the sum under the model's own names, so that nothing that
reads it has to know of LoRA.
"""

from __future__ import annotations

from dslc.diagnostics import nearest
from dslc.ops.attributes import REQUIRED, Integer, Number
from dslc.train.choices import Choice, Globs
from dslc.train.globs import matches
from dslc.train.places import check_globs, found_below
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from dslc.diagnostics import Report
    from dslc.passes.weights import WeightInfo
    from dslc.syntax.tree import Mapping
    from dslc.train.training import Training

LINEAR = ("linear", "multi_head_attention")
"""The ops whose matrices can be adapted."""


class Lora(Choice):
    """Adapters of low rank, which are all that moves."""

    kind = "adapter"
    of = Globs(REQUIRED, doc="the linear maps that are adapted: layers, or their weights")
    rank = Integer(8, doc="the rows of `a` and columns of `b`", minimum=1)
    alpha = Number(16.0, doc="times `1 / rank`: what the product is multiplied by", minimum=0)
    also = Globs(doc="weights that are trained beside the adapters")

    def adapts(self, info: WeightInfo) -> bool:
        """Whether a weight has adapters."""
        return is_linear(info) and any(adapts(glob, info.path) for glob in self.values["of"])

    def trains(self, path: str) -> bool:
        """Whether a weight is itself trained."""
        return any(matches(glob, path) for glob in self.values["also"])


def is_linear(info: WeightInfo) -> bool:
    """Whether a weight is the matrix of a linear map, its own."""
    is_matrix = info.role in ("trained", "frozen") and len(info.shape) == 2 and info.tied is None
    return is_matrix and info.op.name in LINEAR


def adapts(glob: str, path: str) -> bool:
    """Whether a glob matches a weight or the layer that it is of."""
    return matches(glob, path) or matches(glob, path.rpartition(".")[0])


def check_lora(training: Training, fields: Mapping, report: Report) -> None:
    """Reports adapters of nothing, weights with both, and what does not go with adapters."""
    chosen, node, key = training.options.lora, fields.get("lora"), fields.key("lora")
    if chosen is None or node is None or key is None:
        return
    linear = [info for info in training.weights() if is_linear(info)]
    for glob in chosen.values["of"]:
        if not any(adapts(glob, info.path) for info in linear):
            layers = [info.path.rpartition(".")[0] for info in linear]
            close = nearest(glob, layers)
            known = ", ".join(f"`{layer}`" for layer in layers[:5]) or "none"
            help = f"did you mean `{close}`?" if close else f"linear maps here: {known}"
            at = found_below(node, glob) or node
            report.error("E0815", at.span, f"no linear map matches {glob!r}", help=help)
    both = [info.path for info in linear if chosen.adapts(info) and chosen.trains(info.path)]
    if both:
        help = "an adapted weight stays as it is: take it out of `of` or out of `also`"
        report.error("E0828", key.span, f"`{both[0]}` is adapted and trained itself", help=help)
    everything = [i for i in training.weights() if i.role in ("trained", "frozen")]
    check_globs(chosen.values["also"], node, everything, report, "weight")
    for what, is_there in (
        ("`phases`", training.is_phased),
        ("several models", training.program.has_several),
        ("`ema`", training.options.average is not None),
        ("weights that thaw", bool(training.options.thawing)),
    ):
        if is_there:
            message = f"`lora` does not go with {what}"
            help = "train the adapters in a run of their own"
            report.error("E0828", key.span, message, help=help)
