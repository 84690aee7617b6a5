// The page of a run: the table, the curves, and the news.
(() => {
  "use strict";
  const app = window.journeyman;
  const { make, visible, compact, duration } = app;
  const $ = (id) => document.getElementById(id);
  const names = app.data.columns;
  const toRow = (cells) => Object.fromEntries(names.map((name, at) => [name, cells[at]]));
  const rows = app.data.rows.map(toRow);
  // A long run's page holds its first rows; the others come with the news, and then all is counted here.
  const numRows = app.data.num_rows;
  const isWhole = (all) => app.isStatic || all.length >= numRows;

  const table = new app.Table($("table"), {
    columns: [
      { name: "id", title: "rollout", cell: (row) => visible(row.id) },
      { name: "outcome", title: "outcome", cell: (row) => app.badge(row.outcome) },
      { name: "model", title: "model" },
      { name: "ending", title: "ended by", cell: (row) => visible(row.cause ? `${row.ending}, ${row.cause}` : row.ending) },
      { name: "reward", title: "reward", number: true, cell: (row) => (row.reward === null ? "–" : String(row.reward)) },
      { name: "passed", title: "tests", number: true, value: (row) => (row.tests ? row.passed / row.tests : null), cell: (row) => (row.tests ? `${row.passed}/${row.tests}` : "–") },
      { name: "turns", title: "turns", number: true },
      { name: "completion_tokens", title: "tokens", number: true, cell: (row) => compact(row.completion_tokens) },
      { name: "format_errors", title: "format errors", number: true },
      { name: "seconds", title: "time", number: true, cell: (row) => duration(row.seconds) },
      { name: "cost", title: "cost", number: true, cell: (row) => (row.cost ? `$${row.cost.toFixed(3)}` : "") },
    ],
    href: (row) => `rollout/${encodeURIComponent(row.key || row.id)}.html`,
    search: (row) => `${row.id} ${row.task} ${row.model} ${row.ending} ${row.cause} ${row.outcome}`,
    onShown: (shown, all) => { $("shown").textContent = !isWhole(all) ? `reading: ${all.length} of ${numRows} rollouts` : shown.length === all.length ? `${all.length} rollouts` : `${shown.length} of ${all.length} rollouts`; },
  });
  app.list = table;
  app.table = table;

  const search = $("search");
  search.value = table.query;
  search.addEventListener("input", () => { table.query = search.value; table.change(); });
  const choices = (name) => {
    const select = $(`filter-${name}`);
    const known = new Set([...select.options].map((it) => it.value));
    for (const value of new Set(table.rows.map((row) => String(row[name])))) {
      if (!known.has(value)) select.append(make("option", { value }, visible(value)));
    }
    select.value = table.filters[name] || "";
  };
  for (const name of ["outcome", "model", "ending"]) {
    $(`filter-${name}`).addEventListener("change", (event) => { table.filters[name] = event.target.value; table.change(); });
  }

  const wilson = (successes, n) => {
    if (!n) return [0, 1];
    const z = 1.96, rate = successes / n, spread = (z * z) / n;
    const centre = (rate + spread / 2) / (1 + spread);
    const half = (z / (1 + spread)) * Math.sqrt((rate * (1 - rate)) / n + spread / (4 * n));
    return [successes ? Math.max(0, centre - half) : 0, successes === n ? 1 : Math.min(1, centre + half)];
  };
  const percent = (share) => `${(100 * share).toFixed(1)} %`;
  const sum = (list, name) => list.reduce((total, row) => total + (row[name] || 0), 0);

  const showOutcome = () => {
    const all = table.rows;
    if (!isWhole(all)) return;
    const counts = { solved: 0, unsolved: 0, failed: 0 };
    const models = new Map();
    for (const row of all) {
      counts[row.outcome] += 1;
      if (!models.has(row.model)) models.set(row.model, { solved: 0, unsolved: 0, failed: 0 });
      models.get(row.model)[row.outcome] += 1;
    }
    for (const [name, count] of Object.entries(counts)) document.querySelector(`[data-count="${name}"]`).textContent = count;
    $("num-finished").textContent = all.length;
    const expected = Math.max(live.num_expected, all.length);
    $("num-expected").textContent = expected > all.length ? ` of ${expected}` : "";
    const bar = make("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none" });
    let x = 0;
    for (const name of ["solved", "unsolved", "failed"]) {
      const width = expected ? (100 * counts[name]) / expected : 0;
      if (width) bar.append(make("rect", { class: `part is-${name}`, x, width, height: 10 }));
      x += width;
    }
    $("outcomes").replaceChildren(bar);
    $("outcomes").setAttribute("aria-label", `${counts.solved} solved, ${counts.unsolved} unsolved, ${counts.failed} left out, of ${expected}`);
    const counted = counts.solved + counts.unsolved;
    const [low, high] = wilson(counts.solved, counted);
    $("rate").textContent = counted ? percent(counts.solved / counted) : "–";
    $("interval").textContent = counted ? `95 % interval ${percent(low).replace(" %", "")} to ${percent(high)}` : "nothing counts yet";
    $("cost").textContent = `$${sum(all, "cost").toFixed(2)}`;
    $("tokens").textContent = compact(sum(all, "prompt_tokens") + sum(all, "completion_tokens"));
    $("format-errors").textContent = sum(all, "format_errors");
    $("models").replaceChildren(...[...models].map(([name, it]) => {
      const n = it.solved + it.unsolved, [from, to] = wilson(it.solved, n);
      const cells = [it.solved, it.unsolved, it.failed, n ? percent(it.solved / n) : "–"].map((text) => make("td", { class: "num" }, String(text)));
      return make("tr", {}, make("th", { scope: "row" }, visible(name)), ...cells, make("td", {}, n ? `${percent(from).replace(" %", "")} to ${percent(to)}` : ""));
    }));
    app.barChart($("chart-turns"), { bars: app.histogram(all.map((row) => row.turns)), name: "Rollouts by turns" });
    app.barChart($("chart-reward"), { bars: app.histogram(all.filter((row) => row.outcome !== "failed").map((row) => row.reward)), name: "Rollouts by reward" });
    for (const name of ["outcome", "model", "ending"]) choices(name);
  };

  let live = app.data.live;
  const showLive = () => {
    app.showState(live.state);
    $("work-section").hidden = !live.work.length;
    $("work").replaceChildren(...live.work.map((it) => make("li", {},
      make("a", { href: `rollout/${it.key}.html` }, it.id),
      make("span", { class: "tag" }, `${it.stage}${it.attempt > 1 ? `, attempt ${it.attempt}` : ""}`),
      make("span", { class: "muted" }, it.phase ? `${it.phase.replaceAll("_", " ")}, ` : "", it.turns ? `turn ${it.turns}${it.call ? `, ${it.call}` : ""}` : "starting"))));
    $("resources").replaceChildren(...live.resources.map(([name, words]) => make("div", {}, make("dt", {}, name), make("dd", {}, words))));
    $("resources").hidden = !live.resources.length;
    $("groups-box").hidden = !live.groups.length;
    $("groups").replaceChildren(...live.groups.map(([name, count]) => make("tr", {}, make("td", {}, name.replaceAll("_", " ")), make("td", { class: "num" }, String(count)))));
    if (live.num_running > live.work.length) $("work").append(make("li", { class: "muted" }, `and ${live.num_running - live.work.length} more`));
    app.lineChart($("chart-finished"), {
      series: [
        { name: "finished", step: true, points: live.finished.map((it) => [it[0], it[1]]) },
        { name: "solved", step: true, points: live.finished.map((it) => [it[0], it[2]]) },
      ],
      xName: "time", xFormat: duration, zero: true,
    });
    app.lineChart($("chart-pace"), { series: [{ name: "tokens per second", points: live.pace }], xName: "time", xFormat: duration, zero: true });
    const hours = live.elapsed_s / 3600;
    $("pace").textContent = hours && live.finished.length ? `${compact(live.finished[live.finished.length - 1][1] / hours)} / h` : "–";
    const average = live.pace.length ? live.pace.reduce((total, it) => total + it[1], 0) / live.pace.length : 0;
    $("elapsed").textContent = live.elapsed_s ? `rollouts an hour over ${duration(live.elapsed_s)}; ${compact(average)} sampled tokens a second` : "no events yet";
    const share = live.calls ? ` (${percent(live.num_refused / live.calls)})` : "";
    $("guard-line").textContent = live.calls || live.num_refused
      ? `${live.num_refused} of ${compact(live.calls)} calls refused${share}, in ${live.num_refused_rollouts} rollouts.`
      : "No calls are on record.";
    $("guard").replaceChildren(...live.refused.map(([label, calls, count]) => make("tr", {}, make("td", {}, label), make("td", { class: "num" }, String(calls)), make("td", { class: "num" }, String(count)))));
    if (!live.refused.length) $("guard").replaceChildren(make("tr", {}, make("td", { colspan: 3, class: "muted" }, "Nothing was refused.")));
    $("retries").textContent = live.failures.length ? `${live.retries} were tried again.` : "None.";
    $("failures").replaceChildren(...live.failures.map(([cause, count]) => make("tr", {}, make("td", {}, cause), make("td", { class: "num" }, String(count)))));
    $("log").replaceChildren(...live.log.slice().reverse().map((it) => make("li", {},
      make("time", {}, it.at ? new Date(it.at * 1000).toISOString().slice(11, 19) : ""), make("b", {}, ` ${it.kind} `), make("span", { class: "muted" }, it.text))));
    $("notices").replaceChildren(...live.notices.map((text) => make("p", { class: "notice", role: "note" }, make("strong", {}, "Note."), ` ${text}`)));
  };

  table.set(rows);
  showOutcome();
  showLive();
  document.documentElement.dataset.ready = "yes";

  let due = 0;
  const soon = () => { if (!due) due = setTimeout(() => { due = 0; showOutcome(); showLive(); }, 150); };
  app.follow({ rows: rows.length, generation: 0 }, {
    rows: (news) => { table.add(news.map(toRow)); soon(); },
    live: (news) => { live = news; soon(); },
  });
})();
