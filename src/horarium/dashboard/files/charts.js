// Charts: each figure says where its numbers are; uPlot draws them. Shared crosshair; drag to zoom; a click on a point
// leads to the runs it counts. Colours are the page's own and follow its theme; times are in the viewer's zone.

const EVERY = 10_000; // milliseconds, between two looks at a chart that moves on with the clock
const HEIGHT = 220;
const DASHES = { p95: [6, 4], p99: [2, 3] };
const figures = [...document.querySelectorAll("[data-chart]")];

function token(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function colour(line, place) {
  const tone = { good: "good", bad: "bad", warn: "warn", off: "idle" }[line.tone];
  return token(tone ?? `chart-${(place % 5) + 1}`);
}

function shown(value, unit) {
  if (value === null || value === undefined) return "–";
  if (unit === "/s") return `${Number(value.toPrecision(3))} /s`;
  if (unit !== "s") return String(value);
  if (value < 1) return `${Math.round(value * 1000)} ms`;
  if (value < 60) return `${Number(value.toFixed(1))} s`;
  if (value < 3600) return `${Math.floor(value / 60)} m ${Math.round(value % 60)} s`;
  return `${Math.floor(value / 3600)} h ${Math.round((value % 3600) / 60)} m`;
}

// Shorter, for the axis: its steps are round numbers of the unit.
function brief(value, unit) {
  if (unit !== "s" || value < 60) return shown(value, unit).replace(" /s", "");
  if (value < 3600) return `${Number((value / 60).toFixed(1))} min`;
  return `${Number((value / 3600).toFixed(1))} h`;
}

const LASTING = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200,
  1800, 3600, 7200, 14_400, 28_800, 86_400, 172_800, 604_800];

function clock(zone, span, names) {
  const day = span > 86_400 ? { day: "numeric", month: "short" } : {};
  const seconds = span <= 900 ? { second: "2-digit" } : {};
  const format = { timeZone: zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...seconds };
  const axis = new Intl.DateTimeFormat("en-GB", { ...format, ...day });
  const exact = new Intl.DateTimeFormat("en-GB", {
    ...format, second: "2-digit", day: "numeric", month: "short",
  });
  // As the pages name it: the browser's own name of New York's zone is GMT-5 here, and theirs EST.
  const name = (at) => (names.findLast(([from]) => from <= at) ?? names[0] ?? [0, ""])[1];
  return { axis: (at) => axis.format(at * 1000), exact: (at) => `${exact.format(at * 1000)} ${name(at)}` };
}

// When workers started: dashed lines, which stand for a deployment.
function marks(told) {
  return (plot) => {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.strokeStyle = token("soft");
    ctx.fillStyle = token("soft");
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
    for (const mark of told) {
      const x = plot.valToPos(mark.at, "x", true);
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  };
}

function zoom(from, to) {
  const query = new URLSearchParams(location.search);
  query.set("from", new Date(from * 1000).toISOString());
  query.set("to", new Date(to * 1000).toISOString());
  location.search = query.toString();
}

function openRuns(told, place, line) {
  const at = told.at[place];
  const address = new URL(told.lines[line].runs, location.href);
  const question = address.searchParams.get("q") ?? "";
  const [since, before] = [at, at + told.step].map((each) => `"${new Date(each * 1000).toISOString()}"`);
  address.searchParams.set("q", `${question} since:${since} before:${before}`.trim());
  location.href = address.href;
}

// The line that is nearest to the pointer.
function nearest(plot, told) {
  const { idx, top } = plot.cursor;
  let best = null;
  let least = Infinity;
  told.lines.forEach((line, place) => {
    const value = line.values[idx];
    if (value === null || value === undefined || !plot.series[place + 1].show) return;
    const away = Math.abs(plot.valToPos(value, "y") - top);
    if (away < least) [best, least] = [place, away];
  });
  return best;
}

// A value between two moments without one would be no line: it is a point.
function alone(plot, place) {
  const all = plot.data[place];
  const is = (at) => all[at] !== null && all[at] !== undefined;
  return Array.from(all.keys()).filter((at) => is(at) && !is(at - 1) && !is(at + 1));
}

function options(figure, told, width) {
  const zone = figure.dataset.zone;
  const span = told.at.length ? told.at[told.at.length - 1] - told.at[0] : 0;
  const words = clock(zone, span, told.zones);
  const grid = { stroke: token("line"), width: 1 };
  const ticks = { stroke: token("line"), width: 1, size: 5 };
  return {
    width,
    height: HEIGHT,
    tzDate: (at) => uPlot.tzDate(new Date(at * 1000), zone),
    cursor: {
      sync: { key: "horarium", setSeries: false },
      drag: { x: true, y: false, setScale: false, dist: 6 },
      points: { size: 7 },
    },
    legend: { live: true },
    scales: { x: { time: true }, y: { range: (plot, low, high) => [0, high > 0 ? high * 1.08 : 1] } },
    axes: [
      { stroke: token("soft"), grid, ticks, values: (plot, at) => at.map(words.axis), space: span > 86_400 ? 100 : 62 },
      { stroke: token("soft"), grid, ticks, size: 58, values: (plot, all) => all.map((each) => brief(each, told.unit)), ...(told.unit === "s" ? { incrs: LASTING } : {}) },
    ],
    series: [
      { label: "Time", value: (plot, at) => (at === null ? "–" : words.exact(at)) },
      ...told.lines.map((line, place) => ({
        label: line.name,
        stroke: colour(line, place),
        dash: DASHES[line.name],
        width: 1.6,
        points: told.at.length < 40 ? {} : { show: true, size: 4, filter: alone },
        value: (plot, value) => shown(value, told.unit),
        spanGaps: false,
      })),
    ],
    hooks: {
      draw: [marks(told.marks)],
      setSelect: [(plot) => {
        if (plot.select.width < 6) return;
        const [from, to] = [plot.select.left, plot.select.left + plot.select.width].map((x) => plot.posToVal(x, "x"));
        plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
        zoom(from, to);
      }],
      ready: [(plot) => {
        let down = 0;
        plot.over.addEventListener("pointerdown", (event) => { down = event.clientX; });
        plot.over.addEventListener("click", (event) => {
          if (Math.abs(event.clientX - down) >= 6) return;
          const line = plot.cursor.idx === null || plot.cursor.idx === undefined ? null : nearest(plot, told);
          if (line !== null) openRuns(told, plot.cursor.idx, line);
        });
      }],
    },
  };
}

class Drawn {
  constructor(figure) {
    this.figure = figure;
    this.place = figure.querySelector(".plot");
    this.said = figure.querySelector(".said");
    this.told = null;
    this.plot = null;
    this.asking = null;
    new ResizeObserver(() => this.fit()).observe(this.place);
    document.addEventListener("horarium:theme", () => this.draw());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  async look() {
    this.asking?.abort();
    this.asking = new AbortController();
    try {
      const answer = await fetch(this.figure.dataset.chart, { signal: this.asking.signal });
      if (!answer.ok) throw new Error(String(answer.status));
      const before = this.told;
      this.told = await answer.json();
      this.explain("");
      if (before && this.plot && before.lines.length === this.told.lines.length) this.refresh();
      else this.draw();
    } catch (error) {
      if (error.name !== "AbortError") this.explain("The numbers could not be had; what is drawn may be old.");
    }
  }

  explain(trouble) {
    const told = this.told;
    const parts = [];
    if (trouble) parts.push(trouble);
    else if (told.empty) parts.push("Nothing in this time.");
    if (told?.more) parts.push(`${told.more} more queues are not drawn.`);
    for (const mark of told?.marks ?? []) parts.push(`┊ ${clock(this.figure.dataset.zone, 0, told.zones).exact(mark.at)} ${mark.text}.`);
    const words = parts.slice(0, 4).join(" ");
    if (this.said.textContent !== words) this.said.textContent = words;
  }

  data() { return [this.told.at, ...this.told.lines.map((line) => line.values)]; }

  // New numbers in the same drawing; what was drawn with the old ones (marks, addresses) is made anew when they differ.
  refresh() {
    const names = this.plot.series.slice(1).map((series) => series.label).join();
    const wanted = this.told.lines.map((line) => line.name).join();
    if (names !== wanted || this.plot.cursor.left < 0) this.draw();
    // else: somebody points at it; it is drawn anew at the next look
  }

  draw() {
    if (!this.told) return;
    const hidden = new Set((this.plot?.series ?? []).filter((series) => series.show === false).map((series) => series.label));
    this.plot?.destroy();
    this.place.replaceChildren();
    this.plot = new uPlot(options(this.figure, this.told, this.place.clientWidth), this.data(), this.place);
    this.plot.series.forEach((series, place) => { if (hidden.has(series.label)) this.plot.setSeries(place, { show: false }); });
  }

  fit() {
    const width = this.place.clientWidth;
    if (this.plot && width && width !== this.plot.width) this.plot.setSize({ width, height: HEIGHT });
  }
}

const all = figures.map((figure) => new Drawn(figure));
for (const each of all) each.look();

const moving = all.filter((each) => "moves" in each.figure.dataset);
if (moving.length) {
  setInterval(() => {
    const isPaused = document.getElementById("pulse")?.dataset.state === "paused";
    if (document.hidden || isPaused) return;
    for (const each of moving) each.look();
  }, EVERY);
}
