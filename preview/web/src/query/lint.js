// What Grafana passes over in silence: names that match nothing, variables that nobody resolved.
import { fieldMatchers, getFieldDisplayName } from '@grafana/data';

export const UNRESOLVED = /\$\{[^}]*\}|\$[A-Za-z_]/; // $1 is a regular expression's

export function queryWarnings(refId, request, notices) {
  const found = notices.map((n) => `query ${refId}: ${n}`);
  if (request.kind !== 'sql' && UNRESOLVED.test(request.expr)) {
    found.push(`query ${refId}: unresolved variable in: ${request.expr}`);
  }
  return found;
}

/** Columns that the panel itself leaves out, such as that of the source where there is only one. */
export const omitted = (panel, interpolate) =>
  (panel.transformations ?? [])
    .filter((t) => t.id === 'filterFieldsByName')
    .flatMap((t) => t.options.exclude?.names ?? [])
    .map((name) => interpolate(name));

/** Field names that a transformation's options mention but its input lacks. */
export function missingFields({ id, options = {} }, input, left) {
  const named = (field, frame) => [field.name, getFieldDisplayName(field, frame, input)];
  const known = new Set(input.flatMap((frame) => frame.fields.flatMap((field) => named(field, frame))));
  const wanted = {
    organize: () => [...Object.keys(options.renameByName ?? {}), ...Object.keys(options.indexByName ?? {})],
    joinByField: () => [options.byField],
    filterFieldsByName: () => options.include?.names ?? [],
    sortBy: () => (options.sort ?? []).map((s) => s.field),
    convertFieldType: () => (options.conversions ?? []).map((c) => c.targetField),
  }[id];
  const lost = (name) => name && !known.has(name) && !left.includes(name);
  return known.size ? [...new Set(wanted?.() ?? [])].filter(lost) : [];
}

export function fieldConfigWarnings({ overrides }, plugin, frames, left) {
  const found = [];
  for (const { matcher, properties } of overrides) {
    const where = `override ${matcher.id}(${JSON.stringify(matcher.options)})`;
    for (const { id } of properties.filter((p) => !plugin.fieldConfigRegistry.getIfExists(p.id))) {
      found.push(`${where}: unknown property '${id}'`);
    }
    const known = fieldMatchers.getIfExists(matcher.id);
    // A pattern is for whatever may come.
    const named = matcher.id !== 'byRegexp' && !left.includes(matcher.options);
    const asked = named && frames.some((f) => f.fields.length);
    const matches = known?.get(matcher.options);
    const matched = () => frames.some((f) => f.fields.some((x) => matches(x, f, frames)));
    if (!known) {
      found.push(`${where}: unknown matcher`);
    } else if (asked && !matched()) {
      found.push(`${where}: matches no field`);
    }
  }
  return found;
}
