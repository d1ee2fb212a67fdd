"""TF-Hub models and local SavedModel folders: opaque objects that map images to scores."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf

from igcore.errors import ModelError

__all__ = ["open_saved_model", "stated_input_size", "variables_of"]

Forward = Callable[[Any], Any]

#: Names that image classifiers give to the output that holds their scores.
OUTPUT_NAMES = ("logits", "default", "output_0", "predictions", "probabilities", "outputs")
SIGNATURE_NAMES = ("serving_default", "default", "image_classification")


def open_saved_model(folder: Path) -> tuple[Any, Forward]:
    """Load a SavedModel in either of TF-Hub's forms: a callable object, or signatures only.

    Parameters
    ----------
    folder : path
        Holds saved_model.pb. The program in it is run: never take it from an untrusted place.

    Returns
    -------
    loaded : object
        To be kept alive as long as `forward` is used.
    forward : callable
        (B, H, W, 3) float32 tensor → (B, K) tensor.

    Raises
    ------
    ModelError
        Where the folder does not hold a model that maps one batch of images to one row of scores each.
    """
    try:
        loaded = tf.saved_model.load(str(folder))
    except Exception as error:
        reason = str(error).split("\n")[0]
        raise ModelError(f"{folder} is not a SavedModel folder that can be loaded ({reason})") from error
    if callable(loaded):
        return loaded, _callable_forward(loaded)
    return loaded, _signature_forward(loaded, folder)


def _callable_forward(loaded: Any) -> Forward:
    def forward(images: Any) -> Any:
        try:
            return _rows_of(loaded(images, training=False))
        except (TypeError, ValueError):
            # Many objects take no training flag; a wrong image shape fails again below, with its own message.
            return _rows_of(loaded(images))

    return forward


def _signature_forward(loaded: Any, folder: Path) -> Forward:
    signature = _signature(loaded)
    if signature is None:
        raise ModelError(f"{folder} is neither callable nor has a signature; export it with one")
    names = list(signature.structured_input_signature[1])
    if len(names) != 1:
        raise ModelError(f"{folder}: its signature takes {names or 'no inputs'}; expected one batch of images")
    return lambda images: _rows_of(signature(**{names[0]: images}))


def _signature(loaded: Any) -> Any:
    signatures = dict(getattr(loaded, "signatures", {}))
    for name in (*SIGNATURE_NAMES, *signatures):
        if name in signatures:
            return signatures[name]
    return None


def _rows_of(outputs: Any) -> Any:
    """Pick the (B, K) tensor of scores from what a model returned."""
    if isinstance(outputs, dict):
        for name in (*OUTPUT_NAMES, *outputs):
            if name in outputs and outputs[name].shape.rank == 2:
                return outputs[name]
        raise ModelError(f"the model returns {list(outputs)}; expected one (B, classes) tensor among them")
    if isinstance(outputs, (list, tuple)):
        outputs = outputs[0]
    return outputs


def stated_input_size(loaded: Any) -> tuple[int, int] | None:
    """Return the (height, width) that the model's signature fixes, or None where it leaves them open."""
    signature = _signature(loaded)
    if signature is None:
        return None
    for spec in signature.structured_input_signature[1].values():
        shape = spec.shape.as_list() if spec.shape.rank == 4 else [None] * 4
        if shape[1] and shape[2]:
            return shape[1], shape[2]
    return None


def variables_of(loaded: Any) -> list[Any]:
    """Return the variables that what `open_saved_model` runs reads, in the order in which it meets them."""
    functions = loaded.__call__.concrete_functions if callable(loaded) else [_signature(loaded)]
    found = {id(variable): variable for function in functions for variable in function.variables}
    return list(found.values())
