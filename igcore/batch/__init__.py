"""Many images explained in one run, which may be stopped at any moment and goes on where it was."""

from __future__ import annotations

from igcore.batch.archives import images_of_zip
from igcore.batch.examine import Examine, Examined, Specification
from igcore.batch.record import Record
from igcore.batch.running import run_batch
from igcore.batch.sources import Source, find_images
from igcore.batch.summary import ClassSummary, by_class, where_it_falls

__all__ = [
    "ClassSummary",
    "Examine",
    "Examined",
    "Record",
    "Source",
    "Specification",
    "by_class",
    "find_images",
    "images_of_zip",
    "run_batch",
    "where_it_falls",
]
