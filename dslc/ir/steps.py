"""Steps: from the tree to IR steps with resolved references."""

from __future__ import annotations

from dslc.diagnostics import Label, mend, nearest
from dslc.ir.graph import (
    REGION_INPUT,
    UNKNOWN,
    ApplyOp,
    Body,
    CallModule,
    ChooseOp,
    Group,
    Parallel,
    Ref,
    Repeat,
    Residual,
    Scan,
    Step,
    Tie,
)
from dslc.ir.reading import RESERVED, home_of, is_camel, is_nothing
from dslc.ir.references import Place
from dslc.ir.repeats import RepeatReader
from dslc.ir.reserved_names import reserved_by
from dslc.ir.scope import Scope
from dslc.ops import find
from dslc.ops.base import Op, snake_case
from dslc.syntax.expressions import Literal
from dslc.syntax.tree import Mapping, Scalar, Sequence
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection
    from collections.abc import Mapping as ReadOnly

    from dslc.ir.graph import Action, Initialiser
    from dslc.syntax.expressions import Expr
    from dslc.syntax.tree import Node

STRUCTURES = ("residual", "parallel", "group", "scan")


class StepReader(RepeatReader):
    """Reads the steps of one module; ids count from 1 in the order of the text.

    Attributes:
        constants: The values of the file's params, where no call sets others.
    """

    constants: ReadOnly[str, object] | None = None

    def body(self, nodes: list[Node], scope: Scope, start: Ref) -> Body:
        """Steps in a row, the first reading `start` unless it says otherwise."""
        steps: list[Step] = []
        current = start
        outside, self.report.reads_steps = self.report.reads_steps, True
        self.around.append((nodes, 0))
        for place, node in enumerate(nodes, 1):
            self.around[-1] = (nodes, place)
            step = self.step(node, scope, current)
            if step is None:
                current = Ref(UNKNOWN, "", node.span)
            else:
                steps.append(step)
                current = Ref(step.id, "", step.span)
        self.report.reads_steps = outside
        self.around.pop()
        return Body(tuple(steps), current)

    def step(self, node: Node, scope: Scope, previous: Ref) -> Step | None:
        """One step, or None after an error; its name is known from then on all the same."""
        parts = self.parts(node)
        if parts is None:
            return None
        key, value, keys = parts
        identifier = self.last_id = self.last_id + 1
        name = self.step_name(keys.get("name"))
        if key.text == "reuse":
            return self.reuse(key, value, keys, name, scope, previous)
        repeat, names = self.repeat(keys.get("repeat"), scope)
        is_scope = repeat is not None or (key.text in STRUCTURES and name is not None)
        inner = Scope(scope, names) if is_scope else scope
        action, inputs = self.action_on(key, value, keys, inner, identifier, previous)
        self.declare(name, identifier, scope)
        if name is not None:
            self.enter_name(identifier, key, name, inner, repeats=repeat is not None)
        label = self.label(key, name, repeat is not None, scope)
        if action is None:
            self.failed.add(identifier)
            return None
        if self.is_model_call(action):
            repeat = self.shared(repeat, keys, key)
        elif not isinstance(action, ApplyOp) or action.op.weights is not Op.weights:
            self.refuse_reserved(label, key, name)
        self.refuse_keys(keys, action, key.text)
        self.refuse_moving_start(inputs, names)
        step = Step(
            id=identifier,
            name=None if name is None else name.text,
            label=label,
            action=action,
            inputs=inputs,
            repeat=repeat,
            when=self.optional_expression(keys.get("when"), inner),
            type=self.type(keys["type"]) if "type" in keys else None,
            init=self.default_initialisers(action) | self.initialisers(keys.get("init"), inner),
            tie=self.ties(keys.get("tie"), inner),
            freeze=self.truth(keys.get("freeze"), "`freeze`"),
            doc=self.text(keys["doc"], "`doc`") if "doc" in keys else None,
            span=key.span,
        )
        if name is not None:
            self.named[identifier] = step
        return step

    def action_on(
        self,
        key: Scalar,
        value: Node | None,
        keys: dict[str, Node],
        scope: Scope,
        identifier: int,
        previous: Ref,
    ) -> tuple[Action | None, tuple[Ref | None, ...]]:
        """What a step does, and what it reads: its own name is not known yet."""
        operands = None
        if key.text in STRUCTURES and key.text != "scan":  # before the steps inside have names
            plain = Group(Body((), previous))
            if "from" not in keys and previous.key in self.without_input:
                self.without_input.add((identifier, REGION_INPUT))
            operands = self.step_inputs(keys.get("from"), plain, key.span, scope, previous)
        if key.text == "expr":
            action, operands = self.formula_step(value, keys, key.span, scope, previous)
        else:
            action = self.action(key, value, scope, identifier, keys.get("from"))
        operands = operands or self.scan_inputs.get(identifier)
        if action is not None and operands is None:
            operands = self.step_inputs(keys.get("from"), action, key.span, scope, previous)
        return action, operands or ()

    def enter_name(
        self, identifier: int, key: Scalar, name: Scalar, inner: Scope, *, repeats: bool
    ) -> None:
        """Remembers a named step as a place that references may enter."""
        is_structure = key.text in STRUCTURES and key.text != "scan"
        branches = self.branch_scopes.get(identifier, {})
        self.places[identifier] = Place(
            name.text, inner, branches, is_structure=is_structure, repeats=repeats
        )

    def parts(self, node: Node) -> tuple[Scalar, Node | None, dict[str, Node]] | None:
        """The op, block or structure key of a step with its value, and the reserved keys."""
        if isinstance(node, Scalar) and node.text and node.value is not None:
            return node, None, {}
        if not isinstance(node, Mapping):
            self.report.error("E0605", node.span, "a step is an op's name or a mapping with one")
            return None
        keys = {key.text: value for key, value in node.entries if key.text in RESERVED}
        others = [(key, value) for key, value in node.entries if key.text not in RESERVED]
        if len(others) == 1:
            return others[0][0], others[0][1], keys
        if not others:
            help = "add the op, such as `- relu:`"
            self.report.error("E0606", node.span, "a step has no op, block or structure", help=help)
            return None
        return self.second_key(others, keys)

    def second_key(
        self, others: list[tuple[Scalar, Node]], keys: dict[str, Node]
    ) -> tuple[Scalar, Node | None, dict[str, Node]] | None:
        """Reports a second op, block or structure; goes on where it is a misspelt key."""
        if self.misspelt(others[0][0]):
            others = [*others[1:], others[0]]
        (first, value), (second, given), *more = others
        close = None if second.text in self.takes(first) else self.misspelt(second)
        help = f"did you mean `{close}`?" if close else "each step is an item of its own: `- …`"
        if second.text in self.takes(first):
            help = f"indent it further, or write `{first.text}: {{{second.text}: …}}`"
        message = f"a step has one op, block or structure, and `{second.text}` is a second"
        labels, fix = [Label(first.span, "the first")], mend(second.span, second.text, close)
        self.report.error("E0607", second.span, message, help=help, labels=labels, fix=fix)
        if close is None or close in keys or more:
            return None
        return first, value, {**keys, close: given}

    def misspelt(self, word: Scalar) -> str | None:
        """The step's key that a word is meant to be, where it is nothing else."""
        known = find(word.text) is not None or word.text in (*self.modules, *STRUCTURES)
        return None if known else nearest(word.text, RESERVED)

    def takes(self, word: Scalar) -> Collection[str]:
        """What the op or block of a step takes in `{…}`."""
        op, module = find(word.text), self.modules.get(word.text)
        return op.attributes if op is not None else () if module is None else module.params

    def is_model_call(self, action: Action) -> bool:
        """Whether a step calls a model, whose weights are not the step's."""
        return isinstance(action, CallModule) and self.modules[action.module].is_model

    def shared(self, repeat: Repeat | None, keys: dict[str, Node], key: Scalar) -> Repeat | None:
        """The repeat of a model's call: each round has the same weights, and none freezes them."""
        if "freeze" in keys:
            message = f"`{key.text}` has one set of weights, which no single call can freeze"
            help = "write `freeze: true` at the steps inside the model"
            self.report.error("E0633", keys["freeze"].span, message, help=help)
        return None if repeat is None else repeat.replace(share=True)

    def refuse_keys(self, keys: dict[str, Node], action: Action, word: str) -> None:
        """Reports `init` and `tie` beside anything but an op, which alone owns weights itself."""
        if "from" in keys and isinstance(action, Scan):
            help = "name its inputs there: `over: {x: sequence}`, `carry: {h: start}`"
            message = "a `scan` takes its inputs from `over` and `carry`"
            self.report.error("E0652", keys["from"].span, message, help=help)
        for name in ("init", "tie"):
            if name in keys and not isinstance(action, ApplyOp | ChooseOp):
                message = f"`{name}` speaks of an op's weights, and `{word}` is no op"
                help = "put it at the step inside that has the weight"
                self.report.error("E0622", keys[name].span, message, help=help)

    def label(self, key: Scalar, name: Scalar | None, repeats: bool, scope: Scope) -> str:
        """The step's part of weight paths."""
        if name is not None:
            return name.text
        if key.text in STRUCTURES and not repeats:
            return ""
        word = key.text.removeprefix("$").rpartition(".")[2]
        return scope.label(snake_case(word) if is_camel(word) else word, key.span)

    def refuse_reserved(self, label: str, key: Scalar, name: Scalar | None) -> None:
        """Reports a label that a layer cannot have."""
        owner = reserved_by(label)
        if owner is None:
            return
        message = f"a step cannot be called `{label}`: {owner} owns the name"
        help = f"give it another name, such as `{label}_1`"
        if name is None:
            message = f"without a name this step is called `{label}`, and {owner} owns that name"
            help = f"give it a `name`, such as `{label}_1`"
        self.report.error("E0410", (name or key).span, message, help=help)

    def action(
        self, key: Scalar, value: Node | None, scope: Scope, identifier: int, from_: Node | None
    ) -> Action | None:
        """What the step does."""
        start = Ref(identifier, REGION_INPUT, key.span)
        if key.text.startswith("$"):
            from dslc.ir.choices import choose

            return choose(self, key, value, scope, from_=from_)
        if key.text in ("group", "residual") and is_nothing(value):
            self.has_no_steps(key, "indent its steps further than its name")
            return None
        if key.text == "group":
            return Group(self.body(self.items(value, "`group`"), scope, start))
        if key.text == "residual":
            return self.residual(key, value, scope, start)
        if key.text == "parallel":
            return self.parallel(key, value, scope, start)
        if key.text == "scan":
            return self.scan(key, value, scope, identifier)
        if is_camel(key.text) or "." in key.text:
            return self.call(key, value, scope)
        return self.operation(key, value, scope)

    def residual(self, key: Scalar, value: Node | None, scope: Scope, start: Ref) -> Residual:
        """`residual: [steps]` or `{main: [steps], shortcut: [steps]}`."""
        if not isinstance(value, Mapping):
            main = self.body(self.items(value, "`residual`"), scope, start)
            return Residual(main, Body((), start))
        self.only_keys(value, ("main", "shortcut"), "`residual`")
        if value.get("main") is None and len(value.entries) == (value.key("shortcut") is not None):
            self.report.error("E0608", key.span, "`residual` needs the path `main`")
        bodies: dict[str, Body] = {}
        for path in ("main", "shortcut"):
            label = value.key(path)
            begin = start if label is None else Ref(start.owner, start.slot, label.span)
            bodies[path] = self.body(self.items(value.get(path), f"`{path}`"), scope, begin)
        return Residual(bodies["main"], bodies["shortcut"])

    def parallel(
        self, key: Scalar, value: Node | None, scope: Scope, start: Ref
    ) -> Parallel | None:
        """`parallel: {branches: …, join: concat, axis: 1}`."""
        fields = self.mapping(value, "`parallel`")
        branches = fields.get("branches") if fields else None
        if fields is None or branches is None:
            self.report.error("E0608", key.span, "`parallel` needs `branches`")
            return None
        self.only_keys(fields, ("branches", "join", "axis"), "`parallel`")
        join = fields.get("join")
        word = "concat" if join is None else self.text(join, "`join`") or "concat"
        joins = ("concat", "add", "mul", "stack", "none")
        if join is not None and word not in joins:
            close = nearest(word, joins)
            help = f"did you mean `{close}`?" if close else f"it takes {', '.join(joins)}"
            message, fix = f"`join` has no way called `{word}`", mend(join.span, word, close)
            self.report.error("E0504", join.span, message, help=help, fix=fix)
        axis = fields.get("axis")
        where = Literal(1, key.span) if axis is None else self.expression(axis, scope)
        found = self.branches(branches, scope, start)
        if not found and isinstance(branches, Mapping | Sequence):
            self.report.error("E0608", branches.span, "`branches` holds one branch or more")
        known = found and word in joins
        return Parallel(found, word, where or Literal(1, key.span)) if known else None

    def branches(self, node: Node, scope: Scope, start: Ref) -> tuple[tuple[str, Body], ...]:
        """Branches by name (a scope each) or in a list (adding nothing)."""
        if isinstance(node, Mapping):
            scopes = {key.text: Scope(scope) for key, _ in node.entries}
            self.branch_scopes[start.owner] = scopes
            for key, _ in node.entries:
                if self.step_name(key) is not None:
                    self.claim(
                        key, scope, help="a `name` for the `parallel` keeps its branches apart"
                    )
            return tuple(
                (key.text, self.body(self.items(value, "a branch"), scopes[key.text], start))
                for key, value in node.entries
            )
        found = self.items(node, "`branches`")
        return tuple(("", self.body(self.items(item, "a branch"), scope, start)) for item in found)

    def ties(self, node: Node | None, scope: Scope) -> dict[str, Tie]:
        """`tie: {weight: wte.weight}`; a path may begin at another model: `decoder.wte.weight`."""
        fields = self.mapping(node, "`tie`")
        found: dict[str, Tie] = {}
        for key, value in fields.entries if fields else ():
            text = self.text(value, "a weight's path")
            if text is None:
                continue
            head = text.partition(".")[0]
            model = None if scope.find(head) is not None else self.model_at(head)
            parts = self.segments(text, value, scope)
            if parts is not None:
                found[key.text] = Tie(tuple(parts), value.span, model)
        return found

    def model_at(self, home: str) -> str | None:
        """The model whose weights are at a path."""
        for name, signature in self.modules.items():
            if signature.is_model and home_of(name) == home:
                return name
        return None

    def optional_expression(self, node: Node | None, scope: Scope) -> Expr | None:
        """An expression where there is one."""
        return None if node is None else self.expression(node, scope)

    def default_initialisers(self, action: Action) -> dict[str, Initialiser]:
        """The initialisers that `defaults` gives to an op."""
        if not isinstance(action, ApplyOp) or action.op.name not in self.defaults:
            return {}
        return self.defaults[action.op.name][1]

    def initialisers(
        self, node: Node | None, scope: Scope | None, *, is_default: bool = False
    ) -> dict[str, Initialiser]:
        """`init: {weight: {normal: {std: 0.02}}, bias: zeros}`."""
        fields = self.mapping(node, "`init`")
        found: dict[str, Initialiser] = {}
        for key, value in fields.entries if fields else ():
            initialiser = self.initialiser(value, scope, is_default=is_default)
            if initialiser is not None:
                found[key.text] = initialiser
        return found

    def call(self, key: Scalar, value: Node | None, scope: Scope) -> CallModule | None:
        """A call of a block or model."""
        module = self.modules.get(key.text)
        if module is None and "." in key.text:
            from dslc.ir.imported_names import refuse_call

            refuse_call(self.report, self.imported, key)
            return None
        if key.text in self.broken:
            return None
        if module is None:
            brought = (name for name in self.modules if name.endswith(f".{key.text}"))
            close = next(brought, None) or nearest(key.text, self.modules)
            close = close or self.op_meant(key.text)
            help = f"did you mean `{close}`?" if close else "declare it under `blocks`"
            several = any(signature.is_model for signature in self.modules.values())
            message = f"no block {'or model ' if several else ''}is called `{key.text}`"
            fix = mend(key.span, key.text, close)
            self.report.error("E0405", key.span, message, help=help, fix=fix)
            return None
        return CallModule(key.text, self.arguments(key, value, module, scope))
