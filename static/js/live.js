// Follows a page's stream of server-sent events: <div data-live="/operations/…/stream">.
// "changed" asks the page's regions to fetch themselves again (hx-trigger="portal:changed from:body"),
// "lines" go to the output viewer, "end" means that nothing more will come. When the server has no room for
// another stream it answers 204, and the page asks every three seconds instead. A dropped connection is taken
// up again by the browser from the last line it has (Last-Event-ID).

const POLL_MS = 3000;
const TRY_AGAIN_MS = 30000;
const STREAMS_PER_BROWSER = 4; // browsers allow six connections to one host; pages need some too

const region = document.querySelector("[data-live]");
const words = document.querySelector("[data-live-words]");
let source = null;
let polling = 0;
let owed = false;
let mayStream = true;
let connectedBefore = false;

function say(text) {
  if (words && words.textContent !== text) words.textContent = text;
}

function tell(name, detail) {
  document.body.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
}

// Nothing is swapped under an open dialog; what changed meanwhile is fetched when it closes.
function changed() {
  owed = Boolean(document.querySelector("main :popover-open"));
  if (!owed) tell("portal:changed");
}

document.addEventListener("toggle", (event) => {
  if (event.newState === "closed" && owed) changed();
}, true);

function address() {
  const url = new URL(region.dataset.live, location.href);
  const last = document.querySelector("[data-output]")?.dataset.last;
  if (last) url.searchParams.set("after", last);
  return url;
}

function stop() {
  source?.close();
  source = null;
  clearInterval(polling);
  polling = 0;
}

function finish() {
  stop();
  changed();
  tell("portal:ended");
  say("");
}

function poll() {
  if (polling) return;
  say("Checking every 3 seconds.");
  polling = setInterval(() => {
    changed();
    tell("portal:poll");
  }, POLL_MS);
  if (mayStream) setTimeout(() => polling && connect(), TRY_AGAIN_MS);
}

function connect() {
  source = new EventSource(address());
  source.addEventListener("open", () => {
    clearInterval(polling);
    polling = 0;
    say("Live.");
    if (connectedBefore) changed(); // what changed while the connection was down was not told
    connectedBefore = true;
  });
  source.addEventListener("error", () => {
    if (source?.readyState === EventSource.CLOSED) poll();
    else say("Connection lost; connecting again…");
  });
  source.addEventListener("changed", changed);
  source.addEventListener("lines", (event) => tell("portal:lines", JSON.parse(event.data)));
  source.addEventListener("end", finish);
}

async function takeSlot() {
  if (!navigator.locks) return true;
  for (let number = 1; number <= STREAMS_PER_BROWSER; number += 1) {
    const got = await new Promise((resolve) => {
      navigator.locks.request(`opsportal-stream-${number}`, { ifAvailable: true }, (lock) => {
        resolve(lock !== null);
        return lock && new Promise(() => {}); // held until the page goes away
      });
    });
    if (got) return true;
  }
  return false;
}

// The tab's title and icon carry the state of what is watched.
function watch(root) {
  const watched = root.matches?.("[data-watch]") ? root : root.querySelector("[data-watch]");
  if (!watched) return;
  document.title = watched.dataset.title;
  const icon = document.querySelector("link[rel=icon]");
  if (icon.href !== new URL(watched.dataset.icon, location.href).href) icon.href = watched.dataset.icon;
}
document.addEventListener("htmx:load", (event) => watch(event.target));

if (region) {
  mayStream = await takeSlot();
  if (mayStream) connect();
  else poll();
  addEventListener("pagehide", stop);
  addEventListener("pageshow", (event) => event.persisted && (mayStream ? connect() : poll()));
}
