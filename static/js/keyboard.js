// "/" to search, "g h" home, "g o" operations, "g t" tickets, "?" the list. Never while somebody is typing.

const GO = { h: "/", o: "/operations/", t: "/tickets" };
const PATIENCE_MS = 1200;
let waitingSince = 0;

function isTyping(element) {
  return element.isContentEditable || element.matches("input, textarea, select");
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target)) return;
  const going = performance.now() - waitingSince < PATIENCE_MS;
  waitingSince = 0;
  if (going && event.key in GO) {
    location.assign(GO[event.key]);
  } else if (event.key === "g") {
    waitingSince = performance.now();
  } else if (event.key === "/") {
    const fields = [...document.querySelectorAll("[data-search]")];
    const field = fields.find((each) => each.closest("main")) ?? fields[0];
    if (!field) return;
    event.preventDefault();
    field.focus();
    field.select();
  } else if (event.key === "?") {
    document.getElementById("keys")?.togglePopover();
  }
});

// From a search field that names its list (data-list), Down goes into the list; Up from the first leads back.
document.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const field = document.querySelector("[data-list]");
  const list = field && document.getElementById(field.dataset.list);
  if (!step || !list || !(event.target === field || list.contains(event.target))) return;
  const all = [field, ...list.querySelectorAll("a")];
  const next = all[all.indexOf(event.target) + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
});

for (const each of document.querySelectorAll(".foot [popovertarget=keys]")) each.hidden = false;

// A form that came back with errors is read from its summary on.
document.querySelector("[data-focus]")?.focus();
