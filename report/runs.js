// The runs of a report: a plot of the user's choice, a table, one run at a time, and the way to them from points of figures.
// An axis: where a value lies, from 0 to 1, and its ticks. It is logarithmic where values are positive and far apart.
function axisOf(column, runs) {
  let least = Infinity, most = -Infinity;
  for (const i of runs) {
    const value = column.number(i);
    if (Number.isFinite(value)) { least = Math.min(least, value); most = Math.max(most, value); }
  }
  const isLog = least > 0 && most > 20 * least, scale = isLog ? Math.log10 : value => value;
  if (!(most > least)) { least -= Math.abs(least) / 2 || 1; most += Math.abs(most) / 2 || 1; }
  const margin = 0.03 * (scale(most) - scale(least)), from = scale(least) - margin, span = scale(most) + margin - from;
  const unit = isLog ? 1 : 10 ** Math.floor(Math.log10(span / 6)), ticks = [];
  const step = isLog ? Math.ceil(span / 9) : unit * [1, 2, 5, 10].find(k => k * unit >= span / 6);
  const raised = text => text.replace(/./g, c => c === '-' ? '⁻' : '⁰¹²³⁴⁵⁶⁷⁸⁹'[c]);
  for (let k = Math.ceil(from / step); k * step <= from + span; k++) {
    ticks.push({ at: (k * step - from) / span, label: isLog ? `10${raised(String(k * step))}` : String(Number((k * step).toPrecision(6))) });
  }
  return { ticks, at: value => (scale(value) - from) / span };
}

async function start() {
  const data = JSON.parse(find('#data').textContent), columns = data.columns;
  await Promise.all(columns.map(column => open(column, data)));
  const id = columns[0], named = name => columns.find(column => column.name === name);
  const shown = [id, ...columns.filter(({ name, kind, varies }) => /setting|result/.test(kind) && varies && !/^seed_|rate|engine/.test(name))];
  const numeric = columns.filter(column => column.number && column.varies);
  const hues = columns.filter(column => column.values && column.varies && column.values.length <= 24);
  let matching = [], chosen = -1, rows = 25, places = [];

  // ---- the parts ----
  const first = (list, ...names) => (names.map(named).find(column => list.includes(column)) ?? list[0])?.name;
  const choice = (list, name) => make('select', { onchange: draw }, ...list.map(column =>
    make('option', { value: column.name, title: column.help, ...(column.name === name ? { selected: '' } : {}) }, column.name)));
  const x = choice(numeric, first(numeric, 'temp', 'train')), y = choice(numeric, first(numeric, 'weight_change', 'test_error'));
  const by = choice(hues, first(hues, 'train', 'group'));
  const field = make('input', { type: 'search', id: 'filter', oninput: filter, placeholder: 'id, or train>=1024 status=fitted' });
  const plot = make('div', { id: 'plot' }), key = make('ul', { id: 'key' }), body = make('tbody');
  const run = make('section', { id: 'run', 'aria-live': 'polite', 'aria-label': 'The chosen run' });
  const count = make('p', { class: 'faint', 'aria-live': 'polite', id: 'count' });
  const more = make('button', { type: 'button', class: 'plain more', onclick: () => { rows += 100; list(); } }, 'Show more rows');
  const titles = shown.map(column => make('th', { scope: 'col', title: column.help, ...(column.number ? { class: 'n' } : {}) }, column.name));
  titles.forEach((title, k) => addSort(title, sign => {
    const keyOf = shown[k].number ?? shown[k].text;
    matching.sort((a, b) => compare(keyOf(a), keyOf(b), sign));
    rows = 25;
    list();
  }));
  const label = (text, control, kind = '') => make('label', { class: kind }, text, control);
  find('#explorer').replaceChildren(
    make('div', { class: 'bar' }, label('Find runs', field, 'wide'), label('x', x), label('y', y), label('colour', by)), count,
    make('div', { class: 'look' }, make('div', {}, plot, key), run),
    make('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Runs' },
      make('table', { id: 'list' }, make('thead', {}, make('tr', {}, ...titles)), body)), more);

  // ---- what they do ----
  function filter() {
    const tests = field.value.trim().split(/\s+/).filter(Boolean).map(term => matcher(term, columns));
    matching = [];
    for (let i = 0; i < data.count; i++) if (tests.every(test => test(i))) matching.push(i);
    titles.forEach(title => title.removeAttribute('aria-sort'));
    rows = 25;
    draw();
    list();
    if (matching.length === 1) choose(matching[0]);
  }

  function list() {
    const cell = (column, i) => column === id ? make('td', {}, make('button', { type: 'button', onclick: () => choose(i) }, id.text(i)))
      : make('td', column.number ? { class: 'n' } : {}, column.text(i, 5));
    body.replaceChildren(...matching.slice(0, rows).map(i =>
      make('tr', { 'aria-selected': String(i === chosen) }, ...shown.map(column => cell(column, i)))));
    count.textContent = `${matching.length} of ${data.count} runs`;
    more.hidden = rows >= matching.length;
  }

  const colourOf = (k, column) => column && column.values.length > 8 ? `hsl(${300 * k / (column.values.length - 1)} 65% 50%)` : `var(--c${k})`;

  function draw() {
    const [across, up, hue] = [x, y, by].map(select => named(select.value));
    if (!across || !up) return plot.replaceChildren('No two numbers of these runs differ, so that there is nothing to plot.');
    const horizontal = axisOf(across, matching), vertical = axisOf(up, matching), left = 84, right = 710, top = 10, low = 425;
    const px = at => left + at * (right - left), py = at => low - at * (low - top), paths = new Map(), seen = new Set();
    places = [];
    for (const i of matching) { // runs that fall on one spot are drawn once
      const cx = px(horizontal.at(across.number(i))), cy = py(vertical.at(up.number(i)));
      if (!Number.isFinite(cx) || !Number.isFinite(cy)) continue;
      places.push([i, cx, cy]);
      const k = hue ? hue.at(i) : 0, spot = `M${cx.toFixed(1)} ${cy.toFixed(1)}h0`;
      if (seen.has(k + spot)) continue;
      seen.add(k + spot);
      paths.set(k, (paths.get(k) ?? '') + spot);
    }
    const used = [...paths.keys()].sort((a, b) => a - b), size = matching.length < 2000 ? 7 : matching.length < 20000 ? 5 : 3;
    const text = (content, attributes) => make('text', attributes, content);
    plot.replaceChildren(make('svg', { viewBox: '0 0 720 480', tabindex: 0, role: 'img', onclick: pick, onkeydown: step,
      'aria-label': `${up.name} against ${across.name}; the arrow keys step through the runs of the table` },
    ...horizontal.ticks.map(({ at }) => make('path', { class: 'rule', d: `M${px(at)} ${top}V${low}` })),
    ...vertical.ticks.map(({ at }) => make('path', { class: 'rule', d: `M${left} ${py(at)}H${right}` })),
    make('path', { class: 'axis', d: `M${left} ${top}V${low}H${right}` }),
    ...horizontal.ticks.map(({ at, label }) => text(label, { x: px(at), y: low + 22, 'text-anchor': 'middle' })),
    ...vertical.ticks.map(({ at, label }) => text(label, { x: left - 8, y: py(at) + 5, 'text-anchor': 'end' })),
    text(across.name, { x: (left + right) / 2, y: 474, 'text-anchor': 'middle' }),
    text(up.name, { transform: `translate(18 ${(low + top) / 2})rotate(-90)`, 'text-anchor': 'middle' }),
    ...used.map(k => make('path', { class: 'dots', stroke: colourOf(k, hue), 'stroke-width': size, d: paths.get(k) }))));
    key.replaceChildren(...used.filter(() => hue).map(k => {
      const dot = make('i');
      dot.style.background = colourOf(k, hue);
      return make('li', {}, dot, hue.kind === 'group' ? hue.values[k] : `${hue.name} = ${hue.values[k]}`);
    }));
    ring();
  }

  function ring() { // marks the chosen run in the plot
    const place = places.find(([i]) => i === chosen);
    find('.ring', plot)?.remove();
    if (place) find('svg', plot).append(make('circle', { class: 'ring', cx: place[1], cy: place[2], r: 9 }));
  }

  function pick(event) { // chooses the run nearest to a click
    const box = event.currentTarget.getBoundingClientRect(), scale = 720 / box.width;
    let nearest = -1, least = 30;
    for (const [i, cx, cy] of places) {
      const distance = Math.hypot(cx - (event.clientX - box.left) * scale, cy - (event.clientY - box.top) * scale);
      if (distance < least) [nearest, least] = [i, distance];
    }
    if (nearest >= 0) choose(nearest);
  }

  function step(event) {
    const move = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!move || matching.length === 0) return;
    event.preventDefault();
    choose(matching[Math.max(0, Math.min(matching.length - 1, matching.indexOf(chosen) + move))]);
  }

  function choose(i) { // shows what a run was given and what came out
    const pairs = kind => make('dl', {}, ...columns.filter(column => column.kind === kind && column.text(i) !== '—').flatMap(column =>
      [make('dt', { title: column.help }, column.name), make('dd', {}, column.text(i))]));
    chosen = i;
    run.replaceChildren(make('h3', {}, `Run ${id.text(i)}`), make('pre', {}, commandOf(i, columns)), pairs('result'),
      make('details', {}, make('summary', {}, 'Settings'), pairs('setting')));
    history.replaceState(null, '', `#run=${id.text(i)}`);
    list();
    ring();
  }

  // ---- points of figures: by a click, or by arrow keys and Enter, the runs of which a point is the mean ----
  function showRuns(point) {
    const group = point.closest('[data-group]')?.dataset.group;
    field.value = point.dataset.runs + (group ? ` group=${unspaced(group)}` : '');
    filter();
    find('#runs').scrollIntoView();
    field.focus({ preventScroll: true });
  }

  function mark(point) {
    const svg = point.ownerSVGElement;
    find('.at.on', svg)?.classList.remove('on');
    point.classList.add('on');
    svg.setAttribute('aria-label', `${svg.dataset.label} Point: ${point.dataset.runs}.`);
  }

  for (const svg of document.querySelectorAll('figure svg')) {
    const points = [...svg.querySelectorAll('.at')].sort((a, b) => a.getAttribute('cx') - b.getAttribute('cx'));
    if (points.length === 0) continue;
    svg.dataset.label = svg.getAttribute('aria-label');
    svg.setAttribute('tabindex', 0);
    points.forEach(point => point.append(make('title', {}, `${point.dataset.runs}: show these runs`)));
    svg.addEventListener('click', event => { if (event.target.matches?.('.at')) { mark(event.target); showRuns(event.target); } });
    svg.addEventListener('keydown', event => {
      const at = points.indexOf(find('.at.on', svg)), move = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (move) mark(points[Math.max(0, Math.min(points.length - 1, at + move))]);
      else if (event.key === 'Enter' && at >= 0) showRuns(points[at]);
      else return;
      event.preventDefault();
    });
  }

  filter();
  const wanted = /^#run=([0-9a-f]+)$/.exec(location.hash)?.[1], found = wanted ? matching.find(i => id.text(i).startsWith(wanted)) : undefined;
  if (found !== undefined) choose(found);
  else if (chosen < 0) run.replaceChildren(make('p', { class: 'faint' }, 'Click a point, or choose an id in the table, to see a run.'));
  addEventListener('beforeprint', () => document.querySelectorAll('details').forEach(one => { one.open = true; }));
  document.documentElement.dataset.ready = 'yes';
}
start().catch(failure => find('#explorer').replaceChildren(`The runs cannot be shown in this browser: ${failure.message}`));
