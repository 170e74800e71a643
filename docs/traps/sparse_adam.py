import torch
from small_model import UNSEEN, loss_of, moved, new_model, train

import meltpoint as mp

model = new_model()
model[0].sparse = True
try:
    train(model, torch.optim.Adam(model.parameters(), lr=1e-3))
except RuntimeError as error:
    print(f"sparse=True and Adam: {error}")

model = new_model()
model[0].sparse = True
try:
    train(model, torch.optim.SparseAdam(model.parameters(), lr=1e-3))
except RuntimeError as error:
    print(f"SparseAdam and a linear layer: {error}")

rows = torch.optim.SparseAdam(model[0].parameters(), lr=1e-3)
loss_of(model).backward()
rows.step()
state = sum(moment.numel() for moment in rows.state[model[0].weight].values() if torch.is_tensor(moment))
print(f"SparseAdam keeps {state / model[0].weight.numel():.0f} tables of moments for 3 rows of {len(model[0].weight)}")

try:
    mp.FineTuned().optimizer(model, torch.optim.SparseAdam, lr=1e-3)
except mp.MeltpointError as error:
    print(f"a policy says so at once: {str(error).split(':')[0]}")

model = new_model()
rowwise, rest = mp.RowwiseOptimizer(model, rule="adamw", lr=1e-3), torch.optim.AdamW(model[2].parameters(), lr=1e-3)
for _ in range(1000):
    model.zero_grad()
    loss_of(model).backward()
    rowwise.step()
    rest.step()
rowwise.release()
print(f"RowwiseOptimizer: 'superb' moved by {moved(model, UNSEEN)}")
