import { dateMath, dateTime } from '@grafana/data';

export const TIME_ZONE = 'browser';

export function makeTimeRange(from, to) {
  const parse = (text, roundUp) =>
    /^\d+$/.test(String(text)) ? dateTime(Number(text)) : dateMath.toDateTime(text, { roundUp, timezone: TIME_ZONE });
  return { from: parse(from, false), to: parse(to, true), raw: { from, to } };
}
