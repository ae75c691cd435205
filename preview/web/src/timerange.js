import { dateMath, dateTime, rangeUtil } from '@grafana/data';

export const TIME_ZONE = 'browser';

export function makeTimeRange(from, to) {
  const parse = (text, roundUp) =>
    /^\d+$/.test(String(text)) ? dateTime(Number(text)) : dateMath.toDateTime(text, { roundUp, timezone: TIME_ZONE });
  return { from: parse(from, false), to: parse(to, true), raw: { from, to } };
}

/** A panel's own timeFrom and timeShift. */
export function panelTimeRange(range, panel) {
  const own = panel.timeFrom ? makeTimeRange(`now-${panel.timeFrom}`, 'now') : range;
  if (!panel.timeShift) {
    return own;
  }
  const ms = rangeUtil.intervalToMs(panel.timeShift);
  return { from: dateTime(own.from.valueOf() - ms), to: dateTime(own.to.valueOf() - ms), raw: own.raw };
}
