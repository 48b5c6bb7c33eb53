"""Images: from files by class, to the size that is asked for, and changed at random."""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dslc.train.runtime.data_disk import Array, Arrays, room
from dslc.train.runtime.data_files import files_by_class
from dslc.train.runtime.data_order import Draws

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm")


def read_images(
    path: Path, channels: int, size: tuple[int, int] | None = None, store: Path | None = None
) -> Arrays:
    """The images of a folder's folders, one of these a class, in the order of names.

    Args:
        path: the folder.
        channels: 1 for grey, 3 for red, green and blue, 4 with opacity.
        size: height and width, to which each is brought; else all have one size.
        store: where they are kept on disk, decoded once; else in memory.

    Returns:
        `image`, from 0 to 1, channels first; and `class`, its folder's number.
    """
    found = list(files_by_class(path, IMAGE_SUFFIXES))
    first = decoded(found[0][0], channels, size)
    shape = (len(found), *first.shape)
    if store is None:
        images = np.empty(shape, np.float32)
    else:
        images = room(store / "image.npy", np.float32, shape)
    for row, (file, _) in enumerate(found):
        image = decoded(file, channels, size)
        if image.shape != first.shape:
            sizes = " and ".join(f"{part.shape[1]}x{part.shape[2]}" for part in (first, image))
            raise ValueError(f"{file}: images are {sizes} high and wide: `resize` makes them alike")
        images[row] = image
    return {"image": images, "class": np.array([number for _, number in found], np.int64)}


def decoded(path: Path, channels: int, size: tuple[int, int] | None = None) -> Array:
    """An image file as numbers from 0 to 1, channels first."""
    library = importlib.import_module("PIL.Image")
    try:
        with library.open(path) as image:
            found: Any = image.convert({1: "L", 3: "RGB", 4: "RGBA"}[channels])
            if size is not None and found.size != size[::-1]:
                found = found.resize(size[::-1], library.Resampling.BILINEAR)
            pixels = np.asarray(found, np.float32) / 255
    except (OSError, ValueError, SyntaxError, library.DecompressionBombError) as error:
        raise ValueError(f"{path}: not a whole image: {error}") from None
    return pixels[None] if channels == 1 else np.ascontiguousarray(np.moveaxis(pixels, -1, 0))


def resized(images: Array, size: tuple[int, int]) -> Array:
    """Images in another height and width, smoothed where they shrink."""
    library = importlib.import_module("PIL.Image")
    found = np.empty((*images.shape[:2], *size), np.float32)
    for place in np.ndindex(*images.shape[:2]):
        plane = library.fromarray(np.ascontiguousarray(images[place], np.float32))
        found[place] = np.asarray(plane.resize(size[::-1], library.Resampling.BILINEAR))
    return found


def flipped(images: Array, draws: Draws, axis: int, share: float) -> Array:
    """Images of which a share is mirrored along an axis."""
    chosen = draws.uniform(f"flip {axis}")[:, 0] < share
    return np.where(chosen[:, None, None, None], np.flip(images, axis), images)


def padded(images: Array, padding: int) -> Array:
    """Images with zeros around them."""
    sides = (padding, padding)
    return np.pad(images, ((0, 0), (0, 0), sides, sides)) if padding else images


def cropped(images: Array, draws: Draws, size: tuple[int, int], padding: int) -> Array:
    """A part of each image, at a place of its own."""
    images = padded(images, padding)
    room = room_of(images, size)
    top, left = (draws.integers(f"crop {k}", room[k] + 1)[:, 0] for k in range(2))
    rows = top[:, None] + np.arange(size[0])
    columns = left[:, None] + np.arange(size[1])
    number, channel = np.arange(len(images)), np.arange(images.shape[1])
    places = number[:, None, None, None], channel[None, :, None, None]
    return images[(*places, rows[:, None, :, None], columns[:, None, None, :])]


def centred(images: Array, size: tuple[int, int], padding: int) -> Array:
    """The middle of each image."""
    images = padded(images, padding)
    top, left = (room // 2 for room in room_of(images, size))
    return np.ascontiguousarray(images[:, :, top : top + size[0], left : left + size[1]])


def check_room(images: Any, size: tuple[int, int], padding: int) -> None:
    """Raises where images are too small to be cropped."""
    room_of(padded(images[np.arange(1)], padding), size)


def room_of(images: Array, size: tuple[int, int]) -> tuple[int, int]:
    """By how much images are higher and wider than a size."""
    height, width = images.shape[2] - size[0], images.shape[3] - size[1]
    if height < 0 or width < 0:
        sizes = f"{images.shape[2]}x{images.shape[3]} is smaller than {size[0]}x{size[1]}"
        raise ValueError(f"there is nothing to crop: {sizes}")
    return height, width


def recoloured(images: Array, draws: Draws, amounts: Sequence[float]) -> Array:
    """Images from 0 to 1, brighter or darker, with more or less contrast and saturation."""
    brightness, contrast, saturation = amounts
    wide = (slice(None), None, None, None)
    factors = 1 + (2 * draws.uniform("colour", 3) - 1) * [brightness, contrast, saturation]
    factors = factors.astype(np.float32)
    images = images * factors[:, 0][wide]
    grey = images.mean(axis=(1, 2, 3), keepdims=True)
    images = grey + (images - grey) * factors[:, 1][wide]
    grey = images.mean(axis=1, keepdims=True)
    images = grey + (images - grey) * factors[:, 2][wide]
    return np.clip(images, 0, 1)


def mixed(one: Array, other: Array, draws: Draws, alpha: float) -> Array:
    """Rows mixed with others, by shares that are spread as Beta(alpha, alpha)."""
    shares = shares_of(draws, alpha).astype(np.float32)
    wide = shares.reshape(-1, *[1] * (one.ndim - 1))
    return (wide * one + (1 - wide) * other).astype(np.float32)


def shares_of(draws: Draws, alpha: float) -> Array:
    """A number of each row, Beta(alpha, alpha) for an alpha of at most 1, after Jöhnk (1964)."""
    tries = np.log(draws.uniform("shares", 64) + 2.0**-54).reshape(-1, 32, 2) / alpha
    whole = np.logaddexp(tries[..., 0], tries[..., 1])
    chosen = np.argmax(whole <= 0, axis=1)  # the first that is inside; 1 in 10 ** 9 has none
    rows = np.arange(len(tries))
    return np.exp(tries[rows, chosen, 0] - whole[rows, chosen])
