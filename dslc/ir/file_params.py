"""An imported file's params as params of its blocks, so that each call may set them.

A file's params have one value in the spec that is compiled, and as many as there are calls in one
that is imported. So a block of an imported file takes the params of its file that it reads, or that
a block reads that it calls, and passes them on. Passes and backends see plain params of blocks.
"""

from __future__ import annotations

from dslc.ir.defaults import completed, constants
from dslc.ir.graph import CallModule
from dslc.ir.imported_names import Unit, identifier
from dslc.ir.operations import Signature
from dslc.ir.reads import Reads
from dslc.ir.walk import with_actions
from dslc.syntax.expressions import Name, free_names, substitute
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dslc.diagnostics import Report
    from dslc.ir.graph import Action, Module, Param, Program
    from dslc.syntax.expressions import Expr


def unit_of(program: Program, report: Report) -> Unit:
    """An elaborated file as others import it."""
    return _Hoist(program, report).unit()


class _Hoist:
    """Makes the modules of one file stand alone; `files` are the file's params by name."""

    def __init__(self, program: Program, report: Report) -> None:
        self.program = program
        self.report = report
        modules = dict(program.modules)
        if program.has_several:
            del modules[program.main]  # it only holds the models
        self.own = {name: m for name, m in modules.items() if m.span.file == program.path}
        self.others = {name: m for name, m in modules.items() if name not in self.own}
        self.reads = {name: Reads(module) for name, module in self.own.items()}
        self.files = {param.name: param for param in program.params}
        self.needs: dict[str, tuple[str, ...]] = {}

    def unit(self) -> Unit:
        """The file's modules under their identifiers, and what a caller sees of its blocks."""
        path = self.program.path
        modules = {identifier(path, name): self.hoisted(m) for name, m in self.own.items()}
        return Unit(
            path,
            self.program.params,
            self.program.values,
            {**self.others, **modules},
            {name: self.signature(module) for name, module in self.own.items()},
        )

    def needed(self, module: Module) -> tuple[str, ...]:
        """The file's params that a module must be given, in the order of the file."""
        if module.name not in self.needs:
            self.needs[module.name] = ()  # blocks that call each other have been reported
            reads = self.reads[module.name]
            found = reads.names - reads.params
            for action, _ in reads.calls:
                if action.module in self.own:
                    found |= self.needed_by(action)
            self.needs[module.name] = tuple(name for name in self.files if name in found)
        return self.needs[module.name]

    def needed_by(self, action: CallModule) -> set[str]:
        """The file's params that a call inside the file passes on."""
        callee = self.own[action.module]
        found = {*self.needed(callee)}
        known: set[str] = set()
        for param in callee.params:
            if param.name not in action.arguments and param.default is not None:
                found |= free_names(param.default) - known
            known.add(param.name)
        return found

    def local(self, module: Module, name: str) -> str:
        """What a file's param is called in a module: its own name, unless that is another's there."""
        reads = self.reads[module.name]
        taken = reads.params | (reads.loops - reads.names)
        while name in taken:
            name = f"file_{name}"
        return name

    def hoisted(self, module: Module) -> Module:
        """A module under its identifier, with the file's params that it needs as its own."""
        self.refuse_hidden(module)

        def rewrite(action: Action) -> Action:
            return self.call(module, action) if isinstance(action, CallModule) else action

        params = [*constants(module.params, self.program.values)]
        files = {param.name: param for param in constants(self.program.params, {})}
        for name in self.needed(module):
            params.append(files[name].replace(name=self.local(module, name)))
        module = module.replace(
            name=identifier(self.program.path, module.name),
            params=tuple(params),
            body=with_actions(module.body, rewrite),
        )
        return called(module) if module.is_model else module

    def call(self, module: Module, action: CallModule) -> CallModule:
        """A call; inside this file it passes on what the callee needs of the file's params."""
        callee = self.own.get(action.module)
        if callee is None:
            return action
        names = {name: self.local(module, name) for name in self.needed(module)}
        known = {name: Name(word, callee.span) for name, word in names.items()}
        arguments = completed(action.arguments, callee.params, known)
        for name in self.needed(callee):
            arguments[self.local(callee, name)] = known[name]
        return CallModule(identifier(self.program.path, callee.name), arguments)

    def refuse_hidden(self, module: Module) -> None:
        """Reports an index that hides a param of the file from a block that is called there."""
        reads = self.reads[module.name]
        for action, loops in reads.calls:
            hidden = loops & reads.names & self.files.keys()
            for name in sorted(
                hidden & self.needed_by(action) if action.module in self.own else ()
            ):
                message = f"`{name}` is a param of the file, which `{action.module}` reads, and an "
                message += f"index around its call in `{module.name}`"
                help = "give the index another name"
                self.report.error("E1009", module.span, message, help=help)

    def signature(self, module: Module) -> Signature:
        """What the importing file sees of a block: its params, and those of its file."""
        own = module.params
        names = {name: self.local(module, name) for name in self.files}
        reads = {*self.needed(module)}
        reads |= {name for param in own for name in names_of(param.default)} & self.files.keys()
        settable = [
            param
            for param in self.with_sources(reads)
            if param.name not in {param.name for param in own}
        ]
        params = (*own, *settable)
        return Signature(
            tuple(param.name for param in params),
            tuple(param.name for param in params if param.default is None),
            tuple(param.name for param in params if param.kind == "str"),
            tuple(item.name for item in module.inputs),
            whole=tuple(self.renamed(module, names)),
            taken=frozenset(
                (*(param.name for param in own), *(names[n] for n in self.needed(module)))
            ),
            value=module.outputs[0][0] if module.is_model and module.outputs else None,
            unread=tuple(name for name in self.files if name not in {p.name for p in params}),
        )

    def with_sources(self, names: set[str]) -> list[Param]:
        """The file's params of some names, and those that their defaults are made of."""
        found: list[Param] = []
        wanted = set(names)
        for param in reversed(self.program.params):
            if param.name in wanted:
                found.append(param)
                wanted |= names_of(param.default)
        return found[::-1]

    def renamed(self, module: Module, names: Mapping[str, str]) -> Iterator[Param]:
        """The file's params under their names in a module, then its own, with their defaults."""
        known = {name: Name(word, module.span) for name, word in names.items()}
        for param in self.program.params:
            default = param.default and substitute(param.default, known)
            yield param.replace(name=names[param.name], default=default)
        for param in module.params:
            default = param.default and substitute(param.default, known)
            yield param.replace(default=default)
            known.pop(param.name, None)


def called(model: Module) -> Module:
    """A model as the block that it is to those that import it; its value is its first output."""
    first = model.outputs[0][1] if model.outputs else model.body.result
    return model.replace(
        outputs=(("", first), *model.outputs[1:]),
        body=model.body.replace(result=first),
        is_model=False,
        home=None,
        once=True,
    )


def names_of(expression: Expr | None) -> frozenset[str]:
    """The names in an expression, where there is one."""
    return frozenset() if expression is None else free_names(expression)
