// One device: asks its worker each second, and for the parameters when told.
"use strict";

const SERIAL = $("serial").textContent;
const PATH = "/devices/one";

function list(title, texts) {
  if (!texts.length) return [];
  return [el("p", { class: "quiet", style: "margin: 8px 0 2px" }, title), el("ul", {}, ...texts.map((text) => el("li", {}, text)))];
}

function pending(device) {
  const events = device.pending.map(([code, key]) => (key ? `${code} (${key})` : code));
  const jobs = device.jobs.map(([kind, key, due]) => `${kind}${key ? ` ${key}` : ""}: ${inSeconds(due)}`);
  const due = device.state === "in_session" ? "It is in a session." : `Next due: ${inSeconds(device.due_in)}.`;
  put($("pending"), el("p", { style: "margin: 0" }, due),
    ...(device.failures ? [el("p", { class: "bad" }, `${device.failures} sessions failed in a row.`)] : []),
    ...list("Events", events), ...list("Requests to the ACS", device.requests), ...list("Transfers", device.transfers), ...list("Jobs", jobs));
}

function exchanges(device) {
  table($("exchanges"), [["At"], ["CPE"], ["ACS", ""], ["Status", "number"], ["Took", "number"]],
    device.exchanges.slice().reverse().map((one) => ({
      look: one.first ? "begins" : null,
      cells: [new Date(one.at * 1000).toLocaleTimeString("en-GB"), one.sent, one.got ?? "...", one.status ?? "", one.ms === undefined ? "" : ms(one.ms)],
    })), "None since this page was opened.");
}

async function look() {
  try {
    const device = await ask(PATH, { serial: SERIAL });
    put($("state"), chip(device.state));
    put($("about"), ...Object.entries(device.about).flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
    pending(device);
    exchanges(device);
    $("ask").disabled = false;
    alerts("device", []);
  } catch (error) {
    $("ask").disabled = true;
    alerts("device", [error.message], "failed");
  }
  facts(await ask("/standing", { first: 1e9 }).catch(() => null) ?? { host: "", state: "", fleet: { cpes: 0 }, workers: [], seconds: 0 });
}

let asked = 0;
async function read() {
  const mine = ++asked;
  try {
    const { parameters, found } = await ask(PATH, { serial: SERIAL, parameters: 1, find: $("find").value });
    if (mine !== asked) return;
    table($("parameters"), [["Path", "break"], ["Value", "break"], ["Writable"]],
      parameters.map(([path, value, writable]) => ({ cells: [path, value, writable ? "yes" : ""] })), "No such parameter.");
    put($("found"), found > parameters.length ? `the first ${parameters.length} of ${count(found)}` : `${count(found)}`);
  } catch (error) {
    put($("found"), error.message);
  }
}

$("search").addEventListener("submit", (event) => { event.preventDefault(); read(); });
$("find").addEventListener("input", read);
$("ask").addEventListener("click", async () => {
  try {
    const { message } = await act("connection_request", { serial: SERIAL });
    put($("done"), `Done: ${message}`);
  } catch (error) {
    put($("done"), el("span", { class: "bad" }, error.message));
  }
});
every(1, look);
read();
