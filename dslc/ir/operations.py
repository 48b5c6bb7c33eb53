"""Ops and calls while a spec is read: attributes by slot, arguments, initialisers, inputs."""

from __future__ import annotations

from dslc.diagnostics import meant, mend, nearest
from dslc.ir.graph import ApplyOp, CallModule, ChooseOp, Group, Initialiser, Ref, Scan
from dslc.ir.reading import RESERVED, Reader
from dslc.ops import all_ops, find
from dslc.ops.base import snake_case
from dslc.syntax.expressions import ListOf, Literal
from dslc.syntax.tree import Mapping, Scalar, Sequence
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from dslc.diagnostics import Report
    from dslc.ir.graph import Action, Param
    from dslc.ir.imported_names import Units
    from dslc.ir.scope import Scope
    from dslc.ops.attributes import Attribute
    from dslc.ops.base import Op
    from dslc.source import Span
    from dslc.syntax.expressions import Expr
    from dslc.syntax.tree import Node

NO_OPS = ("E1003", "E1011", "E1012")
"""What a file of ops that could not be had is told by."""
INITIALISERS: dict[str, tuple[str, ...]] = {
    "zeros": (),
    "ones": (),
    "constant": ("value",),
    "normal": ("std", "mean"),
    "truncated_normal": ("std",),
    "uniform": ("bound",),
    "kaiming_uniform": (),
    "kaiming_normal": (),
    "xavier_uniform": (),
    "xavier_normal": (),
    "lecun_normal": (),
    "orthogonal": ("gain",),
}
"""The initialisers that a spec may name, with the numbers each takes; the first is the primary."""


class Signature:
    """What a caller sees of a module before its body is read: its params and inputs by name.

    An imported module's params are followed by those of its file that a call may set; `unread` are
    the others of its file, `whole` all of them with their defaults, its file's first, and `taken`
    the names that the module takes in the end. `value` is an imported model's first output.
    """

    __slots__ = (
        "inputs",
        "is_model",
        "params",
        "required",
        "taken",
        "unread",
        "value",
        "whole",
        "words",
    )

    def __init__(
        self,
        params: tuple[str, ...],
        required: tuple[str, ...],
        words: tuple[str, ...],
        inputs: tuple[str, ...],
        *,
        whole: tuple[Param, ...] = (),
        taken: frozenset[str] = frozenset(),
        unread: tuple[str, ...] = (),
        is_model: bool = False,
        value: str | None = None,
    ) -> None:
        self.value = value
        self.whole = whole
        self.taken = taken
        self.unread = unread
        self.params = params
        self.required = required
        self.words = words
        self.inputs = inputs
        self.is_model = is_model


class OperationReader(Reader):
    """Reads ops with their attributes and calls with their arguments."""

    def __init__(
        self,
        report: Report,
        modules: dict[str, Signature],
        defaults: dict[str, tuple[dict[str, Expr], dict[str, Initialiser]]],
        imported: Units | None = None,
    ) -> None:
        super().__init__(report, imported)
        self.modules = modules
        self.defaults = defaults
        self.failed: set[int] = set()
        self.broken: set[str] = set()
        """The blocks that are declared and cannot be read, which is told there."""

    def operation(self, key: Scalar, value: Node | None, scope: Scope) -> ApplyOp | None:
        """An op with its attributes; a bare scalar or list sets the primary one."""
        op = find(key.text)
        if key.text in self.broken:
            return None
        if op is None and key.text == "gradient":
            message = "`gradient` works in the training graph only"
            help = "put it under `train.steps`"
            self.report.error("E0818", key.span, message, help=help)
            return None
        if op is None and any(item.code in NO_OPS for item in self.report.diagnostics):
            return None  # it may be one of those that could not be had
        if op is None:
            close = nearest(
                key.text, (*all_ops(), "residual", "parallel", "group", "scan", "reuse", "expr")
            )
            help = f"did you mean `{close}`?" if close else ops_with(key.text)
            if key.text in ("weight_norm", "spectral_norm"):
                close, help = (
                    None,
                    f"an op's own weight takes it: `linear: {{normalize: {key.text}}}`",
                )
            if " - " in key.text:
                help = "the `- ` of every step of a list stands in the same column"
            fix = mend(key.span, key.text, close)
            self.report.error(
                "E0501", key.span, f"no op is called `{key.text}`", help=help, fix=fix
            )
            return None
        given = self.attributes(op, value, scope)
        if given is None:
            return None
        attributes = {**self.defaults.get(op.name, ({}, {}))[0], **given}
        missing = [
            name
            for name, attribute in op.attributes.items()
            if attribute.required and name not in attributes
        ]
        if missing:
            name = missing[0]
            takes = op.attributes[name].describe()
            help = f"add `{name}: …`"
            message = f"`{op.name}` needs `{name}`, {takes}"
            self.report.error("E0505", key.span, message, help=help)
            return None
        return ApplyOp(op, attributes)

    def op_meant(self, word: str) -> str | None:
        """The op that a word in CamelCase means, such as `ReLU` or `Conv2d`."""
        words = (word.lower(), snake_case(word))
        known = next((option for option in words if find(option) is not None), None)
        return known or nearest(snake_case(word), all_ops())

    def attributes(
        self, op: type[Op], value: Node | None, scope: Scope | None
    ) -> dict[str, Expr] | None:
        """The attributes that a step (or `defaults`) gives; None after an error."""
        if value is None or (
            isinstance(value, Scalar) and value.style == "plain" and value.value is None
        ):
            return {}
        if isinstance(value, Mapping):
            return self.named_attributes(op, value, scope)
        if op.primary is None:
            takes = ", ".join(direct_attributes(op)) or "none"
            help = f"write `{op.name}: {{name: value}}`; its attributes: {takes}"
            message = f"`{op.name}` has no attribute that a bare value could set"
            self.report.error("E0506", value.span, message, help=help)
            return None
        read = self.slot(op.attributes[op.primary], value, scope)
        return None if read is None else {op.primary: read}

    def named_attributes(
        self, op: type[Op], fields: Mapping, scope: Scope | None
    ) -> dict[str, Expr] | None:
        """Attributes by name."""
        found: dict[str, Expr] = {}
        good = True
        for key, value in fields.entries:
            attribute = op.attributes.get(key.text)
            if attribute is None or "." in key.text:
                good = False
                known = direct_attributes(op)
                close = meant(key.text, known)
                takes = ", ".join(known) or "no attributes"
                help = f"did you mean `{close}`?" if close else f"it takes {takes}"
                if key.text in RESERVED:
                    close, help = None, f"`{key.text}` stands in the same column as `{op.name}`"
                message = f"`{op.name}` has no attribute `{key.text}`"
                fix = mend(key.span, key.text, close)
                self.report.error("E0502", key.span, message, help=help, fix=fix)
                continue
            if attribute.reads == "fields" and isinstance(value, Mapping):
                inner = self.fields(op, key, value, scope)
                good = good and inner is not None
                found |= inner or {}
                continue
            read = self.slot(attribute, value, scope)
            if read is None:
                good = False
            else:
                found[key.text] = read
        return found if good else None

    def fields(
        self, op: type[Op], key: Scalar, fields: Mapping, scope: Scope | None
    ) -> dict[str, Expr] | None:
        """A feature that is on, with attributes of its own."""
        found: dict[str, Expr] = {key.text: Literal(True, key.span)}
        known = {
            name.rpartition(".")[2] for name in op.attributes if name.startswith(f"{key.text}.")
        }
        for name, value in fields.entries:
            if name.text not in known:
                self.unknown_key(name, known, f"`{key.text}`")
                return None
            own = f"{key.text}.{name.text}"
            read = self.slot(op.attributes[own], value, scope)
            if read is None:
                return None
            found[own] = read
        return found

    def slot(self, attribute: Attribute, node: Node, scope: Scope | None) -> Expr | None:
        """What an attribute's slot holds, read as the slot's type says."""
        if attribute.reads == "word":
            return self.word(node, scope)
        if attribute.reads == "words" and isinstance(node, Sequence):
            words = [self.word(item, scope) for item in node.items]
            known = tuple(word for word in words if word is not None)
            return ListOf(known, node.span) if len(known) == len(words) else None
        if (
            attribute.reads == "either"
            and isinstance(node, Scalar)
            and (node.text in attribute.words or node.text.startswith("$"))
        ):
            return self.word(node, scope)
        if attribute.reads == "either" and isinstance(node, Scalar) and node.text.isalpha():
            close = nearest(node.text, attribute.words)
            params = () if scope is None else scope.all_names()
            if node.text not in params and (close or not nearest(node.text, params)):
                message = f"`{attribute.name}` takes {attribute.describe()}, not `{node.text}`"
                help = f"did you mean `{close}`?" if close else None
                fix = mend(node.span, node.text, close)
                self.report.error("E0504", node.span, message, help=help, fix=fix)
                return None
        return self.expression(node, scope)

    def initialiser(
        self, node: Node, scope: Scope | None, *, is_default: bool = False
    ) -> Initialiser | None:
        """`zeros`, `{normal: 0.02}` or `{normal: {std: 0.02}}`."""
        if isinstance(node, Scalar):
            key: Scalar = node
            value: Node | None = None
        elif isinstance(node, Mapping) and len(node.entries) == 1:
            key, value = node.entries[0]
        else:
            message = "an initialiser is a word or `{word: {…}}`"
            self.report.error("E0508", node.span, message)
            return None
        takes = INITIALISERS.get(key.text)
        if takes is None:
            close = nearest(key.text, INITIALISERS)
            help = f"did you mean `{close}`?" if close else f"there are {', '.join(INITIALISERS)}"
            message = f"no initialiser is called `{key.text}`"
            fix = mend(key.span, key.text, close)
            self.report.error("E0510", key.span, message, help=help, fix=fix)
            return None
        arguments: dict[str, Expr] = {}
        entries = value.entries if isinstance(value, Mapping) else []
        if value is not None and not isinstance(value, Mapping) and takes:
            entries = [(Scalar(takes[0], "plain", value.span), value)]
        for name, item in entries:
            if name.text not in takes:
                self.unknown_key(name, takes, f"`{key.text}`")
                continue
            read = self.expression(item, scope)
            if read is not None:
                arguments[name.text] = read
        if key.text == "constant" and "value" not in arguments:
            help = "write `{constant: 0.5}`"
            self.report.error("E0508", key.span, "`constant` needs its value", help=help)
            return None
        return Initialiser(key.text, tuple(arguments.items()), key.span, is_default)

    def arguments(
        self, key: Scalar, value: Node | None, module: Signature, scope: Scope
    ) -> dict[str, Expr]:
        """A call's arguments for a block's params."""
        found: dict[str, Expr] = {}
        if isinstance(value, Scalar) and value.style == "plain" and value.value is None:
            value = None
        if value is not None and not isinstance(value, Mapping):
            message = f"arguments of `{key.text}` are a mapping: `{{name: value}}`"
            self.report.error("E0702", value.span, message)
            return found
        for name, item in value.entries if value is not None else ():
            if name.text not in module.params:
                close = meant(name.text, module.params)
                takes = ", ".join(module.params) or "no params"
                help = f"did you mean `{close}`?" if close else f"it takes {takes}"
                message = f"`{key.text}` has no param `{name.text}`"
                if name.text in module.unread:
                    message = f"`{key.text}` does not read its file's param `{name.text}`"
                fix = mend(name.span, name.text, close)
                self.report.error("E0701", name.span, message, help=help, fix=fix)
                continue
            is_word = name.text in module.words
            read = self.word(item, scope) if is_word else self.expression(item, scope)
            found[name.text] = Literal(None, item.span) if read is None else read
        given = [] if value is None else [name.text for name, _ in value.entries]
        misspelt = {meant(name, module.params) for name in given if name not in module.params}
        missing = [name for name in module.required if name not in (*given, *misspelt)]
        if missing:
            message = f"`{key.text}` needs the param `{missing[0]}`"
            help = f"write `{key.text}: {{{missing[0]}: …}}`"
            self.report.error("E0703", key.span, message, help=help)
        if not module.whole:
            return found
        from dslc.ir.defaults import completed

        whole = completed(found, module.whole, {})
        return {name: value for name, value in whole.items() if name in module.taken}

    def input_names(self, action: Action) -> tuple[str, ...] | None:
        """The names of what an action reads; None where it takes any number."""
        if isinstance(action, ApplyOp):
            declared = action.op.inputs
            if declared and declared[0].variadic:
                return None
            return tuple([item.name for item in declared])
        if isinstance(action, CallModule):
            return self.modules[action.module].inputs
        if isinstance(action, ChooseOp):
            return None
        return (*action.over, *action.carry) if isinstance(action, Scan) else ("x",)

    def fill(self, given: list[Ref | None], action: Action, span: Span) -> tuple[Ref | None, ...]:
        """All inputs in order, those left out by the op's own defaults."""
        names = self.input_names(action)
        if names is None:
            if not given:
                self._need([None], ("x",), span)
            return tuple(given)
        if len(given) > len(names):
            what = "input" if len(names) == 1 else "inputs"
            message = f"{len(given)} inputs are given, and it takes {len(names)} {what}"
            self.report.error("E0406", span, message)
            given = given[: len(names)]
        given = given + [None] * (len(names) - len(given))
        if isinstance(action, Scan):
            return tuple(given)
        if isinstance(action, Group | CallModule) or not isinstance(action, ApplyOp):
            self._need(given, names, span)
            return tuple(given)
        by_name: dict[str, Ref | None] = {}
        for item, ref in zip(action.op.inputs, given, strict=True):
            if ref is None and item.default not in (None, "none"):
                ref = by_name[item.default]
            if ref is None and item.default is None:
                self._need([None], (item.name,), span)
            by_name[item.name] = ref
        return tuple(by_name.values())

    def _need(self, given: list[Ref | None], names: tuple[str, ...], span: Span) -> None:
        for name, ref in zip(names, given, strict=True):
            if ref is None:
                help = "give the inputs with `from: [a, b]` or `from: {name: value}`"
                self.report.error("E0406", span, f"the input `{name}` is missing", help=help)


def direct_attributes(op: type[Op]) -> list[str]:
    """The attributes that a spec gives by name, without those inside a feature's mapping."""
    return [name for name in op.attributes if "." not in name]


def ops_with(word: str) -> str:
    """The advice on a word that is near no op: the ops whose names hold it, else where to look."""
    found = [f"`{name}`" for name in sorted(all_ops()) if word.lower() in name.split("_")]
    if not found or len(found) > 4:
        return "`dslc ops` lists the ops"
    return f"there is {', '.join(found)}" if len(found) == 1 else f"there are {', '.join(found)}"
