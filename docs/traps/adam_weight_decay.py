import torch
from small_model import GOOD, UNSEEN, moved, new_model, norm_left, train

import meltpoint as mp

model = new_model()
train(model, torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-6))
print(f"Adam with decay: 'superb', never seen, keeps {norm_left(model, UNSEEN):.0%} of its norm")

model = new_model()
train(model, mp.Anchored(strength=0.1).optimizer(model, torch.optim.AdamW, lr=1e-3))
print(f"anchored: 'superb' moved by {moved(model, UNSEEN)}, 'good' by {moved(model, GOOD):.2f}")
