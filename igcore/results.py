"""Results: frozen, and saved whole without pickle."""

from __future__ import annotations

import io
import json
import os
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from igcore.errors import InputError

__all__ = ["Attribution", "PathTrace", "Progress"]


@dataclass(frozen=True, slots=True, eq=False)
class PathTrace:
    """What was seen at each node of a path, in ascending α. All arrays are (n,) float64.

    Attributes
    ----------
    alphas, weights : the integrator's nodes and weights
    scores : F at each node
    slopes : ∇F · (x − x′), the derivative of F along the path
    mean_gradients : the mean of ∇F over pixels and channels
    """

    alphas: NDArray[np.float64]
    weights: NDArray[np.float64]
    scores: NDArray[np.float64]
    slopes: NDArray[np.float64]
    mean_gradients: NDArray[np.float64]

    @property
    def cumulative(self) -> NDArray[np.float64]:
        """The attribution collected up to each node; the last is the sum over the whole map."""
        return np.cumsum(self.weights * self.slopes)


@dataclass(frozen=True, slots=True, eq=False)
class Attribution:
    """An explanation of one class's score for one image.

    Attributes
    ----------
    values : (H, W, 3) float32
        Attribution of each [0, 1] RGB value.
    image : (H, W, 3) float32 in [0, 1]
    baseline : (H, W, 3) float32 in [0, 1] or None
        None for a method that compares with nothing.
    target : int
    label : str
    model : str
        Key of the model.
    method : str
        Key of the method.
    settings : dict
        The method's settings and the seed, as plain values.
    score, baseline_score : float
        F(x) and F(x′) for the target; the latter None without a baseline.
    additive : bool
        Whether the values are shares of F(x) − F(x′), so that completeness applies.
    by_construction : bool
        Whether that sum is exact whatever the values are, so that it is no check of them.
    gradient_count, forward_count : int
        Gradient evaluations spent, and scores taken without a gradient.
    seconds : float
    map_error : float or None
        Estimated L1 distance to the converged map over the map's L1 norm; None where none is known.
    correction : float or None
        What was added in all to make the map complete; None where nothing was corrected.
    converged : bool or None
        Whether an integrator that chooses when to stop did so within its tolerances; None for the others.
    absorbed : dict of str to float, or None
        Of a method that hands relevance from layer to layer: what each layer's bias and stabilizer kept of it, from
        the output down, so that F(x) = Σ values + Σ absorbed.
    standard_error : (H, W) float32 or None
        Of a method that samples: of the value of each pixel, summed over its channels.
    trace : PathTrace or None
    """

    values: NDArray[np.float32]
    image: NDArray[np.float32]
    baseline: NDArray[np.float32] | None
    target: int
    label: str
    model: str
    method: str
    settings: dict[str, Any]
    score: float
    baseline_score: float | None
    additive: bool
    gradient_count: int
    seconds: float
    map_error: float | None = None
    correction: float | None = None
    converged: bool | None = None
    by_construction: bool = False
    forward_count: int = 0
    absorbed: dict[str, float] | None = None
    standard_error: NDArray[np.float32] | None = None
    trace: PathTrace | None = None

    @property
    def sum(self) -> float:
        """Σ values over all pixels and channels."""
        return float(self.values.sum(dtype=np.float64))

    @property
    def score_difference(self) -> float | None:
        """F(x) − F(x′), which a complete attribution sums to."""
        return None if self.baseline_score is None else self.score - self.baseline_score

    @property
    def completeness_error(self) -> float | None:
        """Σ values − (F(x) − F(x′)), signed; None where completeness does not apply."""
        if not self.additive or self.score_difference is None:
            return None
        return self.sum - self.score_difference

    @property
    def relative_completeness_error(self) -> float | None:
        """|completeness error| over |F(x) − F(x′)|; None where that difference is zero."""
        error, difference = self.completeness_error, self.score_difference
        return abs(error) / abs(difference) if error is not None and difference else None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything to an .npz file, whole or not at all."""
        from igcore.files import write_whole

        write_whole(path, self.to_bytes())

    def to_bytes(self) -> bytes:
        """Encode everything as an .npz file without pickled objects."""
        arrays: dict[str, Any] = {"values": self.values, "image": self.image}
        if self.baseline is not None:
            arrays["baseline"] = self.baseline
        if self.standard_error is not None:
            arrays["standard_error"] = self.standard_error
        if self.trace is not None:
            arrays.update({f"trace_{part.name}": getattr(self.trace, part.name) for part in fields(PathTrace)})
        arrays["facts"] = np.array(json.dumps({name: getattr(self, name) for name in _FACTS}))
        buffer = io.BytesIO()
        # Uncompressed: noise-like floats hardly shrink, and a page encodes this on every repaint.
        np.savez(buffer, **arrays)
        return buffer.getvalue()

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Attribution:
        """Read what `save` wrote.

        Raises
        ------
        InputError
            Where the file is not one of ours.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = dict(file)
            facts = json.loads(str(arrays["facts"]))
            trace = None
            if "trace_alphas" in arrays:
                trace = PathTrace(**{part.name: arrays[f"trace_{part.name}"] for part in fields(PathTrace)})
            shape = arrays["values"].shape
            if len(shape) != 3 or any(arrays[name].shape != shape for name in ("image", "baseline") if name in arrays):
                raise ValueError("shapes differ")
            if "standard_error" in arrays and arrays["standard_error"].shape != shape[:2]:
                raise ValueError("shapes differ")
            return cls(
                values=arrays["values"],
                image=arrays["image"],
                baseline=arrays.get("baseline"),
                standard_error=arrays.get("standard_error"),
                trace=trace,
                **{name: facts[name] for name in _FACTS if name in facts},
            )
        except FileNotFoundError:
            raise InputError(f"there is no file {os.fspath(path)!r}; check the path") from None
        except Exception as error:
            raise InputError(
                f"{os.fspath(path)!r} is not an attribution saved by igcore ({type(error).__name__}); choose another"
            ) from error


_ARRAYS = ("values", "image", "baseline", "standard_error", "trace")
_FACTS = tuple(part.name for part in fields(Attribution) if part.name not in _ARRAYS)


@dataclass(frozen=True, slots=True, eq=False)
class Progress:
    """How far a computation is.

    Attributes
    ----------
    done, total : int
        Gradient evaluations, or scores where a method takes no gradients; the total is a guess where an integrator
        finds out on its way.
    partial : object
        What is known so far, of the result's type: for a fixed integrator, the attribution collected from the baseline
        up to the last node; for the adaptive one, its map after the last round. None where nothing is.
    """

    done: int
    total: int
    partial: Any = None
