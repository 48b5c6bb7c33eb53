"""Layers that several steps or rounds of a function call, or read weights of: kept in variables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.backend import BuildError
from dslc.emit.classes import ClassWriter
from dslc.emit.flattening import all_formal
from dslc.emit.functions_names import PathText
from dslc.emit.functions_ties import ANY
from dslc.emit.loops import plural
from dslc.emit.python import Line
from dslc.ir.owners import path_text, tie_path
from dslc.syntax.expressions import Expr

if TYPE_CHECKING:
    from dslc.emit.formal import FormalStep
    from dslc.emit.functions import FunctionModule
    from dslc.emit.functions_body import FunctionBody
    from dslc.emit.functions_target import FunctionTarget
    from dslc.emit.functions_ties import Held
    from dslc.ir.graph import Step, Tie
    from dslc.ir.owners import Owner, Part


class LayerWriter(ClassWriter):
    """Keeps the layers of one function; a subclass writes it.

    Attributes:
        kept: By step, the variable of its layer.
        lists: By step in a loop, the list of its layers.
    """

    functions: FunctionModule
    functions_target: FunctionTarget
    function_body: FunctionBody
    kept: dict[int, str]
    lists: dict[int, str]

    def reused(self) -> set[int]:
        """The steps that another one runs again."""
        return {found.reused for found in all_formal(self.formal.steps) if found.reused is not None}

    def lent(self) -> set[int]:
        """The steps whose weights others read."""
        return self.functions.ties.lent[self.formal.module.name]

    def kept_layers(self) -> set[int]:
        """The steps whose layers are kept in variables, since several steps or rounds call them."""
        shared = {
            found.step.id
            for found in all_formal(self.formal.steps)
            if found.step.repeat is not None and found.step.repeat.share
        }
        return shared | self.reused() | self.lent()

    def keep(self, found: FormalStep, constructor: str) -> str:
        """Puts a layer into a variable, and into the list of those of all rounds; gives it."""
        body, step = self.function_body, found.step
        shares = step.repeat is not None and step.repeat.share
        if step.id in self.kept and shares:
            return self.kept[step.id]
        variable = self.kept[step.id] = body.layer_variable(step.label)
        place = (
            body.loops.before[-1] if shares else body.layer_place(is_lent=step.id in self.lent())
        )
        place.append(Line(f"{variable} = {constructor}"))
        if step.id in self.functions.ties.listed[self.formal.module.name]:
            place.append(Line(self.listed(step, variable)))
        return variable

    def listed(self, step: Step, variable: str) -> str:
        """The statement that puts a round's layer into the list of all, by its numbers if several."""
        body = self.function_body
        name = self.lists[step.id] = body.layer_variable(plural(step.label))
        is_numbered = self.functions.ties.places[self.formal.module.name][step.id].is_numbered
        body.list_place().append(Line(f"{name} = {'{}' if is_numbered else '[]'}"))
        if is_numbered:
            return f"{name}[{', '.join(body.loops.indices)}] = {variable}"
        return f"{name}.append({variable})"

    def again(self, found: FormalStep) -> str:
        """The layer of a step above that runs again; in a loop, that of the same round."""
        owner, label = found.reused, found.step.label
        assert owner is not None
        repeats = found.step.repeat is not None and not found.step.repeat.share
        if owner in self.kept or owner in self.lists:
            text = self.lists[owner] if repeats else self.kept[owner]
        else:
            text = self.function_body.loan_text(label)
        if repeats:
            numbers = self.function_body.loops.indices
            around = self.functions.ties.around(self.formal.module.name, owner)
            text = f"{text}[{', '.join([*numbers[:around], numbers[-1]])}]"
        return self.here(found.step, text, owner)

    def here(self, step: Step, layer: str, owner: int | None, tie: Tie | None = None) -> str:
        """A layer as a step calls it, which may stand in another graph."""
        if self.functions.ties.is_elsewhere(self.formal.module.name, step, owner, tie):
            return self.functions_target.elsewhere(self, layer)
        return layer

    def layer_of(self, step: Step, tie: Tie, *words: str) -> str:
        """The layer that owns a weight; `words` lead below it where it is another model's."""
        module, ties = self.formal.module.name, self.functions.ties
        step, tie = ties.last(module, step, tie)
        if tie.model is not None:
            owner = self.owner(step, tie)
            start = PathText(self.functions_target.separator, (str(tie.path[0]), False))
            path = self.path_of(start, (*owner.path, *words))
            return self.found_in(self.body.models[tie.model], path, tie.model, owner.step)
        held = ties.find(module, step, tie)
        if held is not None:
            return self.held_text(held)
        loan = ties.ties[module, step.id, tie_path(tie)]
        text = self.function_body.loan_text(path_text(loan.path))
        numbers = ", ".join(self.index_of(part) for part in loan.held.indices)
        return f"{text}[{numbers}]" if loan.listed else text

    def held_text(self, held: Held, *, listed: bool = False) -> str:
        """A layer that this function has made, or the list of all rounds' of it."""
        step = held.place.step
        if listed:
            return self.all_in_round(held)
        text = self.kept[step.id]
        if held.indices:
            text = f"{self.lists[step.id]}[{self.numbers_of(held)}]"
        if not held.inner:
            return text
        numbers = iter(held.indices)
        outer = [next(numbers) if part == ANY else part for part in held.place.path]
        module = getattr(step.action, "module", "")
        path = self.path_of(self.function_body.root, (*outer, *held.inner))
        return self.found_in(text, path, module, held.owner)

    def all_in_round(self, held: Held) -> str:
        """The list of a step's layers, of the round of the loops around where some run around both."""
        found, around = self.lists[held.place.step.id], held.around
        if not around:
            return found
        numbers = "".join(f"{number}, " for number in self.function_body.loops.indices[:around])
        key = f"key[{around}]" if held.place.path.count(ANY) == around + 1 else f"key[{around}:]"
        rounds = f"for key, layer in {found}.items() if key[:{around}] == ({numbers})"
        return f"{{{key}: layer {rounds}}}"

    def numbers_of(self, held: Held) -> str:
        """The numbers that choose a round's layer: those of the loops around, and the tie's own."""
        around = self.function_body.loops.indices[: held.around]
        return ", ".join([*around, *(self.index_of(part) for part in held.indices)])

    def found_in(self, model: str, path: PathText, module: str, step: Step) -> str:
        """A layer of a model or a block that is one, found by its name; one with ties is inside another."""
        if self.functions.ties.is_direct(module, step) and not step.tie:
            return self.functions_target.layer_at(model, str(path))
        return self.functions_target.layer_inside(self, model, str(path))

    def path_of(self, start: PathText, parts: tuple[Part, ...]) -> PathText:
        """A path with parts below it."""
        for part in parts:
            start = (
                start.word(part) if isinstance(part, str) else start.expression(self.index_of(part))
            )
        return start

    def index_of(self, part: Part) -> str:
        """An index as it stands in the function."""
        return self.body.index_text(part) if isinstance(part, Expr) else part

    def loans_for(self, module: str) -> list[str]:
        """The layers at hand that the function of a call is given."""
        home = self.formal.module.name
        callee = self.module.units[module].writer
        return [
            self.lent_text(loan.held, listed=loan.listed)
            if loan.home == home
            else self.function_body.loan_text(path)
            for path, loan in self.functions.ties.of(module).items()
            if path in callee.body.loans_used
        ]

    def lent_text(self, held: Held, *, listed: bool) -> str:
        """A layer of this function that a call is given."""
        if held.place.step.id not in self.kept:
            path = path_text(held.place.path)
            raise BuildError(f"`{path}` has no layer of its own here that could be handed on")
        return self.held_text(held, listed=listed)

    def owner(self, step: Step, tie: Tie) -> Owner:
        """The step that owns a tied weight."""
        owner = self.functions.ties.owner(self.formal.module.name, step, tie)
        if owner is None:
            path = tie_path(tie)
            reason = f"`{path}` is tied from `{self.formal.module.name}`, where it is not seen"
            raise BuildError(f"{reason}: tie it in the model or block that holds both")
        return owner

    def is_read_elsewhere(self, found: FormalStep) -> bool:
        """Whether another step reads this one's weight, and does not call its layer."""
        return (self.formal.module.name, found.step.id) in self.module.owners.partly
