"""Steps of a training graph: what they can see and do beyond the steps of a model.

Where the model is called by itself, once, the values inside it are in scope under their names. The
call then goes to a module that gives them as further outputs: the model as training sees it.
"""

from __future__ import annotations

from dslc.ir.graph import UNKNOWN, ApplyOp, Ref
from dslc.ir.steps import StepReader
from dslc.syntax.tree import Mapping, Scalar
from dslc.train.gradient import OF_AND_WRT, Gradient
from dslc.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from dslc.ir.graph import Body, Module, Program, Step
    from dslc.ir.scope import Scope
    from dslc.syntax.tree import Node

SUFFIX = "InTraining"


class TrainingReader(StepReader):
    """Reads training steps."""

    inner: InnerValues | None = None
    depth = 0

    def body(self, nodes: list[Node], scope: Scope, start: Ref) -> Body:
        """Steps in a row; those of the graph itself are at depth 1."""
        self.depth += 1
        found = super().body(nodes, scope, start)
        self.depth -= 1
        return found

    def operation(self, key: Scalar, value: Node | None, scope: Scope) -> ApplyOp | None:
        """An op; `gradient` is one here."""
        if key.text == Gradient.name:
            return ApplyOp(Gradient, {})
        return super().operation(key, value, scope)

    def reference(self, node: Node, scope: Scope, *, several: bool = False) -> Ref | None:
        """A reference; what no training step or column is called may be a value of the model."""
        if self.inner is not None and isinstance(node, Scalar):
            found = self.inner.find(node, scope)
            if found is not None:
                return found
        return super().reference(node, scope, several=several)

    def visible(self, scope: Scope) -> set[str]:
        """The names of all values of the graph, and of those inside the model."""
        inner = set[str]() if self.inner is None else self.inner.opened.scope.all_values()
        return super().visible(scope) | inner

    def names_value(self, name: str, scope: Scope) -> bool:
        """Whether a name stands for a value, of the graph or inside the model."""
        if super().names_value(name, scope):
            return True
        return self.inner is not None and self.inner.has(name, scope)

    def step(self, node: Node, scope: Scope, previous: Ref) -> Step | None:
        """One step; `gradient: {of: …, wrt: …}` names what it reads."""
        if isinstance(node, Mapping) and node.get("gradient") is not None:
            given = self.gradient(node)
            if given is None:
                self.last_id += 1
                return None
            node = given
        return super().step(node, scope, previous)

    def gradient(self, node: Mapping) -> Mapping | None:
        """A `gradient` step with its two inputs under `from`."""
        key, value = next((k, v) for k, v in node.entries if k.text == "gradient")
        others = [(k, v) for k, v in node.entries if k.text != "gradient"]
        unfit = [k for k, _ in others if k.text in ("from", "repeat", "when")]
        if not isinstance(value, Mapping) or unfit:
            at = unfit[0] if unfit else key
            message = "`gradient` takes two values, and neither repeats nor has a condition"
            self.report.error("E0816", at.span, message, help="`gradient: {of: score, wrt: x}`")
            return None
        if self.depth > 1:
            message = "`gradient` stands at the top of a graph, in no structure"
            self.report.error("E0816", key.span, message, help="take it out of the structure")
            return None
        good = True
        for name, _ in value.entries:
            if name.text not in OF_AND_WRT:
                self.unknown_key(name, OF_AND_WRT, "`gradient`")
                good = False
        missing = [name for name in OF_AND_WRT if value.get(name) is None]
        if missing and good:
            message = f"`gradient` needs `{missing[0]}`"
            help = "`of` is what is differentiated, `wrt` the value with respect to which"
            self.report.error("E0816", key.span, message, help=help)
        if missing or not good:
            return None
        source = Scalar("from", "plain", value.span)
        empty = Scalar("", "plain", key.span)
        return Mapping([(key, empty), (source, value), *others], node.span)


@final
class InnerValues:
    """The values inside the model that a training graph reads, through one call of it."""

    def __init__(self, program: Program, model: Module, call: int) -> None:
        self.opened = program.opened[model.name]
        self.model = model
        before = program.modules.get(model.name + SUFFIX)  # of another phase
        if before is None or before.span != model.span:
            before = model.replace(name=name_in_training(program, model.name))
        self.name = before.name
        self.call = call
        self.outputs = dict(before.outputs)

    def has(self, name: str, scope: Scope) -> bool:
        """Whether a name stands for a value of the model, and for nothing here."""
        return not scope.knows(name) and scope.find(name) is None and self.opened.names(name)

    def find(self, node: Scalar, scope: Scope) -> Ref | None:
        """The value of the model that a reference means; None where it means something else."""
        if not self.has(node.text.replace("[", ".").partition(".")[0], scope):
            return None
        ref = self.opened.value(node)
        if ref is None or ref.owner == UNKNOWN:
            return Ref(UNKNOWN, "", node.span)
        return Ref(self.call, self.slot(ref, node.text), node.span)

    def slot(self, ref: Ref, text: str) -> str:
        """The output that gives a value; a new one where there is none."""
        for name, known in self.outputs.items():
            if known == ref:
                return name
        name = "".join(c if c.isalnum() else "_" for c in text).strip("_")
        while name in self.outputs:
            name += "_"
        self.outputs[name] = ref
        return name

    @property
    def is_needed(self) -> bool:
        """Whether something reads a value that is no output."""
        return len(self.outputs) > len(self.model.outputs)

    def module(self) -> Module:
        """The model with these outputs."""
        outputs = tuple(self.outputs.items())
        return self.model.replace(name=self.name, body=self.opened.finished(), outputs=outputs)


def name_in_training(program: Program, model: str) -> str:
    """A name for a model as training sees it."""
    name = model + SUFFIX
    while name in program.modules:
        name += "_"
    return name
