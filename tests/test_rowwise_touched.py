"""A model that reads a batch from a small table of the rows it touches."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from meltpoint.embedding import PretrainedEmbedding
from meltpoint.embedding.rowwise import RowAdam, TouchedRows
from meltpoint.embedding.rowwise.numbering import RowNumbers
from meltpoint.errors import InputError
from meltpoint.models import AverageClassifier, ConvolutionalClassifier
from meltpoint.randomness import torch_seeded

V, D, C, LR = 40, 6, 3, 1e-2
MODELS = {"average": AverageClassifier, "cnn": ConvolutionalClassifier}


def new_model(architecture=AverageClassifier, padding_idx=0):
    with torch_seeded(0, "model"):
        if padding_idx == 0:
            embedding = PretrainedEmbedding(torch.randn(V, D), torch.ones(V, dtype=torch.bool))
        else:
            embedding = nn.Embedding(V, D, padding_idx=padding_idx)
        # Dropout draws depend on nothing but the seed of each step.
        return architecture(embedding, C)


def batches(num_steps=30):
    with torch_seeded(0, "batches"):
        for _ in range(num_steps):
            ids = 1 + torch.randperm(V - 1)[:9][torch.randint(9, (8, 5))]
            ids[torch.arange(5) >= torch.randint(1, 6, (8, 1))] = 0
            yield ids, torch.randint(C, (8,))


def rest_of(model):
    return torch.optim.SGD([p for name, p in model.named_parameters() if not name.startswith("embedding")], lr=LR)


def backward(model, ids, labels, step):
    with torch_seeded(0, "dropout", step):
        functional.cross_entropy(model(ids), labels).backward()


@pytest.mark.parametrize("padding_idx", [0, None, 3])
@pytest.mark.parametrize("architecture", MODELS)
def test_training_is_that_of_the_whole_table(architecture, padding_idx):
    model, reference = (new_model(MODELS[architecture], padding_idx) for _ in range(2))
    updater = RowAdam(model.embedding.weight, lr=LR, weight_decay=0.1, padding_idx=padding_idx)
    touched, rest = TouchedRows(updater, model.embedding), rest_of(model)
    dense = torch.optim.AdamW([reference.embedding.weight], lr=LR, weight_decay=0.1)
    rest_of_reference = rest_of(reference)
    padding = None if padding_idx is None else reference.embedding.weight[padding_idx].detach().clone()
    for step, (ids, labels) in enumerate(batches()):
        rest.zero_grad()
        with touched.reading(ids) as table:
            backward(model, ids, labels, step)
        assert table.grad.shape == (len(touched.rows) + (padding_idx is not None), D)
        assert model.embedding.weight.grad is None
        rest.step()
        touched.step()
        rest_of_reference.zero_grad()
        dense.zero_grad()
        backward(reference, ids, labels, step)
        rest_of_reference.step()
        dense.step()
        if padding is not None:
            with torch.no_grad():
                reference.embedding.weight[padding_idx] = padding
    updater.flush()
    for found, expected in zip(model.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=2e-5)
    if padding is not None:
        assert torch.equal(model.embedding.weight[padding_idx], padding)


def test_reading_is_the_same_as_the_whole_table():
    model = new_model(ConvolutionalClassifier).eval()
    touched = TouchedRows(RowAdam(model.embedding.weight), model.embedding)
    ids, _ = next(iter(batches()))
    plain = model(ids)
    with touched.reading(ids):
        assert torch.equal(model(ids), plain)
        # What the model does with the ids before it looks them up is its own affair.
        assert torch.equal(model(ids[:3, :]), plain[:3])
    assert torch.equal(model(ids), plain)
    assert "forward" not in model.embedding.__dict__


def test_the_embedding_is_given_back_after_an_error():
    model = new_model()
    touched = TouchedRows(RowAdam(model.embedding.weight), model.embedding)
    refused = pytest.raises(InputError, match=r"Ids must be among the ids given to reading\(\), found 5")
    with refused, touched.reading(torch.tensor([[1, 2]])):
        model(torch.tensor([[1, 5]]))
    model(torch.tensor([[1, 5]]))


def test_embeddings_that_share_a_weight():
    first, second = nn.Embedding(V, D), nn.Embedding(V, D)
    second.weight = first.weight
    touched = TouchedRows(RowAdam(first.weight, lr=LR), first, second)
    left, right = torch.tensor([1, 2, 2]), torch.tensor([[2, 7]])
    with touched.reading(left, right):
        (first(left).sum() + 2 * second(right).sum()).backward()
    assert touched.rows.tolist() == [1, 2, 7]
    assert touched.table.grad[:, 0].tolist() == [1.0, 4.0, 2.0]
    touched.step(lr=0.5)
    assert touched.updater.steps == 1


def test_gradients_by_frequency():
    ids = torch.tensor([1, 1, 1, 2])
    embedding = nn.Embedding(V, D, scale_grad_by_freq=True)
    embedding(ids).sum().backward()
    expected = embedding.weight.grad[[1, 2]]
    touched = TouchedRows(RowAdam(embedding.weight), embedding)
    with touched.reading(ids):
        embedding(ids).sum().backward()
    assert torch.equal(touched.table.grad, expected)


def test_uses_that_cannot_be():
    embedding, other = nn.Embedding(V, D), nn.Embedding(V, D)
    updater = RowAdam(embedding.weight)
    with pytest.raises(InputError, match="needs the embedding"):
        TouchedRows(updater)
    with pytest.raises(InputError, match="must have the updater's table"):
        TouchedRows(updater, embedding, other)
    embedding.max_norm = 1.0
    with pytest.raises(InputError, match="max_norm"):
        TouchedRows(updater, embedding)
    embedding.max_norm = None
    touched = TouchedRows(updater, embedding)
    with pytest.raises(InputError, match=r"call loss.backward\(\)"):
        touched.step()
    with pytest.raises(InputError, match=f"from 0 to {V - 1}, found {V}"), touched.reading(torch.tensor([V])):
        pass


# Numbers of rows; both ways of numbering, though the second serves other devices

ids_of_batches = st.lists(st.lists(st.integers(0, V - 1), max_size=20), min_size=1, max_size=6)


def numbers(padding_idx, by_sorting, *, ascending=False):
    made = RowNumbers(V, padding_idx=padding_idx, device=torch.device("cpu"), ascending=ascending)
    if by_sorting:
        made.number, made.look_up = made._number_by_sorting, made._look_up_sorted
    return made


@pytest.mark.parametrize(("by_sorting", "ascending"), [(False, False), (False, True), (True, False)])
@pytest.mark.parametrize("padding_idx", [None, 0, 4])
@settings(max_examples=20, deadline=None)
@given(batches=ids_of_batches)
def test_numbers_lead_back_to_the_ids(padding_idx, by_sorting, ascending, batches):
    made = numbers(padding_idx, by_sorting, ascending=ascending)
    for batch in batches:
        ids = torch.tensor(batch, dtype=torch.int64).reshape(-1, 1)
        rows = made.number(ids)
        assert len(set(rows.tolist())) == len(rows)
        assert set(rows.tolist()) == set(batch) | ({padding_idx} - {None})
        if padding_idx is not None:
            assert rows[0] == padding_idx
        assert torch.equal(rows[made.look_up(ids)], ids)
        if ascending:
            words = rows[padding_idx is not None :].tolist()
            assert words == sorted(words)


@pytest.mark.parametrize("padding_idx", [None, 0, 4])
def test_rows_asked_for_once_have_the_gradient_of_an_embedding(padding_idx):
    embedding = torch.nn.Embedding(V, 3, padding_idx=padding_idx)
    touched = TouchedRows(RowAdam(embedding.weight, lr=0.1), embedding)
    ids = torch.tensor([row for row in (padding_idx, 1, 2, 5, 6) if row is not None])
    factors = torch.arange(1.0, 1 + 3 * len(ids)).view(-1, 3)
    with touched.reading(ids) as table:
        looked_up = embedding(ids)
        assert looked_up is not table
        (looked_up.relu_() * factors).sum().backward()  # what was looked up may be changed in place
        found = table.grad.clone()
    expected = torch.autograd.grad((embedding(ids).relu() * factors).sum(), embedding.weight)[0]
    assert torch.equal(found, expected[ids])
    assert padding_idx is None or not found[0].any()


@pytest.mark.parametrize("by_sorting", [False, True])
@pytest.mark.parametrize(("ids", "found"), [([1, V], V), ([-1, 2], -1)])
def test_ids_that_are_no_rows(by_sorting, ids, found):
    made = numbers(0, by_sorting)
    with pytest.raises(InputError, match=f"from 0 to {V - 1}, found {found}"):
        made.number(torch.tensor(ids))


@pytest.mark.parametrize("by_sorting", [False, True])
def test_ids_of_another_batch(by_sorting):
    made = numbers(0, by_sorting)
    made.number(torch.tensor([1, 2]))
    made.number(torch.tensor([2, 3]))
    with pytest.raises(InputError, match=r"among the ids given to reading\(\), found 1"):
        made.look_up(torch.tensor([2, 1]))


def test_marks_take_no_memory_before_they_are_used():
    made = RowNumbers(1_000_000, padding_idx=0, device=torch.device("cpu"))
    assert made.number(torch.tensor([999_999, 5, 999_999])).tolist() == [0, 999_999, 5]
    assert isinstance(made._marks, np.ndarray)
