// Keys press the buttons of the page, wherever the focus is, except where somebody writes.
(() => {
  const buttons = {
    k: "keep", d: "drop", u: "unsure", r: "relabel-button", z: "undo", backspace: "undo",
    arrowleft: "previous", arrowright: "next",
  };
  const busy = (element, key) =>
    element.closest("input, textarea, select, [contenteditable=true]") ||
    (key.startsWith("arrow") && element.closest("[role=tab]"));
  // Readers of the screen say where one is, whenever that changes.
  document.addEventListener("focusin", () =>
    document.getElementById("place")?.setAttribute("aria-live", "polite"));
  document.addEventListener("keydown", (event) => {
    const key = event.key.toLowerCase();
    if (key === "escape") document.activeElement?.blur();
    const button = document.getElementById(buttons[key]);
    const away = !button || button.offsetParent === null;  // not on the page now
    if (away || event.ctrlKey || event.metaKey || event.altKey || busy(event.target, key)) return;
    event.preventDefault();
    // Nobody decides by leaning on a key, nor on a picture that is not there yet.
    const picture = document.querySelector("#picture img");
    const blind = event.repeat || (picture && !picture.complete);
    if (blind && !key.startsWith("arrow")) return;
    button.click();
  });
})();
