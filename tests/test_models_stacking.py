"""Many models of an architecture in one: the scores, the gradients and the names are those of each alone."""

import pytest
import torch
from torch import nn

from meltpoint.models import build_model, stack_models
from meltpoint.models.cnn import NUM_FILTERS
from meltpoint.randomness import torch_seeded

K, V, D, C = 3, 20, 6, 4
ARCHITECTURES = ["average:0", "average", "average:2", "cnn", "transformer:2"]
IDS = torch.tensor([[3, 5, 5, 0, 0, 0], [7, 0, 0, 0, 0, 0], [1, 2, 19, 4, 3, 9]])
every_architecture = pytest.mark.parametrize("architecture", ARCHITECTURES)


def members(architecture):
    """K models with weights and tables of their own."""
    with torch_seeded(0, "members"):
        return [build_model(architecture, nn.Embedding(V, D, padding_idx=0), C).eval() for _ in range(K)]


def tables(models):
    return torch.stack([model.embedding.weight.detach() for model in models])


@every_architecture
def test_forward_is_the_scores_on_the_whole_table(architecture):
    for model in members(architecture):
        whole = model.scores(model.embedding.weight, IDS)
        torch.testing.assert_close(model(IDS), whole, rtol=0, atol=1e-6)
        whole.square().sum().backward()
        expected = {name: parameter.grad for name, parameter in model.named_parameters()}
        model.zero_grad()
        model(IDS).square().sum().backward()
        for name, parameter in model.named_parameters():
            torch.testing.assert_close(parameter.grad, expected[name], rtol=0, atol=1e-4, msg=name)


@every_architecture
def test_the_embedding_is_asked_once_for_each_row(architecture):
    (model, *_) = members(architecture)
    asked = []
    model.embedding.register_forward_hook(lambda module, inputs, output: asked.append(inputs[0].tolist()))
    model(IDS)
    assert asked == [[0, 1, 2, 3, 4, 5, 7, 9, 19]]


@every_architecture
def test_sparse_gradients_are_those_of_the_rows(architecture):
    (model, *_) = members(architecture)
    model.embedding.sparse = True
    model(IDS).sum().backward()
    assert model.embedding.weight.grad.is_sparse
    rows = model.embedding.weight.grad.coalesce().indices().flatten().tolist()
    assert set(rows) - {0} == {1, 2, 3, 4, 5, 7, 9, 19}


@every_architecture
@pytest.mark.parametrize("own_texts", [False, True])
def test_a_stack_scores_as_its_members_do(architecture, own_texts):
    models = members(architecture)
    stack = stack_models(models)
    ids = torch.stack([IDS, IDS.roll(1, 0), IDS.flip(0)]) if own_texts else IDS
    table = tables(models).requires_grad_()
    together = stack.scores(table, ids)
    assert together.shape == (K, len(IDS), C)
    together.square().sum().backward()
    for number, model in enumerate(models):
        alone = model.scores(model.embedding.weight, ids[number] if own_texts else ids)
        torch.testing.assert_close(together[number], alone, rtol=0, atol=1e-5)
        alone.square().sum().backward()
        torch.testing.assert_close(table.grad[number], model.embedding.weight.grad, rtol=0, atol=1e-4)
        for name, parameter in stack.named_parameters():
            expected = model.get_parameter(name).grad
            torch.testing.assert_close(parameter.grad[number], expected, rtol=0, atol=1e-4, msg=name)


@every_architecture
@pytest.mark.parametrize("own_texts", [False, True])
@pytest.mark.parametrize("one_table", [False, True])
def test_a_stack_gives_tokens_and_texts_the_features_of_its_members(architecture, own_texts, one_table):
    models = members(architecture)
    stack = stack_models(models).eval()
    ids = torch.stack([IDS, IDS.roll(1, 0), IDS.flip(0)]) if own_texts else IDS
    table = tables(models)[:1] if one_table else tables(models)
    states, features = stack.states(table, ids), stack.encode(table, ids)
    # Without layers of their own, members that read the same rows of one table are one.
    states = states.expand(K, *IDS.shape, stack.num_features)
    features = features.expand(K, len(IDS), stack.num_features)
    for number, model in enumerate(models):
        own, texts = table[0 if one_table else number], ids[number] if own_texts else ids
        torch.testing.assert_close(features[number], model.encode(own, texts), rtol=0, atol=1e-5)
        present = texts != 0
        torch.testing.assert_close(states[number][present], model.states(own, texts)[present], rtol=0, atol=1e-5)


@every_architecture
def test_a_stack_has_the_parameters_of_its_members_and_no_table(architecture):
    models = members(architecture)
    before = [{name: tensor.clone() for name, tensor in model.state_dict().items()} for model in models]
    stack = stack_models(models)
    shapes = {name: parameter.shape for name, parameter in models[0].named_parameters() if name != "embedding.weight"}
    assert {name: parameter.shape[1:] for name, parameter in stack.named_parameters()} == shapes
    assert all(len(parameter) == K for parameter in stack.parameters())
    with torch.no_grad():
        for parameter in stack.parameters():
            parameter.zero_()
    for model, state in zip(models, before, strict=True):
        assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())


def test_one_model_may_be_several_members():
    (model, *_) = members("cnn")
    table = model.embedding.weight.detach()
    stack = stack_models([model] * K)
    together = stack.scores(table.unsqueeze(0), IDS)  # a table that all share
    assert stack.filters.shape == (K, D, 12 * NUM_FILTERS)
    for scores in together:
        torch.testing.assert_close(scores, model.scores(table, IDS), rtol=0, atol=1e-5)
