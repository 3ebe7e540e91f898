// The output of an operation, 100,000 lines and more. Only the lines in sight exist in the page: they are cut
// into blocks of 50, the blocks around the viewport are built, and two spacers stand for the rest.
// Lines come from the page itself, from GET <url>?after=N&limit=M, and live as "portal:lines".
// A line is [number, moment, stream, step position, text]; numbers count from 1 without gaps.

const BLOCK = 50;
const CHUNK = 500;
const CHUNKS_KEPT = 60;
const MARGIN_PX = 400;
const FETCH_AFTER_MS = 60;
const ANNOUNCE_EVERY_MS = 5000;
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

// --- what is known of the lines ---------------------------------------------------------------------------

class Lines {
  constructor(url, last) {
    this.url = url;
    this.last = last;
    this.chunks = new Map();
    this.loading = new Set();
  }

  get(number) {
    return this.chunks.get(Math.floor((number - 1) / CHUNK))?.[(number - 1) % CHUNK];
  }

  has(from, to) {
    for (let number = from; number <= to; number += 1) if (!this.get(number)) return false;
    return true;
  }

  put(line) {
    const index = Math.floor((line[0] - 1) / CHUNK);
    if (!this.chunks.has(index)) this.chunks.set(index, []);
    this.chunks.get(index)[(line[0] - 1) % CHUNK] = line;
    this.last = Math.max(this.last, line[0]);
  }

  forget(near) {
    while (this.chunks.size > CHUNKS_KEPT) {
      const far = [...this.chunks.keys()].reduce((a, b) => (Math.abs(a - near) > Math.abs(b - near) ? a : b));
      this.chunks.delete(far);
    }
  }

  async fetch(parameters) {
    const url = new URL(this.url, location.href);
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    const answer = await fetch(url, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`The output could not be loaded (${answer.status}).`);
    return answer.json();
  }

  // Loads the chunk that holds a line. Returns whether anything new is there to show.
  async load(number) {
    const index = Math.floor((number - 1) / CHUNK);
    if (this.loading.has(index)) return false;
    this.loading.add(index);
    try {
      const answer = await this.fetch({ after: index * CHUNK, limit: CHUNK });
      for (const line of answer.lines) this.put(line);
      this.last = Math.max(this.last, answer.last);
      this.forget(index);
      return answer.lines.length > 0;
    } finally {
      this.loading.delete(index);
    }
  }
}

// --- what is in sight -------------------------------------------------------------------------------------

class View {
  constructor(root) {
    this.root = root;
    this.view = root.querySelector("[data-output-view]");
    this.container = root.querySelector("[data-output-lines]");
    this.titles = JSON.parse(root.dataset.steps);
    this.lines = new Lines(root.dataset.url, Number(root.dataset.last));
    this.heights = new Map();
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
    this.rowHeight = rows[0]?.offsetHeight || 20;
    for (const row of rows) {
      const { n, at, stream, step } = row.dataset;
      this.lines.put([Number(n), at, stream, Number(step), row.lastChild.nodeName === "A" ? "" : row.lastChild.data]);
    }
  }

  get blocks() {
    return Math.ceil(this.lines.last / BLOCK);
  }

  height(block) {
    const count = Math.min(BLOCK, this.lines.last - block * BLOCK);
    return this.heights.get(block) ?? count * this.rowHeight;
  }

  // The block at a distance from the top, and how far from the top it begins.
  at(distance) {
    let top = 0;
    let block = 0;
    for (; block < this.blocks - 1; block += 1) {
      const height = this.height(block);
      if (top + height > distance) break;
      top += height;
    }
    return [block, top];
  }

  topOf(number) {
    const block = Math.floor((number - 1) / BLOCK);
    let top = 0;
    for (let each = 0; each < block; each += 1) top += this.height(each);
    return top + ((number - 1) % BLOCK) * this.rowHeight;
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
    const [first, top] = this.at(this.view.scrollTop - MARGIN_PX);
    const [last] = this.at(this.view.scrollTop + this.view.clientHeight + MARGIN_PX);
    this.build(first, last);
    this.measure(first, last, top);
    this.settle(anchor);
    this.mark();
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
      wanted.set(block, old?.key === key ? old : { key, ready, element: ready ? this.block(from, to) : this.gap(from, to) });
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
      if (number === 1 || (this.lines.get(number - 1)?.[3] ?? line[3]) !== line[3]) element.append(this.heading(line[3]));
      element.append(this.row(line));
    }
    return element;
  }

  heading(position) {
    const row = document.createElement("div");
    row.className = "line line--step";
    row.dataset.position = position;
    row.textContent = this.title(position);
    return row;
  }

  // A step that was added while the page was open stands in the list of steps, once that was fetched again.
  title(position) {
    const listed = document.querySelector(`#step-${position} .step__title`)?.firstChild?.data.trim();
    return this.titles[position] ?? (listed ? `${position}. ${listed}` : `Step ${position}`);
  }

  nameSteps() {
    for (const row of this.container.querySelectorAll("[data-position]")) {
      const title = this.title(row.dataset.position);
      if (row.textContent !== title) row.textContent = title;
    }
  }

  row([number, at, stream, step, text]) {
    const row = document.createElement("div");
    const link = document.createElement("a");
    row.className = `line line--${stream}${number === this.chosen ? " line--chosen" : ""}`;
    row.id = `L${number}`;
    row.dataset.n = number;
    row.dataset.step = step;
    link.href = `?line=${number}#L${number}`;
    link.textContent = number;
    link.dataset.at = clock.format(new Date(at));
    row.append(link, text);
    return row;
  }

  gap(from, to) {
    const row = document.createElement("div");
    row.className = "line line--loading";
    row.textContent = `Loading lines ${from.toLocaleString()} to ${to.toLocaleString()}…`;
    row.style.height = `${this.height(Math.floor((from - 1) / BLOCK))}px`;
    return row;
  }

  measure(first, last, top) {
    for (const [block, each] of this.built) if (each.ready) this.heights.set(block, each.element.offsetHeight);
    let below = 0;
    for (let block = last + 1; block < this.blocks; block += 1) below += this.height(block);
    this.before.style.height = `${top}px`;
    this.after.style.height = `${below}px`;
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
      const atEnd = this.view.scrollHeight - top - this.view.clientHeight < this.rowHeight;
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
    this.heights.clear();
    if (anchor && !this.following) this.scrollTo(this.topOf(Number(anchor.n)) - (anchor.top - edge));
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
    this.scrollTo(this.topOf(this.target) - this.view.clientHeight / 3);
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

  // Marks what was searched for, without adding a single node.
  mark() {
    if (!globalThis.CSS?.highlights) return;
    CSS.highlights.delete("found");
    if (!this.found) return;
    const ranges = [];
    for (const row of this.container.querySelectorAll("[data-n]")) {
      const text = row.lastChild;
      if (text.nodeType !== Node.TEXT_NODE) continue;
      const low = text.data.toLowerCase();
      for (let from = low.indexOf(this.found); from >= 0; from = low.indexOf(this.found, from + this.found.length)) {
        const range = new Range();
        range.setStart(text, from);
        range.setEnd(text, from + this.found.length);
        ranges.push(range);
      }
    }
    CSS.highlights.set("found", new Highlight(...ranges));
  }
}

// --- search, by the server, because most lines are not here ------------------------------------------------

class Search {
  constructor(view, form, count, announce) {
    Object.assign(this, { view, form, count, announce, hits: [], total: 0, index: -1, asked: "" });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.run(event.submitter?.dataset.step === "back" ? -1 : 1);
    });
    form.elements.search.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !event.shiftKey) return;
      event.preventDefault();
      this.run(-1);
    });
    form.elements.search.addEventListener("search", () => form.elements.search.value || this.clear());
  }

  async run(direction) {
    const asked = this.form.elements.search.value.trim();
    if (!asked) return this.clear();
    if (asked !== this.asked) await this.ask(asked);
    else this.index = (this.index + direction + this.hits.length) % (this.hits.length || 1);
    return this.show();
  }

  async ask(asked) {
    this.count.textContent = "Searching…";
    const answer = await this.view.lines.fetch({ search: asked });
    Object.assign(this, { asked, hits: answer.hits, total: answer.total, index: 0 });
    this.view.found = asked.toLowerCase();
    this.address();
  }

  show() {
    if (!this.hits.length) {
      this.count.textContent = `No line has “${this.asked}”.`;
      this.view.mark();
      return;
    }
    const more = this.total > this.hits.length ? ` (of ${this.total.toLocaleString()}, the first are shown)` : "";
    this.count.textContent = `${this.index + 1} of ${this.hits.length.toLocaleString()} lines${more}`;
    this.view.goTo(this.hits[this.index]);
  }

  clear() {
    Object.assign(this, { hits: [], total: 0, index: -1, asked: "" });
    this.view.found = "";
    this.view.mark();
    this.address();
    this.announce();
  }

  address() {
    const url = new URL(location.href);
    if (this.asked) url.searchParams.set("search", this.asked);
    else url.searchParams.delete("search");
    history.replaceState(null, "", url);
  }
}

// --- the bar above ----------------------------------------------------------------------------------------

function remember(name, value) {
  try {
    if (value === undefined) return localStorage.getItem(`output-${name}`) === "yes";
    localStorage.setItem(`output-${name}`, value ? "yes" : "no");
  } catch {
    // Not kept then.
  }
  return value;
}

function toggles(view) {
  for (const button of view.root.querySelectorAll("[data-toggle]")) {
    const name = button.dataset.toggle;
    const set = (on) => view.rearrange(() => {
      button.setAttribute("aria-pressed", String(on));
      view.root.classList.toggle(`output--${name}`, on);
      view.container.style.minWidth = "";
    });
    button.hidden = false;
    if (remember(name)) set(true);
    button.addEventListener("click", () => set(remember(name, button.getAttribute("aria-pressed") !== "true")));
  }
  const follow = view.root.querySelector("[data-follow-button]");
  follow.hidden = false;
  follow.addEventListener("click", () => view.follow(!view.following));
  view.root.addEventListener("output:following", (event) => {
    follow.setAttribute("aria-pressed", String(event.detail));
  });
}

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
  document.addEventListener("portal:new", () => view.nameSteps());
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
