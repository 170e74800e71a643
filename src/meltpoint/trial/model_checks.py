"""What a study asks of a user's own model, tried before it is trained: a wrong one would train, and mean nothing."""

import torch
from torch import Tensor, nn

from meltpoint.embedding import PADDING_INDEX, PretrainedEmbedding
from meltpoint.errors import InputError
from meltpoint.randomness import torch_generator, torch_seeded


def check_own_model(model: nn.Module, embedding: PretrainedEmbedding, ids: Tensor) -> None:
    """Checks that a model reads words through the embedding that it was given, always alike, however short the text.

    The model is left in evaluation mode, and otherwise as it was.

    Args:
        model: The user's.
        embedding: What the model was built over.
        ids: ``(B, T)`` int64 token ids of some texts, padded with 0.

    Raises:
        InputError: The model does not hold the embedding, holds a second table of words, does not depend on the
            embedding, answers differently each time, or fails on a text of one word.
    """
    name = type(model).__name__
    _check_tables(model, embedding, name)
    model.eval()
    with torch.no_grad(), torch_seeded(0, "model checks"):
        scores = model(ids)
        if not isinstance(scores, Tensor) or not bool(scores.isfinite().all()):
            return  # not what is checked here: the shape and the loss are
        if not torch.equal(model(ids), scores):
            raise InputError(
                f"The architecture {name} is not deterministic in evaluation: the same token ids, of shape "
                f"{tuple(ids.shape)}, got other scores the second time. What is random (dropout, say) must stop when "
                "self.training is false: nn.Dropout does so by itself, functional.dropout needs training=self.training."
            )
        over_others = _scores_over_other_vectors(model, embedding, ids)
        if torch.equal(over_others, scores):
            raise InputError(
                f"The architecture {name} ignores its embedding: other word vectors gave the very same scores for "
                f"token ids of shape {tuple(ids.shape)}, so that no policy could make a difference. Its forward must "
                "look the ids up in the embedding that it was built with."
            )
        _check_short_texts(model, ids, name)


def _check_tables(model: nn.Module, embedding: PretrainedEmbedding, name: str) -> None:
    if not any(module is embedding for module in model.modules()):
        raise InputError(
            f"The architecture {name} does not hold the embedding that it was built with, perhaps a copy of it: a "
            "policy would train something that the model does not read. Keep it as a submodule: self.embedding = "
            "embedding."
        )
    own = {id(module) for module in embedding.modules()}
    for path, module in model.named_modules():
        if not isinstance(module, nn.Embedding) or id(module) in own or module.weight is embedding.weight:
            continue
        if isinstance(module, PretrainedEmbedding) or module.weight.shape == embedding.weight.shape:
            raise InputError(
                f"The architecture {name} holds a second table of words, {path!r} of shape "
                f"{tuple(module.weight.shape)}, beside the embedding that it was built with: no policy would reach it. "
                "Use that embedding in both places; the policy 'two-channel' is a frozen and a fine-tuned copy."
            )


def _scores_over_other_vectors(model: nn.Module, embedding: PretrainedEmbedding, ids: Tensor) -> Tensor:
    weight = embedding.weight
    before = weight.detach().clone()
    noise = torch.randn(weight.shape, generator=torch_generator(0, "other vectors")).to(weight)
    noise[PADDING_INDEX] = 0
    try:
        weight.add_(noise)
        scores: Tensor = model(ids)
        return scores
    finally:
        weight.copy_(before)


def _check_short_texts(model: nn.Module, ids: Tensor, name: str) -> None:
    short = ids[..., :1]
    try:
        model(short)
    except Exception as error:
        # Anything may happen in the user's own code; where, the traceback says (--traceback).
        raise InputError(
            f"The architecture {name} fails on texts of a single word, token ids of shape {tuple(short.shape)}: "
            f"{type(error).__name__}: {error}. Data hold such texts: pad them before a layer that needs more."
        ) from error
