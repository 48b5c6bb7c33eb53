"""Several models in one spec: their names, and the module that holds them all.

A model has one set of weights wherever it is called, under its name in snake_case. So that all of
them can be checked, counted, written and loaded like a single one, they are held by one module,
which no step of the spec names: it calls each model once, on inputs of its own.
"""

from __future__ import annotations

from dslc.diagnostics import Label, nearest
from dslc.ir.graph import MODULE, Body, CallModule, Input, Module, Ref, plain_step
from dslc.ir.operations import Signature
from dslc.ir.reading import home_of, is_camel, is_nothing
from dslc.ir.reserved_names import reserved_by
from dslc.syntax.tree import Mapping, Scalar
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dslc.ir.graph import Step
    from dslc.ir.reading import Reader
    from dslc.source import Span

MODEL_KEYS = ("doc", "inputs", "where", "steps", "outputs")
OWN_KEYS = ("inputs", "where", "steps", "outputs")
"""What a spec that is one model says itself, and one of several models in each of them."""


class ModelsReader:
    """Reads the section `models` without its steps, and `main`."""

    def __init__(self, reader: Reader, root: Mapping) -> None:
        self.reader = reader
        self.report = reader.report
        self.root = root

    def entries(self, taken: dict[str, Span]) -> list[tuple[Scalar, Mapping]]:
        """The models that have a good name and a body.

        Args:
            taken: The names of blocks, with where they stand.
        """
        self.refuse_own_keys()
        fields = self.reader.mapping(self.root.get("models"), "`models`")
        if fields is None or not fields.entries:
            key = self.root.key("models")
            if key is not None and is_nothing(self.root.get("models")):
                help = "write `models: {Generator: {inputs: …, steps: …}, …}`"
                self.report.error("E0614", key.span, "the spec has no models", help=help)
            return []
        homes: dict[str, Scalar] = {}
        found: list[tuple[Scalar, Mapping]] = []
        for key, value in fields.entries:
            node = self.reader.mapping(value, f"the model `{key.text}`")
            if not self.is_named(key, taken, homes):
                continue
            if node is None:
                if is_nothing(value):
                    self.report.error("E0614", key.span, f"the model `{key.text}` has no steps")
                continue
            found.append((key, node))
        return found

    def refuse_own_keys(self) -> None:
        """Reports a model of the spec's own beside `models`."""
        found = [key for word in OWN_KEYS if (key := self.root.key(word)) is not None]
        if found:
            words = " and ".join(f"`{key.text}`" for key in found)
            labels = [Label(key.span, "and here") for key in found[1:]]
            message = f"beside `models` a spec has no {words} of its own"
            help = "put this into one of the models, or take `models` out"
            self.report.error("E0631", found[0].span, message, help=help, labels=labels)

    def is_named(self, key: Scalar, taken: dict[str, Span], homes: dict[str, Scalar]) -> bool:
        """Whether a model's name is a good one; its weights' path is then in `homes`."""
        if not is_camel(key.text):
            message = "a model's name is in CamelCase, as the class that it becomes"
            self.report.error("E0613", key.span, message)
            return False
        if key.text in taken:
            message = f"`{key.text}` is a block already"
            labels = [Label(taken[key.text], "the block")]
            self.report.error("E0403", key.span, message, labels=labels)
            return False
        home = home_of(key.text)
        first = homes.setdefault(home, key)
        if first is not key:
            message = f"`{key.text}` and `{first.text}` would both have their weights at `{home}`"
            labels = [Label(first.span, "the other")]
            self.report.error("E0403", key.span, message, labels=labels)
            return False
        owner = reserved_by(home)
        if owner is not None:
            message = f"a model cannot be called `{key.text}`: {owner} owns the name `{home}`"
            help = f"give it another name, such as `{key.text}Net`"
            self.report.error("E0410", key.span, message, help=help)
        return True

    def chosen(self, models: Sequence[str]) -> str | None:
        """The model that `main` names."""
        node = self.root.get("main")
        if node is None:
            return None
        text = self.reader.text(node, "`main`")
        if text is None or text in models:
            return text
        close = nearest(text, models)
        if self.root.key("models") is None:
            help = "take it out: a spec without `models` is one model"
        else:
            help = f"did you mean `{close}`?" if close else f"there are {', '.join(models)}"
        self.report.error("E0632", node.span, f"no model is called `{text}`", help=help)
        return None


def only_blocks(root: Mapping) -> bool:
    """Whether a file is no model itself, but holds blocks for others to import."""
    parts = ("inputs", "steps", "outputs", "models", "train", "weights")
    return "blocks" in root and not any(part in root for part in parts)


def model_signature(node: Mapping) -> Signature:
    """What a caller sees of a model: inputs, and no params, since it has one set of weights."""
    inputs = node.get("inputs")
    names = [key.text for key, _ in inputs.entries] if isinstance(inputs, Mapping) else ["x"]
    return Signature((), (), (), tuple(names), is_model=True)


def held(name: str, doc: str | None, models: Iterable[Module], span: Span) -> Module:
    """The module that holds models, with an input and an output for each of theirs.

    A single model keeps the names of its inputs and outputs; those of several begin with the path
    of their model.
    """
    found = list(models)
    inputs: dict[str, Input] = {}
    outputs: dict[str, Ref] = {}
    steps: list[Step] = []
    for number, model in enumerate(found, 1):
        home = model.home or ""
        given: list[Ref] = []
        for item in model.inputs:
            own = item.name if len(found) == 1 else fresh(f"{home}_{item.name}", inputs)
            inputs[own] = item.replace(name=own)
            given.append(Ref(MODULE, own, item.span))
        steps.append(call_of(model, number, given))
        for slot, ref in model.outputs:
            own = slot if len(found) == 1 else fresh(f"{home}_{slot}", outputs)
            outputs[own] = Ref(number, slot, ref.span)
    return Module(
        name=name,
        doc=doc,
        params=(),
        inputs=tuple(inputs.values()),
        where=tuple(dict.fromkeys(fact for model in found for fact in model.where)),
        body=Body(tuple(steps), Ref(len(found), "")),
        outputs=tuple(outputs.items()),
        is_model=True,
        span=span,
        home="",
    )


def call_of(model: Module, number: int, inputs: Sequence[Ref]) -> Step:
    """A step that calls a model and is named after it."""
    home = model.home or ""
    step = plain_step(number, home, CallModule(model.name, {}), tuple(inputs), model.span)
    return step.replace(name=home)


def fresh(name: str, taken: Iterable[str]) -> str:
    """A name that is not taken."""
    while name in taken:
        name += "_"
    return name
