"""The embedding table: the vectors' rows bit for bit, a zero pad row, and a memory of where it started."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from meltpoint.embedding import UNKNOWN_INITIALISERS, PretrainedEmbedding, build_embedding
from meltpoint.errors import InputError
from meltpoint.text import Vocabulary, tokenizer_named
from meltpoint.vectors import open_vectors

WORDS = ("the", "movie", "zzqxv", "melting", "qqwvz", "point")
KNOWN = ("the", "movie", "melting", "point")


@pytest.fixture(scope="module")
def vocabulary():
    return Vocabulary.from_counts({word: 10 - rank for rank, word in enumerate(WORDS)})


@pytest.fixture
def embedding(glove, vocabulary):
    return build_embedding(glove, vocabulary)


def bits(tensor):
    return tensor.detach().numpy().tobytes()


def test_rows_are_those_of_the_vectors_bit_for_bit(glove, vocabulary, embedding):
    assert embedding.weight.shape == (len(vocabulary), glove.dim)
    assert embedding.weight.dtype == torch.float32
    assert embedding.weight.requires_grad
    for word in KNOWN:
        row = vocabulary.index(word)
        assert bits(embedding.weight[row]) == glove[word].tobytes()
        assert embedding.is_pretrained[row]
    assert embedding.is_pretrained.sum() == len(KNOWN)
    assert embedding.vocabulary is vocabulary


def test_pad_is_zero_and_unknown_is_drawn(embedding):
    assert embedding.padding_idx == 0
    assert not embedding.weight[0].any()
    assert not embedding.pretrained[0].any()
    assert embedding.weight[1].any()
    assert not embedding.is_pretrained[:2].any()


def test_coverage_is_measured_over_the_words(embedding):
    coverage = embedding.coverage
    assert (coverage.types_found, coverage.types) == (4, 6)
    assert (coverage.tokens_found, coverage.tokens) == (10 + 9 + 7 + 5, sum(range(5, 11)))
    assert [unknown.word for unknown in coverage.unknown] == ["zzqxv", "qqwvz"]


def test_vectors_that_know_the_special_words_do_not_fill_their_rows(tmp_path):
    path = tmp_path / "vectors.txt"
    path.write_text("<pad> 9 9\n<unk> 9 9\ngood 1 2\nbad 3 4\n", encoding="utf-8")
    vocabulary = Vocabulary.from_counts({"good": 2, "bad": 1}, tokenizer=tokenizer_named("whitespace"))
    embedding = build_embedding(open_vectors(path), vocabulary, unknown="mean")
    assert embedding.weight.tolist() == [[0, 0], [2, 3], [1, 2], [3, 4]]
    assert embedding.is_pretrained.tolist() == [False, False, True, True]


def test_pretrained_does_not_follow_the_weight(glove, embedding):
    before = bits(embedding.pretrained)
    with torch.no_grad():
        embedding.weight.add_(1)
    assert bits(embedding.pretrained) == before
    rows, known = torch.ones(3, 2), torch.ones(3, dtype=torch.bool)
    made = PretrainedEmbedding(rows, known)
    with torch.no_grad():
        made.weight.fill_(7)
    rows.fill_(5)
    known.fill_(False)
    assert made.pretrained.tolist() == [[0, 0], [1, 1], [1, 1]]
    assert made.is_pretrained.all()


def test_the_vectors_themselves_are_never_written(glove, vocabulary):
    before = glove["movie"]
    embedding = build_embedding(glove, vocabulary)
    optimizer = torch.optim.SGD(embedding.parameters(), lr=1.0)
    embedding(torch.tensor([vocabulary.index("movie")])).sum().backward()
    optimizer.step()
    assert not np.array_equal(embedding.weight[vocabulary.index("movie")].detach().numpy(), before)
    assert np.array_equal(glove["movie"], before)


def test_a_checkpoint_holds_the_weight_alone(embedding):
    assert list(embedding.state_dict()) == ["weight"]
    assert isinstance(embedding, nn.Embedding)
    assert {name for name, _ in embedding.named_buffers()} == {"pretrained", "is_pretrained"}


def test_buffers_follow_the_module(embedding):
    assert embedding.double().pretrained.dtype == torch.float64
    assert embedding.is_pretrained.dtype == torch.bool
    assert embedding.to("meta").pretrained.is_meta


def test_deepcopy_is_independent(embedding):
    twin = copy.deepcopy(embedding)
    with torch.no_grad():
        twin.weight.zero_()
        twin.pretrained.zero_()
    assert embedding.weight[2].any()
    assert embedding.pretrained[2].any()
    assert twin.vocabulary.words == embedding.vocabulary.words


def test_an_extended_table_reads_further_rows_and_is_then_as_before(embedding):
    weight, further = embedding.weight, torch.full((2, embedding.embedding_dim), 9.0)
    ids = torch.tensor([3, len(weight), len(weight) + 1])
    with embedding.extended(further):
        read = embedding(ids)
        assert not read.requires_grad
    assert torch.equal(read, torch.cat([weight[3:4], further]))
    assert embedding.weight is weight
    assert [id(parameter) for parameter in embedding.parameters()] == [id(weight)]
    with pytest.raises(RuntimeError, match="within"), embedding.extended(further):
        raise RuntimeError("within")
    assert embedding.weight is weight
    assert weight.requires_grad


def test_torch_func_sees_an_ordinary_module(embedding):
    ids = torch.tensor([[2, 3, 0], [1, 2, 4]])
    parameters = {name: value.detach() for name, value in embedding.named_parameters()}

    def total(parameters, ids):
        return torch.func.functional_call(embedding, parameters, (ids,)).square().sum()

    gradient = torch.func.grad(total)(parameters, ids)["weight"]
    total(dict(embedding.named_parameters()), ids).backward()
    assert torch.equal(gradient, embedding.weight.grad)
    assert not gradient[0].any()
    stacked = {"weight": torch.stack([parameters["weight"], 2 * parameters["weight"]])}
    both = torch.func.vmap(total, in_dims=(0, None))(stacked, ids)
    torch.testing.assert_close(both[1], 4 * both[0])


@pytest.mark.parametrize("unknown", UNKNOWN_INITIALISERS)
def test_the_seed_decides_every_bit(glove, vocabulary, unknown):
    first, second, other = (
        bits(build_embedding(glove, vocabulary, unknown=unknown, seed=seed).weight) for seed in (3, 3, 4)
    )
    assert first == second
    assert (first != other) == (unknown in {"matched-normal", "shared"})


@pytest.mark.parametrize(
    ("rows", "known", "text"),
    [
        (torch.zeros(3), torch.zeros(3, dtype=torch.bool), r"\(V, D\) floating tensor .* found torch.float32 \(3,\)"),
        (torch.zeros(3, 2, dtype=torch.int64), torch.zeros(3, dtype=torch.bool), r"found torch.int64 \(3, 2\)"),
        (torch.zeros(0, 2), torch.zeros(0, dtype=torch.bool), r"at least the pad row, found torch.float32 \(0, 2\)"),
        (torch.zeros(3, 2), torch.zeros(4, dtype=torch.bool), r"bool of shape \(3,\), found torch.bool \(4,\)"),
        (torch.zeros(3, 2), torch.zeros(3), r"bool of shape \(3,\), found torch.float32 \(3,\)"),
    ],
)
def test_rows_that_do_not_fit(rows, known, text):
    with pytest.raises(InputError, match=text):
        PretrainedEmbedding(rows, known)


def test_an_initialisation_that_is_not_there(glove, vocabulary):
    with pytest.raises(InputError, match=r"called 'uniform'\. Choose one of: matched-normal, zero, mean, shared"):
        build_embedding(glove, vocabulary, unknown="uniform")
