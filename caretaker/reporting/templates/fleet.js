// The Fleet page: asks how the run stands each second.
"use strict";

// -- charts --------------------------------------------------------------------------------------

/** What each chart shows: title, color, and where it stands in the curves. */
const perSecond = (name) => (curves) => curves[name].map((n) => n / curves.step);
const CHARTS = {
  informs: { unit: (n) => `${rate(n)}`, lines: [
    ["planned", "grey", perSecond("informs_planned"), null, 5], ["real", "good", perSecond("informs")]] },
  sessions: { unit: (n) => `${rate(n)}`, lines: [
    ["succeeded", "good", perSecond("sessions_succeeded")], ["failed", "bad", perSecond("sessions_failed")],
    ["shed by the ACS", "warn", perSecond("sessions_shed")], ["abandoned", "grey", perSecond("sessions_abandoned")]] },
  latency: { unit: ms, lines: [
    ["plan to InformResponse p50", "blue", (c) => c.from_plan_ms.p50], ["its p99", "blue", (c) => c.from_plan_ms.p99, [6, 4]],
    ["CR to Inform p50", "violet", (c) => c.to_inform_ms.p50], ["its p99", "violet", (c) => c.to_inform_ms.p99, [6, 4]]] },
  cpes: { unit: count, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5], lines: [
    ["waiting for a retry", "bad", (c) => c.retrying], ["cut off, not back yet", "grey", (c) => c.absent]] },
};
const LATE = 4; // seconds: workers report every 3, so the newest points are not whole yet

let marks = [];
const charts = {};

function drawMarks(plot) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = color("quiet");
  ctx.setLineDash([2, 3]);
  ctx.textAlign = "left";
  ctx.font = `${11 * devicePixelRatio}px Roboto, Helvetica, Arial, sans-serif`;
  let free = -Infinity;
  for (const mark of marks) {
    const x = Math.round(plot.valToPos(mark.at, "x", true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const label = mark.text.split(":")[0], width = ctx.measureText(label).width;
    if (x <= free) continue;
    const left = Math.min(x + 4, bbox.left + bbox.width - width);
    ctx.fillText(label, left, bbox.top + 11 * devicePixelRatio);
    free = left + width + 8;
  }
  ctx.restore();
}

// A value between two without one has no line to lie on.
const isolated = (plot, series) => {
  const values = plot.data[series];
  const alone = values.flatMap((n, at) => (n != null && values[at - 1] == null && values[at + 1] == null ? [at] : []));
  return alone.length ? alone : null;
};

function chart(name) {
  const { unit, lines, incrs } = CHARTS[name], where = $(`chart-${name}`);
  const axis = { stroke: color("quiet"), grid: { stroke: color("edge"), width: 1 }, ticks: { stroke: color("edge"), width: 1 }, font: "12px Roboto, Helvetica, Arial, sans-serif" };
  const options = {
    width: where.clientWidth, height: 200,
    cursor: { sync: { key: "fleet" }, points: { size: 6 } },
    scales: { x: { time: false }, y: { range: (_, low, high) => [0, Math.max(1, (high || 0) * 1.1)] } },
    axes: [{ ...axis, size: 30, values: (_, ticks) => ticks.map(clock) },
      { ...axis, size: 62, incrs, values: (_, ticks) => ticks.map((n) => (name === "latency" ? (n >= 1000 ? `${n / 1000} s` : `${n} ms`) : count(n))) }],
    series: [{ label: "at", value: (plot, n) => clock(n ?? plot.data[0].at(-1) ?? 0) },
      ...lines.map(([label, look, , dash, width]) => ({
        label, stroke: color(look) + (width ? "90" : ""), width: width ?? 1.75, dash, points: { show: false, size: 4, filter: isolated },
        value: (plot, n, series, at) => shown(at === null ? plot.data[series].at(-1) : n, unit), // of now, or where the cursor is
      }))],
    hooks: { draw: [drawMarks] },
  };
  put(where);
  charts[name] = new uPlot(options, [[], ...lines.map(() => [])], where);
}

function makeCharts() {
  Object.keys(CHARTS).forEach(chart);
  draw();
}

let curves = null; // all points of the run so far
let run = null;
let isRunning = false;
let reach = ""; // whom an action concerns

/** Take the points that were told, in place of those that were told before. */
function take(runState) {
  const news = runState.curves;
  if (curves === null || runState.run !== run || news.step !== curves.step || news.first > curves.at.length) {
    run = runState.run;
    curves = news.first === 0 ? news : null;
  } else curves = joined(curves, news, news.first);
}

function joined(old, news, first) {
  const made = {};
  for (const [name, value] of Object.entries(news))
    made[name] = name === "marks" || typeof value !== "object" ? value
      : Array.isArray(value) ? [...old[name].slice(0, first), ...value] : joined(old[name], value, first);
  return made;
}

function draw(runState) {
  if (!curves) return;
  if (runState) marks = runState.marks;
  const late = runState && runState.running ? runState.seconds - LATE : Infinity;
  const size = curves.at.findIndex((at) => at + curves.step > late);
  const end = size < 0 ? curves.at.length : size;
  for (const [name, { lines }] of Object.entries(CHARTS))
    charts[name].setData([curves.at.slice(0, end), ...lines.map(([, , values]) => values(curves).slice(0, end))]);
}

// -- figures -------------------------------------------------------------------------------------

const bar = (parts, total) =>
  el("div", { class: "bar" }, ...parts.map(([, number, look]) =>
    el("i", { style: `width: ${(100 * number) / Math.max(1, total)}%; background: var(--${look})` })));

const parts = (all) =>
  all.filter(([, number]) => number > 0).map(([name, number, look]) =>
    el("span", {}, el("i", { class: "dot", style: `background: var(--${look})` }), `${count(number)} ${name}`));

function tile(id, title, value, small, below, look) {
  return el("div", { class: "tile", id }, el("span", {}, title), el("b", { class: look }, value, " ", el("small", {}, small)), below);
}

/** Rates, percentiles and failures are of the last seconds; when the run is over, of all of it. */
const ofLate = ({ running, window }) => (running ? `last ${Math.round(window.seconds)} s` : "whole run");

function tiles(runState) {
  const { cpes, sessions, workers, window } = runState, { rates } = window, late = ofLate(runState);
  const total = Object.values(cpes).reduce((a, b) => a + b, 0), busy = Object.entries(cpes).filter(([state, n]) => n && state !== "idle");
  const used = workers.map((worker) => worker.cpu_now).filter((n) => n !== null), cpu = used.length ? Math.max(...used) : null, bad = window.failed + window.shed;
  const behind = runState.running && rates.informs_planned > 5 && rates.informs < 0.9 * rates.informs_planned;
  put($("tiles"),
    tile("tile-cpes", "CPEs", count(total), "", el("div", {}, bar(Object.entries(cpes).map(([s, n]) => [s, n, STATE_COLORS[s]]), total),
      el("span", {}, busy.length ? busy.map(([state, n]) => `${count(n)} ${STATE_NAMES[state]}`).join(", ") : "all idle"))),
    tile("tile-informs", "Informs per second", rate(rates.informs), "",
      el("span", { title: "From the planned time of an Inform to its InformResponse" },
        `of ${rate(rates.informs_planned)} planned; answered in ${ms(window.from_plan_ms.p99)} (p99), ${late}`), behind ? "warn" : null),
    tile("tile-sessions", "Sessions succeeded", count(sessions.succeeded), "",
      el("span", { class: bad ? "bad" : null }, runState.running ? `${count(window.failed)} failed, ${count(window.shed)} shed in the ${late}; ` : "",
        runState.running ? `${count(sessions.failed)} and ${count(sessions.shed)} in all` : `${count(sessions.failed)} failed, ${count(sessions.shed)} shed`)),
    tile("tile-loop", "CR to Inform", ms(window.to_inform_ms.p99), "p99",
      el("span", {}, `p50 ${ms(window.to_inform_ms.p50)}; ${rate(rates.connection_requests)} CR/s, ${late}`)),
    tile("tile-retries", "Retry backlog", count(cpes.retrying), "CPEs",
      el("span", {}, `${count(cpes.waiting)} wait for a place`), cpes.retrying ? "bad" : null),
    tile("tile-generator", "Generator", percent(cpu), "CPU",
      el("span", { title: "CPU of the busiest worker; how late timers fire" }, `loop lag p99 ${ms(window.loop_lag_ms.p99)}`), runState.limits.length ? "warn" : null));
}

function funnel(runState) {
  const crs = runState.connection_requests, { window } = runState, most = Math.max(1, crs.received);
  const rows = [
    ["Received", [["accepted", crs.accepted, "good"], ["asked for credentials (401)", crs.unauthorized, "grey"],
      ["of no CPE (404)", crs.not_found, "violet"], ["refused (503)", crs.refused, "bad"]]],
    ["Accepted", [["delivered", crs.delivered, "good"], ["coalesced", crs.coalesced, "blue"], ["pending", crs.pending, "warn"], ["dropped by a rule", crs.dropped, "bad"]]],
    ["Delivered", [["told in an Inform that was answered", crs.delivered, "good"]]],
  ];
  const row = ([title, all]) => [
    el("span", {}, title),
    el("div", { class: "track", id: `funnel-${title.toLowerCase()}` }, ...all.map(([, n, look]) => el("i", { style: `width: ${(100 * n) / most}%; background: var(--${look})` }))),
    el("div", { class: "parts" }, ...(all.some(([, n]) => n) ? parts(all) : ["none"])),
  ];
  put($("funnel"), el("div", { class: "funnel" }, ...rows.flatMap(row)));
  const stages = [["to Inform", window.to_inform_ms], ["to InformResponse", window.to_informresponse_ms], ["to session end", window.to_session_end_ms], ["task posted to done", window.latency_ms]];
  table($("loop"), [[`From accepted, ${ofLate(runState)}`, ""], ...["p50", "p95", "p99", "max"].map((name) => [name, "number"])],
    stages.map(([title, times]) => ({ cells: [title, ...["p50", "p95", "p99", "max"].map((name) => ms(times[name]))] })));
  put($("books"), `${count(crs.accepted)} accepted = ${count(crs.delivered)} delivered + ${count(crs.coalesced)} coalesced + ${count(crs.pending)} pending + ${count(crs.dropped)} dropped: `,
    crs.books_balance ? el("b", { class: "good" }, "balanced") : el("b", { class: "bad" }, "NOT BALANCED"));
}

function workers(runState) {
  const look = (number, limit) => el("span", { class: number > limit ? "warn" : null }, percent(number));
  table($("workers"),
    [["Worker"], ["CPEs", "number"], ["In session", "number"], ["Retrying", "number roomy"], ["CPU", "number"], ["Mean", "number roomy"], ["Memory", "number roomy"], ["Heard of"]],
    runState.workers.map((worker) => {
      const ago = runState.now - worker.heard_at;
      return { cells: [el("span", { title: worker.name }, `${worker.worker}`), count(worker.cpes), count(worker.states.in_session ?? 0), count(worker.states.retrying ?? 0),
        look(worker.cpu_now, 90), percent(worker.cpu_mean), `${Math.round(worker.rss_mb)} MB`,
        el("span", { class: runState.running && ago > 10 ? "bad" : "quiet" }, runState.running ? `${Math.max(0, ago).toFixed(0)} s ago` : "run is over")] };
    }), "No worker has reported yet.");
}

/** How CPEs are reached, where that is not by HTTP alone: tables that the server has made. */
function ways(runState) {
  put($("ways"), ...runState.reach.map(({ title, about, head, rows }) => {
    const made = el("table", {});
    table(made, head.map((name, column) => [name, column ? "number" : "break"]), rows.map(([cells]) => ({ cells })));
    return el("article", {}, el("h2", {}, title), about && el("p", { class: "quiet" }, about), made);
  }));
}

const OUTCOME_CLASSES = { held: "good", broken: "bad", failed: "bad", "not shown": "quiet" };

function verdicts(runState) {
  const levels = (runState.service_levels ?? []).map((level) => ({ cells: [
    el("b", { class: OUTCOME_CLASSES[level.outcome] }, level.outcome), level.level, level.actual === null ? "no data" : `${level.actual}`] }));
  const said = [...(runState.scenario?.findings ?? []), ...(runState.other_failures ?? [])];
  const done = runState.marks.slice(-8).map((mark) => `${clock(mark.at)} ${mark.text}`);
  const failed = (what, reasons) => Object.entries(reasons).map(([reason, n]) => `${count(n)} ${what}: ${reason}${runState.cures[reason] ? ` (${runState.cures[reason]})` : ""}`);
  const reasons = [...failed("sessions", runState.sessions.reasons), ...failed("tasks", runState.tasks.reasons)];
  const made = [];
  if (levels.length) { made.push(el("table", {})); table(made[0], [["Verdict"], ["Level"], ["So far"]], levels); }
  for (const [title, texts] of [["Found", said], ["What failed", reasons], ["What was done", done]])
    if (texts.length) made.push(el("p", { class: "quiet", style: "margin: 8px 0 2px" }, title), el("ul", {}, ...texts.map((text) => el("li", {}, text))));
  if (!made.length) made.push(el("p", { class: "quiet" }, "No service levels (--slo), no scenario, and nothing has failed."));
  put($("verdicts"), ...made);
}

function show(runState) {
  isRunning = runState.running;
  reach = `The fleet has ${count(runState.fleet.cpes)} CPEs of ${runState.host}.`;
  facts(runState);
  alerts("generator", runState.limits);
  const broken = (runState.service_levels ?? []).filter((level) => level.outcome === "broken");
  alerts("levels", broken.map((level) => `Service level broken: ${level.level} (${level.actual})`), "failed");
  tiles(runState);
  funnel(runState);
  workers(runState);
  verdicts(runState);
  ways(runState);
  document.querySelectorAll("#actions button").forEach((button) => (button.disabled = !runState.running));
}

async function look() {
  try {
    const runState = await ask("/standing", { first: curves && run !== null ? Math.max(0, curves.at.length - 45) : 0 });
    take(runState);
    if (curves === null) return look(); // another run, or a longer step: from the start
    show(runState);
    draw(runState);
    alerts("connection", []);
  } catch (error) {
    alerts("connection", [`No answer from Locust: ${error.message}`], "failed");
  }
}

// -- actions -------------------------------------------------------------------------------------

/** Ask in a dialog; true if someone says so. */
function confirmed(plan) {
  const dialog = $("confirm");
  put($("plan"), plan);
  put($("reach"), reach);
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((done) => dialog.addEventListener("close", () => done(dialog.returnValue === "do"), { once: true }));
}

for (const form of document.querySelectorAll("#actions form"))
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const given = Object.fromEntries(new FormData(form)), action = form.dataset.action;
    try {
      const { message } = await post("/plan", action, given);
      if (await confirmed(message)) put($("done"), el("span", { class: "good" }, `Done: ${(await act(action, given)).message}`));
      else put($("done"), "Nothing was done.");
    } catch (error) {
      put($("done"), el("span", { class: "bad" }, error.message));
    }
  });

// -- devices -------------------------------------------------------------------------------------

let pages = [0]; // where each page begins, up to the one that is shown
let following = null;
let asked = 0;

async function list() {
  const mine = ++asked;
  try {
    const found = await ask("/devices", { serial: $("serial").value, state: $("state").value, start: pages.at(-1) });
    if (mine !== asked) return; // another question was asked meanwhile
    following = found.next;
    table($("devices"), [["Serial number"], ["Profile", "roomy"], ["State"], ["Has to tell", "roomy"], ["Next due"]],
      found.rows.map((row) => ({ cells: [
        el("a", { href: `${ROOT}/device?serial=${encodeURIComponent(row.serial)}` }, row.serial), row.profile, chip(row.state),
        `${row.events.join(", ")}${row.failures ? ` (retry ${row.failures})` : ""}`, row.state === "in_session" ? "in session" : inSeconds(row.due_in)] })),
      !isRunning ? "No test is running." : found.next !== null ? "None among those looked at; go on with Next." : "No device.");
    put($("silent"), found.silent.length ? `${found.silent.length} workers did not answer in time` : "");
    $("previous").disabled = pages.length < 2;
    $("next").disabled = following === null;
  } catch (error) {
    put($("silent"), error.message);
  }
}

const search = () => { pages = [0]; list(); };
$("search").addEventListener("submit", (event) => { event.preventDefault(); search(); });
$("serial").addEventListener("input", search);
$("state").addEventListener("change", search);
$("next").addEventListener("click", () => { if (following !== null) { pages.push(following); list(); } });
$("previous").addEventListener("click", () => { if (pages.length > 1) { pages.pop(); list(); } });

makeCharts();
onTheme.push(makeCharts);
addEventListener("resize", () => Object.entries(charts).forEach(([name, plot]) => plot.setSize({ width: $(`chart-${name}`).clientWidth, height: 200 })));
every(1, look);
every(3, list);
