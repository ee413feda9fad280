// Zoomable plots: drag or pinch to zoom, double click or 0 to see all, arrows and + - from the keyboard. uPlot draws.

const INKS = ['signal', 'error', 'third', 'fourth', 'fifth', 'sixth'];
const plots = [];

const axisStyle = () => ({
  stroke: colour('muted'), grid: { stroke: colour('grid'), width: 1 }, ticks: { stroke: colour('axis'), width: 1, size: 4 },
  labelSize: 20, labelFont: '13px system-ui, sans-serif', font: '12px system-ui, sans-serif',
});

/** Moves or scales an axis about its middle, on the axis' own scale. */
function zoomAxis(plot, key, [least, most], factor, shift) {
  const scale = plot.scales[key];
  const log = scale.distr === 3;
  const to = log ? Math.log : (v) => v;
  const back = log ? Math.exp : (v) => v;
  const [low, high] = [to(scale.min), to(scale.max)];
  const half = ((high - low) / 2) * factor;
  const centre = (low + high) / 2 + (high - low) * shift;
  plot.setScale(key, { min: Math.max(back(centre - half), least), max: Math.min(back(centre + half), most) });
}

/** Scales all axes that have limits. */
const zoomBy = (plot, limits, factor) => Object.entries(limits).forEach(([key, ends]) => zoomAxis(plot, key, ends, factor, 0));

/** Two fingers on a plot zoom it; each axis by what they move along it. */
function pinch(plot, limits) {
  let apart = null;
  const distances = ([a, b]) => ({ x: Math.max(20, Math.abs(a.clientX - b.clientX)), y: Math.max(20, Math.abs(a.clientY - b.clientY)) });
  plot.over.addEventListener('touchmove', (event) => {
    if (event.touches.length !== 2) return;
    event.preventDefault();
    const now = distances(event.touches);
    for (const [key, ends] of Object.entries(limits)) if (apart) zoomAxis(plot, key, ends, apart[key] / now[key], 0);
    apart = now;
  }, { passive: false });
  plot.over.addEventListener('touchend', () => { apart = null; });
}

/** What the keys of a plot do; a plot with two axes that zoom has more of them. */
function keyActions(plot, limits, all) {
  const along = (key, factor, shift) => () => zoomAxis(plot, key, limits[key], factor, shift);
  const usual = {
    '+': () => zoomBy(plot, limits, 0.5), '-': () => zoomBy(plot, limits, 2), 0: all,
    ArrowLeft: along('x', 1, -0.2), ArrowRight: along('x', 1, 0.2),
  };
  if (!limits.y) return usual;
  return {
    ...usual, ArrowUp: along('y', 1, 0.2), ArrowDown: along('y', 1, -0.2),
    t: along('x', 0.5, 0), T: along('x', 2, 0), f: along('y', 0.5, 0), F: along('y', 2, 0),
  };
}

/** Buttons and keys of a plot. */
function controls(host, plot, limits) {
  const all = () => Object.entries(limits).forEach(([key, [min, max]]) => plot.setScale(key, { min, max }));
  const actions = keyActions(plot, limits, all);
  const frame = host.querySelector('.u-wrap');
  const both = limits.y ? '; t and f zoom time and frequency alone, with shift out again' : '';
  frame.tabIndex = 0;
  frame.setAttribute('role', 'application');
  frame.setAttribute('aria-label', `${host.dataset.label}: arrows move, plus and minus zoom, 0 shows all${both}`);
  frame.addEventListener('keydown', (event) => {
    const action = actions[event.key];
    if (action && !event.ctrlKey && !event.metaKey) { action(); event.preventDefault(); event.stopPropagation(); }
  });
  plot.over.addEventListener('dblclick', all);
  const button = (label, name, action) => element('button', { type: 'button', 'aria-label': `${host.dataset.label}: ${name}`, onclick: action }, label);
  const single = limits.y ? [
    button('Time +', 'zoom in on time', actions.t), button('Time \u2212', 'zoom out of time', actions.T),
    button('Frequency +', 'zoom in on frequency', actions.f), button('Frequency \u2212', 'zoom out of frequency', actions.F),
  ] : [];
  host.append(element('div', { class: 'row' },
    button('+', 'zoom in', actions['+']), button('\u2212', 'zoom out', actions['-']), ...single, button('All', 'show all', all)));
}

/**
 * Makes a plot in `host`; it follows the page's width and theme. `values` gives the numbers of the moment, `limits` the ends of
 * each axis that zooms, `below` what stands under the frame.
 */
function makePlot(host, options, values, limits, below = () => []) {
  const build = () => {
    host.replaceChildren();
    const size = { width: Math.max(280, host.clientWidth), height: Math.max(240, Math.min(420, host.clientWidth * 0.5)) };
    // A drag that is nearly level or upright zooms one axis, any other both.
    const drag = limits.y ? { x: true, y: true, uni: 20 } : { x: true, y: false };
    const plot = new uPlot({ ...options(), ...size, cursor: { drag } }, values(), host);
    host.append(...below());
    controls(host, plot, limits);
    pinch(plot, limits);
    entry.plot = plot;
  };
  const entry = { host, build, limits, plot: null };
  plots.push(entry);
  build();
  return entry;
}

/** Draws a plot anew and keeps what it shows. */
function rebuild(entry) {
  const kept = Object.keys(entry.limits).map((key) => {
    const { min, max } = entry.plot.scales[key];
    return [key, { min, max }];
  });
  entry.build();
  for (const [key, ends] of kept) entry.plot.setScale(key, ends);
}

const LOG_TICKS = [10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5];

function frequencyAxis(label) {
  const splits = (plot) => {
    const { min, max } = plot.scales.x;
    const usual = LOG_TICKS.filter((f) => f >= min && f <= max);
    if (usual.length > 2) return plot.width < 600 ? usual.filter((f) => /^1/.test(f)) : usual;
    const step = 10 ** Math.floor(Math.log10((max - min) / 3));
    const all = [];
    for (let f = Math.ceil(min / step) * step; f <= max; f += step) all.push(f);
    return all.length > 10 ? all.filter((_, i) => i % Math.ceil(all.length / 8) === 0) : all;
  };
  return { ...axisStyle(), label, size: 32, splits, filter: (_, s) => s, values: (_, s) => s.map(hertz) };
}

/** The spectra of all versions, and of their errors where there is a reference. */
function spectrumPlot(host, kind) {
  const source = data.spectra;
  const curves = kind === 'error' ? source.errors : source.signals;
  const x = Float64Array.from({ length: source.count }, (_, i) => (i + 1) * source.spacing_hz);
  const limits = [Math.max(20, source.spacing_hz), x[x.length - 1]];
  const shown = curves.map((_, i) => i).filter((i) => curves[i]);
  const label = (i) => (kind === 'error' ? `Error of ${data.versions[i].name}` : data.versions[i].name);
  const series = () => shown.map((i) => ({
    label: label(i), stroke: colour(INKS[i % INKS.length]), width: 1.25,
    dash: i >= INKS.length ? [6, 4] : undefined, points: { show: false },
    value: (_, v) => (v == null ? '–' : `${decimal(v, 1)} dBFS/Hz`),
  }));
  makePlot(host, () => ({
    scales: { x: { time: false, distr: 3, min: limits[0], max: limits[1], range: (_, low, high) => [low, high] }, y: { range: (_, low, high) => [Math.max(low - 5, high - 180), high + 5] } },
    series: [{ label: 'Frequency', value: (_, v) => (v == null ? '–' : `${hertz(v)} Hz`) }, ...series()],
    axes: [frequencyAxis('Frequency (Hz)'), { ...axisStyle(), label: 'Power density (dBFS/Hz)', size: 60, values: (_, s) => s.map((v) => decimal(v, 0)) }],
  }), () => [x, ...shown.map((i) => curves[i])], { x: limits });
}

window.addEventListener('resize', () => {
  for (const { plot, host } of plots) plot.setSize({ width: Math.max(280, host.clientWidth), height: plot.height });
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => plots.forEach(rebuild));
