import torch
from small_model import GOOD, LABELS, TEXTS, moved, new_model, train

import meltpoint as mp


def first_and_last(optimizer: torch.optim.Optimizer, model: torch.nn.Sequential) -> tuple[float, float]:
    """Returns how far 'good' has moved after one step with it, and after 999 more without it."""
    train(model, optimizer, 1)
    first = moved(model, GOOD)
    for _ in range(999):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(TEXTS[1:]), LABELS[1:]).backward()
        optimizer.step()
    return first, moved(model, GOOD)


model = new_model()
first, last = first_and_last(torch.optim.Adam(model.parameters(), lr=1e-3), model)
print(f"Adam: 'good', seen once, moved by {first:.4f}, and by {last / first:.1f} times that in the end")

model = new_model()
first, last = first_and_last(mp.Anchored(strength=10.0).optimizer(model, torch.optim.Adam, lr=1e-3), model)
print(f"anchored: {last / first:.2f} times that in the end")
