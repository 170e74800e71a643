import torch
from small_model import GOOD, moved, new_model, train

import meltpoint as mp

model = new_model()
model[0].weight.register_hook(torch.zeros_like)
train(model, torch.optim.AdamW(model.parameters(), lr=1e-3))
print(f"gradient masked: the 'frozen' row of 'good' moved by {moved(model, GOOD):.3f}")

model = new_model()
train(model, mp.Frozen().optimizer(model, torch.optim.AdamW, lr=1e-3))
print(f"frozen: it moved by {moved(model, GOOD)}")

model = new_model()
chosen = mp.Partial(unknown=False, words=("bad", "film"))
train(model, chosen.optimizer(model, torch.optim.AdamW, lr=1e-3))
print(f"partial, 'bad' and 'film' alone are trained: it moved by {moved(model, GOOD)}")
