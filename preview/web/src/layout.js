// Classic dashboard grid: 24 columns, 30 px cells, 8 px gaps.
const COLUMNS = 24;
const CELL = 30;
const GAP = 8;

export const toPixels = ({ x, y, w, h }, width) => {
  const col = (width - GAP * (COLUMNS - 1)) / COLUMNS;
  return {
    left: x * (col + GAP), top: y * (CELL + GAP),
    width: Math.floor(w * col + (w - 1) * GAP), height: h * CELL + (h - 1) * GAP,
  };
};

/** The panels, in reading order. */
export function layoutPanels(dashboard, width) {
  return [...dashboard.panels]
    .sort((a, b) => a.gridPos.y - b.gridPos.y || a.gridPos.x - b.gridPos.x)
    .map((panel) => ({ ...panel, key: String(panel.id), pixelWidth: toPixels(panel.gridPos, width).width }));
}
