// Small charts in SVG: lines with dashes as well as colours, bars with figures; each says what it shows.
(() => {
  "use strict";
  const { make, compact, visible } = window.journeyman;
  const W = 640, H = 230, LEFT = 52, RIGHT = 12, TOP = 10, BOTTOM = 30;

  const ticks = (low, high, most) => {
    const rough = (high - low || 1) / most;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((it) => it * power).find((it) => it >= rough);
    const found = [];
    for (let at = Math.ceil(low / step) * step; at <= high + step / 1e6; at += step) found.push(Number(at.toPrecision(10)));
    return found;
  };

  const smoothed = (points, weight) => {
    if (!weight) return points;
    let value = null, seen = 0;
    return points.map(([x, y]) => {
      value = value === null ? y * (1 - weight) : value * weight + y * (1 - weight);
      seen = seen * weight + (1 - weight);
      return [x, value / seen];
    });
  };

  const frame = (label) => make("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": label });

  // series: [{name, points: [[x, y]...], step: draw as steps}]
  window.journeyman.lineChart = (place, { series, xName, format = compact, xFormat = compact, zero = false, smooth = 0, log = false }) => {
    const drawn = series
      .map((it) => ({ ...it, points: smoothed(it.points.filter((p) => Number.isFinite(p[1]) && (!log || p[1] > 0)), smooth) }))
      .filter((it) => it.points.length);
    if (!drawn.length) { place.replaceChildren(make("p", { class: "muted" }, "Nothing yet.")); return; }
    const scale = (value) => (log ? Math.log10(value) : value);
    const xs = drawn.flatMap((it) => it.points.map((p) => p[0]));
    const ys = drawn.flatMap((it) => it.points.map((p) => scale(p[1])));
    const reduce = (values, pick) => values.reduce((a, b) => pick(a, b));
    const x0 = reduce(xs, Math.min), x1 = reduce(xs, Math.max);
    let y0 = reduce(ys, Math.min), y1 = reduce(ys, Math.max);
    if (zero && !log) { y0 = Math.min(0, y0); y1 = Math.max(y1, 0); }
    if (y0 === y1) { y0 -= Math.abs(y0) * 0.1 || 1; y1 += Math.abs(y1) * 0.1 || 1; }
    const px = (x) => LEFT + ((x - x0) / (x1 - x0 || 1)) * (W - LEFT - RIGHT);
    const py = (y) => H - BOTTOM - ((scale(y) - y0) / (y1 - y0)) * (H - TOP - BOTTOM);
    const label = drawn.map((it) => {
      const first = it.points[0][1], last = it.points[it.points.length - 1][1];
      return `${visible(it.name)} from ${format(first)} to ${format(last)}`;
    }).join("; ");
    const svg = frame(`${label}, over ${xName} ${xFormat(x0)} to ${xFormat(x1)}`);
    for (const at of ticks(y0, y1, 4)) {
      const y = H - BOTTOM - ((at - y0) / (y1 - y0)) * (H - TOP - BOTTOM);
      svg.append(make("line", { class: "rule", x1: LEFT, x2: W - RIGHT, y1: y, y2: y }));
      svg.append(make("text", { class: "tick", x: LEFT - 8, y: y + 4, "text-anchor": "end" }, format(log ? 10 ** at : at)));
    }
    for (const at of ticks(x0, x1, 6)) {
      svg.append(make("text", { class: "tick", x: px(at), y: H - 10, "text-anchor": px(at) > W - 24 ? "end" : "middle" }, xFormat(at)));
    }
    drawn.forEach((it, index) => {
      let path = "";
      it.points.forEach(([x, y], number) => {
        const to = `${px(x).toFixed(1)},${py(y).toFixed(1)}`;
        path += number === 0 ? `M${to}` : it.step ? `H${px(x).toFixed(1)}V${py(y).toFixed(1)}` : `L${to}`;
      });
      if (it.points.length === 1) svg.append(make("circle", { class: `dot line-${index % 6}`, cx: px(it.points[0][0]), cy: py(it.points[0][1]), r: 3.5 }));
      svg.append(make("path", { class: `line line-${index % 6}`, d: path }));
    });
    const cursor = make("line", { class: "cursor", y1: TOP, y2: H - BOTTOM, x1: -9, x2: -9 });
    svg.append(cursor);
    const legend = make("ul", { class: "legend" });
    const values = drawn.map((it, index) => {
      const value = make("b", {}, format(it.points[it.points.length - 1][1]));
      const swatch = make("svg", { viewBox: "0 0 26 8", class: "swatch", "aria-hidden": "true" }, make("path", { class: `line line-${index % 6}`, d: "M1,4H25" }));
      legend.append(make("li", {}, swatch, ` ${visible(it.name)} `, value));
      return value;
    });
    const where = make("li", { class: "muted" });
    legend.append(where);
    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      const x = x0 + (((event.clientX - box.left) / box.width) * W - LEFT) / (W - LEFT - RIGHT) * (x1 - x0);
      let shown = null;
      drawn.forEach((it, index) => {
        const near = it.points.reduce((a, b) => (Math.abs(b[0] - x) < Math.abs(a[0] - x) ? b : a));
        values[index].textContent = format(near[1]);
        shown = shown === null ? near[0] : shown;
      });
      cursor.setAttribute("x1", px(shown)); cursor.setAttribute("x2", px(shown));
      where.textContent = `at ${xName} ${xFormat(shown)}`;
    });
    svg.addEventListener("pointerleave", () => {
      drawn.forEach((it, index) => { values[index].textContent = format(it.points[it.points.length - 1][1]); });
      cursor.setAttribute("x1", -9); cursor.setAttribute("x2", -9);
      where.textContent = "";
    });
    place.replaceChildren(svg, legend);
  };

  // bars: [[label, count, class]]
  window.journeyman.barChart = (place, { bars, name }) => {
    if (!bars.some((it) => it[1])) { place.replaceChildren(make("p", { class: "muted" }, "Nothing yet.")); return; }
    const most = Math.max(...bars.map((it) => it[1]));
    const svg = frame(`${name}: ${bars.map((it) => `${it[1]} at ${it[0]}`).join(", ")}`);
    const width = Math.min(90, (W - 20) / bars.length);
    bars.forEach(([label, count], index) => {
      const height = (count / most) * (H - 62);
      const x = 10 + index * width;
      svg.append(make("rect", { class: "bar", x: x + 2, width: Math.max(1, width - 4), y: H - 30 - height, height, rx: 2 }));
      if (count) svg.append(make("text", { class: "tick", x: x + width / 2, y: H - 36 - height, "text-anchor": "middle" }, compact(count)));
      svg.append(make("text", { class: "tick", x: x + width / 2, y: H - 10, "text-anchor": "middle" }, label));
    });
    place.replaceChildren(svg);
  };

  // Counts of numbers in at most `most` equal ranges.
  window.journeyman.histogram = (values, most = 12) => {
    const known = values.filter(Number.isFinite);
    if (!known.length) return [];
    const low = known.reduce((a, b) => Math.min(a, b)), high = known.reduce((a, b) => Math.max(a, b));
    const distinct = [...new Set(known)].sort((a, b) => a - b);
    if (distinct.length <= most) return distinct.map((it) => [compact(it), known.filter((v) => v === it).length]);
    const width = (high - low) / most;
    const counts = new Array(most).fill(0);
    for (const value of known) counts[Math.min(most - 1, Math.floor((value - low) / width))] += 1;
    return counts.map((count, index) => [compact(low + width * index), count]);
  };
})();
