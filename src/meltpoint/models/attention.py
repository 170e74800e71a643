"""Words of one text looked up in another: what a model of pairs may compare beside the two texts as wholes."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from meltpoint.models.architectures import take_rows, token_mask

INITIAL_SHARPNESS = 10.0


class SoftAlignment(nn.Module):
    """Aligns each word of a text with the words of the other that are like it, and compares it with what it found.

    The words of one text are given the mean of the other's word vectors, weighted by a softmax of ``sharpness`` times
    their cosines; the differences ``|a - b|`` and products ``a * b`` are averaged over the words, for each of the two
    texts: Parikh et al., "A decomposable attention model for natural language inference", EMNLP 2016, over the word
    vectors themselves, so that what a pretrained table knows of likeness counts from the first step on.

    Attributes:
        sharpness: ``(*K, 1)``, trained. At 10 a word found again has e^5 times the weight of one at a cosine of 0.5.
        num_features: ``4 D``.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.sharpness = nn.Parameter(torch.full((1,), INITIAL_SHARPNESS))
        self.num_features = 4 * dim

    def forward(self, table: Tensor, first: Tensor, second: Tensor) -> Tensor:
        """Compares the words of pairs.

        Args:
            table: ``(*K, U, D)``; row 0 is the pad row.
            first: ``(*K, B, T)`` ids of the first text of each pair.
            second: Likewise of the second.

        Returns:
            ``(*K, B, 4 D)``. Zeros for a text without a word.
        """
        # Questions are shorter than their answers, whose padding they share: every pair of words costs.
        texts = [_without_common_padding(ids) for ids in (first, second)]
        words = [take_rows(table, ids) for ids in texts]
        present = [token_mask(ids).unsqueeze(-1) for ids in texts]
        directions = [functional.normalize(vectors, dim=-1) for vectors in words]
        # (1, 1, 1), or (K, 1, 1, 1) with members.
        likeness = self.sharpness[..., None, None] * (directions[0] @ directions[1].mT)
        found = [
            _compare(words[0], words[1], likeness, present[0], present[1]),
            _compare(words[1], words[0], likeness.mT, present[1], present[0]),
        ]
        return torch.cat(found, dim=-1)


def _without_common_padding(ids: Tensor) -> Tensor:
    """Cuts off the columns that are pads in every text."""
    longest = int(token_mask(ids).sum(dim=-1).max())
    return ids[..., : max(longest, 1)]


def _compare(words: Tensor, others: Tensor, likeness: Tensor, present: Tensor, present_others: Tensor) -> Tensor:
    """Returns ``(*K, B, 2 D)``: mean difference and mean product of words and what they find among the others."""
    # A finite number: over a text without a word there is still a softmax, of pads that nobody asks for.
    weights = likeness.masked_fill(~present_others.mT, -1e4).softmax(dim=-1)
    aligned = weights @ (others * present_others)
    compared = torch.cat([(words - aligned).abs(), words * aligned], dim=-1) * present
    mean: Tensor = compared.sum(dim=-2) / present.sum(dim=-2).clamp(min=1)
    return mean
