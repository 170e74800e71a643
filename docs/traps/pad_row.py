import torch
from small_model import VECTORS, new_model, train
from torch import nn

import meltpoint as mp

rows = torch.from_numpy(VECTORS.matrix[:3].copy())
table = nn.Embedding.from_pretrained(rows, freeze=False, padding_idx=0)
before = float(table.weight[0].detach().norm())
optimizer = torch.optim.AdamW(table.parameters(), lr=1e-3)
for _ in range(1000):
    optimizer.zero_grad()
    table(torch.tensor([0, 1, 2])).sum().backward()
    optimizer.step()
print(f"padding_idx: norm of the pad row {before:.2f}, after training {float(table.weight[0].detach().norm()):.2f}")

model = new_model()
train(model, mp.FineTuned().optimizer(model, torch.optim.AdamW, lr=1e-3))
print(f"build_embedding: norm of the pad row {float(model[0].weight[0].detach().norm())}")
