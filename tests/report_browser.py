"""Opens a report in a headless Chromium and uses it as a reader would.

usage: python3 tests/report_browser.py REPORT.html [SCREENSHOTS]

It fails where the page loads anything, prints an error to the console, is wider than a phone or a desktop, where a link
leads nowhere, or where sorting, filtering, looking up a run or the keyboard do not do what they should. With a folder
SCREENSHOTS it leaves a picture of each width and colour scheme there, and the page as it would be printed.

The browser is driven through its own protocol over a pipe (--remote-debugging-pipe), so that nothing but Python's
standard library is needed. Exit status: 0 it works, 1 it does not, 77 there is no Chromium.
"""
import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class Browser:
    """One page of a headless Chromium."""

    def __init__(self, program, profile):
        to_child, ours_out = os.pipe()
        ours_in, from_child = os.pipe()

        def in_child():
            os.dup2(to_child, 13)  # out of the way of 3 and 4, which either may be
            os.dup2(from_child, 14)
            os.dup2(13, 3)
            os.dup2(14, 4)

        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run",
             f"--user-data-dir={profile}", "--hide-scrollbars", "--force-device-scale-factor=1", "about:blank"],
            preexec_fn=in_child, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_child)
        os.close(from_child)
        self.out, self.inn = ours_out, ours_in
        self.number, self.rest, self.events, self.session = 0, b"", [], None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def message(self):
        while b"\0" not in self.rest:
            piece = os.read(self.inn, 1 << 20)
            if not piece:
                raise RuntimeError("the browser ended")
            self.rest += piece
        one, self.rest = self.rest.split(b"\0", 1)
        return json.loads(one)

    def call(self, method, **parameters):
        self.number += 1
        request = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            request["sessionId"] = self.session
        os.write(self.out, json.dumps(request).encode() + b"\0")
        while True:
            answer = self.message()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def ask(self, expression):
        """The value of an expression of JavaScript in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def until(self, expression, seconds=60):
        end = time.monotonic() + seconds
        while not self.ask(expression):
            if time.monotonic() > end:
                raise RuntimeError(f"never became true: {expression}")
            time.sleep(0.05)

    def look(self, width, scheme="light", height=900):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def open(self, address):
        self.call("Page.navigate", url=address)
        self.until("document.readyState === 'complete' && document.documentElement.dataset.ready === 'yes'")

    def press(self, key, code):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def click(self, x, y):
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def picture(self, path):
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)["data"]
        pathlib.Path(path).write_bytes(base64.b64decode(data))

    def close(self):
        self.process.terminate()
        self.process.wait()


failures = []


def check(holds, sentence):
    if not holds:
        failures.append(sentence)
        print("failed:", sentence)


def check_page(page, address):
    """No errors, nothing loaded, links that lead somewhere."""
    bad = [event for event in page.events
           if event.get("method") in ("Runtime.exceptionThrown",) or
           (event.get("method") == "Log.entryAdded" and event["params"]["entry"]["level"] in ("error", "warning")) or
           (event.get("method") == "Runtime.consoleAPICalled" and event["params"]["type"] in ("error", "warning"))]
    check(not bad, f"the console has errors: {bad}")
    loaded = {event["params"]["request"]["url"] for event in page.events
              if event.get("method") == "Network.requestWillBeSent"}
    other = {url for url in loaded if not url.startswith("data:") and url.split("#")[0] != address}
    check(not other, f"the page loads {other}")
    dead = page.ask("[...document.querySelectorAll('a[href]')].map(a => a.getAttribute('href'))"
                    ".filter(h => !h.startsWith('#') || !document.querySelector(h))")
    check(dead == [], f"links lead nowhere: {dead}")
    twice = page.ask("(() => { const ids = [...document.querySelectorAll('[id]')].map(e => e.id);"
                     " return ids.filter((id, i) => ids.indexOf(id) !== i); })()")
    check(twice == [], f"ids occur twice: {twice}")
    check(page.ask("window.hostile === undefined"), "something from the store was executed")


def check_tables(page):
    """A title sorts, both ways, by numbers; a field filters."""
    state = page.ask("""(() => {
        const table = document.querySelector('#numbers table.data');
        if (!table) return null;
        const column = 2, title = table.tHead.rows[0].cells[column];
        const numbers = () => [...table.tBodies[0].rows].map(r => Number(r.cells[column].dataset.v ?? NaN));
        title.querySelector('button').click();
        const up = numbers(), sort = title.getAttribute('aria-sort');
        title.querySelector('button').click();
        const down = numbers();
        const is = (a, sign) => a.every((v, i) => i === 0 || Number.isNaN(v) || sign * (v - a[i - 1]) >= 0);
        return [is(up, 1), is(down, -1), sort, up.length];
    })()""")
    if state is None:
        return
    check(state[0] and state[1] and state[2] == "ascending", f"the table of exponents does not sort: {state}")
    state = page.ask("""(() => {
        const field = document.querySelector('#numbers .bar input');
        if (!field) return null;
        const rows = [...field.closest('.bar').nextElementSibling.querySelectorAll('tbody tr')];
        const word = 'γ';
        if (!rows.some(r => r.textContent.includes(word))) return null;
        field.value = word; field.dispatchEvent(new Event('input'));
        const seen = rows.filter(r => !r.hidden);
        const ok = seen.length > 0 && seen.length < rows.length && seen.every(r => r.textContent.includes(word));
        field.value = ''; field.dispatchEvent(new Event('input'));
        return ok && rows.every(r => !r.hidden);
    })()""")
    check(state is not False, "the table of exponents does not filter")


def check_runs(page):
    """Runs: a condition, an id, a click on a point, and the arrow keys."""
    total = page.ask("JSON.parse(document.querySelector('#data').textContent).count")
    page.ask("(() => { const f = document.querySelector('#filter'); f.value = 'status=fitted seed=0';"
             " f.dispatchEvent(new Event('input')); })()")
    text = page.ask("document.querySelector('#count').textContent")
    some = int(text.split()[0])
    check(0 <= some <= total and text.endswith(f"of {total} runs"), f"the condition shows {text}")
    page.ask("(() => { const f = document.querySelector('#filter'); f.value = '';"
             " f.dispatchEvent(new Event('input')); })()")
    ids = page.ask("[...document.querySelectorAll('#list tbody button')].map(b => b.textContent)")
    check(len(ids) == min(25, total), f"{len(ids)} runs are listed")
    page.ask(f"(() => {{ const f = document.querySelector('#filter'); f.value = '{ids[-1]}';"
             " f.dispatchEvent(new Event('input')); })()")
    check(page.ask("document.querySelector('#run h3').textContent") == f"Run {ids[-1]}", "an id finds no run")
    check(page.ask("location.hash") == f"#run={ids[-1]}", "the address does not name the run")
    page.ask("(() => { const f = document.querySelector('#filter'); f.value = '';"
             " f.dispatchEvent(new Event('input')); document.querySelector('#plot').scrollIntoView({block: 'center'}); })()")
    spot = page.ask("""(() => {
        const path = document.querySelector('#plot path.dots');
        if (!path) return null;
        const [, x, y] = /^M([\\d.]+) ([\\d.]+)/.exec(path.getAttribute('d')).map(Number);
        const box = document.querySelector('#plot svg').getBoundingClientRect(), scale = box.width / 720;
        return [box.left + x * scale, box.top + y * scale];
    })()""")
    if spot is None:
        return
    page.ask("document.querySelector('#run').replaceChildren()")
    page.click(*spot)
    check(page.ask("document.querySelectorAll('#run dd').length") > 5, "a click on a point shows no run")
    check(page.ask("document.querySelectorAll('#plot .ring').length") == 1, "the run is not marked in the plot")
    check(page.ask("document.querySelector('#run pre').textContent.startsWith('chiton run ')"), "no command is shown")
    check_command(page)
    before = page.ask("location.hash")
    page.ask("document.querySelector('#plot svg').focus()")
    page.press("ArrowRight", 39)
    after = page.ask("location.hash")
    page.press("ArrowLeft", 37)
    check(before != after or total == 1, "the arrow keys do not step through the runs")


def check_figures(page):
    """A click on a point of a figure, and Enter on one that the arrow keys reach, shows the runs of which it is the mean."""
    number = page.ask("document.querySelectorAll('figure svg .at').length")
    if number == 0:
        return
    seen = page.ask("[...document.querySelectorAll('figure svg .at')].filter(e => getComputedStyle(e).stroke !== 'none').length")
    check(seen == 0, f"{seen} places to click are seen as rings")
    for way in ("click", "keys"):
        point = page.ask("""(() => {
            const points = [...document.querySelectorAll('figure svg .at[data-runs^="train="]')];
            if (points.length === 0) return null;
            const point = points[points.length >> 1];
            point.scrollIntoView({ block: 'center' });
            const box = point.getBoundingClientRect(), x = box.left + box.width / 2, y = box.top + box.height / 2;
            const seen = document.elementFromPoint(x, y); /* where curves meet, a point of another one */
            const hit = seen !== null && seen.matches('.at[data-runs]') ? seen : point;
            window.shownRuns = hit.dataset.runs;
            window.shownGroup = hit.closest('[data-group]').dataset.group.replace(/\\s/g, '');
            window.shownSvg = hit.ownerSVGElement;
            return [x, y];
        })()""")
        if point is None:
            return
        if way == "click":
            page.click(*point)
        else:
            page.ask("(() => { document.querySelector('#filter').value = ''; shownSvg.querySelector('.at.on').classList.remove('on');"
                     " shownSvg.focus(); })()")
            page.press("ArrowRight", 39)
            page.press("ArrowRight", 39)
            page.ask("(() => { window.shownRuns = shownSvg.querySelector('.at.on').dataset.runs; })()")
            page.press("Enter", 13)
        wanted = page.ask("[shownRuns, `group=${shownGroup}`]")
        check(page.ask("document.querySelector('#filter').value") == " ".join(wanted),
              f"by {way} a point of a figure does not choose {wanted}")
        some, total = (int(word) for word in page.ask("document.querySelector('#count').textContent").split()[::2][:2])
        check(0 < some < total, f"by {way} a point of a figure shows {some} of {total} runs")
        rows = page.ask("""(() => {
            const names = [...document.querySelectorAll('#list thead th')].map(th => th.textContent);
            return [...document.querySelectorAll('#list tbody tr')].map(row =>
                Object.fromEntries(names.map((name, k) => [name, row.cells[k].textContent])));
        })()""")
        for pair in wanted[0].split():
            name, value = pair.split("=")
            check(all(name not in row or value_of(row[name]) == float(value) for row in rows),
                  f"by {way} the runs that a point shows have another {name} than {value}")
        check(page.ask("document.activeElement.id") == "filter", "the keyboard does not follow to the runs")
    page.ask("(() => { const f = document.querySelector('#filter'); f.value = '';"
             " f.dispatchEvent(new Event('input')); })()")


def value_of(text):
    """A number as a table shows it: 2^-3, 1e-05 or 0.5."""
    base, _, power = text.partition("^")
    return float(base) ** float(power) if power else float(text)


def check_command(page):
    """The command of the chosen run makes it again. CHITON names the program; nothing is checked without it."""
    program = os.environ.get("CHITON")
    words = page.ask("document.querySelector('#run pre').textContent").split()
    if program is None or any("data" in word for word in words):
        return
    pairs = page.ask("Object.fromEntries([...document.querySelectorAll('#run dt')].map(t => [t.textContent, t.nextElementSibling.textContent]))")
    done = subprocess.run([program, *words[1:], "--json"], capture_output=True, text=True, check=False)
    check(done.returncode == 0, f"{' '.join(words)}: {done.stderr}")
    if done.returncode == 0:
        again = json.loads(done.stdout)
        check(again["status"] == pairs["status"], f"{' '.join(words)} ends as {again['status']}")
        check(abs(float(pairs["weight_change"]) / again["weight_change"] - 1) < 1e-4,
              f"{' '.join(words)} gives {again['weight_change']} and not {pairs['weight_change']}")


def check_keyboard(page):
    """Tab reaches links, fields and buttons, and Enter on a title sorts."""
    page.ask("(() => { const h = document.querySelector('h1'); h.tabIndex = -1; h.focus(); })()")
    kinds = set()
    for _ in range(40):
        page.press("Tab", 9)
        kinds.add(page.ask("document.activeElement.tagName"))
    check({"A", "BUTTON"} <= kinds, f"the Tab key reaches only {kinds}")


def check_widths(page):
    """The page itself never scrolls sideways."""
    for width in (390, 1440):
        page.look(width)
        wide = page.ask("document.documentElement.scrollWidth")
        check(wide <= width, f"at {width} px the page is {wide} px wide")
        small = page.ask("""(() => { const least = [...document.querySelectorAll('figure svg')].map(svg =>
            svg.getBoundingClientRect().width / svg.viewBox.baseVal.width); return Math.min(...least, 9); })()""")
        check(small > 0.85, f"at {width} px figures are shrunk to {small:.2f} of their print size")


def check_contrast(page):
    """Text has the contrast that the WCAG ask for, 4.5 to 1, in both schemes."""
    for scheme in ("light", "dark"):
        page.look(1440, scheme)
        low = page.ask("""(() => {
            const shade = c => { const [r, g, b] = c.match(/\\d+/g).map(v => v / 255)
                .map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
            const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
                if (!/, 0\\)$|transparent/.test(c)) return c; } return 'rgb(255,255,255)'; };
            return [...document.querySelectorAll('p,a,dt,dd,th,td,li,h1,h2,h3,figcaption,caption,label,input,button')].filter(e => {
                const [a, b] = [shade(getComputedStyle(e).color), shade(ground(e))].sort((x, y) => y - x);
                return (a + .05) / (b + .05) < 4.5;
            }).slice(0, 5).map(e => e.outerHTML.slice(0, 80));
        })()""")
        check(low == [], f"in {scheme} these have little contrast: {low}")


def main():
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        print("there is no Chromium here")
        return 77
    address = pathlib.Path(sys.argv[1]).resolve().as_uri()
    folder = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        page = Browser(program, profile)
        try:
            page.look(1440)
            page.open(address)
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
                for width in (390, 1440):
                    for scheme in ("light", "dark"):
                        page.look(width, scheme)
                        time.sleep(0.3)
                        page.picture(folder / f"{width}-{scheme}.png")
                page.look(1440)
                data = page.call("Page.printToPDF", printBackground=True, paperWidth=8.27, paperHeight=11.69)["data"]
                (folder / "print.pdf").write_bytes(base64.b64decode(data))
            check_tables(page)
            check_runs(page)
            check_figures(page)
            check_keyboard(page)
            check_widths(page)
            check_contrast(page)
            check_page(page, address)
        finally:
            page.close()
    print(f"{len(failures)} of the checks failed" if failures else "the report works in Chromium")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
