"""The training graph: a module from the data's columns to the loss and the metrics.

It is read and typed by the same code as any other graph. A model is a step in it, called on whatever
inputs and as often as needed. Where no step calls one, the spec's model (of several, its `main`) is
called once on the columns of its inputs' names, and its outputs and the values inside are in scope.
"""

from __future__ import annotations

from dslc.diagnostics import nearest
from dslc.ir.graph import MODULE, ApplyOp, Body, CallModule, Input, Module, Ref, plain_step
from dslc.ir.operations import Signature
from dslc.ir.reading import RESERVED
from dslc.ir.scope import Scope
from dslc.ir.walk import all_steps
from dslc.ops import all_ops, find
from dslc.syntax.tree import Mapping, Scalar, Sequence
from dslc.train.inner import InnerValues, TrainingReader
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from dslc.diagnostics import Report
    from dslc.ir.graph import Program, Step
    from dslc.source import Span
    from dslc.syntax.tree import Node

NAME = "train"
LOSS = "loss"
SUMS = ("loss", "metric")
"""The families whose ops a bare word may name as loss or metric."""


class GraphReader:
    """Reads `inputs`, `where`, `steps`, `loss` and `metrics` of a training section, or of a phase.

    Args:
        program: The spec's modules.
        report: Takes what is found.
        fields: The section, or the phase with the section's columns.
        name: What the graph is called.

    Attributes:
        model: The model that is called where no step calls one: the spec's, or of several its main.
        calls_itself: Whether a step calls a model.
    """

    def __init__(self, program: Program, report: Report, fields: Mapping, name: str = NAME) -> None:
        self.name = name
        self.program = program
        self.report = report
        self.fields = fields
        implied = program.chosen if program.has_several else program.main
        self.model = None if implied is None else program.modules[implied]
        signatures = {
            name: signature(module)
            for name, module in program.modules.items()
            if name != program.main or not program.has_several
        }
        signatures |= imported_signatures(program)
        self.reader = TrainingReader(report, signatures, program.defaults, program.units)
        self.reader.last_id = last_id(program)
        self.reader.constants = program.values
        self.scope = Scope(None, [param.name for param in program.params])
        if not program.has_several and fields.key("update") is None:
            self.scope.labels = labels_of(program.modules[program.main].body)
        self.inputs: dict[str, Input] = {}
        self.own: set[str] = set()
        self.declared: set[str] = set()
        self.steps: list[Step] = []
        self.calls_itself = False

    def read(self) -> Module | None:
        """The graph; None after an error."""
        self.read_inputs()
        nodes = self.reader.items(self.fields.get("steps"), "`steps`")
        models = self.program.models
        self.calls_itself = any(mentions(node, name) for node in nodes for name in models)
        if not self.inputs or (self.model is None and not self.calls_itself):
            self.refuse_unclear()
            return None
        if self.model is not None and not self.calls_itself:
            self.call_model(self.model)
        start = Ref(self.steps[0].id, "") if self.steps else Ref(MODULE, next(iter(self.inputs)))
        body = self.reader.body(nodes, self.scope, start)
        self.steps += body.steps
        loss = self.loss()
        metrics = self.metrics(loss)
        facts = self.reader.items(self.fields.get("where"), "`where`")
        where = [self.reader.expression(fact) for fact in facts]
        if loss is None or not self.report.ok:
            return None
        self.look_inside()
        outputs = ((LOSS, loss), *metrics)
        whole = self.reader.finished(Body(tuple(self.steps), loss))
        return self.linked(
            Module(
                name=self.name,
                doc=None,
                params=(),
                inputs=self.used_inputs(whole, outputs),
                where=tuple(fact for fact in where if fact is not None),
                body=whole,
                outputs=outputs,
                is_model=True,
                span=self.fields.span,
            )
        )

    def linked(self, graph: Module) -> Module:
        """The graph whose calls of imported modules bear their names in the program."""
        if not self.program.imported:
            return graph
        from dslc.ir.linking import renamed
        from dslc.ir.single_sets import SingleSets

        graph = renamed(graph, dict(self.program.imported))
        self.refuse_second_sets(graph)
        body = SingleSets(self.program.modules, graph, self.report).body(graph.body)
        return graph.replace(body=body)

    def refuse_second_sets(self, graph: Module) -> None:
        """Reports a call of an imported model that this file's models call already."""
        from dslc.ir.linking import reached_from

        called = reached_from(self.program, {*self.program.models})
        for step in all_steps(graph.body):
            name = step.action.module if isinstance(step.action, CallModule) else ""
            if name in called and self.program.modules[name].once:
                message = f"`{name}` is a model of another spec, which has one set of weights"
                message += "; this call would have another, beside what the model calls"
                help = "let the training graph read the value that the model has of it"
                self.report.error("E1010", step.span, message, help=help)
                return

    def read_inputs(self) -> None:
        """The columns: the implied model's own inputs, then those that the section declares."""
        for item in () if self.model is None else self.model.inputs:
            self.inputs[item.name] = item
            self.own.add(item.name)
        fields = self.reader.mapping(self.fields.get("inputs"), "`inputs`")
        for key, value in fields.entries if fields is not None else ():
            type = self.reader.type(value)
            if self.reader.step_name(key) is None or type is None:
                continue
            self.inputs[key.text] = Input(key.text, type, key.span)
            self.declared.add(key.text)
            self.scope.spans[key.text] = key.span
        for name, item in self.inputs.items():
            self.scope.values[name] = Ref(MODULE, name, item.span)

    def refuse_unclear(self) -> None:
        """Reports a graph that does not say on what it works: which model, which columns."""
        if self.model is None and not self.calls_itself:
            names = ", ".join(f"`{name}`" for name in self.program.models)
            message = f"no step calls a model, and none of {names} is the spec's `main`"
            help = "call the models under `steps`, or name one with `main`"
            self.report.error("E0841", self.fields.span, message, help=help)
        elif self.program.has_several:
            help = 'type the columns of the data: `inputs: {image: "f32[N, 3, 32, 32]"}`'
            message = "the training graph has no columns"
            self.report.error("E0842", self.fields.span, message, help=help)

    def call_model(self, model: Module) -> None:
        """The call that stands there where no step calls a model."""
        step = self.new_step(
            CallModule(model.name, {}),
            tuple(Ref(MODULE, item.name, self.inputs[item.name].span) for item in model.inputs),
            self.fields.span,
        )
        for name, ref in model.outputs:
            self.scope.values[name] = Ref(step.id, name, ref.span)
        self.reader.inner = InnerValues(self.program, model, step.id)

    def look_inside(self) -> None:
        """Lets the call that stands there by itself give the values inside that something reads."""
        inner = self.reader.inner
        if inner is None or not inner.is_needed:
            return
        name = inner.name
        for place, step in enumerate(self.steps):
            if step.id == inner.call:
                self.steps[place] = step.replace(action=CallModule(name, {}))
        self.program = with_module(self.program, inner.module())

    def new_step(
        self, action: ApplyOp | CallModule, inputs: tuple[Ref | None, ...], span: Span
    ) -> Step:
        """A step that the section implies, at the end of the graph so far."""
        self.reader.last_id += 1
        label = "model" if isinstance(action, CallModule) else action.op.name
        step = plain_step(self.reader.last_id, label, action, inputs, span)
        self.steps.append(step)
        return step

    def loss(self) -> Ref | None:
        """The loss: a value by name, or an op, by default on the only output and other input."""
        node = self.fields.get(LOSS)
        if node is None:
            return None  # reported with the other keys that are missing
        head = node.text.partition(".")[0] if isinstance(node, Scalar) else ""
        if self.scope.find(head) is not None or self.reader.names_value(head, self.scope):
            return self.reader.reference(node, self.scope)
        step = self.operation(node, LOSS, None)
        return None if step is None else Ref(step.id, "", step.span)

    def metrics(self, loss: Ref | None) -> tuple[tuple[str, Ref], ...]:
        """The metrics by name: words, or steps; by default on what the loss compares."""
        nodes = self.reader.items(self.fields.get("metrics"), "`metrics`")
        owner = None if loss is None else loss.owner
        measured = next((step for step in self.steps if step.id == owner), None)
        found: dict[str, Ref] = {}
        for node in nodes:
            step = self.operation(node, "metric", measured)
            if step is None:
                continue
            name = step.name or metric_name(node)
            if name in (*found, LOSS):
                message = f"two figures are called `{name}`"
                self.report.error("E0810", node.span, message, help="give the step a `name`")
            found[name] = Ref(step.id, "", step.span)
        return tuple(found.items())

    def operation(self, node: Node, what: str, measured: Step | None) -> Step | None:
        """A loss or metric as a step."""
        parts = operation_parts(node)
        if parts is None:
            message = f"a {what} is an op's name, or a step"
            self.report.error("E0805", node.span, message)
            return None
        key, value = parts
        if key.text.startswith("$"):
            from dslc.ir.choices import plain_op

            found = plain_op(self.reader, key, self.scope)
            if found is None:
                return None
            key = found
        if find(key.text) is None:
            self.unknown(key, what)
            return None
        if isinstance(node, Mapping) and node.get("from") is not None:
            step = self.reader.step(node, self.scope, Ref(MODULE, ""))
            if step is not None:
                self.steps.append(step)
            return step
        action = self.reader.operation(key, value, self.scope)
        if action is None:
            return None
        inputs = self.default_inputs(action, key, measured)
        if inputs is None:
            return None
        return self.named(self.new_step(axis_of(action, measured), inputs, key.span), node)

    def named(self, step: Step, node: Node) -> Step:
        """A step under the name that the spec gives it."""
        name = node.get("name") if isinstance(node, Mapping) else None
        text = None if name is None else self.reader.step_name(name)
        if text is None:
            return step
        self.steps[-1] = step.replace(name=text.text)
        return self.steps[-1]

    def unknown(self, key: Scalar, what: str) -> None:
        """Reports a word that is neither a value nor an op."""
        families = ("loss",) if what == LOSS else SUMS
        words = [name for name, op in all_ops().items() if op.family in families]
        words += sorted(self.scope.all_values()) if what == LOSS else []
        close = nearest(key.text, words)
        help = f"did you mean `{close}`?" if close else f"there are {', '.join(words)}"
        self.report.error("E0805", key.span, f"no {what} is called `{key.text}`", help=help)

    def default_inputs(
        self, action: ApplyOp, key: Scalar, measured: Step | None
    ) -> tuple[Ref | None, ...] | None:
        """What a loss or metric reads where it does not say so."""
        count = sum(1 for item in action.op.inputs if item.default is None)
        if measured is not None and len(measured.inputs) == count:
            return measured.inputs
        implied = None if self.calls_itself else self.model
        outputs = [] if implied is None else [name for name, _ in implied.outputs]
        others = [name for name in self.inputs if name not in self.own]
        if count == 1 and len(outputs) == 1:
            return (self.scope.values[outputs[0]],)
        if count == 2 and len(outputs) == len(others) == 1:
            return self.scope.values[outputs[0]], self.scope.values[others[0]]
        names = [item.name for item in action.op.inputs][:count]
        message = f"`{key.text}` needs its inputs: it is not clear what it compares"
        help = f"write `{key.text}:` and below it `from: [{', '.join(names)}]`, each a value"
        self.report.error("E0806", key.span, message, help=help)
        return None

    def used_inputs(self, body: Body, outputs: tuple[tuple[str, Ref], ...]) -> tuple[Input, ...]:
        """The columns: all that are declared here, and the model's own that something reads."""
        refs = [ref for step in all_steps(body) for ref in step.inputs if ref is not None]
        refs += [ref for _, ref in outputs]
        read = {ref.slot for ref in refs if ref.owner == MODULE}
        return tuple(
            item for name, item in self.inputs.items() if name in read or name in self.declared
        )


def last_id(program: Program) -> int:
    """The largest number of a step so far: those of the training graph are other ones."""
    steps = [s.id for module in program.modules.values() for s in all_steps(module.body)]
    return max(steps, default=0)


def labels_of(body: Body) -> dict[str, int]:
    """How often the model has numbered each word: unnamed training steps are numbered on."""
    found: dict[str, int] = {}
    for step in all_steps(body):
        word, _, number = step.label.rpartition("_")
        word, count = (word, int(number)) if number.isdecimal() and word else (step.label, 0)
        found[word] = max(found.get(word, 0), count + 1)
    return found


def with_module(program: Program, module: Module) -> Program:
    """A program with one more module."""
    return program.replace(modules={**program.modules, module.name: module})


def signature(module: Module) -> Signature:
    """What a caller sees of a module."""
    return Signature(
        tuple(param.name for param in module.params),
        tuple(param.name for param in module.params if param.default is None),
        tuple(param.name for param in module.params if param.kind == "str"),
        tuple(item.name for item in module.inputs),
        is_model=module.is_model,
    )


def imported_signatures(program: Program) -> dict[str, Signature]:
    """What callers see of the modules of imported files, by the words that call them."""
    return {
        f"{prefix}.{name}": found
        for prefix, unit in (program.units or {}).items()
        if unit is not None
        for name, found in unit.signatures.items()
    }


def mentions(node: Node, name: str) -> bool:
    """Whether a step, or one inside it, calls a module of a name."""
    if isinstance(node, Scalar):
        return node.text == name
    if isinstance(node, Sequence):
        return any(mentions(item, name) for item in node.items)
    return any(key.text == name or mentions(value, name) for key, value in node.entries)


def operation_parts(node: Node) -> tuple[Scalar, Node | None] | None:
    """The op's word and what stands behind it; `top_5_accuracy` is `{top_k_accuracy: 5}`."""
    if isinstance(node, Scalar):
        if not node.text or node.value is None:
            return None
        parts = node.text.split("_")
        if len(parts) == 3 and parts[0] == "top" and parts[2] == "accuracy":
            word = Scalar("top_k_accuracy", "plain", node.span)
            return (word, Scalar(parts[1], "plain", node.span)) if parts[1] != "k" else (word, None)
        return node, None
    if isinstance(node, Sequence):
        return None
    others = [(key, value) for key, value in node.entries if key.text not in RESERVED]
    return others[0] if len(others) == 1 else None


def metric_name(node: Node) -> str:
    """What a metric without a name is called: its word."""
    if isinstance(node, Scalar):
        return node.text.removeprefix("$")
    assert isinstance(node, Mapping)
    words = (key.text for key, _ in node.entries if key.text not in RESERVED)
    return next(words).removeprefix("$")


def axis_of(action: ApplyOp, measured: Step | None) -> ApplyOp:
    """A metric's op with the loss's axis of classes, where it does not give one itself."""
    if measured is None or not isinstance(measured.action, ApplyOp):
        return action
    axis = measured.action.attributes.get("axis")
    if axis is None or "axis" not in action.op.attributes or "axis" in action.attributes:
        return action
    return ApplyOp(action.op, {**action.attributes, "axis": axis})
