"""The built-in architectures against their definitions, written out by hand."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from meltpoint.embedding import PretrainedEmbedding
from meltpoint.models import AverageClassifier, ConvolutionalClassifier, build_model, token_mask
from meltpoint.models.cnn import WIDTHS
from meltpoint.models.transformer import sinusoids
from meltpoint.randomness import torch_seeded

V, D, C = 30, 5, 3
ARCHITECTURES = ["average:0", "average", "average:3", "cnn", "lstm", "lstm:3", "transformer", "transformer:3"]
# Texts of 1 to 9 tokens; the last is all padding.
TEXTS = [[3], [5, 1], [7, 8, 9], [2, 4, 6, 8], [11, 12, 13, 14, 15, 16, 17, 18, 29], []]


def padded(texts, width):
    return torch.tensor([text + [0] * (width - len(text)) for text in texts])


def model_of(architecture, *, embedding=None):
    with torch_seeded(0, "model"):
        table = PretrainedEmbedding(torch.randn(V, D), torch.ones(V, dtype=torch.bool))
        return build_model(architecture, table if embedding is None else embedding, C).eval()


def average_by_hand(model, text):
    rows = [model.embedding.weight[token] for token in text]
    value = sum(rows, torch.zeros(D)) / max(1, len(rows))
    for layer in model.hidden.layers:
        value = torch.clamp(value @ layer.weight + layer.bias, min=0)
    return value @ model.output.weight + model.output.bias


def filters_by_width(model):
    """The filters of each width as ``nn.Conv1d`` holds them, ``(100, D, width)``, with their biases ``(100,)``."""
    dim = model.embedding.embedding_dim
    weights = model.filters.split([100 * width for width in WIDTHS], dim=1)
    biases = model.bias.split(100)
    for width, weight, bias in zip(WIDTHS, weights, biases, strict=True):
        yield width, weight.view(dim, width, 100).permute(2, 0, 1), bias


def cnn_by_hand(model, text):
    """Kim 2014: for each filter the largest of max(0, w . window + b), over the windows that hold a token."""
    features = []
    for width, weights, biases in filters_by_width(model):
        outside = [torch.zeros(D)] * (width - 1)
        rows = outside + [model.embedding.weight[token] for token in text] + outside
        for weight, bias in zip(weights, biases, strict=True):  # weight: (D, width)
            maps = []
            for start in range(len(rows) - width + 1):
                total = sum((weight[:, place] @ rows[start + place] for place in range(width)), bias)
                maps.append(torch.clamp(total, min=0))
            features.append(torch.stack(maps).max())
    return torch.stack(features) @ model.output.weight + model.output.bias


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_average_is_the_masked_mean_and_an_mlp(depth):
    model = model_of(f"average:{depth}")
    assert len(model.hidden.layers) == depth
    found = model(padded(TEXTS, 12))
    for scores, text in zip(found, TEXTS, strict=True):
        torch.testing.assert_close(scores, average_by_hand(model, text), rtol=0, atol=1e-6)


def test_average_has_depth_one_unless_told():
    assert len(model_of("average").hidden.layers) == 1


def test_cnn_is_kims():
    model = model_of("cnn")
    found = model(padded(TEXTS, 12))
    with torch.no_grad():
        for scores, text in zip(found, TEXTS, strict=True):
            torch.testing.assert_close(scores, cnn_by_hand(model, text), rtol=0, atol=1e-5)
    assert [weights.shape for _, weights, _ in filters_by_width(model)] == [(100, D, width) for width in WIDTHS]
    assert model.dropout.probability == 0.5


def test_filters_start_as_those_of_a_convolution():
    with torch_seeded(0, "filters"):
        model = ConvolutionalClassifier(nn.Embedding(2, 300), C)
        for width, weights, biases in filters_by_width(model):
            reference = nn.Conv1d(300, 100, width)
            assert weights.std().item() == pytest.approx(reference.weight.std().item(), rel=0.02)
            assert weights.abs().max().item() == pytest.approx(reference.weight.abs().max().item(), rel=1e-3)
            assert biases.abs().max() <= reference.weight.abs().max() * 1.001


@pytest.mark.parametrize("width", [9, 10, 14, 40])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_scores_do_not_depend_on_the_padding_of_the_batch(architecture, width):
    model = model_of(architecture)
    together = model(padded(TEXTS, width))
    for scores, text in zip(together, TEXTS, strict=True):
        alone = model(padded([text], max(1, len(text))))[0]
        torch.testing.assert_close(scores, alone, rtol=0, atol=1e-6)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_states_do_not_depend_on_the_padding_of_the_batch(architecture):
    model = model_of(architecture)
    together = model.states(model.embedding.weight, padded(TEXTS, 14))
    assert together.shape == (len(TEXTS), 14, model.num_features)
    for states, text in zip(together, TEXTS, strict=True):
        alone = model.states(model.embedding.weight, padded([text], max(1, len(text))))[0]
        torch.testing.assert_close(states[: len(text)], alone[: len(text)], rtol=0, atol=1e-6)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_tokens_lose_the_same_features_of_a_text(architecture):
    model = model_of(architecture).train()
    table = model.embedding.weight.expand(V, D).detach().clone()
    table[1:] = table[1]
    with torch_seeded(0, "dropout"):
        states = model.states(table, padded([[3] * 9, [4] * 9], 9))
    dropped = states[:, 4:6] == 0
    assert torch.equal(dropped[:, 0], dropped[:, 1])


def test_states_of_a_cnn_are_the_windows_around_the_tokens():
    model = model_of("cnn")
    text = TEXTS[4]
    states = model.states(model.embedding.weight, padded([text], 9))[0]
    outside = [torch.zeros(D)] * 2
    rows = torch.stack(outside + [model.embedding.weight[token] for token in text] + outside)
    for place, (width, weights, bias) in enumerate(filters_by_width(model)):
        for token in range(9):
            start = token + 2 - width // 2
            window = rows[start : start + width].T
            expected = torch.clamp((weights * window).sum(dim=(1, 2)) + bias, min=0)
            found = states[token, 100 * place : 100 * (place + 1)]
            torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_pad_row_that_is_not_zero_is_not_read(architecture):
    with torch_seeded(0, "rows"):
        rows = torch.randn(V, D)
    zeroed = rows.clone()
    zeroed[0] = 0
    texts = [text for text in TEXTS if text]
    first, second = (
        model_of(architecture, embedding=nn.Embedding.from_pretrained(table))(padded(texts, 11))
        for table in (rows, zeroed)
    )
    assert torch.equal(first, second)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_gradient_reaches_the_tokens_and_nothing_else(architecture):
    model = model_of(architecture).train()
    with torch_seeded(0, "dropout"):
        model(padded(TEXTS, 12)).square().sum().backward()
    touched = model.embedding.weight.grad.any(dim=1).nonzero().flatten().tolist()
    assert touched == sorted({token for text in TEXTS for token in text})


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_double_precision_stays_double(architecture):
    assert model_of(architecture).double()(padded(TEXTS, 10)).dtype == torch.float64


def test_any_embedding_will_do():
    for model_class in (AverageClassifier, ConvolutionalClassifier):
        assert model_class(nn.Embedding(V, D, padding_idx=0), C)(padded(TEXTS, 9)).shape == (len(TEXTS), C)


def test_the_mask_marks_tokens():
    assert token_mask(torch.tensor([[4, 1, 0]])).tolist() == [[True, True, False]]


def test_lstm_is_a_bidirectional_lstm_with_max_over_the_tokens():
    model = model_of("lstm:2")
    reference = nn.LSTM(D, 64, num_layers=2, bidirectional=True, batch_first=True)
    with torch.no_grad():
        for number, layer in enumerate(model.layers):
            for direction, suffix in ((layer.rightward, ""), (layer.leftward, "_reverse")):
                for name, weights in direction.named_parameters():
                    reference.get_parameter(name.replace("l0", f"l{number}") + suffix).copy_(weights)
        for scores, text in zip(model(padded(TEXTS, 12)), TEXTS, strict=True):
            features = torch.zeros(128)
            if text:
                states, _ = reference(model.embedding(torch.tensor([text])))
                features = states[0].amax(dim=0)
            expected = features @ model.output.weight + model.output.bias
            torch.testing.assert_close(scores, expected, rtol=0, atol=1e-6)


def test_transformer_is_torchs_encoder_layer_with_the_norm_first():
    model = model_of("transformer:2")
    ids = padded([text for text in TEXTS if text], 12)
    positions = torch.tensor([[math.sin(t), math.cos(t)] for t in range(12)])
    torch.testing.assert_close(sinusoids(12, like=torch.ones(64))[:, :2], positions, rtol=0, atol=1e-6)
    states = model.embedding(ids) @ model.projection.weight + model.projection.bias
    states = states + sinusoids(12, like=states)
    for layer in model.layers:
        states = torch_encoder_layer(layer)(states, src_key_padding_mask=ids == 0)
    states = functional.layer_norm(states, (64,))
    torch.testing.assert_close(model.states(model.embedding.weight, ids)[ids != 0], states[ids != 0], rtol=0, atol=1e-5)
    for features, row, text in zip(model.encode(model.embedding.weight, ids), states, ids, strict=True):
        torch.testing.assert_close(features, row[text != 0].mean(dim=0), rtol=0, atol=1e-5)


def torch_encoder_layer(layer):
    """Torch's own layer with the weights of one of ours."""
    reference = nn.TransformerEncoderLayer(64, 4, 128, dropout=0.0, batch_first=True, norm_first=True)
    pairs = [
        (reference.self_attn.in_proj_weight, layer.queries_keys_values.weight.T),
        (reference.self_attn.in_proj_bias, layer.queries_keys_values.bias),
        (reference.self_attn.out_proj.weight, layer.attended.weight.T),
        (reference.self_attn.out_proj.bias, layer.attended.bias),
        (reference.linear1.weight, layer.widen.weight.T),
        (reference.linear1.bias, layer.widen.bias),
        (reference.linear2.weight, layer.narrow.weight.T),
        (reference.linear2.bias, layer.narrow.bias),
    ]
    with torch.no_grad():
        for theirs, ours in pairs:
            theirs.copy_(ours)
    return reference
