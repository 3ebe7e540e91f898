// Keeps "12 minutes ago" and running durations true while a page stays open. Exact moments are in the zone that the
// server names: the person's own, else the team's. The words are those of opsportal/kit/wording.py.

const UNITS = [[86400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]];
const RELATIVE_UP_TO = 45 * 86400;
const exact = new Intl.DateTimeFormat("en-GB", {
  day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit",
  timeZoneName: "short", timeZone: document.body.dataset.zone || undefined,
});
const date = new Intl.DateTimeFormat("en-GB", {
  day: "numeric", month: "short", year: "numeric", timeZone: document.body.dataset.zone || undefined,
});

// A laptop's clock may be wrong; what counts is the server's, unless the page came out of the browser's cache.
const navigation = performance.getEntriesByType("navigation")[0];
const fresh = navigation && navigation.type !== "back_forward" && navigation.transferSize > 0;
const skew = fresh ? Date.parse(document.body.dataset.now) - performance.timeOrigin - navigation.responseStart : 0;
const offset = Math.abs(skew) > 30000 ? skew : 0;

function now() {
  return Date.now() + offset;
}

function ago(moment) {
  const seconds = (now() - moment) / 1000;
  const distance = Math.abs(seconds);
  if (distance < 5) return "just now";
  if (distance > RELATIVE_UP_TO) return date.format(moment);
  const [size, name] = UNITS.find(([each]) => distance >= each);
  const count = Math.floor(distance / size);
  const words = `${count} ${name}${count === 1 ? "" : "s"}`;
  return seconds > 0 ? `${words} ago` : `in ${words}`;
}

function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const [size, name, part, partName] = whole >= 86400 ? [86400, "d", 3600, "h"]
    : whole >= 3600 ? [3600, "h", 60, "min"] : [60, "min", 1, "s"];
  const rest = Math.floor((whole % size) / part);
  return `${Math.floor(whole / size)} ${name}${rest ? ` ${rest} ${partName}` : ""}`;
}

function write(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

function refreshMoments(root = document) {
  for (const element of root.querySelectorAll("time.ago")) {
    const moment = Date.parse(element.dateTime);
    write(element, ago(moment));
    if (!element.dataset.zoned) {
      element.dataset.zoned = "yes";
      element.dataset.exact = element.title = exact.format(moment);
    }
  }
}

function refreshDurations() {
  for (const element of document.querySelectorAll(".duration[data-since]")) {
    write(element, duration((now() - Date.parse(element.dataset.since)) / 1000));
  }
}

function refreshCountdowns() {
  for (const element of document.querySelectorAll("[data-until]")) {
    write(element, duration(Math.max(0, (Date.parse(element.dataset.until) - now()) / 1000)));
  }
}

refreshMoments();
refreshCountdowns();
setInterval(() => document.hidden || refreshMoments(), 15000);
setInterval(() => document.hidden || refreshDurations(), 1000);
setInterval(() => document.hidden || refreshCountdowns(), 250);
document.addEventListener("visibilitychange", () => refreshMoments());
for (const news of ["htmx:load", "portal:new"]) {
  document.addEventListener(news, (event) => refreshMoments(event.target.parentElement ?? event.target));
}
