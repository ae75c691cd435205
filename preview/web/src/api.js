// What the page asks its own origin for.
async function getJson(url, init) {
  const res = await fetch(url, init);
  const text = await res.text();
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    throw new Error(`HTTP ${res.status}: ${text.slice(0, 200)}`);
  }
  if (!res.ok || body.status === 'error' || body.error) {
    throw new Error(`${body.errorType ? `${body.errorType}: ` : ''}${body.error ?? `HTTP ${res.status}`}`);
  }
  return body;
}

const PROMETHEUS = '/prometheus/api/v1';

/** [{uid, title}] */
export const listDashboards = () => getJson('/preview/dashboards');

export const getDashboard = (uid) => getJson(`/preview/dashboards/${encodeURIComponent(uid)}`);

/** params: {query, time} (instant) or {query, start, end, step} (range); seconds. */
export const promQuery = (params) =>
  getJson(`${PROMETHEUS}/${params.step === undefined ? 'query' : 'query_range'}`, {
    method: 'POST', body: new URLSearchParams(params),
  });

export async function promLabelValues(label, selector, range) {
  const q = new URLSearchParams({ start: range.from.valueOf() / 1000, end: range.to.valueOf() / 1000 });
  if (selector) {
    q.append('match[]', selector);
  }
  return (await getJson(`${PROMETHEUS}/label/${encodeURIComponent(label)}/values?${q}`)).data;
}

/** question: {dashboard, panel, refId, variables} -> {columns: [{name, type}], rows: [[...]]} */
export const sqlQuery = (question) =>
  getJson('/preview/sql', {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(question),
  });
