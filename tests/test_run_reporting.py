"""Reports of real run folders: written, written again with parts missing or damaged, and what they hold."""

import json
import re
import shutil

import pytest

import meltpoint as mp
from meltpoint.cli import report_command
from meltpoint.errors import DiskError, InputError, RunFolderError
from meltpoint.randomness import generator
from meltpoint.run import Run, StudyOptions
from meltpoint.run.examples import MAX_CHARACTERS, changed_examples
from meltpoint.run.reporting import read_parts, write_charts, write_report
from meltpoint.text import corpus_from_lists

CUES = {"good": ["great", "fine", "lovely", "warm", "bright"], "bad": ["dull", "weak", "poor", "boring", "awful"]}
FILLER = ["the", "film", "plot", "actor", "scene", "music", "story", "camera"]


@pytest.fixture(scope="module")
def labelled():
    random = generator(0, "reviews")
    labels = [("good", "bad")[row % 2] for row in range(100)]
    cues = [label if row % 3 else "good" for row, label in enumerate(labels)]
    texts = [" ".join([*random.choice(FILLER, 4), *random.choice(CUES[cue], 2)]) for cue in cues]
    return ["long " * 200 + texts[0], *texts[1:]], labels


@pytest.fixture(scope="module")
def studied(labelled, glove, tmp_path_factory):
    options = StudyOptions(policies=("fine-tuned",), search_trials=1, max_repeats=2, sizes=(40, 60))
    return mp.study(*labelled, vectors=glove, options=options, out=tmp_path_factory.mktemp("runs") / "run", workers=0)


@pytest.fixture
def run(studied, tmp_path):
    """A copy of the run, to be damaged."""
    shutil.copytree(studied.folder, tmp_path / "run")
    return Run.open(tmp_path / "run")


def test_a_report_is_written_into_the_run(run):
    page = run.report()
    assert page == run.folder / "report.html"
    text = page.read_text(encoding="utf-8")
    assert 'data-chart="learning-curves"' in text
    assert 'data-chart="gain-by-size"' in text
    markdown = run.report("md").read_text(encoding="utf-8")
    assert markdown.startswith("# ")
    with pytest.raises(InputError, match="html or md; found 'pdf'"):
        run.report("pdf")


def test_learning_curves_are_those_of_the_chosen_models(run):
    curves = read_parts(run.folder, run.verdict).curves
    assert {(curve.policy, curve.repeat) for curve in curves} >= {("frozen", 0), ("frozen", 1), ("fine-tuned", 1)}
    frame = run.frame()
    for curve in curves:
        (row,) = frame.filter(policy=curve.policy, repeat=curve.repeat, size=60).to_dicts()
        assert curve.best_step == row["best_step"]
        assert len(curve.steps) == row["looks"]
        assert curve.scores[curve.steps.index(curve.best_step)] == pytest.approx(100 * row["validation_score"])


def test_examples_are_rows_on_which_the_policies_differ(run, labelled):
    texts, labels = labelled
    found = json.loads((run.folder / "examples.json").read_text(encoding="utf-8"))
    predictions = run.predictions().filter(size=60)
    for side, better, worse in (("gained", "fine-tuned", "frozen"), ("lost", "frozen", "fine-tuned")):
        of = {
            name: {
                row: sum(right) for row, right in predictions.filter(policy=name).group_by("row").agg("right").rows()
            }
            for name in (better, worse)
        }
        changed = {row for row in of[better] if of[better][row] > of[worse][row]}
        assert found[f"num_{side}"] == len(changed)
        assert {one["row"] for one in found[side]} <= changed
        for one in found[side]:
            assert one["label"] == labels[one["row"]]
            assert texts[one["row"]].startswith(one["text"].removesuffix(" …"))
            assert len(one["text"]) <= MAX_CHARACTERS
    assert changed_examples(run.folder, run.verdict, corpus_from_lists(*labelled)) == found


def test_texts_are_kept_only_where_they_may_be(labelled, glove, tmp_path):
    options = StudyOptions(policies=("fine-tuned",), search_trials=1, max_repeats=2, sizes=(40,))
    run = mp.study(*labelled, vectors=glove, options=options, out=tmp_path / "run", workers=0, keep_examples=False)
    assert not (run.folder / "examples.json").exists()
    page = run.report().read_text(encoding="utf-8")
    assert 'id="changed"' not in page
    assert labelled[0][1] not in page


@pytest.mark.parametrize("missing", ["run.json", "examples.json", "model"])
def test_a_report_does_without_a_part(missing, run):
    path = run.folder / missing
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert write_report(run.folder, run.verdict).is_file()


@pytest.mark.parametrize(
    ("content", "error"), [("{", r"Cannot read .*examples\.json: .*Delete it"), ("[]", "a JSON object; found list")]
)
def test_a_damaged_part_is_named(content, error, run):
    (run.folder / "examples.json").write_text(content)
    with pytest.raises(RunFolderError, match=error):
        run.report()


def test_the_drift_of_a_run_is_shown(run, drift_document):
    (run.folder / "drift.json").write_text(json.dumps(drift_document))
    assert 'data-chart="vocabulary-map"' in run.report().read_text(encoding="utf-8")


def test_charts_for_papers(run, tmp_path):
    files = write_charts(run.folder, run.verdict, tmp_path / "charts")
    names = {path.name for path in files}
    assert {"gain-by-size.svg", "gain-by-size.png", "learning-curves.svg", "report.md"} <= names
    assert all(path.stat().st_size > 1000 for path in files)
    pictures = re.findall(r"\]\(\./(.+?)\)", (tmp_path / "charts" / "report.md").read_text(encoding="utf-8"))
    assert set(pictures) == {name for name in names if name.endswith(".svg")}
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskError, match=r"Cannot make the folder .* Choose another with --charts"):
        write_charts(run.folder, run.verdict, tmp_path / "file")


def test_a_study_stands_even_if_its_report_fails(run, labelled, monkeypatch, capsys):
    def fail(*_, **__):
        raise ZeroDivisionError("odd data")

    monkeypatch.setattr("meltpoint.run.studying.write_report", fail)
    corpus = corpus_from_lists(*labelled)
    assert report_command.write_report(run, corpus, keep_examples=False) is None
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "no report.html: a defect of meltpoint (ZeroDivisionError: odd data). The study is whole" in told
