
"use strict";
// Sorting: a click on the button in a column's head; numbers by value, dates and text in order, empty cells last.
function sortBy(head) {
  const table = head.closest("table");
  const column = [...head.parentElement.children].indexOf(head);
  const direction = head.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
  for (const other of table.querySelectorAll("th[aria-sort]")) other.setAttribute("aria-sort", "none");
  head.setAttribute("aria-sort", direction);
  const key = (row) => {
    const cell = row.cells[column];
    return cell.dataset.sort ?? cell.textContent.trim();
  };
  const compare = (a, b) => {
    if (a === "" || b === "") return (a === "") - (b === "");
    const numeric = !isNaN(a) && !isNaN(b);
    const order = numeric ? a - b : a.localeCompare(b, "en", { numeric: true });
    return direction === "ascending" ? order : -order;
  };
  const body = table.tBodies[0];
  body.append(...[...body.rows].sort((a, b) => compare(key(a), key(b))));
}
for (const button of document.querySelectorAll("th[aria-sort] > button")) {
  button.addEventListener("click", () => sortBy(button.parentElement));
}

// A link to a part that is folded opens it.
function unfold() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let part = target; part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
}
addEventListener("hashchange", unfold);
unfold();

// Time runs to the right: of what is wider than the window, the newest is shown first.
for (const table of document.querySelectorAll("table.heat")) table.parentElement.scrollLeft = table.scrollWidth;

// Paper cannot be unfolded.
let folded = [];
addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("details:not([open])")];
  for (const part of folded) part.open = true;
});
addEventListener("afterprint", () => {
  for (const part of folded) part.open = false;
});
