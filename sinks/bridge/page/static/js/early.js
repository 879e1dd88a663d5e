// Before the first paint: the theme that was chosen last, so that nothing flashes.
(function () {
  "use strict";
  let theme = null;
  try {
    theme = localStorage.getItem("quantiva.theme");
  } catch { /* storage may be off */ }
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
})();
