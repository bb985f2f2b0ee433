// Draws a workflow: dagre places the nodes, we draw them as SVG. Drawn anew when the page has heard something new.

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 46;
const WIDEST = 260;
const CHAR = 7.4; // pixels of a character, roughly

function make(name, attributes, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function short(text, width) {
  const most = Math.floor((width - 20) / CHAR);
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

function placed(graph) {
  const layout = new dagre.graphlib.Graph();
  layout.setGraph({ rankdir: innerWidth < 640 ? "TB" : "LR", nodesep: 14, ranksep: 42, marginx: 8, marginy: 8 });
  layout.setDefaultEdgeLabel(() => ({}));
  for (const node of graph.nodes) {
    const chars = Math.max(node.task.length, node.word.length + 2);
    layout.setNode(node.name, { node, width: Math.min(chars * CHAR + 24, WIDEST), height: HEIGHT });
  }
  for (const edge of graph.edges) layout.setEdge(edge.start, edge.end, { kind: edge.kind });
  dagre.layout(layout);
  return layout;
}

function line(points) {
  return points.map((point, place) => `${place ? "L" : "M"}${point.x.toFixed(1)} ${point.y.toFixed(1)}`).join("");
}

function draw(graph) {
  const layout = placed(graph);
  const { width, height } = layout.graph();
  const arrow = make("marker", { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" },
    make("path", { d: "M0 0L8 4L0 8Z", fill: "currentColor" }));
  const svg = make("svg", { width, height, viewBox: `0 0 ${width} ${height}` }, make("defs", {}, arrow));
  for (const end of layout.edges()) {
    const edge = layout.edge(end);
    svg.append(make("path", { class: `edge ${edge.kind}`, d: line(edge.points), "marker-end": "url(#arrow)" }));
  }
  for (const name of layout.nodes()) {
    const { node, x, y, width: wide } = layout.node(name);
    const title = make("title", {}, `${node.task}: ${node.word}`);
    const box = make("rect", { x: x - wide / 2, y: y - HEIGHT / 2, width: wide, height: HEIGHT, rx: 7 });
    const task = make("text", { x: x - wide / 2 + 11, y: y - 4 }, short(node.task, wide));
    const word = make("text", { x: x - wide / 2 + 11, y: y + 14, class: "word" }, `${node.sign} ${node.word}`.trim());
    svg.append(make("a", { href: node.url, class: `node ${node.tone}` }, title, box, task, word));
  }
  return svg;
}

let drawn = "";

function refresh() {
  const figure = document.getElementById("graph");
  if (!figure || figure.dataset.graph === drawn) return;
  drawn = figure.dataset.graph;
  document.getElementById("drawing").replaceChildren(draw(JSON.parse(drawn)));
}

refresh();
document.getElementById("live")?.addEventListener("htmx:sse:after:message", refresh);
