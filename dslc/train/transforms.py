"""What is done to columns on their way from the data to the graph: `train.data.transforms`.

The list is read forwards when rows are read and backwards when types are checked: each transform says
from the type that it has to give which one it takes, so what remains in front of the first is what the
data have to hold. A transform that draws at random does so from the seed, the epoch and the row, so
every framework sees the same bits; held-out rows see none of it but masks, which are theirs for good.
"""

from __future__ import annotations

from dslc.ops.attributes import Maybe
from dslc.train.choices import Choice, Text
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import ClassVar

    from dslc.train.raw import Raw


class Misfit(Exception):
    """A transform that does not fit its column: a message, and what to write instead."""

    def __init__(self, message: str, help: str | None = None, code: str = "E0851") -> None:
        super().__init__(message)
        self.message = message
        self.help = help
        self.code = code


class Transform(Choice):
    """A step between the data and the graph.

    Class attributes:
        wants: What it gives, in words.
        is_random: Whether it draws anew in every epoch.
        is_learned: Whether it needs what the training rows say.
        makes: The settings that name an input which it makes.
    """

    kind = "transform"
    wants: ClassVar[str] = ""
    is_random: ClassVar[bool] = False
    is_learned: ClassVar[bool] = False
    makes: ClassVar[tuple[str, ...]] = ()
    of = Maybe(Text(doc="the input that it changes; by default the only one that fits"))

    def fits(self, raw: Raw) -> bool:
        """Whether it can give a column of this kind."""
        return raw.is_image

    def before(self, raw: Raw) -> Raw:
        """What it takes to give this; raises `Misfit` where it cannot."""
        return raw

    def made(self, raw: Raw) -> Raw:
        """What a new input holds that it makes beside a column."""
        return raw

    @property
    def learns(self) -> bool:
        """Whether it needs what the training rows say."""
        return self.is_learned
