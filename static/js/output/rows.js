// How lines look: one row for a line, a heading where a step begins, a gap for what is being loaded.

const clock = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit", minute: "2-digit", second: "2-digit", timeZone: document.body.dataset.zone || undefined,
});

function made(name, className, text) {
  const element = document.createElement(name);
  element.className = className;
  element.textContent = text;
  return element;
}

export function row([number, at, stream, step, text], chosen) {
  const element = document.createElement("div");
  const link = document.createElement("a");
  element.className = `line line--${stream}${number === chosen ? " line--chosen" : ""}`;
  element.id = `L${number}`;
  element.dataset.n = number;
  element.dataset.step = step;
  link.href = `?line=${number}#L${number}`;
  link.textContent = number;
  link.dataset.at = clock.format(new Date(at));
  element.append(link, text);
  return element;
}

export function gap(from, to, height) {
  const element = made("div", "line line--loading", `Loading lines ${from.toLocaleString()} to ${to.toLocaleString()}…`);
  element.style.height = `${height}px`;
  return element;
}

export class Headings {
  constructor(titles) {
    this.titles = titles;
  }

  heading(position) {
    const element = made("div", "line line--step", this.title(position));
    element.dataset.position = position;
    return element;
  }

  // A step that was added while the page was open stands in the list of steps, once that was fetched again.
  title(position) {
    const listed = document.querySelector(`#step-${position} .step__title`)?.firstChild?.data.trim();
    return this.titles[position] ?? (listed ? `${position}. ${listed}` : `Step ${position}`);
  }

  nameAgain(container) {
    for (const element of container.querySelectorAll("[data-position]")) {
      const title = this.title(element.dataset.position);
      if (element.textContent !== title) element.textContent = title;
    }
  }
}
