// Draws the charts of a page with uPlot: the JSON in #charts is a list of caretaker.reporting.charts.Chart.
(() => {
"use strict";
const charts = JSON.parse(document.getElementById("charts").textContent);
const root = document.documentElement;
const HEIGHT = 220, FIRST_HEIGHT = 280, PAPER_WIDTH = 660;
const FONT = "12px system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif";
const drawn = [];

// Read when drawn: the scheme may change, and paper is always light.
const color = (name, alpha = "") => getComputedStyle(root).getPropertyValue(`--${name}`).trim() + alpha;
const number = value => value.toLocaleString("en", {maximumSignificantDigits: 4});

const SHOWN = {
  "": number,
  "/s": number,
  "%": value => `${number(value)} %`,
  "ms": value => value >= 1000 ? `${number(value / 1000)} s` : `${number(value)} ms`,
  "time": seconds => {
    if (seconds < 180) return `${number(seconds)} s`;
    const whole = Math.round(seconds), two = part => String(part).padStart(2, "0");
    const minutes = Math.floor(whole / 60);
    if (minutes < 60) return `${minutes}:${two(whole % 60)}`;
    return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`;
  },
};

// A value between two without one has no line to lie on.
const isolated = (u, index) => {
  const values = u.data[index];
  const alone = values.flatMap((value, at) =>
    value != null && values[at - 1] == null && values[at + 1] == null ? [at] : []);
  return alone.length ? alone : null;
};

const series = (line, chart, first) => ({
  label: line.label,
  stroke: () => color(line.color),
  fill: first && !chart.log && !line.dashed ? () => color(line.color, "1f") : undefined,
  width: line.dashed ? 1.25 : 1.75,
  dash: line.dashed ? [5, 4] : undefined,
  points: {show: false, size: 4, filter: isolated},
  value: (u, value) => value == null ? "" : SHOWN[chart.unit](value),
});

const decades = (u, least, most) => {
  if (least == null || !(most > 0)) return [1, 10];
  const low = 10 ** Math.floor(Math.log10(Math.max(least, 1e-3)));
  const high = 10 ** Math.ceil(Math.log10(most));
  return [low, high > low ? high : low * 10];
};

const every = (u, splits) => splits;

const axis = (unit, own) => ({
  stroke: () => color("quiet"),
  font: FONT,
  grid: {stroke: () => color("line"), width: 1, filter: own.lines ?? every},
  ticks: {stroke: () => color("line"), width: 1, size: 4, filter: own.lines ?? every},
  values: (u, splits) => splits.map(split => split == null ? null : SHOWN[unit](split)),
  ...own,
});

// On a logarithmic scale only the decades have lines and labels.
const tens = (u, splits) =>
  splits.map(split => Number.isInteger(Math.round(Math.log10(split) * 1e6) / 1e6) ? split : null);
// Runs are counted: there is none between two.
const WHOLE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];
const decimal = log => log ? {filter: tens, lines: tens} : {};

// The width of an axis follows its longest label.
const room = (u, labels) =>
  Math.max(40, 14 + 7 * Math.max(0, ...(labels || []).map(label => (label || "").length)));

// What happened in the run: a line for each mark, with its number, and its text where there is room.
const markers = marks => ({hooks: {draw: u => {
  const {ctx, bbox} = u, ratio = devicePixelRatio;
  const places = marks.map(mark => Math.round(u.valToPos(mark.at, "x", true)));
  ctx.save();
  ctx.font = `${11 * ratio}px system-ui, 'DejaVu Sans', sans-serif`;
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  ctx.lineWidth = ratio;
  places.forEach((x, index) => {
    if (x < bbox.left || x > bbox.left + bbox.width) return;
    const top = bbox.top - 9 * ratio, name = String(index + 1);
    const wide = ctx.measureText(name).width + 8 * ratio;
    ctx.strokeStyle = ctx.fillStyle = color("ink");
    ctx.setLineDash([3 * ratio, 3 * ratio]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.setLineDash([]);
    ctx.beginPath();
    ctx.roundRect(x - wide / 2, top - 7 * ratio, wide, 14 * ratio, 7 * ratio);
    ctx.fill();
    ctx.fillStyle = color("card");
    ctx.fillText(name, x - wide / 2 + 4 * ratio, top);
    const end = Math.min(places[index + 1] ?? Infinity, bbox.left + bbox.width);
    const from = x + wide / 2 + 4 * ratio, whole = marks[index].text;
    const text = [whole, whole.split(":")[0]].find(each =>
      from + ctx.measureText(each).width + 10 * ratio < end);
    ctx.fillStyle = color("quiet");
    if (text) ctx.fillText(text, from, top);
  });
  ctx.restore();
}}});

const options = (chart, width, height) => ({
  width, height,
  padding: [chart.marks.length ? 22 : 8, 26, 0, 0],
  cursor: {y: false, sync: chart.x_unit === "time" ? {key: "time"} : undefined},
  scales: {
    x: {time: false, distr: chart.x_log ? 3 : 1, ...(chart.x_log ? {range: decades} : {})},
    y: chart.log
      ? {distr: 3, range: decades}
      : {range: (u, least, most) => [0, most > 0 ? most * 1.05 : 1]},
  },
  axes: [
    axis(chart.x_unit, {space: 60, size: 30, ...decimal(chart.x_log), ...(chart.x_unit ? {} : {incrs: WHOLE})}),
    axis(chart.unit, {size: room, ...decimal(chart.log)}),
  ],
  series: [
    {label: "", value: (u, x) => x == null ? "" : `at ${SHOWN[chart.x_unit](x)}`},
    ...chart.series.map((line, index) => series(line, chart, index === 0)),
  ],
  legend: {markers: {width: 0, fill: (u, index) => color(chart.series[index - 1].color)}},
  plugins: [markers(chart.marks)],
});

document.querySelectorAll(".plot").forEach(place => {
  const chart = charts[place.dataset.chart];
  const height = place.dataset.chart === "0" ? FIRST_HEIGHT : HEIGHT;
  const width = () => root.classList.contains("paper") ? PAPER_WIDTH : place.clientWidth || 300;
  const plot = new uPlot(
    options(chart, width(), height), [chart.x, ...chart.series.map(line => line.values)], place);
  const fit = () => plot.setSize({width: width(), height});
  drawn.push({plot, fit});
  new ResizeObserver(() => { if (Math.abs(width() - plot.width) > 1) fit(); }).observe(place);
});

const redraw = () => drawn.forEach(({plot, fit}) => { fit(); plot.redraw(false, true); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
addEventListener("beforeprint", () => { root.classList.add("paper"); redraw(); });
addEventListener("afterprint", () => { root.classList.remove("paper"); redraw(); });
})();
