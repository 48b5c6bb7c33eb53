"""The parameters, attributes and methods of a helper's class that a module does not use."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, final

from dslc.emit.trim_flow import every_block, replace, tidy
from dslc.emit.trim_fold import Fold
from dslc.emit.trim_function import (
    configuration_of,
    cut_parameters,
    default_of,
    described,
    without_parameter,
)
from dslc.emit.trim_tree import (
    changed,
    constant,
    gone,
    is_changed,
    is_own,
    is_pure,
    live,
    names,
    pairs,
    walk,
    without_pair,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from dslc.emit.trim_uses import Uses

ENTRIES = ("forward", "__call__", "call")
"""The methods that a layer is called by."""
UNSEEN = ("training", "mask")
"""What Keras gives the `call` of a layer that has such a parameter."""
SHAPED = ("build", "compute_output_shape")
"""Those that are given the shape of each input, by its name."""
CALLED = (*ENTRIES, *SHAPED, "compute_output_spec", "get_config")


@final
class ClassTrimmer:
    """Cuts what is not used out of a class.

    Args:
        node: The class.
        loaded: The names that each function in it reads as it is written, by its `id`.
    """

    def __init__(self, node: ast.ClassDef, loaded: Mapping[int, frozenset[str]]) -> None:
        self.node = node
        self.loaded = loaded
        self.methods = {n.name: n for n in node.body if isinstance(n, ast.FunctionDef)}
        self.declared = {name for part in node.body for name in declared_names(part)}
        self.read = set(self.reads())
        self.known: dict[str, ast.expr] = {}

    def cut(self, uses: Uses) -> bool:
        """Cuts what is known to be unused; whether there was something."""
        if uses.values[self.node.name] or any(isinstance(b, ast.Name) for b in self.node.bases):
            return False
        made = self.constructor(uses)
        self.known |= made
        found = [*made, *self.entry(uses)]
        described(self.node, found)
        found += [name for method in self.methods.values() for name in self.own(method, uses)]
        attributes = self.attributes(uses)
        if found or attributes:
            self.configuration()
            self.unread(uses)
        return bool(found) or attributes

    def constructor(self, uses: Uses) -> dict[str, ast.expr]:
        """Cuts parameters of the constructor."""
        function = self.methods.get("__init__")
        if function is None:
            return {}
        calls = uses.calls.get(self.node.name, [])
        return cut_parameters(
            function,
            calls,
            self.loaded[id(function)],
            fixed=uses.fixed,
            bound=True,
            helpers=uses.outer,
            configured=self.configured(),
            needed=self.needed(),
        )

    def configured(self) -> list[str]:
        """The attributes that hold parameters by their names, read only for the configuration."""
        config = self.methods.get("get_config")
        inside = set(map(id, walk(config))) if config is not None else set[int]()
        found = dict.fromkeys(self.reads(), True)
        for node in walk(self.node):
            if isinstance(node, ast.Attribute) and is_own(node) and id(node) not in inside:
                found[node.attr] = found.get(node.attr, False) and not isinstance(
                    node.ctx, ast.Load
                )
        return [name for name, alone in found.items() if alone]

    def needed(self) -> list[str]:
        """The parameters that the class looks up by their names."""
        configured = self.configured()
        parts: list[ast.AST | None] = [configuration_of(n, configured) for n in walk(self.node)]
        parts.append(self.methods.get("get_config"))
        known = {id(node) for part in parts if part is not None for node in walk(part)}
        return [
            str(node.value)
            for node in walk(self.node)
            if isinstance(node, ast.Constant) and id(node) not in known
        ]

    def entry(self, uses: Uses) -> dict[str, ast.expr]:
        """Cuts inputs, and with them what a framework gives methods about them."""
        function = next((self.methods[name] for name in ENTRIES if name in self.methods), None)
        calls = uses.instances(self.node.name)
        if function is None or calls is None:
            return {}
        calls += uses.methods.get(function.name, [])
        loaded, name = self.loaded[id(function)], self.node.name
        fixed = uses.fixed | {id(call) for call in calls if not uses.is_of(call, name)}
        needed = UNSEEN if function.name == "call" else ()
        found = cut_parameters(function, calls, loaded, fixed=fixed, bound=True, needed=needed)
        for name in found:
            for method in SHAPED:
                self.drop(method, f"{name}_shape")
            self.drop("compute_output_spec", name)
        return found

    def drop(self, method: str, name: str) -> None:
        """Cuts a parameter of a method, if it has it."""
        function = self.methods.get(method)
        default = None if function is None else constant(default_of(function, name))
        if function is not None and default is not None:
            for block in every_block(function):
                for inner, place in live(block):
                    node = inner[place]
                    if isinstance(node, ast.Delete):
                        kept = [t for t in node.targets if getattr(t, "id", "") != name]
                        if len(kept) < len(node.targets):
                            node.targets = kept
                            inner[place] = changed(node) if kept else gone(node)
            if replace(function, name, default):
                without_parameter(function, name)
                tidy(function, self.loaded[id(function)] | {name})

    def own(self, method: ast.FunctionDef, uses: Uses) -> Collection[str]:
        """Cuts parameters of a method that only this class calls."""
        name = method.name
        if name in CALLED or name.startswith("__") or uses.attributes[name]:
            return []
        here = [call for call in self.calls() if getattr(call.func, "attr", "") == name]
        known = {id(call) for call in here}
        others = [call for call in uses.methods.get(name, []) if id(call) not in known]
        if any(not is_own(call.func) for call in others):
            return []
        cut = cut_parameters(method, here, self.loaded[id(method)], fixed=(), bound=True)
        described(method, cut)
        return cut

    def calls(self) -> list[ast.Call]:
        """The calls of methods of `self`."""
        return [n for n in walk(self.node) if isinstance(n, ast.Call) and is_own(n.func)]

    def reads(self) -> list[str]:
        """The attributes of `self` that the class reads."""
        found = [n for n in walk(self.node) if isinstance(n, ast.Attribute)]
        return [n.attr for n in found if isinstance(n.ctx, ast.Load) and is_own(n)]

    def attributes(self, uses: Uses) -> bool:
        """Puts attributes that have become literals where they are read; whether there was one."""
        known: dict[str, ast.expr] = {}
        present: set[str] = set()
        init = self.methods.get("__init__")
        for block, place in list(live(init.body)) if init is not None else []:
            for k, (target, value) in reversed(list(enumerate(pairs(block[place])))):
                literal = constant(value)
                if not is_changed(block[place]) or not self.is_free(target):
                    continue
                assert isinstance(target, ast.Attribute)
                if isinstance(value, ast.Call):
                    present.add(target.attr)
                elif literal is not None and not outside(uses, target.attr):
                    known[target.attr] = literal
                    block[place] = without_pair(block[place], k)
        if known or present:
            for method in self.methods.values():
                fold = Fold(attributes=known, present=frozenset(present))
                method.body = [fold.visit(part) for part in method.body]
                tidy(method, self.loaded[id(method)])
        return bool(known)

    def is_free(self, target: ast.expr) -> bool:
        """Whether an attribute is this class's alone and bound once."""
        if not isinstance(target, ast.Attribute) or not is_own(target):
            return False
        stores = [
            node
            for node in walk(self.node)
            if isinstance(node, ast.Attribute) and node.attr == target.attr and is_own(node)
        ]
        stores = [node for node in stores if not isinstance(node.ctx, ast.Load)]
        return len(stores) == 1 and target.attr not in self.declared

    def unread(self, uses: Uses) -> None:
        """Leaves out attributes that nothing reads any more."""
        left = self.read - set(self.reads()) - self.declared
        left = {name for name in left if not outside(uses, name)}
        for name, method in list(self.methods.items()):
            for block in every_block(method):
                drop_attributes(block, left)
            tidy(method, self.loaded[id(method)])
            if name in left:
                self.node.body[self.node.body.index(method)] = gone(method)
                del self.methods[name]

    def configuration(self) -> None:
        """Takes parameters that are cut from the dictionaries that name them."""
        config, configured = self.methods.get("get_config"), self.configured()
        for node in walk(self.node):
            without_entries(configuration_of(node, configured), self.known)
        if config is None:
            return
        for node in walk(config):
            without_entries(node, self.known)
        for block, place in list(live(config.body)):
            node = block[place]
            if isinstance(node, ast.AugAssign) and is_empty(node.value):
                block[place] = gone(node)
        tidy(config, self.loaded[id(config)])
        if says_nothing(config):
            place = self.node.body.index(config)
            self.node.body[place] = gone(config)
            del self.methods["get_config"]


def outside(uses: Uses, name: str) -> bool:
    """Whether something reads an attribute of this name that is not its own."""
    return bool(uses.foreign[name])


def without_entries(node: ast.AST | None, cut: Collection[str]) -> None:
    """Takes the entries of names from a dictionary, if it is one."""
    if not isinstance(node, ast.Dict):
        return
    entries = list(zip(node.keys, node.values, strict=True))
    kept = [
        (key, value)
        for key, value in entries
        if not (isinstance(key, ast.Constant) and key.value in cut)
        and not (key is None and is_empty(value))
    ]
    if len(kept) < len(entries):
        node.keys, node.values = [key for key, _ in kept], [value for _, value in kept]
        changed(node)


def is_empty(node: ast.expr) -> bool:
    """Whether something is an empty dictionary."""
    return isinstance(node, ast.Dict) and not node.keys


def says_nothing(config: ast.FunctionDef) -> bool:
    """Whether a configuration is the base class's."""
    found = [block[place] for block, place in live(config.body)]
    if len(found) != 1 or not isinstance(found[0], ast.Return):
        return False
    value = found[0].value
    return isinstance(value, ast.Dict) and value.keys == [None]


def declared_names(node: ast.stmt) -> list[str]:
    """The attributes that a statement of a class declares."""
    return names(node, stored=True) if isinstance(node, ast.Assign | ast.AnnAssign) else []


def drop_attributes(block: list[ast.stmt], left: set[str]) -> None:
    """Leaves out the assignments of a body to attributes of `self`."""
    for inner, place in list(live(block)):
        for k, (target, value) in reversed(list(enumerate(pairs(inner[place])))):
            is_left = isinstance(target, ast.Attribute) and is_own(target) and target.attr in left
            if is_left and is_pure(value):
                inner[place] = without_pair(inner[place], k)
