"""The built-in architectures against their definitions, written out by hand."""

import pytest
import torch
from torch import nn

from meltpoint.embedding import PretrainedEmbedding
from meltpoint.models import AverageClassifier, ConvolutionalClassifier, build_model, token_mask
from meltpoint.randomness import torch_seeded

V, D, C = 30, 5, 3
ARCHITECTURES = ["average:0", "average", "average:3", "cnn"]
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
    linears = [layer for layer in model.head if isinstance(layer, nn.Linear)]
    for layer in linears[:-1]:
        value = torch.clamp(layer.weight @ value + layer.bias, min=0)
    return linears[-1].weight @ value + linears[-1].bias


def cnn_by_hand(model, text):
    """Kim 2014: for each filter the largest of max(0, w . window + b), over the windows that hold a token."""
    features = []
    for convolution in model.convolutions:
        width = convolution.kernel_size[0]
        outside = [torch.zeros(D)] * (width - 1)
        # A text without tokens is read as one pad token.
        rows = outside + [model.embedding.weight[token] for token in text or [0]] + outside
        for weight, bias in zip(convolution.weight, convolution.bias, strict=True):  # weight: (D, width)
            maps = []
            for start in range(len(rows) - width + 1):
                total = sum((weight[:, place] @ rows[start + place] for place in range(width)), bias)
                maps.append(torch.clamp(total, min=0))
            features.append(torch.stack(maps).max())
    return model.output.weight @ torch.stack(features) + model.output.bias


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_average_is_the_masked_mean_and_an_mlp(depth):
    model = model_of(f"average:{depth}")
    assert sum(isinstance(layer, nn.Linear) for layer in model.head) == depth + 1
    found = model(padded(TEXTS, 12))
    for scores, text in zip(found, TEXTS, strict=True):
        torch.testing.assert_close(scores, average_by_hand(model, text), rtol=0, atol=1e-6)


def test_average_has_depth_one_unless_told():
    assert [type(layer).__name__ for layer in model_of("average").head] == ["Linear", "ReLU", "Dropout", "Linear"]


def test_cnn_is_kims():
    model = model_of("cnn")
    found = model(padded(TEXTS, 12))
    with torch.no_grad():
        for scores, text in zip(found, TEXTS, strict=True):
            torch.testing.assert_close(scores, cnn_by_hand(model, text), rtol=0, atol=1e-5)
    assert [convolution.weight.shape for convolution in model.convolutions] == [(100, D, width) for width in (3, 4, 5)]
    assert model.dropout.p == 0.5


@pytest.mark.parametrize("width", [9, 10, 14, 40])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_scores_do_not_depend_on_the_padding_of_the_batch(architecture, width):
    model = model_of(architecture)
    together = model(padded(TEXTS, width))
    for scores, text in zip(together, TEXTS, strict=True):
        alone = model(padded([text], max(1, len(text))))[0]
        torch.testing.assert_close(scores, alone, rtol=0, atol=1e-6)


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
