"""Transforms of text and of ids."""

from __future__ import annotations

from dslc.ops.attributes import Integer, InvalidAttribute, Maybe, Number, Numbers, Word
from dslc.train.choices import Text
from dslc.train.raw import Raw
from dslc.train.transforms import Misfit, Transform

IDS = "integers `i64[N, T]`"


class Tokenise(Transform):
    """Makes ids of text: of words and signs in lower case, of characters, or of bytes (UTF-8).

    Bytes are their own ids. Of words and characters the commonest of the training rows get the ids
    from 2 on, 0 is left for padding, and 1 stands for all others; or a file has them, one a line.
    Where `window` follows, its rows are cut from the whole text, so the whole text counts.
    """

    primary = "by"
    wants = "ids"
    by = Word(words=("words", "characters", "bytes"), doc="what an id stands for")
    size = Maybe(
        Integer(minimum=3, doc="ids are below it; needed but for bytes, which are below 256")
    )
    file = Maybe(Text(doc="a vocabulary that is given, below the spec's folder: a token a line"))

    def fits(self, raw: Raw) -> bool:
        return raw.form == "tokens"

    def check(self) -> None:
        by_bytes = self.values["by"] == "bytes"
        if by_bytes and (self.values["size"] is not None or self.values["file"] is not None):
            raise InvalidAttribute("bytes have no vocabulary: their ids are below 256", "size")
        if not by_bytes and self.values["size"] is None:
            raise InvalidAttribute("`tokenise` needs a `size`, which ids are below", "by")

    def before(self, raw: Raw) -> Raw:
        size = self.values["size"] or 256
        if raw.below is not None and raw.below < size:
            raise Misfit(f"its ids go up to {size - 1}, and only {raw.below} fit")
        return raw.replace(form="text", shape=(), below=None)

    @property
    def learns(self) -> bool:
        return self.values["by"] != "bytes"


class Window(Transform):
    """Puts all ids one after the other and cuts them into rows of one length; the rest is dropped."""

    primary = "length"
    wants = IDS
    length = Integer(minimum=1, doc="the places of a row")

    def fits(self, raw: Raw) -> bool:
        return raw.is_ids

    def before(self, raw: Raw) -> Raw:
        check_length("window", self.values["length"], raw)
        return raw.replace(form="tokens", shape=())


class Pad(Transform):
    """Brings rows of ids to one length: fills up shorter ones, ends longer ones early."""

    primary = "to"
    wants = IDS
    makes = ("lengths",)
    to = Integer(minimum=1, doc="the places of a row")
    value = Integer(0, doc="the id that fills up")
    lengths = Maybe(Text(doc="an input `i64[N]` that takes how many places of each row count"))

    def fits(self, raw: Raw) -> bool:
        return raw.is_ids

    def before(self, raw: Raw) -> Raw:
        check_length("pad", self.values["to"], raw)
        return raw.replace(form="tokens", shape=())

    def made(self, raw: Raw) -> Raw:
        return Raw("numbers", raw.dtype, (), None)


class Bucket(Transform):
    """Fills rows of ids up to the next of some lengths; the rows of a batch have the same.

    Less is computed for nothing than with `pad`. The last batch of each length is dropped where it
    is not full. Held-out rows have the largest length.
    """

    primary = "sizes"
    wants = "integers `i64[N, T]` of any length T"
    makes = ("lengths",)
    sizes = Numbers(minimum=1, doc="the lengths, from short to long; longer rows end early")
    value = Integer(0, doc="the id that fills up")
    lengths = Maybe(Text(doc="an input `i64[N]` that takes how many places of each row count"))

    def fits(self, raw: Raw) -> bool:
        return raw.is_ids

    def check(self) -> None:
        sizes = self.values["sizes"]
        if any(size != int(size) for size in sizes) or [*sizes] != sorted({*sizes}):
            raise InvalidAttribute("`sizes` are integers that rise", "sizes")
        self.values["sizes"] = tuple(int(size) for size in sizes)

    def before(self, raw: Raw) -> Raw:
        if raw.shape[0] is not None:
            message = f"the rows of {raw} have one length"
            raise Misfit(message, "write a symbol for the length, or use `pad`")
        return raw.replace(form="tokens", shape=())

    def made(self, raw: Raw) -> Raw:
        return Raw("numbers", raw.dtype, (), None)


class Shift(Transform):
    """Gives the next id of each place: the input loses its last place, `to` its first."""

    primary = "to"
    wants = IDS
    makes = ("to",)
    to = Text(doc="the input of the same type that takes what comes next")

    def fits(self, raw: Raw) -> bool:
        return raw.is_ids

    def before(self, raw: Raw) -> Raw:
        (length,) = raw.shape
        return raw.replace(shape=(None if length is None else length + 1,))


class Mask(Transform):
    """Hides a share of the ids, for masked language models; the places are drawn in every epoch.

    `to` takes what was there, and `ignore` in all other places, which a loss leaves out by its
    `ignore_index`. Held-out rows have places of their own, which never change.
    Source: Devlin et al. 2019.
    """

    wants = IDS
    is_random = True
    makes = ("to",)
    to = Text(doc="the input of the same type that takes what is to be found")
    id = Integer(minimum=1, doc="the id that hides others")
    rate = Number(0.15, minimum=0, below=1, doc="the share of places that are to be found")
    random = Number(0.1, minimum=0, maximum=1, doc="of these, the share that gets another id")
    keep = Number(0.1, minimum=0, maximum=1, doc="of these, the share that stays as it is")
    first = Integer(0, minimum=0, doc="lower ids, as that of padding, are left alone")
    ignore = Integer(-100, doc="what `to` has in all other places")

    def check(self) -> None:
        if self.values["random"] + self.values["keep"] > 1:
            raise InvalidAttribute("`random` and `keep` are shares of one whole", "random")
        if self.values["first"] >= self.values["id"]:
            raise InvalidAttribute("`id` comes behind all ids that are hidden", "first")

    def fits(self, raw: Raw) -> bool:
        return raw.is_ids

    def before(self, raw: Raw) -> Raw:
        if raw.below is not None and self.values["id"] >= raw.below:
            raise Misfit(f"the id {self.values['id']} does not fit: ids are below {raw.below}")
        return raw.replace(below=self.values["id"])


def check_length(name: str, length: int, raw: Raw) -> None:
    """Raises where rows are declared with another length."""
    if raw.shape[0] not in (None, length):
        raise Misfit(f"`{name}` gives rows of {length} places, and {raw.shape[0]} are needed here")
