// Copy buttons. They are hidden until this script runs, because without it they could do nothing.

const SHOWN_MS = 2000;

function reveal(root) {
  for (const button of root.querySelectorAll("[data-copy][hidden]")) button.hidden = false;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.dataset.copied = "yes";
    button.setAttribute("aria-label", "Copied");
  } catch {
    button.setAttribute("aria-label", "Copying is not allowed here; select the text instead");
    button.title = button.getAttribute("aria-label");
  }
  setTimeout(() => {
    delete button.dataset.copied;
    button.removeAttribute("aria-label");
  }, SHOWN_MS);
});

reveal(document);
for (const news of ["htmx:load", "portal:new"]) {
  document.addEventListener(news, (event) => reveal(event.target.parentElement ?? event.target));
}
