// The page as plain JSON, for tests: what was asked, what came, what is on the screen.
import { formattedValueToString, getFieldDisplayName } from '@grafana/data';
import { getActions } from './actions.js';
import { theme } from './boot.js';
import { toTimeline } from './panels/statetimeline.jsx';
import { timeSeriesProblem } from './panels/timeseries.jsx';
import { getValues } from './panels/values.js';
import { panelLinks } from './panelLinks.js';
import { UNRESOLVED } from './query/lint.js';

const MAX_ROWS = 1000;
const NUMBERS = 'number';

const present = ([, v]) => v !== undefined && v !== null && !(Array.isArray(v) && !v.length);
const cut = (o) => Object.fromEntries(Object.entries(o).filter(present));
const raw = (v) => (typeof v === 'number' && !Number.isFinite(v) ? String(v) : v);
const colour = (display) => display?.color && theme.visualization.getColorByName(display.color);
const links = (list) => list.map(({ title, href, target }) => cut({ title, href, target }));
const hidden = (field) => field.config.custom?.hideFrom?.viz === true;

function dumpCell(frame, field, row, state) {
  const value = field.values[row];
  const display = field.display?.(value);
  const actions = getActions(frame, field, row, state.interpolate, state.title).map((a) => ({
    title: a.title, ...a.request(), confirmation: a.confirmation(),
  }));
  return cut({
    raw: raw(value), text: display ? formattedValueToString(display) : String(value ?? ''), color: colour(display),
    links: links(field.getLinks?.({ valueRowIndex: row }) ?? []), actions,
  });
}

function dumpFrame(frame, state) {
  const visible = frame.fields.filter((f) => !hidden(f));
  const name = (f) => getFieldDisplayName(f, frame, state.series);
  const rows = Array.from({ length: Math.min(frame.length, MAX_ROWS) }, (_, row) => row);
  return {
    refId: frame.refId, rowCount: frame.length, columns: visible.map(name),
    cells: rows.map((row) => visible.map((f) => dumpCell(frame, f, row, state))),
  };
}

const text = (el) => (el.innerText ?? '').replace(/\u00a0/g, ' ').trim();

/** What is really on the screen. */
function dumpScreen(el) {
  const out = { text: text(el) };
  const message = el.querySelector('[data-testid="panel-message"]');
  if (message) {
    out.message = text(message);
  }
  const grid = el.querySelector('[role="grid"], [role="treegrid"], [role="table"]');
  if (grid) {
    const cells = (row) => [...row.querySelectorAll('[role="gridcell"], [role="cell"]')].map(text);
    out.headers = [...grid.querySelectorAll('[role="columnheader"]')].map(text);
    out.rows = [...grid.querySelectorAll('[role="row"]')].map(cells).filter((r) => r.length);
    const placeholder = [...grid.children].filter((el) => !el.hasAttribute('role')).map(text).find(Boolean);
    if (!out.rows.length && placeholder) {
      out.message = placeholder;
    }
    out.overflowX = grid.scrollWidth > grid.clientWidth + 1;
  }
  return out;
}

function unresolved(state, frames) {
  const found = new Set();
  const check = (where, s) => UNRESOLVED.test(s ?? '') && found.add(`unresolved variable in ${where}: ${s}`);
  check('title', state.title);
  panelLinks(state).forEach((l) => [l.href, l.title].forEach((s) => check('link of the panel', s)));
  for (const { cells, columns } of frames) {
    cells.forEach((row) => row.forEach((cell, i) => {
      cell.links?.forEach((l) => [l.href, l.title].forEach((s) => check(`link of ${columns[i]}`, s)));
      for (const { url, title, body, confirmation } of cell.actions ?? []) {
        [url, title, body, confirmation].forEach((s) => check(`action of ${columns[i]}`, s));
      }
    }));
  }
  return [...found];
}

function dumpValues({ series, options, fieldConfig, interpolate }) {
  return getValues({ series, options, fieldConfig, replaceVariables: interpolate, timeZone: 'browser' }).map((v) =>
    cut({
      title: v.display.title, text: formattedValueToString(v.display), numeric: raw(v.display.numeric),
      color: colour(v.display), links: v.hasLinks ? links(v.getLinks()) : [],
    })
  );
}

/** What there is beside frames, by panel type. */
const DETAILS = {
  stat: (state) => ({ values: dumpValues(state) }),
  timeseries: ({ series }) => ({
    seriesNames: series.flatMap((f) =>
      f.fields.filter((x) => x.type === NUMBERS).map((x) => getFieldDisplayName(x, f, series))),
    problem: timeSeriesProblem(series),
  }),
  'state-timeline': ({ series, range, options }) => ({ timeline: toTimeline(series, range, options) }),
};

function status({ errors, hasData }) {
  return errors.length ? 'error' : hasData ? 'ok' : 'no-data';
}

function dumpPanel(state) {
  const { panel } = state;
  const frames = state.series.map((f) => dumpFrame(f, state));
  const element = document.querySelector(`[data-panel-key="${CSS.escape(panel.key)}"]`);
  const { problem, ...details } = (state.hasData && DETAILS[panel.type]?.(state)) || {};
  return {
    id: panel.id, title: state.title, type: panel.type, status: status(state), queries: state.queries, frames,
    ...details, links: links(panelLinks(state)),
    errors: problem ? [...state.errors, { stage: 'render', message: problem }] : state.errors,
    warnings: [...new Set([...state.warnings, ...unresolved(state, frames)])],
    screen: element && dumpScreen(element),
  };
}

export function dumpDashboard(live) {
  const { context, json } = live;
  const range = { from: context.range.from.valueOf(), to: context.range.to.valueOf() };
  return {
    uid: json.uid, title: json.title, error: live.error, range, variables: context.variables,
    expected: live.panels.length,
    panels: live.states.map(dumpPanel),
  };
}
