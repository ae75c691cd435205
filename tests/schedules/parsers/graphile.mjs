// What Graphile Worker's own parser makes of expressions: input and output as those of pgboss.mjs, without shown.
import { readFileSync } from "node:fs";

const { createCronMatcher, parseCronRangeString } = await import(
  `${process.argv[2]}/node_modules/graphile-worker/dist/cronMatcher.js`
);
const DAY = 24 * 60 * 60_000;
const [FIRST, DAYS] = [Date.UTC(2027, 1, 25), 400];

function read([expression]) {
  let matches, ranges;
  try {
    matches = createCronMatcher(expression, "test");
    ranges = parseCronRangeString(expression, "test");
  } catch {
    return null;
  }
  const days = [];
  for (let day = 0; day < DAYS; day += 1) {
    const at = new Date(FIRST + day * DAY);
    const digest = { min: ranges.minutes[0], hour: ranges.hours[0], date: at.getUTCDate(), month: at.getUTCMonth() + 1, dow: at.getUTCDay() };
    if (matches(digest)) days.push(day);
  }
  return { minutes: ranges.minutes, hours: ranges.hours, days, shown: [] };
}

process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(read)));
