import { css } from '@emotion/css';
import { dateTime } from '@grafana/data';
import {
  Combobox, MultiCombobox, RefreshPicker, Tab, TabsBar, TimeRangePicker, useTheme2,
} from '@grafana/ui';
import { format, navigate, parse } from './address.js';
import { ALL } from './variables.js';

const QUICK_RANGES = [
  ['15m', '15 minutes'], ['1h', 'hour'], ['3h', '3 hours'], ['6h', '6 hours'], ['12h', '12 hours'], ['24h', '24 hours'],
  ['2d', '2 days'], ['7d', '7 days'],
].map(([span, words]) => ({ from: `now-${span}`, to: 'now', display: `Last ${words}` }));

/** The dashboard's own links to dashboards, else all that there are; one that isn't among them comes last. */
function tabs({ json, context }, dashboards, address) {
  const links = (json?.links ?? []).filter((l) => l.url?.startsWith('/d/'));
  const linked = links.map((l) => {
    const target = parse(new URL(context ? context.interpolate(l.url) : l.url, location.origin));
    const vars = l.includeVars ? { ...target.vars, ...address.vars } : target.vars;
    const time = l.keepTime ? { from: address.from, to: address.to } : {};
    return { uid: target.uid, label: l.title.replace(/^● /, ''), href: format({ ...target, ...time, vars }) };
  });
  const all = dashboards.map(({ uid, title }) => ({ uid, label: title, href: format({ uid, vars: {} }) }));
  const found = linked.length ? linked : all;
  const own = { uid: address.uid, label: json?.title.replace(/^System Status: /, '') ?? '…', href: format(address) };
  return found.some((t) => t.uid === address.uid) ? found : [...found, own];
}

function Variable({ variable, onChange }) {
  const options = variable.options.map(({ text, value }) => ({ label: text, value }));
  const common = { options, width: 'auto', minWidth: 12, maxWidth: 60, 'aria-label': variable.label };
  if (!variable.multi) {
    return <Combobox {...common} value={variable.value} onChange={({ value }) => onChange([value])} />;
  }
  return (
    <MultiCombobox
      {...common}
      options={[{ label: 'All', value: ALL }, ...options]}
      value={variable.all ? [ALL] : variable.value}
      onChange={(chosen) => {
        const values = chosen.map((o) => o.value);
        const newest = values.at(-1);
        onChange(!values.length || newest === ALL ? [ALL] : values.filter((v) => v !== ALL));
      }}
    />
  );
}

function TimePicker({ range, address }) {
  const go = (from, to) => navigate(format({ ...address, from, to }));
  const text = (t) => (typeof t === 'string' ? t : String(t.valueOf()));
  const [from, to] = [range.from.valueOf(), range.to.valueOf()];
  const shift = (by) => go(String(Math.round(from + by)), String(Math.round(to + by)));
  const widen = (by) => go(String(Math.round(from - by)), String(Math.round(Math.min(to + by, Date.now()))));
  const relative = (t) => (/^\d+$/.test(t) ? dateTime(Number(t)) : t);
  return (
    <TimeRangePicker
      value={{ ...range, raw: { from: relative(range.raw.from), to: relative(range.raw.to) } }}
      quickRanges={QUICK_RANGES}
      onChange={({ raw }) => go(text(raw.from), text(raw.to))}
      onMoveBackward={() => shift((from - to) / 2)}
      onMoveForward={() => shift((to - from) / 2)}
      onZoom={() => widen((to - from) / 2)}
      onChangeTimeZone={() => {}}
      isOnCanvas
    />
  );
}

export function Header({ live, dashboards, address, pace, onPace }) {
  const theme = useTheme2();
  const { context } = live;
  const setVariable = (name, values) => navigate(format({ ...address, vars: { ...address.vars, [name]: values } }));
  const line = css({ display: 'flex', flexWrap: 'wrap', gap: 8, alignItems: 'center', marginBottom: 8 });
  return (
    <header data-testid="header">
      <div className={line}>
        <h1 style={{ ...theme.typography.h4, margin: 0 }}>System Status</h1>
        <span style={{ flex: 1 }} />
        <span
          style={{ ...theme.typography.bodySmall, color: theme.colors.text.secondary }}
          title="Drawn with Grafana's own packages, without a Grafana server"
        >
          Preview: in production these dashboards are shown by Grafana
        </span>
      </div>
      <TabsBar>
        {tabs(live, dashboards, address).map((t) => (
          <Tab key={t.uid} label={t.label} href={t.href} active={t.uid === address.uid} />
        ))}
      </TabsBar>
      <div className={line} style={{ marginTop: 8, minHeight: 32 }}>
        {context?.variables.filter((v) => !v.hidden).map((v) => (
          <label key={v.name} style={{ display: 'flex', alignItems: 'center', gap: 8 }}>
            {v.label}
            <Variable variable={v} onChange={(values) => setVariable(v.name, values)} />
          </label>
        ))}
        <span style={{ flex: 1 }} />
        {context && <TimePicker range={context.range} address={address} />}
        <RefreshPicker
          onRefresh={() => live.refresh()}
          value={pace}
          onIntervalChanged={onPace}
          tooltip="Refresh"
          isOnCanvas
        />
      </div>
    </header>
  );
}
