"""Fixtures that several files share."""

from __future__ import annotations

import os
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Pages without a browser compute in this process, where a test can look into it; servers use what they use anyway.
os.environ["IGCORE_RUNTIME"] = "threads"

import numpy as np
import pytest
from numpy.typing import NDArray

import igcore
from bench.keras_efficientnet import build_keras_efficientnet_lite0
from tests.browser_page import browser, server, servers, start, visit

__all__ = ["browser", "model", "photo", "server", "servers", "start", "visit"]


@pytest.fixture(scope="session")
def model():
    """The embedded network, loaded once."""
    return igcore.load_model()


@pytest.fixture(scope="session")
def network():
    """The embedded network written for Keras, by itself."""
    return build_keras_efficientnet_lite0()


@pytest.fixture(scope="session")
def photo(model) -> Callable[[str], NDArray[np.float32]]:
    """A bundled photo at the embedded network's size, by key."""
    return lambda key: igcore.load_image(igcore.PHOTOS[key].path, size=model.spec.input_size)
