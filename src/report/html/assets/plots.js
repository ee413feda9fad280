// Zoomable plots: drag or pinch to zoom, double click or 0 to see all, arrows and + - from the keyboard. uPlot draws.

const INKS = ['signal', 'error', 'third', 'fourth', 'fifth', 'sixth'];
const plots = [];

const axisStyle = () => ({
  stroke: colour('muted'), grid: { stroke: colour('grid'), width: 1 }, ticks: { stroke: colour('axis'), width: 1, size: 4 },
  labelSize: 20, labelFont: '13px system-ui, sans-serif', font: '12px system-ui, sans-serif',
});

/** Moves or scales the horizontal axis about its middle, on the axis' own scale. */
function zoomBy(plot, limits, factor, shift) {
  const log = plot.scales.x.distr === 3;
  const to = log ? Math.log : (v) => v;
  const back = log ? Math.exp : (v) => v;
  const [low, high] = [to(plot.scales.x.min), to(plot.scales.x.max)];
  const half = ((high - low) / 2) * factor;
  const centre = (low + high) / 2 + (high - low) * shift;
  plot.setScale('x', {
    min: Math.max(back(centre - half), limits[0]), max: Math.min(back(centre + half), limits[1]),
  });
}

/** Two fingers on a plot zoom it. */
function pinch(plot, limits) {
  let apart = null;
  const distance = (touches) => Math.max(20, Math.abs(touches[0].clientX - touches[1].clientX));
  plot.over.addEventListener('touchmove', (event) => {
    if (event.touches.length !== 2) return;
    event.preventDefault();
    const now = distance(event.touches);
    if (apart != null) zoomBy(plot, limits, apart / now, 0);
    apart = now;
  }, { passive: false });
  plot.over.addEventListener('touchend', () => { apart = null; });
}

/** Buttons and keys of a plot. */
function controls(host, plot, limits) {
  const all = () => plot.setScale('x', { min: limits[0], max: limits[1] });
  const actions = {
    '+': () => zoomBy(plot, limits, 0.5, 0), '-': () => zoomBy(plot, limits, 2, 0), 0: all,
    ArrowLeft: () => zoomBy(plot, limits, 1, -0.2), ArrowRight: () => zoomBy(plot, limits, 1, 0.2),
  };
  const frame = host.querySelector('.u-wrap');
  frame.tabIndex = 0;
  frame.setAttribute('role', 'application');
  frame.setAttribute('aria-label', `${host.dataset.label}: arrows move, plus and minus zoom, 0 shows all`);
  frame.addEventListener('keydown', (event) => {
    const action = actions[event.key];
    if (action && !event.ctrlKey && !event.metaKey) { action(); event.preventDefault(); event.stopPropagation(); }
  });
  plot.over.addEventListener('dblclick', all);
  const button = (label, name, action) => element('button', { type: 'button', 'aria-label': name, onclick: action }, label);
  host.append(element('div', { class: 'row' },
    button('+', `${host.dataset.label}: zoom in`, actions['+']),
    button('\u2212', `${host.dataset.label}: zoom out`, actions['-']),
    button('All', `${host.dataset.label}: show all`, all)));
}

/** Makes a plot in `host`; it follows the page's width and theme. `values` gives the numbers of the moment. */
function makePlot(host, options, values, limits) {
  const build = () => {
    host.replaceChildren();
    const size = { width: Math.max(280, host.clientWidth), height: Math.max(240, Math.min(420, host.clientWidth * 0.5)) };
    const plot = new uPlot({ ...options(), ...size, cursor: { drag: { x: true, y: false } } }, values(), host);
    controls(host, plot, limits);
    pinch(plot, limits);
    entry.plot = plot;
  };
  const entry = { host, build, plot: null };
  plots.push(entry);
  build();
  return entry;
}

/** Draws a plot anew and keeps what it shows. */
function rebuild(entry) {
  const { min, max } = entry.plot.scales.x;
  entry.build();
  entry.plot.setScale('x', { min, max });
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
  }), () => [x, ...shown.map((i) => curves[i])], limits);
}

window.addEventListener('resize', () => {
  for (const { plot, host } of plots) plot.setSize({ width: Math.max(280, host.clientWidth), height: plot.height });
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => plots.forEach(rebuild));
