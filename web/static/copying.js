// A field that is there to be copied is chosen whole as it gets the focus, and has a button where browsers let pages copy.
"use strict";
for (const field of document.querySelectorAll("input[data-copied]")) {
  const choose = () => field.select();
  field.addEventListener("focus", choose);
  if (document.activeElement === field) choose();
  if (!navigator.clipboard) continue; // a page that came over plain http from another machine
  const row = document.createElement("div");
  row.className = "row";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet";
  button.textContent = "Copy";
  const said = document.createElement("span");
  said.setAttribute("role", "status");
  row.append(button, said);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(field.value);
      said.textContent = "Copied.";
    } catch {
      field.focus();
      said.textContent = "The browser does not let pages copy; the link is chosen, so copy it by the keyboard.";
    }
  });
  field.closest("p").after(row);
}
