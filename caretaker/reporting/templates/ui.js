// What the Fleet page and the pages of devices share. Texts become text nodes, never markup.
"use strict";

const ROOT = document.body.dataset.root;
const $ = (id) => document.getElementById(id);

/** An element: el("td", {class: "number"}, "5", other). */
function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (value !== null && value !== undefined) made.setAttribute(name, value);
  made.append(...children.map((child) => child ?? ""));
  return made;
}

const put = (where, ...children) => where.replaceChildren(...children);

/** A table's head and rows; cells are texts or elements, columns are [title, class]. */
function table(where, columns, rows, none = "Nothing yet.") {
  const cell = (tag, content, look) => el(tag, { class: look }, content);
  const head = el("tr", {}, ...columns.map(([title, look]) => cell("th", title, look)));
  const body = rows.map((row) =>
    el("tr", { class: row.look }, ...row.cells.map((content, n) => cell("td", content, columns[n][1]))));
  if (!rows.length) body.push(el("tr", {}, el("td", { colspan: columns.length, class: "quiet" }, none)));
  put(where, el("thead", {}, head), el("tbody", {}, ...body));
}

const NO_DATA = "-";
/** A number as text; no data where there is none. */
const shown = (number, unit) => (number === null || number === undefined ? NO_DATA : unit(number));
const count = (number) => Number(number).toLocaleString("en");
const rate = (number) => shown(number, (n) => (n >= 100 ? count(Math.round(n)) : Number(n).toFixed(1)));
const percent = (number) => shown(number, (n) => `${Math.round(n)}%`);
const ms = (number) =>
  number === null || number === undefined ? NO_DATA : number >= 1000 ? `${(number / 1000).toFixed(2)} s` : number >= 100 ? `${Math.round(number)} ms` : `${Number(number).toFixed(1)} ms`;
const clock = (seconds) => {
  const s = Math.floor(seconds), two = (n) => String(n).padStart(2, "0");
  return s >= 3600 ? `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${Math.floor(s / 60)}:${two(s % 60)}`;
};
const inSeconds = (seconds) =>
  seconds === null ? "never" : seconds <= 0 ? "now" : seconds >= 120 ? `in ${Math.round(seconds / 60)} min` : `in ${Math.round(seconds)} s`;
const words = (name) => name.replaceAll("_", " ");
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

const STATE_COLORS = { idle: "good", in_session: "blue", waiting: "warn", retrying: "bad", no_power: "grey" };
const STATE_NAMES = { idle: "idle", in_session: "in session", waiting: "waiting for a place", retrying: "retrying", no_power: "without power" };
const chip = (state) => el("span", { class: "chip", style: `color: var(--${STATE_COLORS[state]})` }, STATE_NAMES[state]);

/** The answer to a question, as JSON; throws what it complains of. */
async function ask(path, values = {}) {
  const query = new URLSearchParams(values).toString();
  return told(await fetch(`${ROOT}${path}${query ? `?${query}` : ""}`));
}

const post = async (path, action, given) =>
  told(await fetch(`${ROOT}${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ action, arguments: given }),
  }));
const act = (action, given) => post("/act", action, given);

async function told(answer) {
  if (answer.redirected) location.reload(); // the login has ended
  const found = await answer.json().catch(() => ({ message: `HTTP ${answer.status}` }));
  if (!answer.ok) throw new Error(found.message);
  return found;
}

/** Do this now and again after so many seconds, while someone can see the page. */
function every(seconds, work) {
  const again = async () => {
    if (!document.hidden) await work();
    setTimeout(again, seconds * 1000);
  };
  again();
}

const ALERTS = {};
/** Say what is wrong, or no more: a list of texts for each source. */
function alerts(source, texts, look = "") {
  ALERTS[source] = texts.map((text) => [text, look]);
  const all = Object.values(ALERTS).flat();
  if (JSON.stringify(all) === alerts.shown) return;
  alerts.shown = JSON.stringify(all);
  put($("alerts"), ...all.map(([text, kind]) => el("div", { class: kind, role: "status" }, text)));
}

/** What stands in the header. */
function facts(runState) {
  const all = [
    ["Host", runState.host], ["Status", runState.state.toUpperCase()], ["CPEs", count(runState.fleet.cpes)],
    ["Workers", runState.workers.length], ["Time", clock(runState.seconds)],
  ];
  put($("facts"), ...all.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

const onTheme = [];
$("theme").addEventListener("click", () => {
  const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = localStorage.theme = theme;
  onTheme.forEach((work) => work());
});
