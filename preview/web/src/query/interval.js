// $__interval, $__range and $__rate_interval, as Grafana's data sources compute them.
import { rangeUtil } from '@grafana/data';

export const SCRAPE_INTERVAL_S = 15; // what Grafana's Prometheus data source assumes when it isn't told
const MAX_POINTS = 11000; // Prometheus refuses more points per series

const seconds = (range) => (range.to.valueOf() - range.from.valueOf()) / 1000;

/** Seconds between two points: as many points as the panel is wide, not closer than its smallest interval. */
export function stepFor(target, panel, range, interpolate) {
  const min = interpolate(target.interval || panel.interval || `${SCRAPE_INTERVAL_S}s`).replace(/^>/, '');
  const points = panel.maxDataPoints ?? panel.pixelWidth;
  const { intervalMs } = rangeUtil.calculateInterval(range, points, min);
  return Math.max((target.intervalFactor ?? 1) * intervalMs, Math.ceil(seconds(range) / MAX_POINTS) * 1000) / 1000;
}

export function intervalVars(step, range) {
  const rangeS = Math.round(seconds(range));
  const v = (value) => ({ text: String(value), value: String(value) });
  return {
    __interval: v(rangeUtil.secondsToHms(step)),
    __interval_ms: v(Math.round(step * 1000)),
    __range: v(`${rangeS}s`),
    __range_s: v(rangeS),
    __range_ms: v(rangeS * 1000),
    __rate_interval: v(rangeUtil.secondsToHms(Math.max(step + SCRAPE_INTERVAL_S, 4 * SCRAPE_INTERVAL_S))),
  };
}
