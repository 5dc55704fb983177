// The script of a report, whose second part is runs.js: it sorts and filters tables, and unpacks the runs. It loads nothing.
'use strict';
const find = (selector, within = document) => within.querySelector(selector);

// Makes an element with attributes, and with texts and elements in it. Nothing is ever read as HTML.
function make(tag, attributes = {}, ...children) {
  const drawn = ['svg', 'path', 'text', 'circle', 'title'].includes(tag);
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

const unspaced = text => text.replace(/\s+/g, '');
const numberOf = text => /^\d+\^-?\d+$/.test(text) ? text.split('^').reduce((a, b) => a ** b) : Number(text);

// Whether a run fulfils a term: an id's beginning, a word, or a comparison such as train>=1024 or status=budget.
function matcher(term, columns) {
  const [, name, sign, value] = /^(\w+)(<=|>=|!=|=|<|>)(.+)$/.exec(term) ?? [];
  const column = columns.find(at => at.name === name);
  if (!column) {
    return i => columns.some(at => at.kind === 'id' ? at.text(i).startsWith(term) : !at.number && at.text(i).includes(term));
  }
  if (column.kind === 'group') return i => (sign === '!=') !== (unspaced(column.text(i)) === value);
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
