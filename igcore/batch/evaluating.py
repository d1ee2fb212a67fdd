"""Explanations of many images tested: a row for each image and explanation, and distributions over the images."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from igcore.batch.sources import Source
from igcore.errors import Cancelled, IGError, InputError
from igcore.evaluation import Candidate, evaluate
from igcore.files import write_whole
from igcore.images import Fit, load_image
from igcore.methods import Method
from igcore.metrics import Metric, Order
from igcore.metrics.rows import facts_of
from igcore.models import Model, ModelSpec, Of

__all__ = ["Evaluations", "Wanted", "evaluate_images"]

SETTINGS, IMAGES, TABLE = "evaluation.json", "images", "evaluations.parquet"

#: Percentiles that stand for the ends of a distribution.
LOW, HIGH = 10, 90


@dataclass(frozen=True, eq=False)
class Wanted:
    """What is done with each image."""

    methods: dict[str, Method]
    metrics: tuple[Metric, ...]
    target: int | None
    of: Of
    order: Order
    seed: int
    fit: Fit

    def describe(self, spec: ModelSpec) -> dict[str, Any]:
        """Return all that a row depends on but the image, as plain values that JSON can hold."""
        return {
            "model": spec.key,
            "weights": spec.sha256,
            "methods": {name: {"key": one.key, **one.describe()} for name, one in self.methods.items()},
            "metrics": {one.key: one.describe() for one in self.metrics},
            **{name: getattr(self, name) for name in ("target", "of", "order", "seed", "fit")},
        }


class Evaluations:
    """The folder that an evaluation of many images writes to.

    Parameters
    ----------
    folder : path
        Made where it does not exist.
    wanted : Wanted
    spec : ModelSpec
    resume : bool
        Whether to go on with what an earlier run left there.

    Attributes
    ----------
    rows : dict of str to dict
        By image: its file's content.

    Raises
    ------
    InputError
        Where the folder cannot be written, or holds a run that is not to be gone on with or was asked for something
        else.

    Notes
    -----
    Each image has a file of its own, written whole when the image is done: whatever moment a run is ended at, an image
    is done or is done again.
    """

    def __init__(self, folder: str | os.PathLike[str], wanted: Wanted, spec: ModelSpec, resume: bool = False) -> None:
        self.folder = Path(folder)
        self.rows: dict[str, dict[str, Any]] = {}
        try:
            (self.folder / IMAGES).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot write to {self.folder}: {error.strerror}; choose another folder") from error
        settings, asked = self.folder / SETTINGS, json.loads(json.dumps(wanted.describe(spec)))
        if settings.exists() and not resume:
            raise InputError(f"{self.folder} holds a run already; add --resume to go on with it, or choose another")
        if settings.exists() and _read(settings) != asked:
            raise InputError(f"the run in {self.folder} was asked for something else; choose another folder")
        write_whole(settings, json.dumps(asked, indent=2, ensure_ascii=False).encode())
        for file in sorted((self.folder / IMAGES).glob("*.json")):
            row = _read(file)
            self.rows[row["image"]] = row

    @property
    def failed(self) -> int:
        """How many images could not be tested."""
        return sum(row["error"] is not None for row in self.rows.values())

    def add(self, source: Source, row: dict[str, Any]) -> None:
        """Keep what was found of an image."""
        write_whole(self.folder / IMAGES / f"{source.stem}.json", json.dumps(row, ensure_ascii=False).encode())
        self.rows[source.name] = row

    def summarize(self) -> list[dict[str, Any]]:
        """Write all rows as one table, and return the distribution of each metric for each explanation.

        Returns
        -------
        list of dict
            name, metric, images, median, low and high (percentiles), over_random_median, and `ahead`: on which share of
            the images it is ahead of the mean random map; None where nothing is known.
        """
        cells = [
            {"image": name, "name": row["name"], "metric": key, **found}
            for name, image in sorted(self.rows.items())
            for row in image["rows"]
            for key, found in row["metrics"].items()
        ]
        self._write_table(cells)
        kinds = dict.fromkeys((cell["name"], cell["metric"]) for cell in cells)
        return [
            _distribution(name, metric, [cell for cell in cells if (cell["name"], cell["metric"]) == (name, metric)])
            for name, metric in kinds
        ]

    def _write_table(self, cells: list[dict[str, Any]]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        texts = [(name, pa.string()) for name in ("image", "name", "metric")]
        numbers = [(name, pa.float64()) for name in ("value", "error", "over_random", "over_edges", "spread")]
        buffer = pa.BufferOutputStream()
        pq.write_table(pa.Table.from_pylist(cells, pa.schema([*texts, *numbers])), buffer)
        write_whole(self.folder / TABLE, buffer.getvalue().to_pybytes())


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {file}: it is not a run's file; move it away") from error


def _distribution(name: str, metric: str, cells: Sequence[dict[str, Any]]) -> dict[str, Any]:
    values, ahead = (
        np.array([cell[kind] for cell in cells if cell[kind] is not None], np.float64)
        for kind in ("value", "over_random")
    )
    low, median, high = map(float, np.percentile(values, [LOW, 50, HIGH])) if values.size else (None,) * 3
    return {
        "name": name,
        "metric": metric,
        "images": values.size,
        "median": median,
        "low": low,
        "high": high,
        "over_random_median": float(np.median(ahead)) if ahead.size else None,
        "ahead": float((ahead > 0).mean()) if ahead.size else None,
    }


def evaluate_images(
    model: Model,
    sources: Sequence[Source],
    wanted: Wanted,
    record: Evaluations,
    told: Callable[[], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> bool:
    """Test the explanations of each image that the record does not hold yet.

    Parameters
    ----------
    model : Model
    sources : sequence of Source
    wanted : Wanted
    record : Evaluations
    told : callable, optional
        Called after each image.
    should_stop : callable, optional
        Asked before each chunk.

    Returns
    -------
    bool
        Whether all are done; False where it was stopped.
    """
    for source in sources:
        if source.name in record.rows:
            continue
        try:
            row = {"image": source.name, "error": None, **_row(model, source, wanted, should_stop)}
        except Cancelled:
            return False
        except IGError as error:
            row = {"image": source.name, "error": str(error), "rows": []}
        record.add(source, row)
        if told is not None:
            told()
    return True


def _row(model: Model, source: Source, wanted: Wanted, should_stop: Callable[[], bool] | None) -> dict[str, Any]:
    image = load_image(source.read(), model.spec.input_size, wanted.fit)
    several = [Candidate(name, method) for name, method in wanted.methods.items()]
    found = evaluate(
        model,
        image,
        several,
        wanted.metrics,
        wanted.target,
        wanted.of,
        wanted.order,
        wanted.seed,
        should_stop=should_stop,
    )
    facts = facts_of(found)
    return {"target": facts["target"], "label": facts["label"], "rows": facts["rows"]}
