() => {
  // gradio names each radio button differently, and anew when it draws them again: browsers then
  // see no group, and the arrow keys, which go through a group, do nothing.
  document.querySelectorAll("fieldset").forEach((group, number) => {
    const join = () => group.querySelectorAll("input[type=radio]").forEach((button) => {
      if (button.name !== `one-of-${number}`) button.name = `one-of-${number}`;
    });
    new MutationObserver(join).observe(group, {
      subtree: true, childList: true, attributes: true, attributeFilter: ["name"],
    });
    join();
  });
}
