// The author's page: its state is its address, and each save brings a new state from the server.

import { SHEETS, findings, links, make, problem, weights } from "./margin.js";

const root = document.documentElement;
const { mail, origin, limit } = root.dataset;
const by = (id) => document.getElementById(id);
const [desk, paper, frame, sheet] = ["desk", "paper", "frame", "sheet"].map(by);
const groups = [...document.querySelectorAll(".group")];
const choice = {};
let state = null;
let source = "";
let framed = ""; // the address that the frame shows or is about to
let good = 0; // the newest version that could be read
let ready = false;
let saved = 0; // when we heard of the last save
let scroll_to_mark = false;

// ── The address

function read() {
  const said = new URLSearchParams(location.search);
  for (const group of groups) {
    const values = [...group.children].map((button) => button.dataset.value);
    const asked = said.get(group.dataset.name);
    choice[group.dataset.name] = values.includes(asked) ? asked : values[0];
  }
  choice.as = said.get("as") || "";
  choice.mark = /^[0-9]{1,6}(:[0-9]{1,6})?$/.test(said.get("mark") || "") ? said.get("mark") : "";
  choice.remote = said.get("remote") === "on" ? "on" : "";
}

function address(name) {
  const said = new URLSearchParams();
  for (const [key, value] of Object.entries(choice)) {
    const group = groups.find((each) => each.dataset.name === key);
    const usual = group ? group.children[0].dataset.value : "";
    if (value !== usual && !(name && key === "view")) said.set(key, value);
  }
  return said.size ? `${name || ""}?${said}` : name || "./";
}

function choose(changes) {
  Object.assign(choice, changes);
  history.replaceState(null, "", address(""));
  if ("as" in changes) fetch_state();
  else show();
}

// ── What comes from the server

async function fetch_state() {
  const as = new URLSearchParams({ as: choice.as });
  try {
    const answer = await fetch(`state?${as}`);
    const found = await answer.json();
    if (state && found.version < state.version) return;
    state = "findings" in found || !state ? found : { ...state, ...found };
    source = choice.view === "source" ? await (await fetch(`source?${as}`)).text() : "";
    show();
  } catch {
    by("status").textContent = "The preview has ended. Start it again in the terminal.";
  }
}

function hear() {
  const events = new EventSource("events");
  events.addEventListener("message", (event) => {
    saved = performance.now();
    const [version, stale] = event.data.split(" ");
    if (!stale) good = Number(version);
    if (!stale && state?.findings) show_frame(Number(version)); // what is to be said of it may come a moment later
    fetch_state();
  });
  events.addEventListener("error", () => { by("status").textContent = "Waiting for the preview …"; });
}

// ── The frame

function show_frame(version) {
  if (choice.view !== "mail" && choice.view !== "web") return;
  const wanted = `${mail}/${choice.view === "web" ? "web" : address("mail")}`;
  const key = `${version} ${wanted}`;
  if (!ready || key === framed) return;
  framed = key;
  frame.contentWindow.postMessage({ address: wanted, dark: choice.colours === "dark" && choice.view === "mail", version }, origin);
}

addEventListener("message", (event) => {
  if (event.source !== frame.contentWindow || event.origin !== origin) return;
  const { ready: is_ready, height, mark, version } = event.data;
  if (is_ready) {
    ready = true;
    if (state) show();
    return;
  }
  const before = desk.scrollTop;
  frame.style.height = `${height}px`;
  desk.scrollTop = before;
  if (scroll_to_mark && mark !== null) {
    const top = paper.offsetTop + mark - desk.clientHeight / 2;
    desk.scrollTo({ top, behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    scroll_to_mark = false;
  }
  root.dataset.shown = version;
  if (saved) tell(Math.round(performance.now() - saved));
  saved = 0;
});

function tell(milliseconds) {
  const time = new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  by("status").textContent = `Shown at ${time}: read and checked in ${state.milliseconds} ms, on screen ${milliseconds} ms later`;
}

// ── The page

function show() {
  for (const group of groups) {
    for (const button of group.children) {
      button.setAttribute("aria-pressed", String(button.dataset.value === choice[group.dataset.name]));
    }
  }
  const is_framed = choice.view === "mail" || choice.view === "web";
  document.body.classList.toggle("not-mail", choice.view !== "mail");
  document.body.classList.toggle("stale", Boolean(state.stale));
  root.dataset.version = state.version;
  paper.hidden = !is_framed;
  sheet.hidden = is_framed;
  paper.className = `paper w${choice.view === "web" ? "desktop" : choice.width}`;
  for (const said of document.querySelectorAll("[data-program]")) {
    said.hidden = choice.view !== "mail" || said.dataset.program !== choice.program;
  }
  by("problems").replaceChildren(...(state.problems || []).map(problem));
  by("problems").hidden = !(state.problems || []).length;
  if (!state.findings) return;
  document.title = `${state.subject || state.title} · Preview`;
  by("title").textContent = state.subject || state.title;
  by("path").textContent = state.issue;
  show_people();
  show_remote();
  const mark = (place) => { scroll_to_mark = Boolean(place); choose({ mark: place, view: "mail" }); };
  by("findings").replaceChildren(...findings(state, choice.mark, mark));
  by("findings-title").textContent = state.findings.length ? `Findings (${state.findings.length})` : "Findings";
  const opened = by("weights").querySelector("details")?.open;
  by("weights").replaceChildren(...weights(state, Number(limit), mark));
  if (opened) by("weights").querySelector("details").open = true;
  by("links").replaceChildren(...links(state, mark));
  if (!state.stale) good = Math.max(good, state.version);
  if (is_framed) show_frame(good);
  else show_sheet();
}

async function show_sheet() {
  framed = "";
  if (choice.view === "source" && !source) {
    source = await (await fetch(`source?${new URLSearchParams({ as: choice.as })}`)).text();
  }
  if (!(choice.view in SHEETS)) return;
  sheet.replaceChildren(...SHEETS[choice.view](state, source));
  root.dataset.shown = state.version;
  if (saved) tell(Math.round(performance.now() - saved));
  saved = 0;
}

function show_people() {
  const offered = state.offered.map(([value, words]) => make("option", { value }, words));
  if (!state.offered.some(([value]) => value === choice.as)) {
    offered.push(make("option", { value: choice.as }, choice.as));
  }
  by("as").replaceChildren(...offered);
  by("as").value = choice.as;
}

function show_remote() {
  const box = by("remote");
  box.hidden = !state.remote || choice.remote === "on" || choice.view !== "mail" || choice.images === "off";
  const words = state.remote === 1 ? "One image lies on the web." : `${state.remote} images lie on the web.`;
  box.querySelector("span").textContent = `${words} What is not in the message is not loaded.`;
  box.querySelector("button").onclick = () => choose({ remote: "on" });
}

// ── Dialogs

function open_dialog(id) {
  const dialog = by(id);
  if (dialog && !dialog.open) dialog.showModal();
}
for (const id of ["find", "send", "phone", "help"]) {
  by(`${id}-open`)?.addEventListener("click", () => open_dialog(id));
}
for (const button of document.querySelectorAll("[data-close]")) {
  button.addEventListener("click", () => button.closest("dialog").close());
}
let asked = 0;
by("find-words").addEventListener("input", async (event) => {
  const mine = ++asked;
  const answer = await (await fetch(`people?${new URLSearchParams({ q: event.target.value })}`)).json();
  if (mine !== asked) return;
  const chosen = (email) => () => { by("find").close(); choose({ as: email }); };
  by("found").replaceChildren(...answer.people.map((each) => make("li", {},
    make("button", { type: "button", className: "plain", onclick: chosen(each.email) },
      each.name ? `${each.name} · ${each.email}` : each.email))));
  if (!answer.people.length && event.target.value.trim()) {
    by("found").replaceChildren(make("li", { className: "nothing" }, answer.problem || "Nobody on the list."));
  }
});
by("find-words").addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  by("found").querySelector("button")?.click();
});
by("send-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  by("send-told").textContent = "Sending …";
  const body = JSON.stringify({ to: by("send-to").value, as: choice.as });
  try {
    const answer = await (await fetch("test", { method: "POST", body })).json();
    by("send-told").textContent = answer.told || answer.problem;
  } catch {
    by("send-told").textContent = "The preview does not answer.";
  }
});

// ── Keys

const toggled = (name, one, other) => () => choose({ [name]: choice[name] === one ? other : one, view: "mail" });
function next(step) {
  const shown = state.findings.filter((each) => each.shown && each.line);
  if (!shown.length) return;
  const places = [...new Set(shown.map((each) => (each.column ? `${each.line}:${each.column}` : `${each.line}`)))];
  const now = places.indexOf(choice.mark);
  scroll_to_mark = true;
  choose({ mark: places[(now < 0 && step < 0 ? 0 : now + step + places.length) % places.length], view: "mail" });
  document.querySelector(".chosen")?.scrollIntoView({ block: "nearest" });
}
const KEYS = {
  1: ["Telephone, 320 pixels", () => choose({ width: "320", view: "mail" })],
  2: ["Telephone, 390 pixels", () => choose({ width: "390", view: "mail" })],
  3: ["Desktop", () => choose({ width: "desktop", view: "mail" })],
  d: ["Dark, light", toggled("colours", "dark", "light")],
  i: ["Without images, with them", toggled("images", "off", "on")],
  g: ["Gmail’s inversion (a simulation)", toggled("program", "gmail", "plain")],
  o: ["Outlook’s Word (a simulation)", toggled("program", "outlook", "plain")],
  m: ["The mail", () => choose({ view: "mail" })],
  t: ["Plain text", () => choose({ view: "text" })],
  l: ["Inbox line", () => choose({ view: "inbox" })],
  s: ["Source, with sizes", () => choose({ view: "source" })],
  h: ["Headers", () => choose({ view: "headers" })],
  w: ["Web page", () => choose({ view: "web" })],
  j: ["Next finding", () => next(1)],
  k: ["Finding before", () => next(-1)],
  x: ["Mark nothing", () => choose({ mark: "" })],
  a: ["As whom", () => by("as").focus()],
  "/": ["Search the list", () => open_dialog("find")],
  e: ["Send a test", () => open_dialog("send")],
  ...(by("phone") ? { q: ["Open on a telephone", () => open_dialog("phone")] } : {}),
  "?": ["These keys", () => open_dialog("help")],
};
by("keys").replaceChildren(...Object.entries(KEYS).flatMap(([key, [words]]) => [
  make("dt", {}, make("kbd", {}, key)), make("dd", {}, words)]));
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) || !(event.key in KEYS) || !state) return;
  event.preventDefault();
  KEYS[event.key][1]();
});

// ── Begin

for (const group of groups) {
  group.addEventListener("click", (event) => {
    const value = event.target.dataset.value;
    if (value) choose({ [group.dataset.name]: value });
  });
}
by("as").addEventListener("change", (event) => choose({ as: event.target.value }));
addEventListener("popstate", () => { read(); fetch_state(); });
read();
scroll_to_mark = Boolean(choice.mark);
frame.src = `${mail}/frame`; // now that somebody hears it say that it is ready
hear();
