// Frames the mail: measures it, tells the author's page, and shows the next version without a flash.
// This page is ours. The mail is in a frame of its own inside, where no script runs.

const { page, sandbox, live } = document.documentElement.dataset;
const main = document.querySelector("main");
const say = (what) => { if (page) parent.postMessage(what, page); };
let shown = null;
let coming = null;
let told = {};

function measure(frame) {
  const inside = frame.contentDocument;
  if (!inside || !inside.documentElement) return 0;
  const before = frame.style.height;
  frame.style.height = "1px"; // or a page that fills its window would measure the window
  const height = Math.max(inside.documentElement.scrollHeight, inside.body ? inside.body.scrollHeight : 0);
  frame.style.height = before;
  return Math.ceil(height);
}

function fit() {
  if (!shown) return;
  const height = measure(shown);
  if (!height) return;
  shown.style.height = `${height}px`;
  const mark = shown.contentDocument.getElementById("newsletter-mark");
  const box = mark && mark.getBoundingClientRect();
  say({ height, mark: box ? box.top + Math.min(box.height, 300) / 2 : null, ...told });
}

function show(address, dark, version) {
  if (coming) coming.remove();
  const next = document.createElement("iframe");
  next.title = "The mail";
  next.setAttribute("sandbox", sandbox);
  next.referrerPolicy = "no-referrer";
  next.className = dark ? "coming dark" : "coming";
  next.addEventListener("load", () => {
    if (coming !== next) return; // a newer one is on its way
    next.classList.remove("coming");
    if (shown) shown.remove();
    [shown, coming, told] = [next, null, { address, version }];
    fit();
  });
  coming = next;
  next.src = address; // before it is put in, or an empty page is loaded first
  main.append(next);
}

if (page) {
  addEventListener("message", (event) => {
    if (event.origin !== page || event.source !== parent) return;
    show(event.data.address, event.data.dark, event.data.version);
  });
  say({ ready: true });
}
if (live) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const again = (version) => show(`mail?width=desktop&colours=${dark.matches ? "dark" : "light"}`, dark.matches, version);
  new EventSource("events").addEventListener("message", (event) => again(event.data.split(" ")[0]));
  dark.addEventListener("change", () => again("0"));
}
let width = 0;
new ResizeObserver(() => {
  if (width !== document.documentElement.clientWidth) fit();
  width = document.documentElement.clientWidth;
}).observe(document.documentElement);
