// One panel: targets -> frames -> transformations -> field overrides, with what went wrong collected on the way.
import {
  applyFieldOverrides, cacheFieldDisplayNames, compareArrayValues, compareDataFrameStructures,
  getPanelOptionsWithDefaults, standardTransformersRegistry, transformDataFrame,
} from '@grafana/data';
import { cloneDeep, isEqual } from 'lodash';
import { lastValueFrom } from 'rxjs';
import { theme } from '../boot.js';
import { fieldConfigWarnings, missingFields, omitted, queryWarnings } from './lint.js';
import { getPlugin } from '../plugins.jsx';
import { TIME_ZONE } from '../timerange.js';
import { runPrometheus } from './prometheus.js';
import { runSql } from './sql.js';

const RUNNERS = { prometheus: runPrometheus, 'grafana-postgresql-datasource': runSql };

async function runTargets(state, ctx) {
  const { panel, interpolate } = state;
  const targets = (panel.targets ?? []).filter((t) => !t.hide);
  const tables = targets.filter((t) => t.format === 'table' && t.expr).length;
  const run = { dashboard: ctx.dashboard, panel, range: state.range, interpolate, values: ctx.values, tables };
  const results = await Promise.all(
    targets.map(async (target) => {
      const type = (target.datasource ?? panel.datasource)?.type;
      try {
        if (!RUNNERS[type]) {
          throw new Error(`data source type '${type}' isn't supported here`);
        }
        const { frames, request, notices } = await RUNNERS[type](target, run);
        state.queries.push({ refId: target.refId, ...request });
        state.warnings.push(...queryWarnings(target.refId, request, notices));
        return frames;
      } catch (err) {
        state.errors.push({ stage: 'query', refId: target.refId, message: err.message });
        return [];
      }
    })
  );
  return results.flat();
}

/** One step at a time, which comes to the same, to see where data gets lost. */
async function transform(state, frames) {
  let data = frames;
  for (const [index, t] of (state.panel.transformations ?? []).entries()) {
    const label = `transformation ${index + 1} (${t.id})`;
    if (!standardTransformersRegistry.getIfExists(t.id)) {
      state.errors.push({ stage: 'transform', message: `${label}: not in @grafana/data` });
      continue;
    }
    const missing = missingFields(t, data, state.omitted);
    if (missing.length) {
      state.warnings.push(`${label}: fields not in its input: ${missing.join(', ')}`);
    }
    try {
      data = await lastValueFrom(transformDataFrame([t], data, { interpolate: (v) => state.interpolate(v) }));
    } catch (err) {
      state.errors.push({ stage: 'transform', message: `${label}: ${err.message}` });
      return [];
    }
  }
  return data;
}

/** Tables of Grafana up to 12.1 hide a column by `custom.hidden`, which Grafana's own migration turns into hideFrom. */
function migrate(fieldConfig) {
  for (const prop of fieldConfig.overrides.flatMap((rule) => rule.properties)) {
    if (prop.id === 'custom.hidden') {
      const viz = Boolean(prop.value);
      Object.assign(prop, { id: 'custom.hideFrom', value: { viz, legend: false, tooltip: false } });
    }
  }
  return fieldConfig;
}

/** The same object as before when nothing has changed: a chart is built anew for another one. */
const kept = (before, now) => (isEqual(before, now) ? before : now);

/**
 * Queries and prepares a panel. `before` is its last state, of which is kept what has not changed.
 * -> {panel, plugin, title, interpolate, range, queries, errors, warnings, series, options, fieldConfig, structureRev}
 */
export async function loadPanel(panel, ctx, before) {
  const interpolate = (text, scoped, format) => ctx.interpolate(text, { ...panel.scopedVars, ...scoped }, format);
  const state = {
    panel, interpolate, plugin: getPlugin(panel.type), title: interpolate(panel.title ?? '', undefined, 'text'),
    range: ctx.range, queries: [], errors: [], warnings: [], series: [],
    omitted: omitted(panel, interpolate),
  };
  if (!state.plugin) {
    state.errors.push({ stage: 'render', message: `panels of type '${panel.type}' aren't drawn here` });
    return state;
  }
  const transformed = await transform(state, await runTargets(state, ctx));
  const given = migrate({ defaults: {}, overrides: [], ...cloneDeep(panel.fieldConfig) });
  state.warnings.push(...fieldConfigWarnings(given, state.plugin, transformed, state.omitted));
  const { options, fieldConfig } = getPanelOptionsWithDefaults({
    plugin: state.plugin, currentOptions: cloneDeep(panel.options), currentFieldConfig: given,
    isAfterPluginChange: false,
  });
  state.options = kept(before?.options, options);
  state.fieldConfig = kept(before?.fieldConfig, fieldConfig);
  state.series = applyFieldOverrides({
    data: transformed, fieldConfig, fieldConfigRegistry: state.plugin.fieldConfigRegistry,
    replaceVariables: interpolate, theme, timeZone: TIME_ZONE,
  });
  cacheFieldDisplayNames(state.series); // TableNG shows and sorts by field.state.displayName
  state.hasData = state.series.some((f) => f.length > 0 && f.fields.length > 0);
  const same = before?.series && compareArrayValues(before.series, state.series, compareDataFrameStructures);
  state.structureRev = (before?.structureRev ?? 0) + (same ? 0 : 1);
  return state;
}
