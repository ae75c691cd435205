// What cron-parser, and pg-boss' rule with it, make of expressions.
//
// Usage: node pgboss.mjs PACKAGES < [[expression, zone | null, [from, until]], ...] in JSON; answers with a list of
// null for what pg-boss refuses, or {minutes, hours, days, shown}: the days from 25 February 2027 to a leap day that match, and the minutes
// since the epoch in which a pass finds a tick.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const { CronDate, CronExpressionParser } = createRequire(process.argv[2] + "/package.json")("cron-parser");
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const [FIRST, DAYS] = [Date.UTC(2027, 1, 25), 400];

const MIDNIGHTS = Array.from({ length: DAYS }, (_, day) => new CronDate(new Date(FIRST + day * DAY), "UTC"));

const numbers = (values) => values.filter((value) => typeof value === "number");

function read([expression, zone, [from, until]]) {
  let cron;
  try {
    cron = CronExpressionParser.parse(expression, { tz: "UTC", strict: false });
  } catch {
    return null;
  }
  const { minute, hour } = cron.fields;
  // At midnight, whatever its hours are: a date with another time takes cron-parser long to make.
  const atoms = expression.startsWith("@") ? ["*", "*", "*"] : ["*", "*", "*", ...expression.trim().split(/\s+/)].slice(-3);
  const atMidnight = CronExpressionParser.parse(["0 0 0", ...atoms].join(" "), { tz: "UTC", strict: false });
  const days = [...MIDNIGHTS.keys()].filter((day) => (expression.startsWith("@week") ? cron : atMidnight).includesDate(MIDNIGHTS[day]));
  const shown = [];
  const today = (from * MINUTE - FIRST) / DAY;
  // An expression without a tick near these days would be searched for through all the years, each minute anew.
  const near = zone && days.some((day) => Math.abs(day - today) < 2);
  for (let at = from; near && at < until; at += 1) {
    // A pass at the end of the minute, which looks back for a minute: pg-boss' Timekeeper.
    const [now, window] = [(at + 1) * MINUTE - 1, at * MINUTE];
    try {
      const previous = CronExpressionParser.parse(expression, { tz: zone, strict: false, currentDate: new Date(now + 1) });
      if (previous.prev().getTime() >= window) shown.push(at);
    } catch {
      // There is never one.
    }
  }
  return { minutes: numbers(minute.values), hours: numbers(hour.values), days, shown };
}

process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(read)));
