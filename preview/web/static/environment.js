// What Grafana's server puts into its page; must be there before any @grafana package is evaluated.
window.__grafana_public_path__ = '/public/';
window.grafanaBootData = {
  user: {
    id: 1, login: 'preview', name: 'preview', email: '', orgId: 1, orgName: '', isSignedIn: true, theme: 'dark',
    timezone: 'browser', weekStart: '', locale: 'en-US', language: 'en-US', permissions: {}, orgRole: 'Admin',
  },
  settings: {
    appSubUrl: '', appUrl: `${location.origin}/`, datasources: {}, panels: {}, apps: {}, disableSanitizeHtml: false,
    featureToggles: { vizActions: true },
    buildInfo: {
      version: '13.2.2', commit: '', env: 'production', edition: 'Open Source', buildstamp: 0, hideVersion: false,
      hasUpdate: false, latestVersion: '',
    },
  },
  navTree: [],
  assets: {},
};
