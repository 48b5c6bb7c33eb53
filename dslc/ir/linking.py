"""The modules of all files under names that no two share: what makes one program of several files.

Only what the main file reaches is kept. A block keeps its plain name unless two files have a block
of that name; then the one that is imported bears its import's name in front: `ResBottleneck`.
"""

from __future__ import annotations

from dslc.ir.graph import CallModule, Program
from dslc.ir.imported_names import identifier
from dslc.ir.single_sets import with_single_sets
from dslc.ir.walk import actions, with_actions
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dslc.diagnostics import Report
    from dslc.ir.graph import Action, Module
    from dslc.ir.imported_names import Units


def resolved(program: Program, units: Units) -> Program:
    """A file's program in which calls of imported blocks bear their identifiers, with these."""
    calls = {
        f"{prefix}.{name}": identifier(unit.path, name)
        for prefix, unit in units.items()
        if unit is not None
        for name in unit.signatures
    }
    modules: dict[str, Module] = {}
    for unit in units.values():
        modules |= unit.modules if unit is not None else {}
    own = {name: renamed(module, calls) for name, module in program.modules.items()}
    return program.replace(modules={**modules, **own})


def linked(program: Program, report: Report) -> Program:
    """The main file's program with plain names for the imported modules that it reaches."""
    own = {name for name, m in program.modules.items() if m.span.file == program.path}
    calls = calls_in_training(program)
    reached = reached_from(program, own | set(calls.values()))
    kept = {name: m for name, m in program.modules.items() if name in reached}
    kept = dict(with_single_sets(program.replace(modules=kept), report).modules)
    names = chosen_names(program, [name for name in kept if name not in own], own)
    modules = [
        renamed(module, names).replace(name=names.get(name, name)) for name, module in kept.items()
    ]
    imported = tuple((word, names[module]) for word, module in calls.items() if module in names)
    return program.replace(modules={module.name: module for module in modules}, imported=imported)


def calls_in_training(program: Program) -> dict[str, str]:
    """What the `train` section calls of imported files: identifiers of modules by their words."""
    if program.train is None:
        return {}
    from dslc.ir.imports import texts

    words: set[str] = {text for text in texts(program.train) if "." in text}  # pyright: ignore[reportArgumentType]
    return {
        word: identifier(unit.path, name)
        for prefix, unit in (program.units or {}).items()
        if unit is not None
        for name in unit.signatures
        if (word := f"{prefix}.{name}") in words
    }


def renamed(module: Module, names: Mapping[str, str]) -> Module:
    """A module whose calls bear other names."""

    def change(action: Action) -> Action:
        if isinstance(action, CallModule) and action.module in names:
            return CallModule(names[action.module], action.arguments)
        return action

    return module.replace(body=with_actions(module.body, change))


def reached_from(program: Program, own: set[str]) -> set[str]:
    """The main file's modules and all that they call."""
    reached: set[str] = set()
    waiting = [*own]
    while waiting:
        name = waiting.pop()
        if name not in reached and name in program.modules:
            reached.add(name)
            calls = (action for _, action in actions(program.modules[name].body))
            waiting += [action.module for action in calls if isinstance(action, CallModule)]
    return reached


def chosen_names(program: Program, imported: list[str], own: set[str]) -> dict[str, str]:
    """A name for each imported module by its identifier."""
    prefixes: dict[str, str] = {}
    for item in program.imports:
        prefixes.setdefault(item.source.path, item.name)
    plain = [name.rpartition(":")[2] for name in imported]
    taken = {*own, *(name for name in plain if plain.count(name) == 1)}
    names: dict[str, str] = {}
    for name, word in zip(imported, plain, strict=True):
        if plain.count(word) == 1 and word not in own:
            names[name] = word
            continue
        prefix = camel(prefixes[name.rpartition(":")[0]])
        names[name] = fresh(f"{prefix}{word}", taken)
        taken.add(names[name])
    return names


def fresh(name: str, taken: set[str]) -> str:
    """A name that is free, with a number behind it where it is not."""
    number, candidate = 2, name
    while candidate in taken:
        candidate, number = f"{name}{number}", number + 1
    return candidate


def camel(name: str) -> str:
    """A name in snake_case in CamelCase."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))
