// Field 'actions': buttons which call an HTTP API. Grafana's button and confirmation dialog, our request.
import { getFieldDataContextClone, textUtil } from '@grafana/data';

/** Every request that was sent: {panel, title, request, response: {status, ok, body} | undefined, error, done}. */
export const actionLog = [];

const listeners = new Set();

export function onAction(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The request that an action makes for one cell: {method, url, headers, body}. */
export function buildRequest({ fetch: options }, replace) {
  const url = new URL(replace(options.url), location.origin);
  for (const [name, value] of options.queryParams ?? []) {
    url.searchParams.append(replace(name), replace(value));
  }
  const headers = Object.fromEntries((options.headers ?? []).map(([name, value]) => [replace(name), replace(value)]));
  const bare = ['GET', 'HEAD'].includes(options.method) || !options.body;
  return {
    method: options.method, url: textUtil.sanitizeUrl(url.href), headers,
    body: bare ? undefined : replace(options.body),
  };
}

async function execute(panel, title, request) {
  const entry = { panel, title, request, done: false };
  actionLog.push(entry);
  try {
    const headers = { ...request.headers, 'X-Grafana-Action': '1' }; // which Grafana adds
    const res = await fetch(request.url, { method: request.method, headers, body: request.body });
    entry.response = { status: res.status, ok: res.ok, body: (await res.text()).slice(0, 2000) };
  } catch (err) {
    entry.error = err.message;
  }
  entry.done = true;
  listeners.forEach((listener) => listener(entry));
}

/** ActionModel[] for one cell, as TableNG's `getActions` wants them. */
export function getActions(frame, field, rowIndex, interpolate, panel) {
  return (field.config.actions ?? []).map((action) => {
    const dataContext = getFieldDataContextClone(frame, field, field.state?.scopedVars ?? {});
    dataContext.value.rowIndex = rowIndex;
    const replace = (text, scoped, format) =>
      interpolate(text, { ...field.state?.scopedVars, __dataContext: dataContext, ...scoped }, format);
    const title = replace(action.title ?? '');
    return {
      title, type: action.type, oneClick: false, variables: [],
      style: { backgroundColor: action.style?.backgroundColor },
      confirmation: () => (action.confirmation ? replace(action.confirmation) : `Are you sure you want to ${title}?`),
      onClick: () => execute(panel, title, buildRequest(action, replace)),
      request: () => buildRequest(action, replace), // for the dump
    };
  });
}
