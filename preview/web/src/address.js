// The page's address, in Grafana's scheme: /d/<uid>/<slug>?var-source=…&from=…&to=…
import { useSyncExternalStore } from 'react';

const VARIABLE = 'var-';

/** {uid, from, to, vars: {name: [values]}}; uid and times are undefined where the address doesn't say. */
export function parse(url) {
  const [, uid] = /^\/d\/([^/]+)/.exec(url.pathname) ?? [];
  const vars = {};
  for (const [key, value] of url.searchParams) {
    if (key.startsWith(VARIABLE)) {
      (vars[key.slice(VARIABLE.length)] ??= []).push(value);
    }
  }
  const time = (name) => url.searchParams.get(name) ?? undefined;
  return { uid: uid && decodeURIComponent(uid), from: time('from'), to: time('to'), vars };
}

export function format({ uid, from, to, vars }) {
  const params = new URLSearchParams();
  for (const [name, values] of Object.entries(vars)) {
    values.forEach((value) => params.append(VARIABLE + name, value));
  }
  if (from !== undefined) {
    params.set('from', from);
    params.set('to', to);
  }
  return `/d/${encodeURIComponent(uid)}${params.size ? `?${params}` : ''}`;
}

const listeners = new Set();
let shown = parse(new URL(location.href));

function changed() {
  shown = parse(new URL(location.href));
  listeners.forEach((listener) => listener());
}

function subscribe(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useAddress = () => useSyncExternalStore(subscribe, () => shown);

export function navigate(href, { replace = false } = {}) {
  history[replace ? 'replaceState' : 'pushState'](null, '', href);
  changed();
}

/** As Grafana's router: it takes every link of its own origin, page of ours or not, that asks for no tab of its own. */
function follow(event) {
  const link = event.target.closest?.('a[href]');
  const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
  if (!link || !plain || link.target || link.origin !== location.origin) {
    return;
  }
  event.preventDefault();
  navigate(link.href);
  scrollTo(0, 0);
}

export function watchAddress() {
  addEventListener('popstate', changed);
  document.addEventListener('click', follow);
}
