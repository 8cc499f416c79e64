"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const cards = [...document.querySelectorAll("article[data-turn]")];
  const wanted = { turn: "", bucket: "", words: [] };
  const shown = document.getElementById("shown");
  const none = document.getElementById("none");
  const text = new Map();

  function element(name, className, content) {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (content !== undefined) made.textContent = content;
    return made;
  }

  // The text in pieces, cut wherever a mark begins or ends: marks may overlap.
  function marked(passage, marks) {
    const body = element("p", "text");
    if (passage.before) body.append(element("span", "cut", `[${passage.before} characters before] …`));
    const letters = Array.from(passage.text); // offsets count characters, not halves of them
    const cuts = [...new Set([0, letters.length, ...marks.flatMap(([start, end]) => [start, end])])].sort((a, b) => a - b);
    for (let i = 0; i + 1 < cuts.length; i++) {
      const piece = letters.slice(cuts[i], cuts[i + 1]).join("");
      const labels = [...new Set(marks.filter(([start, end]) => start <= cuts[i] && cuts[i + 1] <= end).map((mark) => mark[2]))];
      if (!labels.length) { body.append(piece); continue; }
      const expected = labels.includes("expected");
      const made = element("mark", expected ? (labels.length > 1 ? "both" : "expected") : "said", piece);
      const who = labels.filter((label) => label !== "expected");
      made.title = [expected ? "the expected answer" : "", who.length ? `said by ${who.join(", ")}` : ""].filter(Boolean).join("; ");
      body.append(made);
    }
    if (passage.after) body.append(element("span", "cut", `… [${passage.after} characters after]`));
    return body;
  }

  function fill(details, number) {
    if (details.dataset.filled) return;
    details.dataset.filled = "yes";
    for (const place of data.served[number]) {
      const passage = data.passages[place.passage];
      const box = element("section", place.right ? "passage right" : "passage");
      const head = element("h4");
      head.append(element("span", "", passage.title || passage.document), " ", element("span", "mono soft", passage.document));
      const ranks = data.systems.filter((name) => place.ranks[name]).map((name) => `${name}: [${place.ranks[name]}]`);
      const line = element("p", "small soft");
      if (place.right) line.append(element("strong", "rightly", "✓ right document"), ranks.length ? " · " : " · shown to none of them");
      line.append(ranks.join(" · "));
      if (place.beyond) line.append(" · a place with the answer lies beyond the piece shown");
      box.append(head, line, marked(passage, place.marks));
      details.append(box);
    }
    if (!data.served[number].length) details.append(element("p", "small soft", "No passage was found."));
  }

  function apply() {
    let count = 0;
    for (const card of cards) {
      let fits = (!wanted.turn || card.dataset.turn === wanted.turn) && (!wanted.bucket || card.dataset.bucket === wanted.bucket);
      if (fits && wanted.words.length) {
        if (!text.has(card)) text.set(card, card.querySelector(".searched").textContent.toLowerCase());
        fits = wanted.words.every((word) => text.get(card).includes(word));
      }
      card.hidden = !fits;
      count += fits;
    }
    shown.textContent = `${count} of ${cards.length} questions shown`;
    none.hidden = count > 0;
  }

  for (const group of document.querySelectorAll("[data-filter]")) {
    group.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      wanted[group.dataset.filter] = button.value;
      for (const one of group.querySelectorAll("button")) one.setAttribute("aria-pressed", String(one === button));
      apply();
    });
  }
  document.getElementById("words").addEventListener("input", (event) => {
    wanted.words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    apply();
  });
  const opened = (details) => fill(details, Number(details.dataset.number));
  document.addEventListener("toggle", (event) => {
    if (event.target.matches("details[data-number]") && event.target.open) opened(event.target);
  }, true);
  document.querySelectorAll("details[data-number][open]").forEach(opened); // as a reloaded page has them
  document.getElementById("filters").hidden = false;
  apply();
})();
