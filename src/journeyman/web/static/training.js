// The page of a training run: one chart for each measure, and the news.
(() => {
  "use strict";
  const app = window.journeyman;
  const { make } = app;
  const $ = (id) => document.getElementById(id);
  let { metrics } = app.data;
  const places = new Map();

  const charts = () => {
    const left = new Set(Object.keys(metrics));
    const found = [];
    for (const [title, names] of app.data.charts) {
      const series = names.filter((name) => left.has(name));
      for (const name of series) left.delete(name);
      if (series.length) found.push([title, series]);
    }
    for (const name of [...left].sort()) found.push([name.replaceAll("_", " "), [name]]);
    return found;
  };

  const draw = () => {
    const smooth = Number($("smooth").value), log = $("log").checked;
    for (const [title, names] of charts()) {
      if (!places.has(title)) {
        const place = make("div", { class: "chart" });
        places.set(title, place);
        $("charts").append(make("section", { class: "card" }, make("h2", {}, title), place));
      }
      app.lineChart(places.get(title), { series: names.map((name) => ({ name: name.replaceAll("_", " "), points: metrics[name] })), xName: "step", smooth, log });
    }
    if (!places.size) $("charts").replaceChildren(make("p", { class: "muted" }, "No step has been taken yet."));
  };
  const drawAnew = () => { if (!places.size) $("charts").replaceChildren(); draw(); };
  $("smooth").addEventListener("input", draw);
  $("log").addEventListener("change", draw);
  drawAnew();
  document.documentElement.dataset.ready = "yes";

  app.follow({ metrics: app.data.num_metrics }, {
    metrics: (news) => {
      metrics = news.metrics;
      $("num-steps").textContent = news.num_metrics;
      $("latest").replaceChildren(...news.latest.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, String(Number(value.toPrecision(5)))))));
      drawAnew();
    },
    live: (news) => app.showState(news.state),
  });
})();
