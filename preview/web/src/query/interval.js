// $__interval, $__range and $__rate_interval, as Grafana's data sources compute them.
import { rangeUtil } from '@grafana/data';

export const SCRAPE_INTERVAL_S = 15; // what Grafana's Prometheus data source assumes when it isn't told
const MAX_POINTS = 11000; // Prometheus refuses more points per series

const seconds = (range) => (range.to.valueOf() - range.from.valueOf()) / 1000;

/** Seconds between two points: as many points as the panel is wide, not closer than its smallest interval. */
export function stepFor(target, panel, range) {
  const min = target.interval || panel.interval || `${SCRAPE_INTERVAL_S}s`;
  const points = panel.maxDataPoints ?? panel.pixelWidth;
  const { intervalMs } = rangeUtil.calculateInterval(range, points, min);
  return Math.max(intervalMs, Math.ceil(seconds(range) / MAX_POINTS) * 1000) / 1000;
}

const scoped = (value) => ({ text: String(value), value: String(value) });

export function rangeVars(range) {
  const rangeS = Math.round(seconds(range));
  return { __range: scoped(`${rangeS}s`), __range_s: scoped(rangeS), __range_ms: scoped(rangeS * 1000) };
}

/** A query's own smallest interval is also taken for that of its scrapes; a panel's is not. */
export function intervalVars(step, target, range) {
  const scrape = target.interval ? rangeUtil.intervalToSeconds(target.interval) : SCRAPE_INTERVAL_S;
  return {
    ...rangeVars(range),
    __interval: scoped(rangeUtil.secondsToHms(step)),
    __interval_ms: scoped(Math.round(step * 1000)),
    __rate_interval: scoped(`${Math.max(step + scrape, 4 * scrape)}s`),
  };
}
