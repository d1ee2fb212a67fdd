"""A batch: what it writes, what it goes on with, and what a kill at any step leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pyarrow import parquet

import igcore
from igcore.batch import Examined, Record, Source, Specification, by_class, find_images, where_it_falls
from igcore.batch.sources import distinct
from igcore.cli import main
from igcore.errors import InputError
from tests.hostile import hostile_files

ROOT = Path(__file__).parents[1]
QUICK = ("--integrator", "midpoint", "--steps", "2")


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    monkeypatch.setenv("IGCORE_RUNTIME", "threads")


def photos(folder: Path, count: int = 4, bad: bool = True) -> Path:
    """Make small photos, one in a folder of its own, and one that is none."""
    (folder / "more").mkdir(parents=True)
    grain = np.random.default_rng(0)
    for number in range(count):
        small = Image.fromarray(grain.integers(0, 256, (6, 8, 3), dtype=np.uint8))
        name = f"more/{number}.JPG" if number == 1 else f"photo {number}.jpg"
        small.resize((64, 48), Image.Resampling.BICUBIC).save(folder / name, "JPEG")
    if bad:
        (folder / "bad.png").write_bytes(b"no image")
    (folder / "notes.txt").write_text("not an image, and not called one")
    return folder


def rows(out: Path) -> list[dict]:
    return parquet.read_table(out / "manifest.parquet").to_pylist()


def files(out: Path) -> set[str]:
    return {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}


def test_a_folder_gives_a_map_an_overlay_and_a_row_for_each_image(tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["batch", str(photos(tmp_path / "in")), "--out", str(out), *QUICK]) == 0
    told = capsys.readouterr()
    assert "5 images, 5 of them now in" in told.out
    assert "1 could not be explained; the manifest says why" in told.err
    assert [row["name"] for row in rows(out)] == ["bad.png", "more/1.JPG", "photo 0.jpg", "photo 2.jpg", "photo 3.jpg"]
    bad, *good = rows(out)
    assert "this is not a JPEG, PNG or WebP image" in bad["error"]
    assert (bad["attribution"], bad["score"]) == (None, None)
    listed = {row[part] for row in good for part in ("attribution", "overlay")}
    assert files(out) == listed | {"run.json", "rows.jsonl", "manifest.parquet"}
    for row in good:
        result = igcore.Attribution.load(out / row["attribution"])
        assert row["error"] is None
        for name in ("label", "target", "score", "baseline_score", "sum", "completeness_error", "map_error", "seconds"):
            assert row[name] == getattr(result, name), name
        assert row["top_labels"][0] == row["label"]
        assert row["top_scores"] == sorted(row["top_scores"], reverse=True)
        assert row["score"] == pytest.approx(row["top_scores"][0], rel=1e-4)
        assert Image.open(out / row["overlay"]).size == (224, 224)


def test_it_computes_what_a_single_explanation_computes(tmp_path, model):
    source = photos(tmp_path / "in", 1, bad=False)
    words = ["batch", str(source), "--out", str(tmp_path / "out"), *QUICK, "--baseline", "blur", "--target", "7"]
    assert main(words) == 0
    (row,) = rows(tmp_path / "out")
    image = igcore.load_image(source / "photo 0.jpg", model.spec.input_size)
    alone = igcore.explain(model, image, igcore.IntegratedGradients("blur", "midpoint", 2), 7)
    found = igcore.Attribution.load(tmp_path / "out" / row["attribution"])
    np.testing.assert_array_equal(found.values, alone.values)
    assert (row["target"], row["gradient_count"]) == (7, 2)


def test_json_is_one_object(tmp_path, capsys):
    assert main(["batch", str(photos(tmp_path / "in")), "--out", str(tmp_path / "out"), *QUICK, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert {key: facts[key] for key in ("images", "failed", "left", "new")} == {
        "images": 5,
        "failed": 1,
        "left": 0,
        "new": 5,
    }


def test_it_goes_on_where_it_was_and_only_when_told_to(tmp_path, capsys):
    source, out = photos(tmp_path / "in", 2, bad=False), tmp_path / "out"
    words = ["batch", str(source), "--out", str(out), *QUICK]
    assert main(words) == 0
    first = {name: (out / name).stat().st_mtime_ns for name in files(out) if name.endswith(("npz", "png"))}
    capsys.readouterr()
    assert main(words) == 2
    assert "holds a run already; add --resume" in capsys.readouterr().err
    assert main([*words, "--resume", "--seed", "3"]) == 2
    assert "was asked for another seed" in capsys.readouterr().err
    Image.new("RGB", (40, 40), "green").save(source / "new.png")
    removed = out / rows(out)[0]["overlay"]
    removed.unlink()
    assert main([*words, "--resume"]) == 0
    assert "3 images, 2 of them now" in capsys.readouterr().out
    assert len(rows(out)) == 3
    later = {name: (out / name).stat().st_mtime_ns for name in first}
    assert sum(first[name] != later[name] for name in first) == 2  # the removed overlay, and its map with it
    assert len((out / "rows.jsonl").read_text().splitlines()) == 4


def test_a_list_names_images_from_its_own_folder(tmp_path):
    source = photos(tmp_path / "in", 2, bad=False)
    (source / "list.txt").write_text("\ufeff# two of them\n\nphoto 0.jpg\nmore/1.JPG\nphoto 0.jpg\nmissing.png\n")
    found = find_images(str(source / "list.txt"))
    assert [one.name for one in found] == ["photo 0.jpg", "more/1.JPG", "missing.png"]
    assert main(["batch", str(source / "list.txt"), "--out", str(tmp_path / "out"), *QUICK]) == 0
    assert [row["error"] for row in rows(tmp_path / "out")] == [
        "cannot read the file: No such file or directory",
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["nowhere"], "there is no folder or list 'nowhere'"),
        (["{empty}"], "no images below"),
        (["{in}", "--steps", "0"], "steps is 0"),
        (["{in}", "--model", "vgg"], "vgg"),
        (["{in}", "--target", "no such class"], "no such class"),
        (["{in}", "--seed", "-1"], "--seed is -1"),
        (["{in}", "--method", "nothing"], "nothing"),
        (["{in}", "--out", "{in}/notes.txt/x"], "choose another folder"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(tmp_path, capsys, words, line):
    (tmp_path / "empty").mkdir()
    names = {"in": photos(tmp_path / "in", 1), "empty": tmp_path / "empty"}
    words = [word.format(**names) for word in words]
    assert main(["batch", *words, *([] if "--out" in words else ["--out", str(tmp_path / "out")])]) == 2
    told = capsys.readouterr()
    assert line in told.err
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert not (tmp_path / "out").exists()


def test_file_names_are_safe_and_never_the_same():
    names = ["a.jpg", "a/b.jpg", "a_b.jpg", "../x.jpg", "ä b.jpg", "x" * 300 + ".jpg", "CON", "a:b.jpg", "", "..."]
    stems = [Source(name, bytes).stem for name in names]
    assert len({stem.lower() for stem in stems}) == len(names)
    for stem in stems:
        assert len(stem) < 80
        assert not set(stem) & set('/\\:*?"<>|\0 ')
        assert not stem.startswith(".")
    assert [one.name for one in distinct([Source(name, bytes) for name in "abca"])] == ["a", "b", "c"]


# Ended at any moment.

STEPS = 4  # of writing an image: its map, its overlay, its row, and the row's way to the disk


def examined(photo: int) -> Examined:
    grain = np.random.default_rng(photo)
    values, image = grain.normal(size=(2, 8, 8, 3)).astype(np.float32)
    result = igcore.Attribution(
        values, np.abs(image) % 1, None, 3, "fox", "model", "ig", {}, 0.9, None, False, 5, 0.1, map_error=0.01
    )
    return Examined(result, b"a picture", [("fox", 0.9)])


KILLED = """
import os, signal, sys
from pathlib import Path
from igcore.batch import Record, Source, Specification
from igcore.methods import IntegratedGradients
from tests.test_batch import examined
folder, step, after = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "after"
record = Record(folder, Specification("model", IntegratedGradients()))
record.add(Source("first", bytes), examined(1))
count = 0
def counted(real):
    def call(*arguments, **options):
        global count
        count += 1
        if count == step and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        found = real(*arguments, **options)
        if count == step and after:
            os.kill(os.getpid(), signal.SIGKILL)
        return found
    return call
class Torn:
    def __init__(self, file): self.file = file
    def __getattr__(self, name): return getattr(self.file, name)
    def write(self, data):
        global count
        count += 1
        if count == step:
            self.file.write(data[: len(data) // 2] if not after else data)
            self.file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        return self.file.write(data)
Path.replace, os.fsync, record._journal = counted(Path.replace), counted(os.fsync), Torn(record._journal)
record.add(Source("second", bytes), examined(2))
"""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_a_kill_at_any_step_of_writing_loses_and_doubles_nothing(tmp_path, step, when):
    out = tmp_path / "out"
    run = subprocess.run(
        [sys.executable, "-c", KILLED, str(out), str(step), when], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert run.returncode == -signal.SIGKILL
    record = Record(out, Specification("model", igcore.IntegratedGradients()), resume=True)
    assert set(record.rows) in ({"first"}, {"first", "second"})
    assert ("second" in record.rows) == (step == STEPS or (step == STEPS - 1 and when == "after"))
    if "second" not in record.rows:
        record.add(Source("second", bytes), examined(2))
    record.close()
    assert [row["name"] for row in rows(out)] == ["first", "second"]
    assert len((out / "rows.jsonl").read_text().splitlines()) == 2
    listed = {row[part] for row in rows(out) for part in ("attribution", "overlay")}
    assert files(out) == listed | {"run.json", "rows.jsonl", "manifest.parquet"}
    for number, row in enumerate(rows(out), start=1):
        found = igcore.Attribution.load(out / row["attribution"])
        np.testing.assert_array_equal(found.values, examined(number).attribution.values)
        assert (out / row["overlay"]).read_bytes() == b"a picture"


def begun(kind: str, source: Path, out: Path, *words: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "igcore", "batch", str(source), "--out", str(out), *words]
    return subprocess.Popen(
        command, cwd=ROOT, env=os.environ | {"IGCORE_RUNTIME": kind}, stdout=subprocess.PIPE, text=True,
        stderr=subprocess.PIPE,
    )  # fmt: skip


def journal(out: Path) -> int:
    return (out / "rows.jsonl").read_text().count("\n") if (out / "rows.jsonl").exists() else 0


def until_written(process: subprocess.Popen, out: Path, count: int) -> None:
    deadline = time.monotonic() + 120
    while journal(out) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("kind", ["processes", pytest.param("ray", marks=pytest.mark.slow)])
@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_was_ended_goes_on(tmp_path, sent, kind):
    source, out = photos(tmp_path / "in", 12), tmp_path / "out"
    process = begun(kind, source, out, "--steps", "20")
    until_written(process, out, 3)
    process.send_signal(sent)
    told, errors = process.communicate(timeout=60)
    before = journal(out)
    assert 3 <= before < 13
    if sent == signal.SIGINT:
        assert process.returncode == 130
        assert errors.endswith("igcore: stopped\n")
        assert "Traceback" not in errors
        assert f"{13 - before} images are left; the same command with --resume goes on" in told
        assert len(rows(out)) == before
    again = begun(kind, source, out, "--steps", "20", "--resume")
    told, errors = again.communicate(timeout=240)
    assert again.returncode == 0, errors
    assert f"13 images, {13 - before} of them now" in told
    assert len(rows(out)) == 13
    assert len({row["name"] for row in rows(out)}) == 13
    assert journal(out) == 13


@pytest.mark.parametrize("kind", ["threads", "processes", pytest.param("ray", marks=pytest.mark.slow)])
def test_hostile_files_are_a_row_with_a_line_each(tmp_path, kind):
    source, out = photos(tmp_path / "in", 1, bad=False), tmp_path / "out"
    hostile = hostile_files()
    for name, data in hostile:
        (source / name).write_bytes(data)
    told, errors = begun(kind, source, out, *QUICK).communicate(timeout=240)
    assert f"{len(hostile) + 1} images" in told, errors
    assert "Traceback" not in errors
    refused = {row["name"]: row["error"] for row in rows(out) if row["error"]}
    assert set(refused) == {name for name, _ in hostile}
    assert all("\n" not in line and ";" in line for line in refused.values()), refused


def test_two_runs_do_not_write_to_one_folder(tmp_path):
    asked = Specification("model", igcore.IntegratedGradients())
    record = Record(tmp_path, asked)
    with pytest.raises(InputError, match="another run is writing"):
        Record(tmp_path, asked, resume=True)
    record.close()
    Record(tmp_path, asked, resume=True).close()


def test_a_folder_of_something_else_is_not_gone_on_with(tmp_path):
    asked = Specification("model", igcore.IntegratedGradients())
    (tmp_path / "run.json").write_text("[1]")
    with pytest.raises(InputError, match="not the settings of a batch"):
        Record(tmp_path, asked, resume=True)
    (tmp_path / "run.json").unlink()
    (tmp_path / "rows.jsonl").write_text("{}\n")
    with pytest.raises(InputError, match="not a journal of a batch"):
        Record(tmp_path, asked)


# What many images say together.


def spot(row: int, column: int, size: int = 64) -> np.ndarray:
    values = np.zeros((size, size, 3), np.float32)
    values[row : row + 4, column : column + 4] = 1
    return values


def test_where_attribution_falls():
    falls = where_it_falls(spot(30, 30))
    assert (falls.center, falls.border) == (1, 0)
    assert falls.entropy == pytest.approx(np.log(16) / np.log(64 * 64))
    assert (where_it_falls(spot(0, 30)).center, where_it_falls(spot(0, 30)).border) == (0, 1)
    even = where_it_falls(np.full((64, 64, 3), -2.0, np.float32))
    assert (even.center, even.border, even.entropy) == pytest.approx((1 / 4, 7 / 16, 1))
    half = where_it_falls(spot(30, 30) - 1e3 * spot(0, 0))
    assert half.center == pytest.approx(1 / 1001)  # shares go by size, whatever the sign
    assert where_it_falls(np.zeros((8, 8, 3), np.float32)) is None


def test_a_class_has_a_mean_map_and_one_that_is_unlike_the_others():
    alike = [("a", "fox", 5 * spot(16, 16)), ("b", "fox", spot(17, 17)), ("c", "fox", spot(16, 17))]
    others = [("odd", "fox", spot(50, 50)), ("e", "owl", spot(0, 0)), ("zero", "owl", 0 * spot(0, 0))]
    fox, owl = by_class([*alike, *others])
    assert (fox.label, fox.names, owl.names) == ("fox", ["a", "b", "c", "odd"], ["e"])
    assert fox.mean.sum() == pytest.approx(1)
    assert fox.mean[50:54, 50:54].sum() == pytest.approx(1 / 4)  # each image counts the same
    name, agreement = fox.by_disagreement[0]
    assert name == "odd"
    assert agreement < 0.1 < 0.8 < fox.by_disagreement[1][1]
    assert np.isnan(owl.agreement[0])
