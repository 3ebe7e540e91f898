// Follows a page's stream of server-sent events: <div id="live" data-live="/operations/…/stream">.
// "changed": the page's live part is fetched again and only the pieces (data-key) that differ are replaced, so that
// nothing moves and focus stays. "lines" go to the output viewer, "end" means that nothing more will come.
// When the server has no room for another stream it answers 204, and the page asks every three seconds instead.
// A dropped connection is taken up again by the browser from the last line it has (Last-Event-ID).

const POLL_MS = 3000;
const TRY_AGAIN_MS = 30000;
const STREAMS_PER_BROWSER = 4; // browsers allow six connections to one host; pages need some too

const region = document.getElementById("live");
const words = document.querySelector("[data-live-words]");
const pace = Number(region?.dataset.pace ?? 500);
let source = null;
let polling = 0;
let mayStream = true;
let connectedBefore = false;
let fetching = false;
let owed = false;

function say(text) {
  if (words && words.textContent !== text) words.textContent = text;
}

function tell(name, detail, target = document.body) {
  target.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
}

// --- fetching and patching ---------------------------------------------------------------------------------

// What a piece says, without what differs at every look: running clocks, form tokens, what scripts added.
function fingerprint(element) {
  const copy = element.cloneNode(true);
  for (const each of copy.querySelectorAll("time.ago, .duration[data-since], [data-until]")) {
    const plain = document.createElement("i");
    plain.textContent = each.getAttribute("datetime") ?? each.dataset.since ?? each.dataset.until;
    each.replaceWith(plain);
  }
  for (const each of copy.querySelectorAll("[data-copy]")) each.hidden = false;
  for (const each of copy.querySelectorAll("[name=csrfmiddlewaretoken]")) each.removeAttribute("value");
  return copy.outerHTML;
}

function settleIn(element) {
  globalThis.htmx?.process(element);
  tell("portal:new", null, element);
}

function patch(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const fresh = template.content.querySelector("#live");
  if (!fresh) return;
  const keys = (root) => [...root.querySelectorAll("[data-key]")].map((each) => each.dataset.key).join("\n");
  if (keys(fresh) !== keys(region)) {
    region.replaceChildren(...fresh.childNodes);
    settleIn(region);
  } else {
    for (const piece of fresh.querySelectorAll("[data-key]")) {
      const old = region.querySelector(`[data-key="${CSS.escape(piece.dataset.key)}"]`);
      const typing = old.contains(document.activeElement) && document.activeElement.matches("input, textarea, select");
      if (typing || fingerprint(old) === fingerprint(piece)) continue;
      old.replaceWith(piece);
      settleIn(piece);
    }
  }
  watch(region);
}

// The tab's title and icon carry the state of what is watched.
function watch(root) {
  const watched = root.querySelector("[data-watch]");
  if (!watched) return;
  document.title = watched.dataset.title;
  const icon = document.querySelector("link[rel=icon]");
  if (icon.href !== new URL(watched.dataset.icon, location.href).href) icon.href = watched.dataset.icon;
}

async function refresh() {
  owed = false;
  fetching = true;
  try {
    const answer = await fetch(location.href, { headers: { "HX-Request": "true", "HX-Target": "live" } });
    if (answer.status === 401) location.reload();
    else if (answer.ok) patch(await answer.text());
  } catch {
    // The network is away: when the stream is back, or at the next poll, everything is fetched again.
  } finally {
    setTimeout(() => {
      fetching = false;
      if (owed) changed();
    }, pace);
  }
}

// Nothing is replaced under an open dialog; what changed meanwhile is fetched when it closes.
function changed() {
  if (fetching || region.querySelector(":popover-open")) owed = true;
  else refresh();
}

document.addEventListener("toggle", (event) => {
  if (event.newState === "closed" && owed && region) changed();
}, true);

// --- the stream --------------------------------------------------------------------------------------------

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

if (region?.dataset.live) {
  mayStream = await takeSlot();
  if (mayStream) connect();
  else poll();
  if (region.dataset.every) setInterval(() => document.hidden || changed(), Number(region.dataset.every) * 1000);
  addEventListener("pagehide", stop);
  addEventListener("pageshow", (event) => event.persisted && (mayStream ? connect() : poll()));
}
