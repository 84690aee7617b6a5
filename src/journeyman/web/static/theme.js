// Sets the colours before anything is painted: light, dark, or as the system has it.
(() => {
  "use strict";
  let kept = null;
  try { kept = localStorage.getItem("journeyman-theme"); } catch { /* a reader without storage */ }
  if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
})();
