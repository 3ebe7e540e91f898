// The report form answers in its place: what went wrong is read first, as on a page that was loaded.
document.body.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.requestConfig?.elt.id === "report") document.querySelector("#report [data-focus]")?.focus();
});
