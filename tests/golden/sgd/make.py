"""Golden vectors of momentum and weight decay: steps of torch.optim.SGD on the multilayer perceptrons of docs/theory.md.

    pip install torch
    python3 tests/golden/sgd/make.py tests/golden/sgd

writes the .txt files beside this script, in the format of tests/golden_support.h. The optimiser's parameters are the
changes dw of the weights, w = w0 + dw, so that its weight_decay is that of dw, as chiton's is, and not that of w.
PyTorch computes in double precision; inputs and initial weights are numbers of single precision.
"""
import os
import sys

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
PHI = {
    "relu": (F.relu, 0.7071067811865476),
    "gelu": (lambda z: F.gelu(z, approximate="tanh"), 0.6520687931753055),
    "linear": (lambda z: z, 1.0),
}
LOSSES = {
    "hinge": lambda m, kappa: F.relu(kappa - m),
    "logistic": lambda m, kappa: kappa * F.softplus(-m / kappa),
    "mse": lambda m, kappa: kappa / 2 * (1 - m / kappa) ** 2,
}
# name, bias, width, depth, dim, activation, loss, alpha, eta, momentum, weight_decay
CASES = [
    ("mlp_hinge_momentum", False, 6, 2, 5, "relu", "hinge", 5.0, 0.4, 0.9, 0.0),
    ("mlp_hinge_both", False, 5, 3, 6, "relu", "hinge", 40.0, 1.0, 0.8, 0.25),
    ("mlp_bias_logistic_both", True, 4, 2, 5, "gelu", "logistic", 4.0, 0.5, 0.95, 0.1),
    ("mlp_mse_decay", False, 5, 1, 6, "linear", "mse", 2.0, 0.3, 0.0, 0.5),
]
SAMPLES, BATCH, STEPS = 10, 3, 12


def single(*shape):
    return torch.randn(*shape, dtype=torch.float32).to(torch.float64)


def forward(tensors, x, has_bias, phi, norm):
    for i in range(0, len(tensors) - 1, 2 if has_bias else 1):
        w = tensors[i]
        if has_bias:
            z = (x @ w.t() + tensors[i + 1]) / (w.shape[1] + 1) ** 0.5
        else:
            z = x @ w.t() / w.shape[1] ** 0.5
        x = phi(z) / norm
    return (x @ tensors[-1].t() / tensors[-1].shape[1]).flatten()


def tensor_lines(name, tensor):
    shape = " ".join(str(n) for n in tensor.shape)
    return [f"{name} {tensor.dim()} {shape}", " ".join(repr(v) for v in tensor.detach().flatten().tolist())]


def make(case):
    name, has_bias, width, depth, dim, activation, loss, alpha, eta, momentum, decay = case
    phi, norm = PHI[activation]
    sizes = [dim] + [width] * depth
    start = []
    for n, m in zip(sizes, sizes[1:]):
        start.append(single(m, n))
        if has_bias:
            start.append(single(m))
    start.append(single(1, width))
    x, y = single(SAMPLES, dim), torch.sign(torch.randn(SAMPLES))
    f0 = forward(start, x, has_bias, phi, norm)
    change = [torch.zeros_like(w).requires_grad_() for w in start]
    optimiser = torch.optim.SGD(change, lr=eta, momentum=momentum, weight_decay=decay)
    batches = torch.stack([torch.randperm(SAMPLES)[:BATCH] for _ in range(STEPS)])
    losses = []
    for batch in batches:
        f = forward([w + d for w, d in zip(start, change)], x[batch], has_bias, phi, norm)
        value = LOSSES[loss](y[batch] * (f - f0[batch]), 1 / alpha).mean()
        losses.append(value.detach())
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
    after = forward([w + d for w, d in zip(start, change)], x, has_bias, phi, norm)
    flat = torch.cat([d.flatten() for d in change])
    lines = [
        f"# PyTorch {torch.__version__.split('+')[0]}, torch.optim.SGD, by make.py",
        f"arch {'mlp_bias' if has_bias else 'mlp'}",
        f"width {width}",
        f"depth {depth}",
        f"activation {activation}",
        f"loss {loss}",
        f"alpha {alpha}",
        f"eta {eta}",
        f"momentum {momentum}",
        f"weight_decay {decay}",
    ]
    for i, w in enumerate(start):
        lines += tensor_lines(f"w{i}", w)
    lines += tensor_lines("x", x) + tensor_lines("y", y) + tensor_lines("f0", f0)
    lines += tensor_lines("batches", batches) + tensor_lines("batch_loss", torch.stack(losses))
    lines += tensor_lines("f_after", after) + tensor_lines("dw", flat)
    lines += tensor_lines("dw_norm", flat.norm().reshape(1))
    return name, "\n".join(lines) + "\n"


if __name__ == "__main__":
    torch.manual_seed(16)
    for case in CASES:
        name, text = make(case)
        with open(os.path.join(sys.argv[1], name + ".txt"), "w") as file:
            file.write(text)
