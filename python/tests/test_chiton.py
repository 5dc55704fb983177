"""Tests of the package against the program: CHITON names it. python3 -m unittest discover -s python/tests"""
import contextlib
import functools
import importlib.util
import io
import json
import math
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import chiton  # noqa: E402

try:
    import pandas
except ImportError:
    pandas = None
try:
    import matplotlib
except ImportError:
    matplotlib = None


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.store = pathlib.Path(cls.folder.name) / "a store.db"
        chiton.sweep("perceptron", store=cls.store, chi=[0, 1], dim=8, train="2^5..2^7", temp="4^-6..4^1",
                     seed=range(3), record=1, jobs=1, progress=False)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_runs_are_those_of_the_store(self):
        rows = chiton.runs(self.store, frame=False)
        self.assertEqual(len(rows), 2 * 3 * 8 * 3)
        one = next(row for row in rows if row["chi"] == 1 and row["temp"] == 1 and row["train"] == 64)
        again = chiton.run("perceptron", chi=1, dim=8, train=64, temp=1.0, seed=one["seed"], record=1)
        for name in ("steps", "time", "weight_change", "test_error", "status"):
            self.assertEqual(one[name], again[name], name)
        self.assertIsNone(one["max_steps"])
        self.assertTrue(all(isinstance(row["id"], str) and len(row["id"]) == 32 for row in rows))
        some = chiton.runs([self.store], where="chi = 1 and temp > 1", frame=False)
        self.assertEqual(len(some), sum(row["chi"] == 1 and row["temp"] > 1 for row in rows))

    def test_points_belong_to_runs(self):
        points = chiton.points(self.store, where="chi = 1", frame=False)
        runs = {row["id"]: row for row in chiton.runs(self.store, frame=False)}
        last = {}
        for point in points:
            last[point["run"]] = point
        self.assertEqual(len(last), 72)
        for run, point in last.items():
            self.assertEqual(point["step"], runs[run]["steps"])
            self.assertEqual(point["weight_change"], runs[run]["weight_change"])

    def test_a_mean_course_is_that_of_the_points(self):
        """The means against those made here from the points: a fitted run stays as it ended."""
        where = "chi = 1 and temp = 1"
        courses = {}
        for point in chiton.points(self.store, where=where, frame=False):
            courses.setdefault(point["run"], []).append((point["time"], point["weight_change"]))
        train = {row["id"]: row["train"] for row in chiton.runs(self.store, where=where, frame=False)}
        self.assertEqual(len(courses), 9)

        def log_at(course, x):
            course = sorted(course)
            below = max(point for point in course if point[0] <= x)
            above = next((point for point in course if point[0] > x), None)
            if above is None or below[0] == x:
                return math.log(below[1])
            share = math.log(x / below[0]) / math.log(above[0] / below[0])
            return (1 - share) * math.log(below[1]) + share * math.log(above[1])

        rows = chiton.chart(self.store, "time", "weight_change", by="train", where=where, frame=False)
        self.assertEqual({row["curve"] for row in rows}, {32, 64, 128})
        self.assertGreater(len(rows), 9)
        for row in rows:
            logs = [log_at(course, row["x"]) for run, course in courses.items() if train[run] == row["curve"]]
            mean = sum(logs) / 3
            error = math.sqrt(sum((one - mean) ** 2 for one in logs) / 2 / 3)
            self.assertAlmostEqual(row["y"] / math.exp(mean), 1, places=9)
            self.assertAlmostEqual(row["hi"] / math.exp(mean + error), 1, places=9)
            self.assertEqual((row["data_sets"], row["bound"]), (3, 0))
        with self.assertRaisesRegex(chiton.ChitonError, "--y is gamma, but over --x time"):
            chiton.chart(self.store, "time", "gamma")

    def test_a_fit_has_its_numbers_as_tables(self):
        fit = chiton.fit(self.store)
        rows = fit._rows("exponents")
        self.assertEqual(len(rows), len(fit["exponents"]))
        for row, one in zip(rows, fit["exponents"]):
            self.assertEqual((row["name"], row["value"], row["theory"]), (one["name"], one["value"], one["theory"]))
            self.assertEqual(row["chi"], one["group"]["chi"])
            self.assertEqual([row["lo"], row["hi"]], one["ci95"] or [None, None])
        self.assertNotIn("dim", rows[0])  # all groups have the same
        self.assertEqual(len(fit.tc), len(fit["tc"]))
        self.assertTrue(all(isinstance(note, str) for note in fit.notes))
        fixed = chiton.fit(self.store, where="chi = 1", fix="delta=1")
        self.assertEqual([one["value"] for one in fixed["exponents"] if one["name"] == "delta"], [1])

    def test_theory(self):
        for chi in (0, 1, 3):
            theory = chiton.theory(chi=chi)
            self.assertAlmostEqual(theory["gamma"], 1 / (1 + chi), places=12)
            self.assertAlmostEqual(theory["b"], 1 + 2 / (1 + chi), places=12)
        self.assertTrue(chiton.theory(chi=1, dim=8, train=64, temp=1)["finite"])

    def test_what_is_refused_says_why(self):
        with self.assertRaisesRegex(chiton.ChitonError, "chi is '-3'") as refused:
            chiton.sweep("perceptron", store=self.store, chi=-3, temp=1, progress=False)
        self.assertEqual(refused.exception.status, 2)
        with self.assertRaisesRegex(chiton.ChitonError, "no exponent"):
            chiton.fit(self.store, where="temp = 1 and train = 64 and chi = 1 and seed = 0")
        with self.assertRaises(ValueError):
            chiton.sweep(store=self.store)

    def test_a_file_and_figures_and_a_page(self):
        folder = pathlib.Path(self.folder.name)
        (folder / "s.yaml").write_text("{model: perceptron, dim: 4, train: 16, temp: [0.25, 1]}")
        done = chiton.sweep(file=folder / "s.yaml", store=folder / "s.db", progress=False)
        self.assertEqual(done["runs"], 2)
        paths = chiton.plot(folder / "s.db", folder / "figures", format="svg", x="temp", y="time")
        self.assertTrue(paths and all(pathlib.Path(path).stat().st_size > 0 for path in paths))
        page = chiton.report(folder / "s.db", folder / "s.html")
        self.assertIn("chiton report", pathlib.Path(page).read_text())

    def test_the_lines_of_the_readme_run(self):
        text = (HERE.parent / "README.md").read_text(encoding="utf-8")
        lines = text.split("```python\n")[1].split("```")[0].replace("seed=range(5)", "seed=range(3)")
        for name in ("demo.db", "demo.html"):
            lines = lines.replace(f'"{name}"', repr(os.path.join(self.folder.name, name)))
        names = {}
        with contextlib.redirect_stderr(io.StringIO()):
            exec(compile(lines, "README.md", "exec"), names)
        self.assertEqual(len(names["runs"]), 2 * 4 * 10 * 3)
        self.assertTrue((pathlib.Path(self.folder.name) / "demo.html").stat().st_size > 0)

    def test_options_are_those_of_the_command_line(self):
        folder = pathlib.Path(self.folder.name)
        store = folder / "options.db"
        made = chiton.sweep("mlp", store=store, dim=4, width=4, depth=1, train=[8, 16], batch=16, temp=1, linear=["no", "yes"],
                            kernel_cache=folder / "k", skip_invalid=True, on_error="continue", retry=False, progress=False)
        self.assertEqual(made["runs"], 2)  # a batch of 16 of 8 samples is invalid
        paths = chiton.plot(store, folder / "with data", x="temp", y="time", format="svg", data=True, skip_damaged=True)
        self.assertEqual(sorted(path.rsplit(".", 1)[1] for path in paths), ["csv", "svg"])
        self.assertEqual(chiton._options({"data": "sign", "yes": True, "details": False, "by": None, "from_": "x"}),
                         ["--data", "sign", "--yes", "--from", "x"])
        self.assertEqual(chiton._options({"data_file": folder / "x.npy"}), ["--data_file", str(folder / "x.npy")])

    def test_a_program_that_is_not_there_is_named(self):
        named = os.environ["CHITON"]
        try:
            os.environ["CHITON"] = "/nowhere/chiton"
            with self.assertRaisesRegex(chiton.ChitonError, "/nowhere/chiton does not start: No such file"):
                chiton.theory()
        finally:
            os.environ["CHITON"] = named

    def test_progress_is_shown(self):
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            bar = chiton._Bar(True)
            bar.show("1/2  3 runs/s")
            bar.show("2/2")
            bar.end()
        self.assertEqual(said.getvalue(), "\r1/2  3 runs/s\r2/2          \n")
        for line in ("85741/100000  2852 runs/s  0:05 left", "0/8"):
            self.assertIsNotNone(chiton._PROGRESS.match(line))
        self.assertIsNone(chiton._PROGRESS.match("demo.db: 2 runs, 0 were there"))

    def test_values_are_written_as_the_program_reads_them(self):
        class Array:  # as numpy's arrays are
            def tolist(self):
                return [1, 2.5]

        for value, text in ((True, "yes"), (1e-5, "1e-05"), ("2^3", "2^3"), (range(3), "0..2"), (range(0, 5, 2), "0,2,4"), ([0.1, "full"], "0.1,full"),
                            (Array(), "1,2.5"), (math.pi, repr(math.pi))):
            self.assertEqual(chiton._text(value), text)

    def test_an_interrupt_keeps_what_is_finished(self):
        store = pathlib.Path(self.folder.name) / "long.db"
        script = ("import chiton, sys\ntry:\n"
                  f"    chiton.sweep('perceptron', store={str(store)!r}, chi=0, dim=64, train='2^11', temp='1', "
                  "seed=range(50000), jobs=1, progress=False)\n"
                  "except KeyboardInterrupt:\n    sys.exit(7)\n")
        # where the tests run in the background the signal is ignored, and would be in what they start
        child = subprocess.Popen([sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": str(HERE.parent)},
                                 preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        def count():
            try:
                return chiton.summary(store)["runs"]
            except chiton.ChitonError:
                return 0
        while count() == 0 and child.poll() is None:
            time.sleep(0.05)
        child.send_signal(signal.SIGINT)
        self.assertEqual(child.wait(timeout=60), 7)
        self.assertTrue(0 < count() < 50000)

    def test_the_example_finds_laws_that_were_planted(self):
        """Trajectories of s ~ (P/u)^{1/(1+chi)} at r = 1.1 r*, of two data sets with other amplitudes of s."""
        path = HERE.parents[1] / "examples" / "boundary_density.py"
        spec = importlib.util.spec_from_file_location("boundary_density", path)
        example = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(example)
        chi, dim, temp = 0.5, 16, 2
        star = example.predicted_noise(chi, dim, temp)
        near = example.Table()
        for train in (2 ** 10, 2 ** 12, 2 ** 15):
            for data_set, amplitude in enumerate((40, 50)):
                points = []
                for unfitted in (200, 40, 20, 12, 5):
                    signal = amplitude * (train / unfitted) ** (1 / (1 + chi))
                    points.append({"unfitted": unfitted, "signal": signal, "noise": 1.1 * star,
                                   "time": 3 * signal ** (chi + 3)})
                near.add(train, data_set, example.at_dimension({"chi": chi, "dim": dim, "temp": temp}, points))
        self.assertAlmostEqual(near.slope(near.rows, 0, [0, 1]), 1 / 1.5)
        self.assertAlmostEqual(near.slope(near.rows, 1, [0, 1, 1]), 3.5 / 1.5)
        self.assertAlmostEqual(math.exp(near.mean(2 ** 12, 2, [0, 1])), 1.1)
        self.assertAlmostEqual(near.mean(2 ** 12, 0, [1]), math.log(50 * (2 ** 12 / dim) ** (1 / 1.5)))
        value, error = example.with_error(lambda drawn: near.mean(2 ** 12, 0, drawn), [0, 1])
        self.assertAlmostEqual(error, math.log(50 / 40) / 2 / math.sqrt(2), delta=0.1 * error)
        self.assertAlmostEqual(value, near.mean(2 ** 12, 0, [0, 1]))
        # r* at chi = 0, where the share of unfitted samples is 1 / (pi lambda)
        self.assertAlmostEqual(example.predicted_noise(0, dim, temp), temp * math.sqrt(dim / (2 * math.pi)))

        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            example.main(self.store, "temp = 1")
        rows = printed.getvalue().splitlines()
        self.assertEqual([row.split(" | ")[0] for row in rows[2:]], ["| 0", "| 1"])
        with self.assertRaisesRegex(ValueError, "several runs: choose one by WHERE"):
            example.main(self.store, "temp >= 1")
        unfinished = pathlib.Path(self.folder.name) / "unfinished.db"
        for budget in (150, 20):  # some runs fit, and then none
            chiton.sweep("perceptron", store=unfinished, chi=1, dim=16, train="2^9..2^12", temp=1, alpha=32768,
                         seed=range(3), record=4, max_updates=budget, jobs=1, progress=False)
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                example.main(unfinished, f"max_updates = {budget}")
            self.assertEqual(len(printed.getvalue().splitlines()), 3)

    @unittest.skipIf(pandas is None, "pandas is not installed")
    def test_frames(self):
        frame = chiton.runs(self.store)
        self.assertEqual(len(frame), 144)
        self.assertEqual(str(frame["temp"].dtype), "float64")
        self.assertEqual(str(frame["train"].dtype), "int64")
        none = chiton.runs(self.store, where="chi = 7")
        self.assertEqual((len(none), list(none.columns)), (0, list(frame.columns)))
        exponents = chiton.fit(self.store).exponents
        delta = exponents[(exponents.name == "delta") & (exponents.chi == 0)]
        self.assertEqual(len(delta), 1)
        self.assertTrue(abs(delta.value.iloc[0] - 1) < 0.2)

    @unittest.skipIf(matplotlib is None, "matplotlib is not installed: the notebook runs without its figure")
    def test_the_figure_of_the_notebook(self):
        axes = self.run_notebook()["axes"]
        self.assertEqual([line.get_label() for line in axes.get_lines()], [f"P = {2 ** k}" for k in range(6, 10)])
        self.assertTrue(all(len(line.get_xdata()) == 11 for line in axes.get_lines()))

    def test_the_notebook_runs_from_top_to_bottom(self):
        names = self.run_notebook()
        self.assertEqual(names["done"]["runs"], 2 * 4 * 11 * 3)
        for chi, (value, theory) in names["gamma"].items():
            self.assertAlmostEqual(theory, 1 / (1 + chi))
            self.assertTrue(abs(value - theory) < 0.3, f"gamma at chi = {chi} is {value}, in theory {theory}")

    @staticmethod
    @functools.lru_cache(maxsize=1)
    def run_notebook():
        cells = json.loads((HERE.parent / "demo.ipynb").read_text(encoding="utf-8"))["cells"]
        names = {"__name__": "__main__"}
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            for cell in cells:
                if cell["cell_type"] == "code":
                    exec(compile("".join(cell["source"]), "demo.ipynb", "exec"), names)  # its own namespace
        return names


if __name__ == "__main__":
    unittest.main()
