"""The textbook's loop, as people write it: the peer of the engine's benchmarks."""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

BATCH_SIZE = 64


class TextbookAverage(nn.Module):
    """The mean of the word vectors, a hidden layer, an output."""

    def __init__(self, embedding: nn.Embedding, num_classes: int) -> None:
        super().__init__()
        self.embedding = embedding
        self.head = nn.Sequential(
            nn.Linear(embedding.embedding_dim, 100), nn.ReLU(), nn.Dropout(0.2), nn.Linear(100, num_classes)
        )

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Scores texts."""
        mask = (ids != 0).unsqueeze(2)
        return self.head((self.embedding(ids) * mask).sum(1) / mask.sum(1).clamp(min=1))


class TextbookCnn(nn.Module):
    """Kim 2014."""

    def __init__(self, embedding: nn.Embedding, num_classes: int) -> None:
        super().__init__()
        self.embedding = embedding
        self.convolutions = nn.ModuleList(
            nn.Conv1d(embedding.embedding_dim, 100, width, padding=width - 1) for width in (3, 4, 5)
        )
        self.dropout = nn.Dropout(0.5)
        self.output = nn.Linear(300, num_classes)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Scores texts."""
        embedded = self.embedding(ids).transpose(1, 2)
        features = [torch.relu(convolution(embedded)).amax(2) for convolution in self.convolutions]
        return self.output(self.dropout(torch.cat(features, 1)))


MODELS = {"average": TextbookAverage, "cnn": TextbookCnn}


def load_batches(texts: Sequence[torch.Tensor], labels: torch.Tensor) -> DataLoader:
    """Makes the loader: shuffled, padded batch by batch."""

    def collate(batch):
        return pad_sequence([text for text, _ in batch], batch_first=True), torch.tensor([label for _, label in batch])

    return DataLoader(list(zip(texts, labels.tolist(), strict=True)), BATCH_SIZE, shuffle=True, collate_fn=collate)


def train(model: nn.Module, optimizer: torch.optim.Optimizer, loader: DataLoader, steps: int, after_step=None) -> None:
    """Trains for so many steps."""
    step = 0
    model.train()
    while step < steps:
        for ids, classes in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(ids), classes).backward()
            optimizer.step()
            if after_step is not None:
                after_step()
            step += 1
            if step == steps:
                break
