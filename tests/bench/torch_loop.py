"""What a physicist would write with PyTorch: a plain loop of SGD on the hinge loss, float32, one thread.

Answers with the seconds of processor time of a step, every sample unfitted. Architectures as in docs/theory.md, relu.
"""
import time

import peer
import torch
import torch.nn.functional as F

torch.set_num_threads(1)


def phi(z):
    return F.relu(z) / peer.NORM


class Mlp(torch.nn.Module):
    def __init__(self, shape, width, depth):
        super().__init__()
        sizes = [shape[0] * shape[1] * shape[2]] + [width] * depth + [1]
        self.w = torch.nn.ParameterList([torch.nn.Parameter(torch.randn(m, n)) for n, m in zip(sizes, sizes[1:])])

    def forward(self, x):
        x = x.flatten(1)
        for w in self.w[:-1]:
            x = phi(x @ w.t() / w.shape[1] ** 0.5)
        return (x @ self.w[-1].t() / self.w[-1].shape[1]).flatten()


class Conv(torch.nn.Module):
    """Cross-correlation with SAME padding, over sqrt(fan_in) or sqrt(fan_in + 1)."""

    def __init__(self, ins, outs, kernel, stride=1, groups=1, bias=False):
        super().__init__()
        self.w = torch.nn.Parameter(torch.randn(outs, ins // groups, kernel, kernel))
        self.b = torch.nn.Parameter(torch.randn(outs)) if bias else None
        self.stride, self.groups, self.kernel = stride, groups, kernel
        self.divisor = (self.w[0].numel() + (1 if bias else 0)) ** 0.5

    def forward(self, x):
        pad = []
        for n in (x.shape[3], x.shape[2]):
            total = max((-(-n // self.stride) - 1) * self.stride + self.kernel - n, 0)
            pad += [total // 2, total - total // 2]
        if pad[0] == pad[1] and pad[2] == pad[3]:
            x = F.conv2d(x, self.w, self.b, self.stride, (pad[2], pad[0]), groups=self.groups)
        else:
            x = F.conv2d(F.pad(x, pad), self.w, self.b, self.stride, groups=self.groups)
        return x / self.divisor


class SimpleCnn(torch.nn.Module):
    def __init__(self, shape, h, _):
        super().__init__()
        self.one, self.two = Conv(shape[0], h, 5, bias=True), Conv(h, 2 * h, 5, bias=True)
        flat = 2 * h * -(-shape[1] // 4) * -(-shape[2] // 4)
        self.w = torch.nn.Parameter(torch.randn(32 * h, flat))
        self.b = torch.nn.Parameter(torch.randn(32 * h))
        self.last = torch.nn.Parameter(torch.randn(1, 32 * h))

    def forward(self, x):
        x = F.max_pool2d(phi(self.one(x)), 2, ceil_mode=True)
        x = F.max_pool2d(phi(self.two(x)), 2, ceil_mode=True).flatten(1)
        x = (x @ self.w.t() + self.b) / (x.shape[1] + 1) ** 0.5
        return (x @ self.last.t() / x.shape[1]).flatten()


class Residual(torch.nn.Module):
    def __init__(self, ins, outs, stride):
        super().__init__()
        self.one, self.three = Conv(ins, 3 * ins, 1), Conv(3 * ins, outs, 1)
        self.two = Conv(3 * ins, 3 * ins, 5, stride, groups=3 * ins)

    def forward(self, x):
        new = self.three(phi(self.two(phi(self.one(x)))))
        return (new + x) / 2**0.5 if new.shape == x.shape else new


class Mnas(torch.nn.Module):
    def __init__(self, shape, h, _):
        super().__init__()
        self.one, self.two = Conv(shape[0], 4 * h, 5, 2), Conv(4 * h, 4 * h, 5, groups=4 * h)
        self.three, self.four = Conv(4 * h, 2 * h, 1), Conv(3 * h, 20 * h, 1)
        self.blocks = torch.nn.Sequential(
            Residual(2 * h, h, 2), Residual(h, h, 1), Residual(h, 3 * h, 2), Residual(3 * h, 3 * h, 1)
        )
        self.w, self.b = torch.nn.Parameter(torch.randn(20 * h)), torch.nn.Parameter(torch.randn(1))

    def forward(self, x):
        x = phi(self.three(phi(self.two(phi(self.one(x))))))
        x = phi(self.four(self.blocks(x))).mean((2, 3))
        return (x @ self.w + self.b) / self.w.shape[0]


MODELS = {"mlp": Mlp, "simple_cnn": SimpleCnn, "mnas": Mnas}
made = {}


def prepare(arch, width, depth, shape, num_samples):
    key = (arch, width, depth, shape, num_samples)
    if key not in made:
        torch.manual_seed(0)
        model, x = MODELS[arch](shape, width, depth), torch.randn(num_samples, *shape)
        with torch.no_grad():
            f0 = torch.cat([model(part) for part in x.split(64)])
        made[key] = model, x, torch.sign(torch.randn(num_samples)), f0
    return made[key]


def take_step(model, x, y, f0, batch):
    index = torch.randint(len(y), (batch,))
    loss = F.relu(peer.KAPPA - y[index] * (model(x[index]) - f0[index])).mean()
    loss.backward()
    with torch.no_grad():
        for w in model.parameters():
            w -= peer.RATE * w.grad
            w.grad = None


def step(arch, *numbers):
    """Seconds of a step, and 0 of compiling."""
    width, depth, batch, channels, rows, columns, num_samples, steps = map(int, numbers)
    problem = prepare(arch, width, depth, (channels, rows, columns), num_samples)
    take_step(*problem, batch)
    started = time.process_time()
    for _ in range(steps):
        take_step(*problem, batch)
    return (time.process_time() - started) / steps, 0


peer.serve(f"PyTorch {torch.__version__}", {"step": step})
