"use strict";
// The page works without this: it only filters, and opens what is folded before printing.
(() => {
  const form = document.getElementById("filters");
  const rows = [...document.querySelectorAll("#cards tbody tr")];
  const sections = [...document.querySelectorAll("section.host")];
  const text = document.getElementById("filter-text");
  const verdict = document.getElementById("filter-verdict");
  const trouble = document.getElementById("filter-trouble");
  const count = document.getElementById("filter-count");
  if (!form || !text || !verdict || !trouble || !count) return;
  form.hidden = false;

  const apply = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const hosts = new Set();
    let shown = 0;
    for (const row of rows) {
      const content = row.textContent.toLowerCase();
      const fits =
        words.every((word) => content.includes(word)) &&
        (verdict.value === "" || row.dataset.verdict === verdict.value) &&
        (!trouble.checked || row.dataset.trouble === "yes");
      row.hidden = !fits;
      if (fits) {
        shown += 1;
        hosts.add(row.dataset.host);
      }
    }
    for (const section of sections) section.hidden = !hosts.has(section.dataset.host);
    count.textContent = `${shown} of ${rows.length} ${rows.length === 1 ? "card" : "cards"}`;
  };

  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  // the fields have their old values until the reset is through
  form.addEventListener("reset", () => setTimeout(apply));
  apply();

  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    for (const details of opened) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of opened) details.open = false;
  });
})();
