"""What a batch leaves behind: a file for each map and overlay, a journal, and a manifest made from it."""

from __future__ import annotations

import contextlib
import io
import json
import os
from pathlib import Path
from typing import Any

from igcore.batch.examine import Examined, Specification
from igcore.batch.sources import Source
from igcore.batch.summary import where_it_falls
from igcore.errors import InputError
from igcore.files import write_whole

if os.name == "posix":
    import fcntl

__all__ = ["Record", "Row"]

Row = dict[str, Any]

#: Rows after which the manifest is written anew while a run goes on.
MANIFEST_EVERY = 500

ATTRIBUTIONS, OVERLAYS = "attributions", "overlays"
SETTINGS, JOURNAL, MANIFEST = "run.json", "rows.jsonl", "manifest.parquet"


class Record:
    """The folder that a batch writes to.

    Parameters
    ----------
    folder : path
        Made where it does not exist.
    specification : Specification
    resume : bool
        Whether to go on with what an earlier run left there.

    Raises
    ------
    InputError
        Where the folder holds a run that is not to be gone on with or was asked for something else, where another
        process writes to it, or where it cannot be written.

    Notes
    -----
    An image's files are written whole, each under another name first; then its row is added to the journal and flushed
    to the disk. So whatever moment a run is ended at, an image is either in the journal with all its files, or not in
    it and done again. A row cut off at the end of the journal is dropped; files without a row are overwritten.
    """

    def __init__(self, folder: str | os.PathLike[str], specification: Specification, resume: bool = False) -> None:
        self.folder = Path(folder)
        self.rows: dict[str, Row] = {}
        try:
            for part in (ATTRIBUTIONS, OVERLAYS):
                (self.folder / part).mkdir(parents=True, exist_ok=True)
            self._journal = (self.folder / JOURNAL).open("a+b")
        except OSError as error:
            raise InputError(f"cannot write to {self.folder}: {error.strerror}; choose another folder") from error
        try:
            self._begin(specification, resume)
        except BaseException:
            self._journal.close()
            raise

    def _begin(self, specification: Specification, resume: bool) -> None:
        if os.name == "posix":
            try:
                fcntl.flock(self._journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise InputError(f"another run is writing to {self.folder}; wait for it, or choose another") from None
        settings, asked = self.folder / SETTINGS, specification.describe()
        if settings.exists() and not resume:
            raise InputError(f"{self.folder} holds a run already; add --resume to go on with it, or choose another")
        if settings.exists():
            before = _json(settings)
            if before != json.loads(json.dumps(asked)):
                differs = [key for key in asked if json.loads(json.dumps(asked[key])) != before.get(key)]
                raise InputError(
                    f"the run in {self.folder} was asked for another {' and '.join(differs) or 'thing'}; ask for the "
                    "same, or choose another folder"
                )
        else:
            write_whole(settings, json.dumps(asked, indent=1).encode())
        for left in self.folder.rglob(".*"):
            if left.is_file() and len(left.name) == 33:  # what `write_whole` was about to write
                left.unlink()
        self._read()

    def _read(self) -> None:
        """Take the rows whose files are there, and drop what was cut off."""
        self._journal.seek(0)
        text = self._journal.read()
        whole = text[: text.rfind(b"\n") + 1]
        if len(whole) < len(text):
            self._journal.truncate(len(whole))
        for line in whole.splitlines():
            try:
                row = json.loads(line)
                name, files = row["name"], [row[part] for part in ("attribution", "overlay") if row[part]]
            except (ValueError, KeyError, TypeError):
                raise InputError(
                    f"{self.folder / JOURNAL} is not a journal of a batch; choose another folder"
                ) from None
            if all((self.folder / file).is_file() for file in files):
                self.rows[name] = row
        self._failed = sum(row["error"] is not None for row in self.rows.values())

    @property
    def failed(self) -> int:
        """Count the images that could not be explained."""
        return self._failed

    def add(self, source: Source, found: Examined) -> Row:
        """Write what was found of an image; returns its row."""
        result, stem = found.attribution, source.stem
        files = {"attribution": f"{ATTRIBUTIONS}/{stem}.npz", "overlay": f"{OVERLAYS}/{stem}.png"}
        write_whole(self.folder / files["attribution"], result.to_bytes())
        write_whole(self.folder / files["overlay"], found.overlay)
        falls = where_it_falls(result.values)
        return self._append(
            {
                "name": source.name,
                "error": None,
                "label": result.label,
                "target": result.target,
                "score": result.score,
                "baseline_score": result.baseline_score,
                "sum": result.sum,
                "completeness_error": result.completeness_error,
                "relative_completeness_error": result.relative_completeness_error,
                "correction": result.correction,
                "map_error": result.map_error,
                "converged": result.converged,
                "gradient_count": result.gradient_count,
                "forward_count": result.forward_count,
                "seconds": result.seconds,
                "top_labels": [label for label, _ in found.top],
                "top_scores": [score for _, score in found.top],
                "center_share": falls and falls.center,
                "border_share": falls and falls.border,
                "entropy": falls and falls.entropy,
                **files,
            }
        )

    def add_failure(self, source: Source, error: str) -> Row:
        """Note that an image could not be explained; returns its row."""
        return self._append(dict.fromkeys(_COLUMNS) | {"name": source.name, "error": error})

    def _append(self, row: Row) -> Row:
        self._journal.write(json.dumps(row).encode() + b"\n")
        self._journal.flush()
        os.fsync(self._journal.fileno())
        self.rows[row["name"]] = row
        self._failed += row["error"] is not None
        if len(self.rows) % MANIFEST_EVERY == 0:
            self.write_manifest()
        return row

    def write_manifest(self) -> Path:
        """Write the rows as a Parquet table, sorted by name; returns its path."""
        import pyarrow as pa
        from pyarrow import parquet

        rows = sorted(self.rows.values(), key=lambda row: str(row["name"]))
        schema = pa.schema([(name, _type(pa, kind)) for name, kind in _COLUMNS.items()])
        buffer = io.BytesIO()
        parquet.write_table(pa.Table.from_pylist(rows, schema), buffer)
        write_whole(self.folder / MANIFEST, buffer.getvalue())
        return self.folder / MANIFEST

    def close(self) -> None:
        """Write the manifest and let go of the folder."""
        with contextlib.closing(self._journal):
            self.write_manifest()


#: Columns of the manifest.
_COLUMNS = {
    "name": "string",
    "error": "string",
    "label": "string",
    "target": "int32",
    "score": "float64",
    "baseline_score": "float64",
    "sum": "float64",
    "completeness_error": "float64",
    "relative_completeness_error": "float64",
    "correction": "float64",
    "map_error": "float64",
    "converged": "bool",
    "gradient_count": "int32",
    "forward_count": "int32",
    "seconds": "float64",
    "top_labels": "strings",
    "top_scores": "numbers",
    "center_share": "float64",
    "border_share": "float64",
    "entropy": "float64",
    "attribution": "string",
    "overlay": "string",
}


def _type(pa: Any, kind: str) -> Any:
    lists = {"strings": pa.list_(pa.string()), "numbers": pa.list_(pa.float64()), "bool": pa.bool_()}
    return lists[kind] if kind in lists else getattr(pa, kind)()


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise InputError(f"{path} is not the settings of a batch; choose another folder")
    return found
