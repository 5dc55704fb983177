"""Signal, noise and time while as many samples are unfitted as there are dimensions, and at the end of training.

usage: python3 boundary_density.py STORE [WHERE]

STORE holds runs of the perceptron with trajectories, of several P at one temperature in each group of chi and d, e.g.
those of experiments/boundary-density.yaml. WHERE is an SQL condition that chooses some, "temp = 1" by default. Needs
the package in python/ (pip install ./python), and nothing else.

At u = d unfitted samples the student still feels many of them, so that theory of fresh samples should hold: the signal
s ~ P^{1/(1+chi)}, the time t ~ P^{(chi+3)/(1+chi)}, and the noise r is r* = T sqrt(d) n_chi sqrt(pi/2). Points with
0.7 d <= u <= 2.8 d are carried to u = d by u ~ s^{-(1+chi)} at constant r and t ~ s^{chi+3}. P counts where s/r at
u = d is LEAST_RATIO or more. Slopes are of means over data sets against ln P; errors are standard errors by bootstrap
over data sets. The columns on the end have r at the least and the largest of these P, and s/r over all P.
"""
import math
import random
import sys
from collections import defaultdict

import chiton

LEAST_RATIO = 5
REPLICAS = 400


def predicted_noise(chi, dim, temp):
    """r* in units of weights; n_chi is the share of unfitted samples times lambda^{1+chi} at large lambda."""
    n_chi = math.gamma(chi / 2 + 1) / (math.sqrt(math.pi) * (chi + 1) * math.gamma((chi + 1) / 2))
    return temp * math.sqrt(dim) * n_chi * math.sqrt(math.pi / 2)


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def at_dimension(run, points):
    """ln s, ln t, ln(r/r*) and ln(s/r) of one run at u = d, as means over its points nearby; None without such points."""
    chi, dim = run["chi"], run["dim"]
    star = predicted_noise(chi, dim, run["temp"])
    carried = []
    for point in points:
        ratio = (point["unfitted"] or 0) / dim
        if 0.7 <= ratio <= 2.8 and (point["signal"] or 0) > 0:
            signal = math.log(point["signal"]) + math.log(ratio) / (1 + chi)
            time = math.log(point["time"]) + math.log(ratio) * (chi + 3) / (1 + chi)
            carried.append((signal, time, math.log(point["noise"] / star), signal - math.log(point["noise"])))
    return tuple(map(mean, zip(*carried))) if carried else None


def at_end(run):
    """ln(s/r) and ln(r/r*) of one run at the end of training; None where it did not fit."""
    if run["status"] != "fitted" or (run["signal"] or 0) <= 0:
        return None
    star = predicted_noise(run["chi"], run["dim"], run["temp"])
    return math.log(run["signal"] / run["noise"]), math.log(run["noise"] / star)


class Table:
    """Numbers of runs by P and data set, with their means over data sets."""

    def __init__(self):
        self.rows = defaultdict(dict)  # P -> data set -> tuple of numbers

    def add(self, train, data_set, numbers):
        if numbers is not None:
            if data_set in self.rows[train]:
                raise ValueError(f"P = {train} and seed = {data_set} have several runs: choose one by WHERE")
            self.rows[train][data_set] = numbers

    def mean(self, train, which, drawn):
        """The mean of a number over data sets that were drawn, some of them several times; None where there is none."""
        row = self.rows[train]
        values = [row[one][which] for one in drawn if one in row]
        return mean(values) if values else None

    def common_ratio(self, trains, which, drawn):
        """e to the mean over P of the means of a logarithm."""
        means = [self.mean(train, which, drawn) for train in trains]
        return math.exp(mean(one for one in means if one is not None))

    def data_sets(self):
        return sorted({one for row in self.rows.values() for one in row})

    def slope(self, trains, which, drawn):
        """The slope of the means against ln P, by least squares."""
        pairs = [(math.log(train), self.mean(train, which, drawn)) for train in trains]
        pairs = [pair for pair in pairs if pair[1] is not None]
        if len(pairs) < 2:
            return math.nan
        x0, y0 = mean(x for x, _ in pairs), mean(y for _, y in pairs)
        square = sum((x - x0) ** 2 for x, _ in pairs)
        return sum((x - x0) * (y - y0) for x, y in pairs) / square


def with_error(find, data_sets):
    """A number and its standard error: find(data sets) of all, and its scatter over replicas drawn with replacement.

    The error is NaN where there is one data set. Replicas of which find returns None or NaN are left out.
    """
    value = find(data_sets)
    if len(data_sets) < 2:
        return value, math.nan
    draw = random.Random(0)
    drawn = (find([draw.choice(data_sets) for _ in data_sets]) for _ in range(REPLICAS))
    replicas = [replica for replica in drawn if replica is not None and not math.isnan(replica)]
    centre = mean(replicas)
    return value, math.sqrt(mean((replica - centre) ** 2 for replica in replicas))


def shown(number):
    """A number with its error, which has two digits."""
    value, error = number
    if math.isnan(value):
        return "—"
    if not error > 1e-9 * abs(value):  # of one data set, or of equal ones
        return f"{value:.4g}"
    digits = max(0, 1 - math.floor(math.log10(error)))
    return f"{value:.{digits}f} ± {error:.{digits}f}"


def ratio_of(table, train, which, drawn):
    """e to the mean of a logarithm; None where there is none."""
    log = table.mean(train, which, drawn)
    return None if log is None else math.exp(log)


def describe(near, ends):
    """The cells of a group's row, from the tables of at_dimension and of at_end."""
    everyone, finished = near.data_sets(), ends.data_sets()
    used = [train for train in sorted(near.rows) if near.mean(train, 3, everyone) >= math.log(LEAST_RATIO)]
    last = shown(with_error(lambda drawn: ends.slope(sorted(ends.rows), 0, drawn), finished)) if finished else "—"
    if len(used) < 2 or not finished:
        return ["—"] * 5 + [last]
    at_ends = [shown(with_error(lambda drawn, train=train: ratio_of(ends, train, 1, drawn), finished))
               if ends.rows[train] else "—" for train in (used[0], used[-1])]
    return [f"2^{math.log2(used[0]):g} … 2^{math.log2(used[-1]):g}",
            shown(with_error(lambda drawn: near.slope(used, 0, drawn), everyone)),
            shown(with_error(lambda drawn: near.slope(used, 1, drawn), everyone)),
            shown(with_error(lambda drawn: near.common_ratio(used, 2, drawn), everyone)),
            ", ".join(at_ends), last]


def main(store, where="temp = 1"):
    """Prints a table with a row for each chi and d."""
    by_run = defaultdict(list)
    for point in chiton.points(store, where, frame=False):
        by_run[point["run"]].append(point)
    groups = defaultdict(lambda: (Table(), Table()))
    for run in chiton.runs(store, where, frame=False):
        near, ends = groups[run["chi"], run["dim"]]
        near.add(run["train"], run["seed"], at_dimension(run, by_run[run["id"]]))
        ends.add(run["train"], run["seed"], at_end(run))
    if not groups:
        sys.exit(f"{store} has no run that fulfils {where}")
    print("| χ | d | P | γ at u = d | theory | b at u = d | theory | r/r* at u = d | r/r* at the end "
          "| λ* ~ P^… |")
    print("| --- " * 10 + "|")
    for (chi, dim), (near, ends) in sorted(groups.items()):
        trains, gamma, b, noise, *last = describe(near, ends)
        print(f"| {chi:g} | {dim} | {trains} | {gamma} | {1 / (1 + chi):.4g} | {b} | {(chi + 3) / (1 + chi):.4g} "
              f"| {noise} | {' | '.join(last)} |")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3) or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except (chiton.ChitonError, ValueError) as error:
        sys.exit(str(error))
