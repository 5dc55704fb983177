#!/usr/bin/env python3
"""Directions of the largest margin, and of the soft margin, by another algorithm: SLSQP of SciPy on the primal problem.

    python3 tests/max_margin_reference.py

prints the numbers that tests/test_max_margin.c has. Needs NumPy and SciPy (they were made with 2.4.6 and 1.17.1).
"""
import numpy as np
from scipy.optimize import minimize

P, D = 30, 5
mu, i = np.arange(P)[:, None], np.arange(D)[None, :]
x = np.sin(1 + 7.3 * mu + 3.1 * i * (i + 1)) + 0.1 * np.cos(2.9 * mu * (i + 1))
z = (x * np.where(x.sum(1) > 0, 1, -1)[:, None]).astype(np.float32).astype(float)
wrong = z.copy()
wrong[[3, 11, 17, 23]] *= -1


def hard(z):
    found = minimize(lambda w: w @ w / 2, 10 * np.ones(D), jac=lambda w: w, method='SLSQP',
                     constraints={'type': 'ineq', 'fun': lambda w: z @ w - 1, 'jac': lambda w: z},
                     options={'maxiter': 1000, 'ftol': 1e-15})
    return found.x / np.linalg.norm(found.x), (z @ found.x).min() / np.linalg.norm(found.x)


def soft(z):
    cost = 1 / (z * z).sum(1).mean()
    start = np.concatenate([np.ones(D), 10 * np.ones(P)])
    gradient = np.concatenate([np.zeros(D), cost * np.ones(P)])
    found = minimize(lambda v: v[:D] @ v[:D] / 2 + cost * v[D:].sum(), start,
                     jac=lambda v: gradient + np.concatenate([v[:D], np.zeros(P)]), method='SLSQP',
                     bounds=[(None, None)] * D + [(0, None)] * P,
                     constraints={'type': 'ineq', 'fun': lambda v: z @ v[:D] + v[D:] - 1,
                                  'jac': lambda v: np.hstack([z, np.eye(P)])},
                     options={'maxiter': 1000, 'ftol': 1e-15})
    w = found.x[:D]
    return w / np.linalg.norm(w), (z @ w <= 0).mean()


for name, (direction, number) in (('hard', hard(z)), ('soft', soft(wrong))):
    print(name, ', '.join('%.9f' % e for e in direction), '%.9f' % number)
