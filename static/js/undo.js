// A form with data-undo="10" is sent ten seconds after the click, and can be taken back until then.
// Without scripts it is sent at once. Leaving the page takes it back: nothing happens unseen.

function toasts() {
  const found = document.querySelector(".toasts");
  if (found) return found;
  const made = document.createElement("div");
  made.className = "toasts";
  made.setAttribute("role", "status");
  document.body.append(made);
  return made;
}

function hold(form, submitter) {
  const until = Date.now() + Number(form.dataset.undo) * 1000;
  const toast = document.createElement("div");
  const words = document.createElement("span");
  const undo = document.createElement("button");
  toast.className = "toast";
  undo.type = "button";
  undo.textContent = "Undo";
  toast.append(words, undo);
  toasts().append(toast);
  words.textContent = form.dataset.undoWords ?? "This will be done in a moment.";
  undo.focus();
  submitter?.setAttribute("disabled", "");

  const timer = setInterval(() => {
    const left = Math.ceil((until - Date.now()) / 1000);
    undo.textContent = `Undo (${Math.max(0, left)} s)`;
    if (left <= 0) finish(true);
  }, 250);

  function finish(send) {
    clearInterval(timer);
    toast.remove();
    submitter?.removeAttribute("disabled");
    submitter?.focus();
    if (send) form.submit();
  }
  undo.addEventListener("click", () => finish(false));
}

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-undo]");
  if (!form) return;
  event.preventDefault();
  hold(form, event.submitter);
});
