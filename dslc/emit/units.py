"""The module as a whole: its classes in order, its imports, its helpers."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, final

from dslc.emit.borders import Borders
from dslc.emit.borrowing import Borrowing
from dslc.emit.names import Names
from dslc.emit.owners import Owners
from dslc.emit.python import (
    Class,
    Function,
    Line,
    Module,
    Raw,
    bound_names,
    defined_names,
    helper_source,
    to_source,
)
from dslc.emit.trimming import trimmed
from dslc.ir.needs import needs_of

if TYPE_CHECKING:
    from dslc.emit.classes import ClassWriter
    from dslc.emit.formal import Formal
    from dslc.emit.python import Statement
    from dslc.emit.target import Target
    from dslc.ir.dims import DimLike
    from dslc.ir.graph import Module as GraphModule
    from dslc.ir.graph import Program


@final
class Unit:
    """A finished class: its name, and its writer, which knows the order of its arguments."""

    __slots__ = ("name", "writer")

    def __init__(self, name: str, writer: ClassWriter) -> None:
        self.name = name
        self.writer = writer


class ModuleWriter:
    """Collects the classes of a `model.py` with what they import and share."""

    def __init__(self, program: Program, target: Target, doc: str) -> None:
        self.program = program
        self.target = target
        self.module = Module(doc)
        for statement in target.imports:
            self.module.require(statement)
        self.names = Names([*imported_names(target.imports), *target.names])
        self.helper_files = {n: path for path in target.helper_files() for n in defined_names(path)}
        self.names.reserve(*self.helper_files)
        self.formals: list[Formal] = []
        self.class_names: dict[str, str] = {}
        self.helpers: dict[str, str] = {}
        self.constants: dict[str, str] = {}
        self.units: dict[str, Unit] = {}
        self.classes: list[Statement] = []
        self.needs = needs_of(program, closed=target.closed)
        self.borrowing = Borrowing(program)
        self.owners = Owners(program, ())
        self.borders = Borders(target)
        self.flattened: dict[tuple[str, int], tuple[DimLike, ...]] = {}

    def name_class(self, module: GraphModule) -> None:
        """Gives a block or model its class's name: its own, unless something else here has it."""
        name, kind = module.name, "Model" if module.is_model else "Block"
        wanted = name if self.names.is_free(name) else f"{name}{kind}"
        self.class_names[name] = self.names.fresh(wanted)

    def helper(self, name: str) -> str:
        """Puts a helper into the module once and gives its name."""
        if name not in self.helpers:
            source, imports = helper_source(self.helper_files[name], name)
            for statement in imports:
                self.module.require(statement)
            self.helpers[name] = self.seeded(source)
        return name

    def seeded(self, source: str) -> str:
        """A helper's source with layers that draw the same bits in every framework, if they have to."""
        if self.program.deterministic:
            for native, ours in self.target.seeded.items():
                if native in source:
                    self.helper(ours)
                    source = source.replace(native, ours)
        return source

    def require(self, statement: str) -> None:
        """Imports something."""
        self.module.require(statement)

    def share(self, other: ModuleWriter, home: str) -> None:
        """Takes from another module, imported from `home`, what would stand there and here."""
        self.module.imports.local.add(home)
        known = {one.name: one for one in other.classes if isinstance(one, Class | Function)}
        kept: list[Statement] = []
        for one in self.classes:
            same = known.get(one.name) if isinstance(one, Class | Function) else None
            if same is not None and to_source(Module("", [one])) == to_source(Module("", [same])):
                self.require(f"from {home} import {same.name}")
            else:
                kept.append(one)
        self.classes = kept
        theirs = set(other.parts)
        for part in self.parts:
            if part in theirs:
                self.module.require_from(home, *bound_names(part))
        self.parts = [part for part in self.parts if part not in theirs]

    def source(self) -> str:
        """The source of the whole module."""
        return self.text

    @cached_property
    def parts(self) -> list[str]:
        """The helpers, each once, with what the module uses of them."""
        found: dict[str, None] = {}
        for source in self.helpers.values():
            found.update(dict.fromkeys(source.split("\n\n\n")))
        made = trimmed(list(found), to_source(Module("", self.body()))) if found else []
        return [part for part in dict.fromkeys(made) if part]

    def body(self) -> list[Statement]:
        """What stands behind the helpers."""
        constants = [Line(f"{name} = {code}") for name, code in self.constants.items()]
        return [*constants, *self.classes]

    @cached_property
    def text(self) -> str:
        """The module printed, once: its parts are put together for that."""
        self.module.add(*(Raw(part) for part in self.parts), *self.body())
        self.module.prune_imports()
        return to_source(self.module)


def imported_names(statements: tuple[str, ...]) -> list[str]:
    """The names that import statements bind."""
    found: list[str] = []
    for statement in statements:
        names = statement.split(" import ")[-1].removeprefix("import ")
        found.extend(name.split(" as ")[-1].strip().split(".")[0] for name in names.split(","))
    return found
