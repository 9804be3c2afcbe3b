// Keys press the buttons of the page, wherever the focus is, except where somebody writes.
(() => {
  const buttons = {
    k: "keep", d: "drop", u: "unsure", r: "relabel-button", z: "undo", Backspace: "undo",
    ArrowLeft: "previous", ArrowRight: "next",
  };
  const writes = (e) => e.closest("input, textarea, select, [contenteditable=true], [role=tab]");
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && document.activeElement) document.activeElement.blur();
    const id = buttons[event.key];
    if (!id || event.ctrlKey || event.metaKey || event.altKey || writes(event.target)) return;
    const button = document.getElementById(id);
    const picture = document.querySelector("#picture img");
    if (!button || button.offsetParent === null) return;  // not on the page now
    event.preventDefault();
    // Nobody decides by leaning on a key, nor on a picture that is not there yet.
    if (!id.match(/previous|next/) && (event.repeat || (picture && !picture.complete))) return;
    button.click();
  });
})();
