// Only the lines in sight exist in the page: the blocks around the viewport are built, two spacers stand for the rest.

import { BLOCK, Heights } from "./heights.js";
import { CHUNK, Lines } from "./lines.js";
import { mark } from "./marks.js";
import { gap, Headings, row } from "./rows.js";

const MARGIN_PX = 400;
const FETCH_AFTER_MS = 60;

export class View {
  constructor(root) {
    this.root = root;
    this.view = root.querySelector("[data-output-view]");
    this.container = root.querySelector("[data-output-lines]");
    this.headings = new Headings(JSON.parse(root.dataset.steps));
    this.lines = new Lines(root.dataset.url, Number(root.dataset.last));
    this.built = new Map();
    this.following = root.dataset.follow === "yes";
    this.target = 0;
    this.chosen = 0;
    this.ownTop = 0;
    this.kept = null;
    this.found = "";
    this.adopt();
    this.before = document.createElement("div");
    this.after = document.createElement("div");
    this.container.replaceChildren(this.before, this.after);
    this.view.addEventListener("scroll", () => this.scrolled(), { passive: true });
    new ResizeObserver(() => this.resized()).observe(this.view);
  }

  // The lines that the server wrote into the page need not be fetched again.
  adopt() {
    const rows = this.container.querySelectorAll("[data-n]");
    this.heights = new Heights(this.lines, rows[0]?.offsetHeight || 20);
    for (const row of rows) {
      const { n, at, stream, step } = row.dataset;
      this.lines.put([Number(n), at, stream, Number(step), row.lastChild.nodeName === "A" ? "" : row.lastChild.data]);
    }
  }

  schedule() {
    if (this.scheduled) return;
    this.scheduled = true;
    requestAnimationFrame(() => {
      this.scheduled = false;
      this.render();
    });
  }

  render() {
    if (!this.lines.last) return;
    if (this.following) this.scrollTo(this.view.scrollHeight);
    const anchor = this.kept ?? this.anchor();
    this.kept = null;
    const [first, top] = this.heights.at(this.view.scrollTop - MARGIN_PX);
    const [last] = this.heights.at(this.view.scrollTop + this.view.clientHeight + MARGIN_PX);
    this.build(first, last);
    this.measure(first, last, top);
    this.settle(anchor);
    mark(this.container, this.found);
  }

  // The line that the reader looks at: the chosen one when it is in sight, else the uppermost.
  anchor() {
    const { top: edge, bottom } = this.view.getBoundingClientRect();
    const chosen = this.container.querySelector(`[data-n="${this.chosen}"]`)?.getBoundingClientRect();
    if (chosen && chosen.bottom > edge && chosen.top < bottom) return { n: this.chosen, top: chosen.top };
    for (const row of this.container.querySelectorAll("[data-n]")) {
      const box = row.getBoundingClientRect();
      if (box.bottom > edge) return { n: row.dataset.n, top: box.top };
    }
    return null;
  }

  build(first, last) {
    const missing = [];
    const wanted = new Map();
    for (let block = first; block <= last; block += 1) {
      const from = block * BLOCK + 1;
      const to = Math.min(this.lines.last, from + BLOCK - 1);
      const ready = this.lines.has(from, to);
      const key = ready ? `${to}` : "loading";
      const old = this.built.get(block);
      wanted.set(block, old?.key === key ? old : { key, ready, element: ready ? this.block(from, to) : gap(from, to, this.heights.of(block)) });
      if (!ready) missing.push(from, to);
    }
    const elements = [...wanted.values()].map((each) => each.element);
    for (const [block, each] of this.built) if (wanted.get(block) !== each) each.element.remove();
    elements.forEach((element, index) => {
      const beforeIt = index ? elements[index - 1] : this.before;
      if (beforeIt.nextSibling !== element) beforeIt.after(element);
    });
    this.built = wanted;
    if (missing.length) this.fetchSoon(missing);
  }

  block(from, to) {
    const element = document.createElement("div");
    for (let number = from; number <= to; number += 1) {
      const line = this.lines.get(number);
      if (number === 1 || (this.lines.get(number - 1)?.[3] ?? line[3]) !== line[3]) element.append(this.headings.heading(line[3]));
      element.append(row(line, this.chosen));
    }
    return element;
  }

  measure(first, last, top) {
    for (const [block, each] of this.built) if (each.ready) this.heights.measured.set(block, each.element.offsetHeight);
    this.before.style.height = `${top}px`;
    this.after.style.height = `${this.heights.below(last)}px`;
    const wide = Math.max(Number.parseFloat(this.container.style.minWidth) || 0, this.container.offsetWidth);
    this.container.style.minWidth = this.root.classList.contains("output--wrap") ? "" : `${wide}px`;
  }

  // What the reader looks at stays where it is, whatever the heights around it turned out to be.
  settle(anchor) {
    if (this.following) {
      this.scrollTo(this.view.scrollHeight);
      return;
    }
    const target = this.target && this.container.querySelector(`[data-n="${this.target}"]`);
    if (target) {
      const distance = target.getBoundingClientRect().top - this.view.getBoundingClientRect().top;
      this.scrollTo(this.view.scrollTop + distance - this.view.clientHeight / 3);
      this.target = 0;
      return;
    }
    const row = anchor && !this.target && this.container.querySelector(`[data-n="${anchor.n}"]`);
    const moved = row ? row.getBoundingClientRect().top - anchor.top : 0;
    if (Math.abs(moved) > 1) this.scrollTo(this.view.scrollTop + moved);
  }

  scrollTo(top) {
    this.view.scrollTop = top;
    this.ownTop = this.view.scrollTop;
  }

  scrolled() {
    const top = this.view.scrollTop;
    if (Math.abs(top - this.ownTop) > 1) {
      this.target = 0;
      const atEnd = this.view.scrollHeight - top - this.view.clientHeight < this.heights.rowHeight;
      if (this.following ? top < this.ownTop : atEnd) this.follow(!this.following);
      this.ownTop = top;
    }
    this.schedule();
  }

  resized() {
    this.rearrange(() => {});
  }

  // Changes how lines are laid out, and keeps the line that is read where it stands.
  rearrange(change) {
    const anchor = this.anchor();
    const edge = this.view.getBoundingClientRect().top;
    change();
    this.heights.measured.clear();
    if (anchor && !this.following) this.scrollTo(this.heights.topOf(Number(anchor.n)) - (anchor.top - edge));
    this.kept = anchor;
    this.render();
  }

  follow(on) {
    this.following = on;
    this.root.dispatchEvent(new CustomEvent("output:following", { detail: on }));
    this.schedule();
  }

  goTo(number) {
    this.follow(false);
    this.render(); // so that there is something to scroll, also right at the start
    this.target = Math.min(Math.max(1, number), this.lines.last);
    this.choose(this.target);
    this.scrollTo(this.heights.topOf(this.target) - this.view.clientHeight / 3);
    this.render();
  }

  toEnd() {
    this.render();
    this.target = this.lines.last;
    this.scrollTo(this.view.scrollHeight);
    this.render();
  }

  choose(number) {
    this.chosen = number;
    for (const row of this.container.querySelectorAll("[data-n]")) {
      row.classList.toggle("line--chosen", Number(row.dataset.n) === number);
    }
  }

  fetchSoon(numbers) {
    clearTimeout(this.fetching);
    this.fetching = setTimeout(async () => {
      const wanted = new Set(numbers.map((number) => Math.floor((number - 1) / CHUNK) * CHUNK + 1));
      try {
        const news = await Promise.all([...wanted].map((number) => this.lines.load(number)));
        if (news.some(Boolean)) this.schedule();
      } catch (problem) {
        this.root.dispatchEvent(new CustomEvent("output:problem", { detail: problem.message }));
        setTimeout(() => this.schedule(), 3000);
      }
    }, FETCH_AFTER_MS);
  }
}
