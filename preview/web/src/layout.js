// Classic dashboard grid: 24 columns, 30 px cells, 8 px gaps; on a narrow page one panel a row, as Grafana has it.
const COLUMNS = 24;
const CELL = 30;
const GAP = 8;
const NARROW = 768;

const heightOf = ({ h }) => h * CELL + (h - 1) * GAP;

const inGrid = ({ x, y, w, ...place }, width) => {
  const col = (width - GAP * (COLUMNS - 1)) / COLUMNS;
  return {
    left: x * (col + GAP), top: y * (CELL + GAP),
    width: Math.floor(w * col + (w - 1) * GAP), height: heightOf(place),
  };
};

/** Where panels in reading order are drawn: [{left, top, width, height}]. */
export function toPixels(panels, width) {
  if (width >= NARROW) {
    return panels.map((panel) => inGrid(panel.gridPos, width));
  }
  let top = 0;
  return panels.map((panel) => {
    const rect = { left: 0, top, width, height: heightOf(panel.gridPos) };
    top += rect.height + GAP;
    return rect;
  });
}

/** The panels, in reading order. */
export function layoutPanels(dashboard, width) {
  const panels = [...dashboard.panels].sort((a, b) => a.gridPos.y - b.gridPos.y || a.gridPos.x - b.gridPos.x);
  const rects = toPixels(panels, width);
  return panels.map((panel, i) => ({ ...panel, key: String(panel.id), pixelWidth: rects[i].width }));
}
