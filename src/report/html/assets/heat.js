// Heat maps, such as spectrograms: a grid of bytes drawn in a plot's frame; zoomed in both directions, all of a chart together.

/** The grid as a picture, one pixel a cell, and its bytes. */
function heatPicture(panel, id) {
  const raw = atob(byId(id).textContent);
  const bytes = Uint8Array.from(raw, (c) => c.charCodeAt(0));
  const hex = (i) => parseInt(data.heat.colours.slice(6 * i, 6 * i + 6), 16);
  const canvas = element('canvas', { width: panel.columns, height: panel.rows });
  const context = canvas.getContext('2d');
  const image = context.createImageData(panel.columns, panel.rows);
  bytes.forEach((byte, i) => {
    const colour = hex(byte);
    image.data.set([colour >> 16, (colour >> 8) & 255, colour & 255, byte ? 255 : 0], 4 * i);
  });
  context.putImageData(image, 0, 0);
  return { canvas, bytes };
}

/** The value of the cell at a time and a frequency; null outside. */
function heatValue(panel, bytes, x, y) {
  const share = (v, [low, high]) => (v - low) / (high - low);
  const column = Math.floor(share(x, panel.x) * panel.columns);
  const row = panel.rows - 1 - Math.floor(share(y, panel.y) * panel.rows);
  const byte = column >= 0 && column < panel.columns && row >= 0 && row < panel.rows ? bytes[row * panel.columns + column] : 0;
  return byte ? panel.range[0] + ((byte - 1) / 254) * (panel.range[1] - panel.range[0]) : null;
}

/** Draws the picture behind the axes, the part that is shown. */
function drawHeat(plot, panel, canvas) {
  const { ctx, bbox } = plot;
  const [left, right] = panel.x.map((v) => plot.valToPos(v, 'x', true));
  const [bottom, top] = panel.y.map((v) => plot.valToPos(v, 'y', true));
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  // Cells stay sharp when they are larger than pixels.
  ctx.imageSmoothingEnabled = right - left < panel.columns || bottom - top < panel.rows;
  ctx.drawImage(canvas, left, top, right - left, bottom - top);
  ctx.restore();
}

/** The colours and what their ends mean. */
function heatBar({ range, unit }) {
  const n = data.heat.colours.length / 6;
  const bar = element('canvas', { width: n, height: 1, 'aria-hidden': 'true' });
  const context = bar.getContext('2d');
  for (let i = 0; i < n; i += 1) {
    context.fillStyle = `#${data.heat.colours.slice(6 * i, 6 * i + 6)}`;
    context.fillRect(i, 0, 1, 1);
  }
  return element('div', { class: 'heat-bar' }, `${decimal(range[0], 0)}\u00a0${unit}`, bar, `${decimal(range[1], 0)}\u00a0${unit}`);
}

function heatPlot(host, panel, id, group) {
  const { canvas, bytes } = heatPicture(panel, id);
  const told = element('p', { class: 'muted told' }, '\u00a0');
  const limits = { x: panel.x, y: panel.shown };
  const tell = (plot) => {
    const { left, top } = plot.cursor;
    if (left == null || left < 0) { told.textContent = '\u00a0'; return; }
    const [x, y] = [plot.posToVal(left, 'x'), plot.posToVal(top, 'y')];
    const value = heatValue(panel, bytes, x, y);
    told.textContent = `${decimal(x, 3)} s, ${hertz(y)} Hz: ${value == null ? '–' : `${decimal(value, 1)} ${panel.unit}`}`;
  };
  const follow = (plot, key) => {
    const { min, max } = plot.scales[key];
    for (const other of group) {
      const scale = other.plot?.scales[key];
      if (scale && other.plot !== plot && (scale.min !== min || scale.max !== max)) other.plot.setScale(key, { min, max });
    }
  };
  const fixed = (key) => ({ time: false, auto: false, range: (_, low, high) => (low == null ? limits[key] : [Math.max(low, limits[key][0]), Math.min(high, limits[key][1])]) });
  const entry = makePlot(host, () => ({
    scales: { x: { ...fixed('x'), min: limits.x[0], max: limits.x[1] }, y: { ...fixed('y'), min: limits.y[0], max: limits.y[1] } },
    legend: { show: false },
    series: [{}, { label: 'Level', points: { show: false } }],
    axes: [
      { ...axisStyle(), grid: { show: false }, label: 'Time (s)', size: 32, values: (_, s) => s.map((v) => String(+v.toPrecision(6))) },
      { ...axisStyle(), grid: { show: false }, label: 'Frequency (Hz)', size: 60, values: (_, s) => s.map(hertz) },
    ],
    hooks: { drawClear: [(plot) => drawHeat(plot, panel, canvas)], setCursor: [tell], setScale: [follow] },
  }), () => [panel.x, [null, null]], limits, () => [told, heatBar(panel)]);
  group.push(entry);
}

function setUpHeat() {
  data.heat.charts.forEach((panels, chart) => {
    const group = [];
    panels.forEach((panel, p) => heatPlot(byId(`heat-${chart}-${p}`), panel, `cells-${chart}-${p}`, group));
  });
}
