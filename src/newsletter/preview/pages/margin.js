// What stands beside the mail, and the views that are texts: made of elements, never of markup.

export function make(name, properties = {}, ...children) {
  const { className, ...rest } = properties;
  const made = document.createElement(name);
  if (className) made.className = className;
  for (const [key, value] of Object.entries(rest)) {
    if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

const kilobytes = (octets) => (octets < 1024 ? `${octets} B` : `${(octets / 1024).toFixed(octets < 10240 ? 1 : 0)} KB`);
const at = (line, column) => (column ? `${line}:${column}` : `${line}`);

function where(what) {
  const place = [what.path, what.line, what.column].filter(Boolean).join(":");
  if (!place) return null;
  const words = what.editor ? make("a", { href: what.editor }, place) : place;
  return make("p", { className: "where" }, words);
}

export function problem(what) {
  return make("div", { className: "problem" },
    make("strong", {}, what.message),
    where(what),
    what.source ? make("code", { className: "written" }, what.source) : null,
    what.fix ? make("p", { className: "fix" }, `→ ${what.fix}`) : null);
}

export function findings(state, mark, choose) {
  if (!state.findings.length) {
    const waived = state.waived ? ` ${state.waived} waived.` : "";
    return [make("li", { className: "nothing" }, `Nothing to say.${waived}`)];
  }
  return state.findings.map((each) => {
    const place = at(each.line, each.column);
    const chosen = each.shown && each.line && mark === place;
    return make("li", { className: `${each.severity}${chosen ? " chosen" : ""}` },
      make("button", {
        type: "button", className: "plain", disabled: !each.shown,
        title: each.shown ? "Show it in the mail" : "", onclick: () => choose(chosen ? "" : place),
      }, make("span", { className: "severity" }, each.severity), ` ${each.message}`),
      each.fix ? make("p", { className: "fix" }, `→ ${each.fix}`) : null,
      make("div", {}, where(each), make("p", { className: "where" }, each.rule)),
      each.source ? make("code", { className: "written" }, each.source) : null);
  });
}

export function weights(state, limit, choose) {
  const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const whole = Math.max(limit, state.html_octets);
  drawing.setAttribute("viewBox", `0 0 ${whole} 10`);
  drawing.setAttribute("preserveAspectRatio", "none");
  drawing.setAttribute("aria-hidden", "true");
  let left = 0;
  state.weights.forEach((each, number) => {
    const box = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    const values = { x: left, y: 0, width: each.octets, height: 10 };
    for (const [name, value] of Object.entries(values)) box.setAttribute(name, value);
    box.setAttribute("class", [each.is_shown ? "" : "beyond", number % 2 ? "odd" : ""].join(" "));
    drawing.append(box);
    left += each.octets;
  });
  const row = (each) => make("tr", {},
    make("td", {}, each.line
      ? make("button", { type: "button", className: "plain", onclick: () => choose(`${each.line}`) }, each.label)
      : each.label),
    make("td", { className: "number" }, kilobytes(each.octets)));
  const heaviest = [...state.weights].sort((a, b) => b.octets - a.octets);
  const share = Math.round((100 * state.html_octets) / limit);
  return [
    make("p", { className: "sum" }, `${kilobytes(state.html_octets)} of the 102 KB that Gmail shows, ${share} %`),
    make("div", { className: "budget" }, drawing),
    make("table", { className: "rows", ariaLabel: "The heaviest blocks" },
      make("tbody", {}, ...heaviest.slice(0, 6).map(row))),
    heaviest.length > 6
      ? make("details", {}, make("summary", {}, `All ${heaviest.length} blocks, in their order`),
        make("table", { className: "rows" }, make("tbody", {}, ...state.weights.map(row))))
      : "",
  ].filter(Boolean);
}

export function links(state, choose) {
  if (!state.links.length) return [make("li", { className: "nothing" }, "None.")];
  return state.links.map((each) => make("li", {},
    make("button", {
      type: "button", className: "plain", disabled: !each.shown, onclick: () => choose(at(each.line, each.column)),
    }, each.text || "(no words)"),
    make("p", { className: "where" }, each.href || "leads nowhere", each.line ? ` · line ${each.line}` : "")));
}

const table = (caption, ...rows) => make("table", {}, make("caption", {}, caption), make("tbody", {}, ...rows));
const headed = (name, value) => make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, value));

export const SHEETS = {
  text: (state) => [make("pre", { dir: "auto" }, state.text)],
  headers: (state) => [table("Headers", ...state.headers.map(([name, value]) => headed(name, value)))],
  inbox: (state) => [
    make("p", { className: "quiet" }, "How lists of messages show it, at usual widths. A simulation: screens differ."),
    ...state.inbox.flatMap((each) => [
      make("h2", {}, each.program),
      make("div", { className: "line" }, make("p", {}, make("strong", {}, each.sender)), make("p", {}, each.subject),
        make("p", { className: "preheader" }, each.preheader)),
    ]),
  ],
  source: (state, source) => [
    table(`The message has ${kilobytes(state.octets)} as it travels`, ...state.parts.map((each) => make("tr", {},
      make("th", { scope: "row" }, each.content_type, each.name ? ` ${each.name}` : ""),
      make("td", { className: "number" }, `${kilobytes(each.octets)}, encoded ${kilobytes(each.encoded)}`)))),
    make("pre", {}, source),
  ],
};
