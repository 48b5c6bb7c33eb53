"""The intermediate representation: the spec's own structure, typed names, resolved references.

A `Program` holds modules (blocks, models, the training graph). A module's body is an ordered
list of steps; a step applies an op, calls a module, or is a region (group, residual, parallel, scan).
`when` and `repeat` stay on the step with their expressions and attributes keep theirs, so that
what is generated from it is as readable as the spec. Nothing here has been evaluated: the values
of one distinct instance are in `dslc.ir.instance`.
"""

from __future__ import annotations

from dslc.ir.record import Record
from dslc.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

    from dslc.ir.choices import Choices
    from dslc.ir.imported_names import Units
    from dslc.ir.opened import Opened
    from dslc.ops.base import Op
    from dslc.source import Source, Span
    from dslc.syntax.expressions import Expr
    from dslc.syntax.types import TypeExpr

    Index = Expr | Literal["*"] | None

MODULE = 0
"""The owner of a module's inputs; steps count from 1."""

UNKNOWN = -1
"""The owner of what could not be read; only a program with errors has such references."""

REGION_INPUT = "<input>"
"""The slot of the value that enters a region, or an iteration of a repeat."""


EVERY = "*"
"""The index of a reference to the values of every instance of a repeat, in order."""


@final
class Ref(Record):
    """A value: the step that makes it and which of its outputs.

    `slot` is "" for a step's value, an output's name for the further ones, an input's name where
    `owner` is the module, `REGION_INPUT` for what enters a region, and a `round_slot` for what a
    round of a scan sees. `index` says which instance
    of a repeat is meant, by default the last; `EVERY` stands for all of them.
    """

    unlike = ("span",)

    owner: int
    slot: str
    span: Span | None = None
    index: Index = None

    @property
    def key(self) -> tuple[int, str]:
        """The value, or the list of all instances' values where one of them is meant."""
        return self.owner, self.slot if self.index is None else f"{self.slot}[]"


@final
class Param(Record):
    """A compile-time parameter of a module or file: `kind` is int, float, bool, str or list.

    Its values, or the items of a list, lie between `minimum` and `maximum`, and among the `choices`
    where there are any.
    """

    name: str
    kind: str
    default: Expr | None
    doc: str | None
    span: Span
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[object, ...] = ()


@final
class Input(Record):
    """An input of a module; `type` is None where the block leaves it open."""

    name: str
    type: TypeExpr | None
    span: Span


@final
class Initialiser(Record):
    """How a weight gets its first value: `kind` with numbers that are expressions.

    One from `defaults` speaks of a weight only where the op has it.
    """

    kind: str
    arguments: tuple[tuple[str, Expr], ...]
    span: Span
    is_default: bool = False


@final
class ApplyOp(Record):
    """An op with the attributes that the spec or its defaults give."""

    op: type[Op]
    attributes: Mapping[str, Expr]


@final
class ChooseOp(Record):
    """An op that a param names, known for each instance alone.

    `word` is its name, `choices` what the step is with each op, `reads` the names that its attributes
    may read. Where `is_certain`, nothing of the op is left to chance. No backend meets it: once all
    instances are known, a module has one op there (`dslc.passes.choosing`).
    """

    unlike = ("choices",)

    word: Expr
    choices: Choices
    reads: tuple[Expr, ...]
    is_certain: bool = False


@final
class CallModule(Record):
    """A call of a block or model with arguments for its params."""

    module: str
    arguments: Mapping[str, Expr]


@final
class Group(Record):
    """Steps in a row, in a scope of their own where the step has a name or repeats."""

    body: Body


@final
class Residual(Record):
    """The sum of two paths from one input."""

    main: Body
    shortcut: Body


@final
class Parallel(Record):
    """Branches from one input, joined; a branch's label is "" where it adds nothing to paths."""

    branches: tuple[tuple[str, Body], ...]
    join: str
    axis: Expr


@final
class Reuse(Record):
    """Another run of a step above, with the same weights, on another input."""

    step: Step


@final
class Scan(Record):
    """A loop with carried state: its body runs once for each place of a time axis.

    The step's inputs are the `over` values and then the carries' starts, in the order of the names
    here. Inside, `round_slot(name)` of the step is an `over` value at the round's time, or a carry so
    far; `next` are the carries after the round. Outside, the step's value is what the body ends on,
    stacked on the time axis, and each carry's last value is an output of its name.
    """

    over: tuple[str, ...]
    carry: tuple[str, ...]
    times: Expr | None
    reverse: bool
    body: Body
    next: tuple[Ref, ...]


def round_slot(name: str) -> str:
    """The slot of what one round of a scan sees under a name."""
    return f"@{name}"


Action = ApplyOp | ChooseOp | CallModule | Group | Residual | Parallel | Scan | Reuse


@final
class Repeat(Record):
    """How often a step runs: `times`, or once for each item of `over`.

    `names` are what an item is bound to (several unpack it), `index` what the count is bound to.
    With `share` every iteration has the same weights.
    """

    times: Expr | None
    over: Expr | None
    names: tuple[str, ...]
    index: str | None
    share: bool
    span: Span


@final
class Step(Record):
    """One step. `label` is its part of weight paths, "" where it adds none.

    `exports` are the values inside a structure that steps outside read, by slot; `kept` are the slots
    of a repeat whose value is kept for every instance, since a reference chooses among them.
    """

    id: int
    name: str | None
    label: str
    action: Action
    inputs: tuple[Ref | None, ...]
    repeat: Repeat | None
    when: Expr | None
    type: TypeExpr | None
    init: Mapping[str, Initialiser]
    tie: Mapping[str, Tie]
    freeze: bool
    doc: str | None
    span: Span
    exports: tuple[tuple[str, Ref], ...] = ()
    kept: tuple[str, ...] = ()


def plain_step(
    identifier: int, label: str, action: Action, inputs: tuple[Ref | None, ...], span: Span
) -> Step:
    """A step with nothing but an action and inputs."""
    return Step(
        id=identifier,
        name=None,
        label=label,
        action=action,
        inputs=inputs,
        repeat=None,
        when=None,
        type=None,
        init={},
        tie={},
        freeze=False,
        doc=None,
        span=span,
    )


@final
class Tie(Record):
    """A weight that is another step's: the labels of the path to it, from the module's root.

    Where it is another model's, the path begins with that model's own, and `model` is its name; an
    instance of a repeat may then be chosen by an expression.
    """

    path: tuple[str | Expr, ...]
    span: Span
    model: str | None = None


@final
class Body(Record):
    """Steps in order and the value they end on."""

    steps: tuple[Step, ...]
    result: Ref


@final
class Module(Record):
    """A block or a model.

    `home` is the path of a model's weights: "" where the spec is that model, its name in snake_case
    where it is one of several. A block has none: its weights lie under each step that calls it. A
    model of an imported file is a block here, of which there is one set of weights: `once`. Models
    that training makes may have one home: all but the first are a `method` of what is there. `value` is
    what a block's value is called where it hands it out under a name too.
    """

    name: str
    doc: str | None
    params: tuple[Param, ...]
    inputs: tuple[Input, ...]
    where: tuple[Expr, ...]
    body: Body
    outputs: tuple[tuple[str, Ref], ...]
    is_model: bool
    span: Span
    home: str | None = None
    once: bool = False
    method: str | None = None
    value: str | None = None

    @property
    def place(self) -> str:
        """Where what holds a model finds it: its home, or its method there."""
        home = self.home or ""
        return home if self.method is None else f"{home}.{self.method}"


@final
class Import(Record):
    """One line of an `imports` section: the name, the file it brings, and where it stands.

    `span` is the reference's; `is_used` says whether the file that imports speaks of the name.
    """

    name: str
    source: Source
    span: Span
    is_used: bool


@final
class OpFile(Record):
    """A Python file with ops that a spec names, and where it does."""

    source: Source
    span: Span


@final
class Program(Record):
    """A whole spec: its modules by name, its params with their values, its main model.

    Modules of imported files that something calls are among the modules, the files' params among
    the modules' own; `imports` and `op_files` are those of every file that is reached, in the order of reading, and
    `units` what this file imports, by name. `imported` are the modules that calls such as
    `res.Bottleneck` mean, as far as the program has them.

    `models` are the spec's models by name. Where it has several, `main` is none of them but the
    module that holds them all (`dslc.ir.models`), and `chosen` the one that the spec calls its main.
    `opened` are the models as they were read: the training graph sees the values inside them.
    `deterministic` says whether what is drawn at random is the same bits in every backend, and
    `derivatives` how often training differentiates a module where that is more than once. `beside`
    are models that the only one holds in training: they serve training steps, and it calls none of them.
    """

    unlike = ("opened",)

    name: str
    doc: str | None
    params: tuple[Param, ...]
    values: Mapping[str, object]
    modules: Mapping[str, Module]
    main: str
    train: object | None
    path: str
    text: str
    defaults: dict[str, tuple[dict[str, Expr], dict[str, Initialiser]]]
    opened: Mapping[str, Opened]
    models: tuple[str, ...] = ()
    chosen: str | None = None
    imports: tuple[Import, ...] = ()
    op_files: tuple[OpFile, ...] = ()
    units: Units | None = None
    deterministic: bool = False
    derivatives: tuple[tuple[str, int], ...] = ()
    imported: tuple[tuple[str, str], ...] = ()
    weights: object | None = None
    beside: tuple[str, ...] = ()

    def differentiated(self, name: str) -> int:
        """How often a module is; of one that was made since, as often as any."""
        found = dict(self.derivatives)
        return found.get(name, 1 if name in self.modules else max(found.values(), default=1))

    @property
    def held(self) -> tuple[str, ...]:
        """The models that the main module holds."""
        return self.models if self.has_several else self.beside

    @property
    def whole_text(self) -> str:
        """The spec's text with those of all imported files behind it, each once."""
        found = (*self.imports, *self.op_files)
        texts = {item.source.path: item.source.text for item in found}
        return "\0".join((self.text, *texts.values()))

    @property
    def has_several(self) -> bool:
        """Whether the spec lists its models, rather than being one itself."""
        return self.main not in self.models

    @property
    def digest(self) -> str:
        """The SHA-256 of the spec's text and of all that it imports."""
        import hashlib

        return hashlib.sha256(self.whole_text.encode()).hexdigest()
