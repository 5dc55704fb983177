"""The dialogue with the bench that torch_loop.py and jax_loop.py share, and what a peer is held to: one core, one thread.

The bench writes lines `COMMAND ARGUMENT…`; each is answered by one line of numbers.
"""
import os
import sys

os.environ["OMP_NUM_THREADS"] = "1"
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})

NORM = 0.7071067811865476  # sqrt(E relu(z)^2), z ~ N(0, 1)
KAPPA, RATE = 1e6, 1e-3  # of timed steps: every sample stays unfitted


def serve(name, commands):
    """Says who answers, then answers until the bench hangs up."""
    print(name, flush=True)
    for line in sys.stdin:
        command, *arguments = line.split()
        print(*commands[command](*arguments), flush=True)
