"""Cards: one for each method, with its map, what it cost, what its values mean, and what it is."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from igcore.checks import completeness_verdict
from igcore.heatmaps import Drawing, full_scale, heat_map, mask_picture, overlay_picture
from igcore.images import png_bytes
from igcore.results import Attribution
from igcore.runtime import Job
from igcore.runtime.questions import ByMethod
from igcore.speed import Cost, Speed
from ui.frame import polling
from ui.language import _, line
from ui.markup import plain
from ui.method_set import BY, Choice, seconds, told_cost
from ui.pictures import Array, show

__all__ = ["Card", "cards", "download_all", "waits"]

#: What takes longer than this is not begun before somebody says so.
UNASKED_SECONDS = 10.0

#: The questions that somebody agreed to wait for, in the session's state.
AGREED = "agreed to wait for"


@dataclass(frozen=True, eq=False)
class Card:
    """A chosen method with its question and, once it is asked, its job."""

    choice: Choice
    question: ByMethod | None
    job: Job[Attribution] | None

    @property
    def result(self) -> Attribution | None:
        """What was found."""
        return self.job.value if self.job is not None else None


def waits(question: ByMethod, choice: Choice, speed: Speed) -> bool:
    """Whether a question takes so long that it is asked only on request."""
    return speed.seconds(choice.cost) > UNASKED_SECONDS and question.key not in st.session_state.get(AGREED, ())


def cards(several: Sequence[Card], image: Array, drawing: Drawing, shared: bool, over: bool, speed: Speed) -> None:
    """Draw the cards; with `shared` on one color scale, with `over` over the image."""
    heats = [heat_map(card.result.values, drawing.sign).ravel() for card in several if card.result is not None]
    limit = full_scale(np.concatenate(heats), drawing.clip) if shared and heats else None
    # One is computed at a time, so that only its card has news.
    running = next((card for card in several if card.job is not None and not card.job.done), None)
    with st.container(horizontal=True, gap="small", key="cards"):
        for card in several:
            with st.container(border=True, key=f"card_{card.choice.spec.key}", gap="xsmall"):
                st.markdown(f"**{_(card.choice.spec.label)}** :small[{_(BY[card.choice.spec.needs])}]")
                _picture(card, image, drawing, limit, over)
                st.fragment(_state, run_every=polling(card is running))(card, speed)
                _what_it_is(card)


def _picture(card: Card, image: Array, drawing: Drawing, limit: float | None, over: bool) -> None:
    name, result = _(card.choice.spec.label), card.result
    if result is None:
        show(np.full_like(image, 0.5), "", _("{name}: not computed", name=name))
    elif over:
        picture = overlay_picture(result.values, result.image, drawing, limit)
        show(picture, "", _("Attribution by {name} over the image", name=name))
    else:
        show(mask_picture(result.values, drawing, limit), "", _("Attribution by {name}", name=name))


def _state(card: Card, speed: Speed) -> None:
    """Say what it cost and what the values mean, or what it would cost, or why there is nothing."""
    choice, job, result = card.choice, card.job, card.result
    key, cost = choice.spec.key, told_cost(choice.cost)
    time = seconds(speed.seconds(choice.cost))
    if choice.why_not is not None:
        icon = ":material/block:" if choice.settings is not None else ":red[:material/error:]"
        st.caption(f"{icon} {plain(choice.why_not)}")
    elif result is not None:
        spent = told_cost(Cost(result.forward_count, result.gradient_count, passes=choice.cost.passes))
        st.caption(_("{cost} in **{time}**", cost=spent, time=seconds(result.seconds)))
        st.caption(_meaning(result))
    elif job is None:
        st.caption(_("This takes {cost}, {time}.", cost=cost, time=time))
        if st.button(_("Run it"), icon=":material/play_arrow:", key=f"run_{key}", on_click=_agree, args=(card,)):
            st.rerun()
    elif job.error and job.stopped:
        st.caption(":orange[:material/stop_circle:] " + _("Stopped."))
    elif job.error:
        st.caption(f":red[:material/error:] {plain(line(job.error))}")
    elif job.progress is not None:
        share = min(1.0, job.progress.done / max(job.progress.total, 1))
        st.progress(share, text=_("of {cost}, {time}", cost=cost, time=time))
    else:
        st.caption(_("Waiting; takes {cost}, {time}.", cost=cost, time=time))


def _agree(card: Card) -> None:
    if card.question is not None:
        st.session_state.setdefault(AGREED, set()).add(card.question.key)


def _meaning(result: Attribution) -> str:
    """Say in one line what the values are."""
    if not result.additive and result.absorbed is None:
        told = _("A heat map: compare within it; its values sum to nothing in particular.")
        return f":material/gradient: {told}"
    sentences = [line(completeness_verdict(result).text)]
    if result.standard_error is not None:
        size = np.abs(result.values).sum(dtype=np.float64)
        share = float(result.standard_error.sum(dtype=np.float64) / size) if size else 0.0
        sentences.append(_("Its standard error is {share:.0%} of the map.", share=share))
    if result.map_error is not None and result.converged is None:
        sentences.append(_("Map error ≈ {share:.1%}.", share=result.map_error))
    return f":material/functions: {' '.join(sentences)}"


def _what_it_is(card: Card) -> None:
    spec = card.choice.spec
    with st.expander(_("What is this?"), key=f"about_{spec.key}"):
        st.markdown(_(spec.description))
        st.latex(rf"\begin{{gathered}} {spec.formula} \end{{gathered}}")
        st.caption(spec.reference)


def download_all(several: Sequence[Card], stem: str, drawing: Drawing) -> None:
    """Offer all finished maps as one file, each as a picture over the image and as numbers, once nothing is running."""
    finished = [card for card in several if card.result is not None]
    if not finished or not all(card.job is None or card.job.done for card in several):
        return
    keys = tuple(card.question.key for card in finished if card.question is not None)
    results = [card.result for card in finished if card.result is not None]
    st.download_button(
        _("{count} maps (ZIP)", count=len(results)),
        _packed(keys, stem, drawing, results),
        f"{stem}_methods.zip",
        "application/zip",
        icon=":material/download:",
        on_click="ignore",
        key="download_zip",
    )


@st.cache_data(max_entries=4, show_spinner=False)
def _packed(keys: tuple[str, ...], stem: str, drawing: Drawing, _results: list[Attribution]) -> bytes:
    del keys  # of the questions, which name all that the maps depend on, the image and the seed too
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as file:
        for result in _results:
            overlay = png_bytes(overlay_picture(result.values, result.image, drawing))
            file.writestr(f"{stem}_{result.method}.png", overlay)
            file.writestr(f"{stem}_{result.method}.npz", result.to_bytes())
    return buffer.getvalue()
