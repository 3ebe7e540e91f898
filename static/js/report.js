// The report form answers in its place: what went wrong is read first, as on a page that was loaded. What was typed is
// not lost: not when the portal does not answer, and not when one has to sign in again (kept for this tab alone).

const KEPT = "opsportal-report";
const form = () => document.getElementById("report");
const isOurs = (event) => (event.detail.requestConfig?.elt ?? event.detail.elt)?.id === "report";

function keep() {
  const typed = [...new FormData(form())].filter(([name, value]) => typeof value === "string" && name !== "csrfmiddlewaretoken");
  sessionStorage.setItem(KEPT, JSON.stringify(typed));
}

function restore() {
  const typed = JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");
  sessionStorage.removeItem(KEPT);
  const known = new Map(typed);
  if (!known.size || !form()) return;
  for (const field of form().elements) {
    if (field.type === "checkbox" || field.type === "radio") field.checked = known.get(field.name) === field.value;
    else if (field.type !== "file" && known.has(field.name)) field.value = known.get(field.name);
  }
}

function say(words) {
  const trouble = form()?.querySelector("[data-trouble]");
  if (!trouble) return;
  trouble.hidden = false;
  trouble.querySelector("p").textContent = words;
  trouble.focus();
}

document.body.addEventListener("htmx:afterSwap", (event) => {
  if (isOurs(event)) document.querySelector("#report [data-focus]")?.focus();
});
document.body.addEventListener("htmx:beforeOnLoad", (event) => {
  if (isOurs(event) && event.detail.xhr.status === 401) keep();
});
document.body.addEventListener("htmx:responseError", (event) => {
  if (!isOurs(event) || event.detail.xhr.status === 401) return;
  say(`The portal answered ${event.detail.xhr.status}. Nothing that you typed is lost: send it again, or copy it and load this page anew.`);
});
document.body.addEventListener("htmx:sendError", (event) => {
  if (isOurs(event)) say("The portal did not answer. Nothing that you typed is lost: send it again.");
});

restore();
