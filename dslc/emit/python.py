"""A small model of a Python module, for the code that backends generate.

A rule writes short pieces of Python as text; each piece is parsed when its statement is made, so a
mistake shows at once and redundant parentheses vanish. `to_source` prints the model, formatted.
Text from a spec never belongs into a piece, except as an identifier of `Names`, a number, or a
`repr`; docs and comments take any text, and are made harmless.

Example:
    >>> module = Module("Two lines.")
    >>> module.require("from torch import nn")
    >>> module.add(Class("Net", ["nn.Module"], "Empty."))
    >>> print(to_source(module))
"""

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal, final

from dslc.emit.print_imports import Imports

Kind = Literal["positional", "keyword", "variadic", "variadic keyword"]

_MARKS: Final = {"positional": "", "keyword": "", "variadic": "*", "variadic keyword": "**"}


def _parse(code: str) -> ast.stmt:
    """The one statement that a text holds."""
    try:
        body = ast.parse(code).body
    except (SyntaxError, ValueError) as error:
        raise ValueError(f"not a Python statement: {code!r}") from error
    if len(body) != 1:
        raise ValueError(f"not exactly one Python statement: {code!r}")
    return body[0]


def _header(code: str, kind: type[ast.stmt]) -> ast.stmt:
    """The header of a compound statement, checked to be of one kind and to hold no more."""
    node = _parse(f"{code}\n    pass")
    body: list[ast.stmt] = getattr(node, "body", [])
    alone = len(body) == 1 and isinstance(body[0], ast.Pass) and not getattr(node, "orelse", [])
    if not isinstance(node, kind) or not alone:
        raise ValueError(f"not the header of one {kind.__name__}: {code!r}")
    return node


@final
@dataclass(frozen=True, slots=True)
class Line:
    """A simple statement: assignment, return, expression, annotated field.

    A comment stands behind the statement where both fit on one line, else above it.
    """

    code: str
    comment: str | None = None

    def __post_init__(self) -> None:
        """Parses the statement."""
        if hasattr(self.node, "body"):
            raise ValueError(f"not a simple statement: {self.code!r}")

    @property
    def node(self) -> ast.stmt:
        """The parsed statement."""
        return _parse(self.code)


@final
@dataclass(frozen=True, slots=True)
class Comment:
    """A comment on lines of its own."""

    text: str


@final
@dataclass(frozen=True, slots=True)
class Blank:
    """An empty line, where the layout does not put one already."""


@final
@dataclass(frozen=True, slots=True)
class Raw:
    """Source that is printed as it is, already formatted: a helper function or class."""

    source: str

    def __post_init__(self) -> None:
        """Checks that it is Python."""
        try:
            ast.parse(self.source)
        except (SyntaxError, ValueError) as error:
            raise ValueError(f"not Python source: {self.source!r}") from error


@final
@dataclass(frozen=True, slots=True)
class If:
    """A condition; an `orelse` that is a single `If` prints as `elif`."""

    test: str
    body: "Sequence[Statement]"
    orelse: "Sequence[Statement]" = ()

    def __post_init__(self) -> None:
        """Parses the condition."""
        _ = self.node

    @property
    def node(self) -> ast.stmt:
        """The parsed header."""
        return _header(f"if {self.test}:", ast.If)


@final
@dataclass(frozen=True, slots=True)
class For:
    """A loop over something."""

    target: str
    iterable: str
    body: "Sequence[Statement]"

    def __post_init__(self) -> None:
        """Parses target and iterable."""
        _ = self.node

    @property
    def node(self) -> ast.stmt:
        """The parsed header."""
        return _header(f"for {self.target} in {self.iterable}:", ast.For)


@final
@dataclass(frozen=True, slots=True)
class While:
    """A loop under a condition."""

    test: str
    body: "Sequence[Statement]"

    def __post_init__(self) -> None:
        """Parses the condition."""
        _ = self.node

    @property
    def node(self) -> ast.stmt:
        """The parsed header."""
        return _header(f"while {self.test}:", ast.While)


@final
@dataclass(frozen=True, slots=True)
class With:
    """A block under context managers, each as `expression` or `expression as name`."""

    items: Sequence[str]
    body: "Sequence[Statement]"

    def __post_init__(self) -> None:
        """Parses the managers."""
        _ = self.node

    @property
    def node(self) -> ast.stmt:
        """The parsed header."""
        return _header(f"with {', '.join(self.items)}:", ast.With)


@final
@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a function; those of kind `keyword` follow a `*`."""

    name: str
    annotation: str | None = None
    default: str | None = None
    kind: Kind = "positional"

    def text(self) -> str:
        """The parameter as it stands in a header."""
        annotation = f": {self.annotation}" if self.annotation else ""
        default = f" = {self.default}" if self.default is not None else ""
        return f"{_MARKS[self.kind]}{self.name}{annotation}{default}"


@final
@dataclass(frozen=True, slots=True)
class Function:
    """A function or method."""

    name: str
    parameters: Sequence[Parameter] = ()
    returns: str | None = None
    doc: str = ""
    body: "Sequence[Statement]" = ()
    decorators: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Parses the header and the decorators."""
        _ = self.node

    @property
    def node(self) -> ast.stmt:
        """The parsed header with its decorators."""
        order: list[Kind] = ["positional", "variadic", "keyword", "variadic keyword"]
        ordered = sorted(self.parameters, key=lambda parameter: order.index(parameter.kind))
        texts = [parameter.text() for parameter in ordered]
        kinds = [parameter.kind for parameter in ordered]
        if "keyword" in kinds and "variadic" not in kinds:
            texts.insert(kinds.index("keyword"), "*")
        returns = f" -> {self.returns}" if self.returns else ""
        marks = "".join(f"@{decorator}\n" for decorator in self.decorators)
        header = f"{marks}def {self.name}({', '.join(texts)}){returns}:"
        return _header(header, ast.FunctionDef)


@final
@dataclass(frozen=True, slots=True)
class Class:
    """A class; a base may also be a keyword, as in `metaclass=Meta`."""

    name: str
    bases: Sequence[str] = ()
    doc: str = ""
    body: "Sequence[Statement]" = ()
    decorators: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Parses the header and the decorators."""
        _ = self.node

    @property
    def node(self) -> ast.stmt:
        """The parsed header with its decorators."""
        bases = f"({', '.join(self.bases)})" if self.bases else ""
        marks = "".join(f"@{decorator}\n" for decorator in self.decorators)
        return _header(f"{marks}class {self.name}{bases}:", ast.ClassDef)


Statement = Line | Comment | Blank | Raw | If | For | While | With | Function | Class


class Module:
    """A module: its docstring, its imports, its statements in order."""

    def __init__(
        self, doc: str, body: Iterable[Statement] = (), *, local: Iterable[str] = ()
    ) -> None:
        """Makes a module.

        Args:
            doc: The docstring.
            body: The statements below the imports.
            local: Modules that lie beside this one; they are imported in a section of their own.
        """
        self.doc = doc
        self.body: list[Statement] = list(body)
        self.imports = Imports(local)

    def add(self, *statements: Statement) -> None:
        """Appends statements."""
        self.body.extend(statements)

    def require(self, statement: str) -> None:
        """Imports what an import statement imports, once.

        Args:
            statement: For example `import keras` or `from torch import nn`.

        Raises:
            ValueError: It is no import.
        """
        self.imports.add(_parse(statement))

    def require_from(self, module: str, *names: str) -> None:
        """Imports names from a module, once; a name may be `name as other`."""
        for name in names:
            self.require(f"from {module} import {name}")

    def prune_imports(self) -> None:
        """Drops the imported names that nothing in the module uses."""
        from dslc.emit.name_uses import used_names

        self.imports.keep(used_names(self.body))


def to_source(module: Module) -> str:
    """The module's source, formatted; it ends in a newline."""
    from dslc.emit.printer import print_module

    return print_module(module)


def helper_source(path: str | Path, name: str) -> tuple[str, tuple[str, ...]]:
    """The source of a function or class of a file, to be put into a module by `Raw`.

    Args:
        path: The file that holds the helper, tested where it stands.
        name: The helper's name at the top level of that file.

    Returns:
        Its source, after that of the other definitions that it uses, of the file or of files of
        helpers beside it; and the import statements that they need.

    Raises:
        KeyError: The file defines no such name.
    """
    tree, text = _read(str(path))
    nodes = {bound: node for node in tree.body for bound in _bound(node)}
    if name not in nodes or isinstance(nodes[name], (ast.Import, ast.ImportFrom)):
        raise KeyError(f"{path} defines no {name}")
    wanted: dict[str, ast.stmt] = {}
    pending = [name]
    while pending:
        current = pending.pop()
        if current in nodes and current not in wanted:
            wanted[current] = nodes[current]
            if not isinstance(nodes[current], (ast.Import, ast.ImportFrom)):
                pending.extend(sorted(names_below(nodes[current])))
    imports = Imports()
    sources: list[str] = []
    for bound, node in wanted.items():
        other = _sibling(path, node)
        if other is not None:
            source, statements = helper_source(other, bound)
            sources.append(source)
            for statement in statements:
                imports.add(ast.parse(statement).body[0])
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            imports.add(node, only=bound)
    kept = {id(node) for node in wanted.values()}
    chosen = [node for node in tree.body if id(node) in kept]
    defined = [node for node in chosen if not isinstance(node, (ast.Import, ast.ImportFrom))]
    sources += [_segment(text, node) for node in defined]
    return "\n\n\n".join(sources), tuple(imports.statements())


def _sibling(path: str | Path, node: ast.stmt) -> Path | None:
    """The file of helpers beside one from which a statement imports."""
    if not isinstance(node, ast.ImportFrom) or not node.module:
        return None
    package, _, name = node.module.rpartition(".")
    is_beside = package == Path(path).parent.name and name.startswith("helpers")
    return Path(path).with_name(f"{name}.py") if is_beside else None


def defined_names(path: str | Path) -> list[str]:
    """The names of the functions, classes and constants at the top level of a file."""
    kinds = (ast.Import, ast.ImportFrom)
    return [
        name
        for node in _read(str(path))[0].body
        if not isinstance(node, kinds)
        for name in _bound(node)
    ]


def bound_names(source: str) -> list[str]:
    """The names that the definitions of a source bind."""
    return [name for node in ast.parse(source).body for name in _bound(node)]


@cache
def _read(path: str) -> tuple[ast.Module, str]:
    text = Path(path).read_text(encoding="utf-8")
    return ast.parse(text), text


def _bound(node: ast.stmt) -> list[str]:
    """The names that a statement at the top level binds."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [alias.asname or alias.name.split(".")[0] for alias in node.names]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def names_below(node: ast.AST) -> set[str]:
    """The names that a piece of a tree uses."""
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _segment(text: str, node: ast.stmt) -> str:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
    return "\n".join(text.splitlines()[first - 1 : node.end_lineno])
