// "j" and "k" move through the rows of a page's lists ([data-row], in the order of the page); Enter then opens the one
// that has the focus, as on every link. Never while somebody is typing.

function rows() {
  return [...document.querySelectorAll("[data-row]")].filter((each) => each.checkVisibility());
}

document.addEventListener("keydown", (event) => {
  const step = { j: 1, k: -1 }[event.key];
  if (!step || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target.isContentEditable || event.target.matches("input, textarea, select")) return;
  const all = rows();
  const at = all.findIndex((each) => each.contains(document.activeElement));
  const next = all[at < 0 ? 0 : Math.min(Math.max(at + step, 0), all.length - 1)];
  const link = next?.matches("a") ? next : next?.querySelector("a");
  if (!link) return;
  event.preventDefault();
  link.focus();
  next.scrollIntoView({ block: "nearest" });
});
