// The meeting's keyboard: in the row that has the focus "1" to "4" choose a priority and lead to its reason, "r" says
// that it is refined. "j" and "k" are rows.js's. Never while somebody is typing.

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target.matches("textarea, select, input:not([type=radio])")) return;
  const row = document.activeElement?.closest("[data-row]") ?? document.querySelector(".refine__row--here");
  const form = row?.querySelector("[data-refine]");
  if (!form) return;
  const chosen = form.querySelector(`[data-digit="${CSS.escape(event.key)}"]`);
  if (chosen) {
    event.preventDefault();
    chosen.checked = true;
    form.elements.reason.focus();
  } else if (event.key === "r") {
    event.preventDefault();
    form.requestSubmit(form.querySelector("[data-refined]"));
  }
});
