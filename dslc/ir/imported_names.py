"""What an importing file sees of the specs that it imports: `res.Bottleneck` and `res.width`."""

from __future__ import annotations

from dslc.diagnostics import mend, nearest
from dslc.ir.defaults import constant
from dslc.syntax.expressions import Name, children
from dslc.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dslc.diagnostics import Report
    from dslc.ir.graph import Module, Param
    from dslc.ir.operations import Signature
    from dslc.source import Span
    from dslc.syntax.expressions import Expr
    from dslc.syntax.tree import Scalar

    Units = Mapping[str, "Unit | None"]
    """Imported specs by the name that they are imported under; None for one with no program."""


@final
class Unit:
    """An imported spec: its blocks as a caller sees them, its params, and its modules.

    The modules, those that it imports itself among them, stand under identifiers that no other file
    has; the file's params are params of the modules that read them.
    """

    __slots__ = ("modules", "params", "path", "signatures", "values")

    def __init__(
        self,
        path: str,
        params: tuple[Param, ...],
        values: Mapping[str, object],
        modules: Mapping[str, Module],
        signatures: Mapping[str, Signature],
    ) -> None:
        self.path = path
        self.params = params
        self.values = values
        self.modules = modules
        self.signatures = signatures


def identifier(path: str, name: str) -> str:
    """What a block of an imported file is called until all names are known."""
    return f"{path}:{name}"


def imported_params(
    report: Report, units: Units, expression: Expr, span: Span
) -> dict[str, Expr | None]:
    """The values of the imported params that an expression reads, by name; None after an error."""
    found: dict[str, Expr | None] = {}
    for name in dotted_names(expression):
        if name.id not in found:
            at = span if isinstance(expression, Name) else name.span
            found[name.id] = _param(report, units, name, at)
    return found


def dotted_names(expression: Expr) -> Iterator[Name]:
    """The names with a dot in an expression, from left to right."""
    if isinstance(expression, Name):
        if "." in expression.id:
            yield expression
        return
    for part in children(expression):
        yield from dotted_names(part)


def _param(report: Report, units: Units, name: Name, span: Span) -> Expr | None:
    """The value of one imported param."""
    prefix, _, word = name.id.partition(".")
    if not _known_prefix(report, units, prefix, name.id, span):
        return None
    unit = units[prefix]
    if unit is None:
        return None
    known = [param.name for param in unit.params]
    if word not in known:
        close = nearest(word, known)
        takes = f"it has {', '.join(known)}" if known else "it has none"
        help = f"did you mean `{prefix}.{close}`?" if close else takes
        fix = mend(span, name.id, close and f"{prefix}.{close}")
        message = f"`{prefix}` ({unit.path}) has no param `{word}`"
        report.error("E1006", span, message, help=help, fix=fix)
        return None
    if word not in unit.values:
        message = f"the param `{word}` of `{prefix}` ({unit.path}) has no value of its own"
        help = "give it a default there, or use a param of this file"
        report.error("E1008", span, message, help=help)
        return None
    return constant(unit.values[word], name.span)


def refuse_call(report: Report, units: Units, key: Scalar) -> None:
    """Reports a call of an imported block that is not there, or not where the call stands."""
    prefix, _, word = key.text.partition(".")
    if not _known_prefix(report, units, prefix, key.text, key.span):
        return
    unit = units[prefix]
    if unit is None:
        return
    close = nearest(word, unit.signatures)
    takes = f"it has {', '.join(unit.signatures)}" if unit.signatures else "it has none"
    help = f"did you mean `{prefix}.{close}`?" if close else takes
    fix = mend(key.span, key.text, close and f"{prefix}.{close}")
    message = f"`{prefix}` ({unit.path}) has no block or model `{word}`"
    report.error("E1006", key.span, message, help=help, fix=fix)


def _known_prefix(report: Report, units: Units, prefix: str, text: str, span: Span) -> bool:
    """Whether something is imported under a name; reports it where nothing is."""
    if prefix in units:
        return True
    close = nearest(prefix, units)
    help = f"declare it: `imports: {{{prefix}: ./{prefix}.yaml}}`"
    if close:
        help = f"did you mean `{close}`?"
    rest = text.removeprefix(prefix)
    fix = mend(span, text, close and f"{close}{rest}")
    report.error("E1005", span, f"nothing is imported as `{prefix}`", help=help, fix=fix)
    return False
