// The live tail of an environment's log. Batches of entries come as server-sent events ("entries"), the newest of each
// are drawn, and of the others a line says how many there are and leads to them. At most DRAWN entries exist in the
// page; older ones make room. While paused nothing is drawn: the stream is closed, and every few seconds the server
// is asked how much waits. Going on continues after the last entry that was drawn.

const DRAWN = 1500;
const WAITING_MS = 2000;
const POLL_MS = 2000;
const SPEAK_EVERY_MS = 5000;

const root = document.querySelector("[data-log-live]");
const find = (name) => root.querySelector(`[data-log-${name}]`);
const list = find("list");
const view = find("view");
const words = find("words");
const pause = find("pause");
const spoken = find("spoken");
const clock = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hourCycle: "h23",
  timeZone: root.dataset.zone,
});
const exact = new Intl.DateTimeFormat("en-GB", {
  weekday: "long", day: "numeric", month: "long", year: "numeric", timeZone: root.dataset.zone,
});
const SORTED_BACK = 1000;
const moments = new WeakMap();

let last = Number(root.dataset.last);
let source = null;
let timer = 0;
let paused = false;
let gone = 0;
let spokenAt = 0;
let pending = [];
let frame = 0;
let following = true;
let ownTop = 0;

function say(text) {
  if (words.textContent !== text) words.textContent = text;
}

function address(path) {
  const url = new URL(path, location.href);
  url.searchParams.set("after", last);
  return url;
}

// --- drawing -----------------------------------------------------------------------------------------------

function part(name, text, className) {
  const element = document.createElement(name);
  element.className = className;
  element.textContent = text;
  return element;
}

// What an entry holds is drawn when somebody opens it.
function body(id, headline, text, fields) {
  const element = part("div", "", "log__body");
  const names = Object.entries(fields ?? {});
  if (names.length) {
    const pairs = part("dl", "", "log__fields");
    for (const [name, value] of names) pairs.append(part("dt", name, ""), part("dd", value, ""));
    element.append(pairs);
  } else element.append(part("pre", text || headline, ""));
  const link = part("a", "This entry, and what its source said before and after", "usa-link");
  link.href = `${root.dataset.search}${id}`;
  const links = part("p", "", "log__links");
  links.append(link);
  element.append(links);
  return element;
}

function row([id, moment, from, tone, level, headline, text, lines, fields]) {
  const item = document.createElement("li");
  const details = document.createElement("details");
  const line = document.createElement("summary");
  const at = new Date(moment);
  const time = part("time", clock.format(at), "");
  item.className = "log-item";
  item.id = `e${id}`;
  details.className = `log log--${tone}`;
  time.dateTime = moment;
  time.title = `${exact.format(at)}, ${time.textContent} ${root.dataset.zone}`;
  line.append(time, part("span", level, "log__level"), part("span", from, "log__source"), part("span", headline, "log__text"));
  if (lines > 1) line.append(part("span", `${lines} lines`, "log__lines"));
  details.append(line);
  details.addEventListener("toggle", () => details.append(body(id, headline, text, fields)), { once: true });
  item.append(details);
  moments.set(item, at.getTime());
  return item;
}

function momentOf(item) {
  if (!moments.has(item)) moments.set(item, Date.parse(item.querySelector("time")?.dateTime));
  return moments.get(item);
}

// Lines reach the platform's log late now and then: an entry stands where its moment puts it, not where it arrived.
function place(item) {
  const at = momentOf(item);
  let before = list.lastElementChild;
  for (let back = 0; before && back < SORTED_BACK && momentOf(before) > at; back += 1) before = before.previousElementSibling;
  if (before) before.after(item);
  else list.prepend(item);
}

function notice({ left_out: count, since, until }) {
  const item = part("li", "", "log-skip");
  const link = part("a", "look at them", "usa-link");
  item.append(`${count.toLocaleString()} entries came too fast to be drawn; they are kept: `, link);
  const wanted = new URLSearchParams(root.dataset.only);
  for (const [name, value] of Object.entries({ range: "exact", from: since, to: until })) wanted.set(name, value);
  link.href = `${root.dataset.search}?${wanted}`;
  return item;
}

function toEnd() {
  view.scrollTop = view.scrollHeight;
  ownTop = view.scrollTop;
}

// Who scrolls up reads; who comes back to the end follows again.
view.addEventListener("scroll", () => {
  if (Math.abs(view.scrollTop - ownTop) < 2) return;
  following = view.scrollHeight - view.scrollTop - view.clientHeight < 40;
  ownTop = view.scrollTop;
});
new ResizeObserver(() => following && toEnd()).observe(list);

function draw() {
  frame = 0;
  const batches = pending;
  pending = [];
  let newest = null;
  let drawn = 0;
  for (const batch of batches) {
    if (batch.left_out) list.append(notice(batch));
    for (const entry of batch.entries) {
      place(row(entry));
      newest = entry;
    }
    drawn += batch.left_out + batch.entries.length;
  }
  if (!drawn) return;
  find("empty").hidden = true;
  const grown = view.scrollHeight;
  while (list.children.length > DRAWN) {
    list.firstElementChild.remove();
    gone += 1;
  }
  if (following) toEnd();
  else {
    view.scrollTop -= grown - view.scrollHeight; // what is read stays in its place
    ownTop = view.scrollTop;
  }
  tell(newest);
}

function tell(newest) {
  if (!paused) {
    const more = gone ? `, ${gone.toLocaleString()} older ones made room` : "";
    say(`Live. ${list.querySelectorAll(".log-item").length.toLocaleString()} entries drawn${more}.`);
  }
  if (newest && performance.now() - spokenAt > SPEAK_EVERY_MS) {
    spokenAt = performance.now();
    spoken.textContent = `${newest[4]}: ${newest[5].slice(0, 160)}`;
  }
}

function arrived(batch) {
  if (batch.last <= last) return;
  last = batch.last;
  root.dataset.last = last;
  pending.push(batch);
  // A page in the background draws nothing: it keeps the last batches and counts the rest.
  while (pending.length > 4) {
    const [first, second] = pending;
    second.left_out += first.left_out + first.entries.length;
    second.since = first.since || second.since;
    second.until ||= first.until;
    pending.shift();
  }
  frame ||= requestAnimationFrame(draw);
}

// --- following ---------------------------------------------------------------------------------------------

async function ask(draws) {
  try {
    const answer = await fetch(address(root.dataset.news), { headers: { Accept: "application/json" } });
    const said = await answer.json();
    if (answer.status === 401) location.reload();
    else if (said.problem) say(said.problem);
    else if (draws) arrived(said);
    else waiting(said.entries.length + said.left_out);
  } catch {
    say("Connection lost; asking again…");
  }
}

function waiting(count) {
  if (!paused) return;
  say(`Paused. ${count.toLocaleString()} ${count === 1 ? "entry waits" : "entries wait"}.`);
}

function stop() {
  source?.close();
  source = null;
  clearInterval(timer);
}

function connect() {
  stop();
  source = new EventSource(address(root.dataset.stream));
  source.addEventListener("open", () => tell(null));
  source.addEventListener("entries", (event) => arrived(JSON.parse(event.data)));
  source.addEventListener("problem", (event) => {
    stop();
    say(JSON.parse(event.data));
  });
  source.addEventListener("error", () => {
    if (source?.readyState === EventSource.CLOSED) {
      stop();
      say("Asking every two seconds.");
      timer = setInterval(() => ask(true), POLL_MS);
    } else say("Connection lost; connecting again…");
  });
}

function setPaused(on) {
  paused = on;
  pause.setAttribute("aria-pressed", String(on));
  pause.textContent = on ? "Go on" : "Pause";
  if (on) {
    stop();
    if (frame) cancelAnimationFrame(frame);
    draw();
    waiting(0);
    timer = setInterval(() => ask(false), WAITING_MS);
  } else {
    say("Going on where it stopped.");
    connect();
  }
}

pause.hidden = false;
pause.addEventListener("click", () => setPaused(!paused));
find("clear").hidden = false;
find("clear").addEventListener("click", () => {
  list.replaceChildren();
  gone = 0;
  tell(null);
});
toEnd();
addEventListener("pagehide", stop);
addEventListener("pageshow", (event) => event.persisted && !paused && connect());
connect();
