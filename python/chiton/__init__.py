"""Sweeps, runs, fits and theory of chiton, a laboratory for the noise of SGD, from Python.

The package calls the program `chiton` and reads what it prints, so that everything is what the program says. It is pure
Python. Tables are pandas frames where pandas is there, and lists of dicts otherwise; `frame=` chooses.

>>> import chiton
>>> chiton.sweep("perceptron", store="demo.db", chi=1, dim=16, train="2^6..2^9", temp="4^-8..4^1", seed=range(5))
>>> chiton.fit("demo.db").exponents
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Optional, Union

__all__ = ["ChitonError", "Fit", "chart", "fit", "plot", "points", "program", "report", "run", "runs", "summary", "sweep",
           "theory"]

Path = Union[str, "os.PathLike[str]"]
Stores = Union[Path, Sequence[Path]]
Row = dict[str, Any]


class ChitonError(RuntimeError):
    """The program refused a command (`status` 2) or failed (1); the message is its sentence."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


# ---- the program ----


def program() -> str:
    """The path of the program: what the variable CHITON names, else `chiton` in PATH."""
    found = os.environ.get("CHITON") or shutil.which("chiton")
    if found is None:
        raise ChitonError("there is no program chiton in PATH: build it by make, and name it by the variable CHITON", 2)
    return found


def _text(value: Any) -> str:
    """A setting's values as the program reads them."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (str, os.PathLike)):
        return str(os.fspath(value))
    if hasattr(value, "tolist"):  # numpy's numbers and arrays
        return _text(value.tolist())
    if isinstance(value, range) and value.step == 1 and len(value) > 1:
        return f"{value.start}..{value.stop - 1}"
    if isinstance(value, Iterable):
        return ",".join(_text(one) for one in value)
    return repr(value)


# Options of two words, which the command line joins by a hyphen; names of settings have underscores there, too.
_TWO_WORDS = {"distance_to", "dry_run", "kernel_cache", "on_error", "save_trajectory", "save_weights", "skip_damaged",
              "skip_invalid"}
# Options without a value. `data` is one of them for plot, and a setting, which is a text, for sweep and run.
_FLAGS = {"data", "details", "dry_run", "retry", "skip_damaged", "skip_invalid", "yes"}


def _options(settings: Mapping[str, Any]) -> list[str]:
    """Options of the command line. None is left out, and so is False of an option without a value, which True sets.
    A trailing _ makes Python's own words, such as `from_`, names."""
    options = []
    for name, value in settings.items():
        option = "--" + (name.replace("_", "-") if name in _TWO_WORDS else name.rstrip("_"))
        if name in _FLAGS and isinstance(value, bool):
            options += [option] if value else []
        elif value is not None:
            options += [option, _text(value)]
    return options


def _stores(stores: Stores) -> list[str]:
    return [os.fspath(stores)] if isinstance(stores, (str, os.PathLike)) else [os.fspath(one) for one in stores]


_PROGRESS = re.compile(r"\d+/\d+(\s|$)")  # "855/1000  95 runs/s  0:11 left"


class _Bar:
    """A line of progress that is written over: in a notebook as its output, elsewhere on standard error."""

    def __init__(self, is_shown: bool) -> None:
        self.is_shown, self.width = is_shown, 0
        self.handle: Any = None
        if is_shown and "ipykernel" in sys.modules:
            from IPython.display import display

            self.handle = display({"text/plain": "starting"}, raw=True, display_id=True)  # type: ignore[no-untyped-call]

    def show(self, text: str) -> None:
        if not self.is_shown:
            return
        if self.handle is not None:
            self.handle.update({"text/plain": text}, raw=True)
        else:
            print("\r" + text.ljust(self.width), end="", file=sys.stderr, flush=True)
            self.width = len(text)

    def end(self) -> None:
        if self.is_shown and self.handle is None and self.width > 0:
            print(file=sys.stderr)


def _start(arguments: Sequence[str]) -> "subprocess.Popen[str]":
    path = program()
    try:
        return subprocess.Popen([path, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                encoding="utf-8", errors="replace", start_new_session=True)
    except OSError as error:
        raise ChitonError(f"the program {path} does not start: {error.strerror}", 1) from error


def _call(arguments: Sequence[str], progress: bool = False) -> str:
    """Runs the program to its end and returns its standard output.

    Ctrl-C, or a notebook's stop button, ends the program as Ctrl-C in a terminal does: finished runs are kept.
    """
    bar, said = _Bar(progress), ""
    with _start(arguments) as child:
        assert child.stdout is not None and child.stderr is not None
        try:
            if progress:  # a sweep prints one line at its end
                for line in child.stderr:
                    found = _PROGRESS.match(line)
                    if found:
                        bar.show(line.strip())
                    else:
                        said += line
            out, rest = child.communicate()
        except KeyboardInterrupt:
            child.send_signal(signal.SIGINT)
            child.communicate()
            raise
        finally:
            bar.end()
    if child.returncode != 0:
        sentences = [line for line in (said + (rest or "")).splitlines() if line.startswith("chiton: ")]
        message = sentences[-1][len("chiton: "):] if sentences else f"{arguments[0]} ended with {child.returncode}"
        raise ChitonError(message, child.returncode)
    return out


def _json(arguments: Sequence[str]) -> Row:
    answer: Row = json.loads(_call(arguments))
    return answer


# ---- tables ----


def _table(rows: list[Row], frame: Optional[bool], columns: Optional[Sequence[str]] = None) -> Any:
    """Rows as a frame of pandas, with these columns though there be no rows; as they are where `frame` is False, or None
    and there is no pandas."""
    if frame is False:
        return rows
    try:
        import pandas
    except ImportError:
        if frame:
            raise
        return rows
    return pandas.DataFrame(rows, columns=columns)


def _value(text: str) -> Any:
    """A field of CSV as a number where it is one; None where it is empty."""
    if text == "":
        return None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


_WORDS = ("id", "run", "version", "data_digest", "init")  # texts, also where they look like numbers


def _csv(text: str, frame: Optional[bool]) -> Any:
    reader = csv.DictReader(io.StringIO(text))
    rows = [{name: value or None if name in _WORDS else _value(value) for name, value in row.items()} for row in reader]
    return _table(rows, frame, reader.fieldnames)


# ---- commands ----


def sweep(model: Optional[str] = None, *, store: Path, file: Optional[Path] = None, jobs: Optional[int] = None,
          progress: bool = True, **settings: Any) -> Row:
    """Makes runs into a store, and returns a summary of it (`summary`). What is there already is not made again.

    model     what is trained, e.g. "perceptron"; or `file`, a sweep in YAML
    jobs      how many threads; all by default
    progress  show how far the sweep is
    settings  a value, or several: chi=[0, 1], train="2^8..2^12", seed=range(10), temp=numpy.geomspace(1e-4, 1, 9);
              and other options of the command: on_error="continue", skip_invalid=True, …

    Raises ChitonError where the program refuses the settings, or a run failed.
    """
    if (model is None) == (file is None):
        raise ValueError("sweep takes a model or a file")
    named = model if file is None else os.fspath(file)
    threads = [] if jobs is None else ["-j", str(jobs)]
    _call(["sweep", str(named), *_options(settings), "-o", os.fspath(store), *threads], progress)
    return summary(store)


def run(model: str, **settings: Any) -> Row:
    """Trains once, and returns settings and results; keeps nothing."""
    return _json(["run", model, *_options(settings), "--json"])


def summary(store: Stores) -> Row:
    """What is in a store: numbers of runs by how they ended, versions, and every setting's values."""
    return _json(["list", *_stores(store), "--json"])


def runs(store: Stores, where: Optional[str] = None, frame: Optional[bool] = None) -> Any:
    """Every run of a store, or of several, a row: its id, settings and results.

    where  an SQL condition over the columns, e.g. "chi = 1 and train >= 1024"
    frame  True: a frame of pandas; False: a list of dicts; None: a frame where pandas is there
    """
    return _csv(_call(["export", *_stores(store), *_options({"where": where})]), frame)


def points(store: Stores, where: Optional[str] = None, frame: Optional[bool] = None) -> Any:
    """Every point of the trajectories a row, joined to runs by `run` = `id`. Runs record some with record > 0."""
    return _csv(_call(["export", *_stores(store), "--points", *_options({"where": where})]), frame)


class Fit(Row):
    """What `chiton fit --json` says, a dict, with its two main lists as tables."""

    def _rows(self, name: str) -> list[Row]:
        rows = []
        for one in self[name]:
            lo, hi = one["ci95"] or (None, None)
            row = {key: value for key, value in one.items() if key not in ("group", "ci95")}
            rows.append({**one["group"], **row, "lo": lo, "hi": hi})
        varying = {key for row in rows for key in row if any(row.get(key) != other.get(key) for other in rows)}
        kept = {"name", "definition", "train", "value", "stderr", "lo", "hi", "expected", "theory"}
        return [{key: value for key, value in row.items() if key in kept or key in varying} for row in rows]

    @property
    def exponents(self) -> Any:
        """A row an exponent: what tells its group from others, value, stderr, 95 % interval, expected and theory."""
        return _table(self._rows("exponents"), None)

    @property
    def tc(self) -> Any:
        """A row a critical temperature at a P by a definition."""
        return _table(self._rows("tc"), None)

    @property
    def notes(self) -> list[str]:
        """The sentences on what is left out or missing, of all groups."""
        return [note for group in self["groups"] for note in group["notes"]]


def fit(store: Stores, where: Optional[str] = None, **options: Any) -> Fit:
    """Exponents with errors beside theory, critical temperatures, phase diagrams and twins.

    options  those of `chiton fit`: tc="onset", threshold=1, shift=0.1, fix="delta=1", collapse="weight_change", …

    Raises ChitonError where no exponent can be fitted; its message says why, and what would help.
    """
    return Fit(_json(["fit", *_stores(store), "--json", *_options({"where": where, **options})]))


def theory(chi: float = 0, **settings: Any) -> Row:
    """What theory predicts: exponents and constants; with dim, train and temp also the end of training."""
    return _json(["theory", "--chi", _text(chi), *_options(settings), "--json"])


def plot(store: Stores, directory: Path, **options: Any) -> list[str]:
    """Draws the figures of `chiton plot`, and returns the paths of their files.

    options  those of the command: format="svg", x="temp", y="time", by="train", where="chi = 1", data=True, …
    """
    return _call(["plot", *_stores(store), "-o", os.fspath(directory), *_options(options)]).splitlines()


def chart(store: Stores, x: str, y: str, by: Optional[str] = None, where: Optional[str] = None,
          frame: Optional[bool] = None, **options: Any) -> Any:
    """The numbers of one figure of your choice, a row a point: means over data sets with the ends of their bands.

    x      a setting, or "time" or "step" for the mean course along training of runs with record > 0
    y      a result, or over time and step what points have, such as "signal" or "test_error"
    by     a setting with a curve for each of its values, which stands in column `curve`
    options  band="ci" (95 % interval), "sd" or "runs", log="x,y", …, as in `chiton plot`

    chart(store, "time", "signal", by="train") and matplotlib's plot and fill_between of x, y, lo and hi draw it.
    """
    asked = _options({"x": x, "y": y, "by": by, "where": where, **options})
    with tempfile.TemporaryDirectory() as folder:
        paths = _call(["plot", *_stores(store), "-o", folder, "--format", "svg", "--data", *asked]).splitlines()
        with open(next(path for path in paths if path.endswith(".csv")), encoding="utf-8") as file:
            return _csv(file.read(), frame)


def report(store: Stores, path: Path = "report.html", **options: Any) -> str:
    """Writes one page of HTML to send, and returns its path.

    options  those of `chiton report`: where="chi = 1", threshold=1, …
    """
    return _call(["report", *_stores(store), "-o", os.fspath(path), *_options(options)]).rstrip("\n")
