// The pages of an environment's log: times in the viewer's own zone, and addresses without empty parts.

// The server writes times in the zone that the cookie names. The first time, or after a journey, the page is loaded again.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const written = document.querySelector("[data-zone]")?.dataset.zone;
const kept = /(?:^|; )zone=([^;]*)/.exec(document.cookie)?.[1];
if (zone && kept !== zone) {
  document.cookie = `zone=${zone}; path=/; max-age=31536000; samesite=lax`;
  if (written && written !== zone && document.cookie.includes(`zone=${zone}`)) location.reload();
}

for (const form of document.querySelectorAll("[data-log-form]")) {
  const range = form.elements.range;
  for (const field of form.querySelectorAll("[data-exact-time]")) {
    field.addEventListener("input", () => { if (range) range.value = "exact"; });
  }
  form.addEventListener("submit", () => {
    const exact = !range || range.value === "exact";
    const empty = [...form.elements].filter((each) => each.name && (!each.value || (!exact && "exactTime" in each.dataset)));
    for (const each of empty) each.disabled = true;
    setTimeout(() => empty.forEach((each) => { each.disabled = false; }));
  });
}
