// The switches above the output: wrap, times and follow. What was chosen is kept in this browser.

function remember(name, value) {
  try {
    if (value === undefined) return localStorage.getItem(`output-${name}`) === "yes";
    localStorage.setItem(`output-${name}`, value ? "yes" : "no");
  } catch {
    // Not kept then.
  }
  return value;
}

export function toggles(view) {
  for (const button of view.root.querySelectorAll("[data-toggle]")) {
    const name = button.dataset.toggle;
    const set = (on) => view.rearrange(() => {
      button.setAttribute("aria-pressed", String(on));
      view.root.classList.toggle(`output--${name}`, on);
      view.container.style.minWidth = "";
    });
    button.hidden = false;
    if (remember(name)) set(true);
    button.addEventListener("click", () => set(remember(name, button.getAttribute("aria-pressed") !== "true")));
  }
  const follow = view.root.querySelector("[data-follow-button]");
  follow.hidden = false;
  follow.addEventListener("click", () => view.follow(!view.following));
  view.root.addEventListener("output:following", (event) => {
    follow.setAttribute("aria-pressed", String(event.detail));
  });
}
