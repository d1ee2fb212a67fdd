"""Baselines: an image → what it is compared with.

An attribution answers "compared with what?". Each baseline here is a frozen settings object whose
`make` returns the picture that stands for "nothing there".
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from PIL import ImageColor

from igcore.errors import InputError
from igcore.images import check_image
from igcore.registry import Registry, check_parameters, parameter, read_settings

__all__ = [
    "BASELINES",
    "Baseline",
    "BaselineSpec",
    "Black",
    "Blur",
    "Color",
    "GaussianNoise",
    "GivenImage",
    "Gray",
    "MaxDistance",
    "Mean",
    "UniformNoise",
    "White",
    "as_baseline",
    "describe_baseline",
    "parse_baseline",
]

Array = NDArray[np.float32]
SEED_HELP = "Another seed gives another noise; the same seed gives the same bytes."


@runtime_checkable
class Baseline(Protocol):
    """A baseline's settings."""

    key: ClassVar[str]

    def make(self, image: Array, seed: int = 0) -> Array:
        """Return the baseline of `image` (H, W, 3): (H, W, 3) float32 in [0, 1]."""
        ...


def _flat(image: Array, color: Any) -> Array:
    return np.broadcast_to(np.asarray(color, np.float32), image.shape).copy()


class _Flat:
    """The same value everywhere."""

    level: ClassVar[float]

    def make(self, image: Array, seed: int = 0) -> Array:
        return _flat(image, self.level)


@dataclass(frozen=True)
class Black(_Flat):
    """All zeros."""

    key: ClassVar[str] = "black"
    level: ClassVar[float] = 0.0


@dataclass(frozen=True)
class White(_Flat):
    """All ones."""

    key: ClassVar[str] = "white"
    level: ClassVar[float] = 1.0


@dataclass(frozen=True)
class Gray(_Flat):
    """All one half."""

    key: ClassVar[str] = "gray"
    level: ClassVar[float] = 0.5


@dataclass(frozen=True)
class Mean:
    """The image's own mean color."""

    key: ClassVar[str] = "mean"

    def make(self, image: Array, seed: int = 0) -> Array:
        return _flat(image, image.mean(axis=(0, 1), dtype=np.float64))


@dataclass(frozen=True)
class Color:
    """One color, given as #rrggbb or by name."""

    key: ClassVar[str] = "color"
    color: str = parameter("#1e90ff", label="Color", help="The color of every pixel of the baseline.")

    def __post_init__(self) -> None:
        try:
            if max(ImageColor.getrgb(self.color)) > 255:
                raise ValueError
        except (ValueError, AttributeError, TypeError):
            raise InputError(f"color is {self.color!r}; expected #rrggbb or a name such as teal") from None

    def make(self, image: Array, seed: int = 0) -> Array:
        return _flat(image, np.asarray(ImageColor.getrgb(self.color)[:3]) / 255)


@dataclass(frozen=True)
class UniformNoise:
    """Independent values, uniform on [0, 1]."""

    key: ClassVar[str] = "uniform-noise"
    seed: int | None = parameter(None, label="Noise seed", low=0, high=2**31 - 1, step=1, help=SEED_HELP)

    def __post_init__(self) -> None:
        check_parameters(self)

    def make(self, image: Array, seed: int = 0) -> Array:
        generator = np.random.default_rng(seed if self.seed is None else self.seed)
        return generator.random(image.shape, dtype=np.float32)


@dataclass(frozen=True)
class GaussianNoise:
    """The image with independent normal noise added, cut to [0, 1]."""

    key: ClassVar[str] = "gaussian-noise"
    sigma: float = parameter(
        0.5,
        label="Noise σ",
        low=0.01,
        high=2.0,
        step=0.01,
        unit="of full range",
        help="Standard deviation of the noise.",
    )
    seed: int | None = parameter(None, label="Noise seed", low=0, high=2**31 - 1, step=1, help=SEED_HELP)

    def __post_init__(self) -> None:
        check_parameters(self)

    def make(self, image: Array, seed: int = 0) -> Array:
        generator = np.random.default_rng(seed if self.seed is None else self.seed)
        noise = generator.standard_normal(image.shape, dtype=np.float32)
        return np.clip(image + np.float32(self.sigma) * noise, 0, 1)


@dataclass(frozen=True)
class Blur:
    """The image after a Gaussian blur: its colors stay, its detail goes."""

    key: ClassVar[str] = "blur"
    sigma: float = parameter(
        20.0,
        label="Blur σ",
        low=0.5,
        high=100.0,
        step=0.5,
        unit="px",
        help="Standard deviation of the Gaussian kernel.",
    )

    def __post_init__(self) -> None:
        check_parameters(self)

    def make(self, image: Array, seed: int = 0) -> Array:
        from scipy.ndimage import gaussian_filter

        blurred = gaussian_filter(image, (self.sigma, self.sigma, 0), mode="nearest")
        return np.clip(blurred, 0, 1)


@dataclass(frozen=True)
class MaxDistance:
    """In each value the farther end of [0, 1], so that no pixel equals its baseline."""

    key: ClassVar[str] = "max-distance"

    def make(self, image: Array, seed: int = 0) -> Array:
        return np.where(image < 0.5, np.float32(1), np.float32(0))


@dataclass(frozen=True, eq=False)
class GivenImage:
    """An image of one's own.

    Parameters
    ----------
    pixels : (H, W, 3) float in [0, 1]
        Of the shape of the image that it is to be compared with.
    """

    key: ClassVar[str] = "image"
    pixels: Array | None = None

    def __post_init__(self) -> None:
        if self.pixels is None:
            raise InputError(
                "baseline image needs a picture; pass an (H, W, 3) array, or on the command line image:FILE"
            )
        check_image(self.pixels, "baseline")
        # Clipping copies, and adding zero makes −0 the 0 that it equals.
        pixels = np.clip(self.pixels, 0, 1).astype(np.float32) + np.float32(0)
        pixels.flags.writeable = False
        object.__setattr__(self, "pixels", pixels)

    @property
    def digest(self) -> str:
        """SHA-256 of the shape and the pixels, in hexadecimal."""
        pixels = np.ascontiguousarray(self.pixels)
        return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GivenImage) and np.array_equal(self.pixels, other.pixels)  # type: ignore[arg-type]

    def __hash__(self) -> int:
        return hash(self.digest)

    def make(self, image: Array, seed: int = 0) -> Array:
        check_image(self.pixels, "baseline", like=image)  # type: ignore[arg-type]
        return self.pixels  # type: ignore[return-value]


@dataclass(frozen=True)
class BaselineSpec:
    """A registry entry: what a select box and the documentation show of a baseline."""

    key: str
    label: str
    description: str
    settings: Callable[..., Baseline]
    reference: str


_SURVEY = "Sturmfels, Lundberg, Lee, Visualizing the Impact of Feature Attribution Baselines, 2020"
_IG = "Sundararajan, Taly, Yan 2017, section 2"

BASELINES: Registry[BaselineSpec] = Registry(
    "baseline",
    BaselineSpec("black", "Black", "No light at all. Blind to black objects.", Black, _IG),
    BaselineSpec("white", "White", "Full light. Blind to white objects.", White, _SURVEY),
    BaselineSpec("gray", "Gray", "The middle of the range.", Gray, _SURVEY),
    BaselineSpec("mean", "Image mean", "The image's own average color, everywhere.", Mean, _SURVEY),
    BaselineSpec("color", "A color", "One color of your choice. Blind to that color.", Color, _SURVEY),
    BaselineSpec("uniform-noise", "Uniform noise", "Every value random. Depends on the seed.", UniformNoise, _SURVEY),
    BaselineSpec("gaussian-noise", "Gaussian noise", "The image under heavy noise.", GaussianNoise, _SURVEY),
    BaselineSpec("blur", "Gaussian blur", "The image without its detail.", Blur, _SURVEY),
    BaselineSpec("max-distance", "Maximum distance", "In each value the farther of 0 and 1.", MaxDistance, _SURVEY),
    BaselineSpec("image", "Your own image", "Any picture: compared with exactly this.", GivenImage, _IG),
)


def as_baseline(choice: str | Baseline | Array) -> Baseline:
    """Turn a key, a settings object or an (H, W, 3) array into a baseline.

    Raises
    ------
    InputError
        Where it is none of these.
    """
    if isinstance(choice, str):
        return parse_baseline(choice)
    if isinstance(choice, np.ndarray):
        return GivenImage(choice)
    if isinstance(choice, Baseline) and not isinstance(choice, type):
        return choice
    raise InputError(f"baseline is {choice!r}; expected one of {', '.join(BASELINES)}, or an (H, W, 3) array")


def parse_baseline(text: str) -> Baseline:
    """Read a baseline from ``key`` or ``key:name=value,name=value``, for instance ``blur:sigma=10``.

    Raises
    ------
    UnknownKeyError, InputError
    """
    key, _, rest = text.partition(":")
    return read_settings(f"baseline {key}", BASELINES[key].settings, rest)


def describe_baseline(baseline: Baseline) -> dict[str, Any]:
    """Return a baseline's key and parameters as plain values that JSON can hold."""
    if isinstance(baseline, GivenImage):
        return {"key": baseline.key, "sha256": baseline.digest}
    return {"key": baseline.key, **asdict(baseline)}  # type: ignore[call-overload]
