// The page of a rollout: turns to read, as raw text in their template, or as tokens with what training sees.
(() => {
  "use strict";
  const app = window.journeyman;
  const { make, data } = app;
  const $ = (id) => document.getElementById(id);
  const turns = [...document.querySelectorAll(".turn")];

  // The rollouts before and after, in the order that the table had.
  try {
    const order = JSON.parse(sessionStorage.getItem("journeyman-order") || "[]");
    const own = decodeURIComponent(location.pathname.split("/").pop().replace(/\.html$/, ""));
    const at = order.indexOf(own);
    const head = document.querySelector(".steps");
    if (at >= 0 && head) {
      const link = (key, rel, label, sign) => (key ? make("a", { rel, href: `${encodeURIComponent(key)}.html`, "aria-label": label }, sign) : null);
      head.replaceChildren(...[link(order[at - 1], "prev", "The rollout before", "←"), " ", link(order[at + 1], "next", "The rollout after", "→")].filter(Boolean));
    }
  } catch { /* the order of the file holds */ }

  if (!data) { document.documentElement.dataset.ready = "yes"; return; }
  const tokens = data.tokens;
  const versions = [...new Set((tokens.turns || []).map((it) => it.version).filter(Boolean))];

  // --- raw ---------------------------------------------------------------------------------
  const drawRaw = (turn) => {
    const raw = data.raw[turn.dataset.turn - 1];
    const place = turn.querySelector(".raw");
    if (place.childElementCount) return;
    const pre = make("pre", { class: "text", tabindex: "0" });
    pre.append(make("span", { class: "given", title: "given to the model" }, raw.prompt));
    const drawn = make("span", { class: "drawn", title: "written by the model" });
    let at = 0;
    for (const [start, end, kind] of raw.errors) {
      if (start < at || end > raw.completion.length) continue;
      drawn.append(raw.completion.slice(at, start), make("mark", { title: `format error: ${kind}` }, raw.completion.slice(start, end)));
      at = end;
    }
    drawn.append(raw.completion.slice(at));
    pre.append(drawn);
    const parts = [pre];
    if (raw.is_rewritten) parts.unshift(make("p", { class: "notice" }, "The template rewrote what came before: this prompt is whole again."));
    if (raw.note) parts.unshift(make("p", { class: "notice" }, raw.note));
    if (raw.whole) parts.push(make("p", { class: "more" }, make("a", { href: `${location.pathname.split("/").pop().replace(/\.html$/, "")}/text/${raw.whole}.txt` }, "the whole text")));
    place.replaceChildren(make("p", { class: "key" }, make("span", { class: "given" }, "given to the model"), " ", make("span", { class: "drawn" }, "written by the model")), ...parts);
  };

  // --- tokens ------------------------------------------------------------------------------
  const shadeOf = (by, token) => {
    if (by === "mask") return token.trained ? "shade-good-3" : "shade-none";
    if (!token.drawn) return "shade-none";
    if (by === "version") return `shade-v${versions.indexOf(token.version) % 6}`;
    if (by === "advantage") {
      if (tokens.advantage === null || !token.trained) return "shade-none";
      const size = Math.min(3, Math.ceil(Math.abs(tokens.advantage) * 2));
      return tokens.advantage === 0 ? "shade-none" : `shade-${tokens.advantage > 0 ? "good" : "bad"}-${size}`;
    }
    if (token.logprob === null || token.logprob === undefined) return "shade-none";
    return `shade-cold-${Math.min(5, Math.floor(-token.logprob / 1.5))}`;
  };

  const describe = (token) => [
    token.text === null ? "text unknown" : `“${token.text}”`,
    `id ${token.id}`,
    token.drawn ? "drawn by the model" : "given",
    token.trained ? "in the loss" : "masked out of the loss",
    token.logprob === null || token.logprob === undefined ? "log-probability not told" : `log-probability ${token.logprob.toFixed(3)} (p = ${Math.exp(token.logprob).toPrecision(3)})`,
    token.trained && tokens.advantage !== null ? `advantage ${tokens.advantage}` : "no advantage",
    token.version ? `policy ${token.version}` : "no policy version",
  ].join(" · ");

  const listOf = (turn) => {
    const it = tokens.turns[turn.dataset.turn - 1];
    const given = it.given.map(([id, text]) => ({ id, text, drawn: false, trained: false, logprob: null, version: "" }));
    const drawn = it.drawn.map(([id, text], at) => ({ id, text, drawn: true, trained: tokens.is_trained, logprob: it.logprobs[at] ?? null, version: it.version }));
    return [it, given.concat(drawn)];
  };

  const show = (token) => {
    const detail = $("token-detail");
    detail.hidden = false;
    detail.textContent = describe(token);
  };

  const drawTokens = (turn) => {
    const place = turn.querySelector(".tokens");
    const by = $("shade").value;
    if (place.dataset.by === by) return;
    place.dataset.by = by;
    const [it, list] = listOf(turn);
    const box = make("div", { class: "strip-of-tokens", tabindex: "0", role: "group", "aria-label": `Tokens of turn ${turn.dataset.turn}; arrow keys go from one to the next` });
    list.forEach((token, at) => {
      const text = token.text === null ? String(token.id) : token.text.replaceAll("\n", "⏎\n").replaceAll("\t", "⇥\t");
      const classes = ["token", shadeOf(by, token), token.drawn ? "is-drawn" : "is-given", token.trained ? "is-trained" : "is-masked", token.text === null ? "is-id" : ""];
      box.append(make("span", { class: classes.join(" ").trim(), "data-at": at }, text));
    });
    let current = -1;
    const go = (to) => {
      if (to < 0 || to >= list.length) return;
      box.children[current]?.classList.remove("here");
      current = to;
      box.children[current].classList.add("here");
      box.children[current].scrollIntoView({ block: "nearest" });
      show(list[current]);
    };
    box.addEventListener("pointerover", (event) => { const at = event.target.dataset?.at; if (at !== undefined) show(list[at]); });
    box.addEventListener("click", (event) => { const at = event.target.dataset?.at; if (at !== undefined) go(Number(at)); });
    box.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (by) { event.preventDefault(); event.stopPropagation(); go(current + by); }
    });
    const parts = [box];
    if (it.is_rewritten) parts.unshift(make("p", { class: "notice" }, "These tokens do not extend the turn before: the whole prompt again."));
    if (it.num_given_left) parts.unshift(make("p", { class: "muted" }, `${it.num_given_left} tokens before these are not shown.`));
    if (it.num_drawn_left) parts.push(make("p", { class: "muted" }, `${it.num_drawn_left} more tokens are not shown.`));
    if (!list.length) parts.push(make("p", { class: "muted" }, "No tokens are known of this turn."));
    place.replaceChildren(...parts);
  };

  // --- which of the three ------------------------------------------------------------------
  let view = "read";
  const drawing = { raw: drawRaw, tokens: (turn) => { if (tokens.turns.length) drawTokens(turn); } };
  // Only what is near the window is made; a rollout may have hundreds of turns.
  const near = new IntersectionObserver((seen) => {
    for (const it of seen) if (it.isIntersecting) drawing[view]?.(it.target);
  }, { rootMargin: "1200px" });

  const choose = (next) => {
    view = next;
    for (const button of document.querySelectorAll("[data-view]")) button.setAttribute("aria-pressed", String(button.dataset.view === view));
    for (const turn of turns) {
      for (const name of ["read", "raw", "tokens"]) turn.querySelector(`.${name}`).hidden = name !== view;
    }
    $("token-bar").hidden = view !== "tokens";
    $("token-detail").hidden = true;
    if (view === "tokens") $("token-notes").textContent = tokens.notes.join(" ");
    near.disconnect();
    if (drawing[view]) for (const turn of turns) near.observe(turn);
    const hash = new URLSearchParams(location.hash.startsWith("#view=") ? location.hash.slice(1) : "");
    if (view === "read" ? hash.has("view") : true) {
      try { history.replaceState(null, "", view === "read" ? "#turns" : `#view=${view}`); } catch { /* the address stays */ }
    }
  };
  for (const button of document.querySelectorAll("[data-view]")) button.addEventListener("click", () => choose(button.dataset.view));
  $("shade").addEventListener("change", () => { near.disconnect(); for (const turn of turns) near.observe(turn); });
  Object.assign(app.keys, { 1: () => choose("read"), 2: () => choose("raw"), 3: () => choose("tokens") });
  const asked = new URLSearchParams(location.hash.slice(1)).get("view");
  if (asked === "raw" || asked === "tokens") { choose(asked); $("turns").scrollIntoView(); }
  document.documentElement.dataset.ready = "yes";
})();
