"""The strongest interactions of regions, as a list, and lit on the photo."""

from __future__ import annotations

import numpy as np
import streamlit as st

from igcore.images import digest
from igcore.region_effects import Interaction, RegionEffects
from ui.language import _
from ui.pictures import show
from ui.region_controls import numbered
from ui.region_table import csv_of_effects

__all__ = ["interactions_section"]

#: How many are listed.
LISTED = 10


def interactions_section(effects: RegionEffects, name: str | None, stem: str) -> None:
    """List the strongest interactions, and light the regions of the one that is chosen.

    Parameters
    ----------
    effects : RegionEffects
    name : str or None
        Of the question, by which the file is kept; None while it runs.
    stem : str
        Of the file's name.
    """
    st.subheader(_("Strongest interactions"), anchor=False)
    found = effects.strongest(LISTED)
    left, right = st.columns([1, 1], gap="medium")
    with left:
        if found:
            chosen = _choose(found, float(np.nansum(effects.order_sizes)))
            with right, st.container(width=380):
                _lit(effects, chosen)
        else:
            st.caption(_("None is larger than what rounding may make: as far as is known, the regions act one by one."))
        st.caption(_rounding(effects))
        if name is not None:
            st.download_button(
                _("All effects (CSV)"), csv_of_effects(name, effects.known_order, effects), f"{stem}_interactions.csv",
                "text/csv", icon=":material/download:", on_click="ignore", key="download_interactions",
            )  # fmt: skip


def _choose(found: list[Interaction], size: float) -> Interaction:
    """Offer the list; who chose a set keeps it as long as it is listed, while more becomes known."""
    by_name = {_name(one): one for one in found}
    names = list(by_name)
    if st.session_state.get("region_pick") not in names:
        st.session_state["region_pick"] = names[0]
    chosen = st.radio(
        _("Of two regions and more, by size"),
        names,
        names.index(st.session_state["region_pick"]),
        key="region_pick",
        format_func=lambda name: _told(by_name[name], size) if name in by_name else name,
        help=_("Effect on the score, and its share of all effects' sizes. Choosing one lights its regions."),
    )
    return by_name.get(chosen or "", found[0])


def _name(one: Interaction) -> str:
    return " · ".join(str(region + 1) for region in one.regions)


def _told(one: Interaction, size: float) -> str:
    """Write an interaction as a line of the list."""
    color = "orange" if one.effect > 0 else "violet"
    return f"**{_name(one)}**: :{color}[{one.effect:+.3f}] :small[({abs(one.effect) / size:.1%})]"


def _lit(effects: RegionEffects, one: Interaction) -> None:
    labels, image = effects.labels, effects.image
    told = _("Regions {names}: {effect:+.3f} only together", names=_name(one), effect=one.effect)
    show(numbered(digest(image), digest(labels.astype(np.float32)), image, labels, one.regions), told, told)


def _rounding(effects: RegionEffects) -> str:
    """Say what is too small to be listed."""
    return _(
        "An effect of k regions adds and subtracts 2ᵏ scores of single precision. What rounding may make of it is not "
        "listed: about {two:.0e} for two regions, and twice as much for each further one.",
        two=effects.rounding[2],
    )
