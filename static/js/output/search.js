// The search of the output: the server looks, because most lines are not here.

import { mark } from "./marks.js";

export class Search {
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
      mark(this.view.container, this.view.found);
      return;
    }
    const more = this.total > this.hits.length ? ` (of ${this.total.toLocaleString()}, the first are shown)` : "";
    this.count.textContent = `${this.index + 1} of ${this.hits.length.toLocaleString()} lines${more}`;
    this.view.goTo(this.hits[this.index]);
  }

  clear() {
    Object.assign(this, { hits: [], total: 0, index: -1, asked: "" });
    this.view.found = "";
    mark(this.view.container, this.view.found);
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
