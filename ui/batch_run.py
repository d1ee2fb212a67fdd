"""A batch of one session: on a thread of its own, in a folder that goes when the session goes."""

from __future__ import annotations

import io
import logging
import tempfile
import threading
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from igcore.batch import Record, Source, Specification, run_batch
from igcore.batch.record import Row
from igcore.errors import IGError
from igcore.results import Attribution
from igcore.runtime import Client
from ui.language import N_

__all__ = ["Run", "current", "start"]

_RUN = "batch run"

log = logging.getLogger("igcore.ui")


class Run:
    """A batch under way, stopped, or finished.

    Attributes
    ----------
    sources : sequence of Source
    specification : Specification
    record : Record
        What is known so far.
    error : str
        Why it ended, where that was neither its end nor somebody's wish; in English, since its thread has no page.
    """

    def __init__(self, sources: Sequence[Source], specification: Specification) -> None:
        self.sources, self.specification = sources, specification
        self._folder = tempfile.TemporaryDirectory(prefix="igcore-batch-")
        self.record = Record(self._folder.name, specification)
        self.finished, self.running, self.error = False, False, ""
        self._stop = threading.Event()
        self._began, self._had = 0.0, 0

    def go_on(self, client: Client) -> None:
        """Begin, or go on where it was stopped."""
        self._stop.clear()
        self.running, self.error = True, ""
        self._began, self._had = time.monotonic(), len(self.record.rows)
        threading.Thread(target=self._work, args=(client,), name="batch", daemon=True).start()

    def _work(self, client: Client) -> None:
        try:
            self.finished = run_batch(
                client, self.sources, self.specification, self.record, should_stop=self._stop.is_set
            )
            self.record.write_manifest()
        except IGError as error:
            self.error = str(error)
        except Exception:
            log.exception("a batch failed")
            self.error = N_("Something in this program failed; the log has the details. Go on to try again.")
        finally:
            self.running = False

    def stop(self) -> None:
        """Stop it; what is finished stays."""
        self._stop.set()

    @property
    def done(self) -> int:
        """Images that are through, failures included."""
        return len(self.record.rows)

    @property
    def rows(self) -> list[Row]:
        """What is known of each image, in the images' order."""
        found = dict(self.record.rows)
        return [found[source.name] for source in self.sources if source.name in found]

    @property
    def seconds_left(self) -> float | None:
        """Remaining time by the pace so far; None before there is one."""
        gained = self.done - self._had
        if not self.running or not gained:
            return None
        return (time.monotonic() - self._began) / gained * (len(self.sources) - self.done)

    def overlay(self, row: Row) -> bytes:
        """Return the overlay of an image: a PNG."""
        return (self.record.folder / row["overlay"]).read_bytes()

    def attribution(self, row: Row) -> Attribution:
        """Return the attribution of an image."""
        return Attribution.load(self.record.folder / row["attribution"])

    def zipped(self) -> bytes:
        """Return everything as a ZIP."""
        buffer, folder = io.BytesIO(), self.record.folder
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for file in sorted(path for path in folder.rglob("*") if path.is_file()):
                archive.write(file, Path(file.relative_to(folder)).as_posix())
        return buffer.getvalue()


def current() -> Run | None:
    """Return this session's run."""
    run: Run | None = st.session_state.get(_RUN)
    return run


def start(sources: Sequence[Source], specification: Specification, client: Client) -> None:
    """Begin a run in place of the one before."""
    before = current()
    if before is not None:
        before.stop()
    run = st.session_state[_RUN] = Run(sources, specification)
    run.go_on(client)
