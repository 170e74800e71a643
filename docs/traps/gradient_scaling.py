import torch
from small_model import GOOD, moved, new_model, train

import meltpoint as mp

whole = new_model()
train(whole, torch.optim.Adam(whole.parameters(), lr=1e-3), steps=100)

tenth = new_model()
tenth[0].weight.register_hook(lambda gradient: 0.1 * gradient)
train(tenth, torch.optim.Adam(tenth.parameters(), lr=1e-3), steps=100)
print(f"a tenth of the gradient: {moved(tenth, GOOD) / moved(whole, GOOD):.2f} of the way")

scaled = new_model()
optimizer = mp.Scaled(learning_rate_multiplier=0.1).optimizer(scaled, torch.optim.Adam, lr=1e-3)
train(scaled, optimizer, steps=100)
print(f"scaled, a tenth of the learning rate: {moved(scaled, GOOD) / moved(whole, GOOD):.2f} of the way")
