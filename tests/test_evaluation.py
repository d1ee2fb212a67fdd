"""Evaluations: explanations and controls tested together, of one image and of many, from the command line too."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest

import igcore
from igcore.evaluation import Candidate, evaluate, evaluation_costs, evaluation_seconds
from igcore.methods import METHODS
from igcore.metrics import METRICS, Deletion, Insertion, MaxSensitivity
from igcore.metrics.controls import RANDOM_SEEDS
from igcore.metrics.rows import facts_of
from igcore.speed import Speed
from tests.exports import SIZE, small_keras_file
from tests.functions import model_of as closed_forms
from tests.functions import picture, power
from tests.test_cli import run

__all__ = ["run"]

SMALL = [Deletion(patch=2, fill="black"), Insertion(patch=2, fill="black")]


@pytest.fixture(scope="module")
def cubic():
    """(w·x)³ beside its opposite, so that the first class's probability follows it."""
    return closed_forms(power(3), power(1), chunk=8)


@pytest.fixture(scope="module")
def found(cubic):
    candidates = [Candidate("exact", igcore.IntegratedGradients()), igcore.Gradient()]
    return evaluate(cubic, picture(1), candidates, [*SMALL, "gini"], target=0)


def test_every_map_is_tested_by_every_metric(found):
    assert [row.name for row in found.rows] == ["exact", "gradient"]
    assert len(found.random) == RANDOM_SEEDS
    for row in (*found.rows, *found.random, found.edges):
        assert list(row.measured) == ["deletion", "insertion", "gini"]
        assert all(np.isfinite(measured.value) for measured in row.measured.values())
    np.testing.assert_array_equal(found.rows[1].values, found.rows[1].attribution.values)


def test_an_advantage_is_counted_so_that_more_is_better(found):
    row = found.rows[0]
    for key, sign in (("deletion", -1), ("insertion", 1)):
        chance = [one.measured[key].value for one in found.random]
        ahead = found.advantage(row, key)
        value = row.measured[key].value
        assert ahead.over_random == pytest.approx(sign * (value - np.mean(chance)))
        assert ahead.over_edges == pytest.approx(sign * (value - found.edges.measured[key].value))
        assert ahead.spread == pytest.approx(np.std(chance, ddof=1))
        assert ahead.over_random > 0


def test_a_metric_that_blind_maps_would_win_has_no_controls(cubic):
    tested = evaluate(cubic, picture(1), [igcore.Gradient()], [MaxSensitivity(samples=2), "gini"], target=0)
    assert tested.advantage(tested.rows[0], "max-sensitivity") is None
    assert "max-sensitivity" not in tested.edges.measured
    assert np.isnan(tested.at_random("max-sensitivity")[0])
    assert tested.advantage(tested.rows[0], "gini").spread > 0


def test_its_own_baseline_as_filling_is_found(cubic):
    candidates = [Candidate(key, igcore.IntegratedGradients(key)) for key in ("black", "blur", "uniform-noise")]
    for fill, favored in (("black", "black"), ("blur", "blur"), ("noise", "uniform-noise"), ("mean", None)):
        tested = evaluate(cubic, picture(1), candidates, [Deletion(patch=2, fill=fill), "gini"], target=0, seed=4)
        assert [row.name for row in tested.rows if row.favored == {"deletion"}] == [favored] * (favored is not None)
        assert all(row.favored <= {"deletion"} for row in tested.rows)


def test_the_same_settings_give_the_same_numbers(cubic, found):
    candidates = [Candidate("exact", igcore.IntegratedGradients()), igcore.Gradient()]
    again = evaluate(cubic, picture(1), candidates, [*SMALL, "gini"], target=0)
    first, second = (json.dumps({**facts_of(one), "seconds": 0}) for one in (found, again))
    assert first == second


def test_one_candidate_alone_gives_what_it_gives_among_others(cubic, found):
    alone = evaluate(cubic, picture(1), [igcore.Gradient()], [*SMALL, "gini"], target=0, controlled=False)
    assert (alone.random, alone.edges) == ((), None)
    assert alone.advantage(alone.rows[0], "gini") is None
    for key, measured in alone.rows[0].measured.items():
        assert measured.value == found.rows[1].measured[key].value


def test_progress_grows_to_its_end_and_carries_what_is_known(cubic):
    told = []
    evaluate(cubic, picture(1), [igcore.Gradient(), igcore.IntegratedGradients()], SMALL, 0, on_progress=told.append)
    shares = [progress.done / progress.total for progress in told]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1, abs=0.02)
    assert {len(progress.partial.rows) for progress in told} == {0, 1, 2}


def test_a_stop_keeps_what_was_told(cubic):
    told = []
    with pytest.raises(igcore.Cancelled):
        evaluate(
            cubic,
            picture(1),
            [igcore.Gradient(), igcore.IntegratedGradients()],
            SMALL,
            0,
            on_progress=told.append,
            should_stop=lambda: bool(told) and len(told[-1].partial.rows) == 1,
        )
    assert [row.name for row in told[-1].partial.rows] == ["gradient"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"metrics": []}, "metrics are none; expected one or more of deletion"),
        ({"metrics": ["gini", "gini"]}, "metrics are gini, gini; expected one or more of"),
        ({"metrics": ["guess"]}, "unknown metric 'guess'"),
        ({"order": "up"}, "order is 'up'; expected one of signed, absolute"),
        ({"target": 9}, "class 9 does not exist"),
        ({"candidates": [METHODS["grad-cam"].settings()]}, "needs layers, which model closed-form does not open"),
    ],
)
def test_what_cannot_be_tested_is_said_in_one_line(cubic, arguments, message):
    given = {"candidates": [igcore.Gradient()], "metrics": ["gini"], "target": 0, **arguments}
    with pytest.raises(igcore.InputError, match=message) as failure:
        evaluate(cubic, picture(1), **given)
    assert "\n" not in str(failure.value)


def test_costs_are_those_of_explanations_and_metrics(cubic):
    counted = {"scores": 0, "gradients": 0}

    class Counting:
        spec, chunk, graph = cubic.spec, cubic.chunk, None

        def scores(self, images, of="probability"):
            counted["scores"] += len(images)
            return cubic.scores(images, of)

        def gradients(self, images, target, of="probability"):
            counted["gradients"] += len(images)
            return cubic.gradients(images, target, of)

    candidates = [Candidate("plain", igcore.Gradient())]
    metrics = {one.key: one for one in [*SMALL, MaxSensitivity(samples=3)]}
    evaluate(Counting(), picture(1), candidates, list(metrics.values()), target=0)
    costs = evaluation_costs(candidates, metrics, (8, 8))
    assert counted["gradients"] == sum(cost.gradients for cost in costs.values()) == 1 + 3
    assert counted["scores"] == sum(cost.forwards for cost in costs.values()) == 2 * 50 * (1 + RANDOM_SEEDS + 1)
    speed = Speed(forward=1.0, gradient=10.0, gradient_in_turn=10.0)
    assert evaluation_seconds(candidates, metrics, (8, 8), speed) == counted["scores"] + 10 * counted["gradients"]
    assert evaluation_seconds(candidates, metrics, (8, 8), speed, controlled=False) == 2 * 50 + 40


# On the embedded network.


@pytest.mark.slow
def test_a_map_of_the_network_finds_more_than_chance(model, photo):
    tested = evaluate(model, photo("coffee"), [METHODS["grad-cam"].settings()], ["insertion"])
    ahead = tested.advantage(tested.rows[0], "insertion")
    assert ahead.over_random > 5 * ahead.spread
    assert ahead.over_edges > 0


# From the command line.


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    return small_keras_file(tmp_path_factory.mktemp("models"))


#: Quick on a network of a few layers.
QUICK = ("--metric", "deletion:patch=4", "gini")


def test_a_photo_is_tested_from_the_command_line(run, network):
    code, out, err = run(
        *("evaluate", "coffee", "--model", network, *QUICK, "--method", "ig:steps=4", "--method", "gradient", "--json"),
        *("--baseline", "black", "blur", "--integrator", "left", "midpoint"),
    )
    assert (code, err, out.count("\n")) == (0, "", 1)
    facts = json.loads(out)
    names = [row["name"] for row in facts["rows"]]
    both = [f"ig:steps=4, {baseline}, {rule}" for baseline in ("black", "blur") for rule in ("left", "midpoint")]
    assert names == [*both, "gradient", "random", "edges"]
    assert [row["favored"] for row in facts["rows"]] == [[], [], ["deletion"], ["deletion"], [], [], []]
    assert facts["metrics"]["deletion"] == {"higher_is_better": False, "settings": {"patch": 4, "fill": "blur"}}
    ig = igcore.IntegratedGradients("blur", "left", steps=4)
    model = igcore.load_model(network)
    image = igcore.load_image(igcore.PHOTOS["coffee"].path, SIZE, "crop")
    same = evaluate(model, image, [ig], [Deletion(patch=4)])
    told = facts["rows"][2]["metrics"]["deletion"]
    assert told["value"] == pytest.approx(same.rows[0].measured["deletion"].value, rel=1e-6)
    assert told["over_random"] == pytest.approx(same.advantage(same.rows[0], "deletion").over_random, rel=1e-4)


def test_people_read_the_same_as_a_table(run, network):
    code, out, err = run("evaluate", "coffee", "--model", network, *QUICK, "--fill", "black", "--method", "ig")
    assert (code, err) == (0, "")
    assert "Deletion (lower is better; patch=4, fill=black)" in out
    assert "Sparseness (Gini) (higher is better)" in out
    assert "its own baseline fills the removed parts, which favors it; try another --fill" in out
    assert "over random" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--metric", "deletoin"], "unknown metric 'deletoin': did you mean 'deletion'?"),
        (["--metric", "gini", "gini"], "metric gini is given twice; leave one out"),
        (["--metric", "deletion:side=3"], "metric deletion cannot take 'side=3'; it takes patch=…, fill=…"),
        (["--method", "ig", "ig"], "ig is given twice; leave one out"),
        (["--method", "ig", "--integrator", "simpson", "--steps", "7"], "simpson"),
        (["--seed", "-1"], "--seed is -1"),
        (["--resume"], "--resume goes on with the run in --out"),
    ],
)
def test_a_mistake_is_said_in_one_line(run, network, arguments, message):
    code, out, err = run("evaluate", "coffee", "--model", network, *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err


# Many images.


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for key in ("coffee", "cat", "rocket"):
        shutil.copy(igcore.PHOTOS[key].path, folder / f"{key}{igcore.PHOTOS[key].path.suffix}")
    (folder / "broken.png").write_bytes(b"not a picture")
    return folder


def test_many_images_give_distributions_and_go_on_where_they_were(run, network, photos, tmp_path):
    asked = ("evaluate", str(photos), "--model", network, *QUICK, "--method", "gradient", "ig:steps=4", "--json")
    whole, broken_off = tmp_path / "whole", tmp_path / "again"
    code, out, _ = run(*asked, "--out", str(whole))
    facts = json.loads(out)
    assert code == 0
    assert {key: facts[key] for key in ("images", "failed", "left")} == {"images": 4, "failed": 1, "left": 0}
    table = pq.read_table(whole / "evaluations.parquet").to_pylist()
    assert len(table) == 3 * 2 * 4
    values = [row["value"] for row in table if (row["name"], row["metric"]) == ("gradient", "deletion")]
    told = next(row for row in facts["distributions"] if (row["name"], row["metric"]) == ("gradient", "deletion"))
    assert told["images"] == 3
    np.testing.assert_allclose([told["low"], told["median"], told["high"]], np.percentile(values, [10, 50, 90]))
    ahead = [row["over_random"] for row in table if (row["name"], row["metric"]) == ("gradient", "deletion")]
    assert told["ahead"] == pytest.approx(np.mean(np.array(ahead) > 0))
    # A run that ended after two images: what it left is kept, and the rest comes out as in one go.
    run(*asked, "--out", str(broken_off))
    done = sorted((broken_off / "images").glob("*.json"))
    for file in done[2:]:
        file.unlink()
    kept = {file: file.stat().st_mtime_ns for file in done[:2]}
    code, out, _ = run(*asked, "--out", str(broken_off), "--resume")
    assert (code, json.loads(out)["distributions"]) == (0, facts["distributions"])
    assert {file: file.stat().st_mtime_ns for file in kept} == kept
    assert pq.read_table(broken_off / "evaluations.parquet").to_pylist() == table


def test_a_folder_with_another_run_is_left_alone(run, network, photos, tmp_path):
    asked = ("evaluate", str(photos), "--model", network, "--metric", "gini", "--out", str(tmp_path / "out"))
    assert run(*asked, "--method", "gradient")[0] == 0
    code, _, err = run(*asked, "--method", "gradient")
    assert (code, "holds a run already; add --resume" in err) == (2, True)
    code, _, err = run(*asked, "--method", "ig", "--resume")
    assert (code, "was asked for something else; choose another folder" in err) == (2, True)


def test_many_images_need_somewhere_to_write(run, photos):
    code, _, err = run("evaluate", str(photos))
    assert (code, "say with --out where to write" in err) == (2, True)


def test_every_metric_runs_on_the_command_line(run, network):
    few = {"patch": 4, "samples": 20}
    small = []
    for key, spec in METRICS.items():
        given = {name: value for name, value in few.items() if name in spec.settings().describe()}
        given |= {"samples": 2} if key == "max-sensitivity" else {}
        small.append(f"{key}:{','.join(f'{name}={value}' for name, value in given.items())}".rstrip(":"))
    code, out, _ = run("evaluate", "coffee", "--model", network, "--method", "gradient", "--metric", *small, "--json")
    assert code == 0
    assert list(json.loads(out)["rows"][0]["metrics"]) == list(METRICS)
