"""The curves behind a test, and the photo at each stage of deletion and insertion."""

from __future__ import annotations

import numpy as np
import streamlit as st

from igcore.heatmaps import Drawing, mask_picture
from igcore.metrics import METRICS, Deletion, Insertion, ordered
from igcore.metrics.base import made_fill
from igcore.metrics.perturbation import STAGES, removed_shares, stage_images
from igcore.metrics.rows import Evaluation, Row
from ui.evaluation_figures import score_curves
from ui.frame import errors_as_lines
from ui.language import _
from ui.pictures import show

__all__ = ["stage_section"]


def stage_section(found: Evaluation, fill: str) -> None:
    """Draw the curves of one test, and under a slider the photo at each of its stages."""
    rows = [*found.rows, *found.random[:1], *([found.edges] if found.edges is not None else [])]
    keys = [
        key for key in found.metrics if any(key in row.measured and row.measured[key].x is not None for row in rows)
    ]
    if found.rows and keys:
        st.fragment(_section)(found, fill, keys)


def _section(found: Evaluation, fill: str, keys: list[str]) -> None:
    with errors_as_lines():
        names = {key: _(METRICS[key].label) for key in keys}
        if st.session_state.get(f"curve_{fill}") not in keys:
            st.session_state[f"curve_{fill}"] = keys[0]
        key = (
            st.segmented_control(
                _("Curves of"),
                keys,
                default=st.session_state[f"curve_{fill}"],
                key=f"curve_{fill}",
                format_func=lambda one: names[one],
                required=True,
            )
            or keys[0]
        )
        metric = found.metrics[key]
        if isinstance(metric, (Deletion, Insertion)):
            left, right = st.columns([3, 2], gap="medium")
            with right:
                stage = _stage(found, fill, key, metric)
            with left:
                _curves(found, fill, key, removed_shares()[stage])
        else:
            _curves(found, fill, key, None)


def _stage(found: Evaluation, fill: str, key: str, metric: Deletion | Insertion) -> int:
    """Show the photo at one stage, and return its number."""
    rows = {row.name: row for row in found.rows}
    name = st.selectbox(_("Stages of"), list(rows), key=f"stages_of_{fill}")
    row: Row = rows.get(str(name)) or found.rows[0]
    stage = st.slider(
        _("Stage"),
        0,
        STAGES - 1,
        STAGES // 5,
        key=f"stage_{fill}",
        help=_("How much is done: 0 is the beginning, {last} the end.", last=STAGES - 1),
    )
    filling = made_fill(metric.fill, found.image, found.seed)
    start, end = metric.ends(found.image, filling)
    heat = ordered(row.values, found.order)
    picture = stage_images(start, end, heat, metric.patch, range(stage, stage + 1))[0]
    curve = row.measured[key].curve
    score = float(curve[stage]) if curve is not None else float("nan")
    share = float(removed_shares()[stage])
    if isinstance(metric, Deletion):
        told = _("**{share:.0%} removed**: {label} {score:.1%}", share=share, label=found.label, score=score)
    else:
        told = _("**{share:.0%} brought back**: {label} {score:.1%}", share=share, label=found.label, score=score)
    with st.container(key=f"pictures_stage_{fill}"):
        columns = st.columns(2, gap="small")
        with columns[0]:
            show(picture, told, told.replace("*", ""))
        with columns[1]:
            sign, colors = ("absolute", "inferno") if found.order == "absolute" else ("signed", "red-blue")
            mask = mask_picture(row.values, Drawing(sign, colors))  # type: ignore[arg-type]
            show(mask, f"**{row.name}**", _("Map of {name}", name=row.name))
    return int(stage)


def _curves(found: Evaluation, fill: str, key: str, here: float | None) -> None:
    curves = [(row.name, row.measured[key].curve) for row in found.rows if key in row.measured]
    x = found.rows[0].measured[key].x
    chance = [row.measured[key].curve for row in found.random if key in row.measured]
    edges = found.edges.measured[key].curve if found.edges is not None and key in found.edges.measured else None
    if here is None:
        axes = (_("share of the parts that is removed"), _("correlation"))
    elif key == Deletion.key:
        axes = (_("share of the photo that is removed"), _("probability of {name}", name=found.label))
    else:
        axes = (_("share of the photo that is back"), _("probability of {name}", name=found.label))
    known = [(name, curve) for name, curve in curves if curve is not None]
    st.plotly_chart(
        score_curves(np.asarray(x), known, [one for one in chance if one is not None], edges, here, axes),
        key=f"curves_{key}_{fill}",
        config={"displayModeBar": False},
        alt=_("Curves of {metric} for each explanation and the controls", metric=_(METRICS[key].label)),
    )
