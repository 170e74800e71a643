"""What all examples share: real GloVe rows for five words, of which training only ever meets the first three."""

import torch
from torch import Tensor, nn

import meltpoint as mp

torch.set_num_threads(1)
VECTORS = mp.open_vectors("glove-6b-50d")
VOCABULARY = mp.Vocabulary.from_counts({"good": 3, "bad": 2, "film": 1, "superb": 1, "dreadful": 1})
GOOD, UNSEEN = VOCABULARY.index("good"), VOCABULARY.index("superb")
TEXTS = torch.tensor([[VOCABULARY.index(word)] for word in ("good", "bad", "film")])
LABELS = torch.tensor([1, 0, 1])


def new_model() -> nn.Sequential:
    """Returns a linear model over the embedding, always with the same weights."""
    head = nn.Linear(50, 2)
    with torch.no_grad():
        head.weight.copy_(torch.linspace(-0.1, 0.1, 100).reshape(2, 50))
        head.bias.zero_()
    return nn.Sequential(mp.build_embedding(VECTORS, VOCABULARY), nn.Flatten(), head)


def loss_of(model: nn.Module) -> Tensor:
    """Returns the loss on the three texts."""
    return nn.functional.cross_entropy(model(TEXTS), LABELS)


def train(model: nn.Module, optimizer: torch.optim.Optimizer, steps: int = 1000) -> None:
    """Takes so many steps on the three texts."""
    for _ in range(steps):
        optimizer.zero_grad()
        loss_of(model).backward()
        optimizer.step()


def moved(model: nn.Sequential, row: int) -> float:
    """Returns how far a row is from where it started."""
    return float((model[0].table() - model[0].pretrained)[row].norm())


def norm_left(model: nn.Sequential, row: int) -> float:
    """Returns the share of its norm that a row has kept."""
    return float(model[0].table()[row].norm() / model[0].pretrained[row].norm())
