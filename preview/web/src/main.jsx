import { createRoot } from 'react-dom/client';
import { format, navigate, watchAddress } from './address.js';
import { listDashboards } from './api.js';
import { boot } from './boot.js';
import { Page } from './Page.jsx';
import { Probe } from './probe.js';

const FIRST = 'system-status-jobs';

async function main() {
  const probe = (window.preview = new Probe());
  await boot(() => probe.live.context);
  const dashboards = await listDashboards();
  if (location.pathname === '/' && dashboards.length) {
    const { uid } = dashboards.find((d) => d.uid === FIRST) ?? dashboards[0];
    navigate(format({ uid, vars: {} }), { replace: true });
  }
  watchAddress();
  const root = document.getElementById('root');
  createRoot(root).render(<Page dashboards={dashboards} onShow={(live) => (probe.live = live)} />);
}

main().catch((err) => {
  document.getElementById('root').textContent = `The preview can't start: ${err.message}`;
  throw err;
});
