import torch
from small_model import GOOD, VECTORS, moved, new_model, train
from torch import nn

import meltpoint as mp

pretrained = torch.from_numpy(VECTORS.matrix[:3].copy())
table = nn.Embedding.from_pretrained(pretrained, freeze=False)
optimizer = torch.optim.Adam(table.parameters(), lr=0.1)
for _ in range(100):
    optimizer.zero_grad()
    table(torch.tensor([0, 1, 2])).sum().backward()
    optimizer.step()
tuned = table.weight.detach()
print(f"from_pretrained, drift as measured: {float((tuned - pretrained).norm())}")
print(f"from_pretrained, drift in truth: {float((tuned - torch.from_numpy(VECTORS.matrix[:3].copy())).norm()):.0f}")

model = new_model()
train(model, mp.FineTuned().optimizer(model, torch.optim.Adam, lr=1e-3))
print(f"build_embedding, drift of 'good': {moved(model, GOOD):.2f}; matrix writable: {VECTORS.matrix.flags.writeable}")
