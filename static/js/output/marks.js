// Marks what was searched for, without adding a single node.

function rangesIn(text, found) {
  const ranges = [];
  const low = text.data.toLowerCase();
  for (let from = low.indexOf(found); from >= 0; from = low.indexOf(found, from + found.length)) {
    const range = new Range();
    range.setStart(text, from);
    range.setEnd(text, from + found.length);
    ranges.push(range);
  }
  return ranges;
}

export function mark(container, found) {
  if (!globalThis.CSS?.highlights) return;
  CSS.highlights.delete("found");
  if (!found) return;
  const texts = [...container.querySelectorAll("[data-n]")].map((row) => row.lastChild);
  const ranges = texts.filter((text) => text.nodeType === Node.TEXT_NODE).flatMap((text) => rangesIn(text, found));
  CSS.highlights.set("found", new Highlight(...ranges));
}
