"""The benchmarks' own parts: what they write, and that the peers compute what they claim."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import igcore
from bench import faithfulness, peers, timing
from bench.tutorial import BATCH, Tutorial
from igcore.agreement import map_distance

ROOT = Path(__file__).parents[1]


def test_the_readmes_table_is_that_of_the_last_run():
    found = json.loads((ROOT / "bench" / "results" / "peers.json").read_text())
    assert f"<!-- peers -->\n{peers.table(found)}\n<!-- /peers -->" in (ROOT / "README.md").read_text()


def test_the_readmes_table_of_faithfulness_is_that_of_the_last_run():
    found = json.loads((ROOT / "bench" / "results" / "faithfulness.json").read_text())
    assert set(found["ahead"]) == {*igcore.METHODS, "random", "edges"}
    assert set(found["photos"]) == set(igcore.PHOTOS)
    readme = (ROOT / "README.md").read_text()
    assert f"<!-- faithfulness -->\n{faithfulness.table(found['ahead'])}\n<!-- /faithfulness -->" in readme


def test_faithfulness_is_measured_against_controls(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["faithfulness", "--methods", "gradient", "--photos", "coffee", "--dry"])
    faithfulness.main()
    lines = capsys.readouterr().out.splitlines()
    rows = {line.split(" | ")[0].strip("| "): line.split(" | ")[1:] for line in lines if line.startswith("| ")}
    assert list(rows) == ["method", "`gradient`", "edges of the photo", "random maps"]
    # The random maps are ahead of their own mean by nothing, and the edges of themselves.
    assert rows["random maps"][0].startswith("+0.000 ± 0.0")
    assert rows["edges of the photo"][1] == "+0.000 ± 0.000"
    assert rows["`gradient`"][0] != "+0.000 ± 0.000"


def test_a_table_goes_between_its_marks(tmp_path, monkeypatch):
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- one -->\nold\n<!-- /one -->\nafter\n")
    monkeypatch.setattr(timing, "README", readme)
    timing.write_table("one", "new\ntable")
    assert readme.read_text() == "before\n<!-- one -->\nnew\ntable\n<!-- /one -->\nafter\n"
    with pytest.raises(SystemExit, match="no place for two"):
        timing.write_table("two", "table")


def test_results_say_what_they_ran_on(tmp_path, monkeypatch):
    monkeypatch.setattr(timing, "RESULTS", tmp_path / "results")
    found = json.loads(timing.save("some", {"seconds": [1, 2]}).read_text())
    assert found["seconds"] == [1, 2]
    assert found["machine"]["cores"] >= 1
    assert "tensorflow" in found["machine"]["versions"]
    assert found["machine"]["TensorFlow threads"]


def test_facts_are_told_and_written_only_where_that_is_wanted(tmp_path, monkeypatch, capsys):
    page = tmp_path / "deploying.md"
    page.write_text("<!-- some -->\n<!-- /some -->\n")
    monkeypatch.setattr(timing, "DEPLOYING", page)
    monkeypatch.setattr(timing, "RESULTS", tmp_path / "results")
    timing.tell("some", {"images": 2000, "share": "14%"}, dry=True)
    assert "<!-- some -->\n<!-- /some -->" in page.read_text()
    timing.tell("some", {"images": 2000, "share": "14%"}, dry=False)
    assert "| images | 2,000 |\n| share | 14% |\n" in page.read_text()
    assert json.loads((tmp_path / "results" / "some.json").read_text())["images"] == 2000
    assert capsys.readouterr().out.count("2000") == 2


def row(name, engine, other, rank=1, forward=0.3):
    times = {
        f"{peers.ENGINE}: goal": engine,
        f"{peers.ENGINE}: 50": 2 * engine,
        "other: goal": other,
        "other: 50": other / 2,
        "forward": forward,
    }
    return {
        "pair": name,
        "rank": rank,
        "need": {peers.ENGINE: 40, "other": None if other > 8 else 100},
        "seconds": {key: {"median": value, "min": value, "max": 2 * value} for key, value in times.items()},
        "apart": {"maps": 1e-3},
    }


def test_ratios_are_taken_pair_by_pair_and_what_is_not_reached_counts():
    found = peers.summary([row("a", 1, 9), row("b", 2, 4), row("c", 4, 12, rank=2)])
    assert found["peers"]["other"]["goal over engine"] == 3
    assert found["peers"]["other"]["goal over engine, by class"] == {"1": 5.5, "2": 3}
    assert found["peers"]["other"]["not reached"] == 2
    assert found["peers"]["other"]["gradients"] is None
    assert found["peers"][peers.ENGINE]["gradients"] == 40
    assert found["gradient over forward pass"] == pytest.approx(4 / 0.3)
    assert found["noise"]["forward pass, largest over smallest of all"] == 2
    assert "more than 512" in peers.table({"pairs": [1, 2, 3], "summary": found})


def test_the_tutorial_computes_the_trapezoid(model, network, photo):
    tutorial, image = Tutorial(network), photo("coffee")
    steps = BATCH + 8
    baseline = np.full_like(image, 0.5)
    values = tutorial.attribute(image, baseline, 967, "trapezoid", steps)
    expected = igcore.explain(model, image, igcore.IntegratedGradients(baseline, "trapezoid", steps), 967)
    assert map_distance(values, expected.values) < 5e-3
    nodes, weights = tutorial.nodes_and_weights("trapezoid", steps)
    np.testing.assert_allclose(nodes, expected.trace.alphas)
    np.testing.assert_allclose(weights, expected.trace.weights)
    assert tutorial.gradient_count("trapezoid", steps) == expected.gradient_count
