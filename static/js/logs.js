// The pages of an environment's log: addresses without empty parts.

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
