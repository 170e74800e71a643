import torch
from small_model import GOOD, loss_of, new_model, train

import meltpoint as mp


def train_and_thaw(model: torch.nn.Sequential, optimizer: torch.optim.Optimizer, steps: int) -> None:
    """The usual callback: counts for itself, and thaws after 300 steps."""
    model[0].weight.requires_grad_(False)
    for step in range(steps):
        if step == 300:
            model[0].weight.requires_grad_(True)
        optimizer.zero_grad()
        loss_of(model).backward()
        optimizer.step()


def moved(model: torch.nn.Sequential, before: torch.Tensor) -> float:
    return float((model[0].weight - before)[GOOD].detach().norm())


model = new_model()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
train_and_thaw(model, optimizer, 400)
saved = model.state_dict(), optimizer.state_dict()

model = new_model()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
model.load_state_dict(saved[0])
optimizer.load_state_dict(saved[1])
before = model[0].weight.detach().clone()
train_and_thaw(model, optimizer, 200)
print(f"a callback that counts: in 200 steps after the checkpoint 'good' moved by {moved(model, before)}: frozen again")

policy = mp.Gradual(thaw_step=300, learning_rate_multiplier=1.0)
model = new_model()
optimizer = policy.optimizer(model, torch.optim.Adam, lr=1e-3)
train(model, optimizer, 400)
saved = model.state_dict(), optimizer.state_dict()

model = new_model()
optimizer = policy.optimizer(model, torch.optim.Adam, lr=1e-3)
model.load_state_dict(saved[0])
optimizer.load_state_dict(saved[1])
before = model[0].weight.detach().clone()
train(model, optimizer, 200)
print(f"gradual: 'good' moved by {moved(model, before):.2f}")
