import torch
from small_model import GOOD, loss_of, new_model, train

import meltpoint as mp


def train_on(model: torch.nn.Sequential, optimizer: torch.optim.Optimizer) -> float:
    """Returns how far the row of 'good' moves in 100 steps."""
    before = model[0].weight[GOOD].clone()
    for _ in range(100):
        optimizer.zero_grad(set_to_none=False)
        loss_of(model).backward()
        optimizer.step()
    return float((model[0].weight[GOOD] - before).norm())


model = new_model()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
train(model, optimizer, steps=10)
model[0].weight.requires_grad_(False)
print(f"requires_grad_(False), but in the optimiser: 'good' moved by {train_on(model, optimizer):.4f}")

optimizer = mp.Frozen().optimizer(model, torch.optim.Adam, lr=1e-3)
print(f"frozen: 'good' moved by {train_on(model, optimizer)}")

model = new_model()
model[0].requires_grad = False  # an attribute that nobody reads
print(f"module.requires_grad = False: the weight is trained: {model[0].weight.requires_grad}")
