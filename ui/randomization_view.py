"""Cascading randomization: what becomes of each method's map while a copy of the network loses its weights."""

from __future__ import annotations

import csv
import io

import numpy as np
import streamlit as st

from igcore.heatmaps import COLOR_MAPS, scaled
from igcore.methods import METHODS
from igcore.models import ModelSpec
from igcore.randomization import STEPS, gradient_equivalents, randomization_seconds
from igcore.randomized_maps import Randomization
from igcore.runtime import Job
from igcore.runtime.model_questions import Able
from igcore.runtime.randomization_questions import Randomize, Stages
from ui import frame
from ui.language import N_, _, line
from ui.markup import for_files
from ui.method_set import choose_methods, seconds
from ui.pictures import Array, show
from ui.progress import jobs_line
from ui.randomization_figures import cascade_curves
from ui.scene import Subject, answered, follow
from ui.service import client
from ui.widgets import segments

__all__ = ["randomization_view"]

#: What a first visit compares: two that depend on the model, one that is coarse, and one that repeats edges.
FIRST = ("gradient", "ig", "grad-cam", "guided-backprop")
#: The same for a model whose layers are closed.
FIRST_CLOSED = ("gradient", "ig")

#: What takes longer than this is not begun before somebody says so.
UNASKED_SECONDS = 10.0

MEASURES = {"signed": N_("With signs"), "absolute": N_("Without signs"), "similarity": N_("SSIM")}
TITLES = {
    "signed": N_("Rank correlation with the trained network's map"),
    "absolute": N_("Rank correlation of absolute values with the trained network's map"),
    "similarity": N_("Structural similarity (SSIM) to the trained network's map"),
}
BY = {"block": N_("Block by block"), "layer": N_("Layer by layer")}

_ASKED = "randomization that was asked for"


def randomization_view(subject: Subject, target: int, able: Able) -> None:
    """Offer methods and stages, say what it takes, and show what is known of it by now."""
    st.markdown(
        _(
            "Stage by stage, from the output layer down, the weights of a copy of the network are put in random order, "
            "and each method explains the same class of the same photo anew. What a map shows of what the network has "
            "learned must then be gone. The logit is explained, by each method with its first settings and by "
            "Integrated Gradients with {steps} steps.",
            steps=STEPS,
        )
    )
    keys = _methods(subject.spec, able)
    names = {key: _(name) for key, name in BY.items()}
    by = segments(_("Stages"), "stages", names, "block", _("What is shuffled together."))
    stages = answered(Stages(subject.spec.key, by), _("Counting the weights …"))  # type: ignore[arg-type]
    if not keys or stages is None:
        if not keys:
            st.info(_("Choose one or more methods above."), icon=":material/checklist:")
        follow()
        return
    question = Randomize(subject.spec.key, subject.image, keys, target, by=by)  # type: ignore[arg-type]
    if not _is_asked(question, len(stages), able):
        follow()
        return
    (job,) = follow(question)
    measure = segments(_("Agreement"), "agreement", {key: _(name) for key, name in MEASURES.items()}, "signed", None)
    running = not job.done

    @st.fragment(run_every=frame.polling(running))
    def live() -> None:
        with frame.errors_as_lines():
            _section(job, measure, subject)
        if running and job.done:
            st.rerun()

    live()


def _methods(spec: ModelSpec, able: Able) -> tuple[str, ...]:
    """Offer methods, and return those that the model opens itself to."""
    first = FIRST if able.closed is None else FIRST_CLOSED
    chosen = choose_methods(spec, able, key="shuffled", first=first)
    shut = [key for key in chosen if able.closed is not None and METHODS[key].needs == "layers"]
    if able.closed is not None and shut:
        names = ", ".join(_(METHODS[key].label) for key in shut)
        told = _(
            "{names}: left out, since they go through the network's layers: {why}.", names=names, why=line(able.closed)
        )
        st.caption(f":material/block: {told}")
    return tuple(key for key in chosen if key not in shut)


def _is_asked(question: Randomize, stages: int, able: Able) -> bool:
    """Whether to go on: what takes long waits for a click."""
    size = question.image.shape[:2]
    taken = randomization_seconds(question.methods, stages, size, able.speed)
    known = client().known(question) is not None
    if known or taken <= UNASKED_SECONDS or st.session_state.get(_ASKED) == question.key:
        return True
    count = (stages + 1) * gradient_equivalents(question.methods, size)
    st.button(
        _("Shuffle {stages} stages: {count:,} gradients, {time}", stages=stages, count=count, time=seconds(taken)),
        icon=":material/play_arrow:",
        key="shuffle",
        type="primary",
        on_click=_ask,
        args=(question.key,),
    )
    st.caption(_("The network that everybody uses is not touched; what is shuffled is a copy."))
    return False


def _ask(key: str) -> None:
    st.session_state[_ASKED] = key


def _section(job: Job[Randomization], measure: str, subject: Subject) -> None:
    """Draw what is known of it; a run that was stopped keeps its finished stages."""
    found: Randomization | None = job.value or (job.progress.partial if job.progress is not None else None)
    finished = ""
    if found is not None:
        count = found.signed.size
        finished = _("{label}: {count} maps in {seconds:.1f} s", label=found.label, count=count, seconds=found.seconds)
    jobs_line([job], finished, key="shuffle_progress")
    if found is None:
        return
    st.markdown("\n".join(f"- {line(found.verdict(key))}" for key in found.methods))
    names = _stage_names(found)
    title = _(TITLES[measure])
    curves = [(_(METHODS[key].label), row) for key, row in zip(found.methods, getattr(found, measure), strict=True)]
    probability = (
        _("Probability of {name}", name=found.label),
        [stage.probability for stage in found.stages],
    )
    st.markdown(f"**{title}**")
    st.plotly_chart(
        cascade_curves(names, found.shares, curves, probability, measure),
        key="cascade",
        config={"displayModeBar": False},
        alt=_("{title} over the stages, for {names}", title=title, names=", ".join(name for name, _row in curves)),
    )
    st.caption(
        _(
            "1 is the trained network's map, and 0 has nothing in common with it; near −1 it is the same map with its "
            "signs turned. A gap is an empty map, which is a change, too. A coarse map, such as that of Grad-CAM, has "
            "few places, so its curve goes up and down by chance."
        )
    )
    _strip(found, names)
    if job.done:
        st.download_button(
            _("Table (CSV)"), _csv(found), f"{subject.picture.name}_{for_files(found.label)}_randomization.csv",
            "text/csv", icon=":material/download:", on_click="ignore", key="download_cascade",
        )  # fmt: skip


def _stage_names(found: Randomization) -> list[str]:
    return [stage.name or _("trained") for stage in found.stages]


def _strip(found: Randomization, names: list[str]) -> None:
    """Draw the maps of each method in a row, each on its own color scale."""
    with st.container(key="grid"):
        for column, name, share, stage in zip(
            st.columns(len(names), gap="small"), names, found.shares, found.stages, strict=True
        ):
            probability = _("probability {value}", value=_share(stage.probability))
            column.caption(f"**{name}**  \n" + _("{share:.1%} random", share=share) + f"  \n{probability}")
        for row, key in enumerate(found.methods):
            label = _(METHODS[key].label)
            st.caption(label)
            for at, column in enumerate(st.columns(len(names), gap="small")):
                alt = _("Map by {method}, {stage}", method=label, stage=names[at])
                with column:
                    show(_picture(found.maps[row, at]), names[at], alt)


def _share(probability: float) -> str:
    return f"{probability:.1%}" if probability >= 0.001 else _("< 0.1%")


def _picture(heat: Array) -> Array:
    """Draw a map, at half its size where it is large: there may be a hundred of them."""
    height, width = (side // 2 for side in heat.shape)
    if min(height, width) >= 64:
        heat = heat[: 2 * height, : 2 * width].reshape(height, 2, width, 2).mean(axis=(1, 3))
    return COLOR_MAPS["inferno"].colors(scaled(heat))


def _csv(found: Randomization) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    head = ["method", "stage", "shuffled_last", "weights_random", "share_random", "probability"]
    writer.writerow([*head, "rank_correlation", "rank_correlation_absolute", "ssim"])
    tables = np.stack([found.signed, found.absolute, found.similarity], axis=-1)
    for row, key in enumerate(found.methods):
        for at, (stage, share) in enumerate(zip(found.stages, found.shares, strict=True)):
            writer.writerow([key, at, stage.name, stage.weights, share, stage.probability, *tables[row, at]])
    return text.getvalue().encode()
