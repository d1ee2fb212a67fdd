"""Heat maps: attribution → one number a pixel → colors. How a map is drawn never changes what was computed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from igcore.errors import InputError
from igcore.registry import Registry, check_parameters, parameter

__all__ = [
    "COLOR_MAPS",
    "SIGNS",
    "ColorMap",
    "Drawing",
    "Sign",
    "difference_picture",
    "full_scale",
    "heat_map",
    "marked_picture",
    "mask_picture",
    "overlay_picture",
    "scaled",
]

Sign = Literal["absolute", "positive", "negative", "signed"]
SIGNS: tuple[str, ...] = get_args(Sign)

Array = NDArray[np.float32]

#: The color of marked pixels, which no photo holds over large areas.
MARK = (1.0, 0.0, 0.75)


@dataclass(frozen=True)
class ColorMap:
    """A color map: a name that the package cmap knows, or its colors from low to high.

    `diverging` maps have white in the middle and serve signed maps.
    """

    key: str
    label: str
    colors_or_name: str | tuple[str, ...]
    diverging: bool = False

    def colors(self, values: Array) -> Array:
        """Map values in [0, 1] to RGB: (…) → (…, 3) float32 in [0, 1]."""
        table = _table(self.colors_or_name)
        return table[np.rint(np.clip(values, 0, 1) * (len(table) - 1)).astype(np.intp)]


@lru_cache(maxsize=32)
def _table(colors: str | tuple[str, ...]) -> Array:
    from cmap import Colormap

    # An odd number of entries, so that a diverging map has an exact middle.
    return np.asarray(Colormap(colors).lut(257), np.float32)[:, :3]


COLOR_MAPS: Registry[ColorMap] = Registry(
    "color map",
    ColorMap("inferno", "Inferno", "inferno"),
    ColorMap("viridis", "Viridis", "viridis"),
    ColorMap("cividis", "Cividis", "cividis"),
    ColorMap("magma", "Magma", "magma"),
    ColorMap("gray", "Gray", "gray"),
    ColorMap("red-blue", "Red–blue", ("#053061", "#4393c3", "#ffffff", "#d6604d", "#67001f"), diverging=True),
    ColorMap("orange-purple", "Orange–purple", ("#2d004b", "#8073ac", "#ffffff", "#e08214", "#7f3b08"), diverging=True),
)


@dataclass(frozen=True)
class Drawing:
    """How a heat map is drawn.

    Parameters
    ----------
    sign : {"absolute", "positive", "negative", "signed"}
    color_map : str
        Key of `COLOR_MAPS`: a sequential one, or for the signed map a diverging one.
    clip : float
        Percentile of |map| that is drawn at full color; larger values are cut.
    strength : float
        Share of the color in the overlay, in percent.
    top : float
        Only this share of the pixels, those of largest |map|, is drawn, in percent.

    Raises
    ------
    InputError
        Where a setting is out of range.
    """

    sign: Sign = "absolute"
    color_map: str = "inferno"
    clip: float = parameter(
        99.0, label="Clip at percentile", low=80.0, high=100.0, step=0.5, unit="%",
        help="A few extreme pixels would darken all others: values above this percentile get the full color.",
    )  # fmt: skip
    strength: float = parameter(
        60.0, label="Overlay strength", low=0.0, high=100.0, step=5.0, unit="%",
        help="How strongly the map covers the photo.",
    )  # fmt: skip
    top: float = parameter(
        100.0, label="Show only the top", low=1.0, high=100.0, step=1.0, unit="%",
        help="Draws only the pixels with the largest attribution.",
    )  # fmt: skip

    def __post_init__(self) -> None:
        if self.sign not in SIGNS:
            raise InputError(f"sign is {self.sign!r}; expected one of {', '.join(SIGNS)}")
        if COLOR_MAPS[self.color_map].diverging != (self.sign == "signed"):
            kind = "diverging" if self.sign == "signed" else "sequential"
            fitting = ", ".join(key for key, c in COLOR_MAPS.items() if c.diverging == (self.sign == "signed"))
            raise InputError(f"a {self.sign} map needs a {kind} color map, not {self.color_map}; take {fitting}")
        check_parameters(self)


def heat_map(values: Array, sign: Sign = "absolute") -> Array:
    """Reduce an attribution to one number a pixel.

    Parameters
    ----------
    values : (H, W, 3) float
    sign : {"absolute", "positive", "negative", "signed"}
        "absolute": Σ |value| over the channels, as the TensorFlow tutorial draws it; "signed": Σ value;
        "positive", "negative": the part of Σ value above or below zero, as a size.

    Returns
    -------
    (H, W) float32
    """
    if sign == "absolute":
        return np.abs(values).sum(axis=-1, dtype=np.float32)
    total = values.sum(axis=-1, dtype=np.float32)
    if sign == "positive":
        return np.maximum(total, 0)
    if sign == "negative":
        return np.maximum(-total, 0)
    if sign == "signed":
        return total
    raise InputError(f"sign is {sign!r}; expected one of {', '.join(SIGNS)}")


def full_scale(heats: Array, clip: float = 99.0) -> float:
    """Return the size that is drawn at full color: a percentile of |heats| over one map or several; 0 if all are."""
    size = np.abs(heats)
    # Of a sparse map the percentile may be zero although the map is not.
    return float(np.percentile(size, clip)) or float(size.max())


def scaled(heat: Array, clip: float = 99.0, limit: float | None = None) -> Array:
    """Divide by `limit`, or without by the map's own full scale, and cut to [−1, 1]; an all-zero map stays zero."""
    limit = full_scale(heat, clip) if limit is None else limit
    return np.clip(heat / np.float32(limit), -1, 1) if limit > 0 else np.zeros_like(heat)


def _shown(heat: Array, top: float) -> NDArray[np.bool_]:
    """Return which pixels belong to the top share."""
    if top >= 100:
        return np.ones(heat.shape, bool)
    size = np.abs(heat)
    return (size >= np.percentile(size, 100 - top)) & (size > 0)


def mask_picture(values: Array, drawing: Drawing, limit: float | None = None) -> Array:
    """Draw an attribution by itself.

    Parameters
    ----------
    values : (H, W, 3) float
    drawing : Drawing
    limit : float, optional
        The size drawn at full color, where several maps share a scale; without, the map's own `full_scale`.

    Returns
    -------
    (H, W, 3) float32 RGB in [0, 1]
    """
    heat = heat_map(values, drawing.sign)
    level = np.where(_shown(heat, drawing.top), scaled(heat, drawing.clip, limit), 0)
    if drawing.sign == "signed":
        level = (level + 1) / 2
    return COLOR_MAPS[drawing.color_map].colors(level)


def overlay_picture(values: Array, image: Array, drawing: Drawing, limit: float | None = None) -> Array:
    """Draw an attribution over its image; pixels outside the top share show the image, darkened.

    Parameters
    ----------
    values : (H, W, 3) float
    image : (H, W, 3) float32 in [0, 1]
    drawing : Drawing
    limit : float, optional
        As in `mask_picture`.

    Returns
    -------
    (H, W, 3) float32 RGB in [0, 1]
    """
    shown = _shown(heat_map(values, drawing.sign), drawing.top)[..., None]
    strength = np.float32(drawing.strength / 100)
    blended = (1 - strength) * image + strength * mask_picture(values, drawing, limit)
    return np.where(shown, blended, (1 - strength) * image).astype(np.float32)


def difference_picture(a: Array, b: Array, color_map: str = "red-blue") -> Array:
    """Draw a − b of two (H, W) maps, zero in the middle color: (H, W, 3) float32 RGB in [0, 1]."""
    difference = np.asarray(a, np.float32) - np.asarray(b, np.float32)
    return COLOR_MAPS[color_map].colors((scaled(difference) + np.float32(1)) / np.float32(2))


def marked_picture(image: Array, pixels: NDArray[np.bool_]) -> Array:
    """Draw an image in gray with some pixels in one color: (H, W, 3), (H, W) → (H, W, 3) float32 RGB in [0, 1]."""
    gray = 0.25 + 0.5 * image.mean(axis=-1, keepdims=True)
    return np.where(pixels[..., None], np.array(MARK), gray).astype(np.float32)
