// @grafana/ui's TimeSeries (its "graveyard" copy: an older one than Grafana core's, which is AGPL).
import { FieldType } from '@grafana/data';
import { TimeSeries, TooltipPlugin } from '@grafana/ui';
import { PanelMessage } from './message.jsx';

const PLOTTED = [FieldType.number, FieldType.boolean, FieldType.enum];

/** Undefined when plottable, else Grafana's complaint. */
export function timeSeriesProblem(series) {
  const has = (...types) => series.some((f) => f.fields.some((x) => types.includes(x.type)));
  if (!has(FieldType.time)) {
    return 'Data is missing a time field';
  }
  return has(FieldType.number, FieldType.boolean) ? undefined : 'Data is missing a number field';
}

const asNumbers = (field) =>
  field.type === FieldType.boolean
    ? { ...field, type: FieldType.number, values: field.values.map((v) => (v == null ? v : Number(v))) }
    : field;

/** Keeps time and numbers; frames without either cannot be plotted. */
const plottable = (series) =>
  series
    .filter((f) => f.fields.some((x) => x.type === FieldType.time) && f.fields.some((x) => PLOTTED.includes(x.type)))
    .map((f) => ({
      ...f, fields: f.fields.filter((x) => x.type === FieldType.time || PLOTTED.includes(x.type)).map(asNumbers),
    }));

export function TimeSeriesPanel({ data, options, width, height, timeRange, timeZone }) {
  const problem = timeSeriesProblem(data.series);
  if (problem) {
    return <PanelMessage text={problem} />;
  }
  return (
    <TimeSeries
      frames={plottable(data.series)}
      structureRev={data.structureRev}
      timeRange={timeRange}
      timeZone={timeZone}
      width={width}
      height={height}
      legend={options.legend}
      options={options}
    >
      {(config, aligned) => (
        <TooltipPlugin
          config={config}
          data={aligned}
          mode={options.tooltip.mode}
          sortOrder={options.tooltip.sort}
          timeZone={timeZone}
        />
      )}
    </TimeSeries>
  );
}
