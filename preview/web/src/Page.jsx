import { injectGlobal } from '@emotion/css';
import { rangeUtil, ThemeContext } from '@grafana/data';
import { Alert, GlobalStyles, PortalContainer } from '@grafana/ui';
import { useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import { MemoryRouter } from 'react-router-dom-v5-compat';
import { useAddress } from './address.js';
import { theme } from './boot.js';
import { onAction } from './actions.js';
import { Grid } from './Grid.jsx';
import { Header } from './Header.jsx';
import { LiveDashboard } from './live.js';
import { Toasts } from './Toasts.jsx';

const PADDING = 16;

const pageWidth = () => document.documentElement.clientWidth - 2 * PADDING;

injectGlobal({
  html: { overflowY: 'scroll' }, // a scroll bar that comes and goes would change the width
  body: { margin: 0, background: theme.colors.background.canvas }, // else from Grafana's own stylesheet
});

/** Refreshes at the dashboard's pace while the page is looked at, and at once when it is looked at again. */
function useRefresh(live, pace) {
  useEffect(() => {
    const every = pace && rangeUtil.intervalToMs(pace);
    let last = Date.now();
    const look = () => {
      if (every && !document.hidden && Date.now() - last >= every - 100 && !live.busy) {
        last = Date.now();
        live.refresh();
      }
    };
    const timer = every && setInterval(look, every);
    document.addEventListener('visibilitychange', look);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', look);
    };
  }, [live, pace]);
}

function Dashboard({ address, dashboards, onShow }) {
  const live = useMemo(() => new LiveDashboard(address.uid, pageWidth()), [address.uid]);
  const [chosenPace, choosePace] = useState();
  useSyncExternalStore(live.subscribe, live.version);
  useEffect(() => {
    onShow(live);
    live.show(address);
  }, [live, address, onShow]);
  useEffect(() => onAction(() => live.refresh()), [live]);
  useEffect(() => {
    const resize = () => (live.width = pageWidth());
    addEventListener('resize', resize);
    return () => removeEventListener('resize', resize);
  }, [live]);
  const pace = chosenPace ?? live.json?.refresh;
  useRefresh(live, pace);
  useEffect(() => {
    document.title = live.json?.title ?? 'System Status';
  }, [live.json]);
  return (
    <div style={{ padding: PADDING }}>
      <Header live={live} dashboards={dashboards} address={address} pace={pace} onPace={choosePace} />
      <main>
        {live.error && <Alert severity="error" title={live.error} />}
        <Grid live={live} width={live.width} />
      </main>
    </div>
  );
}

export function Page({ dashboards, onShow }) {
  const address = useAddress();
  return (
    <ThemeContext.Provider value={theme}>
      <GlobalStyles isExtensionSidebarOpen={false} hackNoBackdropBlur={false} />
      <MemoryRouter>
        {address.uid ? (
          <Dashboard key={address.uid} address={address} dashboards={dashboards} onShow={onShow} />
        ) : (
          <Alert severity="error" title={dashboards.length ? 'Page not found' : 'There are no dashboards'} />
        )}
        <Toasts />
        <PortalContainer />
      </MemoryRouter>
    </ThemeContext.Provider>
  );
}
