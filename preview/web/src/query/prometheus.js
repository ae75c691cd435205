// Prometheus target -> data frames. (Grafana's own code for this is AGPL; written from the documented behaviour.)
import { FieldType, toDataFrame } from '@grafana/data';
import { promQuery } from '../api.js';
import { intervalVars, stepFor } from './interval.js';

/** Multi-value variables become a regex alternation, as Grafana does for Prometheus. */
function interpolateValue(value, variable) {
  const regex = (v) => String(v).replace(/[\\^$*+?.()|[\]{}]/g, '\\\\$&');
  if (Array.isArray(value)) {
    return value.length === 1 ? regex(value[0]) : `(${value.map(regex).join('|')})`;
  }
  if (variable.multi) {
    return regex(value);
  }
  return typeof value === 'string' ? value.replace(/\\/g, '\\\\').replace(/"/g, '\\"') : value;
}

function metricName({ __name__ = '', ...labels }) {
  const inner = Object.entries(labels).map(([k, v]) => `${k}="${v}"`).join(', ');
  return inner ? `${__name__}{${inner}}` : __name__;
}

function legend(target, metric, expr, interpolate) {
  const format = target.legendFormat;
  if (format === '__auto') {
    return Object.keys(metric).length ? undefined : expr; // undefined: @grafana/data works it out from the labels
  }
  if (!format) {
    return metricName(metric) || expr;
  }
  return interpolate(format).replace(/\{\{\s*(.+?)\s*\}\}/g, (_, label) => metric[label] ?? '');
}

const number = (text) => (text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : parseFloat(text));

/** Vector, matrix, scalar -> [{metric, points: [[ms, value]]}]. */
function toSeries({ resultType, result }) {
  const point = ([t, v]) => [t * 1000, number(v)];
  switch (resultType) {
    case 'vector': return result.map((s) => ({ metric: s.metric, points: [point(s.value)] }));
    case 'matrix': return result.map((s) => ({ metric: s.metric, points: s.values.map(point) }));
    default: return [{ metric: {}, points: [point(result)] }];
  }
}

function tableFrame(series, refId, valueName) {
  const labels = [...new Set(series.flatMap((s) => Object.keys(s.metric)))].sort();
  const rows = series.flatMap((s) => s.points.map(([t, v]) => [t, v, s.metric]));
  const column = (name) => ({
    name, type: FieldType.string, config: { filterable: true }, values: rows.map((r) => r[2][name] ?? ''),
  });
  return {
    refId, meta: { preferredVisualisationType: 'table' },
    fields: [
      { name: 'Time', type: FieldType.time, config: {}, values: rows.map((r) => r[0]) },
      ...labels.map(column),
      { name: valueName, type: FieldType.number, config: {}, values: rows.map((r) => r[1]) },
    ],
  };
}

function seriesFrame({ metric, points }, target, expr, step, interpolate) {
  const name = legend(target, metric, expr, interpolate);
  return {
    name, refId: target.refId, meta: { type: 'timeseries-multi' },
    fields: [
      {
        name: 'Time', type: FieldType.time, config: step ? { interval: step * 1000 } : {},
        values: points.map((p) => p[0]),
      },
      {
        name: 'Value', type: FieldType.number, labels: { ...metric }, config: name ? { displayNameFromDS: name } : {},
        values: points.map((p) => p[1]),
      },
    ],
  };
}

/** -> {frames, request: {kind, expr, step?, series, ms}, notices}. `tables`: how many of the panel's targets are. */
export async function runPrometheus(target, { panel, range, interpolate, tables }) {
  const step = stepFor(target, panel, range);
  const scoped = intervalVars(step, target, range);
  const expr = interpolate(target.expr ?? '', scoped, interpolateValue);
  const [from, to] = [range.from.valueOf() / 1000, range.to.valueOf() / 1000];
  const aligned = (t) => Math.floor(t / step) * step;
  const params = target.instant
    ? { query: expr, time: to }
    : { query: expr, start: aligned(from), end: aligned(to), step };
  const started = performance.now();
  const { data, warnings = [], infos = [] } = await promQuery(params);
  const series = toSeries(data);
  const request = {
    kind: target.instant ? 'instant' : 'range', expr, ...(!target.instant && { step }), series: series.length,
    ms: Math.round(performance.now() - started),
  };
  const frames = toFrames(target, series, tables, expr, params.step, (t) => interpolate(t, scoped));
  return { frames, request, notices: [...warnings, ...infos] };
}

function toFrames(target, series, tables, expr, step, interpolate) {
  if (!series.length) {
    return [toDataFrame({ refId: target.refId, fields: [] })];
  }
  if (target.format === 'table') {
    return [toDataFrame(tableFrame(series, target.refId, tables > 1 ? `Value #${target.refId}` : 'Value'))];
  }
  return series.map((s) => toDataFrame(seriesFrame(s, target, expr, step, interpolate)));
}
