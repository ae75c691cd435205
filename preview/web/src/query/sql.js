// PostgreSQL target -> data frames. The statement stays on the server, which takes it from the dashboard's own file.
import { FieldType, toDataFrame } from '@grafana/data';
import { sqlQuery } from '../api.js';

const TYPES = { time: FieldType.time, number: FieldType.number, boolean: FieldType.boolean };

export async function runSql(target, { dashboard, panel, values }) {
  const started = performance.now();
  const question = { dashboard: dashboard.uid, panel: panel.id, refId: target.refId, variables: values };
  const { columns, rows } = await sqlQuery(question);
  const fields = columns.map(({ name, type }, i) => ({
    name, type: TYPES[type] ?? FieldType.string, config: {}, values: rows.map((row) => row[i]),
  }));
  const ms = Math.round(performance.now() - started);
  const request = { kind: 'sql', expr: target.rawSql, series: rows.length, ms };
  return { frames: [toDataFrame({ refId: target.refId, fields })], request, notices: [] };
}
