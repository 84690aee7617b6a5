// What every page has: data, safe text, keys, folds, copying, colours. Texts are only ever set as text.
(() => {
  "use strict";
  const journeyman = (window.journeyman = {});
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

  const block = document.getElementById("data");
  journeyman.data = block ? JSON.parse(block.textContent) : null;
  journeyman.isStatic = document.body.dataset.static === "yes";

  // --- safe text ---------------------------------------------------------------------------
  const hidden = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]/g;
  const pairs = /[\ud800-\udbff][\udc00-\udfff]/g;
  const controls = "NUL SOH STX ETX EOT ENQ ACK BEL BS HT LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US".split(" ");
  const spell = (char) => {
    const code = char.charCodeAt(0);
    if (code < 32) return `⟨${controls[code]}⟩`;
    if (code === 127) return "⟨DEL⟩";
    return `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
  };
  journeyman.visible = (text) => {
    const whole = String(text);
    if (!/[\ud800-\udfff]/.test(whole)) return whole.replace(hidden, spell);
    let out = "", at = 0;
    for (const pair of whole.matchAll(pairs)) {
      out += whole.slice(at, pair.index).replace(hidden, spell) + pair[0];
      at = pair.index + 2;
    }
    return out + whole.slice(at).replace(hidden, spell);
  };

  journeyman.make = (name, attributes = {}, ...children) => {
    const svg = ["svg", "path", "line", "rect", "text", "g", "circle", "title", "polyline"].includes(name);
    const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (value === null || value === undefined || value === false) continue;
      made.setAttribute(key, value === true ? "" : String(value));
    }
    made.append(...children.filter((it) => it !== null && it !== undefined));
    return made;
  };

  // --- figures -----------------------------------------------------------------------------
  journeyman.compact = (value) => {
    if (value === null || value === undefined) return "";
    const size = Math.abs(value);
    for (const [unit, of] of [["G", 1e9], ["M", 1e6], ["k", 1e3]]) {
      if (size >= of * 0.99995) return `${Number((value / of).toPrecision(3))} ${unit}`;
    }
    if (size && size < 1e-3) return value.toExponential(2).replace(/\.?0+e/, "e");
    return String(Number.isInteger(value) ? value : Number(value.toPrecision(3)));
  };
  journeyman.duration = (seconds) => {
    if (!Number.isFinite(seconds)) return "";
    if (seconds < 60) return seconds < 10 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds)} s`;
    const minutes = Math.floor(seconds / 60);
    if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`;
    return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  };
  journeyman.marks = { solved: "✓", unsolved: "✗", failed: "!" };
  journeyman.words = { failed: "left out" };
  journeyman.badge = (outcome) =>
    journeyman.make("span", { class: `badge is-${outcome}` },
      journeyman.make("span", { "aria-hidden": "true" }, journeyman.marks[outcome] || "•"),
      ` ${journeyman.words[outcome] || outcome}`);

  const states = { running: "▶", draining: "▶", finished: "■", failed: "!" };
  journeyman.showState = (value) => {
    const state = document.getElementById("state");
    state.className = `badge state-${value}`;
    state.replaceChildren(journeyman.make("span", { "aria-hidden": "true" }, states[value] || "‖"), ` ${value}`);
  };

  // --- saying things -----------------------------------------------------------------------
  let silence = 0;
  journeyman.say = (text) => {
    const said = $("#said");
    said.textContent = text;
    said.classList.add("shown");
    clearTimeout(silence);
    silence = setTimeout(() => said.classList.remove("shown"), 2500);
  };

  // --- colours -----------------------------------------------------------------------------
  const themes = ["auto", "light", "dark"];
  const theme = $("#theme");
  const showTheme = () => {
    const now = document.documentElement.dataset.theme || "auto";
    theme.textContent = { auto: "Auto", light: "Light", dark: "Dark" }[now];
    theme.setAttribute("aria-label", `Colours: ${now === "auto" ? "follow the system" : now}`);
  };
  const turnTheme = () => {
    const now = document.documentElement.dataset.theme || "auto";
    const next = themes[(themes.indexOf(now) + 1) % themes.length];
    if (next === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    try { localStorage.setItem("journeyman-theme", next); } catch { /* not kept */ }
    showTheme();
  };
  theme.addEventListener("click", turnTheme);
  showTheme();

  // --- copying -----------------------------------------------------------------------------
  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = journeyman.make("textarea", { readonly: true, "aria-hidden": "true" });
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    journeyman.say("Copied");
  };
  for (const button of $$("[data-copy]")) {
    button.addEventListener("click", () => copy(document.getElementById(button.dataset.copy).textContent));
  }

  // --- a filter over things that are on the page -------------------------------------------
  const filter = $("#search[data-filter]");
  if (filter) {
    filter.addEventListener("input", () => {
      const wanted = filter.value.toLowerCase();
      for (const it of $$(filter.dataset.filter)) it.hidden = !it.textContent.toLowerCase().includes(wanted);
    });
  }

  // --- moving in lists ---------------------------------------------------------------------
  // A page may bring its own list (a table that draws only what is seen).
  const plain = {
    at: -1,
    items: () => $$("[data-list] [data-item]").filter((it) => !it.hidden && it.offsetParent !== null),
    move(by) {
      const items = this.items();
      if (!items.length) return;
      this.at = Math.max(0, Math.min(items.length - 1, this.at + by));
      for (const it of $$("[data-item].current")) it.classList.remove("current");
      const item = items[this.at];
      item.classList.add("current");
      const link = item.matches("a") ? item : $("[data-open]", item);
      (link || item).focus({ preventScroll: true });
      item.scrollIntoView({ block: item.offsetHeight > innerHeight / 2 ? "start" : "nearest" });
    },
    open() {
      const item = this.items()[this.at];
      const link = item && (item.matches("a") ? item : $("[data-open]", item));
      if (link) link.click();
      else if (item) $("details", item)?.toggleAttribute("open");
    },
  };
  journeyman.list = plain;

  const dialog = $("#keys");
  const showKeys = () => { if (!dialog.open) dialog.showModal(); };
  $("#keys-open").addEventListener("click", showKeys);

  const toggleFolds = () => {
    const folds = $$("[data-fold]");
    const open = folds.some((it) => !it.open);
    for (const it of folds) it.open = open;
  };
  const follow = (selector) => { const link = $(selector); if (link) location.assign(link.href); return Boolean(link); };

  journeyman.keys = {
    j: () => journeyman.list.move(1),
    k: () => journeyman.list.move(-1),
    ArrowDown: () => journeyman.list.move(1),
    ArrowUp: () => journeyman.list.move(-1),
    ArrowLeft: () => follow("a[rel=prev]"),
    ArrowRight: () => follow("a[rel=next]"),
    Enter: () => journeyman.list.open(),
    Escape: () => follow("[data-up]"),
    "/": () => { const field = $("#search"); if (field) field.focus(); },
    "?": showKeys,
    d: turnTheme,
    o: toggleFolds,
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
    const field = event.target.closest("input, select, textarea");
    if (field) {
      if (event.key === "Escape") { field.blur(); event.preventDefault(); }
      return;
    }
    if (event.key === "Enter" && event.target.closest("a, button, summary")) return;
    const inBox = event.target.closest(".tablebox, pre, .tokens, .diff");
    if (inBox && event.key.startsWith("Arrow") && !event.target.closest("#table")) return;
    const action = journeyman.keys[event.key];
    if (action && Object.hasOwn(journeyman.keys, event.key)) { event.preventDefault(); action(); }
  });

  // --- news while a run goes on ------------------------------------------------------------
  journeyman.follow = (start, handlers) => {
    if (journeyman.isStatic || !window.EventSource) return null;
    const source = new EventSource(`stream?${new URLSearchParams(start)}`);
    for (const [name, take] of Object.entries(handlers)) {
      source.addEventListener(name, (event) => take(JSON.parse(event.data)));
    }
    source.addEventListener("anew", () => location.reload());
    addEventListener("pagehide", () => source.close());
    return source;
  };
})();
