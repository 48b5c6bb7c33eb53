"""What a whole module uses: convolutions and norms that are alike get a function of their own.

Where every convolution is without bias, a helper `conv2d` says so once. It takes what differs
between the calls and no more.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, final

from dslc.emit.context import literal
from dslc.emit.flattening import all_formal
from dslc.emit.python import Function, If, Line, Parameter
from dslc.ir.graph import ApplyOp
from dslc.ops.linear import Conv1d, Conv2d
from dslc.ops.norm import BatchNorm
from dslc.syntax.expressions import Literal, number_text
from dslc.values import is_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence, Set

    from dslc.emit.formal import Formal, FormalStep
    from dslc.ops.base import Op

DEFAULTS = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "bias": True}
KEYWORDS = {"stride": "strides", "dilation": "dilation_rate", "groups": "groups"}


@final
class Survey:
    """The ops of a module that a helper serves.

    Attributes:
        convolutions: By op, the steps that the helper of its name serves; none where it is not
            worth one.
        norms: Whether all batch norms are alike and there are several.
    """

    def __init__(self, formals: Sequence[Formal], lent: Mapping[str, Set[int]]) -> None:
        present = [
            found
            for formal in formals
            for found in called_once(all_formal(formal.steps))
            if not found.absent
            and not found.step.tie
            and found.step.id not in lent[formal.module.name]
        ]
        self.convolutions: dict[type[Op], list[FormalStep]] = {
            op: served(present, op) for op in (Conv1d, Conv2d)
        }
        norms = [found for found in present if isinstance(found.op, BatchNorm)]
        self.norms = norms if are_alike(norms) else []

    def names(self) -> list[str]:
        """The names of the helpers that will be there."""
        found = [op.name for op, steps in self.convolutions.items() if steps]
        return [*found, "batch_norm"] if self.norms else found

    def serves(self, found: FormalStep) -> bool:
        """Whether a helper does a step."""
        groups = [self.norms, *self.convolutions.values()]
        return any(found is step for group in groups for step in group)

    def differs(self, op: type[Op], name: str) -> bool:
        """Whether the helper of a convolution takes an attribute."""
        texts = {attribute_text(found, name) for found in self.convolutions[op]}
        return texts != {literal(DEFAULTS[name])} and (name != "bias" or len(texts) > 1)


def called_once(steps: Iterable[FormalStep]) -> list[FormalStep]:
    """The steps each of whose layers has one call: a helper makes a new layer every time."""
    found = list(steps)
    again = {step.reused for step in found}
    return [
        step
        for step in found
        if step.reused is None
        and step.step.id not in again
        and not (step.step.repeat is not None and step.step.repeat.share)
    ]


def served(steps: list[FormalStep], op: type[Op]) -> list[FormalStep]:
    """The convolutions that a helper serves: several, some of them padded as no layer can."""
    found = [step for step in steps if type(step.op) is op and is_plain(step)]
    padded = [step for step in found if attribute_text(step, "padding") != "0"]
    helps = not all(map(keeps_size, padded))
    return found if helps and len(found) > 1 else []


def keeps_size(found: FormalStep) -> bool:
    """Whether a convolution's padding is what `same` is without strides, and there is some."""
    texts = [attribute_text(found, name) for name in ("kernel", "stride", "padding", "dilation")]
    if "?" in texts or texts[1] != "1" or texts[2] == "0" or found.op is None:
        return False
    values = found.op.values
    sizes = zip(values["kernel"], values["padding"], values["dilation"], strict=True)
    return all(2 * before == far * (size - 1) for size, before, far in sizes)


def is_plain(found: FormalStep) -> bool:
    """Whether a convolution is one layer behind explicit padding, in the usual dtype."""
    assert found.op is not None
    values = found.op.values
    both = attribute_text(found, "stride") != "1" and attribute_text(found, "dilation") != "1"
    is_usual = values["normalize"] == "none" and all(
        type is None or type.dtype == "f32" for type in found.inputs
    )
    return values["padding"] != "same" and not both and is_usual and not found.step.freeze


def attribute_text(found: FormalStep, name: str) -> str:
    """An attribute's value as a literal, or "?" where only the call knows it."""
    assert found.op is not None
    action = found.step.action
    assert isinstance(action, ApplyOp)
    written = action.attributes.get(name)
    constant = written is None or isinstance(written, Literal)
    text = literal(found.op.values[name])
    return text if constant or (is_list(found.op.values[name]) and text.isdigit()) else "?"


def are_alike(norms: list[FormalStep]) -> bool:
    """Whether there are several batch norms, all with the same numbers."""
    texts = {
        tuple(attribute_text(norm, name) for name in ("eps", "momentum", "affine"))
        for norm in norms
    }
    usual = all(t is None or t.dtype == "f32" for norm in norms for t in norm.inputs)
    frozen = any(norm.step.freeze for norm in norms)
    return (
        len(norms) > 1 and len(texts) == 1 and "?" not in next(iter(texts)) and usual and not frozen
    )


def old_share(momentum: float) -> str:
    """The weight of the old running statistic, which is what Keras calls momentum."""
    return number_text(float(1 - Decimal(repr(momentum))))


def convolution_helper(survey: Survey, op: type[Op]) -> Function:
    """The function that a module calls for its convolutions."""
    steps = survey.convolutions[op]
    rank = 2 if op is Conv2d else 1
    several = any(
        is_several(found, name)
        for found in steps
        for name in ("kernel", "stride", "padding", "dilation")
    )
    size = f"int | tuple[{', '.join(['int'] * rank)}]" if several else "int"
    parameters = [Parameter("x", "KerasTensor"), Parameter("out", "int"), Parameter("kernel", size)]
    texts = ["out", "kernel"]
    for name in ("stride", "padding", "dilation", "groups"):
        if survey.differs(op, name):
            kind = "int" if name == "groups" else size
            parameters.append(Parameter(name, kind, literal(DEFAULTS[name])))
            if name in KEYWORDS:
                texts.append(f"{KEYWORDS[name]}={name}")
    biased = {found.op.values["bias"] for found in steps if found.op is not None}
    if survey.differs(op, "bias"):
        parameters.append(Parameter("bias", "bool", "True", "keyword"))
        texts.append("use_bias=bias")
    elif biased == {False}:
        texts.append("use_bias=False")
    parameters.append(Parameter("name", "str", None, "keyword"))
    pad = Line(f'x = layers.ZeroPadding{rank}D(padding, name=f"{{name}}-pad")(x)')
    made = Line(f"return layers.Conv{rank}D({', '.join(texts)}, name=name)(x)")
    doc = "A convolution without bias," if biased == {False} else "A convolution"
    doc += " padded on both sides alike."
    return Function(op.name, parameters, "KerasTensor", doc, [If("padding", [pad]), made])


def is_several(found: FormalStep, name: str) -> bool:
    """Whether an attribute has different sizes for different axes, or may have."""
    assert found.op is not None
    value = found.op.values[name]
    return is_list(value) and len(set(value)) > 1


def norm_helper(layer: str, arguments: str) -> Function:
    """The function that a module calls for its batch norms; `layer` is their class."""
    parameters = [Parameter("x", "KerasTensor"), Parameter("name", "str", None, "keyword")]
    made = Line(f"return {layer}({arguments}, name=name)(x)")
    return Function("batch_norm", parameters, "KerasTensor", "", [made])
