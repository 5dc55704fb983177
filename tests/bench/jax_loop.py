"""What a user of JAX would write at its best: `lax.scan` over steps of SGD, compiled, float32, one core, the state donated.

Batches of a scan are drawn together before it. Data stay on the device, from which a step gathers its batch. Architectures
as in docs/theory.md, relu; images are NHWC, for which XLA has its fastest convolutions. Times are seconds of processor time.
"""
import os
import time
from functools import partial

import peer

os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

MOST_UNROLLED = 8


def phi(z):
    return jax.nn.relu(z) / peer.NORM


# ---- networks: weights of a shape, and outputs ----


def dense(w, x):
    return x @ w.T / w.shape[1] ** 0.5


def mlp_sizes(shape, width, depth):
    sizes = [shape[0] * shape[1] * shape[2]] + [width] * depth + [1]
    return [(m, n) for n, m in zip(sizes, sizes[1:])]


def mlp(weights, x):
    for w in weights[:-1]:
        x = phi(dense(w, x))
    return x @ weights[-1][0] / weights[-1].shape[1]


def conv(w, x, stride=1, bias=None):
    """w [rows, columns, in, out]"""
    z = lax.conv_general_dilated(x, w, (stride, stride), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    if bias is None:
        return z / np.prod(w.shape[:3]) ** 0.5
    return (z + bias) / (np.prod(w.shape[:3]) + 1) ** 0.5


def depthwise(w, x, stride=1):
    """w [rows, columns, channels]: the sum of shifted images times a weight each, as XLA has no fast convolution for it."""
    size, rows, columns = w.shape[0], x.shape[1], x.shape[2]
    pads = [max((-(-n // stride) - 1) * stride + size - n, 0) for n in (rows, columns)]
    x = jnp.pad(x, ((0, 0), *[(p // 2, p - p // 2) for p in pads], (0, 0)))
    rows, columns = -(-rows // stride), -(-columns // stride)
    z = sum(
        w[i, j] * x[:, i : i + (rows - 1) * stride + 1 : stride, j : j + (columns - 1) * stride + 1 : stride]
        for i in range(size)
        for j in range(size)
    )
    return z / size


def pool(x):
    n, rows, columns, channels = x.shape
    if rows % 2 or columns % 2:
        return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "SAME")
    return x.reshape(n, rows // 2, 2, columns // 2, 2, channels).max((2, 4))


def simple_cnn_sizes(shape, h, _):
    flat = 2 * h * -(-shape[1] // 4) * -(-shape[2] // 4)
    return [(5, 5, shape[0], h), (h,), (5, 5, h, 2 * h), (2 * h,), (32 * h, flat), (32 * h,), (32 * h,)]


def simple_cnn(weights, x):
    one, one_bias, two, two_bias, three, three_bias, last = weights
    x = pool(phi(conv(one, x, bias=one_bias)))
    x = pool(phi(conv(two, x, bias=two_bias)))
    x = x.reshape(x.shape[0], -1)
    x = (x @ three.T + three_bias) / (x.shape[1] + 1) ** 0.5
    return x @ last / last.shape[0]


def mnas_sizes(shape, h, _):
    sizes = [(5, 5, shape[0], 4 * h), (5, 5, 4 * h), (1, 1, 4 * h, 2 * h)]
    for ins, outs in (2 * h, h), (h, h), (h, 3 * h), (3 * h, 3 * h):
        sizes += [(1, 1, ins, 3 * ins), (5, 5, 3 * ins), (1, 1, 3 * ins, outs)]
    return sizes + [(1, 1, 3 * h, 20 * h), (20 * h,), (1,)]


def mnas(weights, x):
    one, two, three, *blocks, four, last, bias = weights
    x = phi(conv(three, phi(depthwise(two, phi(conv(one, x, 2))))))
    for k, stride in enumerate((2, 1, 2, 1)):
        w = blocks[3 * k : 3 * k + 3]
        new = conv(w[2], phi(depthwise(w[1], phi(conv(w[0], x)), stride)))
        x = (new + x) / 2**0.5 if new.shape == x.shape else new
    x = phi(conv(four, x)).mean((1, 2))
    return (x @ last + bias) / last.shape[0]


MODELS = {"mlp": (mlp_sizes, mlp), "simple_cnn": (simple_cnn_sizes, simple_cnn), "mnas": (mnas_sizes, mnas)}


def perceptron(w, x):
    return x @ w


# ---- SGD ----


def steps_of_sgd(outputs, kappa, rate, data, weights, index):
    """Steps on batches index [steps, B]. data: x [P, …], y [P], f0 [P], the outputs at the start."""
    x, y, f0 = data

    def loss(weights, batch):
        return jax.nn.relu(kappa - y[batch] * (outputs(weights, x[batch]) - f0[batch])).mean()

    def step(weights, batch):
        gradient = jax.grad(loss)(weights, batch)
        return jax.tree.map(lambda w, g: w - rate * g, weights, gradient), None

    if len(index) == 1:
        return step(weights, index[0])[0]
    return lax.scan(step, weights, index, unroll=min(MOST_UNROLLED, 1 + index.shape[0] // 100))[0]


def compiled(outputs, kappa, rate, data, weights, index):
    """The compiled loop, and the seconds that compiling took."""
    started = time.process_time()
    loop = jax.jit(partial(steps_of_sgd, outputs, kappa, rate), donate_argnums=1)
    return loop.lower(data, weights, index).compile(), time.process_time() - started


class Timed:
    """Steps that are timed, all samples unfitted: a scan of all; of images one by one, because in loops XLA runs
    convolutions slowly (those of simple_cnn 30 times as slowly)."""

    def __init__(self, outputs, weights, x, batch, steps):
        self.key, *keys = jax.random.split(jax.random.key(0), 3)
        y = jnp.sign(jax.random.normal(keys[0], (len(x),)))
        self.data, self.weights = (x, y, jnp.zeros_like(y)), weights  # how long a step takes does not depend on f0
        self.shape = (steps, 1, batch) if x.ndim == 4 else (1, steps, batch)
        self.loop, self.compiling = compiled(
            outputs, peer.KAPPA, peer.RATE, self.data, weights, jnp.zeros(self.shape[1:], int)
        )
        self.run()

    def run(self):
        started = time.process_time()
        self.key, key = jax.random.split(self.key)
        for index in jax.random.randint(key, self.shape, 0, len(self.data[1])):
            self.weights = self.loop(self.data, self.weights, index)
        jax.block_until_ready(self.weights)
        return time.process_time() - started


made = {}


def step(arch, *numbers):
    """Seconds of a step, and those of compiling."""
    width, depth, batch, channels, rows, columns, num_samples, steps = map(int, numbers)
    key = (arch, *numbers)
    if key not in made:
        keys = jax.random.split(jax.random.key(1), 100)
        x = jax.random.normal(keys[0], (num_samples, rows, columns, channels))
        if arch == "perceptron":
            weights, outputs = jnp.zeros(channels), perceptron
        else:
            sizes, outputs = MODELS[arch]
            weights = [jax.random.normal(k, s) for k, s in zip(keys[1:], sizes((channels, rows, columns), width, depth))]
        x = x.reshape(num_samples, -1) if rows * columns == 1 else x
        made[key] = Timed(outputs, weights, x, batch, steps)
    return made[key].run() / steps, made[key].compiling


def fit(arch, width, depth, folder, kappa, rate, batch, every, seed):
    """Trains on folder/x.npy, y.npy from the weights w.npy until no sample is unfitted, which is looked at after `every`
    steps. Seconds of that, of the looks among them, and of compiling; and the steps."""
    x, y, w = (jnp.asarray(np.load(f"{folder}/{name}.npy"), jnp.float32) for name in "xyw")
    kappa, rate, batch, every = float(kappa), float(rate), int(batch), int(every)
    if arch == "perceptron":
        weights, outputs = w, perceptron
    else:
        sizes, outputs = MODELS[arch]
        shapes = sizes((x.shape[1], 1, 1), int(width), int(depth))
        ends = np.cumsum([np.prod(s) for s in shapes])[:-1]
        weights = [part.reshape(s) for part, s in zip(jnp.split(w, ends), shapes)]
    data = x, y, outputs(weights, x)
    loop, compiling = compiled(outputs, kappa, rate, data, weights, jnp.zeros((every, batch), int))
    started = time.process_time()
    draw = jax.jit(lambda key: jax.random.randint(key, (every, batch), 0, len(y))).lower(jax.random.key(0)).compile()
    is_fitted = jax.jit(lambda data, w: (data[1] * (outputs(w, data[0]) - data[2]) >= kappa).all())
    is_fitted = is_fitted.lower(data, weights).compile()
    compiling += time.process_time() - started
    key = jax.random.key(int(seed))
    steps, looking, started = 0, 0.0, time.process_time()
    while True:
        key, now = jax.random.split(key)
        weights = jax.block_until_ready(loop(data, weights, draw(now)))
        steps += every
        looked = time.process_time()
        done = bool(is_fitted(data, weights))
        looking += time.process_time() - looked
        if done:
            return time.process_time() - started, looking, compiling, steps


peer.serve(f"JAX {jax.__version__}", {"step": step, "fit": fit})
