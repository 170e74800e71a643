import torch
from small_model import UNSEEN, moved, new_model, norm_left, train

import meltpoint as mp

model = new_model()
train(model, torch.optim.AdamW(model.parameters(), lr=1e-3))
print(f"AdamW as it comes: 'superb', never seen, keeps {norm_left(model, UNSEEN):.1%} of its norm")

model = new_model()
train(model, mp.FineTuned().optimizer(model, torch.optim.AdamW, lr=1e-3, weight_decay=0.0))
print(f"fine-tuned, decay 0: 'superb' moved by {moved(model, UNSEEN)}")

model = new_model()
train(model, mp.LowRank().optimizer(model, torch.optim.AdamW, lr=1e-3))
print(f"low-rank, AdamW as it comes: 'superb' moved by {moved(model, UNSEEN)}")
