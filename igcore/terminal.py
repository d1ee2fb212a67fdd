"""What the command line does with a terminal: draw progress, and listen for Ctrl-C."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator

from igcore.results import Progress

__all__ = ["images_bar", "progress_bar", "stopped_by_ctrl_c"]


@contextlib.contextmanager
def progress_bar(wanted: bool) -> Iterator[Callable[[Progress], None] | None]:
    """Draw a progress bar on standard error where a person is watching; yields what to tell, or None."""
    if not wanted or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("gradients")

        def told(progress: Progress) -> None:
            bar.update(task, completed=progress.done, total=progress.total)

        yield told


@contextlib.contextmanager
def images_bar(done: int, total: int) -> Iterator[Callable[[int, int], None]]:
    """Draw how many images are done, at what rate, and what is left; yields what to tell: done, and failed."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("images, {task.fields[rate]} a minute, {task.fields[failed]} failed,"),
        TimeElapsedColumn(),
        TextColumn("gone,"),
        TimeRemainingColumn(elapsed_when_finished=False),
        TextColumn("left"),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True, speed_estimate_period=120) as bar:
        task = bar.add_task("images", completed=done, total=total, rate="–", failed=0)

        def told(done: int, failed: int) -> None:
            bar.update(task, completed=done)
            speed = bar.tasks[task].speed
            bar.update(task, failed=failed, rate="–" if speed is None else f"{60 * speed:.0f}")

        yield told


@contextlib.contextmanager
def stopped_by_ctrl_c() -> Iterator[Callable[[], bool]]:
    """Take the first Ctrl-C as a wish to stop; yields what tells whether it came. The second one ends at once."""
    wished = threading.Event()

    def wish(*_: object) -> None:
        wished.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = signal.signal(signal.SIGINT, wish)
    try:
        yield wished.is_set
    finally:
        signal.signal(signal.SIGINT, before)
