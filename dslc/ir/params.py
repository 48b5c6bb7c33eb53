"""Compile-time params: their declarations, defaults and values."""

from __future__ import annotations

from dslc.diagnostics import mend, nearest
from dslc.ir.bounds import BOUNDS, bound_problem, read_bounds
from dslc.ir.graph import Param
from dslc.ir.reading import TRUTHS, Reader, is_snake
from dslc.ir.scope import Scope
from dslc.ops.attributes import show
from dslc.syntax.expressions import ExpressionError, Literal, evaluate, free_names, names_in
from dslc.syntax.tree import Mapping, Scalar, Sequence
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping as ReadOnly

    from dslc.diagnostics import Report
    from dslc.ir.imported_names import Units
    from dslc.source import Span
    from dslc.syntax.expressions import Expr
    from dslc.syntax.tree import Node

PARAM_KEYS = ("type", "default", *BOUNDS, "doc")
KINDS_ELSEWHERE = {
    "integer": "int",
    "number": "float",
    "double": "float",
    "boolean": "bool",
    "string": "str",
    "text": "str",
    "array": "list",
}
"""What others call the types of params."""
KINDS = {"int": int, "float": float, "bool": bool, "str": str, "list": tuple}


class ParamReader(Reader):
    """Reads `params` sections and evaluates them; `unread` are those whose default is no value."""

    def __init__(self, report: Report, imported: Units | None = None) -> None:
        super().__init__(report, imported)
        self.unread: set[str] = set()

    def params(self, node: Node | None, above: tuple[str, ...]) -> tuple[Param, ...]:
        """The params of a section; a default may use the ones above it."""
        fields = self.mapping(node, "`params`")
        scope = Scope(None, above)
        found: list[Param] = []
        for key, value in fields.entries if fields else ():
            if not is_snake(key.text):
                message = "a param's name is in snake_case; capitals are dims"
                self.report.error("E0704", key.span, message)
                continue
            count = len(self.report.diagnostics)
            param = self.param(key, value, scope)
            self.reads_params(param.default, scope)
            if len(self.report.diagnostics) > count:
                self.unread.add(key.text)
                if param.default is None:
                    param = param.replace(default=Literal(None, value.span))
            found.append(param)
            scope.names.add(key.text)
        return tuple(found)

    def reads_params(self, default: Expr | None, scope: Scope) -> None:
        """Reports a default that reads a size: only a call knows these."""
        for name in () if default is None else names_in(default):
            if not is_snake(name.id) and not scope.knows(name.id):
                message = f"nothing here is called `{name.id}`"
                help = (
                    "a default reads the params above it; a size is known at a call: give it there"
                )
                self.report.error("E0202", name.span, message, help=help)

    def param(self, key: Scalar, value: Node, scope: Scope) -> Param:
        """One param: a default, a type word, `word = default`, or `{type, default, doc, …}`."""
        if isinstance(value, Mapping):
            return self.detailed(key, value, scope)
        if isinstance(value, Sequence):
            return Param(key.text, "list", self.expression(value, scope), None, key.span)
        assert isinstance(value, Scalar)
        kind, equals, default = value.text.partition("=")
        kind = kind.strip()
        if kind in KINDS and (equals or not default):
            if not equals:
                return Param(key.text, kind, None, None, key.span)
            return Param(key.text, kind, self.typed(kind, default, value, scope), None, key.span)
        if is_snake(value.text) and isinstance(value.value, str) and not scope.knows(value.text):
            return self.bare_word(key, value, scope)
        read = self.expression(value, scope)
        return Param(key.text, kind_of(read), read, None, key.span)

    def bare_word(self, key: Scalar, value: Scalar, scope: Scope) -> Param:
        """Reports a word where an expression is read, and takes it for the word."""
        text = value.text
        kind = KINDS_ELSEWHERE.get(text) or nearest(text, KINDS)
        if kind is not None and nearest(text, scope.all_names()) is None:
            message, help = f"`{text}` is no type of params", f"did you mean `{kind}`?"
            self.report.error(
                "E0705", value.span, message, help=help, fix=mend(value.span, text, kind)
            )
            return Param(key.text, kind, None, None, key.span)
        close = TRUTHS.get(text.lower()) or nearest(text, scope.all_names())
        meant = f"did you mean `{close}`? " if close else ""
        help = f"{meant}a word is written with its type: `{key.text}: str = {text}`"
        message = f"no param above is called `{text}`"
        self.report.error("E0401", value.span, message, help=help)
        return Param(key.text, "str", Literal(text, value.span), None, key.span)

    def typed(self, kind: str, text: str, node: Scalar, scope: Scope) -> Expr | None:
        """The default behind `kind =`: a word where the kind is `str`."""
        text = text.strip()
        if kind == "str":
            return Literal(text.strip("\"'"), node.span)
        return self.parsed(text, node.span, scope)

    def detailed(self, key: Scalar, fields: Mapping, scope: Scope) -> Param:
        """`{type: int, default: 3, min: 1, max: 8, choices: [1, 3, 8], doc: text}`."""
        for entry, _ in fields.entries:
            if entry.text not in PARAM_KEYS:
                self.unknown_key(entry, PARAM_KEYS, f"the param `{key.text}`")
        kind_node, default, doc = fields.get("type"), fields.get("default"), fields.get("doc")
        kind = "" if kind_node is None else self.text(kind_node, "`type`") or ""
        if kind_node is not None and kind not in KINDS:
            close = KINDS_ELSEWHERE.get(kind) or nearest(kind, KINDS)
            help = f"did you mean `{close}`?" if close else f"a param is one of {', '.join(KINDS)}"
            message, fix = f"`{kind}` is no type of params", mend(kind_node.span, kind, close)
            self.report.error("E0705", kind_node.span, message, help=help, fix=fix)
            kind = ""
        read = None
        if default is not None:
            is_word = kind == "str"
            read = self.word(default, scope) if is_word else self.expression(default, scope)
        text = None if doc is None else self.text(doc, "`doc`")
        kind = kind or kind_of(read)
        bounds = read_bounds(self, fields, kind)
        return Param(key.text, kind, read, text, key.span, **bounds)  # pyright: ignore[reportArgumentType]

    def values(
        self, params: tuple[Param, ...], overrides: ReadOnly[str, Node] | None, span: Span
    ) -> dict[str, object]:
        """The file's params evaluated, those that `--set` gives taken from there.

        Without overrides (in an imported file) a param may stay without a value: calls give it.
        """
        values: dict[str, object] = {}
        unknown = set(self.unread)
        is_main, overrides = overrides is not None, overrides or {}
        for param in params:
            default = param.default
            if param.name in overrides:
                node = overrides[param.name]
                is_word = param.kind == "str"
                default = self.word(node) if is_word else self.expression(node)
            if default is None or param.name in unknown or free_names(default) & unknown:
                unknown.add(param.name)
                if is_main and param.default is None and param.name not in overrides:
                    help = f"give it with `--set {param.name}=…`"
                    message = f"the param `{param.name}` has no value"
                    self.report.error("E0708", param.span, message, help=help)
                continue
            if is_main or free_names(default) <= values.keys():
                self.evaluate(param, default, values)
            if param.name not in values:
                unknown.add(param.name)
        for name in overrides:
            if name not in {param.name for param in params}:
                close = nearest(name, [param.name for param in params])
                help = f"did you mean `{close}`?" if close else None
                self.report.error("E0707", span, f"`--set {name}`: no such param", help=help)
        return values

    def evaluate(self, param: Param, default: Expr, values: dict[str, object]) -> None:
        """Puts a param's value beside those above it."""
        try:
            value = evaluate(default, values)
        except ExpressionError as error:
            self.report.error(error.code, error.span, error.message, help=error.help)
            return
        problem = kind_problem(param, value)
        if problem:
            self.report.error("E0706", default.span, problem)
        elif (bound := bound_problem(param, value)) is not None:
            self.report.error("E0721", default.span, bound[0], help=bound[1])
        else:
            values[param.name] = value


def kind_of(default: Expr | None) -> str:
    """The type word of a default: of a literal its own, else any ("")."""
    value = default.value if isinstance(default, Literal) else None
    if isinstance(value, bool):
        return "bool"
    for kind in ("int", "float", "str"):
        if isinstance(value, KINDS[kind]):
            return kind
    return ""


def kind_problem(param: Param, value: object) -> str | None:
    """What is wrong with a param's value, or None; an int serves as a float."""
    if not param.kind:
        return None
    wanted: type = KINDS[param.kind]
    fits = isinstance(value, wanted) and (wanted is bool or not isinstance(value, bool))
    if fits or (param.kind == "float" and isinstance(value, int) and not isinstance(value, bool)):
        return None
    shown = repr(value) if isinstance(value, str) else show(value)
    return f"the param `{param.name}` is {param.kind}, and {shown} is not"
