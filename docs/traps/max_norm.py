import torch
from small_model import GOOD, VECTORS, new_model
from torch import nn

import meltpoint as mp

rows = torch.from_numpy(VECTORS.gather(["good", "bad", "film"])[0])
table = nn.Embedding.from_pretrained(rows, freeze=True, max_norm=1.0)
before = float(table.weight[0].norm())
table(torch.tensor([0]))
print(
    f"max_norm: the frozen row of 'good' had norm {before:.2f}; read once, it has {float(table.weight[0].norm()):.2f}"
)

model = new_model()
model[0].max_norm = 1.0
try:
    mp.Frozen().optimizer(model, torch.optim.Adam, lr=1e-3)
except mp.MeltpointError as error:
    print(f"frozen: {str(error).split(':')[0]}")

model = new_model()
mp.Frozen().optimizer(model, torch.optim.Adam, lr=1e-3)
model[0](torch.tensor([GOOD]))
print(f"frozen, without: norm {float(model[0].weight[GOOD].norm()):.2f}")
