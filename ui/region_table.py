"""What methods give the regions, beside their exact Shapley values; and all of it as files."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from igcore.agreement import spearman
from igcore.baselines import Baseline
from igcore.games import members, orders
from igcore.methods import METHODS, MethodSpec
from igcore.models import Of
from igcore.region_effects import RegionEffects
from igcore.results import Attribution
from igcore.runtime import Job
from igcore.runtime.questions import ByMethod
from igcore.superpixels import gathered
from ui.language import _, line
from ui.markup import plain
from ui.scene import Subject

__all__ = ["Compared", "compared_methods", "csv_of_effects", "region_table"]


@dataclass(frozen=True, eq=False)
class Compared:
    """A method whose attribution is summed over each region: its question, or why it cannot run."""

    spec: MethodSpec
    question: ByMethod
    why_not: str | None = None


def compared_methods(
    keys: Sequence[str], subject: Subject, target: int, baseline: Baseline, of: Of, closed: str | None
) -> list[Compared]:
    """Return methods with their first settings, but for the baseline and the score, which the regions have too.

    Parameters
    ----------
    keys : sequence of str
    subject : Subject
    target : int
    baseline : Baseline
    of : {"probability", "logit"}
    closed : str or None
        Why the model's layers cannot be read.
    """
    found = []
    for key in keys:
        spec = METHODS[key]
        takes = {part.name for part in fields(spec.settings)}
        given = {name: value for name, value in (("baseline", baseline), ("of", of)) if name in takes}
        why_not = closed if closed and spec.needs == "layers" else None
        question = ByMethod(subject.spec.key, subject.image, spec.settings(**given), target)
        found.append(Compared(spec, question, why_not))
    return found


def region_table(
    effects: RegionEffects, several: Sequence[Compared], jobs: dict[str, Job[Any]], stem: str | None
) -> None:
    """Show exact Shapley values beside each method's sum per region, and how far their ranks agree.

    Parameters
    ----------
    effects : RegionEffects
    several : sequence of Compared
    jobs : dict of str to Job
        By key of the question.
    stem : str or None
        How the download is called; None for no download.
    """
    exact = effects.shapley_values
    if exact is None:
        st.caption(_("Shapley values need all combinations: they are shown here when all are scored."))
        return
    sums = {one.spec.key: _sums(effects, jobs.get(one.question.key)) for one in several}
    ranks = {key: spearman(found, exact) for key, found in sums.items() if found is not None}
    columns: dict[str, list[Any]] = {
        _("Region"): [*map(str, range(1, effects.regions + 1)), _("Rank agreement")],
        _("Part of the photo"): [*(np.bincount(effects.labels.ravel()) / effects.labels.size), None],
        _("Independent effect"): [*effects.independent, spearman(effects.independent, exact)],
        _("Shapley value, exact"): [*exact, 1.0],
    }
    for one in several:
        found = sums[one.spec.key]
        values = [None] * effects.regions if found is None else list(found)
        columns[_(one.spec.label)] = [*values, ranks.get(one.spec.key)]
    numbers = {name: st.column_config.NumberColumn(format="%.3f") for name in list(columns)[2:]}
    others = {
        _("Region"): st.column_config.TextColumn(width=130),
        _("Part of the photo"): st.column_config.NumberColumn(format="percent"),
    }
    st.dataframe(
        columns, column_config=numbers | others, hide_index=True, placeholder="–", key="region_table",
        height=35 * (effects.regions + 2) + 3,
    )  # fmt: skip
    _missing(several, jobs)
    st.caption(_read(effects.regions))
    if stem is not None:
        st.download_button(
            _("Regions (CSV)"), _csv_of_regions(effects, sums), f"{stem}_regions.csv", "text/csv",
            icon=":material/download:", on_click="ignore", key="download_regions",
        )  # fmt: skip


def _sums(effects: RegionEffects, job: Job[Attribution] | None) -> NDArray[np.float64] | None:
    """Sum a method's map over each region: (n,)."""
    result = job.value if job is not None else None
    return None if result is None else gathered(result.values.sum(axis=-1, dtype=np.float64), effects.labels)


def _missing(several: Sequence[Compared], jobs: dict[str, Job[Any]]) -> None:
    """Say of each method without a number why it has none."""
    for one in several:
        job = jobs.get(one.question.key)
        why = one.why_not or (job.error if job is not None and not job.stopped else None)
        if why:
            st.caption(f":material/block: **{_(one.spec.label)}**: {plain(line(why))}")


def _read(regions: int) -> str:
    """Say how the table is read."""
    told = _(
        "A method's number is the sum of its attribution over the region's pixels. The last row is Spearman's rank "
        "correlation with the exact Shapley values; heat maps in a unit of their own can agree in ranks alone."
    )
    # The normal approximation: within a hundredth of the exact tables from eight on.
    chance = 1.96 / np.sqrt(regions - 1)
    if chance >= 1:
        coarse = _("With n = {count} regions ranks agree too easily by chance: take more.", count=regions)
    else:
        coarse = _(
            "n = {count} is few: random ranks go beyond ±{bound:.2f} in one of twenty cases.",
            count=regions,
            bound=chance,
        )
    return f"{told} {coarse}"


def _csv_of_regions(effects: RegionEffects, sums: dict[str, NDArray[np.float64] | None]) -> bytes:
    exact = effects.shapley_values
    assert exact is not None
    known = {key: found for key, found in sums.items() if found is not None}
    pixels = np.bincount(effects.labels.ravel())
    rows = [
        [
            region + 1,
            pixels[region],
            effects.independent[region],
            exact[region],
            *(one[region] for one in known.values()),
        ]
        for region in range(effects.regions)
    ]
    return _csv(["region", "pixels", "independent_effect", "shapley_value", *known], rows)


@st.cache_data(max_entries=8, show_spinner=False)
def csv_of_effects(name: str, order: int, _effects: RegionEffects) -> bytes:
    """Write every set that is known with its score and its effect, small sets first.

    The question's name and the order up to which it is answered tell the cache what is written.
    """
    del name, order
    effects = _effects
    sizes, who = orders(effects.regions), members(effects.regions)
    rows = [
        [" ".join(str(region + 1) for region in np.flatnonzero(who[one])), sizes[one], effects.worths[one], effect]
        for one in np.argsort(sizes, kind="stable")
        if np.isfinite(effect := effects.dividends[one])
    ]
    return _csv(["regions", "order", "score", "effect"], rows)


def _csv(names: list[str], rows: list[list[Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(names)
    writer.writerows(rows)
    return text.getvalue().encode()
