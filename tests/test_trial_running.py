"""A trial is a pure function of its spec; the policies of a repeat share everything but the policy."""

import json
from dataclasses import asdict, replace
from itertools import islice, pairwise

import numpy as np
import pytest
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline

from meltpoint.embedding import POLICIES, Policy
from meltpoint.errors import DivergedError, InputError
from meltpoint.models.layers import SharedDropout
from meltpoint.randomness import generator
from meltpoint.studies import StudyPlan
from meltpoint.text import corpus_from_lists, read_corpus, tokenizer_named
from meltpoint.trial import (
    TFIDF,
    Divergence,
    Examples,
    Schedule,
    SplitSpec,
    TrialSpec,
    as_search,
    fit_for,
    make_learner,
    prepare_data,
    run_search,
    run_trial,
    running,
    split_for,
)
from meltpoint.trial import assemble as assemble_trial
from meltpoint.trial.assembly import can_be_stacked

GOOD = ["good", "great", "fine", "superb", "moving", "wonderful", "charming", "clever"]
BAD = ["bad", "awful", "poor", "dull", "boring", "terrible", "clumsy", "silly"]
NEUTRAL = [
    "the",
    "a",
    "movie",
    "film",
    "plot",
    "of",
    "and",
    "is",
    "with",
    "actor",
    "zzqxv",
    "qqwvz",
    "story",
    "scene",
    "it",
]
SHORT = Schedule(batch_size=16, max_steps=60, evaluate_every=10, patience_steps=30, max_tokens=20)
SPEC = TrialSpec(
    study="synthetic",
    architecture="average",
    policy="fine-tuned",
    settings=(),
    learning_rate=0.01,
    unknown="matched-normal",
    split=SplitSpec(seed=3, repeat=1, size=100, num_folds=4, validation_fraction=0.2),
    schedule=SHORT,
)
CONTROL = replace(SPEC, architecture=TFIDF, policy=TFIDF, settings=(("C", 10.0),), learning_rate=0.0)


def reviews(num_rows, name):
    """Texts with more words of their class than of the other; one in ten has the wrong label."""
    random = generator(0, "reviews", name)
    texts, labels = [], []
    for row in range(num_rows):
        own, other = (GOOD, BAD) if row % 2 else (BAD, GOOD)
        words = [*random.choice(own, 2), *random.choice(other, 1), *random.choice(NEUTRAL, random.integers(1, 9))]
        texts.append(" ".join(random.permutation(words)))
        labels.append(int(random.random() < 0.1) ^ row % 2)
    return texts, labels


@pytest.fixture(scope="module")
def data(glove):
    return prepare_data(corpus_from_lists(*reviews(160, "rows")), glove, tokenizer_named("whitespace"))


@pytest.fixture(scope="module")
def data_with_test(glove):
    test_texts, test_labels = reviews(60, "test")
    # A word that no training text has.
    test_texts = [f"{text} cinema" for text in test_texts]
    corpus = corpus_from_lists(*reviews(120, "rows"), test_texts=test_texts, test_labels=test_labels)
    return prepare_data(corpus, glove, tokenizer_named("whitespace"))


def of_policy(policy, **more):
    # The default thaw comes after the end of so short a training.
    settings = (("thaw_step", 5),) if policy == "gradual" else ()
    return replace(SPEC, policy=policy, **{"settings": settings, **more})


def assemble(spec, data):
    where = (spec.split.repeat, spec.split.size)
    return assemble_trial(spec, data, split_for(data, spec.split).train, seed=spec.split.seed, where=where)


def learner_for(spec, assembly, data):
    """Starts the policy, and makes a learner of one member with its training examples."""
    train = assembly.examples(data, split_for(data, spec.split).train)
    where = (spec.split.repeat, spec.split.size)
    return make_learner(
        [spec], [assembly], [train], [0], seed=spec.split.seed, where=[where], device=torch.device("cpu")
    ), train


def content(result, *left_out):
    """Everything that a trial found, but for its seconds."""
    predicted = None if result.predicted is None else result.predicted.tolist()
    found = {**asdict(result), "predicted": predicted}
    return {name: value for name, value in found.items() if name not in {"seconds", *left_out}}


# Purity


@pytest.mark.parametrize("policy", POLICIES)
def test_the_same_spec_gives_the_same_bits(data, policy):
    spec = of_policy(policy)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        first = run_trial(spec, data)
        state = torch.random.get_rng_state()
        second = run_trial(TrialSpec.from_json(spec.to_json()), data)
        assert torch.equal(torch.random.get_rng_state(), state)
    assert content(first) == content(second)
    assert first.predicted.dtype == np.int16
    assert first.seconds > 0
    json.dumps(content(first))


@pytest.mark.parametrize("spec", [of_policy("anchored", architecture="cnn"), CONTROL], ids=["cnn", "tf-idf"])
def test_other_models_are_as_pure(data, spec):
    assert content(run_trial(spec, data)) == content(run_trial(spec, data))


def test_the_data_may_come_from_files(data, tmp_path):
    data.save(tmp_path)
    assert content(run_trial(SPEC, type(data).load(tmp_path))) == content(run_trial(SPEC, data))


def test_another_seed_or_repeat_is_another_trial(data):
    first = content(run_trial(SPEC, data))
    for change in ({"seed": 4}, {"repeat": 2}):
        assert content(run_trial(replace(SPEC, split=replace(SPEC.split, **change)), data)) != first


# What the policies of a repeat share


def test_policies_share_the_head_they_start_from(data):
    heads = []
    for policy in POLICIES:
        for rate in (0.01, 0.001):
            assembly = assemble(of_policy(policy, learning_rate=rate), data)
            heads.append([weight.detach().numpy().tobytes() for weight in assembly.model.hidden.parameters()])
    assert all(head == heads[0] for head in heads)
    other = assemble(replace(SPEC, split=replace(SPEC.split, repeat=2)), data)
    assert [weight.detach().numpy().tobytes() for weight in other.model.hidden.parameters()] != heads[0]


def test_policies_share_the_rows_they_start_from(data):
    tables = {}
    for policy in POLICIES:
        assembly = assemble(of_policy(policy), data)
        learner_for(of_policy(policy), assembly, data)
        tables[policy] = assembly.embedding
    expected = tables["frozen"].weight
    for policy, table in tables.items():
        same = table.weight.shape == expected.shape and torch.equal(table.weight, expected)
        assert same == (policy != "scratch")


@pytest.mark.parametrize("architecture", ["average", "cnn"])
def test_policies_share_batches_and_dropout(data, monkeypatch, architecture):
    seen = []
    epochs, draw = Examples.epochs, SharedDropout.draw

    def spied_epochs(self, batch_size, random):
        for positions in epochs(self, batch_size, random):
            seen.append(self.rows[positions].tolist())
            yield positions

    def spied_draw(self, *shape):
        drawn = draw(self, *shape)
        if self.training:
            seen.append([generator.get_state().numpy().tobytes() for generator in self.generators])
        return drawn

    monkeypatch.setattr(Examples, "epochs", spied_epochs)
    monkeypatch.setattr(SharedDropout, "draw", spied_draw)
    courses = []
    for policy in POLICIES:
        seen.clear()
        schedule = replace(SHORT, max_steps=20)
        run_trial(of_policy(policy, architecture=architecture, schedule=schedule, learning_rate=1e-3), data)
        courses.append(list(seen))
    assert len(courses[0]) == 40
    assert all(course == courses[0] for course in courses)


def test_a_batch_holds_texts_of_like_length_and_an_epoch_every_text(data):
    assembly = assemble(SPEC, data)
    train = assembly.examples(data, split_for(data, SPEC.split).train)
    epochs = [list(islice(train.epochs(16, generator(0, "epoch")), 10)) for _ in range(2)]
    assert all(np.array_equal(one, other) for one, other in zip(*epochs, strict=True))
    for epoch in (epochs[0][:5], epochs[0][5:]):
        assert sorted(np.concatenate(epoch)) == list(range(80))
        lengths = sorted((data.packed.lengths[train.rows[batch]] for batch in epoch), key=lambda batch: batch[0])
        assert all(short.max() <= long.min() for short, long in pairwise(lengths))
    assert not np.array_equal(np.concatenate(epochs[0][:5]), np.concatenate(epochs[0][5:]))


def test_long_texts_are_cut(data):
    spec = replace(SPEC, schedule=replace(SHORT, max_tokens=5))
    ids = assemble(spec, data).examples(data, np.arange(10)).ids(np.arange(10))
    assert ids.shape == (10, 5)
    whole = assemble(SPEC, data).examples(data, np.arange(10)).ids(np.arange(10))
    assert torch.equal(ids, whole[:, :5])
    local = assemble(spec, data).examples(data, np.arange(10)).local(np.arange(10))
    assert np.array_equal(local.rows[local.ids], ids.numpy())


# Test rows decide nothing


@pytest.mark.parametrize("spec", [*map(of_policy, POLICIES), CONTROL], ids=[*POLICIES, TFIDF])
def test_labels_of_a_given_test_set_change_nothing_but_its_score(data_with_test, spec):
    labels = data_with_test.label_ids.copy()
    test = np.flatnonzero(data_with_test.is_test)
    labels[test] = generator(0, "permutation").permutation(labels[test])
    true, permuted = (run_trial(spec, each) for each in (data_with_test, replace(data_with_test, label_ids=labels)))
    assert content(true, "test_score") == content(permuted, "test_score")
    assert permuted.test_score < true.test_score
    assert true.test_score == (true.predicted == data_with_test.label_ids[test]).mean()
    assert permuted.test_score == (permuted.predicted == labels[test]).mean()


@pytest.mark.parametrize("spec", [SPEC, CONTROL], ids=["fine-tuned", TFIDF])
def test_labels_of_a_test_fold_change_nothing_but_its_score(data, spec, monkeypatch):
    # The folds are stratified by all labels: they are drawn first, and stay.
    split = split_for(data, spec.split)
    monkeypatch.setattr(running, "split_for", lambda *_: split)
    labels = data.label_ids.copy()
    labels[split.test] = 1 - labels[split.test]
    true, flipped = (run_trial(spec, each) for each in (data, replace(data, label_ids=labels)))
    assert content(true, "test_score") == content(flipped, "test_score")
    assert flipped.test_score == pytest.approx(1 - true.test_score)


# The table


@pytest.mark.parametrize("policy", ["fine-tuned", "decayed"])
def test_the_table_holds_words_of_training_rows_first(data_with_test, glove, policy):
    spec = of_policy(policy, split=replace(SPEC.split, size=40))
    seen = set(np.flatnonzero(data_with_test.packed.counts(split_for(data_with_test, spec.split).train)))
    assembly = assemble(spec, data_with_test)
    rows, num_words = assembly.table_rows, assembly.num_words
    assert num_words == len(seen) + 2
    # What moves rows never trained on must hold them; for all others they stand outside.
    assert (assembly.embedding.num_embeddings > num_words) == (policy == "decayed")
    assert (len(assembly.unseen) == 0) == (policy == "decayed")
    with assembly.embedding.extended(assembly.unseen):
        read = assembly.embedding.weight.detach().numpy()[rows]
    for token, word in enumerate(data_with_test.packed.lexicon):
        if token in seen:
            assert 2 <= rows[token] < num_words
        else:
            assert rows[token] >= num_words if word in glove else rows[token] == 1
        if word in glove:
            assert read[token].tobytes() == glove[word].tobytes()


@pytest.mark.parametrize(("policy", "extended"), [(name, name != "scratch") for name in POLICIES])
def test_who_reads_words_that_were_not_trained_on(data_with_test, policy, extended):
    assembly = assemble(of_policy(policy), data_with_test)
    cinema = assembly.table_rows[data_with_test.packed.lexicon.index("cinema")]
    assert (cinema >= assembly.num_words) == extended
    assert extended or cinema == 1


def test_trained_numbers_are_counted_without_the_words_never_trained_on(data_with_test):
    head = 50 * 100 + 100 + 100 * 2 + 2
    for policy in POLICIES:
        assembly = assemble(of_policy(policy), data_with_test)
        learner_for(of_policy(policy), assembly, data_with_test)
        rows = assembly.num_words
        numbers = {"frozen": 0, "partial": 2 * 50, "low-rank": (rows + 50) * 8, "projected": 50 * 50}
        assert assembly.trainable_parameters == head + numbers.get(policy, rows * 50)


@pytest.mark.parametrize("policy", [policy for policy in POLICIES if policy != "scratch"])
def test_the_restricted_table_is_exact(data_with_test, policy, monkeypatch):
    split = split_for(data_with_test, SPEC.split)
    weights, scores = [], []
    for inside in (False, True):
        monkeypatch.setattr(POLICIES[policy], "moves_unseen_rows", inside)
        spec = of_policy(policy)
        assembly = assemble(spec, data_with_test)
        assert inside == (assembly.embedding.num_embeddings > assembly.num_words)
        learner, train = learner_for(spec, assembly, data_with_test)
        test = assembly.examples(data_with_test, split.test)
        fit_for(learner, train, 40, 16, generator(0, "batches"))
        scores += learner.score([0], [test])
        learner.hand_back(0, assembly.model)
        weights.append(assembly.embedding.weight.detach()[: assembly.num_words])
    assert torch.equal(*weights)
    if policy != "decayed":
        assert np.array_equal(scores[0].predicted, scores[1].predicted)
        # What a policy has learned for all words is multiplied by few rows or by many, which may round otherwise.
        assert scores[0].loss == pytest.approx(scores[1].loss, abs=1e-6)


# Who is trained beside others


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("architecture", ["average:0", "average", "cnn"])
def test_built_in_architectures_are_trained_in_one_pass_under_every_policy(data, policy, architecture):
    spec = of_policy(policy, architecture=architecture)
    assert can_be_stacked(spec, assemble(spec, data).model)


@pytest.mark.parametrize("name", ["Base", "PoolingLayer", "MoreThanItsHead"])
def test_what_does_more_than_its_scores_is_trained_one_by_one(data, own, name):
    spec = of_policy("frozen", architecture=f"{own}:{name}")
    assert not can_be_stacked(spec, assemble(spec, data).model)
    run_trial(spec, data)


def test_a_policy_that_numbers_do_not_say_is_trained_one_by_one(data, monkeypatch):
    expected = run_trial(SPEC, data)
    monkeypatch.setattr(POLICIES["fine-tuned"], "adam_update", Policy.adam_update)
    assert not can_be_stacked(SPEC, assemble(SPEC, data).model)
    found = run_trial(SPEC, data)
    assert np.array_equal(found.predicted, expected.predicted)
    assert found.validation_loss == pytest.approx(expected.validation_loss, abs=1e-6)


# Ending


def test_the_best_step_is_kept(data):
    spec = of_policy("fine-tuned", learning_rate=0.03)
    long = run_trial(replace(spec, schedule=replace(SHORT, max_steps=2000)), data)
    assert long.converged
    assert long.best_step % SHORT.evaluate_every == 0
    assert long.best_step < long.steps < 2000
    until_best = run_trial(replace(spec, schedule=replace(SHORT, max_steps=long.best_step)), data)
    differing = {"steps", "ending", "looks"}
    assert content(until_best, *differing) == content(long, *differing)
    assert until_best.looks == long.looks[: len(until_best.looks)]


def test_a_training_that_was_cut_off_says_so(data):
    cut = run_trial(of_policy("frozen", learning_rate=1e-4, schedule=replace(SHORT, max_steps=15)), data)
    assert (cut.ending, cut.converged) == ("cut off", False)
    assert cut.steps == 15
    assert cut.best_step in {10, 15}


@pytest.mark.parametrize("architecture", ["average", "cnn"])
@pytest.mark.parametrize("policy", ["frozen", "fine-tuned", "decayed"])
def test_a_diverging_training_raises(data, architecture, policy):
    with pytest.raises(
        DivergedError, match=r"loss is not finite at step 10\. The learning rate may be too high for this architecture"
    ):
        run_trial(of_policy(policy, architecture=architecture, learning_rate=1e38), data)


def test_rivals_that_are_left_behind_are_recorded_without_a_test(data):
    rates = (0.001, 0.003, 0.01, 0.03)
    specs = as_search(replace(SPEC, learning_rate=rate, schedule=replace(SHORT, rungs=(20,))) for rate in rates)
    results = run_search(specs, data)
    endings = [result.ending for result in results]
    assert endings.count("dropped") == 2
    for result in results:
        dropped = result.ending == "dropped"
        assert (result.predicted is None) == (result.test_score is None) == (result.train_score is None) == dropped
        assert result.steps == (20 if dropped else result.looks[-1].step)
        assert max(look.score for look in result.looks) == result.validation_score
    kept, left = ([r.validation_score for r in results if (r.ending == "dropped") == lost] for lost in (False, True))
    assert max(kept) >= max(left)


def test_time_is_shared_by_the_steps_taken(data):
    specs = as_search(
        replace(SPEC, learning_rate=rate, schedule=replace(SHORT, rungs=(20,), patience_steps=60))
        for rate in (1e-6, 0.01)
    )
    short, long = run_search(specs, data)
    assert (short.steps, long.steps) == (20, 60)
    assert long.seconds == pytest.approx(3 * short.seconds)


def test_a_divergence_among_rivals_is_a_finding(data):
    specs = as_search(replace(SPEC, learning_rate=rate) for rate in (0.01, 1e38))
    sound, torn = run_search(specs, data)
    alone = run_trial(specs[0], data)
    assert np.array_equal(sound.predicted, alone.predicted)
    assert sound.validation_loss == pytest.approx(alone.validation_loss, abs=1e-5)
    assert isinstance(torn, Divergence)
    assert torn.seconds > 0


# One's own architecture

OWN = """
from torch import nn

from meltpoint.models import AverageClassifier

class Base(nn.Module):
    def __init__(self, embedding, num_outputs):
        super().__init__()
        self.embedding = embedding
        self.output = nn.Linear(embedding.embedding_dim, num_outputs)

    def forward(self, ids):
        return self.output(self.embedding(ids).sum(dim=1))

class PoolingLayer(Base):
    def __init__(self, embedding, num_outputs):
        super().__init__(embedding, num_outputs)
        self.pool = nn.AdaptiveMaxPool1d(1)
        self.head = self.output

    def forward(self, ids):
        return self.head(self.pool(self.embedding(ids).transpose(1, 2)).squeeze(2))

class MoreThanItsHead(AverageClassifier):
    def forward(self, ids):
        return super().forward(ids) * ids.sign().sum(dim=1, keepdim=True)

class PerToken(Base):
    def forward(self, ids):
        return self.output(self.embedding(ids))

class Classes(Base):
    def forward(self, ids):
        return super().forward(ids).argmax(dim=1)

class WholeNumbers(Base):
    def forward(self, ids):
        return super().forward(ids).long()

class Pair(Base):
    def forward(self, ids):
        return super().forward(ids), ids

class NotOnShortTexts(Base):
    def forward(self, ids):
        scores = super().forward(ids)
        return scores if self.training else scores / 0

class WithoutEmbedding(nn.Module):
    def __init__(self, embedding, num_outputs):
        super().__init__()
        self.embedding = nn.Embedding(embedding.num_embeddings, 4)
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    (folder / "own_models.py").write_text(OWN)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield "own_models"


def test_ones_own_architecture_is_trained(data, own):
    result = run_trial(replace(SPEC, architecture=f"{own}:Base"), data)
    assert result.validation_score > 0.6


@pytest.mark.parametrize(
    ("name", "error", "text"),
    [
        ("PerToken", InputError, r"scores of .* = \(2, 2\) .* \(2, (\d+)\); it returned torch.float32 \(2, \1, 2\)"),
        ("Classes", InputError, r"it returned torch.int64 \(2,\)"),
        ("WholeNumbers", InputError, r"must return floating scores .* it returned torch.int64 \(2, 2\)"),
        ("Pair", InputError, "it returned tuple"),
        ("WithoutEmbedding", InputError, "WithoutEmbedding holds none. Build the embedding first"),
        ("NotOnShortTexts", DivergedError, "validation loss is not finite at step 10. .* divides by zero"),
    ],
)  # fmt: skip
def test_ones_own_architecture_is_checked(data, own, name, error, text):
    with pytest.raises(error, match=text):
        run_trial(replace(SPEC, architecture=f"{own}:{name}"), data)


# The control, and what the whole is worth


def test_the_control_is_the_plain_pipeline(data):
    texts, _ = reviews(160, "rows")
    split = split_for(data, CONTROL.split)
    plain = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\S+", lowercase=False, sublinear_tf=True),
        LogisticRegression(C=10.0, max_iter=1000),
    ).fit([texts[row] for row in split.train], data.label_ids[split.train])
    result = run_trial(CONTROL, data)
    probabilities = plain.predict_proba([texts[row] for row in split.validation])
    labels = data.label_ids[split.validation]
    assert np.array_equal(result.predicted, plain.predict([texts[row] for row in split.test]))
    assert result.validation_score == (probabilities.argmax(axis=1) == labels).mean()
    assert result.validation_loss == pytest.approx(log_loss(labels, probabilities), abs=1e-4)
    assert result.trainable_parameters == plain[1].coef_.size + 1
    assert result.converged
    assert result.train_score is None


def test_four_hundred_rows_of_subj_are_trained_to_the_end(glove, shared_data):
    corpus = read_corpus(shared_data / "subj" / "all.csv")
    rows = generator(0, "rows").permutation(corpus.num_rows)[:1600]
    few = corpus_from_lists([corpus.texts[row] for row in rows], corpus.label_ids[rows].tolist())
    data = prepare_data(few, glove, tokenizer_named(glove.tokenizer))
    plan = StudyPlan(
        study="subj", seed=0, architectures=("average:0",), policies=("frozen",), sizes=(400,), max_repeats=1,
        search_trials=3, num_folds=2, unknown="matched-normal", max_tokens=256, rope_points=0.5,
    )  # fmt: skip

    def chosen(specs):
        tested = [result for result in run_search(specs, data) if result.test_score is not None]
        return max(tested, key=lambda result: result.validation_score)

    frozen = chosen(plan.policy_search("average:0", "frozen", 0, 400))
    control = chosen(plan.control_search(0, 400))
    # 400 rows are 5 batches: patience counted in epochs would stop at chance.
    assert frozen.converged
    assert frozen.steps >= 300
    assert frozen.test_score > 0.8
    assert frozen.test_score >= control.test_score - 0.03


def test_gradual_that_would_thaw_after_the_end_of_the_schedule(data):
    spec = of_policy("gradual", settings=(("thaw_step", SPEC.schedule.max_steps),))
    with pytest.raises(InputError, match=r"'gradual' would move nothing: .* training ends after \d+ at the latest"):
        run_trial(spec, data)
