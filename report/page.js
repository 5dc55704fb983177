// The script of a report: it sorts and filters tables, draws runs as points, and looks up single runs. It loads nothing.
'use strict';
const find = (selector, within = document) => within.querySelector(selector);

// Makes an element with attributes, and with texts and elements in it. Nothing is ever read as HTML.
function make(tag, attributes = {}, ...children) {
  const drawn = ['svg', 'path', 'text', 'circle'].includes(tag);
  const element = drawn ? document.createElementNS('http://www.w3.org/2000/svg', tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

// ---- tables: a button in each title sorts, a field above a long table filters ----

const keyOf = cell => cell.dataset.v !== undefined ? Number(cell.dataset.v)
  : cell.classList.contains('n') ? NaN : cell.textContent;

// Orders numbers, then words; what is no number comes last, whichever the direction.
function compare(a, b, sign) {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
  return sign * (typeof a === 'number' ? a - b : a.localeCompare(b));
}

// Puts a button into a title; sort(sign) is called with 1 and -1 in turn.
function addSort(title, sort) {
  const button = make('button', { type: 'button', onclick: () => {
    const sign = title.getAttribute('aria-sort') === 'ascending' ? -1 : 1;
    for (const other of title.parentNode.children) other.removeAttribute('aria-sort');
    title.setAttribute('aria-sort', sign > 0 ? 'ascending' : 'descending');
    sort(sign);
  } }, ...title.childNodes);
  title.replaceChildren(button);
}

for (const table of document.querySelectorAll('table.data')) {
  const body = table.tBodies[0], rows = [...body.rows];
  [...table.tHead.rows[0].cells].forEach((title, column) => addSort(title, sign =>
    body.append(...[...body.rows].sort((a, b) => compare(keyOf(a.cells[column]), keyOf(b.cells[column]), sign)))));
  if (rows.length < 8) continue;
  const count = make('span', { 'aria-live': 'polite', class: 'faint' }, `${rows.length} rows`);
  const field = make('input', { type: 'search', oninput: () => {
    const words = field.value.toLowerCase().split(/\s+/);
    for (const row of rows) row.hidden = !words.every(word => row.textContent.toLowerCase().includes(word));
    count.textContent = `${rows.filter(row => !row.hidden).length} of ${rows.length} rows`;
  } });
  table.parentNode.before(make('div', { class: 'bar' }, make('label', {}, 'Show rows with', field), count));
}

// ---- runs: columns are unpacked as report/columns.h says ----

async function bytesOf(text) {
  const packed = Uint8Array.from(atob(text), c => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Puts the planes of `width` bytes together, the lowest byte first, as typed arrays of most machines have them.
async function joined(text, width, count) {
  const planes = await bytesOf(text), bytes = new Uint8Array(width * count);
  for (let k = 0; k < width; k++) for (let i = 0; i < count; i++) bytes[width * i + width - 1 - k] = planes[k * count + i];
  return bytes.buffer;
}

function show(value, digits) {
  const rounded = Number(value.toPrecision(digits)), size = Math.abs(rounded);
  return size !== 0 && (size < 1e-3 || size >= 1e9) ? rounded.toExponential() : String(rounded);
}

// Gives a column its functions text(i), and number(i) where it has numbers.
async function open(column, data) {
  const { values, numbers, width } = column, many = [, Uint8Array, Uint16Array, , Uint32Array][width];
  if (column.bytes) {
    const bytes = await bytesOf(column.bytes);
    column.text = i => Array.from(bytes.subarray(width * i, width * (i + 1)), b => b.toString(16).padStart(2, '0')).join('');
  } else if (column.reals) {
    const reals = new Float64Array(await joined(column.reals, width, data.count));
    column.number = i => reals[i];
    column.text = (i, digits = 8) => Number.isNaN(reals[i]) ? '—' : show(reals[i], Math.min(data.digits, digits));
    column.varies = reals.some(value => value !== reals[0] && !Number.isNaN(value));
  } else {
    const index = column.index ? new many(await joined(column.index, width, data.count)) : null;
    column.at = i => index ? index[i] : 0;
    column.text = i => values[column.at(i)];
    if (numbers) column.number = i => numbers[column.at(i)] ?? NaN;
    column.varies = values.length > 1;
  }
}

const numberOf = text => /^\d+\^-?\d+$/.test(text) ? text.split('^').reduce((a, b) => a ** b) : Number(text);

// Whether a run fulfils a term: an id's beginning, a word, or a comparison such as train>=1024 or status=budget.
function matcher(term, columns) {
  const [, name, sign, value] = /^(\w+)(<=|>=|!=|=|<|>)(.+)$/.exec(term) ?? [];
  const column = columns.find(at => at.name === name);
  if (!column) {
    return i => columns.some(at => at.kind === 'id' ? at.text(i).startsWith(term) : !at.number && at.text(i).includes(term));
  }
  const wanted = numberOf(value), isNumber = column.number && !Number.isNaN(wanted);
  const isEqual = i => isNumber ? Math.abs(column.number(i) - wanted) <= 1e-9 * Math.abs(wanted) : column.text(i) === value;
  return { '=': isEqual, '!=': i => !isEqual(i), '<': i => column.number?.(i) < wanted, '>': i => column.number?.(i) > wanted,
    '<=': i => column.number?.(i) <= wanted, '>=': i => column.number?.(i) >= wanted }[sign];
}

// The command that makes one run again: seeds follow `seed`, the rate T, and the engine the other settings, if none is given.
function commandOf(i, columns) {
  const text = name => columns.find(column => column.name === name)?.text(i);
  const follows = { seed_data: text('seed'), seed_init: text('seed'), seed_batch: text('seed'), teacher_axis: text('dim') };
  const isOther = (column, i) => column.text(i) !== column.default && column.number?.(i) !== numberOf(column.default ?? '');
  const options = columns.filter(({ name, kind, ...column }) => kind === 'setting' && column.text(i) !== '—' &&
    !['model', 'rate', 'engine'].includes(name) && column.text(i) !== follows[name] &&
    (isOther(column, i) || ['chi', 'dim'].includes(name)));
  return ['chiton run', text('model'), ...options.map(column => `--${column.name} ${
    /^[\w.^-]+$/.test(column.text(i)) ? column.text(i) : `'${column.text(i)}'`}`)].join(' ');
}

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

  filter();
  const wanted = /^#run=([0-9a-f]+)$/.exec(location.hash)?.[1], found = wanted ? matching.find(i => id.text(i).startsWith(wanted)) : undefined;
  if (found !== undefined) choose(found);
  else if (chosen < 0) run.replaceChildren(make('p', { class: 'faint' }, 'Click a point, or choose an id in the table, to see a run.'));
  addEventListener('beforeprint', () => document.querySelectorAll('details').forEach(one => { one.open = true; }));
  document.documentElement.dataset.ready = 'yes';
}
start().catch(failure => find('#explorer').replaceChildren(`The runs cannot be shown in this browser: ${failure.message}`));
