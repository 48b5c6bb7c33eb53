"""What a column holds at some place between the data and the graph."""

from __future__ import annotations

from dslc.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from dslc.train.data import Column


@final
class Raw:
    """What a column holds at some place between the data and the graph.

    Attributes:
        form: "numbers", "text", or "tokens": rows of ids that differ in length.
        dtype: The dtype of the input that it feeds.
        shape: The sizes of a row; None where any will do.
        below: How many ids there may be, if that is known.
    """

    __slots__ = ("below", "dtype", "form", "shape")

    def __init__(
        self, form: str, dtype: str, shape: tuple[int | None, ...], below: int | None
    ) -> None:
        self.form = form
        self.dtype = dtype
        self.shape = shape
        self.below = below

    def replace(self, **changes: object) -> Raw:
        """The same with other fields."""
        found = {name: changes.get(name, getattr(self, name)) for name in self.__slots__}
        return Raw(**found)  # pyright: ignore[reportArgumentType]

    @property
    def is_image(self) -> bool:
        """Whether a row is an image of floats."""
        return self.form == "numbers" and self.dtype[0] == "f" and len(self.shape) == 3

    @property
    def is_ids(self) -> bool:
        """Whether a row is a list of ids."""
        return self.form == "numbers" and self.dtype[0] in "iu" and len(self.shape) == 1

    @property
    def is_class(self) -> bool:
        """Whether a row is one class number."""
        return self.form == "numbers" and self.dtype[0] in "iu" and not self.shape

    def __str__(self) -> str:
        if self.form != "numbers":
            return self.form
        sizes = ", ".join(
            "N" if k == -1 else "_" if k is None else str(k) for k in (-1, *self.shape)
        )
        return f"{self.dtype}[{sizes}]"


def raw_of(column: Column) -> Raw:
    """What an input takes."""
    sizes = tuple(size if isinstance(size, int) else None for size in column.type.shape[1:])
    return Raw("numbers", column.type.dtype, sizes, column.below)
