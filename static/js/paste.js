// A screenshot that is pasted anywhere in a form goes into that form's file field ([data-paste]), beside what is there.
// [data-paste-words] of the form says what was taken. Pasted text stays text.

const NAMES = { "image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp" };

function named(file) {
  const moment = new Date().toISOString().slice(0, 19).replace(/[:T]/g, "-");
  return new File([file], `screenshot-${moment}.${NAMES[file.type]}`, { type: file.type });
}

function size(bytes) {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function tell(form, field) {
  const words = form.querySelector("[data-paste-words]");
  if (!words) return;
  words.textContent = [...field.files].map((each) => `${each.name} (${size(each.size)})`).join(", ");
}

document.addEventListener("paste", (event) => {
  const form = event.target.closest?.("form");
  const field = form?.querySelector("input[type=file][data-paste]");
  const pictures = [...(event.clipboardData?.files ?? [])].filter((each) => each.type in NAMES);
  if (!field || !pictures.length) return;
  event.preventDefault();
  const all = new DataTransfer();
  for (const each of [...field.files, ...pictures.map(named)]) all.items.add(each);
  field.files = all.files;
  tell(form, field);
});

document.addEventListener("change", (event) => {
  if (event.target.matches("input[type=file][data-paste]")) tell(event.target.form, event.target);
});
