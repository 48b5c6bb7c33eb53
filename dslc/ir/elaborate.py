"""A whole spec: from the tree to a `Program` of modules.

Everything that can be said without sizes is said here: keys, names, references, attributes' names,
params, the cycle of blocks. Sizes come afterwards, in `dslc.passes.instantiate`.
"""

from __future__ import annotations

from dslc.diagnostics import mend, nearest
from dslc.ir.defaults import constants, read_each_other
from dslc.ir.graph import MODULE, Input, Module, Program, Ref
from dslc.ir.models import MODEL_KEYS, ModelsReader, fresh, held, model_signature, only_blocks
from dslc.ir.opened import Opened
from dslc.ir.operations import Signature
from dslc.ir.params import ParamReader
from dslc.ir.reading import STEPS_ELSEWHERE, camel, home_of, is_camel, is_nothing, misspelt_imports
from dslc.ir.scope import Scope
from dslc.ir.steps import StepReader
from dslc.ir.walk import called_by
from dslc.ops import all_ops, find
from dslc.syntax.tree import Mapping, Scalar, Sequence
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping as ReadOnly

    from dslc.diagnostics import Report
    from dslc.ir.graph import Initialiser, Param
    from dslc.ir.imported_names import Unit
    from dslc.ir.imports import Imports, SourceLoader
    from dslc.limits import Limits
    from dslc.source import Source, Span
    from dslc.syntax.expressions import Expr
    from dslc.syntax.tree import Node

LANGUAGE_VERSION = 1
TOP = ("dslc", "name", "doc", "imports", "ops", "params", "defaults", "inputs", "where")
TOP_KEYS = (*TOP, "blocks", "steps", "outputs", "models", "main", "train", "weights")
BLOCK_KEYS = ("doc", "params", "inputs", "where", "steps", "outputs")


class Elaborator:
    """Builds one spec's program; errors go to the report and the rest is read on.

    Args:
        source: The file.
        report: Takes the errors.
        overrides: Values of params, from `--set`; None in an imported file, where calls give them.
        imports: Every file that is reached, where the file may import some.
    """

    def __init__(
        self,
        source: Source,
        report: Report,
        overrides: ReadOnly[str, Node] | None,
        imports: Imports | None,
    ) -> None:
        self.source = source
        self.report = report
        self.overrides = overrides
        self.imports = imports
        self.units: dict[str, Unit | None] = {}
        self.reader = ParamReader(report, self.units)
        self.params: tuple[Param, ...] = ()
        self.values: dict[str, object] = {}
        self.signatures: dict[str, Signature] = {}
        self.defaults: dict[str, tuple[dict[str, Expr], dict[str, Initialiser]]] = {}
        self.broken: set[str] = set()
        self.meant: set[tuple[int, str | None]] = set()
        self.opened: dict[str, Opened] = {}

    def program(self, root: Node) -> Program | None:
        """The program, or None where the file is no spec at all."""
        if not isinstance(root, Mapping):
            help = "begin with `dslc: 1` and `name: MyNet`"
            self.report.error("E0610", root.span, "a spec is a mapping", help=help)
            return None
        self.unknown_keys(root, TOP_KEYS, "a spec")
        name = self.heading(root)
        self.read_imports(root)
        self.params = self.reader.params(root.get("params"), ())
        self.values = self.reader.values(self.params, self.overrides, root.span)
        blocks = self.reader.mapping(root.get("blocks"), "`blocks`")
        entries = blocks.entries if blocks else []
        params = self.signatures_of(entries)
        models = ModelsReader(self.reader, root)
        several = None
        if root.key("models") is not None or (self.overrides is None and only_blocks(root)):
            several = models.entries({key.text: key.span for key, _ in entries})
            self.signatures |= {key.text: model_signature(node) for key, node in several}
        self.read_defaults(self.reader.mapping(root.get("defaults"), "`defaults`"))
        modules = {
            key.text: self.block(key, value, params[key.text])
            for key, value in entries
            if key.text in params and isinstance(value, Mapping)
        }
        if several is None:
            modules[name] = self.model(name, root)
        else:
            modules |= {key.text: self.one_of_several(key, node) for key, node in several}
        names = (name,) if several is None else tuple(key.text for key, _ in several)
        self.refuse_cycles(modules)
        main = name if several is None else self.hold(name, names, modules, root)
        program = Program(
            name=name,
            doc=modules[main].doc,
            params=self.params,
            values=self.values,
            modules=modules,
            main=main,
            train=root.get("train"),
            weights=root.get("weights"),
            path=self.source.path,
            text=self.source.text,
            defaults=self.defaults,
            opened=self.opened,
            models=names,
            chosen=models.chosen(() if several is None else names),
            units=self.units,
        )
        return self.with_imported(program)

    def hold(
        self, name: str, models: tuple[str, ...], modules: dict[str, Module], root: Mapping
    ) -> str:
        """Adds the module that holds several models; gives its name."""
        main = name if name not in modules else fresh(f"{name}Models", modules)
        found = [modules[model] for model in models]
        modules[main] = held(main, self.doc(root), found, root.span)
        return main

    def read_imports(self, root: Mapping) -> None:
        """The specs that the file imports, and what it sees of their blocks."""
        self.units |= misspelt_imports(root, TOP_KEYS)
        if self.imports is None:
            return
        self.units |= self.imports.read(root, self.source, self.report)
        for prefix, unit in self.units.items():
            for name, signature in unit.signatures.items() if unit is not None else ():
                self.signatures[f"{prefix}.{name}"] = signature

    def with_imported(self, program: Program) -> Program:
        """The program with the files that it reaches, and the modules that it imports."""
        if self.imports is not None:
            imports, op_files = map(tuple, (self.imports.found, self.imports.op_files))
            program = program.replace(imports=imports, op_files=op_files)
        if not self.units:
            return program
        from dslc.ir.linking import linked, resolved

        program = resolved(program, self.units)
        return program if self.overrides is None else linked(program, self.report)

    def unknown_keys(self, fields: Mapping, known: tuple[str, ...], where: str) -> None:
        """Reports keys that nothing reads; what they were meant to be is then not missing."""
        free = tuple(name for name in known if fields.key(name) is None)
        for key, _ in fields.entries:
            if key.text not in known:
                self.reader.unknown_key(key, known, where, free)
                self.meant.add((id(fields), nearest(key.text, known)))
                if key.text in STEPS_ELSEWHERE:
                    self.meant.add((id(fields), "steps"))

    def lacks(self, fields: Mapping, key: str) -> bool:
        """Whether a key is missing, and not just misspelt."""
        return fields.key(key) is None and (id(fields), key) not in self.meant

    def is_bare(self, fields: Mapping, key: str) -> bool:
        """Whether a key says nothing, or is missing and not just misspelt."""
        given = fields.key(key) is not None
        return is_nothing(fields.get(key)) and (given or self.lacks(fields, key))

    def heading(self, root: Mapping) -> str:
        """`dslc: 1` and the name."""
        version = root.get("dslc")
        if version is None and self.lacks(root, "dslc"):
            help = "write `dslc: 1` as the first line"
            self.report.error("E0611", root.span, "the language's version is missing", help=help)
        elif version is not None and not (
            isinstance(version, Scalar) and version.value == LANGUAGE_VERSION
        ):
            message = "this dslc reads version 1 of the language"
            self.report.error("E0611", version.span, message, help="write `dslc: 1`")
        name = root.get("name")
        if name is None:
            if not self.lacks(root, "name"):
                return "Net"
            help = "write `name: MyNet`: the class that it becomes"
            self.report.error("E0612", root.span, "the spec has no name", help=help)
        elif not isinstance(name, Scalar) or not is_camel(name.text):
            message = "a spec's name is in CamelCase, as the class that it becomes"
            good = camel(name.text) if isinstance(name, Scalar) and name.plain else None
            help, fix = f"write `name: {good}`" if good else None, mend(name.span, "", good)
            self.report.error("E0612", name.span, message, help=help, fix=fix)
        else:
            return name.text
        return "Net"

    def signatures_of(self, entries: list[tuple[Scalar, Node]]) -> dict[str, tuple[Param, ...]]:
        """The params of every block, after telling callers what each takes."""
        found: dict[str, tuple[Param, ...]] = {}
        for key, value in entries:
            block = self.reader.block(key, value)
            if block is None:
                self.broken.add(key.text)
                continue
            params = self.reader.params(block.get("params"), tuple(p.name for p in self.params))
            inputs = self.reader.mapping(block.get("inputs"), "`inputs`")
            found[key.text] = params
            self.signatures[key.text] = Signature(
                tuple(param.name for param in params),
                tuple(param.name for param in params if param.default is None),
                tuple(param.name for param in params if param.kind == "str"),
                tuple(entry.text for entry, _ in inputs.entries) if inputs else ("x",),
                whole=params if read_each_other(params) else (),
                taken=frozenset(param.name for param in params),
            )
        return found

    def read_defaults(self, fields: Mapping | None) -> None:
        """`defaults`: attributes and initialisers by op."""
        scope = Scope(None, (param.name for param in self.params))
        reader = StepReader(self.report, self.signatures, {}, self.units)
        for key, value in fields.entries if fields else ():
            op = find(key.text)
            if op is None:
                close = nearest(key.text, all_ops())
                help = f"did you mean `{close}`?" if close else "`dslc ops` lists the ops"
                message, fix = f"no op is called `{key.text}`", mend(key.span, key.text, close)
                self.report.error("E0501", key.span, message, help=help, fix=fix)
                continue
            if (given := self.reader.mapping(value, f"the defaults of `{key.text}`")) is None:
                continue
            rest = Mapping([(k, v) for k, v in given.entries if k.text != "init"], given.span)
            attributes = reader.named_attributes(op, rest, scope) or {}
            initialisers = reader.initialisers(given.get("init"), scope, is_default=True)
            self.defaults[op.name] = attributes, initialisers

    def block(self, key: Scalar, node: Mapping, params: tuple[Param, ...]) -> Module:
        """One block."""
        self.unknown_keys(node, BLOCK_KEYS, f"the block `{key.text}`")
        return self.module(key.text, node, params, key.span, is_model=False)

    def model(self, name: str, root: Mapping) -> Module:
        """The model that the spec itself is."""
        if self.is_bare(root, "inputs"):
            help = 'write `inputs: {x: "f32[N, 10]"}`'
            help = "blocks alone are for other specs to import" if only_blocks(root) else help
            self.report.error("E0615", root.span, "the spec has no inputs", help=help)
        return self.module(name, root, (), (root.key("steps") or root).span, is_model=True)

    def one_of_several(self, key: Scalar, node: Mapping) -> Module:
        """One of the models of a spec that has several."""
        what = f"the model `{key.text}`"
        self.unknown_keys(node, MODEL_KEYS, what)
        if self.is_bare(node, "inputs"):
            help = 'write `inputs: {x: "f32[N, 10]"}` there'
            self.report.error("E0615", key.span, f"{what} has no inputs", help=help)
        found = self.module(key.text, node, (), key.span, is_model=True)
        return found.replace(home=home_of(key.text))

    def doc(self, node: Mapping) -> str | None:
        """The text under `doc`."""
        found = node.get("doc")
        return None if found is None else self.reader.text(found, "`doc`")

    def module(
        self, name: str, node: Mapping, params: tuple[Param, ...], span: Span, *, is_model: bool
    ) -> Module:
        """A block's or model's inputs, steps and outputs."""
        reader = StepReader(self.report, self.signatures, self.defaults, self.units)
        reader.broken = self.broken
        reader.constants = None if self.overrides is None else self.values
        scope = Scope(None, [param.name for param in self.params])
        if not is_model:  # a block's names may be those of the file's params
            scope = Scope(scope, [param.name for param in params])
        inputs = self.inputs(node, reader, scope, span)
        steps = reader.items(node.get("steps"), "`steps`")
        if not steps and (self.is_bare(node, "steps") or isinstance(node.get("steps"), Sequence)):
            kind = "model" if is_model else "block"
            what = "the spec" if name not in self.signatures else f"the {kind} `{name}`"
            help = "list the ops under `steps:`, each behind `- `"
            self.report.error("E0614", span, f"{what} has no steps", help=help)
        first = inputs[0] if inputs else None
        start = Ref(MODULE, first.name if first else "x", first.span if first else span)
        reader.without_input = set() if first or is_model else {start.key}
        body = reader.body(steps, scope, start)
        where = [reader.expression(item) for item in reader.items(node.get("where"), "`where`")]
        outputs = self.outputs(node.get("outputs"), reader, scope, body.result, is_model)
        if is_model:
            self.opened[name] = Opened(reader, scope, body)
        return Module(
            name=name,
            doc=self.doc(node),
            params=self.with_defaults(params),
            inputs=inputs,
            where=tuple(fact for fact in where if fact is not None),
            body=reader.finished(body),
            outputs=outputs,
            is_model=is_model,
            span=span,
            home="" if is_model else None,
        )

    def with_defaults(self, params: tuple[Param, ...]) -> tuple[Param, ...]:
        """A block's params; defaults that read each other are constants, and calls say the rest."""
        is_alone = self.overrides is not None and read_each_other(params)
        return constants(params, self.values) if is_alone else params

    def inputs(
        self, node: Mapping, reader: StepReader, scope: Scope, span: Span
    ) -> tuple[Input, ...]:
        """The declared inputs; a block without any has one of any type, called `x`."""
        fields = reader.mapping(node.get("inputs"), "`inputs`")
        if fields is None:
            scope.values["x"] = Ref(MODULE, "x", span)
            return (Input("x", None, span),)
        found: list[Input] = []
        for key, value in fields.entries:
            name = reader.step_name(key)
            found.append(Input(key.text, reader.type(value), key.span))
            if name is not None and key.text in scope.names:
                message = f"`{key.text}` is a param already"
                self.report.error("E0403", key.span, message)
            scope.values[key.text] = Ref(MODULE, key.text, key.span)
            scope.spans[key.text] = key.span
        return tuple(found)

    def outputs(
        self, node: Node | None, reader: StepReader, scope: Scope, result: Ref, is_model: bool
    ) -> tuple[tuple[str, Ref], ...]:
        """The outputs by name: a model's are what it says, a block's come after its value."""
        fields = reader.mapping(node, "`outputs`")
        if fields is None:
            return (("output" if is_model else "", result),)
        if is_model and not fields.entries:
            help = "name a value, `outputs: {y: step}`, or take `outputs` out: the last step's"
            self.report.error("E0634", fields.span, "this model has no outputs", help=help)
        found: list[tuple[str, Ref]] = [] if is_model else [("", result)]
        for key, value in fields.entries:
            reader.step_name(key)
            ref = reader.reference(value, scope)
            if ref is not None:
                found.append((key.text, ref))
        return tuple(found)

    def refuse_cycles(self, modules: dict[str, Module]) -> None:
        """Reports a block or model that calls itself, straight or through others, once."""
        done: set[str] = set()

        def visit(name: str, chain: tuple[str, ...]) -> None:
            path = (*chain, name)
            for step, other in called_by(modules[name]):
                if other in path:
                    self.refuse_cycle(modules, path[path.index(other) :], step.span)
                    done.update(path)
                elif other in modules and other not in done:
                    visit(other, path)
            done.add(name)

        for name in modules:
            if name not in done:
                visit(name, ())

    def refuse_cycle(self, modules: dict[str, Module], cycle: tuple[str, ...], span: Span) -> None:
        """Reports modules that hold each other."""
        kinds = sorted({modules[name].is_model for name in cycle})
        what = " and ".join("models" if kind else "blocks" for kind in kinds)
        shown = " → ".join((*cycle, cycle[0]))
        message = f"{what} call each other without end: {shown}"
        kind = "model" if modules[cycle[0]].is_model else "block"
        help = f"take one call out: a {kind} can't hold itself"
        self.report.error("E0407", span, message, help=help)


def elaborate(
    source: Source,
    root: Node,
    report: Report,
    overrides: ReadOnly[str, Node],
    loader: SourceLoader | None,
    limits: Limits,
) -> Program | None:
    """The program of a spec.

    Args:
        source: The spec.
        root: What was read from it.
        report: Takes what is wrong.
        overrides: Values of params by name, from `--set`.
        loader: Reads what the spec imports; without it, an import is an error.
        limits: Bounds what is imported.
    """
    imports = None
    if isinstance(root, Mapping) and ("imports" in root or "ops" in root):
        from dslc.ir.imports import Imports

        imports = Imports(source, loader, limits)
    return Elaborator(source, report, overrides, imports).program(root)
