"""The question how every method of the study shares out a function whose effects are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from igcore.criteria import STUDY, CriteriaTable, criteria_table
from igcore.runtime.question import Lane, Models, OnProgress, Question, ShouldStop, name_of

__all__ = ["MeasureCriteria"]


@dataclass(frozen=True, eq=False)
class MeasureCriteria(Question[CriteriaTable]):
    """The three criteria of all methods on one function of `igcore.criteria.CASES`."""

    case: str
    lane: ClassVar[Lane] = "study"

    @property
    def key(self) -> str:
        """See `Question`."""
        return name_of("criteria", self.case)

    @property
    def effort(self) -> tuple[str, float]:
        """See `Question`; networks take longer than polynomials."""
        return f"criteria:{self.case}", float(len(STUDY))

    def answer(self, _models: Models, on_progress: OnProgress, should_stop: ShouldStop) -> CriteriaTable:
        """Measure them; progress carries the methods that are done."""
        return criteria_table(cases=(self.case,), on_progress=on_progress, should_stop=should_stop)

    def size(self, _answer: CriteriaTable) -> int:
        """See `Question`."""
        return 20_000
