import { TableNG } from '@grafana/ui/unstable';
import { getActions } from '../actions.js';

const DRAWN_WHOLE = 100; // rows; more are drawn as they are scrolled to, as Grafana always does

export function TablePanel({ data, options, width, height, fieldConfig, replaceVariables, timeRange, title }) {
  const frame = data.series[Math.min(options.frameIndex ?? 0, data.series.length - 1)];
  return (
    <TableNG
      ariaLabel={title}
      data={frame}
      width={width}
      height={height}
      noHeader={!options.showHeader}
      showTypeIcons={options.showTypeIcons}
      resizable
      sortBy={options.sortBy}
      cellHeight={options.cellHeight}
      maxRowHeight={options.maxRowHeight}
      enablePagination={options.enablePagination}
      fieldConfig={fieldConfig}
      noValue={fieldConfig.defaults.noValue}
      timeRange={timeRange}
      enableVirtualization={frame.length > DRAWN_WHOLE}
      structureRev={data.structureRev}
      getActions={(f, field, rowIndex) => getActions(f, field, rowIndex, replaceVariables, title)}
    />
  );
}
