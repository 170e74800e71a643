"use strict";
(() => {
  const read = (id) => JSON.parse(document.getElementById(id)?.textContent ?? "null");
  const views = {};

  async function draw(place) {
    const spec = read(`spec-${place.dataset.chart}`);
    // The interpreter runs no code made from strings: the page's security policy allows none.
    const drawn = await vegaEmbed(place, spec, {
      renderer: "svg", actions: false, ast: true, tooltip: { theme: "custom" },
    });
    views[place.dataset.chart] = drawn.view;
    place.dataset.drawn = "yes";
  }

  const words = read("words") ?? {};
  const panel = document.getElementById("word");
  const input = document.getElementById("search");

  function listed(title, names, others, kind) {
    const block = document.createElement("div");
    const heading = document.createElement("p");
    heading.textContent = title;
    heading.className = "quiet";
    const list = document.createElement("ul");
    for (const name of names) {
      const item = document.createElement("li");
      if (!others.includes(name)) item.className = kind;
      const button = document.createElement("button");
      button.type = "button";
      const bdi = document.createElement("bdi");
      bdi.textContent = name;
      button.append(bdi);
      button.addEventListener("click", () => { input.value = name; look(name); });
      item.append(button);
      list.append(item);
    }
    block.append(heading, list);
    return block;
  }

  function tell(word, known) {
    const line = document.createElement("p");
    const name = document.createElement("bdi");
    const strong = document.createElement("b");
    strong.textContent = word;
    name.append(strong);
    line.append(name);
    if (!known) {
      line.append(" is not among the words that this report keeps. ");
      return [line];
    }
    line.append(
      `: ${known.count.toLocaleString("en")} times in the training rows, cosine of before and after ` +
      `${known.cosine === null ? "not defined" : known.cosine.toFixed(3)}.`);
    if (!known.before) {
      line.append(" It is not among the words that moved most; their neighbours alone are kept.");
      return [line];
    }
    const both = document.createElement("div");
    both.className = "neighbours";
    both.append(
      listed("Neighbours before (dashed: gone)", known.before, known.after, "gone"),
      listed("Neighbours after (outlined: new)", known.after, known.before, "new"));
    return [line, both];
  }

  let labelled = null;
  function look(wanted) {
    const word = wanted.trim();
    const known = Object.hasOwn(words, word) ? words[word] : undefined;
    panel.replaceChildren(...(word ? tell(word, known) : []));
    const map = views["vocabulary-map"];
    if (!map) return;
    labelled ??= map.signal("shown");
    if (!word) suggest();
    const near = known?.before ? [...new Set([...known.before, ...known.after])] : [];
    map.signal("chosen", known ? word : "").signal("shown", known ? near : labelled).runAsync();
  }

  // Until somebody asks, the words that turned most are offered.
  function suggest() {
    const offered = read("offered") ?? [];
    if (!offered.length) return;
    const block = listed("Among those that moved most:", offered, offered, "");
    block.className = "neighbours single";
    panel.replaceChildren(block);
  }

  async function start() {
    if (panel) suggest();
    await Promise.all([...document.querySelectorAll("[data-chart]")].map(draw));
    const map = views["vocabulary-map"];
    if (map && input) {
      input.addEventListener("input", () => {
        if (!input.value.trim() || Object.hasOwn(words, input.value.trim())) look(input.value);
      });
      input.addEventListener("change", () => look(input.value));
      map.addEventListener("click", (_, item) => {
        if (item?.datum?.word) { input.value = item.datum.word; look(input.value); }
      });
      const slider = document.getElementById("when");
      slider.addEventListener("input", () => map.signal("t", Number(slider.value)).runAsync());
    }
    document.documentElement.dataset.ready = "yes";
  }
  if (document.querySelector("[data-chart]")) start();
  else document.documentElement.dataset.ready = "yes";
  // On paper, what is folded away is shown: tables that belong to charts aside.
  addEventListener("beforeprint", () => {
    for (const map of [views["vocabulary-map"]]) map?.signal("t", 1).run();
  });
})();
