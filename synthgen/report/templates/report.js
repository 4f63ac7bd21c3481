"use strict";
// Two conveniences over a page that works without: filter the pictures by pose family, enlarge one of them.
(() => {
  const cards = [...document.querySelectorAll(".card")];
  const dialog = document.querySelector("dialog");
  const heading = dialog.querySelector("h2");
  const place = dialog.querySelector(".large");
  const filter = document.querySelector("#family");
  const found = document.querySelector("#found");
  let current = 0;

  const shown = () => cards.filter((card) => !card.hidden);

  function show(index) {
    const list = shown();
    current = (index + list.length) % list.length;
    const card = list[current];
    const views = card.querySelector(".views").cloneNode(true);
    const facts = card.querySelector(".facts").cloneNode(true);
    place.replaceChildren(views, facts);
    heading.textContent = card.dataset.key;
    dialog.scrollTop = 0;
  }

  for (const card of cards) {
    card.querySelector(".open").addEventListener("click", () => {
      show(shown().indexOf(card));
      dialog.showModal();
    });
  }
  dialog.querySelector("#previous").addEventListener("click", () => show(current - 1));
  dialog.querySelector("#next").addEventListener("click", () => show(current + 1));
  dialog.querySelector("#close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") show(current - 1);
    if (event.key === "ArrowRight") show(current + 1);
  });
  dialog.addEventListener("close", () => shown()[current].querySelector(".open").focus());

  filter.addEventListener("change", () => {
    for (const card of cards) {
      const families = card.dataset.families.split(" ");
      card.hidden = filter.value !== "" && !families.includes(filter.value);
    }
    found.textContent = `${shown().length} of ${cards.length} pictures`;
  });
  document.documentElement.dataset.ready = "yes";
})();
