// The page of all runs: search, and two ticks that make a comparison.
(() => {
  "use strict";
  const rows = [...document.querySelectorAll("[data-item]")];
  const search = document.getElementById("search");
  search.addEventListener("input", () => {
    const wanted = search.value.toLowerCase();
    for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
  });
  const button = document.getElementById("compare");
  if (!button) return;
  const ticked = [];
  for (const box of document.querySelectorAll("[data-compare]")) {
    box.addEventListener("change", () => {
      const at = ticked.indexOf(box.dataset.compare);
      if (at >= 0) ticked.splice(at, 1);
      if (box.checked) ticked.push(box.dataset.compare);
      button.disabled = ticked.length !== 2;
    });
  }
  button.addEventListener("click", () => location.assign(`compare.html?${new URLSearchParams({ a: ticked[0], b: ticked[1] })}`));
})();
