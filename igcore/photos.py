"""The bundled photos: files that the package scikit-image installs, read without importing it."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from igcore.errors import ImageError
from igcore.registry import Registry

__all__ = ["PHOTOS", "Photo"]


@dataclass(frozen=True)
class Photo:
    """One bundled photo.

    Attributes
    ----------
    key, label, description : str
    file : str
        Its name in scikit-image's data folder.
    credit : str
        Who made it and under which terms, as scikit-image states them.
    """

    key: str
    label: str
    description: str
    file: str
    credit: str

    @property
    def path(self) -> Path:
        """Where the installed file lies.

        Raises
        ------
        ImageError
            Where scikit-image is not installed.
        """
        found = importlib.util.find_spec("skimage")
        if found is None or not found.submodule_search_locations:
            raise ImageError("the bundled photos come with scikit-image; run pip install scikit-image")
        return Path(found.submodule_search_locations[0]) / "data" / self.file


PHOTOS: Registry[Photo] = Registry(
    "photo",
    Photo("coffee", "Espresso", "A cup on a wooden table.", "coffee.png", "Rachel Michetti, CC0"),
    Photo("cat", "Cat", "A tabby, close up.", "chelsea.png", "Stefan van der Walt, CC0"),
    Photo(
        "motorcycle",
        "Motorcycle",
        "A red motorcycle in a garage full of other things.",
        "motorcycle_left.png",
        "Middlebury stereo benchmark, Scharstein et al. 2014",
    ),
    Photo("camera", "Cameraman", "A man with a camera on a tripod; no color.", "camera.png", "Lav Varshney, CC0"),
    Photo("rocket", "Rocket", "A rocket before launch, small in the frame.", "rocket.jpg", "SpaceX, public domain"),
    Photo(
        "astronaut",
        "Astronaut",
        "No class of ImageNet fits: what does the network say?",
        "astronaut.png",
        "NASA, public domain",
    ),
    Photo(
        "clock", "Moving clock", "A clock blurred by motion.", "clock_motion.png", "Stefan van der Walt, public domain"
    ),
)
