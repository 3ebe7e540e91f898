// The three buttons in the footer: auto, light, dark. The choice stays on this browser.

const choice = document.querySelector("[data-theme-choice]");

function show(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  for (const button of choice.querySelectorAll("[data-theme-set]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeSet === theme));
  }
}

if (choice) {
  choice.hidden = false;
  show(document.documentElement.dataset.theme ?? "auto");
  choice.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-set]");
    if (!button) return;
    show(button.dataset.themeSet);
    try {
      localStorage.setItem("theme", button.dataset.themeSet);
    } catch {
      // Not kept then; it still holds for this page.
    }
  });
}
