"""Agreement of several maps: three tables, and any two maps with their difference."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import streamlit as st

from igcore.agreement import Agreement, compare_maps
from igcore.heatmaps import Drawing, difference_picture, full_scale, heat_map, mask_picture, scaled
from ui import figures
from ui.language import N_, _
from ui.pictures import Array, digest, show
from ui.side_by_side import Seen

__all__ = ["agreement_section"]

TABLES = (
    ("spearman", N_("Spearman rank correlation"), -1.0),
    ("similarity", N_("Structural similarity (SSIM)"), 0.0),
    ("overlap", N_("Overlap of the top 5 % of pixels"), 0.0),
)


def agreement_section(several: Sequence[Seen], drawing: Drawing, shared: bool) -> None:
    """Draw the tables and the pair that is chosen by a click or by the two select boxes."""
    st.subheader(_("Do the maps agree?"), anchor=False)
    finished = [one for one in several if one.finished and one.result is not None]
    heats = [heat_map(one.result.values, drawing.sign) for one in finished if one.result is not None]
    if len(finished) < 2:
        st.caption(_("As soon as two maps are finished, their agreement is shown here."))
        return
    if len({heat.shape for heat in heats}) > 1:
        st.caption(_("The maps have different sizes, so pixel by pixel they cannot be compared."))
        return
    numbered = {one.number: one.label for one in finished}
    table = _compared(tuple(map(digest, heats)), heats)
    st.caption("  ·  ".join(f"**{number}** {name}" for number, name in numbered.items()))
    for column, (field, title, low) in zip(st.columns(3, gap="small"), TABLES, strict=True):
        column.plotly_chart(
            figures.agreement_table(numbered, getattr(table, field), _(title), low),
            key=f"agreement_{field}",
            on_select=partial(_clicked, f"agreement_{field}", list(numbered)),
            selection_mode="points",
            config={"displayModeBar": False},
            alt=_("{measure} of each map with each", measure=_(title)),
        )
    st.caption(_("A click on a cell shows its two maps. By chance the top 5 % of two maps overlap by 0.05."))
    _pair(numbered, heats, table, finished, drawing, shared)


@st.cache_data(max_entries=32, show_spinner=False)
def _compared(names: tuple[str, ...], _heats: list[Array]) -> Agreement:
    del names  # the digests, by which the cache tells sets of maps apart
    return compare_maps(_heats)


def _clicked(key: str, numbers: list[int]) -> None:
    """Take the cell that was clicked for the pair; cells are counted row by row."""
    points = st.session_state[key]["selection"]["points"]
    if points:
        places = divmod(int(points[0]["point_index"]), len(numbers))
        st.session_state["pair_a"], st.session_state["pair_b"] = (numbers[place] for place in places)


def _pair(
    numbered: dict[int, str],
    heats: Sequence[Array],
    table: Agreement,
    finished: Sequence[Seen],
    drawing: Drawing,
    shared: bool,
) -> None:
    numbers = list(numbered)
    for key, default in (("pair_a", numbers[0]), ("pair_b", numbers[1])):
        if st.session_state.get(key) not in numbers:
            st.session_state[key] = default
    left, right = st.columns(2)
    # Places in the row of finished maps, which grows; what is chosen stays by its number.
    a, b = (
        numbers.index(
            column.selectbox(name, numbers, now, key=key, format_func=lambda one: f"{one} {numbered[one]}")
            or numbers[0]
        )
        for column, name, key in ((left, _("Map A"), "pair_a"), (right, _("Map B"), "pair_b"))
        for now in [numbers.index(st.session_state[key])]
    )
    names = list(numbered.values())
    scales = [full_scale(heats[index], drawing.clip) for index in (a, b)]
    if shared:
        scales = [max(scales)] * 2
    with st.container(key="pictures_pair"):
        columns = st.columns(4, gap="small")
        for column, index, name, scale in zip(columns, (a, b), "AB", scales, strict=False):
            result = finished[index].result
            assert result is not None
            with column:
                picture = mask_picture(result.values, drawing, scale)
                show(picture, f"**{name}**: {names[index]}", _("Map of {name}", name=names[index]))
        with columns[2]:
            first, second = (scaled(heats[index], limit=scale) for index, scale in zip((a, b), scales, strict=True))
            picture = difference_picture(first, second)
            told = _("**A − B**: more in A red, more in B blue, none white")
            show(picture, told, _("Difference of the two maps"))
        with columns[3]:
            for field, title, _low in TABLES:
                value = getattr(table, field)[a, b]
                st.metric(_(title), "–" if np.isnan(value) else f"{value:.2f}")
