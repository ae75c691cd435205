// Prometheus's own alerts; Grafana's panel asks Grafana's alerting for them.
import { dateTimeFormatTimeAgo } from '@grafana/data';
import { Badge, useTheme2 } from '@grafana/ui';
import { PanelMessage } from './message.jsx';

const COLOURS = { firing: 'red', pending: 'orange' };
const NAMED_ELSEWHERE = ['alertname', 'severity'];

export function AlertListPanel({ data, fieldConfig }) {
  const theme = useTheme2();
  if (!data.alerts.length) {
    return <PanelMessage text={fieldConfig.defaults.noValue || 'No alerts'} />;
  }
  const labels = (alert) =>
    Object.entries(alert.labels).filter(([name]) => !NAMED_ELSEWHERE.includes(name)).map(([k, v]) => `${k}=${v}`);
  return (
    <ul style={{ listStyle: 'none', height: '100%', overflow: 'auto' }}>
      {data.alerts.map((alert) => (
        <li
          key={JSON.stringify(alert.labels)}
          style={{ padding: '6px 0', borderBottom: `1px solid ${theme.colors.border.weak}` }}
        >
          <Badge text={alert.state} color={COLOURS[alert.state] ?? 'blue'} />{' '}
          <a href={dashboardPath(alert.annotations?.dashboard_url)} style={{ fontWeight: 500 }}>
            {alert.labels.alertname}
          </a>{' '}
          <span style={{ color: theme.colors.text.secondary }}>
            {[alert.labels.severity, ...labels(alert)].filter(Boolean).join(' · ')}, since{' '}
            {dateTimeFormatTimeAgo(alert.activeAt)}
          </span>
          <div>{alert.annotations?.summary}</div>
        </li>
      ))}
    </ul>
  );
}

/** A dashboard is here under the same path, whatever host the annotation names. */
function dashboardPath(url) {
  const parsed = url && URL.canParse(url, location.origin) && new URL(url, location.origin);
  return parsed && parsed.pathname.startsWith('/d/') ? parsed.pathname + parsed.search : undefined;
}
