// The output of an operation, 100,000 lines and more: what stands in the page, what comes live as "portal:lines", and
// GET <url>?after=N&limit=M for the rest. output/lines.js knows the lines, output/view.js shows those in sight.

import { toggles } from "./output/bar.js";
import { CHUNK } from "./output/lines.js";
import { Search } from "./output/search.js";
import { View } from "./output/view.js";

const ANNOUNCE_EVERY_MS = 5000;

function start(root) {
  const view = new View(root);
  const count = root.querySelector("[data-output-count]");
  const log = root.querySelector("[data-output-log]");
  const form = root.querySelector("form[data-output-search]");
  const announce = () => {
    const last = view.lines.last;
    count.textContent = last ? `${last.toLocaleString()} ${last === 1 ? "line" : "lines"}` : "No line yet";
  };
  const search = new Search(view, form, count, announce);
  let spokenAt = 0;

  function arrived(lines) {
    const fresh = lines.filter(([number]) => number > view.lines.last);
    for (const line of fresh) view.lines.put(line);
    if (!fresh.length) return;
    root.dataset.last = view.lines.last;
    root.querySelector("[data-output-empty]")?.remove();
    view.view.hidden = false;
    if (!search.asked) announce();
    if (performance.now() - spokenAt > ANNOUNCE_EVERY_MS) {
      spokenAt = performance.now();
      log.textContent = fresh.at(-1)[4].slice(0, 200);
    }
    view.schedule();
  }

  async function catchUp() {
    for (let full = true; full;) {
      const answer = await view.lines.fetch({ after: view.lines.last, limit: CHUNK });
      arrived(answer.lines);
      full = answer.lines.length === CHUNK;
    }
  }

  root.querySelector("[data-output-pages]")?.remove();
  toggles(view);
  announce();
  view.follow(view.following);
  root.addEventListener("output:problem", (event) => { count.textContent = event.detail; });
  view.container.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link) return;
    event.preventDefault();
    history.replaceState(null, "", link.href);
    view.follow(false);
    view.choose(Number(link.parentElement.dataset.n));
  });
  document.addEventListener("portal:new", () => view.headings.nameAgain(view.container));
  document.body.addEventListener("portal:lines", (event) => arrived(event.detail));
  document.body.addEventListener("portal:poll", () => catchUp().catch(() => {}));
  document.body.addEventListener("portal:ended", () => catchUp().catch(() => {}));
  const linked = () => Number(/^#L(\d+)$/.exec(location.hash)?.[1] ?? new URLSearchParams(location.search).get("line"));
  addEventListener("hashchange", () => linked() && view.goTo(linked()));
  if (linked()) view.goTo(linked());
  else if (form.elements.search.value) search.run(1);
  else view.toEnd();
}

for (const root of document.querySelectorAll("[data-output]")) start(root);
