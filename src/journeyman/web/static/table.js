// A table of any length that draws only the rows that are seen. Sorting, filters, search and deep links.
(() => {
  "use strict";
  const { make, visible } = window.journeyman;
  const HEIGHT = 36, MORE = 12;

  window.journeyman.Table = class {
    // columns: [{name, title, number, cell(row) -> node or text, value(row)}]
    constructor(place, { columns, href, search, onShown, sort }) {
      Object.assign(this, { place, columns, href, search, onShown });
      this.rows = [];
      this.shown = [];
      this.filters = {};
      this.query = "";
      this.sort = sort || { name: "", down: false };
      this.at = -1;
      this.build();
      this.restore();
      place.addEventListener("scroll", () => this.schedule(), { passive: true });
      addEventListener("resize", () => this.schedule());
    }

    build() {
      this.head = make("tr");
      for (const column of this.columns) {
        const button = make("button", { type: "button", class: "sort" }, column.title);
        button.addEventListener("click", () => this.sortBy(column.name));
        const cell = make("th", { scope: "col", class: column.number ? "num" : null, "data-name": column.name }, button);
        this.head.append(cell);
      }
      this.body = make("tbody");
      this.table = make("table", { class: "grid virtual" }, make("thead", {}, this.head), this.body);
      this.place.replaceChildren(this.table);
    }

    restore() {
      const kept = new URLSearchParams(location.hash.slice(1));
      this.query = kept.get("q") || "";
      if (kept.get("sort")) this.sort = { name: kept.get("sort").replace(/^-/, ""), down: kept.get("sort").startsWith("-") };
      for (const [name, value] of kept) if (name.startsWith("f.")) this.filters[name.slice(2)] = value;
    }

    keep() {
      const kept = new URLSearchParams();
      if (this.query) kept.set("q", this.query);
      if (this.sort.name) kept.set("sort", (this.sort.down ? "-" : "") + this.sort.name);
      for (const [name, value] of Object.entries(this.filters)) if (value) kept.set(`f.${name}`, value);
      const hash = `#${kept}`;
      try { history.replaceState(history.state, "", hash === "#" ? location.pathname + location.search : hash); } catch { location.hash = hash; }
    }

    sortBy(name) {
      const column = this.columns.find((it) => it.name === name);
      const down = this.sort.name === name ? !this.sort.down : Boolean(column.number);
      this.sort = { name, down };
      this.change();
    }

    change() { this.keep(); this.arrange(); }

    set(rows) { this.rows = rows; this.arrange(); }

    add(rows) { this.rows.push(...rows); this.arrange(true); }

    arrange(keepPlace = false) {
      const words = this.query.toLowerCase().split(/\s+/).filter(Boolean);
      const wanted = Object.entries(this.filters).filter(([, value]) => value);
      this.shown = this.rows.filter((row) =>
        wanted.every(([name, value]) => String(row[name]) === value) &&
        (!words.length || words.every((word) => this.text(row).includes(word))));
      const column = this.columns.find((it) => it.name === this.sort.name);
      if (column) {
        const value = column.value || ((row) => row[column.name]);
        const sign = this.sort.down ? -1 : 1;
        this.shown.sort((a, b) => {
          const x = value(a), y = value(b);
          if (x === y) return 0;
          if (x === null || x === undefined) return 1;
          if (y === null || y === undefined) return -1;
          return (x < y ? -1 : 1) * sign;
        });
      }
      for (const cell of this.head.children) {
        const isOn = cell.dataset.name === this.sort.name;
        cell.setAttribute("aria-sort", isOn ? (this.sort.down ? "descending" : "ascending") : "none");
      }
      this.table.setAttribute("aria-rowcount", this.shown.length + 1);
      if (!keepPlace) { this.at = -1; this.place.scrollTop = 0; }
      this.onShown?.(this.shown, this.rows);
      this.draw();
    }

    text(row) {
      if (!row.searched) Object.defineProperty(row, "searched", { value: this.search(row).toLowerCase(), enumerable: false });
      return row.searched;
    }

    schedule() {
      if (this.waiting) return;
      this.waiting = true;
      requestAnimationFrame(() => { this.waiting = false; this.draw(); });
    }

    draw() {
      const height = this.place.clientHeight || 600;
      const first = Math.max(0, Math.floor(this.place.scrollTop / HEIGHT) - MORE);
      const last = Math.min(this.shown.length, first + Math.ceil(height / HEIGHT) + 2 * MORE);
      const space = (rows) => {
        const cell = make("td", { colspan: this.columns.length });
        const row = make("tr", { class: "space", "aria-hidden": "true" }, cell);
        cell.style.height = `${rows * HEIGHT}px`;
        return row;
      };
      const focused = this.body.contains(document.activeElement);
      const rows = [];
      if (first) rows.push(space(first));
      for (let at = first; at < last; at += 1) rows.push(this.drawRow(at));
      if (last < this.shown.length) rows.push(space(this.shown.length - last));
      if (!this.shown.length) rows.push(make("tr", {}, make("td", { colspan: this.columns.length, class: "muted" }, this.rows.length ? "No rollout is like that." : "No rollout is finished yet.")));
      this.body.replaceChildren(...rows);
      if (focused) this.focus();
    }

    drawRow(at) {
      const row = this.shown[at];
      const cells = this.columns.map((column, index) => {
        const content = column.cell ? column.cell(row) : visible(row[column.name] ?? "");
        const inner = index === 0 ? make("a", { href: this.href(row), "data-open": true }, content) : content;
        if (index === 0) inner.addEventListener("click", () => this.keepOrder());
        return make("td", { class: column.number ? "num" : null }, inner);
      });
      const made = make("tr", { "aria-rowindex": at + 2, class: at === this.at ? "current" : null, "data-row": at }, ...cells);
      made.addEventListener("dblclick", () => { this.at = at; this.open(); });
      return made;
    }

    keepOrder() {
      try {
        sessionStorage.setItem("journeyman-order", JSON.stringify(this.shown.slice(0, 20000).map((row) => row.key || row.id)));
      } catch { /* the order of the file holds */ }
    }

    move(by) {
      if (!this.shown.length) return;
      this.at = Math.max(0, Math.min(this.shown.length - 1, this.at + by));
      const top = this.at * HEIGHT, bottom = top + HEIGHT, head = 38;
      if (top < this.place.scrollTop) this.place.scrollTop = top;
      else if (bottom > this.place.scrollTop + this.place.clientHeight - head) this.place.scrollTop = bottom - this.place.clientHeight + head;
      this.draw();
      this.focus();
      this.place.scrollIntoView({ block: "nearest" });
    }

    focus() { this.body.querySelector(`[data-row="${this.at}"] a`)?.focus({ preventScroll: true }); }

    open() {
      const link = this.body.querySelector(`[data-row="${this.at}"] a`);
      if (link) { this.keepOrder(); location.assign(link.href); }
    }
  };
})();
