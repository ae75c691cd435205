// Template variables and interpolation. Interpolation itself is @grafana/scenes' own
// (${var:format}, ${__data.fields.x}, ${__value.raw}, ${__field.labels.x}, ${__url_time_range}, ...).
import { EmbeddedScene, LocalValueVariable, sceneGraph, SceneTimeRange, SceneVariableSet } from '@grafana/scenes';
import { promLabelValues, promQuery } from './api.js';
import { rangeVars } from './query/interval.js';

export const ALL = '$__all';
const LABEL_VALUES = /^label_values\(\s*(?:(.+)\s*,\s*)?([a-zA-Z_]\w*)\s*\)\s*$/s;
const QUERY_RESULT = /^query_result\((.+)\)\s*$/s;

async function queryValues(query, range) {
  let m;
  if ((m = LABEL_VALUES.exec(query))) {
    return promLabelValues(m[2], m[1]?.trim(), range);
  }
  if ((m = QUERY_RESULT.exec(query))) {
    const { data } = await promQuery({ query: m[1], time: range.to.valueOf() / 1000 });
    return data.result.map(({ metric: { __name__ = '', ...labels }, value }) => {
      const inner = Object.entries(labels).map(([k, v]) => `${k}="${v}"`).join(',');
      return `${__name__}{${inner}} ${value[1]} ${value[0] * 1000}`;
    });
  }
  throw new Error(`unsupported variable query: ${query}`);
}

async function queryOptions(variable, range, query) {
  const values = await queryValues(query, range);
  const regex = variable.regex && new RegExp(variable.regex.replace(/^\/(.*)\/\w*$/s, '$1'));
  const options = new Map();
  for (const v of values) {
    const match = regex ? regex.exec(v) : [v];
    if (match) {
      const value = match.groups?.value ?? match[1] ?? match[0];
      options.set(value, { text: match.groups?.text ?? value, value });
    }
  }
  const list = [...options.values()];
  const direction = [0, 1, -1, 1, -1, 1, -1][variable.sort ?? 0] ?? 0;
  const numeric = [3, 4].includes(variable.sort);
  return direction ? list.sort((a, b) => direction * a.text.localeCompare(b.text, undefined, { numeric })) : list;
}

async function optionsOf(variable, range, query) {
  switch (variable.type) {
    case 'query': return queryOptions(variable, range, query);
    case 'datasource': return [{ text: 'preview', value: variable.query }];
    default: throw new Error(`unsupported variable type '${variable.type}'`);
  }
}

/** There is one data source of each kind here, so that nobody needs to choose. */
const isHidden = ({ hide, type }) => hide === 2 || type === 'datasource';

const asArray = (v) => (Array.isArray(v) ? v : v == null || v === '' ? [] : [v]);

/** What is chosen: the values that the address names, else the dashboard's own, else all or the first. */
function choose(variable, options, wanted) {
  if (wanted.includes(ALL)) {
    return options.map((o) => o.value);
  }
  if (wanted.length || !options.length) {
    return wanted;
  }
  return variable.includeAll && variable.multi ? options.map((o) => o.value) : [options[0].value];
}

/**
 * -> {interpolate, variables: [{name, label, type, hidden, multi, query, options, value, all, error, warning}],
 *     values: {name: [values]}, variablesForUrl()}
 */
export async function resolveVariables(dashboard, range, wantedVars) {
  const set = new SceneVariableSet({ variables: [] });
  const time = new SceneTimeRange({ from: String(range.raw.from), to: String(range.raw.to) });
  const scene = new EmbeddedScene({ $variables: set, $timeRange: time, body: undefined });
  const interpolate = (text, scopedVars, format) => sceneGraph.interpolate(scene, text, scopedVars, format);
  const variables = [];
  for (const v of dashboard.templating?.list ?? []) {
    const multi = Boolean(v.multi || v.includeAll);
    const info = { name: v.name, label: v.label || v.name, type: v.type, hidden: isHidden(v), multi, options: [] };
    try {
      info.query = v.type === 'query' ? interpolate(v.query.query, rangeVars(range)) : undefined;
      info.options = await optionsOf(v, range, info.query);
    } catch (err) {
      info.error = err.message;
    }
    const wanted = asArray(wantedVars[v.name] ?? v.current?.value);
    const chosen = choose(v, info.options, wanted);
    info.all = wanted.includes(ALL);
    info.includeAll = Boolean(v.includeAll);
    const known = (c) => info.options.some((o) => o.value === c);
    if (!info.all && v.type === 'query' && !info.error && !chosen.every(known)) {
      info.warning = `${JSON.stringify(chosen)} is not among the ${info.options.length} options`;
    }
    info.value = multi ? chosen : chosen[0] ?? '';
    const text = info.all ? 'All' : chosen.map((c) => info.options.find((o) => o.value === c)?.text ?? c).join(' + ');
    const scoped = new LocalValueVariable({ name: v.name, value: info.value, text, isMulti: multi });
    set.setState({ variables: [...set.state.variables, scoped] });
    variables.push(info);
  }
  return {
    interpolate, variables,
    values: Object.fromEntries(variables.map((v) => [v.name, asArray(v.value)])),
    variablesForUrl: () => Object.fromEntries(variables.map((v) => [`var-${v.name}`, v.all ? ALL : v.value])),
  };
}
