"""A TensorFlow network behind the `Model` protocol: compiled once, never mutated."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from igcore.errors import InputError, ModelError
from igcore.models.base import SCORED, ModelSpec, Of, PathChunk, check_of
from igcore.models.graph import Graph

__all__ = ["CHUNK", "TensorFlowModel"]

#: Images in one call, of which one for each core is under way at once. Measured (bench.gradients): with two in flight
#: a gradient costs the same from 4 on, and memory and the time to stop grow.
CHUNK = 4

#: Rows of weights are multiplied in groups of so many: a product of fewer rows is rounded differently.
ROWS = 8

#: The smallest probability whose logarithm is taken, so that a logit is finite.
TINY = 1e-30

Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class _Forward:
    """A network's outputs, of what it makes of an image first: scale · image + offset for each channel."""

    outputs: Callable[[Any], Any]
    scale: Any = 1.0
    offset: Any = 0.0

    def normalized(self, images: Any) -> Any:
        """Return what the network sees."""
        return images * self.scale + self.offset


class TensorFlowModel:
    """A network with compiled scores, gradients and weighted gradient sums.

    Parameters
    ----------
    spec : ModelSpec
    forward : callable or None
        (B, H, W, 3) float32 tensor in [0, 1] → (B, K) logits or probabilities, as `spec.outputs` says. None where the
        layers that `read_graph` reads are the network, and not a reading of it.
    network : object, optional
        The Keras model behind `forward`, where its layers are open.
    chunk : int
        Images in one call of `path_chunk`.
    read_graph : callable, optional
        Reads the network's layers, where they are open. What is compiled is then made of them: it has its batch
        normalizations folded and its weights constant. A network with a layer that is not known runs as it is.

    Raises
    ------
    ModelError
        Where one image's scores or gradient turn out missing or not finite.
    """

    def __init__(
        self,
        spec: ModelSpec,
        forward: Callable[[Any], Any] | None,
        network: Any = None,
        chunk: int = CHUNK,
        read_graph: Callable[[], Graph] | None = None,
    ) -> None:
        self.spec = spec
        self.network = network
        self.chunk = chunk
        self._read_graph = read_graph
        self._network_outputs = forward
        self._forward = self._fastest()
        self._traces = 0
        self._compile()
        self._prove()

    def with_chunk(self, chunk: int) -> TensorFlowModel:
        """Return the same compiled network, with another number of images in one call."""
        if chunk == self.chunk:
            return self
        other = copy.copy(self)
        other.chunk = chunk
        return other

    @property
    def trace_count(self) -> int:
        """How often the weighted gradient function was traced; it should stay at one."""
        return self._traces

    @cached_property
    def graph(self) -> Graph:
        """The network's layers, read once, and proven to give the network's own logits.

        Raises
        ------
        ModelError
            Where they are not open, one of them is not known, or what they compute differs from the network.
        """
        if self._read_graph is None:
            raise ModelError(f"model {self.spec.key} is a closed box of scores and gradients; choose a Keras model")
        graph = self._read_graph()
        if self._network_outputs is None:
            return graph
        image = np.random.default_rng(2).random((1, *self.spec.input_size, 3), dtype=np.float32)
        found, expected = (forward(tf.constant(image)) for forward in (graph.outputs, self._network_outputs))
        if self.spec.outputs == "probabilities":
            found, expected = tf.nn.log_softmax(found), tf.math.log(tf.maximum(expected, TINY))
            found = tf.maximum(found, np.log(TINY))
        if found.shape != expected.shape or not np.allclose(found, expected, rtol=1e-3, atol=1e-3):
            raise ModelError(
                f"the layers of model {self.spec.key} do not give what the model gives; layer-wise methods cannot "
                "be trusted on it, choose another model"
            )
        return graph

    def _fastest(self) -> _Forward:
        try:
            graph = self.graph
        except ModelError:
            if self._network_outputs is None:
                raise
            return _Forward(self._network_outputs)
        if self.spec.outputs == "probabilities":
            return _Forward(lambda seen: tf.nn.softmax(graph.compute(seen)), graph.scale, graph.offset)
        return _Forward(graph.compute, graph.scale, graph.offset)

    def scores(self, images: Array, of: Of = "probability") -> Array:
        """Return the scores of all classes.

        Parameters
        ----------
        images : (B, H, W, 3) float32 in [0, 1]
        of : {"probability", "logit"}
            Of a network that returns probabilities, "logit" is the log-probability.

        Returns
        -------
        (B, K) float32
        """
        check_of(of)
        images = self._batch(images)
        parts = [self._scores_of(part, of == "logit").numpy() for part in _parts(images, SCORED)]
        return np.concatenate(parts)

    def gradients(self, images: Array, target: int, of: Of = "probability") -> tuple[Array, Array]:
        """Return the target's scores and their gradients with respect to the images.

        Parameters
        ----------
        images : (B, H, W, 3) float32 in [0, 1]
        target : int
        of : {"probability", "logit"}

        Returns
        -------
        scores : (B,) float32
        gradients : (B, H, W, 3) float32
            Where that of one image is not finite, those of its chunk are not either.
        """
        index = self.spec.find(target)
        still = np.zeros((*self.spec.input_size, 3), np.float32)
        parts = [
            # Each image by itself: the start of a path that goes nowhere.
            self._weighed(part, still, np.zeros(len(part), np.float32), np.eye(len(part), dtype=np.float32), index, of)
            for part in _parts(self._batch(images), self.chunk)
        ]
        return np.concatenate([part.scores for part in parts]), np.concatenate([part.weighted for part in parts])

    def path_chunk(self, baseline: Any, velocity: Any, alphas: Any, weights: Any, target: int, of: Of) -> PathChunk:
        """Weigh the gradients at the points baseline + α · velocity.

        Parameters
        ----------
        baseline, velocity : (H, W, 3) float32
            Arrays, or tensors where the caller makes many calls.
        alphas : (n,) float32
        weights : (R, n) float32
        target : int
        of : {"probability", "logit"}

        Returns
        -------
        PathChunk
        """
        return self._weighed(baseline[None], velocity, alphas, weights, target, of)

    def _weighed(self, starts: Any, velocity: Any, alphas: Any, weights: Any, target: int, of: Of) -> PathChunk:
        """Weigh the gradients at starts + α · velocity, with one start for all or one for each α."""
        check_of(of)
        index, logit = tf.constant(target, tf.int32), tf.constant(of == "logit")
        results = self._gradients(starts, velocity, alphas, weights, index, logit)
        return PathChunk(*(result.numpy() for result in results))

    def _compile(self) -> None:
        height, width = self.spec.input_size
        picture = tf.TensorSpec((height, width, 3), tf.float32)
        batch = tf.TensorSpec((None, height, width, 3), tf.float32)
        index, flag = tf.TensorSpec((), tf.int32), tf.TensorSpec((), tf.bool)
        alphas = tf.TensorSpec((None,), tf.float32)
        rows = tf.TensorSpec((None, None), tf.float32)

        @tf.function(input_signature=(batch, flag), autograph=False)
        def scores_of(images: Any, logit: Any) -> Any:
            return self._outputs(self._forward.normalized(images), logit)

        # One function for gradients of paths and of images, since it takes a second to compile.
        @tf.function(input_signature=(batch, picture, alphas, rows, index, flag), autograph=False)
        def gradients(starts: Any, velocity: Any, alphas: Any, weights: Any, target: Any, logit: Any) -> Any:
            self._traces += 1  # runs while tracing only
            # Whole pictures as rows throughout: TensorFlow is slow where it broadcasts over three channels.
            scale, offset = (
                (value * np.ones((height, width, 3), np.float32)).reshape(1, -1)
                for value in (self._forward.scale, self._forward.offset)
            )
            size = height * width * 3
            step = tf.reshape(velocity, (1, size))
            points = (tf.reshape(starts, (-1, size)) + tf.reshape(alphas, (-1, 1)) * step) * scale + offset
            seen = tf.reshape(points, (-1, height, width, 3))
            scores, found = self._score_and_gradient(seen, target, logit)
            found = tf.reshape(found, (-1, size))
            # Always so many rows, so that what one row gives does not depend on how many are asked for with it.
            count = tf.shape(weights)[0]
            rows = tf.matmul(tf.pad(weights, ((0, -count % ROWS), (0, 0))), found)[:count]
            weighted = tf.reshape(rows * scale, (-1, height, width, 3))
            sums = tf.matmul(found, tf.concat([step * scale, scale / scale.size], 0), transpose_b=True)
            slopes, means = tf.unstack(sums, axis=1)
            return weighted, scores, slopes, means

        self._scores_of, self._gradients = scores_of, gradients

    def _outputs(self, seen: Any, logit: Any) -> Any:
        """Scores of all classes; the choice is a tensor, so that it never retraces."""
        raw = self._forward.outputs(seen)
        if self.spec.outputs == "probabilities":
            return tf.where(logit, tf.math.log(tf.maximum(raw, TINY)), raw)
        return tf.where(logit, raw, tf.nn.softmax(raw))

    def _score_and_gradient(self, seen: Any, target: Any, logit: Any) -> tuple[Any, Any]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(seen)
            scores = tf.gather(self._outputs(seen, logit), target, axis=1)
        gradients = tape.gradient(scores, seen)
        if gradients is None:
            raise ModelError(
                f"model {self.spec.key} has no gradient with respect to its input: an operation in it "
                "(a cast to integers, an area resize) cuts it; choose another model"
            )
        return scores, gradients

    def _batch(self, images: Array) -> Array:
        array = np.asarray(images, np.float32)
        expected = (*self.spec.input_size, 3)
        if array.ndim != 4 or array.shape[1:] != expected:
            raise InputError(
                f"images have shape {array.shape}; model {self.spec.key} expects (B, {expected[0]}, {expected[1]}, 3): "
                "load them with size=model.spec.input_size"
            )
        return array

    def _prove(self) -> None:
        """Run one image through scores and gradient, and refuse a model that cannot do it."""
        image = np.random.default_rng(0).random((1, *self.spec.input_size, 3), dtype=np.float32)
        try:
            alphas = np.linspace(0, 1, self.chunk, dtype=np.float32)
            gradients = self.path_chunk(image[0], -image[0], alphas, alphas[None], 0, "probability").weighted
            scores = self.scores(image)
        except ModelError:
            raise
        except Exception as error:
            reason = str(error).strip().split("\n")[0]
            raise ModelError(f"model {self.spec.key} failed on a test image: {reason}") from error
        if scores.shape != (1, len(self.spec.labels)):
            raise ModelError(
                f"model {self.spec.key} returned shape {scores.shape} for one image and {len(self.spec.labels)} "
                "class names; expected (1, classes)"
            )
        if not (np.isfinite(scores).all() and np.isfinite(gradients).all()):
            raise ModelError(f"model {self.spec.key} gave NaN or infinite values on a test image; choose another model")


def _parts(images: Array, size: int) -> list[Array]:
    return [images[start : start + size] for start in range(0, len(images), size)] or [images]
