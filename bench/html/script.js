"use strict";

// Numbers by their value, words by the alphabet; cells without a value stay last.
function compare(a, b, direction) {
  if (a.number !== null && b.number !== null) return direction * (a.number - b.number);
  if (a.number !== null) return -1;
  if (b.number !== null) return 1;
  return direction * a.text.localeCompare(b.text, "en", { numeric: true });
}

function sortBy(header) {
  const direction = header.getAttribute("aria-sort") === "ascending" ? -1 : 1;
  const table = header.closest("table");
  for (const other of table.tHead.rows[0].cells) other.setAttribute("aria-sort", "none");
  header.setAttribute("aria-sort", direction === 1 ? "ascending" : "descending");
  const body = table.tBodies[0];
  const keyed = Array.from(body.rows, (row) => {
    // A row that only says why it failed has one wide cell.
    const cell = row.cells[header.cellIndex];
    const number = cell?.dataset.sort ? Number(cell.dataset.sort) : null;
    return { row, number, text: cell?.textContent ?? "" };
  });
  keyed.sort((a, b) => compare(a, b, direction));
  body.append(...keyed.map((entry) => entry.row));
}

for (const button of document.querySelectorAll("thead button")) {
  button.addEventListener("click", () => sortBy(button.closest("th")));
}

const root = document.documentElement;
const toggle = document.getElementById("theme");
const systemDark = window.matchMedia("(prefers-color-scheme: dark)");

function isDark() {
  return root.dataset.theme ? root.dataset.theme === "dark" : systemDark.matches;
}

function nameToggle() {
  toggle.textContent = isDark() ? "Light" : "Dark";
  toggle.setAttribute("aria-label", isDark() ? "Use light colours" : "Use dark colours");
}

toggle.addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  nameToggle();
});
systemDark.addEventListener("change", nameToggle);
nameToggle();
toggle.hidden = false;

// What is folded would be missing on paper.
let opened = [];
window.addEventListener("beforeprint", () => {
  opened = Array.from(document.querySelectorAll("details:not([open])"));
  for (const details of opened) details.open = true;
});
window.addEventListener("afterprint", () => {
  for (const details of opened) details.open = false;
});
