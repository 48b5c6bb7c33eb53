"""Transforms of images and other numbers."""

from __future__ import annotations

from dslc.ops.attributes import (
    Boolean,
    Integer,
    InvalidAttribute,
    Maybe,
    Number,
    Numbers,
    Sizes,
    Word,
)
from dslc.train.choices import Globs, Text
from dslc.train.raw import Raw
from dslc.train.transforms import Misfit, Transform

IMAGES = "images `f32[N, C, H, W]`"


class Resize(Transform):
    """Brings images to one size, smoothed where they shrink (Pillow's bilinear filter)."""

    primary = "to"
    wants = IMAGES
    to = Sizes(2, minimum=1, doc="height and width")

    def before(self, raw: Raw) -> Raw:
        check_size("resize", self.values["to"], raw)
        return raw.replace(shape=(raw.shape[0], None, None))


class Crop(Transform):
    """Takes a part of each image: at a place drawn anew in every epoch, of held-out rows the middle."""

    primary = "to"
    wants = IMAGES
    to = Sizes(2, minimum=1, doc="height and width")
    padding = Integer(0, minimum=0, doc="zeros around the image before that")
    random = Boolean(True, doc="whether the place is drawn; else it is the middle")

    def before(self, raw: Raw) -> Raw:
        check_size("crop", self.values["to"], raw)
        return raw.replace(shape=(raw.shape[0], None, None))


class Flip(Transform):
    """Mirrors a share of the images, chosen anew in every epoch; none of the held-out ones."""

    wants = IMAGES
    is_random = True
    share = Number(0.5, minimum=0, maximum=1, doc="the share that is mirrored")
    axis = Word("width", words=("width", "height"), doc="left to right, or top to bottom")


class Color(Transform):
    """Makes images from 0 to 1 brighter or darker, with more or less contrast and saturation.

    Each amount a multiplies by a number from 1 - a to 1 + a: the image, its distance from its mean,
    its distance from grey. What leaves 0 to 1 is cut off. Held-out rows stay as they are.
    """

    wants = IMAGES
    is_random = True
    brightness = Number(0.0, minimum=0, maximum=1, doc="by how much")
    contrast = Number(0.0, minimum=0, maximum=1, doc="by how much")
    saturation = Number(0.0, minimum=0, maximum=1, doc="by how much")


class Scale(Transform):
    """Multiplies numbers, as pixels from 0 to 255 by `1 / 255`."""

    primary = "by"
    wants = "floats"
    by = Number(doc="the factor")

    def fits(self, raw: Raw) -> bool:
        return raw.form == "numbers" and raw.dtype[0] == "f"


class Normalise(Transform):
    """Subtracts a mean and divides by a deviation, for each feature (axis 1).

    Both are those of the training rows, or given. A feature that never changes becomes zero.
    """

    wants = "floats"
    mean = Maybe(Numbers(doc="one for each feature, instead of that of the training rows"))
    std = Maybe(Numbers(minimum=1e-12, doc="one for each feature, likewise"))

    def fits(self, raw: Raw) -> bool:
        return raw.form == "numbers" and raw.dtype[0] == "f"

    def check(self) -> None:
        if (self.values["mean"] is None) != (self.values["std"] is None):
            name = "std" if self.values["std"] is not None else "mean"
            raise InvalidAttribute("`mean` and `std` are given together, or neither", name)

    def before(self, raw: Raw) -> Raw:
        features = raw.shape[0] if raw.shape else 1
        for name in ("mean", "std"):
            given = self.values[name]
            if given is not None and features is not None and len(given) != features:
                raise Misfit(f"there are {features} features, and {len(given)} of `{name}`")
        return raw

    @property
    def learns(self) -> bool:
        return self.values["mean"] is None


class OneHot(Transform):
    """Class numbers as rows of zeros with a one, for losses of probabilities and for `mixup`."""

    wants = "floats `f32[N, C]`"

    def fits(self, raw: Raw) -> bool:
        return raw.form == "numbers" and raw.dtype[0] == "f" and len(raw.shape) == 1

    def before(self, raw: Raw) -> Raw:
        (classes,) = raw.shape
        if classes is None:
            raise Misfit(
                "how many classes there are has to be known", "write the number in its type"
            )
        return Raw("numbers", "i64", (), classes)


class Weigh(Transform):
    """Gives each row the weight of its class: all classes together count the same, the mean is 1."""

    primary = "to"
    wants = "class numbers `i64[N]`"
    is_learned = True
    makes = ("to",)
    to = Text(doc="the input `f32[N]` that takes the weights")

    def fits(self, raw: Raw) -> bool:
        return raw.is_class

    def before(self, raw: Raw) -> Raw:
        if raw.below is None:
            raise Misfit("how many classes there are is not known: no loss says so")
        return raw

    def made(self, raw: Raw) -> Raw:
        return raw.replace(dtype="f32", shape=(), below=None)


class Mixup(Transform):
    """Mixes each row with another of the training rows, by shares that are spread as Beta(alpha, alpha).

    It mixes the columns of floats; class numbers become some by `one_hot`. Source: Zhang et al. 2018.
    """

    primary = "alpha"
    wants = "floats"
    is_random = True
    alpha = Number(0.2, minimum=0.01, maximum=1, doc="how evenly: 1 draws all shares alike")
    of = Globs(doc="the inputs that are mixed; by default all, which then have to be floats")

    def fits(self, raw: Raw) -> bool:
        return raw.form == "numbers" and raw.dtype[0] == "f"


def check_size(name: str, size: tuple[int, int], raw: Raw) -> None:
    """Raises where images are declared with another size."""
    if any(given not in (None, wanted) for given, wanted in zip(raw.shape[1:], size, strict=True)):
        message = f"`{name}` gives images {size[0]} high and {size[1]} wide, not {raw}"
        raise Misfit(message)
