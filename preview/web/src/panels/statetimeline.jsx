// Drawn here (core's is AGPL): one row per non-time field, merged equal values, display colours, pages of rows.
import {
  applyNullInsertThreshold, dateTimeFormat, FieldType, formattedValueToString, getFieldDisplayName,
} from '@grafana/data';
import { Pagination, useTheme2 } from '@grafana/ui';
import { useState } from 'react';
import { PanelMessage } from './message.jsx';

const AXIS = 22;
const PAGER = 36;
const CHARACTER = 7;
const SECOND = 1000;
const HOUR = 3600 * SECOND;
const DAY = 24 * HOUR;
const STEPS = [10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400].map((s) => s * SECOND);
const MOST_TICKS = 9;

/** Round moments of the day, as many as there is room for. */
function roundMoments(from, to) {
  const least = (to - from) / MOST_TICKS;
  const step = STEPS.find((one) => one >= least) ?? Math.ceil(least / DAY) * DAY;
  const local = new Date(from).getTimezoneOffset() * 60 * SECOND;
  const first = Math.ceil((from - local) / step) * step + local;
  const words = step < 60 * SECOND ? 'HH:mm:ss' : step < 12 * HOUR ? 'HH:mm' : 'MM/DD HH:mm';
  const moments = [];
  for (let t = first; t <= to; t += step) {
    moments.push({ t, text: dateTimeFormat(t, { format: words }) });
  }
  return moments;
}

/** Equal values that follow one another are one segment; one without a value ends the last. */
function toSegments(times, field, end, { mergeValues }) {
  const segments = [];
  times.forEach((from, i) => {
    const value = field.values[i];
    const last = segments.at(-1);
    if (last && last.to === undefined) {
      if (mergeValues && last.value === value) {
        return;
      }
      last.to = from;
    }
    if (value != null) {
      const display = field.display(value);
      segments.push({ from, value, text: formattedValueToString(display), color: display.color });
    }
  });
  if (segments.length) {
    segments.at(-1).to ??= end;
  }
  return segments;
}

/** [{name, segments: [{from, to, value, text, color}]}] */
export function toTimeline(series, range, options) {
  const [refFieldPseudoMin, refFieldPseudoMax] = [range.from.valueOf(), range.to.valueOf()];
  return series.flatMap((given) => {
    const frame = applyNullInsertThreshold({ frame: given, refFieldPseudoMin, refFieldPseudoMax });
    const time = frame.fields.find((f) => f.type === FieldType.time);
    return frame.fields
      .filter((f) => time && f.type !== FieldType.time && !f.config.custom?.hideFrom?.viz)
      .map((field) => ({
        name: getFieldDisplayName(field, frame, series),
        segments: toSegments(time.values, field, refFieldPseudoMax, options),
      }));
  });
}

function Rows({ rows, options, width, height, timeRange }) {
  const theme = useTheme2();
  const [from, to] = [timeRange.from.valueOf(), timeRange.to.valueOf()];
  const labels = Math.min(width / 3, 10 + CHARACTER * Math.max(...rows.map((r) => r.name.length)));
  const x = (t) => labels + ((width - labels) * (Math.min(Math.max(t, from), to) - from)) / (to - from);
  const step = (height - AXIS) / rows.length;
  const bar = step * options.rowHeight;
  const caption = (segment, w, middle) =>
    options.showValue !== 'never' && w > 8 + CHARACTER * segment.text.length && bar > 14 && (
      <text
        x={x(segment.from) + 4}
        y={middle}
        fill={theme.colors.getContrastText(theme.visualization.getColorByName(segment.color))}
      >
        {segment.text}
      </text>
    );
  return (
    <svg width={width} height={height} fontFamily={theme.typography.fontFamily} fontSize={12} display="block">
      {rows.map((row, r) => (
        <g key={row.name} data-row={row.name}>
          <text x={labels - 8} y={(r + 0.5) * step + 4} textAnchor="end" fill={theme.colors.text.primary}>
            {row.name}
          </text>
          {row.segments.filter((s) => s.to > from && s.from < to).map((s) => {
            const w = Math.max(x(s.to) - x(s.from), 1);
            const y = r * step + (step - bar) / 2;
            return (
              <g key={s.from}>
                <title>{`${row.name}: ${s.text}`}</title>
                <rect x={x(s.from)} y={y} width={w} height={bar} fill={s.color} fillOpacity={0.7} />
                {caption(s, w, (r + 0.5) * step + 4)}
              </g>
            );
          })}
        </g>
      ))}
      {roundMoments(from, to).map(({ t, text }) => (
        <text key={t} x={x(t)} y={height - 4} textAnchor="middle" fill={theme.colors.text.secondary}>{text}</text>
      ))}
    </svg>
  );
}

export function StateTimelinePanel({ data, options, width, height, timeRange }) {
  const [page, setPage] = useState(1);
  const rows = toTimeline(data.series, timeRange, options);
  if (!rows.length) {
    return <PanelMessage text="Data is missing a time field" />;
  }
  const perPage = options.perPage || rows.length;
  const pages = Math.ceil(rows.length / perPage);
  const shown = Math.min(page, pages);
  return (
    <>
      <Rows
        rows={rows.slice((shown - 1) * perPage, shown * perPage)}
        options={options}
        width={width}
        height={pages > 1 ? height - PAGER : height}
        timeRange={timeRange}
      />
      {pages > 1 && <Pagination currentPage={shown} numberOfPages={pages} onNavigate={setPage} showSmallVersion />}
    </>
  );
}
