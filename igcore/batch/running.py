"""A batch under way: some images ahead of the reader, each written when it is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, wait

from igcore.batch.examine import Examine, Examined, Specification
from igcore.batch.record import Record, Row
from igcore.batch.sources import Source
from igcore.errors import InputError
from igcore.runtime import Client, Job

__all__ = ["run_batch"]

#: Images asked for at once, for each worker: one under way and one that waits.
AHEAD = 2


def run_batch(
    client: Client,
    sources: Iterable[Source],
    specification: Specification,
    record: Record,
    on_row: Callable[[Row], None] = lambda _row: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Explain all images that the record does not have yet.

    Parameters
    ----------
    client : Client
    sources : iterable of Source
        Read no further ahead than needed.
    specification : Specification
    record : Record
    on_row : callable
        Told each row after it was written.
    should_stop : callable
        Asked a few times a second; then what is under way stops and is not written.

    Returns
    -------
    bool
        Whether all images were gone through.
    """
    limits = client.runtime.limits
    bounds = int(limits.upload_megabytes * 1e6), int(limits.upload_megapixels * 1e6)
    left = iter([source for source in sources if source.name not in record.rows])
    most = AHEAD * client.runtime.back_end.slots["long"]
    running: dict[Job[Examined], Source] = {}
    try:
        while not should_stop():
            while len(running) < most and (source := next(left, None)) is not None:
                try:
                    running[client.ask(Examine(source.read(), specification, *bounds))] = source
                except InputError as error:
                    on_row(record.add_failure(source, str(error)))
            if not running:
                return True
            wait([job.computation.future for job in running], timeout=0.2, return_when=FIRST_COMPLETED)
            for job in [job for job in running if job.done]:
                if job.stopped:  # whoever asked for the batch is gone
                    return False
                source = running.pop(job)
                found = job.value
                on_row(record.add(source, found) if found is not None else record.add_failure(source, job.error or ""))
        return False
    finally:
        for job in running:
            job.cancel()
