#!/usr/bin/env python3
"""Event simulation of process 0 of a sweep that several processes share: how many workers one store can serve.

A worker is one thread that does runs. It reports what has ended and asks for more when its store of jobs is half used
up, and at the latest after `report` seconds, as sim/sweep/follow.c does. Process 0 takes one message after the other
(sim/sweep/lead.c): a message costs it MESSAGE seconds, and each run that is handed out and filed RUN seconds. Both were
measured by `build/bench ranks` and by a loop of MPI messages (docs/clusters.md). Times of runs are exponential, or all
the same with --equal.

    python3 docs/clusters/process0.py [--message US] [--run US] [--equal]
"""
import argparse
import heapq
import random

LONG_SECONDS, REPORTS, LEAST_REPORT, A_PROCESS = 0.2, 2, 0.02, 1e-4  # follow.c and lead.c
MOST_JOBS = 4096


def simulate(workers, mean, costs, equal, seed=1):
    """Returns the share of time in which workers have a run to do, and that in which process 0 is busy.

    costs: seconds of a message, of a run, and of the way to process 0 and back."""
    message, run, latency = costs
    draw = random.Random(seed)
    report = max(LEAST_REPORT, A_PROCESS * workers)
    ahead = 0 if mean >= LONG_SECONDS else min(MOST_JOBS, max(1, round(REPORTS * report / mean)))
    batch = max(1, (ahead + 1) // 2)
    round_trip = max(batch * mean, workers * (message + batch * run))
    warm, horizon = 5 * round_trip, 10 * round_trip  # what happens before `warm` does not count
    duration = (lambda: mean) if equal else (lambda: draw.expovariate(1 / mean))
    jobs = [1] * workers  # those that a worker has, with the one it is doing
    done = [0] * workers  # those that have ended and are not reported
    asked = [False] * workers
    idle_since = [None] * workers
    answers = {}
    idle = busy = free_at = 0.0
    events = [(draw.uniform(0, mean), 0, w) for w in range(workers)]  # (time, 0: a run ends, 1: an answer comes, worker)
    heapq.heapify(events)
    while events and events[0][0] < horizon:
        now, kind, w = heapq.heappop(events)
        if kind == 0:
            jobs[w] -= 1
            done[w] += 1
            if jobs[w] > 0:
                heapq.heappush(events, (now + duration(), 0, w))
            else:
                idle_since[w] = now
        else:
            asked[w] = False
            jobs[w] += answers.pop(w)
            if idle_since[w] is not None:
                idle += max(0.0, now - max(idle_since[w], warm))
                idle_since[w] = None
                heapq.heappush(events, (now + duration(), 0, w))
        if not asked[w] and 2 * max(jobs[w] - 1, 0) <= ahead and (ahead > 0 or jobs[w] == 0):
            asked[w] = True
            answers[w] = ahead + 1 - jobs[w]
            begun = max(free_at, now)
            free_at = begun + message + run * done[w]
            busy += max(0.0, min(free_at, horizon) - max(begun, warm))
            done[w] = 0
            heapq.heappush(events, (free_at + latency, 1, w))
    idle += sum(max(0.0, horizon - max(t, warm)) for t in idle_since if t is not None)
    return 1 - idle / (workers * (horizon - warm)), busy / (horizon - warm)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--message", type=float, default=15, help="microseconds for a message and its answer")
    parser.add_argument("--run", type=float, default=40, help="microseconds for a run: handed out and filed")
    parser.add_argument("--latency", type=float, default=3, help="milliseconds from a question to its answer")
    parser.add_argument("--equal", action="store_true", help="all runs take the same time")
    options = parser.parse_args()
    costs = (1e-6 * options.message, 1e-6 * options.run, 1e-3 * options.latency)
    print(f"process 0: {options.message:g} us a message, {options.run:g} us a run, answers after {options.latency:g} ms")
    print("a run takes   workers  used      process 0 busy")
    for mean in (0.01, 0.1, 1, 10, 100):
        for workers in (100, 300, 1000, 3000, 10000):
            used, busy = simulate(workers, mean, costs, options.equal)
            print(f"{mean:9g} s  {workers:8d}  {100 * used:5.1f} %  {100 * busy:6.1f} %", flush=True)


if __name__ == "__main__":
    main()
